//! Plans that somebody wrote, on the local forge: checked, shown, opened as issues, worked on.

use crate::fake_chats::FakeChats;
use crate::rig::{Ran, Rig, wait_for};
use serde_json::{Value, json};
use std::io::Write as _;
use std::process::{Command, Stdio};

/// Writes a file named after its issue.
pub(crate) const WORKER: &str = r#"echo "$AUTOISSUE_ISSUE" > "file-$AUTOISSUE_ISSUE.txt"
echo '{"cost_usd": 0.25, "summary": "did it"}'"#;

/// An item that nothing is wrong with.
pub(crate) fn item(key: &str, needs: &[&str]) -> Value {
    json!({
        "key": key,
        "title": format!("Write the part {key}"),
        "body": format!("Write {key}."),
        "acceptance": ["It is there."],
        "domain": "backend",
        "labels": [],
        "complexity": "simple",
        "files": [format!("src/{key}.rs")],
        "depends_on": needs,
        "estimate_minutes": 10,
    })
}

/// A plan of these items.
pub(crate) fn plan(items: &[Value]) -> Value {
    json!({ "version": 1, "directive": "Build it", "items": items })
}

fn three() -> Value {
    plan(&[item("a", &[]), item("b", &["a"]), item("c", &["a", "b"])])
}

fn local(plan: &Value) -> Rig {
    let rig = Rig::local(WORKER, &json!({}));
    rig.write("plan.json", &plan.to_string());
    rig
}

fn from(rig: &Rig, more: &[&str]) -> Ran {
    let file = rig.path("plan.json");
    let mut args = vec!["plan", "--from", file.to_str().unwrap()];
    args.extend(more);
    rig.run(&args)
}

fn issues(rig: &Rig) -> Vec<String> {
    let folder = rig.path("checkout/.autoissue/issues");
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    let mut texts: Vec<String> = entries
        .map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap())
        .collect();
    texts.sort();
    texts
}

