//! Who an issue is assigned to while the real binary works on it, and once it is a person's.

use crate::fake_github::{Fault, Logged};
use crate::stage::Stage;
use serde_json::json;

/// Asks about issue 1 until it is answered, changes what is guarded in issue 2, fails at issue 3, and does issue 4.
const AGENT: &str = r#"#!/bin/sh
cat > PLACE/told
case $AUTOISSUE_ISSUE in
  1) grep -q "A person of the repository answered" PLACE/told || {
       printf '%s\n' '{"cost_usd": 0.25, "summary": "NEEDS INPUT: red or blue?"}'; exit 0; } ;;
  2) mkdir -p .github/workflows; echo x > .github/workflows/x.yml ;;
  3) exit 1 ;;
esac
echo x > "file-$AUTOISSUE_ISSUE.txt"
echo '{"cost_usd": 0.25, "summary": "did it"}'
"#;

fn stage(github: &serde_json::Value) -> Stage {
    let mut stage = Stage::new(AGENT, None);
    let executor = json!({ "maxParallel": 1, "maxRetries": 0 });
    stage.configure(&json!({ "github": github, "executor": executor }));
    for number in 1..=4 {
        stage.issue(number, &["go"]);
    }
    stage
}

/// Who is on each of the issues.
fn assigned(stage: &Stage) -> Vec<Vec<String>> {
    let issues = stage.fake.issues().into_iter();
    issues.map(|issue| issue.assignees).collect()
}

fn writes_of_assignees(stage: &Stage) -> Vec<String> {
    let requests = stage.fake.requests().into_iter();
    let writes = requests.filter(|it| it.writes() && it.path.ends_with("/assignees"));
    writes
        .map(|it| format!("{} {}", it.method, it.path))
        .collect()
}

#[test]
fn an_issue_is_ours_while_we_work_on_it_and_a_persons_once_it_is_theirs() {
    let stage = stage(&json!({ "assign": "self" }));
    stage.fake.assign(2, "eve", 1);
    // The reply to the first is lost: it is looked at, and nothing is sent again.
    let is_first = |request: &Logged| request.path.ends_with("/issues/1/assignees");
    stage.fake.fail_when(is_first, Fault::DroppedReply, 1);
    let ran = stage.exec("go", &[]);
    assert_eq!(ran.code, Some(5), "{ran:?}");
    let label = "a-maintainer";
    let [asks, held, failed, done] = assigned(&stage).try_into().unwrap();
    assert_eq!(asks, [label], "it asks");
    assert_eq!(held, ["eve", label], "nobody is taken off but us");
    assert_eq!(failed, [""; 0], "nobody's");
    assert_eq!(done, ["octo-bot"], "whoever reviews it asks us");
    let writes = writes_of_assignees(&stage);
    let first = writes.iter().filter(|it| it.contains("/issues/1/"));
    assert_eq!(first.count(), 3, "{writes:?}");

    stage.fake.add_comment(1, label, "Blue.");
    let ran = stage.resume();
    assert_eq!(ran.task(1)["outcome"], "completed", "{ran:?}");
    assert_eq!(assigned(&stage)[0], ["octo-bot"], "it came back");
    stage.fake.forget_requests();
    stage.exec("go", &["--issue", "4"]);
    assert_eq!(writes_of_assignees(&stage), [""; 0]);
    stage.assert_lawful();
}

#[test]
fn those_of_the_configuration_are_named_and_who_cannot_be_assigned_is_told_once() {
    let stage = stage(&json!({ "assign": "self", "people": ["ann", "ghost"] }));
    stage.fake.may_write("ann");
    let ran = stage.exec("go", &[]);
    let told: Vec<_> = ran
        .events()
        .into_iter()
        .filter(|event| event["event"] == "not_assignable")
        .collect();
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0]["login"], "ghost");
    assert_eq!(assigned(&stage)[..2], [["ann"], ["ann"]]);
    stage.assert_lawful();
}

/// Writes a file, and nothing else.
const PLAIN: &str = "#!/bin/sh\ncat > /dev/null\necho x > \"file-$AUTOISSUE_ISSUE.txt\"\n\
    echo '{\"cost_usd\": 0.25, \"summary\": \"did it\"}'\n";

/// An issue that a person has to approve.
fn supervised(github: &serde_json::Value) -> Stage {
    let mut stage = Stage::new(PLAIN, None);
    let rule = json!({
        "name": "watched", "when": { "title": ["watched"] }, "suitability": "medium", "final": true, "because": "so",
    });
    let row = json!({ "suitability": "medium", "route": "supervised" });
    let routing = json!({ "mode": "enforce", "rules": [rule], "decisions": [row] });
    stage.configure(&json!({ "github": github, "routing": routing }));
    let clear = "It should be so, and everybody can see that it is.";
    stage.fake.add_issue("watched thing", clear, &["go"]);
    stage
}

#[test]
fn an_approval_that_is_waited_for_is_a_persons_and_what_follows_is_ours() {
    let stage = supervised(&json!({ "assign": "self", "people": ["ann"] }));
    stage.fake.may_write("ann");
    let ran = stage.exec("go", &[]);
    assert_eq!(ran.code, Some(5), "{ran:?}");
    assert_eq!(assigned(&stage), [["ann"]]);
    // Who took it off meanwhile is not put on again: it was done once.
    stage.fake.unassign(1);
    let ran = stage.resume();
    assert_eq!(ran.code, Some(5), "{ran:?}");
    assert_eq!(assigned(&stage), [[""; 0]]);
    stage.fake.assign(1, "ann", 1);
    let approved = stage.command(&["approve", "1"]).output().unwrap();
    assert!(approved.status.success(), "{approved:?}");
    let ran = stage.resume();
    assert_eq!(ran.task(1)["outcome"], "completed", "{ran:?}");
    assert_eq!(assigned(&stage), [["octo-bot"]]);
    stage.assert_lawful();

    // The control: where nobody is to be assigned, nobody is.
    let stage = supervised(&json!({}));
    assert_eq!(stage.exec("go", &[]).code, Some(5));
    assert_eq!(writes_of_assignees(&stage), [""; 0]);
}

#[test]
fn nobody_is_assigned_unless_that_is_wanted() {
    let stage = stage(&json!({}));
    stage.exec("go", &[]);
    assert_eq!(writes_of_assignees(&stage), [""; 0]);
    let mut app = self::stage(&json!({ "assign": "self" }));
    app.configure(&json!({ "executor": { "maxParallel": 2 } }));
    app.fake.become_app("octo-app[bot]");
    let ran = app.exec("go", &[]);
    assert_eq!(ran.event("not_assignable")["login"], "octo-app[bot]");
    assert_eq!(assigned(&app)[3], [""; 0]);
}
