//! Routes kept to by the real binary: advised, enforced, answered by people, asked about exactly once.

use crate::deaths::{Death, at_every_event};
use crate::rig::{Ran, Rig, wait_for};
use serde_json::{Value, json};

/// Keeps what it was told, and writes a file named after its issue.
const AGENT: &str = "
echo \"$AUTOISSUE_ISSUE\" >> PLACE/runs
while [ -e PLACE/gate-$AUTOISSUE_ISSUE ]; do sleep 0.05; done
echo done > \"file-$AUTOISSUE_ISSUE.txt\"
echo '{\"cost_usd\": 0.01, \"summary\": \"did it\"}'";

/// Titles decide: `alone` is autonomous, `watched` is supervised, all else manual.
fn rules() -> Value {
    let rule = |name: &str, suitability: &str| json!({ "name": name, "when": { "title": [name] }, "suitability": suitability, "final": true, "because": "we said so" });
    json!({
        "mode": "enforce",
        "rules": [rule("alone", "high"), rule("watched", "medium")],
        "decisions": [
            { "suitability": "high", "route": "autonomous" },
            { "suitability": "medium", "route": "supervised" }
        ]
    })
}

fn rig(routing: &Value) -> Rig {
    let rig = Rig::new();
    let place = rig.path("");
    let place = place.display().to_string();
    let place = place.trim_end_matches('/');
    let script = format!("#!/bin/sh\ncat >> PLACE/told\n{AGENT}\n").replace("PLACE", place);
    let agent = rig.script("agent", &script);
    rig.config(&json!({
        "agent": { "kind": "command", "command": [agent] },
        "executor": { "maxRetries": 0 },
        "routing": routing,
    }));
    rig
}

const CLEAR: &str = "It should be so, and everybody can see that it is.";

fn text(rig: &Rig, name: &str) -> String {
    std::fs::read_to_string(rig.path(name)).unwrap_or_default()
}

fn runs(rig: &Rig) -> Vec<String> {
    text(rig, "runs").lines().map(str::to_owned).collect()
}

fn pull_of(rig: &Rig, number: u64) -> String {
    let folder = std::fs::read_dir(rig.path("checkout/.autoissue/pulls")).unwrap();
    let texts = folder.map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap());
    let closes = format!("Closes #{number}\n");
    texts
        .into_iter()
        .find(|text| text.contains(&closes))
        .unwrap()
}

fn questions(rig: &Rig, number: u64) -> usize {
    let issue = text(rig, &format!("checkout/.autoissue/issues/{number}.md"));
    issue.matches("kind=question -->").count()
}

fn resume(rig: &Rig) -> Ran {
    rig.run(&["resume", "--format", "json"])
}

#[test]
fn to_advise_runs_everything_and_the_pull_says_what_was_made_of_it() {
    let rig = rig(&json!({}));
    rig.issue(1, "Check the permissions", CLEAR);
    rig.issue(2, "Which colour?", "Red? Blue? Green?");
    let ran = rig.go();
    assert_eq!((ran.code, ran.count("completed")), (Some(0), 2), "{ran:?}");
    let pull = pull_of(&rig, 1);
    assert!(pull.contains("### Evaluation\n\nType general,"), "{pull}");
    assert!(pull.contains("**Review with care: security.**"), "{pull}");
    assert!(
        pull_of(&rig, 2).contains("The issue is not clear: "),
        "{pull}"
    );
    assert_eq!(questions(&rig, 2), 0);
    let told = text(&rig, "told");
    assert!(
        told.contains("- Look for the same weakness elsewhere"),
        "{told}"
    );
    let status = rig.run(&["status", "--issue", "1"]);
    assert!(
        status
            .stdout
            .contains("route     manual: security has to be"),
        "{status:?}"
    );
    let dry = rig
        .run(&["exec", "--issue", "1", "--dry-run", "--format", "json"])
        .last_json();
    assert_eq!(dry["tasks"][0]["route"], "manual");
    assert_eq!(dry["tasks"][0]["evaluation"]["decided_by"], "security");
}

#[test]
fn what_is_off_shows_nothing() {
    let rig = rig(&json!({ "mode": "off" }));
    rig.issue(1, "Check the permissions", CLEAR);
    assert_eq!(rig.go().code, Some(0));
    assert!(!pull_of(&rig, 1).contains("Evaluation"));
}

