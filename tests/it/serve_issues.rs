//! What programs ask of issues and of what waits for people, and what they say to them.

use crate::rig::Rig;
use crate::serve::{Served, rig, supervised};
use reqwest::StatusCode;
use serde_json::{Value, json};

/// #1 is offered, #2 failed, #3 waits for approval.
pub(crate) fn waiting() -> Rig {
    let mut routing = supervised();
    let others = json!({ "route": "autonomous" });
    routing["decisions"].as_array_mut().unwrap().push(others);
    let rig = rig(&json!({ "routing": routing }));
    rig.issue(1, "A thing", "Write `file-1.txt`, and nothing else.");
    rig.issue(
        2,
        "A hopeless thing",
        "It is a lost cause, in `file-2.txt`.",
    );
    rig.issue(
        3,
        "A watched thing",
        "It should be so in `file-3.txt`, and everybody sees it.",
    );
    let issues = ["exec", "--issue", "1", "--issue", "2", "--issue", "3"];
    let ran = rig.run(&[&issues[..], &["--format", "json"]].concat());
    assert_eq!(ran.code, Some(5), "it waits for a person: {ran:?}");
    rig
}

/// The issues with their states.
fn states(listed: &Value) -> Vec<(u64, &str)> {
    let items = listed["items"].as_array().unwrap().iter();
    items
        .map(|item| {
            (
                item["issue"].as_u64().unwrap(),
                item["status"].as_str().unwrap(),
            )
        })
        .collect()
}

/// Sends it; whatever goes wrong is told as a problem.
async fn post(served: &Served, path: &str, body: &str) -> u16 {
    let request = served.client.post(format!("{}{path}", served.url));
    let request = request.header("content-type", "application/json");
    let answer = request.body(body.to_owned()).send().await.unwrap();
    let code = answer.status().as_u16();
    if code >= 400 {
        let kind = &answer.headers()["content-type"];
        assert_eq!(kind, "application/problem+json", "{path}");
    }
    code
}

#[tokio::test]
async fn issues_are_listed_in_pages_with_what_came_of_them() {
    let rig = waiting();
    let served = Served::serve(&rig, None);
    let listed = served.json("/api/issue-sessions?limit=2").await;
    assert_eq!(states(&listed), [(1, "pr_created"), (2, "failed")]);
    let next = listed["next"].as_str().unwrap();
    let rest = served
        .json(&format!("/api/issue-sessions?limit=2&after={next}"))
        .await;
    assert_eq!(
        (states(&rest), &rest["next"]),
        (vec![(3, "pending")], &Value::Null)
    );
    let failed = served.json("/api/issue-sessions?status=failed").await;
    assert_eq!(states(&failed), [(2, "failed")]);
    let one = &failed["items"][0];
    let path = format!("/api/issue-sessions/{}", one["id"].as_str().unwrap());
    assert_eq!(&served.json(&path).await, one);
    assert!(
        one["last_error"].is_string() && one["completed_at"].is_string(),
        "{one}"
    );
    let offered = &listed["items"][0];
    assert_eq!(offered["pull"]["state"], "open", "{offered}");
    assert_eq!(
        (&offered["last_error"], &offered["attempts"]),
        (&Value::Null, &json!(1))
    );
    for odd in ["limit=0", "limit=201", "status=odd", "after=x"] {
        let answer = served.get(&format!("/api/issue-sessions?{odd}")).send();
        assert_eq!(
            answer.await.unwrap().status(),
            StatusCode::BAD_REQUEST,
            "{odd}"
        );
    }
    let missing = served.get("/api/nothing").send().await.unwrap();
    assert_eq!(
        missing.headers()["content-type"],
        "application/problem+json"
    );
    served.end();
}

#[tokio::test]
async fn what_waits_is_let_go_once_and_what_failed_is_tried_again() {
    let rig = waiting();
    let served = Served::serve(&rig, None);
    let failed = served.json("/api/issue-sessions?status=failed").await;
    let path = format!(
        "/api/issue-sessions/{}",
        failed["items"][0]["id"].as_str().unwrap()
    );
    assert_eq!(
        post(&served, &format!("{path}/skip"), "").await,
        409,
        "it has ended"
    );
    assert_eq!(post(&served, &format!("{path}/retry"), "").await, 200);
    let approvals = served.json("/api/approvals").await;
    let waits = approvals[0]["id"].as_str().unwrap();
    assert_eq!(approvals[0]["needs"], "approval");
    assert_eq!(approvals.as_array().unwrap().len(), 1, "{approvals}");
    let act = |what: &str| format!("/api/approvals/{waits}/{what}");
    for odd in [
        "{",
        "{}",
        "{\"instructions\":\" \"}",
        "{\"instructions\":1}",
    ] {
        assert_eq!(post(&served, &act("modify"), odd).await, 400, "{odd}");
    }
    assert_eq!(
        post(&served, "/api/approvals/nobody-3/approve", "").await,
        404
    );
    assert_eq!(
        post(&served, &act("answer"), "{\"answer\":\"x\"}").await,
        409
    );
    let careful = "{\"instructions\":\"with care\"}";
    assert_eq!(post(&served, &act("modify"), careful).await, 200);
    assert_eq!(
        post(&served, &act("approve"), "").await,
        409,
        "once is enough"
    );
    let resumed = rig.run(&["resume", "--format", "json"]);
    assert_eq!(
        (resumed.count("completed"), resumed.count("failed")),
        (2, 1),
        "{resumed:?}"
    );
    let told = std::fs::read_to_string(rig.path("told-3")).unwrap();
    assert!(told.contains("with care"), "{told}");
    served.end();
}
