//! Conflicts are found by merging the work as it appears, and the later work is brought onto the earlier.

use crate::deaths::{Death, at_every_event};
use crate::fake_github::Logged;
use crate::rig::{Ran, aloud, leftovers_in_the_end};
use crate::stage::Stage;
use crate::tasks::{settings, task};
use autoissue::rules::classify::Domain;
use autoissue::rules::event::{Event, Fact, Input, Recorded};
use autoissue::rules::ids::{AttemptNumber, CommitId, IssueNumber, SessionId, Timestamp, TreeId};
use autoissue::rules::issue::Selection;
use autoissue::rules::schedule::session::Session;
use autoissue::rules::task::{Commit, DiffStat};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Writes its number where all write theirs; where git left markers, keeps the lines of both.
const AGENT: &str = r#"#!/bin/sh
cat > PLACE/prompt-$AUTOISSUE_ISSUE-$AUTOISSUE_ATTEMPT
echo "$AUTOISSUE_ISSUE" >> PLACE/runs
if grep -q '^<<<<<<<' shared.txt 2>/dev/null; then
  grep -v '^[<=>]' shared.txt | sort > solved; mv solved shared.txt
else
  echo "line $AUTOISSUE_ISSUE" > shared.txt
  echo "$AUTOISSUE_ISSUE" > "own-$AUTOISSUE_ISSUE.txt"
fi
echo '{"cost_usd": 0.25, "summary": "did it"}'
"#;

const CHECK: &str = "#!/bin/sh\n! grep -q '^<' shared.txt\n";

fn stage(agent: &str, scheduling: &Value) -> Stage {
    let mut stage = Stage::new(agent, Some(CHECK));
    stage.configure(&json!({ "executor": { "maxParallel": 1 }, "scheduling": scheduling }));
    for (place, domain) in (1..).zip(["Backend", "Frontend"]) {
        stage
            .fake
            .add_issue(&format!("[{domain}] Thing {place}"), "x", &["go"]);
    }
    stage
}

fn base_of(stage: &Stage, issue: u64) -> String {
    let start = format!("autoissue/{issue}-");
    let pulls = stage
        .fake
        .pulls()
        .into_iter()
        .map(|pull| pull.pull.unwrap());
    pulls
        .into_iter()
        .find(|pull| pull.head.starts_with(&start))
        .unwrap()
        .base
}

const ONE: &str = "autoissue/1-backend-thing-1";
const TWO: &str = "autoissue/2-frontend-thing-2";

