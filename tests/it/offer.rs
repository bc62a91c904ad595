//! What pulls say and carry, by the real binary before the fake GitHub.

use crate::fake_github::Logged;
use crate::stage::Stage;
use serde_json::json;

/// Writes a file, and a template of its own for pulls.
const AGENT: &str = r#"#!/bin/sh
cat > /dev/null
mkdir -p .github src
echo '## Agents only' > .github/PULL_REQUEST_TEMPLATE.md
echo "$AUTOISSUE_ISSUE" > "src/file-$AUTOISSUE_ISSUE.txt"
echo '{"cost_usd": 0.25, "summary": "did it"}'
"#;

const TEMPLATE: &str = "<!-- Hello -->\n## Description\n\nSay what.\n\n## Checklist\n\n- [ ] Tests pass\n- [x] Signed\n";

fn go(stage: &Stage) -> crate::rig::Ran {
    let ran = stage.exec("go", &[]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    stage.assert_lawful();
    ran
}

#[test]
fn a_template_of_the_base_is_filled_in_and_an_agents_is_not() {
    let stage = Stage::new(AGENT, Some("#!/bin/sh\n"));
    stage
        .fake
        .commit("main", &[(".github/PULL_REQUEST_TEMPLATE.md", TEMPLATE)]);
    stage.issue(1, &["go"]);
    go(&stage);
    let body = stage.pull_body("autoissue/1-thing-1");
    assert!(
        body.starts_with("Closes #1\n\n## Description\n\n> did it\n\n## Checklist\n\n- [x] Tests pass\n- [ ] Signed\n\n## Checks"),
        "{body}"
    );
    let last = body.trim_end().lines().last().unwrap();
    assert!(last.starts_with("<!-- autoissue:v1 session="), "{body}");
}

#[test]
fn own_templates_make_title_description_and_commit() {
    let mut stage = Stage::new(AGENT, None);
    stage.rig.write(
        "checkout/pull.jinja",
        "{{ closes }}\n\nBy hand: {{ issue.title }}\n",
    );
    stage.configure(&json!({
        "pull": { "title": "{{ issue.title }} ({{ issue.number }})", "body": "pull.jinja" },
        "commit": { "message": "agent: {{ issue.title }}" },
    }));
    stage.issue(1, &["go"]);
    go(&stage);
    let pull = &stage.fake.pulls()[0];
    assert_eq!(pull.title, "Thing 1 (1)");
    let body = stage.pull_body("autoissue/1-thing-1");
    assert!(
        body.starts_with("Closes #1\n\nBy hand: Thing 1\n\n<!-- autoissue:v1"),
        "{body}"
    );
    let commits = stage.fake.messages("autoissue/1-thing-1");
    assert_eq!(commits[0].trim_end(), "agent: Thing 1\n\nRefs #1");
}

#[test]
fn a_wrong_template_is_refused_before_anything_is_asked_or_paid() {
    let mut stage = Stage::with_issues(1);
    stage.configure(&json!({ "pull": { "title": "{{ isue.title }}" } }));
    let ran = stage.exec("go", &[]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let said = ran.said();
    assert!(
        said.contains("`pull.title`") && said.contains("`isue` is undefined"),
        "{said}"
    );
    assert!(
        said.contains("issue.number"),
        "the hint names what there is: {said}"
    );
    assert_eq!(stage.runs(), [0; 0]);
}

#[test]
fn a_pull_carries_what_the_configuration_its_issue_and_the_owners_say() {
    let mut stage = Stage::new(AGENT, None);
    stage.configure(&json!({
        "pull": {
            "labels": ["agent"], "copy": ["domains", "assignees", "milestone"], "reviewers": ["octo-bot", "a-stranger"],
        },
    }));
    let owners = "* @nobody\nsrc/ @a-maintainer @octo/core @elsewhere/team someone@example.com\n";
    stage.fake.commit("main", &[(".github/CODEOWNERS", owners)]);
    stage.issue(1, &["go", "backend", "urgent"]);
    stage.fake.assign(1, "a-maintainer", 3);
    // The agent leaves the template alone here, which belongs to nobody who can be asked.
    stage.rig.script(
        "agent",
        "#!/bin/sh\ncat > /dev/null\nmkdir -p src; echo 1 > src/a.txt\necho '{\"cost_usd\": 0.25, \"summary\": \"did it\"}'\n",
    );
    let ran = go(&stage);
    let pull = &stage.fake.pulls()[0];
    assert_eq!(pull.labels, ["agent", "autoissue:review", "backend"]);
    assert_eq!(
        (pull.assignees.as_slice(), pull.milestone),
        (&["a-maintainer".to_owned()][..], Some(3))
    );
    let part = pull.pull.as_ref().unwrap();
    assert_eq!(part.asked.users, ["a-maintainer"], "never the author");
    assert_eq!(part.asked.teams, ["core"]);
    let told = ran.event("task_announced");
    let trouble = told["trouble"].as_str().unwrap();
    assert_eq!(
        trouble,
        format!("not asked to review #{}: a-stranger", pull.number)
    );
    let changes = |request: &&Logged| {
        request.method == "PATCH" && request.path.ends_with(&format!("/issues/{}", pull.number))
    };
    let requests = stage.fake.requests();
    assert_eq!(
        requests.iter().filter(changes).count(),
        1,
        "one change for all of it"
    );
    // A second session over the same label has nothing to add.
    stage.fake.forget_requests();
    go(&stage);
    assert!(!stage.fake.requests().iter().any(Logged::writes));
}

#[test]
fn nobody_is_asked_about_a_pull_of_a_repository_that_names_nobody() {
    let mut stage = Stage::with_issues(1);
    stage.configure(&json!({ "labels": { "review": "" } }));
    go(&stage);
    let asked = |request: &Logged| request.path.contains("requested_reviewers");
    let requests = stage.fake.requests();
    assert!(!requests.iter().any(asked));
    let pull = format!("/issues/{}", stage.fake.pulls()[0].number);
    assert!(!requests.iter().any(|request| request.path.ends_with(&pull)));
}

#[test]
fn what_is_too_large_is_a_draft_that_nobody_is_asked_to_review() {
    let mut stage = Stage::new(AGENT, None);
    stage.configure(&json!({ "pull": { "maxFiles": 1, "reviewers": ["a-maintainer"] } }));
    stage.issue(1, &["go"]);
    go(&stage);
    let pull = &stage.fake.pulls()[0];
    let part = pull.pull.as_ref().unwrap();
    assert!(part.draft);
    assert_eq!(part.asked.times, 0);
    let body = pull.body.as_deref().unwrap();
    assert!(body.contains("more than a review should hold"), "{body}");
    assert!(
        body.contains("`.github/`: 1 file") && body.contains("`src/`: 1 file"),
        "{body}"
    );
}

#[test]
fn a_keyword_that_would_close_nothing_is_not_used() {
    let mut stage = Stage::with_issues(1);
    stage.fake.commit("release", &[("b.txt", "b")]);
    stage.configure(&json!({ "project": { "baseBranch": "release" } }));
    go(&stage);
    let body = stage.pull_body("autoissue/1-thing-1");
    assert!(body.starts_with("Refs #1\n"), "{body}");
}
