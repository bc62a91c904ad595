//! Plans on the fake GitHub, made by a scripted planner: issues opened once, labelled, tied, and worked on.

use crate::fake_github::{Fault, Logged};
use crate::plan::{item, plan};
use crate::rig::Ran;
use crate::stage::Stage;
use serde_json::{Value, json};

/// Answers with the file `answer` where it is asked for a plan (the n-th time with `answer.n`, where there is one), and
/// else writes a file named after its issue.
pub(crate) const AGENT: &str = r#"#!/bin/sh
if [ "$AUTOISSUE_TASK" = plan ]; then
  cat > PLACE/prompt
  echo run >> PLACE/planned
  n=$(wc -l < PLACE/planned)
  if [ -e "PLACE/answer.$n" ]; then cat "PLACE/answer.$n"; else cat PLACE/answer; fi
  echo
  echo '{"cost_usd": 0.125, "summary": "planned"}'
  exit 0
fi
cat > /dev/null
echo "$AUTOISSUE_ISSUE" > "file-$AUTOISSUE_ISSUE.txt"
echo '{"cost_usd": 0.25, "summary": "did it"}'
"#;

/// A stage whose planner gives this answer.
pub(crate) fn stage(answer: &str) -> Stage {
    let stage = Stage::new(AGENT, None);
    stage.rig.write("answer", answer);
    stage
}

/// Three items, of which the last needs both others.
pub(crate) fn three() -> Value {
    plan(&[item("a", &[]), item("b", &["a"]), item("c", &["a", "b"])])
}

/// `plan "Build it"` to its end.
pub(crate) fn make(stage: &Stage, more: &[&str], env: &[(&str, &str)]) -> Ran {
    let mut args = vec![
        "plan",
        "Build it",
        "--isolation",
        "none",
        "--format",
        "json",
    ];
    args.extend(more);
    let mut command = stage.command(&args);
    command.envs(env.iter().copied());
    command.output().unwrap().into()
}

pub(crate) fn is_open_issue(request: &Logged) -> bool {
    request.method == "POST" && request.path.ends_with("/issues")
}

/// How many times the planner was asked.
fn asked(stage: &Stage) -> usize {
    let text = std::fs::read_to_string(stage.rig.path("planned")).unwrap_or_default();
    text.lines().count()
}

