//! The dashboard and the API of the real binary, asked by a real client: what they show, to whom, and what they change.

use crate::rig::{Rig, wait_for};
use crate::stage::Running;
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use std::time::Duration;

/// Waits at a gate that is there, does its work, and fails where the issue says so.
const AGENT: &str = "#!/bin/sh\ncat > PLACE/told-$AUTOISSUE_ISSUE\nwhile [ -e PLACE/gate ]; do sleep 0.05; done\n\
    if grep -q \"a lost cause\" PLACE/told-$AUTOISSUE_ISSUE; then echo no >&2; exit 1; fi\n\
    echo done > \"file-$AUTOISSUE_ISSUE.txt\"\necho '{\"cost_usd\": 0.25, \"summary\": \"did it\"}'\n";

/// Nothing of it may reach a browser or a terminal as what it is.
pub(crate) const HOSTILE: &str =
    "Mend <img src=x onerror=alert(1)> \u{1b}[31mred</script> \u{202e}";

pub(crate) fn rig(more: &Value) -> Rig {
    let rig = Rig::new();
    let place = rig.path("").display().to_string();
    let agent = AGENT.replace("PLACE", place.trim_end_matches('/'));
    let agent = rig.script("agent", &agent);
    let mut config = json!({
        "agent": { "kind": "command", "command": [agent] }, "executor": { "maxRetries": 0 },
    });
    for (key, value) in more.as_object().unwrap() {
        config[key] = value.clone();
    }
    rig.config(&config);
    rig
}

/// A server of the rig's, and what it is asked.
pub(crate) struct Served {
    pub(crate) running: Running,
    pub(crate) url: String,
    pub(crate) client: Client,
}

impl Served {
    fn start(rig: &Rig, args: &[&str], token: Option<&str>) -> Self {
        let name = "AUTOISSUE_DASHBOARD_TOKEN";
        let variables: Vec<_> = token.map(|token| (name, token)).into_iter().collect();
        Self::start_with(rig, args, &variables)
    }

