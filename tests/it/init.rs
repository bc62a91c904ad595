//! `init`, through the real binary.

use crate::fake_github::{FakeGitHub, FakeOptions};
use crate::sealed::Sealed;
use insta::assert_snapshot;
use std::fs;

const FILE: &str = "autoissue.config.json";

#[test]
fn a_local_project_gets_a_file_and_a_place_for_issues() {
    let sealed = Sealed::repository();
    sealed.write("Cargo.toml", "[package]");
    assert_snapshot!(sealed.run(&["init"]), @"
    exit code 0
    --- stdout
    wrote $TOP/work/autoissue.config.json
      project  work (no remote `origin` is on GitHub)
      base     main
      checks   cargo test
      issues   $TOP/work/.autoissue/issues

    next:
      autoissue doctor                    what is missing?
      autoissue exec <label> --dry-run    what would run, at which price?
    ");
    assert_snapshot!(fs::read_to_string(sealed.work().join(FILE)).unwrap(), @r#"
    {
      "version": 1,
      "project": {
        "baseBranch": "main"
      },
      "executor": {
        "maxParallel": 3,
        "timeoutMinutes": 30,
        "prDraft": false
      },
      "agent": {
        "kind": "claude",
        "model": "sonnet",
        "maxBudgetUsd": 5.0,
        "yolo": false
      },
      "maxTotalBudgetUsd": 50.0,
      "checks": [
        {
          "name": "test",
          "kind": "test",
          "run": "cargo test"
        }
      ]
    }
    "#);
    let ignore = fs::read_to_string(sealed.work().join(".autoissue/.gitignore")).unwrap();
    assert_eq!(ignore, "*\n");
    assert!(sealed.work().join(".autoissue/issues").is_dir());
    let checked = sealed.run(&["config", "check"]);
    assert!(checked.starts_with("exit code 0\n"), "{checked}");
}

#[test]
fn nothing_is_overwritten_without_force() {
    let sealed = Sealed::repository();
    sealed.write(FILE, "{ \"mine\": true }");
    assert_snapshot!(sealed.run(&["init"]), @"
    exit code 1
    --- stderr
    error: could not write $TOP/work/autoissue.config.json
      because it is there already
    hint: `autoissue init --force` replaces it
    hint: `autoissue config show` shows what is in effect
    ");
    let kept = fs::read_to_string(sealed.work().join(FILE)).unwrap();
    assert_eq!(kept, "{ \"mine\": true }");
    let forced = sealed.run(&["init", "--force"]);
    assert!(forced.starts_with("exit code 0\n"), "{forced}");
    let checked = sealed.run(&["config", "check"]);
    assert!(checked.starts_with("exit code 0\n"), "{checked}");
}

#[test]
fn the_file_can_be_named() {
    let sealed = Sealed::repository();
    let told = sealed.run(&["init", "-c", "own.json"]);
    assert!(told.contains("wrote $TOP/work/own.json\n"), "{told}");
    assert!(!sealed.work().join(FILE).exists());
    let checked = sealed.run(&["config", "check", "-c", "own.json"]);
    assert!(checked.starts_with("exit code 0\n"), "{checked}");
}

#[test]
fn a_github_project_is_recognised_by_its_remote() {
    let sealed = Sealed::repository();
    sealed.git(&[
        "remote",
        "add",
        "origin",
        "https://me:canary-7391@github.com/owner/shop.git",
    ]);
    sealed.write("package.json", r#"{ "scripts": { "test": "jest" } }"#);
    let deep = sealed.work().join("src");
    fs::create_dir(&deep).unwrap();
    let output = sealed
        .command(&["init", "--format", "json"])
        .env("GH_TOKEN", "canary-7391")
        .current_dir(&deep)
        .output()
        .unwrap();
    let event: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(event["project"], "owner/shop");
    assert_eq!(event["checks"], serde_json::json!(["npm test"]));
    assert_eq!(event["issues"], serde_json::Value::Null);
    let written = fs::read_to_string(sealed.work().join(FILE)).unwrap();
    assert!(written.contains("\"repo\": \"owner/shop\""), "{written}");
    assert!(!written.contains("canary") && !event.to_string().contains("canary"));
}

#[test]
fn labels_are_created_where_they_are_missing() {
    let fake = FakeGitHub::start(&FakeOptions::default());
    let sealed = Sealed::repository();
    let init = || {
        let told = sealed.run_with(
            &[
                ("GITHUB_TOKEN", &fake.token()),
                ("AUTOISSUE_API_URL", &fake.api_url()),
                ("AUTOISSUE_REPO", "octo/widgets"),
            ],
            &["init", "--labels", "--force"],
        );
        let line = told.lines().find(|line| line.contains("labels"));
        line.unwrap_or(&told).to_owned()
    };
    assert_snapshot!(init(), @"  labels   created autoissue:working, autoissue:completed, autoissue:failed, autoissue:blocked");
    assert_snapshot!(init(), @"  labels   all there already");
    assert_eq!(fake.violations(), Vec::<String>::new());
    let local = Sealed::repository().run(&["init", "--labels"]);
    assert!(local.contains("  labels   none needed: "), "{local}");
}

#[test]
fn outside_of_a_repository_nothing_is_written() {
    let sealed = Sealed::new();
    assert_snapshot!(sealed.run(&["init"]), @"
    exit code 1
    --- stderr
    error: could not find the repository to work for
      because $TOP/work is not in a git repository
    hint: go to a checkout, or make one: `git init`, then commit something
    ");
    sealed.git(&["init", "-q"]);
    assert_snapshot!(sealed.run(&["init"]), @"
    exit code 1
    --- stderr
    error: could not find the repository to work for
      because $TOP/work has no commits
    hint: commit something first: agents start from a commit
    ");
    assert!(!sealed.work().join(FILE).exists());
}
