//! A daemon of the real binary, and a client of its.

use crate::rig::{Rig, wait_for};
use crate::stage::Running;
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use std::process::Command;
use std::time::Duration;

/// Waits at a gate that is there, and does its work.
pub(crate) const AGENT: &str = "#!/bin/sh\ncat > PLACE/told-$AUTOISSUE_ISSUE\necho x >> PLACE/tries-$AUTOISSUE_ISSUE\n\
    while [ -e PLACE/gate ]; do sleep 0.05; done\n\
    if grep -q \"a lost cause\" PLACE/told-$AUTOISSUE_ISSUE; then echo no >&2; exit 1; fi\n\
    echo done > \"file-$AUTOISSUE_ISSUE.txt\"\necho '{\"cost_usd\": 0.25, \"summary\": \"did it\"}'\n";

/// A rig whose daemon works on issues labelled `go`.
pub(crate) fn rig(more: &Value) -> Rig {
    let rig = Rig::new();
    configure(&rig, more);
    rig
}

/// Configures a rig with the agent above; what `more` says counts on top.
pub(crate) fn configure(rig: &Rig, more: &Value) {
    let place = rig.path("").display().to_string();
    let agent = AGENT.replace("PLACE", place.trim_end_matches('/'));
    let agent = rig.script("agent", &agent);
    let mut config = json!({
        "project": { "label": "go", "autoStart": true },
        "agent": { "kind": "command", "command": [agent] }, "executor": { "maxRetries": 0 },
        "serve": { "pollSeconds": 5, "maxMemoryPercent": 100, "minFreeDiskMb": 0 },
    });
    for (key, value) in more.as_object().unwrap() {
        let Some(object) = value.as_object() else {
            config[key] = value.clone();
            continue;
        };
        for (name, value) in object {
            config[key][name] = value.clone();
        }
    }
    rig.config(&config);
}

pub(crate) struct Daemon {
    pub(crate) running: Running,
    pub(crate) url: String,
    pub(crate) client: Client,
}

impl Daemon {
    pub(crate) fn start(rig: &Rig) -> Self {
        Self::of(rig, rig.autoissue(&["serve", "--listen", "127.0.0.1:0"]))
    }

    pub(crate) fn of(rig: &Rig, command: Command) -> Self {
        let running = Running::start(rig, command);
        let url = || {
            let said = running.said();
            let from = said.find("Dashboard: ")? + "Dashboard: ".len();
            let line = said[from..].lines().next()?;
            let is_whole = line.ends_with('/');
            is_whole.then(|| line.trim_end_matches('/').to_owned())
        };
        wait_for(|| url().is_some());
        let url = url().unwrap();
        let client = Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(Duration::from_secs(20))
            .build()
            .unwrap();
        Self {
            running,
            url,
            client,
        }
    }

    pub(crate) fn ask(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url))
    }

    pub(crate) async fn post(&self, path: &str) -> Response {
        self.ask(Method::POST, path).send().await.unwrap()
    }

    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        body: &Value,
    ) -> (StatusCode, Value) {
        let request = self
            .ask(method, path)
            .header("content-type", "application/json");
        let answer = request.body(body.to_string()).send().await.unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    pub(crate) async fn json(&self, path: &str) -> Value {
        let answer = self.ask(Method::GET, path).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        let text = answer.text().await.unwrap();
        serde_json::from_str(&text).unwrap()
    }

    pub(crate) async fn page(&self, path: &str) -> String {
        let answer = self.ask(Method::GET, path).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        answer.text().await.unwrap()
    }

    /// The only project.
    pub(crate) async fn project(&self) -> Value {
        self.json("/api/projects").await[0].clone()
    }

    /// Waits until it has said this.
    pub(crate) fn says(&self, words: &str) {
        wait_for(|| self.running.said().contains(words));
    }

    /// It ends in good order.
    pub(crate) fn end(self) -> String {
        self.running.interrupt();
        let ran = self.running.end();
        assert_eq!(ran.code, Some(0), "{ran:?}");
        ran.said()
    }
}
