//! Projects: the pages that show what is watched, and the forms that say something to it.

use crate::config::serving::{Served, Weight};
use crate::reporters::time::rfc3339;
use crate::reporters::words::plural;
use crate::rules::ids::{IssueNumber, Timestamp};
use crate::rules::printable::{clip, printable};
use crate::serve::acts::back;
use crate::serve::desk::{Ask, Card, Desk, IssueCard, IssueState, SourceCard, Standing};
use crate::serve::pages::SaidPage;
use crate::serve::problem::Problem;
use crate::serve::server::{House, page};
use askama::Template;
use axum::extract::{Form, Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use serde::Deserialize;
use std::path::PathBuf;
use std::sync::Arc;

/// Issues of a project on one page.
const PAGE: usize = 200;
/// Characters of a title.
const TITLE: usize = 120;

/// All projects.
#[derive(Template)]
#[template(path = "projects.html")]
struct ProjectsPage {
    title: String,
    /// Beside a single run nothing is watched.
    is_watching: bool,
    problems: Vec<String>,
    is_draining: bool,
    cards: Vec<ShownCard>,
}

/// A project in the list, and on its own page.
struct ShownCard {
    name: String,
    key: String,
    path: String,
    label: String,
    weight: u32,
    auto_sync: bool,
    is_on: bool,
    is_added: bool,
    waiting: usize,
    begun: usize,
    over: usize,
    state: String,
    trouble: String,
    synced: String,
    sources: Vec<ShownSource>,
}

/// Another source of work of a project.
struct ShownSource {
    name: String,
    kind: &'static str,
    /// How it stands, in words.
    state: String,
    /// The colour of that.
    tone: &'static str,
    trouble: String,
    asked: String,
    next: String,
    opened: String,
}

/// One project with its issues.
#[derive(Template)]
#[template(path = "project.html")]
struct ProjectPage {
    title: String,
    card: ShownCard,
    shown: Shown,
    labels: Vec<String>,
    issues: Vec<ShownIssue>,
    found: usize,
    pages: usize,
}

struct ShownIssue {
    number: u64,
    title: String,
    url: Option<String>,
    labels: Vec<String>,
    state: &'static str,
    can_start: bool,
}

/// Which issues are shown.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Shown {
    state: String,
    label: String,
    /// Which page of them, counted from 1.
    page: usize,
}

/// A form of these pages.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Wish {
    #[serde(rename = "do")]
    verb: String,
    project: String,
    issue: u64,
    path: String,
    label: String,
    weight: String,
    start: Option<String>,
    sync: Option<String>,
    back: String,
}

impl IssueState {
    /// One word for it.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Begun => "begun",
            Self::Over => "over",
        }
    }
}

impl ShownCard {
    fn of(card: &Card, now: Timestamp) -> Self {
        let count = |state| {
            card.issues
                .iter()
                .filter(|issue| issue.state == state)
                .count()
        };
        let ago = |at: Timestamp| format!("{} s ago", now.millis_since(at) / 1_000);
        let state = match (card.running, card.is_on) {
            (Some(since), _) => format!("running since {}", rfc3339(since)),
            (None, true) => "starts issues by itself".to_owned(),
            (None, false) => "paused".to_owned(),
        };
        Self {
            name: card.name.clone(),
            key: card.key.clone().unwrap_or_default(),
            path: card.served.path.display().to_string(),
            label: printable(&card.served.label),
            weight: card.served.weight.get(),
            auto_sync: card.served.auto_sync,
            is_on: card.is_on,
            is_added: card.is_added,
            waiting: count(IssueState::Waiting),
            begun: count(IssueState::Begun),
            over: count(IssueState::Over),
            state,
            trouble: card.trouble.as_deref().map(printable).unwrap_or_default(),
            synced: card.synced.map_or("never".to_owned(), ago),
            sources: (card.sources.iter())
                .map(|source| ShownSource::of(source, now))
                .collect(),
        }
    }
}

impl ShownSource {
    fn of(source: &SourceCard, now: Timestamp) -> Self {
        let failures = plural(u64::from(source.failures), "time");
        let (state, tone) = match (source.is_up(), source.is_disabled) {
            (None, _) => ("was not asked yet".to_owned(), "faint"),
            (Some(true), _) => ("answers".to_owned(), "good"),
            (Some(false), false) => (format!("failed {failures} in a row"), "warn"),
            (Some(false), true) => (format!("disabled: failed {failures} in a row"), "bad"),
        };
        let ago = |at: Timestamp| format!("{} s ago", now.millis_since(at) / 1_000);
        Self {
            name: printable(&source.name),
            kind: source.kind.name(),
            state,
            tone,
            trouble: source.trouble.as_deref().map(printable).unwrap_or_default(),
            asked: source.asked.map_or("never".to_owned(), ago),
            next: match source.next.millis_since(now) / 1_000 {
                0 => "soon".to_owned(),
                seconds => format!("in {seconds} s"),
            },
            opened: plural(u64::from(source.opened), "issue"),
        }
    }
}

