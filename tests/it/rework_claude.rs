//! Work that conflicts is brought onto the earlier one by the real Claude Code, in the conversation that wrote it.

use crate::mock::{Mock, claude};
use crate::rig::Ran;
use crate::stage::Stage;
use autoissue::rules::money::Usd;
use serde_json::json;

/// Writes its line, or keeps the lines of both where git left markers.
const SHARES: &str = "if grep -q '^<<<<<<<' shared.txt 2>/dev/null; then grep -v '^[<=>]' shared.txt | sort > both; \
     mv both shared.txt; else echo 'line LINE' > shared.txt; fi; cat shared.txt";

#[test]
fn claude_brings_its_work_onto_the_earlier_one() {
    let mut stage = Stage::new("", Some("#!/bin/sh\n! grep -q '^<' shared.txt\n"));
    let program = claude();
    stage.configure(&json!({ "executor": { "maxParallel": 1 }, "agent": {
        "kind": "claude", "command": [program.to_str().unwrap()], "yolo": true, "model": "sonnet",
    } }));
    for (line, domain) in (1..).zip(["Backend", "Frontend"]) {
        let command = SHARES.replace("LINE", &line.to_string());
        let tool =
            json!({ "name": "Bash", "input": { "command": command, "description": "share" } });
        let scenario = json!({ "name": format!("share-{line}"), "turns": [
            { "text": "I share a file.", "tools": [tool], "usage": { "input": 900, "output": 40 } },
            { "text": "It is shared.", "usage": { "input": 100, "output": 10, "cache_read": 900 } },
        ] });
        stage.rig.write(
            &format!("scenarios/share-{line}.json"),
            &scenario.to_string(),
        );
        stage.fake.add_issue(
            &format!("[{domain}] Share line {line}"),
            &format!("[[mock:share-{line}]] Please."),
            &["go"],
        );
    }
    let mock = Mock::start(&stage.rig.path(""));
    let ran: Ran = stage
        .command(&["exec", "go", "--isolation", "bwrap", "--format", "json"])
        .env("ANTHROPIC_BASE_URL", mock.url())
        .env(
            "ANTHROPIC_API_KEY",
            "sk-ant-api03-rework-0123456789abcdefghij",
        )
        .output()
        .unwrap()
        .into();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let later = "autoissue/2-frontend-share-line-2";
    assert_eq!(
        stage.fake.file(later, "shared.txt").as_deref(),
        Some("line 1\nline 2")
    );
    let summary = ran.last_json()["summary"].clone();
    assert_eq!(summary["conflicts"], json!([]), "{summary}");
    assert_eq!(summary["certificate"]["together"], json!([1, 2]));
    assert_eq!(ran.task(2)["attempts"], 2, "one of them to rework");
    let cost = Usd::parse(summary["cost_usd"].as_str().unwrap()).unwrap();
    assert_eq!(cost, mock.billed(), "the rework is on the bill");
    stage.assert_lawful();
}
