//! The API against its own description: schemathesis asks the running server what the description allows and what it does not.

use crate::serve::Served;
use crate::serve_issues::waiting;
use std::process::{Command, Output};

fn schemathesis(served: &Served, token: &str) -> Output {
    let program = std::env::var("AUTOISSUE_TEST_SCHEMATHESIS");
    let program = program.expect("tests/run says where schemathesis is");
    let mut command = Command::new(program);
    command
        .arg("run")
        .arg(format!("{}/api/openapi.json", served.url))
        .args(["--header", &format!("Authorization: Bearer {token}")])
        .args(["--seed", "1", "--max-examples", "20", "--workers", "1"])
        .args(["--generation-database", "none", "--no-color"])
        // It never ends.
        .args(["--exclude-path", "/api/events"]);
    command.output().unwrap()
}

#[tokio::test]
async fn every_answer_is_one_that_the_description_has() {
    // One is offered, one failed, one waits for a person: there is something behind every list.
    let rig = waiting();
    let token = "a-token-of-ours";
    let served = Served::serve(&rig, Some(token));
    let found = schemathesis(&served, token);
    let said = [found.stdout, found.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(found.status.success(), "{said}");
    assert!(said.contains("No issues found"), "{said}");
    served.end();
}
