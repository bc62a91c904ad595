//! A watch is killed at every event of a round, watched again, and compared with one that nobody disturbed.

use crate::deaths::{Death, at_every_event};
use crate::fake_github::{Fault, Logged};
use crate::rig::{Ran, aloud, leftovers_in_the_end};
use crate::stage::Stage;
use serde_json::json;

/// The same however often it is asked.
const AGENT: &str = r#"#!/bin/sh
cat > told
if grep -q "pull request #" told; then echo again > again.txt; fi
rm told
echo "$AUTOISSUE_ISSUE" > "file-$AUTOISSUE_ISSUE.txt"
echo '{"cost_usd": 0.01, "summary": "Said and done."}'
"#;
const HEAD: &str = "autoissue/1-thing-1";
const PULL: u64 = 2;

/// A pull with a comment on a line, a review, and a base that moved; the first answer's reply gets lost.
fn stage() -> Stage {
    let mut stage = Stage::new(AGENT, None);
    stage.configure(&json!({ "watch": { "updateMinutes": 0 } }));
    stage.issue(1, &["go"]);
    let ran = stage.exec("go", &[]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let fake = &stage.fake;
    fake.remark(PULL, "a-maintainer", ("file-1.txt", 1), "Once more.");
    fake.review(
        PULL,
        "a-maintainer",
        "CHANGES_REQUESTED",
        "Once more, as I said.",
    );
    fake.commit("main", &[("other.txt", "other\n")]);
    fake.fail_when(is_reply, Fault::DroppedReply, 1);
    stage
}

fn is_reply(request: &Logged) -> bool {
    request.method == "POST" && request.path.ends_with("/replies")
}

fn watch(stage: &Stage, extra: &[(&str, &str)]) -> Ran {
    let args = ["watch", "--once", "--isolation", "none", "--format", "json"];
    let mut command = stage.command(&args);
    command.envs(extra.iter().copied());
    command.output().unwrap().into()
}

/// What is left for people: the tree, the answers without the names of commits, and the pulls.
fn essence(stage: &Stage) -> Vec<String> {
    let fake = &stage.fake;
    let own = |author: &str| author == "octo-bot";
    let kind = |body: &str| body.lines().last().unwrap_or_default().to_owned();
    let remarks = fake.remarks().into_iter().filter(|it| own(&it.author));
    let comments = fake.comments(PULL).into_iter().filter(|it| own(&it.author));
    let mut answers: Vec<String> = remarks.map(|it| kind(&it.body)).collect();
    answers.extend(comments.map(|it| kind(&it.body)));
    answers.sort();
    answers.push(format!("{:?}", fake.tree_of(HEAD)));
    answers.push(format!("{:?}", stage.heads()));
    answers
}

fn undisturbed() -> Vec<String> {
    let stage = stage();
    let ran = watch(&stage, &[]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let essence = essence(&stage);
    assert_eq!(
        essence.len(),
        4,
        "two answers, a tree and a pull: {essence:?}"
    );
    essence
}

#[test]
fn a_kill_at_any_event_of_a_round_answers_once_and_changes_nothing_in_the_end() {
    let expected = undisturbed();
    let kills = at_every_event(|at, side| killed_at(at, side, &expected));
    aloud(&format!(
        "killed a watch {kills} times, before and after every event of a round: each was answered once"
    ));
    assert!(kills > 30, "{kills}");
}

fn killed_at(at: usize, side: &str, expected: &[String]) -> Result<Death, String> {
    let stage = stage();
    let point = format!("{at}:{side}");
    let first = watch(&stage, &[("AUTOISSUE_CRASH_AT", &point)]);
    if first.code == Some(0) {
        return Ok(Death::NeverCame);
    }
    // One that died before its first event was written goes on as if it had never been.
    let second = watch(&stage, &[]);
    let essence = essence(&stage);
    let left = leftovers_in_the_end(&stage.marker());
    let violations = stage.fake.violations();
    let is_well = second.code == Some(0) && essence == expected && left.is_empty();
    if first.code.is_none() && is_well && violations.is_empty() {
        return Ok(Death::Survived);
    }
    Err(format!(
        "{point}: {:?} {:?} {essence:#?}\nleft: {left:?} {violations:?}\n{}\n{}",
        first.code, second.code, second.stdout, second.stderr
    ))
}

/// The control: the same kills, without a look before what is done anew.
#[test]
fn without_looking_first_a_kill_at_any_event_answers_twice() {
    let blind = ("AUTOISSUE_FAULT", "no-look");
    let expected = undisturbed().len();
    let doubled = (1..60).rev().find(|at| {
        let stage = stage();
        let point = format!("{at}:before");
        let first = watch(&stage, &[blind, ("AUTOISSUE_CRASH_AT", &point)]);
        first.code.is_none() && {
            watch(&stage, &[blind]);
            essence(&stage).len() > expected
        }
    });
    assert!(doubled.is_some(), "an answer that is sent twice");
}
