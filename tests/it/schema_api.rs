//! The API against its own description: schemathesis asks the running server what the description allows and what it does not.

use crate::serve::Served;
use crate::serve_issues::waiting;
use serde_json::json;
use std::path::Path;
use std::process::Command;

/// Questions that are asked at least; fewer would say that the description was not read.
const LEAST: u64 = 300;

/// No description says which directories of this machine are checkouts: one that is none is refused as no project.
const EXPECTED: &str = r#"
[[operations]]
include-path = "/api/projects"
checks.positive_data_acceptance.expected-statuses = ["2xx", "401", "403", "404", "409", "422"]
"#;

/// Did all go well, and what was said.
fn schemathesis(place: &Path, description: &str, more: &[&str]) -> (bool, String) {
    let program = std::env::var("AUTOISSUE_TEST_SCHEMATHESIS");
    let program = program.expect("tests/run says where schemathesis is");
    std::fs::write(place.join("schemathesis.toml"), EXPECTED).unwrap();
    let asked = Command::new(program)
        .args(["run", description])
        .args(["--seed", "1", "--max-examples", "20", "--workers", "1"])
        .args(["--generation-database", "none", "--no-color"])
        .args(more)
        // What it found it keeps where it runs.
        .current_dir(place)
        .output()
        .unwrap();
    let said = [asked.stdout, asked.stderr].concat();
    (
        asked.status.success(),
        String::from_utf8_lossy(&said).into_owned(),
    )
}

#[tokio::test]
async fn every_answer_is_one_that_the_description_has() {
    // One is offered, one failed, one waits for a person: there is something behind every list.
    let rig = waiting();
    let served = Served::serve(&rig, Some("a-token-of-ours"));
    let header = ["--header", "Authorization: Bearer a-token-of-ours"];
    let place = rig.path("");
    let url = format!("{}/api/openapi.json", served.url);
    // Events never end.
    let (went_well, said) = schemathesis(
        &place,
        &url,
        &[&header[..], &["--exclude-path", "/api/events"]].concat(),
    );
    assert!(went_well, "{said}");
    let (count, _) = said.split_once(" generated, ").expect("it says how many");
    let count: u64 = count.rsplit(' ').next().unwrap().parse().unwrap();
    assert!(
        count >= LEAST && said.contains(&format!("{count} passed")),
        "{said}"
    );
    // The control: of a description that says something else it finds that.
    let asked = served
        .get("/api/openapi.json")
        .bearer_auth("a-token-of-ours");
    let mut other: serde_json::Value = asked.send().await.unwrap().json().await.unwrap();
    let approvals = &mut other["paths"]["/api/approvals"]["get"]["responses"]["200"];
    approvals["content"]["application/json"]["schema"] = json!({ "type": "object" });
    let file = rig.path("other.json");
    std::fs::write(&file, other.to_string()).unwrap();
    let only = ["--url", &served.url, "--include-path", "/api/approvals"];
    let (went_well, said) = schemathesis(
        &place,
        &file.display().to_string(),
        &[&header[..], &only].concat(),
    );
    assert!(!went_well && said.contains("GET /api/approvals"), "{said}");
    served.end();
}