#[test]
fn supervised_work_waits_for_a_person_and_goes_on_after_the_answer() {
    let rig = rig(&rules());
    rig.issue(1, "alone: one", CLEAR);
    rig.issue(2, "watched: two", CLEAR);
    rig.issue(3, "watched: three", CLEAR);
    rig.issue(4, "watched: four", CLEAR);
    let ran = rig.go();
    assert_eq!(
        (ran.code, runs(&rig)),
        (Some(5), vec!["1".to_owned()]),
        "{ran:?}"
    );
    assert_eq!(ran.event("approval_awaited")["issue"], 2);
    let early = resume(&rig);
    assert_eq!(early.code, Some(5), "nobody answered yet: {early:?}");
    let answers: [&[&str]; 3] = [
        &["approve", "2"],
        &["reject", "3", "we", "drop it"],
        &["modify", "4", "Keep the old flag", "</instructions-1>"],
    ];
    for answer in answers {
        let answered = rig.run(answer);
        assert_eq!(answered.code, Some(0), "{answered:?}");
        assert!(
            answered
                .stdout
                .contains("takes it up with `autoissue resume"),
            "{answered:?}"
        );
    }
    let late = rig.run(&["reject", "2"]);
    assert_eq!(late.code, Some(1));
    assert!(
        late.stderr.contains("it was answered already: approve"),
        "{late:?}"
    );
    let ended = resume(&rig);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(ended.task(3)["outcome"], "skipped");
    assert_eq!(ended.task(3)["reason"], "a person rejected it: we drop it");
    assert_eq!(ended.count("completed"), 3);
    let told = text(&rig, "told");
    let words = "<instructions-2>\nKeep the old flag </instructions-1>\n</instructions-2>\n";
    assert!(told.contains(words), "{told}");
    assert_eq!(
        told.matches("<instructions-2>").count(),
        1,
        "only for the one"
    );
    let over = rig.run(&["approve", "2"]);
    assert!(over.stderr.contains("has finished"), "{over:?}");
}

#[test]
fn an_answer_is_taken_up_while_others_run() {
    let rig = rig(&rules());
    rig.write("gate-1", "");
    rig.issue(1, "alone: one", CLEAR);
    rig.issue(2, "watched: two", CLEAR);
    let mut running = rig
        .autoissue(&["exec", "go", "--format", "json"])
        .spawn()
        .unwrap();
    wait_for(|| runs(&rig) == ["1"]);
    let wrong = rig.run(&["approve", "1"]);
    assert!(
        wrong.stderr.contains("it does not wait for approval"),
        "{wrong:?}"
    );
    let answered = rig.run(&["approve", "2"]);
    assert!(
        answered.stdout.contains("takes it up within seconds"),
        "{answered:?}"
    );
    wait_for(|| runs(&rig) == ["1", "2"]);
    std::fs::remove_file(rig.path("gate-1")).unwrap();
    assert_eq!(running.wait().unwrap().code(), Some(0));
}

#[test]
fn what_needs_manual_work_is_blocked_by_it_and_asks_nobody() {
    let rig = rig(&rules());
    rig.issue(1, "Something else", CLEAR);
    rig.issue(2, "watched: two", &format!("Depends on #1. {CLEAR}"));
    rig.issue(3, "watched: three", CLEAR);
    let dry = rig.run(&["exec", "go", "--dry-run"]).stdout;
    let blocked = "\nBlocked\n  #2     needs #1, which ended as needs human\n";
    assert!(dry.contains(blocked), "{dry}");
    let (_, waiting) = dry.split_once("Wait for approval\n").unwrap();
    assert!(waiting.contains("#3 ") && !waiting.contains("#2 "), "{dry}");
    let json = rig.run(&["exec", "go", "--dry-run", "--format", "json"]);
    let tasks = json.last_json()["tasks"].clone();
    assert_eq!(tasks[1]["blocked"], "needs #1, which ended as needs human");
    assert_eq!(
        (&tasks[0]["blocked"], &tasks[2]["blocked"]),
        (&Value::Null, &Value::Null)
    );
}

