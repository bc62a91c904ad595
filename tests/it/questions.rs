//! Agents that ask instead of doing: the question on the issue, the answer that counts, and what goes on.

use crate::fake_github::{Fault, Logged};
use crate::rig::{Ran, Rig};
use crate::stage::Stage;
use serde_json::json;

/// Asks first, and writes what it was told once that is an answer.
const AGENT: &str = r#"#!/bin/sh
cat > PLACE/told
if grep -q "A person of the repository answered" PLACE/told; then echo x > file-1.txt
else printf '%s\n' '{"cost_usd": 0.25, "summary": "I looked.\n\nNEEDS INPUT: red or blue?"}'; exit 0; fi
echo '{"cost_usd": 0.25, "summary": "did it"}'
"#;

fn shop() -> Rig {
    let rig = Rig::new();
    let place = rig.path("").display().to_string();
    let agent = rig.script(
        "agent",
        &AGENT.replace("PLACE", place.trim_end_matches('/')),
    );
    rig.config(&json!({ "agent": { "kind": "command", "command": [agent] } }));
    rig.issue(1, "One", "Paint `file-1.txt`.");
    rig
}

fn resume(rig: &Rig) -> Ran {
    rig.run(&["resume", "--format", "json"])
}

fn told(rig: &Rig) -> String {
    std::fs::read_to_string(rig.path("told")).unwrap()
}

#[test]
fn a_question_stands_below_the_issue_and_an_answer_there_is_taken_up() {
    let rig = shop();
    let ran = rig.go();
    assert_eq!(ran.code, Some(5), "{ran:?}");
    assert_eq!(ran.event("input_awaited")["question"], "red or blue?");
    let status = rig.run(&["status", "--issue", "1"]);
    assert!(status.stdout.contains("an answer"), "{status:?}");
    let why = rig.run(&["why", "1"]);
    assert!(
        why.stdout
            .contains("`autoissue answer 1 \"...\"` (red or blue?)"),
        "{why:?}"
    );
    let path = "checkout/.autoissue/issues/1.md";
    let text = std::fs::read_to_string(rig.path(path)).unwrap();
    assert!(text.contains("> red or blue?"), "{text}");
    // Nothing was answered yet.
    assert_eq!(resume(&rig).code, Some(5));
    assert_eq!(
        std::fs::read_to_string(rig.path(path)).unwrap(),
        text,
        "asked once"
    );

    rig.write(path, &format!("{text}\nBlue, like the rest.\n"));
    let ran = resume(&rig);
    assert_eq!(ran.count("completed"), 1, "{ran:?}");
    assert!(
        told(&rig).contains("Blue, like the rest."),
        "{}",
        told(&rig)
    );
    assert_eq!(rig.file("autoissue/1-one", "file-1.txt"), "x");
}

#[test]
fn an_answer_from_the_terminal_does_the_same_and_only_one_counts() {
    let rig = shop();
    let early = rig.run(&["answer", "1", "blue"]);
    assert_eq!(early.code, Some(1), "{early:?}");
    assert_eq!(rig.go().code, Some(5));
    let approve = rig.run(&["approve", "1"]);
    assert!(
        approve
            .stderr
            .contains("does not wait for approval, but for an answer"),
        "{approve:?}"
    );
    let answered = rig.run(&["answer", "1", "blue", "please"]);
    assert_eq!(answered.code, Some(0), "{answered:?}");
    assert!(
        answered
            .stdout
            .contains("takes it up with `autoissue resume"),
        "{answered:?}"
    );
    let again = rig.run(&["answer", "1", "red"]);
    assert!(
        again.stderr.contains("it was answered already: answer"),
        "{again:?}"
    );
    let ran = resume(&rig);
    assert_eq!(ran.count("completed"), 1, "{ran:?}");
    assert!(told(&rig).contains("blue please"), "{}", told(&rig));
    let late = rig.run(&["answer", "1", "red"]);
    assert!(late.stderr.contains("has finished"), "{late:?}");
}

#[test]
fn on_github_only_those_who_may_write_answer() {
    let stage = Stage::new(AGENT, None);
    stage.issue(1, &["go"]);
    assert_eq!(stage.exec("go", &[]).code, Some(5));
    let marker = "<!-- autoissue:v1 session=x issue=1 kind=input-1 -->";
    stage
        .fake
        .add_comment(1, "an-outsider", &format!("Green. {marker}"));
    assert_eq!(
        stage.resume().code,
        Some(5),
        "an outsider's words are no answer"
    );
    stage.fake.add_comment(1, "a-maintainer", "Blue.");
    let ran = stage.resume();
    assert_eq!(ran.count("completed"), 1, "{ran:?}");
    let told = std::fs::read_to_string(stage.rig.path("told")).unwrap();
    assert!(told.contains("Blue.") && !told.contains("Green."), "{told}");
    stage.assert_lawful();
}