    pub(crate) fn start_with(rig: &Rig, args: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut command = rig.autoissue(args);
        command.envs(variables.iter().copied());
        let running = Running::start(rig, command);
        let url = || {
            let said = running.said();
            let from = said.find("Dashboard: ")? + "Dashboard: ".len();
            let line = said[from..].lines().next()?;
            line.ends_with('/')
                .then(|| line.trim_end_matches('/').to_owned())
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

    pub(crate) fn serve(rig: &Rig, token: Option<&str>) -> Self {
        Self::start(rig, &["serve", "--listen", "127.0.0.1:0"], token)
    }

    pub(crate) fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(format!("{}{path}", self.url))
    }

    async fn page(&self, path: &str) -> String {
        let answer = self.get(path).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        check_headers(&answer);
        answer.text().await.unwrap()
    }

    pub(crate) async fn json(&self, path: &str) -> Value {
        self.get(path).send().await.unwrap().json().await.unwrap()
    }

    async fn act(&self, fields: &[(&str, &str)]) -> Response {
        let act = self.client.post(format!("{}/act", self.url));
        form(act, fields).send().await.unwrap()
    }

    /// It ends in good order, also while somebody listens.
    pub(crate) fn end(self) {
        self.running.interrupt();
        assert_eq!(self.running.end().code, Some(0));
    }
}

/// As a browser sends a form; of words that need little escaping.
fn form(request: RequestBuilder, fields: &[(&str, &str)]) -> RequestBuilder {
    let escaped = |text: &str| text.replace('/', "%2F").replace(' ', "+");
    let pairs = fields
        .iter()
        .map(|(name, value)| format!("{name}={}", escaped(value)));
    request
        .header("content-type", "application/x-www-form-urlencoded")
        .body(pairs.collect::<Vec<_>>().join("&"))
}

fn check_headers(answer: &Response) {
    let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
    let policy = header("content-security-policy");
    assert!(
        policy.contains("default-src 'none'") && policy.contains("script-src 'self';"),
        "{policy}"
    );
    assert_eq!(header("x-content-type-options"), "nosniff");
    assert_eq!(header("x-frame-options"), "DENY");
    assert!(
        answer
            .headers()
            .get("access-control-allow-origin")
            .is_none()
    );
}

#[tokio::test]
async fn pages_and_the_api_tell_what_a_session_did_and_texts_of_others_are_text() {
    let rig = rig(&json!({}));
    rig.issue(1, HOSTILE, "Write `file-1.txt`.");
    rig.issue(2, "A hopeless thing", "It is a lost cause.");
    let ran = rig.run(&["exec", "--issue", "1", "--issue", "2", "--format", "json"]);
    assert_eq!(
        (ran.count("completed"), ran.count("failed")),
        (1, 1),
        "{ran:?}"
    );
    let served = Served::serve(&rig, None);
    let session = served.json("/api/session").await;
    let name = session["session"].as_str().unwrap().to_owned();
    assert_eq!(session["phase"], "finished");
    assert_eq!(
        served
            .json("/api/session/tasks")
            .await
            .as_array()
            .unwrap()
            .len(),
        2
    );
    assert_eq!(
        served.json("/api/metrics/budget").await["spent_usd"],
        "0.25"
    );
    assert_eq!(served.json("/api/metrics").await["tasks"]["completed"], 1);
    let errors = served.json("/api/metrics/errors").await;
    assert_eq!(errors["errors"][0]["class"], "crash", "{errors}");
    let task = served.json(&format!("/api/sessions/{name}/issues/2")).await;
    assert_eq!(task["issue"], 2);
    let pages = [
        "/".to_owned(),
        format!("/sessions/{name}"),
        format!("/sessions/{name}?state=failed&q=hopeless"),
        format!("/sessions/{name}/issues/1"),
        "/timeline".to_owned(),
        "/figures".to_owned(),
        "/api/docs".to_owned(),
    ];
    for path in &pages {
        let page = served.page(path).await;
        assert!(
            !page.contains("<img") && !page.contains("red</script>"),
            "{path}"
        );
        assert!(!page.contains(['\u{1b}', '\u{202e}']), "{path}");
        let is_shown = page.contains("&#60;img src=x") || page.contains("&lt;img src=x");
        let shows_it = path == "/" || path.ends_with("issues/1") || path == "/timeline";
        assert_eq!(is_shown, shows_it || *path == pages[1], "{path}");
    }
    let found = served.page(&pages[2]).await;
    assert!(found.contains("A hopeless thing") && found.contains("1 tasks"));
    for missing in ["/sessions/nobody", "/sessions/nobody/issues/1", "/nothing"] {
        let answer = served.get(missing).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{missing}");
    }
    served.end();
}

#[tokio::test]
async fn what_the_description_names_is_there_and_answers_as_it_says() {
    let rig = rig(&json!({}));
    let served = Served::serve(&rig, None);
    let described = served.json("/api/openapi.json").await;
    assert_eq!(described["openapi"], "3.1.0");
    let mut asked = 0;
    let mut names = std::collections::HashSet::new();
    for (path, methods) in described["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let name = operation["operationId"].as_str().unwrap();
            assert!(names.insert(name), "{name} twice");
            if path == "/api/events" {
                continue;
            }
            let real = path
                .replace("{id}", "nobody-999")
                .replace("{session}", "nobody")
                .replace("{issue}", "999")
                .replace("{id}", "nobody")
                .replace("{number}", "999");
            let url = format!("{}{real}", served.url);
            let method = method.to_uppercase().parse().unwrap();
            let answer = served.client.request(method, url).send().await.unwrap();
            let status = answer.status().as_u16().to_string();
            assert!(
                operation["responses"][&status].is_object(),
                "{path}: {status}"
            );
            if status.starts_with('4') {
                let kind = answer.headers()["content-type"]
                    .to_str()
                    .unwrap()
                    .to_owned();
                assert_eq!(kind, "application/problem+json", "{path}");
                let problem: Value = answer.json().await.unwrap();
                assert_eq!(problem["status"].to_string(), status);
            }
            asked += 1;
        }
    }
    assert!(asked >= 12, "{asked}");
    let page = served.page("/").await;
    assert!(page.contains("No session yet"), "{page}");
    served.end();
}