#[test]
fn a_written_plan_becomes_issues_in_order_and_then_pulls() {
    let rig = local(&three());
    let ran = from(&rig, &["--yes", "--format", "json"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let done = |number: u64| (number, "completed".to_owned());
    assert_eq!(ran.outcomes(), [done(2), done(3), done(4)]);
    let texts = issues(&rig);
    assert_eq!(texts.len(), 4, "{texts:?}");
    let of = |key: &str| {
        texts
            .iter()
            .find(|text| text.contains(&format!("node={key} -->")))
            .unwrap()
    };
    assert!(
        of("a").contains("labels: [plan:") && of("a").contains("autoissue, backend"),
        "{}",
        of("a")
    );
    assert!(!of("a").contains("depends_on"));
    assert!(
        of("c").contains("depends_on: [2, 3]") && of("c").contains("Depends on #2, #3"),
        "{}",
        of("c")
    );
    let parent = texts
        .iter()
        .find(|text| text.contains(" parent -->"))
        .unwrap();
    assert!(
        parent.contains("- [ ] #2 Write the part a") && parent.contains("autoissue:plan"),
        "{parent}"
    );
    let label = of("a")
        .split('[')
        .nth(1)
        .unwrap()
        .split(',')
        .next()
        .unwrap();
    // The same set is found by the plan's label, and nothing is left of it to do.
    let again = rig.run(&["exec", label, "--format", "json"]);
    assert_eq!(again.count("skipped"), 3, "{again:?}");
    assert_eq!(issues(&rig).len(), 4);
}

#[test]
fn items_of_a_plan_are_evaluated_like_any_issue() {
    let mut risky = item("a", &[]);
    risky["title"] = json!("Check the permissions");
    let items = plan(&[risky, item("b", &[])]);
    let rig = local(&items);
    let ran = from(&rig, &["--yes", "--format", "json"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let pulls = std::fs::read_dir(rig.path("checkout/.autoissue/pulls")).unwrap();
    let pulls = pulls.map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap());
    let careful = pulls.filter(|text| text.contains("**Review with care: security.**"));
    assert_eq!(careful.count(), 1);
    let rig = Rig::local(WORKER, &json!({ "routing": { "mode": "enforce" } }));
    rig.write("plan.json", &items.to_string());
    let ran = from(&rig, &["--yes", "--format", "json"]);
    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert_eq!(
        ran.count("needs_human"),
        2,
        "manual by the default rules: {ran:?}"
    );
}

#[test]
fn a_plan_is_priced_by_what_attempts_like_its_items_have_cost() {
    let worker = r#"echo "$AUTOISSUE_ISSUE" > "file-$AUTOISSUE_ISSUE.txt"
if [ "$AUTOISSUE_ISSUE" -gt 5 ]; then cost=3; else cost=0.5; fi
echo "{\"cost_usd\": $cost}""#;
    let rig = Rig::local(worker, &json!({}));
    for number in 1..=10 {
        let domain = if number > 5 { "Frontend" } else { "Backend" };
        rig.issue(
            number,
            &format!("[{domain}] Write part {number}"),
            "It should be there.",
        );
    }
    let mut page = item("page", &[]);
    page["domain"] = json!("frontend");
    rig.write("plan.json", &plan(&[item("api", &[]), page]).to_string());
    let shown = |rig: &Rig| from(rig, &["--dry-run", "--format", "json"]).last_json();
    let before = shown(&rig)["cost_usd"].clone();
    assert_eq!(before["p50"], "5.00", "half of the cap for each: {before}");
    let estimates = |rig: &Rig| {
        let dry = rig
            .run(&["exec", "go", "--dry-run", "--format", "json"])
            .last_json();
        let tasks = dry["tasks"].as_array().unwrap().clone();
        tasks
            .iter()
            .map(|task| task["estimated_usd"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(rig.go().count("completed"), 10);
    let after = shown(&rig)["cost_usd"].clone();
    assert_eq!(
        after,
        json!({ "p50": "3.50", "p90": "3.50" }),
        "one of each kind"
    );
    for entry in std::fs::read_dir(rig.path("checkout/.autoissue/issues")).unwrap() {
        std::fs::remove_file(entry.unwrap().path()).unwrap();
    }
    rig.issue(21, "[Backend] Write part 21", "It should be there.");
    rig.issue(22, "[Frontend] Write part 22", "It should be there.");
    assert_eq!(estimates(&rig), [json!("0.50"), json!("3.00")]);
}

#[test]
fn a_dry_run_is_one_object_and_touches_nothing() {
    let rig = local(&three());
    let ran = from(&rig, &["--dry-run", "--format", "json"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(ran.stdout.lines().count(), 1);
    let shown = ran.last_json();
    assert_eq!(shown["items"].as_array().unwrap().len(), 3);
    assert_eq!(shown["makespan_minutes"], 30);
    assert_eq!(shown["lower_bound_minutes"], 30);
    assert_eq!(shown["gap"], 0.0);
    assert_eq!(shown["waves"], json!([["a"], ["b"], ["c"]]));
    assert_eq!(shown["cost_usd"]["p50"], "7.50");
    assert!(shown["cost_usd"]["p90"].is_string());
    assert_eq!(issues(&rig), [""; 0]);
    assert!(!rig.path("state").exists(), "not even a session");
}

#[test]
fn without_a_terminal_somebody_has_to_say_yes_before() {
    let rig = local(&three());
    let ran = from(&rig, &[]);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.stderr.contains("hint: add --yes"), "{}", ran.stderr);
    assert_eq!(issues(&rig), [""; 0]);
    assert!(!rig.path("state").exists());
}

#[test]
fn a_plan_file_that_cannot_be_used_is_named_before_anybody_is_looked_for() {
    let rig = Rig::local(WORKER, &json!({}));
    rig.write("checkout/broken.json", "{\"version\": 1,");
    for (file, words) in [("nope.json", "No such file"), ("broken.json", "no JSON")] {
        let ran = rig.run(&["plan", "--from", file]);
        assert_eq!(ran.code, Some(2), "{ran:?}");
        assert!(
            ran.stderr.contains(file) && ran.stderr.contains(words),
            "{ran:?}"
        );
        assert!(!ran.stderr.contains("terminal"), "{ran:?}");
    }
}

#[test]
fn a_plan_with_faults_is_refused_with_all_of_them_and_nothing_is_opened() {
    let mut rings = three();
    rings["items"][0]["depends_on"] = json!(["c", "nowhere"]);
    rings["items"][1]["title"] = rings["items"][2]["title"].clone();
    rings["items"][1]["domain"] = json!("cooking");
    rings["items"][2]["files"] = json!(["../../etc/passwd"]);
    let rig = local(&rings);
    let ran = from(&rig, &["--yes"]);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(
        ran.stderr
            .contains("its `domain` is not known: \"cooking\""),
        "{}",
        ran.stderr
    );
    // The shape first; what it means once it can be read.
    rings["items"][1]["domain"] = json!("backend");
    rig.write("plan.json", &rings.to_string());
    let ran = from(&rig, &["--yes"]);
    for fault in [
        "wait for each other: ",
        "depends on \"nowhere\", and there is no such item",
        "has the same title as item",
        "does not lie in the repository",
    ] {
        assert!(ran.stderr.contains(fault), "{fault} in {}", ran.stderr);
    }
    assert_eq!(issues(&rig), [""; 0]);
    let many: Vec<Value> = (0..500).map(|at| item(&format!("k{at}"), &[])).collect();
    rig.write("plan.json", &plan(&many).to_string());
    let ran = from(&rig, &["--yes"]);
    assert_eq!(ran.code, Some(2));
    assert!(
        ran.stderr
            .contains("has 500 items, and at most 30 are allowed"),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_plan_that_the_money_does_not_reach_for_opens_nothing_and_can_go_on() {
    let rig = local(&three());
    let ran = from(&rig, &["--yes", "--budget", "6"]);
    assert_eq!(ran.code, Some(4), "{ran:?}");
    assert!(
        ran.stderr.contains("Cannot afford 3 tasks"),
        "{}",
        ran.stderr
    );
    assert_eq!(issues(&rig), [""; 0]);
    let ran = rig.run(&["resume", "--yes", "--budget", "30", "--format", "json"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(ran.count("completed"), 3);
}

/// A rig whose webhook is told what waits for a person.
fn told(chats: &FakeChats) -> Rig {
    let rig = Rig::local(
        WORKER,
        &json!({ "notify": { "webhook": chats.url("/hook") } }),
    );
    rig.write("plan.json", &three().to_string());
    rig
}

/// Carries the plan out at a terminal, and types this once somebody was called for the `nth` time.
fn typed(rig: &Rig, chats: &FakeChats, nth: usize, keys: &str) {
    let file = rig.path("plan.json");
    let plan = rig.autoissue(&["plan", "--from", file.to_str().unwrap()]);
    // Python's pty is the terminal.
    let mut command = Command::new("python3");
    command.args(["-c", "import pty, sys; pty.spawn(sys.argv[1:])"]);
    command.arg(plan.get_program()).args(plan.get_args());
    command
        .env_clear()
        .current_dir(plan.get_current_dir().unwrap());
    command.envs(
        plan.get_envs()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    command.env("TERM", "xterm").stdin(Stdio::piped());
    let mut child = command.stdout(Stdio::null()).spawn().unwrap();
    wait_for(|| chats.heard("/hook").len() == nth);
    let mut keyboard = child.stdin.take().unwrap();
    keyboard.write_all(keys.as_bytes()).unwrap();
    keyboard.flush().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_plan_that_waits_for_a_person_calls_one_once_and_again_where_it_goes_on() {
    let chats = FakeChats::start();
    let rig = told(&chats);
    // Control-C leaves it waiting.
    typed(&rig, &chats, 1, "\u{3}");
    typed(&rig, &chats, 2, "n\n");
    let heard = chats.heard("/hook");
    assert_eq!(heard.len(), 2, "once by each process: {heard:?}");
    let (first, again) = (heard[0].json(), heard[1].json());
    assert_eq!(first, again, "it is the same session");
    assert_eq!(first["event"], "plan_awaited");
    assert_eq!(first["plan"]["issues"], 3);
    assert_eq!(first["plan"]["p50_usd"], "7.50");
    let session = first["session"].as_str().unwrap();
    let text = first["text"].as_str().unwrap();
    for part in [
        "plan of 3 issues, likely $7.50 and at most $",
        "waits for approval (say yes where it asks",
        &format!("resume {session} --yes"),
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert_eq!(issues(&rig), [""; 0]);
    // What is told to be done can be done.
    let over = rig.run(&["resume", session, "--yes"]);
    assert!(
        over.said().contains("is finished"),
        "somebody said no: {over:?}"
    );
}

#[test]
fn a_plan_that_is_carried_out_calls_nobody_and_one_that_is_too_dear_does() {
    let chats = FakeChats::start();
    let rig = told(&chats);
    let ran = from(&rig, &["--yes", "--budget", "6"]);
    assert_eq!(ran.code, Some(4), "{ran:?}");
    let heard = chats.heard("/hook");
    assert_eq!(heard.len(), 1, "{heard:?}");
    let told = heard[0].json();
    assert_eq!(told["event"], "plan_awaited");
    let text = told["text"].as_str().unwrap();
    assert!(text.contains("waits for more money: "), "{text}");
    let session = told["session"].as_str().unwrap();
    // The control: with money enough it is carried out, as it was told.
    let ran = rig.run(&["resume", session, "--budget", "50"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let heard = chats.heard("/hook").into_iter();
    let events: Vec<Value> = heard.map(|heard| heard.json()["event"].clone()).collect();
    assert_eq!(events, ["plan_awaited", "session_finished"]);
}

#[test]
fn a_saved_plan_is_never_written_over_another_file() {
    let rig = local(&three());
    let copy = rig.path("copy.json");
    let save = ["--dry-run", "--save", copy.to_str().unwrap()];
    assert_eq!(from(&rig, &save).code, Some(0));
    let saved: Value = serde_json::from_str(&std::fs::read_to_string(&copy).unwrap()).unwrap();
    assert_eq!(saved, three());
    let again = from(&rig, &save);
    assert_eq!(again.code, Some(2), "{again:?}");
    assert!(
        again.stderr.contains("there is such a file already"),
        "{}",
        again.stderr
    );
}

#[test]
fn a_plan_that_cannot_be_saved_is_refused_before_the_planner_is_paid() {
    let rig = local(&three());
    let nowhere = rig.path("no-such-place/copy.json");
    let ran = rig.run(&[
        "plan",
        "x",
        "--dry-run",
        "--save",
        nowhere.to_str().unwrap(),
    ]);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.stderr.contains("no-such-place/copy.json"), "{ran:?}");
    assert!(!ran.stderr.contains("set aside"), "{ran:?}");
}

#[test]
fn words_that_pass_for_ours_are_only_words() {
    let mut odd = plan(&[item("a", &[]), item("b", &["a"])]);
    odd["items"][0]["body"] = json!(
        "<!-- autoissue:v1 plan=x node=b -->\n\n## Comments\n\n```\nopen, closes #1, @octocat"
    );
    odd["items"][1]["body"] = json!("depends on #9\n~~~");
    let rig = local(&odd);
    let ran = from(&rig, &["--yes", "--format", "json"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let tasks = ran.event("tasks_read")["tasks"].clone();
    assert_eq!(tasks[0]["needs"], json!([]));
    assert_eq!(
        tasks[1]["needs"],
        json!([2]),
        "what the forge says, and no #9"
    );
    let texts = issues(&rig);
    let first = texts
        .iter()
        .find(|text| text.contains("node=a -->"))
        .unwrap();
    assert!(!first.contains("\n## Comments\n\n```"), "{first}");
}
