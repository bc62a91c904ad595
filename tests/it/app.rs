//! As a GitHub App: tokens that are made, renewed before they end, and appear nowhere.

use crate::fake_github::{AppKey, FakeApp, Fault, Logged};
use crate::rig::Ran;
use crate::stage::{AGENT, Running, Stage};
use autoissue::adapters::github::app::AppSettings;
use autoissue::adapters::github::forge::{GitHub, GitHubSettings};
use autoissue::adapters::github::tokens::{Renewal, Tokens};
use autoissue::ports::{Forge as _, ForgeError};
use autoissue::rules::ids::IssueNumber;
use insta::assert_snapshot;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;

static KEY: LazyLock<AppKey> = LazyLock::new(AppKey::new);
static OTHER: LazyLock<AppKey> = LazyLock::new(AppKey::new);

/// Works for some seconds, longer than a token of the tests is good.
const SLOW: &str = r#"#!/bin/sh
cat > /dev/null
sleep 8
echo "$AUTOISSUE_ISSUE" >> PLACE/runs
echo "$AUTOISSUE_ISSUE" > "file-$AUTOISSUE_ISSUE.txt"
echo '{"cost_usd": 0.25, "summary": "did it"}'
"#;

/// Stands before a gate until it is let through.
const WAITS: &str = r#"#!/bin/sh
cat > /dev/null
echo "$AUTOISSUE_ISSUE" >> PLACE/runs
echo "$AUTOISSUE_ISSUE" > PLACE/gate
read -r word < PLACE/on
echo "$AUTOISSUE_ISSUE" > "file-$AUTOISSUE_ISSUE.txt"
echo '{"cost_usd": 0.25, "summary": "did it"}'
"#;

/// A stage whose configuration is an app's, and that knows no token.
struct Troupe {
    stage: Stage,
}

impl Troupe {
    fn new(agent: &str, lifetime: i64) -> Self {
        let mut stage = Stage::new(agent, None);
        let app = FakeApp {
            lifetime,
            ..FakeApp::new(&KEY)
        };
        stage.fake.install(app);
        stage.rig.write("app.pem", &KEY.pem);
        stage.configure(&json!({ "forge": { "app": { "id": 4711, "keyFile": "../app.pem" } } }));
        Self { stage }
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = self.stage.command(args);
        command.env_remove("GITHUB_TOKEN");
        command
    }

    fn exec(&self, variables: &[(&str, &str)]) -> Ran {
        let mut command = self.command(&["exec", "go", "--isolation", "none", "--format", "json"]);
        command.envs(variables.iter().copied());
        Ran::from(command.output().unwrap())
    }

    fn requests(&self, matches: impl Fn(&Logged) -> bool) -> Vec<Logged> {
        let all = self.stage.fake.requests().into_iter();
        all.filter(matches).collect()
    }
}

