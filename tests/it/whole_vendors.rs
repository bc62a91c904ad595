//! The whole of `exec` with the real Codex, Gemini CLI and opencode: their models on loopback, their forge the fake GitHub.

use crate::mock::Mock;
use crate::rig::Ran;
use crate::stage::Stage;
use crate::vendors_rig::{Vendor, is_bill, prices};
use autoissue::rules::money::Usd;
use serde_json::{Map, Value, json};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Fails where what was made says that it is bad.
const CHECK: &str =
    "#!/bin/sh\nif grep -q bad src/thing.txt; then echo src/thing.txt is bad; exit 1; fi\n";
const KEY: &str = "sk-canary-0123456789abcdefghijklmnopqrstuvwxyz";

struct Scene {
    vendor: Vendor,
    stage: Stage,
    mock: Mock,
}

impl Scene {
    fn new(vendor: Vendor, check: Option<&str>) -> Self {
        let mut stage = Stage::new("", check);
        let place = stage.rig.path("");
        let mock = vendor.mock(&place);
        let env = vendor.env(&place, mock.url(), KEY).into_iter();
        let env: Map<String, Value> = env.map(|(name, value)| (name, value.into())).collect();
        let program = vendor.program();
        stage.configure(&json!({ "agent": {
            "kind": vendor.kind(), "command": [program.to_str().unwrap()], "yolo": true,
            "model": vendor.model(), "env": env,
        } }));
        Self {
            vendor,
            stage,
            mock,
        }
    }

    fn issue(&self, scenario: &str) {
        let body = format!("[[mock:{scenario}]] Please.");
        self.stage.fake.add_issue("Add the thing", &body, &["go"]);
    }

    fn file(&self) -> Option<String> {
        self.stage
            .fake
            .file("autoissue/1-add-the-thing", "src/thing.txt")
    }
}

fn events(ran: &Ran, name: &str) -> Vec<Value> {
    let lines = ran
        .stdout
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.filter(|line| line["event"] == name).collect()
}

fn cost(summary: &Value) -> Usd {
    Usd::parse(summary["cost_usd"].as_str().unwrap()).unwrap()
}

fn check_mended(scene: &Scene, ran: &Ran) {
    let vendor = scene.vendor;
    assert_eq!(ran.code, Some(0), "{vendor:?}: {ran:?}");
    let summary = ran.last_json()["summary"].clone();
    assert_eq!(summary["completed"], 1, "{vendor:?}: {summary}");
    assert_eq!(scene.file().as_deref(), Some("good"), "{vendor:?}");
    assert_eq!(events(ran, "agent_done").len(), 2, "{vendor:?}: two rounds");
    let billed = scene.mock.billed_at(&prices());
    let told = cost(&summary);
    assert!(is_bill(told, billed), "{vendor:?}: both rounds, each once");
    let body = scene.stage.pull_body("autoissue/1-add-the-thing");
    assert!(body.contains(vendor.kind()), "{body}");
    assert!(!ran.said().contains(KEY), "{vendor:?}");
    scene.stage.assert_lawful();
}

#[test]
fn an_issue_becomes_a_pull_and_a_failed_check_goes_back_into_the_conversation() {
    for vendor in Vendor::ALL {
        let scene = Scene::new(vendor, Some(CHECK));
        scene.issue("mended");
        let ran = scene.stage.exec("go", &[]);
        check_mended(&scene, &ran);
    }
}

#[test]
fn in_the_sandbox_an_issue_becomes_a_pull_as_well() {
    for vendor in Vendor::ALL {
        let mut scene = Scene::new(vendor, Some(CHECK));
        let host = scene.mock.url().trim_start_matches("http://").to_owned();
        scene
            .stage
            .configure(&json!({ "sandbox": { "hosts": [host] } }));
        if vendor == Vendor::Codex {
            // Its provider stands in a file of its configuration.
            let place = scene.stage.rig.path("");
            let env = vendor.env(&place, scene.mock.url(), KEY);
            let home = env.into_iter().find(|(name, _)| name == "CODEX_HOME");
            let directory = home.unwrap().1;
            scene
                .stage
                .configure(&json!({ "agent": { "configDir": directory } }));
        }
        scene.issue("mended");
        let args = ["exec", "go", "--isolation", "bwrap", "--format", "json"];
        let ran: Ran = scene.stage.command(&args).output().unwrap().into();
        check_mended(&scene, &ran);
    }
}