impl ShownIssue {
    fn of(issue: &IssueCard) -> Self {
        Self {
            number: issue.number.0,
            title: clip(&printable(&issue.title), TITLE),
            url: issue
                .url
                .clone()
                .filter(|url| url.starts_with("https://") || url.starts_with("http://")),
            labels: issue.labels.iter().map(|label| printable(label)).collect(),
            state: issue.state.word(),
            can_start: issue.state != IssueState::Over,
        }
    }
}

impl Shown {
    fn has(&self, issue: &IssueCard) -> bool {
        let state = self.state.is_empty() || issue.state.word() == self.state;
        state && (self.label.is_empty() || issue.labels.contains(&self.label))
    }
}

/// The page of all projects.
pub(super) async fn all(State(house): State<House>) -> Result<Response, Problem> {
    let standing = house.desk.as_ref().map(|desk| desk.standing());
    let is_watching = standing.is_some();
    let standing = standing.unwrap_or_default();
    let now = house.now();
    Ok(page(&ProjectsPage {
        title: "Projects".to_owned(),
        is_watching,
        problems: standing
            .problems
            .iter()
            .map(|problem| printable(problem))
            .collect(),
        is_draining: standing.is_draining,
        cards: standing
            .projects
            .iter()
            .map(|card| ShownCard::of(card, now))
            .collect(),
    }))
}

/// The page of one.
pub(super) async fn one(
    State(house): State<House>,
    Path(name): Path<String>,
    Query(mut shown): Query<Shown>,
) -> Result<Response, Problem> {
    let standing = desk(&house)?.standing();
    let card = card(&standing, &name)?;
    let mut labels: Vec<String> = card
        .issues
        .iter()
        .flat_map(|issue| issue.labels.clone())
        .collect();
    labels.sort_unstable();
    labels.dedup();
    let found: Vec<&IssueCard> = card
        .issues
        .iter()
        .filter(|issue| shown.has(issue))
        .collect();
    let pages = found.len().div_ceil(PAGE).max(1);
    shown.page = shown.page.clamp(1, pages);
    let from = (shown.page - 1) * PAGE;
    Ok(page(&ProjectPage {
        title: card.name.clone(),
        card: ShownCard::of(card, house.now()),
        found: found.len(),
        issues: (found.into_iter().skip(from).take(PAGE))
            .map(ShownIssue::of)
            .collect(),
        pages,
        labels,
        shown,
    }))
}

/// Does what a form asks for, and goes back to its page.
pub(super) async fn act(
    State(house): State<House>,
    Form(wish): Form<Wish>,
) -> Result<Response, Problem> {
    let back = back(&wish.back);
    let done = match ask(wish) {
        Ok(ask) => desk(&house)?.ask(ask).await,
        Err(why) => Err(Problem::refused(why)),
    };
    Ok(match done {
        Ok(()) => Redirect::to(&back).into_response(),
        Err(problem) => {
            let said = SaidPage {
                title: "That was not done".to_owned(),
                words: problem.detail.unwrap_or(problem.title),
            };
            (StatusCode::CONFLICT, page(&said)).into_response()
        }
    })
}

fn ask(wish: Wish) -> Result<Ask, String> {
    let project = wish.project;
    Ok(match wish.verb.as_str() {
        "sync" => Ask::Sync(project),
        "start-all" => Ask::Start(project, Vec::new()),
        "start" if wish.issue > 0 => Ask::Start(project, vec![IssueNumber(wish.issue)]),
        "on" => Ask::Switch(project, true),
        "off" => Ask::Switch(project, false),
        "drop" => Ask::Drop(project),
        "put" => {
            let weight = serde_json::from_str::<Weight>(wish.weight.trim());
            let usual = Served::at(PathBuf::from(wish.path.trim()));
            let name = Some(project).filter(|name| !name.trim().is_empty());
            let label = wish.label.trim().to_owned();
            if label.is_empty() {
                return Err("it has no label".to_owned());
            }
            Ask::Put(Box::new(Served {
                name,
                label,
                auto_sync: wish.sync.is_some(),
                auto_start: wish.start.is_some(),
                weight: weight.map_err(|error| format!("the weight is wrong: {error}"))?,
                ..usual
            }))
        }
        other => return Err(format!("nobody knows how to {other:.40}")),
    })
}

/// Where projects are watched, if they are.
pub(super) fn desk(house: &House) -> Result<&Arc<Desk>, Problem> {
    house.desk.as_ref().ok_or_else(Problem::not_found)
}

/// The project of this name.
pub(super) fn card<'a>(standing: &'a Standing, name: &str) -> Result<&'a Card, Problem> {
    let card = standing.projects.iter().find(|card| card.name == name);
    card.ok_or_else(Problem::not_found)
}