#[test]
fn work_that_conflicts_is_brought_onto_the_earlier_one_once() {
    let stage = stage(AGENT, &json!({}));
    let ran = stage.exec("go", &[]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let found = ran.event("test_merged");
    assert_eq!(
        found["conflicts"],
        json!([]),
        "one alone conflicts with nobody"
    );
    let conflict = json!([{ "issue": 2, "with": 1, "paths": ["shared.txt"] }]);
    let events = ran.events();
    assert!(
        events.iter().any(|event| event["conflicts"] == conflict),
        "{ran:?}"
    );
    assert_eq!(stage.runs(), [1, 2, 2]);
    assert_eq!(
        stage.fake.file(TWO, "shared.txt").as_deref(),
        Some("line 1\nline 2")
    );
    assert_eq!(base_of(&stage, 2), ONE);
    assert_eq!(stage.fake.changed(ONE, TWO), ["own-2.txt", "shared.txt"]);
    assert_eq!(
        stage.fake.changed(TWO, ONE),
        [""; 0],
        "it holds all of the earlier one"
    );
    assert_eq!(stage.fake.pulls().len(), 2);
    let told = ran.last_json()["summary"].clone();
    assert_eq!(told["conflicts"], json!([]), "{told}");
    assert_eq!(told["certificate"]["together"], json!([1, 2]));
    let prompt = std::fs::read_to_string(stage.rig.path("prompt-2-2")).unwrap();
    assert!(
        prompt.contains("bring both together") && prompt.contains("* shared.txt"),
        "{prompt}"
    );
    for issue in [1, 2] {
        assert_eq!(stage.fake.comments(issue).len(), 1);
    }
    stage.assert_lawful();
}

#[test]
fn switched_off_the_conflict_is_told_and_nothing_is_paid() {
    let stage = stage(AGENT, &json!({ "rework": false }));
    let ran = stage.exec("go", &[]);
    assert_eq!(stage.runs(), [1, 2]);
    let told = ran.last_json()["summary"].clone();
    assert_eq!(told["conflicts"][0]["issue"], 2, "{told}");
    let body = stage.pull_body(TWO);
    assert!(
        body.contains("it conflicts with those before it over `shared.txt`"),
        "{body}"
    );
    assert_eq!(base_of(&stage, 2), "main");
}

#[test]
fn without_a_certificate_the_pull_of_the_later_tells_the_conflict() {
    let stage = stage(AGENT, &json!({ "rework": false, "certificate": false }));
    let ran = stage.exec("go", &[]);
    let told = ran.last_json()["summary"].clone();
    assert_eq!(told["certificate"], Value::Null, "{told}");
    assert_eq!(told["conflicts"][0]["issue"], 2, "{told}");
    let pull = |head: &str| {
        let pulls = stage.fake.pulls().into_iter();
        let mut pulls = pulls.filter(|pull| pull.pull.as_ref().unwrap().head == head);
        pulls.next().unwrap().number
    };
    let body = stage.pull_body(TWO);
    let told = format!("This conflicts with #{} over `shared.txt`", pull(ONE));
    assert!(body.contains(&told), "{body}");
    assert!(!stage.pull_body(ONE).contains("### Conflicts"));
    stage.assert_lawful();
}

#[test]
fn without_money_or_success_the_work_stays_as_it_was_offered() {
    let check = |agent: &str, more: &[&str], why: &str| {
        let mut stage = stage(agent, &json!({}));
        stage.configure(&json!({ "agent": { "maxBudgetUsd": 1 } }));
        let ran = stage.exec("go", more);
        let two = ran.task(2);
        assert_eq!(two["outcome"], "completed", "{ran:?}");
        let reason = two["reason"].as_str().unwrap();
        assert!(
            reason.starts_with("conflicts with #1 over shared.txt; "),
            "{reason}"
        );
        assert!(reason.contains(why), "{reason}");
        assert_eq!(
            stage.fake.file(TWO, "shared.txt").as_deref(),
            Some("line 2")
        );
        assert_eq!(base_of(&stage, 2), "main");
        assert_eq!(
            ran.last_json()["summary"]["certificate"]["left_out"][0]["issue"],
            2
        );
        stage.assert_lawful();
    };
    check(
        &AGENT.replace("0.25", "0.6"),
        &["--budget", "2.2"],
        "short by",
    );
    let crashes = AGENT.replace("grep -v", "exit 9; grep -v");
    check(&crashes, &[], "failed (crash)");
    let leaves = AGENT.replace("grep -v", "exit 0; grep -v");
    check(&leaves, &[], "failed (check failed)");
}

#[test]
fn where_work_is_stacked_files_that_are_known_to_meet_need_no_second_attempt() {
    let mut stage = Stage::new(AGENT, Some(CHECK));
    stage.configure(&json!({ "scheduling": { "dependencies": "stacked" } }));
    for place in 1..=2 {
        stage
            .fake
            .add_issue(&format!("Thing {place}"), "Edit `shared.txt`.", &["go"]);
    }
    let ran = stage.exec("go", &[]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(stage.runs().len(), 2, "{ran:?}");
    let admitted: Vec<Value> = ran
        .events()
        .into_iter()
        .filter(|event| event["event"] == "attempt_admitted")
        .collect();
    assert_eq!(admitted[1]["below"][0]["issue"], admitted[0]["issue"]);
    assert_eq!(
        ran.last_json()["summary"]["certificate"]["left_out"],
        json!([])
    );
}

fn exec(stage: &Stage, extra: &[(&str, &str)]) -> Ran {
    let args = ["exec", "go", "--isolation", "none", "--format", "json"];
    let mut command = stage.command(&args);
    command.envs(extra.iter().copied());
    command.output().unwrap().into()
}

/// Three issues: two that conflict, and one on top of the second.
fn small() -> Stage {
    let stage = stage(AGENT, &json!({ "dependencies": "stacked" }));
    stage
        .fake
        .add_issue("[Docs] Thing 3", "depends on #1", &["go"]);
    stage.rig.script(
        "agent",
        &AGENT
            .replace(
                "PLACE",
                stage
                    .rig
                    .path("")
                    .display()
                    .to_string()
                    .trim_end_matches('/'),
            )
            .replace(
                "  echo \"line $AUTOISSUE_ISSUE\" > shared.txt\n",
                "  [ $AUTOISSUE_ISSUE = 3 ] || echo \"line $AUTOISSUE_ISSUE\" > shared.txt\n",
            ),
    );
    stage
}

/// What is left behind, and what the pulls say of the whole.
fn end_of(stage: &Stage) -> BTreeMap<String, String> {
    let mut essence = stage.essence();
    for pull in stage.fake.pulls() {
        let body = pull.body.unwrap();
        let told = body.split("### Together").nth(1).unwrap_or_default();
        let told = told.split("-->").next().unwrap_or_default();
        let hides_commits: String = told
            .split(" at ")
            .map(|part| part.get(10..).unwrap_or_default())
            .collect();
        essence.insert(format!("told {}", pull.number), hides_commits);
    }
    essence
}

#[test]
fn a_kill_at_any_event_of_a_stack_with_a_conflict_changes_nothing_in_the_end() {
    let whole = small();
    let ran = exec(&whole, &[]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let expected = end_of(&whole);
    assert!(
        ran.events()
            .iter()
            .any(|event| event["event"] == "rework_offered"),
        "the control"
    );
    let kills = at_every_event(|at, side| killed_at(&format!("{at}:{side}"), &expected));
    aloud(&format!(
        "killed {kills} times in a stack with a conflict and a certificate, and always resumed to the same end"
    ));
    assert!(kills > 200, "{kills}");
}

fn killed_at(point: &str, expected: &BTreeMap<String, String>) -> Result<Death, String> {
    let stage = small();
    let first = exec(&stage, &[("AUTOISSUE_CRASH_AT", point)]);
    if first.code == Some(0) {
        return Ok(Death::NeverCame);
    }
    let second = exec(&stage, &[]);
    let (end, left) = (end_of(&stage), leftovers_in_the_end(&stage.marker()));
    let comments: usize = (1..=3).map(|issue| stage.fake.comments(issue).len()).sum();
    let violations = stage.fake.violations();
    if first.code.is_none()
        && second.code == Some(0)
        && end == *expected
        && left.is_empty()
        && comments == 3
        && violations.is_empty()
    {
        return Ok(Death::Survived);
    }
    let edits = stage
        .fake
        .requests()
        .iter()
        .filter(|request: &&Logged| request.method == "PATCH")
        .count();
    Err(format!(
        "{point}: {:?} {:?} {comments} comments, {edits} edits, {violations:?}, left {left:?}\n{end:#?}\n{}\n{}",
        first.code, second.code, second.stdout, second.stderr
    ))
}

/// A commit on a file of its own and on one that every tenth shares.
fn commit(number: u64) -> Commit {
    let paths = vec![format!("own-{number}"), format!("shared-{}", number % 10)];
    Commit {
        id: CommitId::new(format!("c{number}")),
        tree: TreeId::new("t"),
        base: CommitId::new("b"),
        diff: DiffStat {
            files: 2,
            paths,
            ..DiffStat::default()
        },
    }
}

#[test]
fn a_hundred_tasks_cost_one_run_over_the_pairs_that_share_paths() {
    let tasks: Vec<_> = (1..=100)
        .map(|number| task(number, Domain::Backend, &[], &[]).into())
        .collect();
    let mut events = vec![Event::SessionStarted {
        session: SessionId::new("01TEST"),
        project: "acme/shop".into(),
        selection: Selection::default(),
        settings: Box::new(settings(3)),
    }];
    events.push(Event::TasksRead {
        tasks,
        prediction: None,
    });
    for number in 1..=100 {
        let commit = commit(number);
        for fact in [Fact::Committed { commit }, Fact::Verified] {
            events.push(Event::Fact {
                issue: IssueNumber(number),
                attempt: AttemptNumber(1),
                fact,
            });
        }
    }
    let recorded: Vec<Recorded> = (1..)
        .zip(events)
        .map(|(seq, event)| Recorded {
            seq,
            at: Timestamp(0),
            event,
        })
        .collect();
    let session = Session::fold(&recorded);
    let (issues, pairs) = session.to_test().unwrap();
    // Ten files, each shared by ten: 10 * 45 pairs of 4950, and all of them go to one git.
    assert_eq!((issues.len(), pairs.len()), (100, 450));
    let tested = session.step(
        &Input::TestMerged {
            issues,
            conflicts: vec![],
        },
        Timestamp(0),
    );
    let last = Recorded {
        seq: 1_000,
        at: Timestamp(0),
        event: tested[0].clone(),
    };
    assert!(
        Session::fold(recorded.iter().chain([&last]))
            .to_test()
            .is_none()
    );
}
