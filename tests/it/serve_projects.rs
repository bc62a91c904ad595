//! One dashboard over sessions of several repositories, whose issues have the same numbers.

use crate::rig::{Ran, Rig};
use crate::serve::{Served, rig, supervised};
use reqwest::StatusCode;
use serde_json::json;

/// In the other repository.
fn other(rig: &Rig, args: &[&str]) -> Ran {
    let mut command = rig.autoissue(args);
    command.current_dir(rig.path("other"));
    command.output().unwrap().into()
}

/// #1 waits for a person in two repositories; the sessions' names.
fn both() -> (Rig, [String; 2]) {
    let rig = rig(&json!({ "routing": supervised() }));
    let checkout = rig.checkout().display().to_string();
    rig.git(&["clone", "--quiet", &checkout, "../other"]);
    rig.issue(
        1,
        "A watched thing",
        "It should be so, and everybody sees it.",
    );
    for file in ["autoissue.config.json", ".autoissue/issues/1.md"] {
        let text = std::fs::read_to_string(rig.checkout().join(file)).unwrap();
        rig.write(&format!("other/{file}"), &text);
    }
    let args = ["exec", "--issue", "1", "--format", "json"];
    let sessions = [rig.run(&args), other(&rig, &args)].map(|ran| {
        assert_eq!(ran.code, Some(5), "it waits for a person: {ran:?}");
        let begun = ran.event("session_started");
        begun["session"].as_str().unwrap().to_owned()
    });
    (rig, sessions)
}

#[tokio::test]
async fn what_is_said_on_the_page_of_one_reaches_no_issue_of_another() {
    let (rig, [own, others]) = both();
    let served = Served::serve(&rig, None);
    let page = format!("{}/sessions/{others}/issues/1", served.url);
    let page = served.client.get(page).send().await.unwrap();
    let page = page.text().await.unwrap();
    let field = format!("<input type=\"hidden\" name=\"session\" value=\"{others}\">");
    assert!(page.contains(&field), "{page}");
    let act = async |form: String| {
        let act = served.client.post(format!("{}/act", served.url));
        let act = act.header("content-type", "application/x-www-form-urlencoded");
        act.body(form).send().await.unwrap().status()
    };
    // Control: a number alone could be either.
    assert_eq!(
        act("do=approve&issue=1".to_owned()).await,
        StatusCode::CONFLICT
    );
    let number = served
        .client
        .post(format!("{}/api/issues/1/approve", served.url));
    let number = number.send().await.unwrap();
    assert_eq!(number.status(), StatusCode::CONFLICT);
    let told = number.text().await.unwrap();
    assert!(told.contains("both have it"), "{told}");
    let rejected = act(format!("do=reject&issue=1&session={others}")).await;
    assert_eq!(rejected, StatusCode::SEE_OTHER);
    let project = rig.checkout().display().to_string();
    let project = project.replace('/', "%2F");
    let named = format!("{}/api/issues/1/approve?project={project}", served.url);
    let named = served.client.post(named).send().await.unwrap();
    assert_eq!(named.status(), StatusCode::OK);
    served.end();
    let done = rig.run(&["resume", &own, "--format", "json"]);
    assert_eq!(done.count("completed"), 1, "{done:?}");
    let left = other(&rig, &["resume", &others, "--format", "json"]);
    assert_eq!(left.count("completed"), 0, "{left:?}");
    assert_eq!(left.task(1)["outcome"], "skipped", "{left:?}");
}
