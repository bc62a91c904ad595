//! GitHub as the adapter sees it, against the stateful fake.

mod fake;
mod limits;
mod listing;
mod reads;
mod refusals;
mod writes;

use crate::fake_github::{FakeGitHub, FakeOptions, Fault, Gate, Logged};
use autoissue::adapters::github::forge::{GitHub, GitHubSettings};
use autoissue::adapters::github::limits::Limits;
use autoissue::adapters::github::tokens::Tokens;
use autoissue::ports::ForgeError;
use autoissue::rules::ids::{BranchName, IssueNumber};
use autoissue::rules::issue::Selection;
use autoissue::rules::task::PullDraft;
use std::time::Duration;

const PROJECT: &str = "octo/widgets";

fn fake() -> FakeGitHub {
    FakeGitHub::start(&FakeOptions::default())
}

fn settings(fake: &FakeGitHub) -> GitHubSettings {
    let mut settings =
        GitHubSettings::new(PROJECT, &fake.api_url(), Tokens::fixed(fake.token().into()));
    settings.repeats.first = Duration::from_millis(1);
    settings
}

fn github(fake: &FakeGitHub) -> GitHub {
    GitHub::new(settings(fake)).unwrap()
}

/// As careful as with GitHub itself.
fn careful(fake: &FakeGitHub) -> GitHub {
    let mut settings = settings(fake);
    settings.limits = Limits::published();
    GitHub::new(settings).unwrap()
}

/// octocrab as it comes, which our own client must not be.
fn plain_octocrab(fake: &FakeGitHub) -> octocrab::Octocrab {
    fake.expect_bursts("it knows no pace");
    let builder = octocrab::Octocrab::builder()
        .base_uri(fake.api_url())
        .unwrap();
    builder.personal_token(fake.token()).build().unwrap()
}

fn labelled(label: &str) -> Selection {
    Selection {
        label: Some(label.into()),
        ..Selection::default()
    }
}

fn numbered(numbers: &[u64]) -> Selection {
    Selection {
        numbers: numbers.iter().copied().map(IssueNumber).collect(),
        ..Selection::default()
    }
}

fn branch(name: &str) -> BranchName {
    BranchName::new(name)
}

fn draft(head: &str) -> PullDraft {
    PullDraft {
        issue: IssueNumber(1),
        head: branch(head),
        base: "main".into(),
        title: "Work".into(),
        body: "Closes #1".into(),
        draft: false,
    }
}

/// As a server that has no GraphQL.
fn without_graphql(fake: &FakeGitHub) {
    fake.fail_when(|it| it.path == "/graphql", Fault::Unknown, usize::MAX);
}

fn is_unknown<T>(result: &Result<T, ForgeError>) -> bool {
    matches!(result, Err(ForgeError::Unknown { .. }))
}

fn paths(requests: &[Logged]) -> Vec<String> {
    let name = |request: &Logged| format!("{} {}", request.method, request.path);
    requests.iter().map(name).collect()
}

/// Every way in which an answer can get lost after what was asked has been done.
fn lost_answers() -> [Fault; 6] {
    [
        Fault::BadGatewayAfter,
        Fault::CutOff,
        Fault::TruncatedJson,
        Fault::Html,
        Fault::DroppedReply,
        Fault::Held(Gate::closed()),
    ]
}

/// Every way in which a request can get lost.
fn lost_requests() -> [Fault; 2] {
    [Fault::BadGateway, Fault::Reset]
}

#[track_caller]
fn assert_honest(fake: &FakeGitHub) {
    assert_eq!(fake.violations(), Vec::<String>::new());
}