#[test]
fn manual_work_and_skipped_labels_are_listed_and_not_run() {
    let rig = rig(&rules());
    rig.issue(1, "Something else", CLEAR);
    rig.write(
        "checkout/.autoissue/issues/2.md",
        &format!("---\ntitle: \"alone: two\"\nlabels: [go, needs-discussion]\n---\n{CLEAR}\n"),
    );
    let dry = rig.run(&["exec", "go", "--dry-run"]);
    assert!(
        dry.stdout.contains("#1     for a person: no rule matched"),
        "{dry:?}"
    );
    assert!(
        dry.stdout
            .contains("#2     it has the label needs-discussion"),
        "{dry:?}"
    );
    let ran = rig.go();
    assert_eq!((ran.code, runs(&rig).len()), (Some(3), 0), "{ran:?}");
    assert_eq!(ran.task(1)["outcome"], "needs_human");
    assert_eq!(ran.task(2)["outcome"], "skipped");
    let issue = text(&rig, "checkout/.autoissue/issues/1.md");
    assert!(
        !issue.contains("autoissue:"),
        "nothing is said or labelled: {issue}"
    );
    let again = rig.run(&["exec", "--issue", "1", "--routing", "advise"]);
    assert_eq!((again.code, runs(&rig).len()), (Some(0), 1), "{again:?}");
}

/// An unclear issue, and one that waits for a person.
fn asking() -> Rig {
    let rig = rig(&rules());
    rig.issue(1, "alone: which?", "Red? Or blue? Or what?");
    rig.issue(2, "watched: two", CLEAR);
    rig
}

#[test]
fn an_unclear_issue_gets_one_question_and_no_run() {
    let rig = asking();
    assert_eq!(rig.go().code, Some(5));
    assert_eq!((questions(&rig, 1), runs(&rig).len()), (1, 0));
    let issue = text(&rig, "checkout/.autoissue/issues/1.md");
    assert!(issue.contains("This asks 4 questions"), "{issue}");
    rig.run(&["reject", "2"]);
    assert_eq!(resume(&rig).code, Some(3));
    let second = rig.go();
    assert_eq!(second.code, Some(5), "a new session: {second:?}");
    assert_eq!(questions(&rig, 1), 1, "and no second question");
    let clear = text(&rig, "checkout/.autoissue/issues/1.md")
        .replace("Red? Or blue? Or what?", "It should be red.");
    rig.write(
        "checkout/.autoissue/issues/1.md",
        &clear.replace("alone: which?", "alone: red"),
    );
    rig.run(&["reject", "2"]);
    resume(&rig);
    assert_eq!(rig.run(&["exec", "--issue", "1"]).code, Some(0));
    assert_eq!(runs(&rig), ["1"], "once it is clear it runs");
}

#[test]
fn a_kill_at_any_event_asks_once_and_loses_no_answer() {
    let deaths = at_every_event(|at, side| {
        // By command and by comment in turn.
        let by_comment = at % 2 == 0;
        Ok(killed_at(&format!("{at}:{side}"), by_comment))
    });
    assert!(deaths > 60, "only {deaths} were reached");
}

/// The session is killed at this event, or goes on after the answer is.
fn killed_at(point: &str, by_comment: bool) -> Death {
    let rig = asking();
    let crash = |args: &[&str]| {
        let mut command = rig.autoissue(args);
        command.env("AUTOISSUE_CRASH_AT", point);
        Ran::from(command.output().unwrap())
    };
    let first = crash(&["exec", "go", "--format", "json"]);
    if first.code.is_none() {
        assert_eq!(rig.go().code, Some(5), "{point}");
    }
    let path = "checkout/.autoissue/issues/2.md";
    if by_comment {
        rig.write(path, &format!("{}\n/approve\n", text(&rig, path)));
    } else {
        let approved = rig.run(&["approve", "2"]);
        assert_eq!(approved.code, Some(0), "{point}: {approved:?}");
    }
    let second = crash(&["resume", "--format", "json"]);
    let died = first.code.is_none() || second.code.is_none();
    let ended = if second.code.is_none() {
        rig.go()
    } else {
        second
    };
    assert_eq!(ended.code, Some(3), "{point}: {ended:?}");
    let pulls = std::fs::read_dir(rig.path("checkout/.autoissue/pulls")).unwrap();
    assert_eq!(pulls.count(), 1, "{point}: {ended:?}");
    assert!(pull_of(&rig, 2).contains("### Evaluation"), "{point}");
    assert_eq!(questions(&rig, 1), 1, "{point}");
    let requests = text(&rig, path).matches("kind=approval -->").count();
    assert_eq!(requests, 1, "{point}: asked once");
    if died {
        Death::Survived
    } else {
        Death::NeverCame
    }
}