#[test]
fn a_directive_becomes_tied_issues_and_pulls_and_its_planner_is_paid() {
    let mut answer = three();
    answer["items"][2]["labels"] = json!(["later"]);
    let stage = stage(&format!("Here it is:\n```json\n{answer}\n```\n"));
    stage.fake.add_issue("Mend the cart", "", &[]);
    let ran = make(&stage, &["--yes", "--label", "batch"], &[]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    stage.assert_lawful();
    let done = |number: u64| (number, "completed".to_owned());
    assert_eq!(ran.outcomes(), [done(3), done(4), done(5)]);
    assert_eq!(
        ran.cost().decimal(),
        "0.875",
        "three attempts, and the planner"
    );
    let summary = &ran.last_json()["summary"];
    assert_eq!(summary["planner"]["cost_usd"], "0.125");
    let issues = stage.fake.issues();
    assert_eq!(issues.len(), 5);
    let (parent, last) = (&issues[1], &issues[4]);
    assert_eq!(parent.labels, ["autoissue:plan"]);
    assert_eq!(parent.parts, [3, 4, 5]);
    assert_eq!(last.blocked_by, [3, 4]);
    assert!(last.labels[0].starts_with("plan:"), "{:?}", last.labels);
    for label in ["batch", "backend", "later"] {
        assert!(
            last.labels.iter().any(|own| own == label),
            "{label} in {:?}",
            last.labels
        );
    }
    let prompt = std::fs::read_to_string(stage.rig.path("prompt")).unwrap();
    for words in [
        "<directive-1>\nBuild it\n</directive-1>",
        "README.md",
        "#1 Mend the cart",
    ] {
        assert!(prompt.contains(words), "{words} in {prompt}");
    }
    // The same set is found again, and the parent is none of it.
    let again = stage.exec(&last.labels[0], &[]);
    assert_eq!(again.count("skipped"), 3, "{again:?}");
    assert_eq!(stage.fake.issues().len(), 5);
}

#[test]
fn where_a_server_knows_no_ties_the_texts_say_it() {
    let stage = stage(&three().to_string());
    let is_tie = |request: &Logged| {
        request.path.ends_with("/sub_issues") || request.path.ends_with("/blocked_by")
    };
    stage.fake.fail_when(is_tie, Fault::Unknown, 100);
    let ran = make(&stage, &["--yes"], &[]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let issues = stage.fake.issues();
    assert!(
        issues[0]
            .body
            .as_ref()
            .unwrap()
            .contains("- [ ] #2 Write the part a")
    );
    assert!(
        issues[3]
            .body
            .as_ref()
            .unwrap()
            .contains("Depends on #2, #3")
    );
    assert_eq!(ran.event("tasks_read")["tasks"][2]["needs"], json!([2, 3]));
}

#[test]
fn a_reply_that_gets_lost_opens_no_second_issue() {
    let stage = stage(&three().to_string());
    for fault in [
        Fault::DroppedReply,
        Fault::BadGatewayAfter,
        Fault::TruncatedJson,
    ] {
        stage.fake.fail_when(is_open_issue, fault, 1);
    }
    let ran = make(&stage, &["--yes"], &[]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(stage.fake.issues().len(), 4);
    stage.assert_lawful();
}

#[test]
fn an_answer_that_does_not_fit_goes_back_once_with_what_is_wrong() {
    let stage = stage(&three().to_string());
    let mut ring = three();
    ring["items"][0]["depends_on"] = json!(["c"]);
    stage.rig.write("answer.1", &ring.to_string());
    let ran = make(&stage, &["--yes"], &[]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(asked(&stage), 2);
    let prompt = std::fs::read_to_string(stage.rig.path("prompt")).unwrap();
    assert!(
        prompt.contains("its items wait for each other: "),
        "{prompt}"
    );
    assert_eq!(
        ran.event("planner_settled")["cost_usd"],
        "0.25",
        "both answers, one grant"
    );
}

#[test]
fn bad_answers_open_nothing_and_are_paid_for() {
    let mut itself = three();
    itself["items"][1]["depends_on"] = json!(["b"]);
    let mut twins = three();
    twins["items"][1]["title"] = twins["items"][0]["title"].clone();
    let many: Vec<Value> = (0..500).map(|at| item(&format!("k{at}"), &[])).collect();
    for (answer, words) in [
        (
            "I would begin with the login.".to_owned(),
            "there is no JSON object",
        ),
        (itself.to_string(), "depends on itself"),
        (twins.to_string(), "has the same title as item"),
        (
            plan(&many).to_string(),
            "has 500 items, and at most 30 are allowed",
        ),
        (plan(&[]).to_string(), "has no items"),
    ] {
        let stage = stage(&answer);
        let ran = make(&stage, &["--yes"], &[]);
        assert_eq!(ran.code, Some(1), "{words}: {ran:?}");
        assert!(ran.said().contains(words), "{words} in {ran:?}");
        assert!(
            ran.said()
                .contains("the planner has cost $0.25 all the same"),
            "{ran:?}"
        );
        assert_eq!(asked(&stage), 2, "once, and once more");
        assert_eq!(stage.fake.issues().len(), 0);
        let metrics = stage.rig.run(&["metrics", "--format", "json"]);
        assert_eq!(metrics.last_json()["cost_usd"], "0.25", "{metrics:?}");
    }
}

#[test]
fn a_planner_that_takes_more_than_its_grant_is_paid_for_all_of_it() {
    let dear = stage(&three().to_string());
    let agent = "#!/bin/sh\ncat > /dev/null\necho '{\"cost_usd\": 9, \"summary\": \"much\"}'\n";
    dear.rig.script("agent", agent);
    let ran = make(&dear, &["--yes"], &[]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let settled = ran.event("planner_settled");
    assert_eq!(
        (&settled["grant_usd"], &settled["cost_usd"]),
        (&json!("2.20"), &json!("9.00"))
    );
}

#[test]
fn no_planner_runs_without_money_or_leave() {
    let mut stage = stage(&three().to_string());
    let ran = make(&stage, &["--yes", "--budget", "2"], &[]);
    assert_eq!(ran.code, Some(4), "{ran:?}");
    assert!(
        ran.said()
            .contains("the planner sets $2.20 aside, and the budget is $2.00"),
        "{ran:?}"
    );
    stage.configure(&json!({ "planner": { "enabled": false } }));
    let ran = make(&stage, &["--yes"], &[]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.said().contains("`planner.enabled` is false"), "{ran:?}");
    assert_eq!(asked(&stage), 0);
    // A plan that is written already needs none.
    stage.rig.write("own.json", &three().to_string());
    let file = stage.rig.path("own.json");
    let args = [
        "plan",
        "--from",
        file.to_str().unwrap(),
        "--yes",
        "--isolation",
        "none",
        "--format",
        "json",
    ];
    let ran = Ran::from(stage.command(&args).output().unwrap());
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(asked(&stage), 0);
}

#[test]
fn a_dry_run_pays_the_planner_and_opens_nothing() {
    let stage = stage(&three().to_string());
    let copy = stage.rig.path("copy.json");
    let ran = make(
        &stage,
        &["--dry-run", "--save", copy.to_str().unwrap()],
        &[],
    );
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(ran.stdout.lines().count(), 1, "one object");
    assert_eq!(ran.last_json()["planner_usd"], "0.125");
    assert_eq!(stage.fake.issues().len(), 0);
    let saved: Value = serde_json::from_str(&std::fs::read_to_string(&copy).unwrap()).unwrap();
    assert_eq!(saved, three());
    let status = stage.rig.run(&["status"]);
    assert!(
        status.stdout.contains("finished") && status.stdout.contains("$0.125"),
        "{status:?}"
    );
}
