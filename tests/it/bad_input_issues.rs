//! Issues as people and attackers write them, on GitHub and in files.

use crate::fake_github::{FakeGitHub, FakeOptions};
use crate::rig::{Ran, Rig, config_for};
use serde_json::json;
use std::collections::BTreeSet;
use std::path::Path;

const WORKS: &str = "#!/bin/sh\ncat > prompt.txt\necho work > \"work-$AUTOISSUE_ISSUE.txt\"\necho '{\"cost_usd\": 0.01, \"summary\": \"did it\"}'\n";

/// A fake GitHub and a checkout whose agent works on its issues.
struct Hub {
    fake: FakeGitHub,
    rig: Rig,
}

impl Hub {
    fn new() -> Self {
        let fake = FakeGitHub::start(&FakeOptions::default());
        let rig = Rig::new();
        let agent = rig.script("agent", WORKS);
        rig.config(&config_for(&fake.api_url(), &fake.git_url(), &agent, None));
        Self { fake, rig }
    }

    fn exec(&self, args: &[&str]) -> Ran {
        self.exec_as(&self.fake.token(), args)
    }

    fn exec_as(&self, token: &str, args: &[&str]) -> Ran {
        let mut command = self.rig.autoissue(&["exec"]);
        command
            .args(args)
            .args(["--isolation", "none"])
            .env("GITHUB_TOKEN", token);
        Ran::from(command.output().unwrap())
    }
}

/// Nothing in it steers a terminal, hides or turns the reading direction.
fn plain(text: &str) {
    let odd = |c: char| {
        c.is_control() && c != '\n'
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
    };
    assert!(!text.contains(odd), "{text:?}");
}

fn is_branch(name: &str, number: u64) -> bool {
    let slug = name.strip_prefix(&format!("autoissue/{number}-"));
    slug.is_some_and(|slug| {
        let is_plain = slug
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        is_plain
            && !slug.is_empty()
            && slug.len() <= 60
            && !slug.starts_with('-')
            && !slug.ends_with('-')
    })
}

#[test]
fn a_token_that_is_missing_or_expired_is_told_with_what_helps() {
    let hub = Hub::new();
    hub.fake.add_issue("One", "x", &["go"]);
    let expired = hub.exec_as("ghp_expired0000000000000000000000000000", &["go"]);
    assert_eq!(expired.code, Some(1));
    assert!(
        expired
            .stderr
            .starts_with("error: could not list the open issues of octo/widgets: Bad credentials (is the token right, and not expired?)\n"),
        "{}",
        expired.stderr
    );
    assert!(
        expired
            .stderr
            .contains("hint: run `gh auth login` or set GITHUB_TOKEN"),
        "{}",
        expired.stderr
    );
    assert!(!expired.stderr.contains("ghp_"), "{}", expired.stderr);
    let blank = hub.exec_as(" ", &["go"]);
    assert_eq!(blank.code, Some(1));
    assert_eq!(
        blank.stderr,
        "error: could not use octo/widgets on GitHub\n  because no token was found\nhint: run `gh auth login` or set GITHUB_TOKEN\n"
    );
    assert_eq!(hub.fake.pulls().len(), 0);
}

#[test]
fn a_pull_is_no_issue_even_with_the_label() {
    let hub = Hub::new();
    let issue = hub.fake.add_issue("One", "x", &["go"]);
    hub.fake.commit("feature", &[("f.txt", "f")]);
    let pull = hub.fake.add_pull("Feature", "feature", "main");
    hub.fake.add_label_to(pull, "go");
    let (pull, missing) = (pull.to_string(), "4711");
    let named = hub.exec(&["--issue", &pull, "--issue", missing]);
    assert_eq!(named.code, Some(0));
    assert_eq!(
        named.stderr,
        format!(
            "#{pull} is left out: there is no issue of that number; pull requests are none\n#{missing} is left out: there is no issue of that number; pull requests are none\n"
        )
    );
    assert_eq!(
        named.stdout,
        format!(
            "Nothing to do: no open issue for issues #{pull} #{missing} in octo/widgets on GitHub.\n"
        )
    );
    let labelled = hub.exec(&["go", "--format", "json"]);
    let tasks = labelled.last_json()["summary"]["tasks"].clone();
    assert_eq!(
        (tasks.as_array().unwrap().len(), &tasks[0]["issue"]),
        (1, &json!(issue))
    );
    let unknown = hub.exec(&["no-such-label"]);
    assert_eq!(
        unknown.stdout,
        "Nothing to do: no open issue for label no-such-label in octo/widgets on GitHub.\n"
    );
}

