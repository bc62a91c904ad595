//! The work of a session as a whole: what merges and passes together, what breaks it, and where that is told.

use crate::rig::Ran;
use crate::stage::Stage;
use serde_json::{Value, json};

/// Appends its number to the file that its issue names, and writes one of its own.
const AGENT: &str = r#"#!/bin/sh
cat > /dev/null
echo "$AUTOISSUE_ISSUE" > "own-$AUTOISSUE_ISSUE.txt"
case $AUTOISSUE_ISSUE in 2|6) echo "$AUTOISSUE_ISSUE" > shared.txt ;; esac
echo '{"cost_usd": 0.25, "summary": "did it"}'
"#;

/// Passes on each alone, and not on the work for #1 and #3 together. Counts how often it runs.
const CHECK: &str = "#!/bin/sh\necho x >> PLACE/checks\n! [ -e own-1.txt -a -e own-3.txt ]\n";

fn stage(check: Option<&str>) -> Stage {
    let mut stage = Stage::new(AGENT, check);
    stage.configure(&json!({
        "executor": { "maxParallel": 1 },
        "scheduling": { "dependencies": "stacked", "rework": false },
    }));
    stage
}

fn issues(stage: &Stage, bodies: &[&str]) {
    for (place, body) in (1..).zip(bodies) {
        stage
            .fake
            .add_issue(&format!("Thing {place}"), body, &["go"]);
    }
}

fn certificate(ran: &Ran) -> Value {
    ran.last_json()["summary"]["certificate"].clone()
}

#[test]
fn what_goes_together_is_told_in_the_summary_and_in_every_pull() {
    let stage = stage(Some("#!/bin/sh\ntrue\n"));
    issues(&stage, &["x", "depends on #1", "x"]);
    let ran = stage.exec("go", &[]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let told = certificate(&ran);
    assert_eq!(told["proof"], "passed", "{told}");
    assert_eq!(told["left_out"], json!([]));
    let order: Vec<u64> = serde_json::from_value(told["together"].clone()).unwrap();
    let place = |issue| order.iter().position(|one| *one == issue).unwrap();
    assert!(order.len() == 3 && place(1) < place(2), "{order:?}");
    assert_eq!(told["check_runs"], 1);
    for issue in 1..=3 {
        let body = stage.pull_body(&format!("autoissue/{issue}-thing-{issue}"));
        assert!(body.contains("pass `test` together: #"), "{body}");
        assert!(
            body.ends_with(&format!("issue={issue} kind=pull -->"))
                || body.trim_end().ends_with("kind=pull -->"),
            "{body}"
        );
        assert_eq!(stage.fake.comments(issue).len(), 1);
    }
    stage.assert_lawful();
    let before = stage.fake.requests().len();
    stage.resume();
    let writes = stage.fake.requests().into_iter().skip(before);
    assert_eq!(writes.filter(|request| request.method != "GET").count(), 0);
}

#[test]
fn what_conflicts_is_named_with_its_files_and_the_rest_goes_together() {
    let stage = stage(Some("#!/bin/sh\ntrue\n"));
    issues(&stage, &["x"; 6]);
    let ran = stage.exec("go", &[]);
    let told = certificate(&ran);
    assert_eq!(told["together"], json!([1, 2, 3, 4, 5]), "{told}");
    assert_eq!(told["left_out"][0]["issue"], 6);
    assert_eq!(told["left_out"][0]["paths"], json!(["shared.txt"]));
    let body = stage.pull_body("autoissue/6-thing-6");
    let words =
        "**This one is not among them:** it conflicts with those before it over `shared.txt`.";
    assert!(body.contains(words), "{body}");
    assert!(
        !stage
            .pull_body("autoissue/2-thing-2")
            .contains("not among them")
    );
}

#[test]
fn what_breaks_the_whole_is_found_by_halves_within_a_bound() {
    let stage = stage(Some(CHECK));
    issues(&stage, &["x", "x", "x", "depends on #3", "depends on #1"]);
    let ran = stage.exec("go", &[]);
    let told = certificate(&ran);
    assert_eq!(told["together"], json!([1, 2, 5]), "{told}");
    let why: Vec<_> = told["left_out"]
        .as_array()
        .unwrap()
        .iter()
        .map(|left| (left["issue"].clone(), left["why"].clone()))
        .collect();
    assert_eq!(
        why,
        [(json!(3), json!("breaks")), (json!(4), json!("stands"))]
    );
    assert!(told["check_runs"].as_u64().unwrap() <= 5, "{told}");
    let body = stage.pull_body("autoissue/3-thing-3");
    assert!(
        body.contains("it fails `test` together with those before it"),
        "{body}"
    );
}

#[test]
fn without_checks_it_says_that_nothing_tried_it_and_it_can_be_switched_off() {
    let stage = stage(None);
    issues(&stage, &["x", "x"]);
    let told = certificate(&stage.exec("go", &[]));
    assert_eq!(
        (told["proof"].as_str(), told["check_runs"].as_u64()),
        (Some("merged"), Some(0))
    );
    let body = stage.pull_body("autoissue/1-thing-1");
    assert!(body.contains("nothing has tried them together"), "{body}");
    let mut off = self::stage(None);
    off.configure(&json!({ "scheduling": { "certificate": false } }));
    issues(&off, &["x", "x"]);
    let ran = off.exec("go", &[]);
    assert_eq!((ran.code, certificate(&ran)), (Some(0), Value::Null));
    let one = self::stage(None);
    issues(&one, &["x"]);
    assert_eq!(
        certificate(&one.exec("go", &[])),
        Value::Null,
        "one alone needs none"
    );
}

#[test]
fn what_a_person_wrote_into_a_pull_meanwhile_stays() {
    let stage = stage(Some(
        "#!/bin/sh\nif [ -e own-1.txt -a -e own-2.txt ]; then cat PLACE/gate; fi\n",
    ));
    issues(&stage, &["x", "x"]);
    stage.close_gate();
    let running = stage.start("go", &[]);
    // Whoever opens the gate for writing waits until the check of the whole reads from it.
    let gate = stage.rig.path("gate");
    std::fs::OpenOptions::new()
        .write(true)
        .open(&gate)
        .map(|_| {
            stage
                .fake
                .edit_pull(3, |body| format!("Reviewed by a person.\n\n{body}"));
        })
        .unwrap();
    let ran = running.end();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let body = stage.pull_body("autoissue/1-thing-1");
    assert!(
        body.starts_with("Reviewed by a person.\n\nCloses #1"),
        "{body}"
    );
    assert!(body.contains("### Together with the others"), "{body}");
}