#[test]
fn its_help_shows_an_example() {
    let help = shop().run(&["answer", "--help"]);
    assert!(
        help.stdout.contains("autoissue answer 12 \"the second one"),
        "{help:?}"
    );
}

/// What our account says on an issue, without the marker, by kind.
fn said(stage: &Stage, issue: u64) -> Vec<(String, String)> {
    let comments = stage.fake.comments(issue).into_iter();
    let ours = comments.filter(|comment| comment.author == "octo-bot");
    ours.map(|comment| {
        let (words, marker) = comment.body.rsplit_once("\n\n<!-- ").unwrap();
        let kind = marker.rsplit_once("kind=").unwrap().1;
        (kind.trim_end_matches(" -->\n").to_owned(), words.to_owned())
    })
    .collect()
}

#[test]
fn one_comment_tells_how_an_issue_stands_and_is_changed_in_place() {
    let mut stage = Stage::new(AGENT, None);
    stage.configure(&json!({ "labels": { "working": "" } }));
    stage.issue(1, &["go"]);
    // The work begins: the reply is lost, and it is told once all the same.
    let is_comment =
        |request: &Logged| request.method == "POST" && request.path.ends_with("/comments");
    stage.fake.fail_when(is_comment, Fault::DroppedReply, 1);
    assert_eq!(stage.exec("go", &[]).code, Some(5));
    let asks = said(&stage, 1);
    let kinds: Vec<&str> = asks.iter().map(|(kind, _)| kind.as_str()).collect();
    assert_eq!(kinds, ["status", "input-1"], "{asks:?}");
    assert_eq!(
        asks[0].1,
        "The work on this waits for an answer to the question below.\n\nAnswer in a comment, or with `autoissue answer 1 \"...\"`."
    );
    // It goes on, and is done: of the two changes the first loses its reply, and the second comes to a comment that
    // somebody deleted.
    let is_change =
        |request: &Logged| request.method == "PATCH" && request.path.contains("/issues/comments/");
    stage.fake.fail_when(is_change, Fault::BadGatewayAfter, 1);
    stage.fake.add_comment(1, "a-maintainer", "Blue.");
    let deleted = Fault::Meanwhile(|state| {
        let comments = &mut state.item(1).comments;
        comments.retain(|comment| !comment.body.contains("kind=status"));
    });
    stage
        .fake
        .fail_when(move |request| is_change(request), deleted, 1);
    let ran = stage.resume();
    assert_eq!(ran.count("completed"), 1, "{ran:?}");
    let done = said(&stage, 1);
    let kinds: Vec<&str> = done.iter().map(|(kind, _)| kind.as_str()).collect();
    assert_eq!(kinds, ["input-1", "status"], "{done:?}");
    assert_eq!(done[1].1, "This is done in #2.\n\n2 attempts, $0.50.");
    let changes = stage
        .fake
        .requests()
        .iter()
        .filter(|request| is_change(request))
        .count();
    assert_eq!(changes, 3, "it asks, it goes on, it is done");
    // A second run says nothing more.
    stage.fake.forget_requests();
    assert_eq!(stage.exec("go", &[]).code, Some(0));
    assert!(!stage.fake.requests().iter().any(Logged::writes));
    stage.assert_lawful();
}

#[test]
fn what_ends_without_a_pull_says_why_in_the_same_comment() {
    let stage = Stage::new("#!/bin/sh\ncat > /dev/null\nexit 1\n", None);
    stage.issue(1, &["go"]);
    assert_eq!(stage.exec("go", &[]).code, Some(3));
    let told = said(&stage, 1);
    assert_eq!(told.len(), 1, "{told:?}");
    let words = &told[0].1;
    assert!(
        words.starts_with("This could not be done.\n\n> "),
        "{words}"
    );
    assert!(
        words.contains("Try it again with `autoissue exec --issue 1`."),
        "{words}"
    );
    // The next session has a comment of its own.
    assert_eq!(stage.exec("go", &[]).code, Some(3));
    assert_eq!(said(&stage, 1).len(), 2);
}

#[test]
fn an_issue_that_is_closed_meanwhile_does_not_say_for_ever_that_it_is_worked_on() {
    let stage = Stage::with_issues(1);
    // It is closed as the work is pushed: nothing is offered.
    let closes = Fault::Meanwhile(|state| state.set_open(1, false));
    let is_working =
        |request: &Logged| request.method == "POST" && request.path.ends_with("/comments");
    stage.fake.fail_when(is_working, closes, 1);
    let ran = stage.exec("go", &[]);
    assert_eq!(ran.count("skipped"), 1, "{ran:?}");
    let told = said(&stage, 1);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0]
            .1
            .starts_with("This was left out.\n\n> its issue was closed meanwhile"),
        "{told:?}"
    );
}