#[tokio::test]
async fn without_the_token_nothing_is_told_but_that_it_is_there() {
    let rig = rig(&json!({}));
    let served = Served::serve(&rig, Some("a-token-of-ours"));
    for path in [
        "/",
        "/api/session",
        "/live",
        "/api/events",
        "/assets/page.css",
        "/figures",
    ] {
        let answer = served.get(path).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{path}");
        let wrong = served.get(path).bearer_auth("a-token-of-theirs");
        let answer = wrong.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{path}");
    }
    for path in ["/health", "/api/health"] {
        let answer = served.get(path).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
    }
    let answer = served.get("/ready").send().await.unwrap();
    // Once the forge has answered it is.
    let expected = [StatusCode::OK, StatusCode::SERVICE_UNAVAILABLE];
    assert!(expected.contains(&answer.status()), "{answer:?}");
    let known = served
        .get("/")
        .bearer_auth("a-token-of-ours")
        .send()
        .await
        .unwrap();
    assert_eq!(known.status(), StatusCode::OK, "the control");
    served.end();
    // A server that others reach is not started without.
    let args = ["serve", "--listen", "0.0.0.0:0"];
    let refused = rig.run(&args);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.said().contains("dashboard.auth"), "{refused:?}");
    let served = Served::start(&rig, &args, Some("a-token-of-ours"));
    served.end();
}

#[tokio::test]
async fn another_site_s_page_changes_nothing_and_a_foreign_name_is_not_answered_to() {
    let rig = rig(&json!({ "routing": supervised() }));
    rig.issue(
        1,
        "A watched thing",
        "It should be so, and everybody can see that it is.",
    );
    let ran = rig.run(&["exec", "--issue", "1", "--format", "json"]);
    assert_eq!(ran.code, Some(5), "it waits for a person: {ran:?}");
    let served = Served::serve(&rig, None);
    let wish = [("do", "approve"), ("issue", "1"), ("back", "/")];
    let act = |name: &'static str, value: &'static str| {
        let post = served.client.post(format!("{}/act", served.url));
        form(post, &wish).header(name, value).send()
    };
    let foreign = act("origin", "http://evil.example").await.unwrap();
    assert_eq!(foreign.status(), StatusCode::FORBIDDEN);
    let foreign = act("sec-fetch-site", "cross-site").await.unwrap();
    assert_eq!(foreign.status(), StatusCode::FORBIDDEN);
    let rebound = act("host", "evil.example").await.unwrap();
    assert_eq!(rebound.status(), StatusCode::MISDIRECTED_REQUEST);
    let again = rig.run(&["resume", "--format", "json"]);
    assert_eq!(again.code, Some(5), "nobody approved: {again:?}");
    // The control, and the way it is meant: by the page itself.
    let page = served.page("/").await;
    assert!(page.contains("#answer"), "{page}");
    let done = served.act(&wish).await;
    assert_eq!(done.status(), StatusCode::SEE_OTHER);
    assert_eq!(done.headers()["location"], "/");
    let again = served.act(&wish).await;
    assert_eq!(again.status(), StatusCode::CONFLICT, "once is enough");
    let resumed = rig.run(&["resume", "--format", "json"]);
    assert_eq!(resumed.count("completed"), 1, "{resumed:?}");
    let audit = rig.run(&["audit", "--json"]).said();
    assert!(
        audit.contains("approve") && audit.contains("the dashboard"),
        "{audit}"
    );
    served.end();
}

pub(crate) fn supervised() -> Value {
    json!({
        "mode": "enforce",
        "rules": [{ "name": "watched", "when": { "title": ["watched"] }, "suitability": "medium", "final": true, "because": "we said so" }],
        "decisions": [{ "suitability": "medium", "route": "supervised" }]
    })
}

