//! Checks that nobody configured: shown by `checks detect`, and used by `exec`.

use crate::rig::{Ran, Rig};
use crate::sealed::Sealed;
use insta::assert_snapshot;
use serde_json::{Value, json};

const FILE: &str = "autoissue.config.json";

/// A repository that speaks for checks of several kinds, of which nothing but git can be run.
fn shop() -> Sealed {
    let sealed = Sealed::repository();
    sealed.write("Makefile", "test:\n\t./run-tests\n");
    sealed.write(".pre-commit-config.yaml", "repos: []\n");
    std::fs::create_dir(sealed.work().join("web")).unwrap();
    sealed.write(
        "web/package.json",
        r#"{ "scripts": { "test": "echo \"Error: no test specified\" && exit 1", "lint": "eslint ." } }"#,
    );
    sealed.write("composer.json", "{");
    sealed.git(&["add", "."]);
    sealed.git(&["commit", "-q", "-m", "speak"]);
    sealed
}

fn without_commit(shown: &str) -> String {
    let line = |line: &str| match line.split_once(" at ") {
        Some((before, after)) if line.starts_with("Read from") => {
            format!("{before} at COMMIT{}", &after[8..])
        }
        Some(_) | None => line.to_owned(),
    };
    shown.lines().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn what_the_base_branch_speaks_for_is_shown_with_its_reasons() {
    let sealed = shop();
    // Not committed, so not used, and not shown.
    sealed.write("go.mod", "module a\n");
    assert_snapshot!(without_commit(&sealed.run(&["checks", "detect"])), @"
    exit code 0
    --- stdout
    At the top
      lint   pre-commit run --all-files  .pre-commit-config.yaml
      test   make test                   Makefile test

    In web
      lint   npm run lint                package.json scripts.lint

    Missing here, so left out
      lint: there is no program `pre-commit`; it needs a git directory, and checks run without one
      test: there is no program `make`
      lint in web: there is no program `npm`

    Could not be read
      composer.json: not JSON: EOF while parsing an object at line 1 column 1

    Read from main at COMMIT.
    They are used as long as `checks` is empty; `autoissue init` writes them down.
    ");
    sealed.program("make", "true");
    let shown = sealed.run(&["checks", "detect"]);
    assert!(!shown.contains("no program `make`"), "{shown}");
    sealed.write(FILE, r#"{ "detectChecks": false }"#);
    let shown = sealed.run(&["checks", "detect"]);
    assert!(
        shown.contains("not used: `detectChecks` is false"),
        "{shown}"
    );
}

#[test]
fn a_program_reads_the_same() {
    let shown = shop().run(&["checks", "detect", "--format", "json"]);
    let (_, event) = shown.split_once("stdout\n").unwrap();
    let event: Value = serde_json::from_str(event).unwrap();
    let checks = event["checks"].as_array().unwrap();
    let test = checks.iter().find(|check| check["kind"] == "test").unwrap();
    assert_eq!(
        *test,
        json!({
            "name": "test", "kind": "test", "run": ["make", "test"], "prepare": [], "directory": "",
            "why": "Makefile test", "needs": ["make"], "missing": ["there is no program `make`"],
        })
    );
    assert_eq!(event["faults"][0]["file"], "composer.json");
    assert_eq!(
        (&event["used"], &event["base"]),
        (&json!(true), &json!("main"))
    );
}

#[test]
fn a_repository_that_speaks_for_nothing_is_told_so() {
    let shown = Sealed::repository().run(&["checks", "detect"]);
    assert!(shown.starts_with("exit code 0"), "{shown}");
    assert!(shown.contains("Nothing here speaks for a check"), "{shown}");
}

#[test]
fn its_help_shows_examples() {
    let shown = Sealed::new().run(&["checks", "detect", "--help"]);
    assert!(
        shown.contains("autoissue checks detect --format json"),
        "{shown}"
    );
}

/// Passes unless the file of the issue is there and does not say `right`.
const MAKEFILE: &str =
    "test:\n\t! [ -e file-1.txt ] || grep -q right file-1.txt || { cat file-1.txt; exit 1; }\n";
/// Writes the wrong thing first and the right one once its file is there, and keeps what it was told.
const AGENT: &str = r#"cat >> PLACE/told
if [ -e file-1.txt ]; then echo right > file-1.txt; else echo "wrong it is" > file-1.txt; fi"#;

fn agent(rig: &Rig) -> String {
    let place = rig.path("").display().to_string();
    format!("#!/bin/sh\n{}\n", AGENT.replace("PLACE/", &place))
}

/// A project with local issues that is committed with these files.
fn project(files: &[(&str, &str)], more: &Value) -> Rig {
    let rig = Rig::new();
    for (path, text) in files {
        rig.write(&format!("checkout/{path}"), text);
    }
    rig.git(&["add", "."]);
    rig.git(&["commit", "--quiet", "--allow-empty", "--message", "speak"]);
    let agent = rig.script("agent", &agent(&rig));
    let mut config = json!({ "agent": { "kind": "command", "command": [agent] } });
    let parts = more.as_object().unwrap().clone();
    config.as_object_mut().unwrap().extend(parts);
    rig.config(&config);
    rig.issue(1, "Say what is right", "In `file-1.txt`.");
    rig
}

/// The verdicts of each round of checks, as `name verdict`.
fn rounds(ran: &Ran) -> Vec<Vec<String>> {
    let events = ran.events().into_iter();
    let checked = events.filter(|event| event["event"] == "checked");
    let said = |check: &Value| {
        let text = |key: &str| check[key].as_str().unwrap().to_owned();
        format!("{} {}", text("name"), text("verdict"))
    };
    let round = |event: Value| {
        event["checks"]
            .as_array()
            .unwrap()
            .iter()
            .map(said)
            .collect()
    };
    checked.map(round).collect()
}

fn notes(ran: &Ran) -> Vec<String> {
    let events = ran.events().into_iter();
    let about = events.filter(|event| event["event"] == "note" && event["about"] == "checks");
    about
        .map(|event| event["text"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn a_check_that_nobody_configured_sends_wrong_work_back() {
    let rig = project(&[("Makefile", MAKEFILE)], &json!({}));
    let ran = rig.go();
    assert_eq!(ran.count("completed"), 1, "{ran:?}");
    assert_eq!(rounds(&ran), [["test failed"], ["test passed"]]);
    let told = std::fs::read_to_string(rig.path("told")).unwrap();
    assert!(
        told.contains("make test") && told.contains("wrong it is"),
        "{told}"
    );
    let notes = notes(&ran);
    assert_eq!(notes.len(), 1, "{notes:?}");
    assert!(notes[0].ends_with("are used: test"), "{notes:?}");
}

#[test]
fn switched_off_or_not_committed_nothing_is_tried() {
    let off = project(&[("Makefile", MAKEFILE)], &json!({ "detectChecks": false }));
    let ran = off.go();
    assert_eq!(
        (ran.count("completed"), notes(&ran).len()),
        (1, 0),
        "{ran:?}"
    );
    assert_eq!(rounds(&ran).concat(), [""; 0]);
    assert_eq!(off.file(&branch(&ran), "file-1.txt"), "wrong it is");
    let dirty = project(&[], &json!({}));
    dirty.write("checkout/Makefile", MAKEFILE);
    let ran = dirty.go();
    assert_eq!(
        (ran.count("completed"), notes(&ran).len()),
        (1, 0),
        "{ran:?}"
    );
}

fn branch(ran: &Ran) -> String {
    ran.task(1)["branch"].as_str().unwrap().to_owned()
}

/// The issue worked on with these programs in `PATH`, and no others.
fn go_with(rig: &Rig, programs: &[&str]) -> Ran {
    let paths = std::env::var_os("PATH").unwrap();
    for program in programs {
        let places = std::env::split_paths(&paths).map(|place| place.join(program));
        let found = places.into_iter().find(|path| path.is_file()).unwrap();
        std::os::unix::fs::symlink(found, rig.path("bin").join(program)).unwrap();
    }
    let mut command = rig.autoissue(&["exec", "go", "--format", "json"]);
    command.env("PATH", rig.path("bin"));
    command.output().unwrap().into()
}

#[test]
fn a_check_without_its_program_is_named_once_and_left_out() {
    let files = [("Makefile", MAKEFILE), ("ruff.toml", ""), ("setup.py", "")];
    let rig = project(&files, &json!({}));
    let ran = go_with(&rig, &["git", "sh", "cat", "make", "grep"]);
    assert_eq!(rounds(&ran), [["test failed"], ["test passed"]], "{ran:?}");
    let named = "left out: lint (there is no program `ruff`)";
    let notes = notes(&ran);
    let times = notes.iter().filter(|note| *note == named).count();
    assert_eq!(times, 1, "{notes:?}");
}

#[test]
fn of_many_projects_those_next_to_the_change_are_tried() {
    let files = [
        ("web/Makefile", MAKEFILE),
        ("api/Makefile", "test:\n\tfalse\n"),
    ];
    let rig = project(&files, &json!({}));
    rig.script(
        "agent",
        &agent(&rig).replace("file-1.txt", "web/file-1.txt"),
    );
    let ran = rig.go();
    let expect = [["test in web failed"], ["test in web passed"]];
    assert_eq!(rounds(&ran), expect, "{ran:?}");
    // The control: who asks for all gets all.
    let all = json!({ "checks": [
        { "name": "web", "kind": "test", "run": "make test", "directory": "web" },
        { "name": "api", "kind": "test", "run": "make test", "directory": "api" },
    ] });
    let rig = project(&files, &all);
    rig.script(
        "agent",
        &agent(&rig).replace("file-1.txt", "web/file-1.txt"),
    );
    let ran = rig.go();
    let last = rounds(&ran).pop().unwrap();
    assert_eq!(last, ["web passed", "api failed_before"], "{ran:?}");
}

#[test]
fn a_directory_is_made_ready_once_and_a_check_fails_where_it_cannot_be() {
    let rig = project(&[("Makefile", "test:\n\ttrue\n")], &json!({}));
    let place = rig.path("").display().to_string();
    let prepare = rig.script("ready", &format!("#!/bin/sh\necho x >> {place}ready\n"));
    let one = |name: &str, run: &str, prepare: &std::path::Path| json!({ "name": name, "run": run, "prepare": [prepare] });
    let checks =
        |prepare: &std::path::Path| json!([one("a", "true", prepare), one("b", "true", prepare)]);
    let configure = |checks: Value| {
        rig.config(&json!({
            "agent": { "kind": "command", "command": [rig.path("bin/agent")] },
            "executor": { "maxRetries": 0 }, "scheduling": { "certificate": false }, "checks": checks,
        }));
    };
    configure(checks(&prepare));
    let ran = rig.go();
    assert_eq!(rounds(&ran), [["a passed", "b passed"]], "{ran:?}");
    let ready = std::fs::read_to_string(rig.path("ready")).unwrap();
    assert_eq!(ready.lines().count(), 1, "{ready}");
    // It fails on the work alone, and not on the base.
    let broken = rig.script("broken", "#!/bin/sh\n! [ -e file-2.txt ]\n");
    rig.script("agent", "#!/bin/sh\ncat > /dev/null\necho x > file-2.txt\n");
    rig.issue(2, "Break it", "In `file-2.txt`.");
    configure(checks(&broken));
    let ran = rig.run(&["exec", "--issue", "2", "--format", "json"]);
    let first = rounds(&ran).remove(0);
    assert_eq!(first, ["a failed", "b failed"], "{ran:?}");
}

#[test]
fn what_a_check_needs_is_there_on_the_base_as_well() {
    let verdict = |prepare: Option<&str>| {
        let rig = project(&[], &json!({}));
        rig.script("agent", "#!/bin/sh\ncat > /dev/null\necho x > file-1.txt\n");
        // It needs what is made first, and says no to the work.
        let needs = "[ -e made ] && ! [ -e file-1.txt ]";
        let mut check = json!({ "name": "test", "run": ["sh", "-c", needs] });
        if let Some(prepare) = prepare {
            check["prepare"] = prepare.into();
        }
        rig.config(&json!({
            "agent": { "kind": "command", "command": [rig.path("bin/agent")] },
            "executor": { "maxRetries": 0 }, "checks": [check],
        }));
        rounds(&rig.go()).concat()[0].clone()
    };
    assert_eq!(verdict(Some("touch made")), "test failed");
    // The control: without it, the base fails as well, and the fault is forgiven.
    assert_eq!(verdict(None), "test failed_before");
}
