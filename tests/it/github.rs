//! GitHub, as the adapter sees it, against the stateful fake.

use crate::fake_github::{FakeGitHub, FakeOptions};
use autoissue::adapters::github::forge::{GitHub, GitHubSettings};
use autoissue::ports::Forge;
use autoissue::rules::issue::Selection;

fn github(fake: &FakeGitHub) -> GitHub {
    let settings = GitHubSettings::new("octo/widgets", &fake.api_url(), fake.token().into());
    GitHub::new(settings).unwrap()
}

fn labelled(label: &str) -> Selection {
    Selection {
        label: Some(label.into()),
        ..Selection::default()
    }
}

#[tokio::test]
async fn every_page_of_a_long_list_is_read_and_pulls_are_left_out() {
    let fake = FakeGitHub::start(&FakeOptions::default());
    for number in 0..250 {
        fake.add_issue(&format!("Issue {number}"), "Do it.", &["todo"]);
    }
    fake.commit("work", &[("a.txt", "a\n")]);
    let pull = fake.add_pull("A pull", "work", "main");
    fake.add_label_to(pull, "todo");
    let github = github(&fake);

    let issues = github.open_issues(&labelled("todo")).await.unwrap();
    assert_eq!(issues.len(), 250);
    assert_eq!(fake.violations(), Vec::<String>::new());
}