#[tokio::test]
async fn a_run_is_watched_as_it_happens_and_ends_while_somebody_listens() {
    let rig = rig(&json!({ "dashboard": { "port": free_port() } }));
    rig.issue(1, "A thing", "Write `file-1.txt`.");
    let gate = rig.path("gate");
    std::fs::write(&gate, "").unwrap();
    let args = ["exec", "--issue", "1", "--dashboard"];
    let served = Served::start(&rig, &args, None);
    let mut stream = served.get("/api/events").send().await.unwrap();
    let mut changes = served.get("/live").send().await.unwrap();
    wait_for(|| rig.path("told-1").exists());
    let page = served.page("/").await;
    assert!(
        page.contains("A thing") && page.contains("running"),
        "{page}"
    );
    std::fs::remove_file(&gate).unwrap();
    let mut told = String::new();
    while !told.contains("task_ended") {
        let more = stream.chunk().await.unwrap().expect("it goes on");
        told.push_str(&String::from_utf8_lossy(&more));
    }
    assert!(told.contains("\"event\":\"committed\""), "{told}");
    let change = changes.chunk().await.unwrap().unwrap();
    assert!(String::from_utf8_lossy(&change).contains("changed"));
    let ran = served.running.end();
    assert_eq!(ran.code, Some(0), "{ran:?}");
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

#[tokio::test]
async fn a_port_that_is_taken_is_named_and_the_next_one_used_unless_it_was_set() {
    let rig = rig(&json!({}));
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let refused = rig.run(&["serve", "--listen", &address]);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    let said = refused.said();
    assert!(
        said.contains(&address) && said.contains("--listen"),
        "{said}"
    );
    // Somebody else may have the usual port of this machine already.
    let usual = std::net::TcpListener::bind("127.0.0.1:3030").ok();
    let served = Served::start(&rig, &["serve"], None);
    assert!(!served.url.ends_with(":3030"), "{}", served.url);
    assert!(served.running.said().contains("port 3030 is in use"));
    drop(usual);
    served.end();
}

#[tokio::test]
async fn what_cannot_be_done_is_said_on_a_page() {
    let rig = rig(&json!({}));
    rig.issue(1, "A hopeless thing", "It is a lost cause.");
    let done = rig.run(&["exec", "--issue", "1", "--format", "json"]);
    assert_eq!(done.count("failed"), 1, "{done:?}");
    let served = Served::serve(&rig, None);
    let refused = served.act(&[("do", "retry"), ("issue", "1")]).await;
    assert_eq!(refused.status(), StatusCode::CONFLICT);
    let words = refused.text().await.unwrap();
    assert!(words.contains("has finished"), "{words}");
    let nonsense = served.act(&[("do", "rm -rf"), ("issue", "1")]).await;
    assert_eq!(nonsense.status(), StatusCode::CONFLICT);
    let long = "x".repeat(1 << 20);
    let long = served.act(&[("do", "answer"), ("words", &long)]).await;
    assert_eq!(long.status(), StatusCode::PAYLOAD_TOO_LARGE);
    served.end();
}

#[tokio::test]
async fn settings_are_shown_with_where_they_come_from_and_without_secrets() {
    let rig = rig(&json!({
        "notify": { "slack": { "webhook": "https://hooks.slack.com/services/T0/B0/hushhush" } },
    }));
    let served = Served::serve(&rig, None);
    let page = served.page("/settings").await;
    assert!(page.contains("notify.slack.webhook") && page.contains("***"));
    assert!(!page.contains("hushhush"), "{page}");
    let retries = page
        .lines()
        .find(|line| line.contains("executor.maxRetries"));
    let retries = retries.unwrap();
    assert!(
        retries.contains("<code>0</code>") && retries.contains("file"),
        "the control: what is no secret is shown: {retries}"
    );
    served.end();
}