#[test]
fn a_subscription_is_limited_by_no_dollars_and_sums_none() {
    let mut scene = Scene::new(Vendor::Codex, Some(CHECK));
    scene.stage.configure(&json!({
        "agent": { "billing": "subscription", "maxBudgetUsd": 0.01 }, "maxTotalBudgetUsd": 0.01,
    }));
    scene.issue("mended");
    let ran = scene.stage.exec("go", &[]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let summary = ran.last_json()["summary"].clone();
    assert_eq!(summary["completed"], 1, "{summary}");
    assert_eq!(cost(&summary), Usd::ZERO);
    assert!(
        scene.mock.billed() > Usd::from_micros(10_000),
        "the control"
    );
    let settled = &events(&ran, "attempt_settled")[0];
    assert_eq!(settled["basis"], "subscription", "{settled}");
    assert!(settled["tokens"]["output"].as_u64() > Some(0), "{settled}");
    let body = scene.stage.pull_body("autoissue/1-add-the-thing");
    assert!(body.contains("paid by a subscription"), "{body}");
}

#[test]
fn what_is_metered_is_refused_by_the_same_budget() {
    let mut scene = Scene::new(Vendor::Codex, None);
    scene.stage.configure(&json!({
        "agent": { "maxBudgetUsd": 0.02 }, "maxTotalBudgetUsd": 0.01,
    }));
    scene.issue("whole");
    let ran = scene.stage.exec("go", &[]);
    assert_eq!(ran.code, Some(4), "{ran:?}");
    assert_eq!(scene.mock.requests().len(), 0);
}

#[test]
fn a_used_up_window_parks_its_tasks_until_it_opens() {
    let mut scene = Scene::new(Vendor::Codex, None);
    scene
        .stage
        .configure(&json!({ "agent": { "billing": "subscription" } }));
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let reset = now + Duration::from_secs(3);
    let error = json!({ "type": "usage_limit_reached", "message": "The usage limit has been reached",
        "plan_type": "plus", "resets_at": reset.as_secs(), "resets_in_seconds": 3 });
    let write = json!({ "name": "exec_command", "input": { "cmd": "mkdir -p src && echo late > src/thing.txt" } });
    let scenario = json!({ "name": "used-up", "shared": true, "turns": [
        { "text": "I add it.", "tools": [write],
          "faults": [{ "kind": "http", "status": 429, "times": 1, "body": { "error": error } }] },
        { "text": "Added it." },
    ] });
    let path = "scenarios/used-up.json";
    scene.stage.rig.write(path, &scenario.to_string());
    scene.issue("used-up");
    let ran = scene.stage.exec("go", &[]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(events(&ran, "task_parked").len(), 1, "{}", ran.stdout);
    let summary = ran.last_json()["summary"].clone();
    assert_eq!(summary["tasks"][0]["outcome"], "completed");
    assert_eq!(scene.file().as_deref(), Some("late"));
}

#[test]
fn a_wrong_key_stops_the_agent_at_once_with_a_hint() {
    for vendor in Vendor::ALL {
        let scene = Scene::new(vendor, None);
        scene.issue("wrong-key");
        scene.issue("wrong-key");
        let ran = scene.stage.exec("go", &[]);
        assert_ne!(ran.code, Some(0), "{vendor:?}: {ran:?}");
        let settled = events(&ran, "attempt_settled");
        assert!(
            settled
                .iter()
                .all(|event| event["failure"]["class"] == "auth"),
            "{vendor:?}: {settled:?}"
        );
        assert_eq!(scene.stage.heads(), [""; 0]);
    }
}

#[test]
fn the_model_follows_label_domain_and_complexity() {
    let mut scene = Scene::new(Vendor::Codex, None);
    scene.stage.configure(&json!({ "agent": {
        "models": { "simple": "gpt-5.4-mini", "medium": "gpt-5.4-mini", "complex": "gpt-5.4-mini" },
        "modelsByDomain": { "documentation": "gpt-5-nano" },
        "modelsByLabel": { "hard": "gpt-5.4" },
    } }));
    let body = "[[mock:whole]] Please.";
    let fake = &scene.stage.fake;
    fake.add_issue("Do the thing", body, &["go"]);
    fake.add_issue("[Docs] Explain the thing", body, &["go"]);
    fake.add_issue("[Docs] Explain it again", body, &["go", "hard"]);
    let ran = scene.stage.exec("go", &[]);
    let settled = events(&ran, "attempt_settled");
    let model = |issue: u64| {
        let mut found = settled.iter().filter(|event| event["issue"] == issue);
        found.next().unwrap()["model"].clone()
    };
    let models = [model(1), model(2), model(3)];
    assert_eq!(models, ["gpt-5.4-mini", "gpt-5-nano", "gpt-5.4"], "{ran:?}");
    assert_eq!(scene.vendor, Vendor::Codex);
}