#[test]
fn a_run_that_outlasts_its_token_makes_new_ones() {
    let troupe = Troupe::new(SLOW, 3);
    troupe.stage.issue(1, &["go"]);
    let ran = troupe.exec(&[]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(troupe.stage.heads(), ["autoissue/1-thing-1"]);
    let tokens = troupe.stage.fake.app_tokens();
    assert!(tokens.len() > 1, "{tokens:?}");
    let refused = troupe.requests(|request| request.status == Some(401));
    assert!(refused.is_empty(), "{refused:?}");
    let pushes = troupe
        .requests(|request| request.path.ends_with("git-receive-pack") && request.method == "POST");
    assert_ne!(pushes.last().unwrap().token, tokens[0]);
    // What was done is known to be its own.
    let again = troupe.exec(&[]);
    assert_eq!((again.code, again.count("skipped")), (Some(0), 1));
    troupe.stage.assert_lawful();
}

#[test]
fn without_renewing_the_same_run_fails_and_loses_nothing() {
    let troupe = Troupe::new(SLOW, 7);
    troupe.stage.issue(1, &["go"]);
    let ran = troupe.exec(&[("AUTOISSUE_FAULT", "no-renewal")]);
    assert_ne!(ran.code, Some(0), "{ran:?}");
    assert_eq!(troupe.stage.heads(), [""; 0]);
    assert_eq!(troupe.stage.fake.app_tokens().len(), 1);
    let mut resume = troupe.command(&["resume", "--isolation", "none", "--format", "json"]);
    let resumed = Ran::from(resume.output().unwrap());
    assert_eq!(resumed.code, Some(0), "{resumed:?}");
    assert_eq!(troupe.stage.heads(), ["autoissue/1-thing-1"]);
    assert_eq!(troupe.stage.runs(), [1], "paid once");
}

#[test]
fn a_token_that_is_refused_before_its_end_is_replaced_once() {
    let troupe = Troupe::new(WAITS, 3600);
    troupe.stage.issue(1, &["go"]);
    troupe.stage.close_gate();
    let on = troupe.stage.rig.path("on");
    assert!(Command::new("mkfifo").arg(&on).status().unwrap().success());
    let command = troupe.command(&["exec", "go", "--isolation", "none", "--format", "json"]);
    let running = Running::start(&troupe.stage.rig, command);
    troupe.stage.at_gate();
    // Somebody takes all tokens back while the agent works.
    troupe.stage.fake.change_app(|app| {
        for (_, end) in &mut app.tokens {
            *end = 0;
        }
    });
    fs::write(on, "on\n").unwrap();
    let ran = running.end();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(troupe.stage.heads().len(), 1);
    assert_eq!(troupe.stage.fake.app_tokens().len(), 2, "one more for all");
    troupe.stage.assert_lawful();
}

#[tokio::test]
async fn a_write_that_is_refused_is_sent_once_more_with_another_token() {
    let troupe = Troupe::new(AGENT, 3600);
    troupe.stage.issue(1, &["go"]);
    let fake = &troupe.stage.fake;
    let forge =
        |tokens| GitHub::new(GitHubSettings::new("octo/widgets", &fake.api_url(), tokens)).unwrap();
    let app = || {
        let settings = AppSettings {
            id: 4711,
            key: KEY.pem.clone().into(),
            installation: None,
            project: "octo/widgets".to_owned(),
            api: fake.api_url(),
        };
        Tokens::app(settings, Renewal::Ahead).unwrap()
    };
    let sent = || {
        let sent = troupe.requests(|request| request.path.ends_with("/issues/1/comments"));
        let sent = sent.iter().filter(|request| request.method == "POST");
        let statuses: Vec<u16> = sent.filter_map(|request| request.status).collect();
        fake.forget_requests();
        statuses
    };
    let refuse = |times| {
        fake.fail_when(
            |request| request.method == "POST" && request.path.ends_with("/comments"),
            Fault::Unauthorized,
            times,
        );
    };
    refuse(1);
    forge(app()).comment(IssueNumber(1), "once").await.unwrap();
    assert_eq!(sent(), [401, 201]);
    assert_eq!(fake.comments(1).len(), 1);
    refuse(2);
    let twice = forge(app()).comment(IssueNumber(1), "twice").await;
    assert!(matches!(twice, Err(ForgeError::Auth { .. })), "{twice:?}");
    assert_eq!(sent(), [401, 401]);
    // A token that nobody renews is not sent a second time.
    refuse(1);
    let fixed = Tokens::fixed(app().current().await.unwrap());
    let refused = forge(fixed).comment(IssueNumber(1), "never").await;
    assert!(
        matches!(refused, Err(ForgeError::Auth { .. })),
        "{refused:?}"
    );
    assert_eq!(sent(), [401]);
    assert_eq!(fake.comments(1).len(), 1);
}

#[test]
fn a_watch_acts_as_the_app_as_well() {
    let mut troupe = Troupe::new(AGENT, 3600);
    troupe.stage.issue(1, &["go"]);
    assert_eq!(troupe.exec(&[]).count("completed"), 1);
    troupe
        .stage
        .configure(&json!({ "merge": { "policy": "auto" } }));
    let args = ["watch", "--once", "--isolation", "none", "--format", "json"];
    let ran = Ran::from(troupe.command(&args).output().unwrap());
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let pulls = troupe.stage.fake.pulls();
    assert!(pulls[0].pull.as_ref().unwrap().merged.is_some(), "{ran:?}");
    troupe.stage.assert_lawful();
}

#[test]
fn tokens_and_keys_appear_nowhere() {
    let troupe = Troupe::new(AGENT, 3600);
    troupe.stage.issue(1, &["go"]);
    let mut command = troupe.command(&["exec", "go", "--isolation", "none", "-vv"]);
    let key = KEY.pem.replace('\n', "\\n");
    command.env("AUTOISSUE_APP_KEY", &key);
    let ran = Ran::from(command.output().unwrap());
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let tokens = troupe.stage.fake.app_tokens();
    let line = KEY.pem.lines().nth(3).unwrap();
    let secrets: Vec<&str> = tokens.iter().map(String::as_str).chain([line]).collect();
    assert!(!secrets[0].is_empty());
    for secret in &secrets {
        assert!(!ran.stdout.contains(secret) && !ran.stderr.contains(secret));
    }
    let found = files_with(&troupe.stage.rig.path("state"), &secrets);
    assert_eq!(found, [""; 0]);
    // The control: it is found where it is.
    let found = files_with(&troupe.stage.rig.path(""), &secrets);
    assert_eq!(found.len(), 1, "{found:?}");
}

/// Every file below the directory that holds one of these.
fn files_with(root: &Path, secrets: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    let mut stack = vec![root.to_owned()];
    while let Some(path) = stack.pop() {
        if path.symlink_metadata().unwrap().is_dir() {
            stack.extend(
                fs::read_dir(&path)
                    .unwrap()
                    .map(|item| item.unwrap().path()),
            );
        } else if let Ok(content) = fs::read(&path) {
            let content = String::from_utf8_lossy(&content);
            if secrets.iter().any(|secret| content.contains(secret)) {
                found.push(path.display().to_string());
            }
        }
    }
    found
}

/// What `exec` says when the app cannot be used; nothing was paid, and nothing made.
fn refused(prepare: impl FnOnce(&mut Troupe)) -> String {
    let mut troupe = Troupe::new(AGENT, 3600);
    troupe.stage.issue(1, &["go"]);
    prepare(&mut troupe);
    let mut command = troupe.command(&["exec", "go", "--isolation", "none"]);
    let ran = Ran::from(command.output().unwrap());
    assert!(matches!(ran.code, Some(1 | 2)), "{ran:?}");
    assert_eq!(troupe.stage.runs(), [0; 0]);
    assert!(!ran.stderr.contains("PRIVATE KEY"), "{ran:?}");
    let top = troupe.stage.rig.path("");
    let top = top.canonicalize().unwrap().display().to_string();
    ran.stderr.replace(&top, "$TOP")
}

#[test]
fn a_key_that_is_of_no_use_is_told_before_anything_is_paid() {
    let put = |text: &'static str| {
        refused(move |troupe| {
            troupe.stage.rig.write("app.pem", text);
        })
    };
    assert_snapshot!(put("not a key"), @r#"
    error: could not use the private key of the GitHub App in $TOP/app.pem
      because it is no RSA private key in PEM, as GitHub gives it out
    hint: make one under "Private keys" in the app's settings on GitHub, and name its file in forge.app.keyFile
    "#);
    assert_snapshot!(put("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), @r#"
    error: could not use the private key of the GitHub App in $TOP/app.pem
      because it is no RSA private key in PEM, as GitHub gives it out
    hint: make one under "Private keys" in the app's settings on GitHub, and name its file in forge.app.keyFile
    "#);
    assert_snapshot!(put("-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n"), @r#"
    error: could not use the private key of the GitHub App in $TOP/app.pem
      because it is no RSA private key in PEM, as GitHub gives it out
    hint: make one under "Private keys" in the app's settings on GitHub, and name its file in forge.app.keyFile
    "#);
    assert_snapshot!(refused(|troupe| fs::remove_file(troupe.stage.rig.path("app.pem")).unwrap()), @r#"
    error: could not use the private key of the GitHub App in $TOP/app.pem
      because No such file or directory (os error 2)
    hint: make one under "Private keys" in the app's settings on GitHub, and name its file in forge.app.keyFile
    "#);
    assert_snapshot!(refused(|troupe| {
        let path = troupe.stage.rig.path("app.pem");
        fs::remove_file(&path).unwrap();
        fs::create_dir(path).unwrap();
    }), @r#"
    error: could not use the private key of the GitHub App in $TOP/app.pem
      because Is a directory (os error 21)
    hint: make one under "Private keys" in the app's settings on GitHub, and name its file in forge.app.keyFile
    "#);
    assert_snapshot!(refused(|troupe| {
        let rig = &troupe.stage.rig;
        rig.write("checkout/app.pem", &KEY.pem);
        rig.git(&["add", "app.pem"]);
        troupe.stage.configure(&json!({ "forge": { "app": { "keyFile": "app.pem" } } }));
    }), @r#"
    error: could not use the private key of the GitHub App in $TOP/checkout/app.pem
      because git tracks it: whoever sees the repository has the key
    hint: make one under "Private keys" in the app's settings on GitHub, and name its file in forge.app.keyFile
    "#);
    assert_snapshot!(refused(|troupe| {
        troupe.stage.rig.write("app.pem", &OTHER.pem);
    }), @"
    error: could not sign in as the GitHub App: it signs as app 4711, and GitHub says: A JSON web token could not be decoded
    hint: check that forge.app.keyFile is a key of that app, that it was not deleted there, and the clock of this machine
    ");
    assert_snapshot!(refused(|troupe| {
        troupe.stage.configure(&json!({ "forge": { "app": { "keyFile": null } } }));
    }), @r#"
    error: could not use the private key of the GitHub App in AUTOISSUE_APP_KEY
      because it is not set
    hint: make one under "Private keys" in the app's settings on GitHub, and name its file in forge.app.keyFile
    "#);
}

#[test]
fn an_app_that_is_not_there_is_told_apart() {
    let with = |change: Value| {
        refused(move |troupe| {
            troupe
                .stage
                .configure(&json!({ "forge": { "app": change } }));
        })
    };
    assert_snapshot!(with(json!({ "id": 4712 })), @r#"
    error: could not sign in as the GitHub App: there is no app 4712
    hint: forge.app.id is what the app's settings on GitHub call "App ID"
    "#);
    assert_snapshot!(with(json!({ "installation": 5 })), @"
    error: could not sign in as the GitHub App: app 4711 has no installation 5
    hint: leave forge.app.installation out, and it is found by the repository
    ");
    assert_snapshot!(refused(|troupe| troupe.stage.fake.change_app(|app| app.is_installed = false)), @r#"
    error: could not sign in as the GitHub App: app 4711 is not installed on octo/widgets, or there is no such repository
    hint: install the app on that repository ("Install App" in its settings on GitHub), and check project.repo
    "#);
    assert_snapshot!(with(json!({ "id": null })), @"
    error: could not use $TOP/checkout/autoissue.config.json
      because forge.app.id: invalid type: null, expected a whole number from 1 to 4294967295
    ");
}

#[test]
fn a_key_in_the_newer_form_or_in_the_environment_is_as_good() {
    let mut troupe = Troupe::new(AGENT, 3600);
    troupe.stage.issue(1, &["go"]);
    troupe.stage.rig.write("app.pem", &KEY.pkcs8);
    assert_eq!(troupe.exec(&[]).count("completed"), 1);
    let second = troupe
        .stage
        .fake
        .add_issue("Second", "Write `b.txt`.", &["go"]);
    troupe
        .stage
        .configure(&json!({ "forge": { "app": { "keyFile": null, "installation": 77_001 } } }));
    let one_line = KEY.pem.replace('\n', "\\n");
    let ran = troupe.exec(&[("AUTOISSUE_APP_KEY", &one_line)]);
    assert_eq!(ran.count("completed"), 1, "{ran:?}");
    assert_eq!(troupe.stage.runs(), [1, second]);
    troupe.stage.assert_lawful();
}

#[test]
fn an_app_that_lacks_a_permission_is_told_which_before_anything_is_paid() {
    let without = |name: &'static str, level: Option<&'static str>| {
        refused(move |troupe| {
            troupe.stage.fake.change_app(|app| {
                app.permissions.remove(name);
                app.permissions.extend(level.map(|level| (name, level)));
            });
        })
    };
    assert_snapshot!(without("pull_requests", Some("read")), @r#"
    error: could not work on octo/widgets as the GitHub App
      because its installation lacks pull_requests: write (pull requests)
    hint: add it under "Permissions" in the app's settings on GitHub, and accept it where the app is installed
    "#);
    assert_snapshot!(without("contents", Some("read")), @r#"
    error: could not work on octo/widgets as the GitHub App
      because its installation lacks contents: write (push branches), contents: write (claims among machines)
    hint: add it under "Permissions" in the app's settings on GitHub, and accept it where the app is installed
    "#);
    assert_snapshot!(without("issues", None), @r#"
    error: could not work on octo/widgets as the GitHub App
      because its installation lacks issues: read (read issues)
    hint: add it under "Permissions" in the app's settings on GitHub, and accept it where the app is installed
    "#);
}

#[test]
fn a_watch_that_may_not_read_checks_says_so() {
    let troupe = Troupe::new(AGENT, 3600);
    troupe.stage.issue(1, &["go"]);
    assert_eq!(troupe.exec(&[]).count("completed"), 1);
    troupe.stage.fake.change_app(|app| {
        app.permissions.remove("checks");
    });
    let args = ["watch", "--once", "--isolation", "none"];
    let ran = Ran::from(troupe.command(&args).output().unwrap());
    assert_ne!(ran.code, Some(0), "{ran:?}");
    let expect = "its installation lacks checks: read (watch checks)";
    assert!(ran.stderr.contains(expect), "{ran:?}");
    troupe.stage.assert_lawful();
}

/// What the fake does not let an app do that lacks a permission, as the client tells it.
#[tokio::test]
async fn what_an_app_was_not_given_github_refuses_with_what_it_takes() {
    let troupe = Troupe::new(AGENT, 3600);
    troupe.stage.issue(1, &["go"]);
    let fake = &troupe.stage.fake;
    fake.change_app(|app| app.permissions.clear());
    let settings = AppSettings {
        id: 4711,
        key: KEY.pem.clone().into(),
        installation: None,
        project: "octo/widgets".to_owned(),
        api: fake.api_url(),
    };
    let tokens = Tokens::app(settings, Renewal::Ahead).unwrap();
    let forge = GitHub::new(GitHubSettings::new("octo/widgets", &fake.api_url(), tokens)).unwrap();
    let told = |refused: Option<ForgeError>| match refused {
        Some(ForgeError::Auth { detail, .. }) => detail,
        other => panic!("{other:?}"),
    };
    let lacks = |needs: &str| format!("Resource not accessible by integration (it takes {needs})");
    let issue = IssueNumber(1);
    let comment = || forge.comment(issue, "hello");
    let both = lacks("issues: write or pull_requests: write");
    assert_eq!(told(comment().await.err()), both);
    assert_eq!(told(forge.issue(issue).await.err()), lacks("issues: read"));
    assert_eq!(
        told(forge.open_pulls().await.err()),
        lacks("pull_requests: read")
    );
    // The control: with either of both it is let through.
    fake.change_app(|app| {
        app.permissions.insert("pull_requests", "write");
    });
    comment().await.unwrap();
    assert_eq!(fake.comments(1).len(), 1);
}