/// Issues 1 to 10 have odd titles, 11 a long body, and 12 to 21 the same title. A shell that reads one makes the canary.
fn odd_issues(hub: &Hub, canary: &Path) {
    let shell = format!("$(touch {0}) `touch {0}`; touch {0}", canary.display());
    let long = "x".repeat(65_536);
    let titles = [
        "It's \"quoted\" and \\escaped",
        &shell,
        "two\nlines\r\nand three",
        "right \u{202e}to left\u{202c} \u{2067}isolated\u{2069}",
        "red \u{1b}[31mink\u{1b}[0m \u{1b}]0;owned\u{7} \u{9b}2J",
        "-rf --force /",
        "../../../etc/passwd",
        "refs/heads/main.lock..@{-1}",
        "日本語だけ",
        "{{ issue.text }} %s ${HOME}",
    ];
    for title in titles {
        hub.fake
            .add_issue(title, &format!("{title}\n\n```\n{title}"), &["odd"]);
    }
    hub.fake.add_issue("Long body", &long, &["odd"]);
    for _ in 0..10 {
        hub.fake.add_issue("The same title", "", &["odd"]);
    }
}

#[test]
fn any_title_and_body_is_text_and_nothing_else() {
    let hub = Hub::new();
    let canary = hub.rig.path("canary");
    odd_issues(&hub, &canary);
    let dry = hub.exec(&["odd", "--dry-run", "--budget", "200"]);
    assert_eq!(dry.code, Some(0), "{dry:?}");
    plain(&dry.stdout);
    let ran = hub.exec(&["odd", "--budget", "200"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    plain(&ran.stdout);
    plain(&ran.stderr);
    let again = hub.exec(&["odd", "--budget", "200", "--format", "json"]);
    assert_eq!(again.code, Some(0), "{again:?}");
    plain(&again.stdout);
    let read = again.event("tasks_read");
    let told: Vec<&str> = read["tasks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|task| task["title"].as_str().unwrap())
        .collect();
    assert!(told[4].starts_with("red ") && told.len() == 21, "{told:?}");
    assert!(!canary.exists());
    one_pull_an_issue(&hub.fake, 21);
    assert_eq!(hub.fake.violations(), Vec::<String>::new());
}

/// Every issue has a pull from a branch of its own, with its own work.
fn one_pull_an_issue(fake: &FakeGitHub, count: u64) {
    let pulls = fake.pulls();
    assert_eq!(pulls.len() as u64, count);
    let heads: BTreeSet<String> = pulls
        .iter()
        .map(|pull| pull.pull.as_ref().unwrap().head.clone())
        .collect();
    assert_eq!(heads.len() as u64, count);
    for number in 1..=count {
        let head = heads
            .iter()
            .find(|head| head.starts_with(&format!("autoissue/{number}-")));
        let head = head.unwrap_or_else(|| panic!("#{number}: {heads:?}"));
        assert!(is_branch(head, number), "{head}");
        assert_eq!(
            fake.file(head, &format!("work-{number}.txt"))
                .as_deref()
                .map(str::trim),
            Some("work")
        );
    }
    for pull in &pulls {
        plain(&pull.title);
    }
}

#[test]
fn two_hundred_and_fifty_issues_are_all_seen() {
    let hub = Hub::new();
    for number in 0..250 {
        hub.fake
            .add_issue(&format!("Number {number}"), "x", &["many"]);
    }
    let told = hub.exec(&["many", "--dry-run", "--format", "json"]);
    assert_eq!(told.last_json()["tasks"].as_array().unwrap().len(), 250);
    let refused = hub.exec(&["many"]);
    assert_eq!(refused.code, Some(4));
    assert!(
        refused
            .stderr
            .contains("Cannot afford 250 tasks: estimated $1250.00 exceeds budget $50.00"),
        "{}",
        refused.stderr
    );
}

#[test]
fn what_an_issue_waits_for_outside_of_the_run_is_told() {
    let rig = Rig::local(
        "echo x > \"f$AUTOISSUE_ISSUE.txt\"; echo '{\"cost_usd\": 0.01}'",
        &json!({}),
    );
    rig.issue(1, "Waits", "depends on #2");
    rig.issue(3, "Goes", "depends on #4");
    rig.issue(5, "Follows", "depends on #1");
    rig.write("checkout/.autoissue/issues/2.md", "---\ntitle: Open\n---\n");
    rig.write(
        "checkout/.autoissue/issues/4.md",
        "---\ntitle: Closed\nstate: closed\n---\n",
    );
    let ran = rig.go();
    assert_eq!(ran.code, Some(3), "{ran:?}");
    let (waits, goes, follows) = (ran.task(1), ran.task(3), ran.task(5));
    assert_eq!(
        (waits["outcome"].as_str(), waits["reason"].as_str()),
        (
            Some("blocked"),
            Some("needs #2, which is open and not part of this run")
        )
    );
    assert_eq!(goes["outcome"], "completed");
    assert_eq!(
        (follows["outcome"].as_str(), follows["reason"].as_str()),
        (Some("blocked"), Some("needs #1, which ended as blocked"))
    );
}

#[test]
fn an_issue_that_is_closed_meanwhile_gets_no_pull_and_its_work_is_kept() {
    let rig = Rig::local(
        "echo x > x.txt; sed -i 's/^title:/state: closed\\ntitle:/' \"$ISSUE\"; echo '{\"cost_usd\": 0.01}'",
        &json!({}),
    );
    let file = rig.path("checkout/.autoissue/issues/1.md");
    rig.issue(1, "Closed soon", "x");
    let mut config: serde_json::Value = serde_json::from_str(
        &std::fs::read_to_string(rig.path("checkout/autoissue.config.json")).unwrap(),
    )
    .unwrap();
    config["agent"]["env"] = json!({ "ISSUE": file });
    rig.config(&config);
    let ran = rig.go();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(
        text.contains("state: closed") && !text.contains("This is done"),
        "{text}"
    );
    assert_eq!(ran.count("skipped"), 1, "{ran:?}");
    let again = rig.run(&["exec", "--issue", "1"]);
    assert_eq!(again.stderr, "#1 is left out: it is closed\n");
}

#[test]
fn labels_that_are_empty_are_not_used() {
    let hub = Hub::new();
    let number = hub.fake.add_issue("One", "x", &["go"]);
    let mut config = config_for(
        &hub.fake.api_url(),
        &hub.fake.git_url(),
        &hub.rig.path("bin/agent"),
        None,
    );
    config["labels"] =
        json!({ "working": "", "completed": "", "failed": "", "blocked": "", "review": "" });
    hub.rig.config(&config);
    assert_eq!(hub.exec(&["go"]).code, Some(0));
    assert_eq!(hub.fake.labels(number), ["go"]);
    let writes: Vec<String> = hub
        .fake
        .requests()
        .iter()
        .filter(|request| request.writes())
        .map(|request| request.path.clone())
        .collect();
    assert!(
        writes.iter().all(|path| !path.contains("labels")),
        "{writes:?}"
    );
}
