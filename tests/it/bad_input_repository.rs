//! Repositories and places as they are found, and setups that do not work.

use crate::rig::{Ran, Rig, leftovers, leftovers_in_the_end};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};
use std::os::unix::fs::{MetadataExt as _, chown};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

const WORKS: &str = "echo work > \"work-$AUTOISSUE_ISSUE.txt\"; echo '{\"cost_usd\": 0.01}'";

fn shop(more: &Value) -> Rig {
    let rig = Rig::local(WORKS, more);
    rig.issue(1, "One", "do it");
    rig
}

/// Issue 1 is done, in a branch.
fn done(rig: &Rig, ran: &Ran) {
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(ran.task(1)["outcome"], "completed", "{ran:?}");
    assert_eq!(rig.file("autoissue/1-one", "work-1.txt"), "work");
}

#[test]
fn a_dirty_and_detached_checkout_stays_as_it_is() {
    let rig = shop(&json!({}));
    rig.write("checkout/README.md", "changed, not committed\n");
    rig.write("checkout/new.txt", "untracked\n");
    rig.write("checkout/staged.txt", "staged\n");
    rig.git(&["add", "staged.txt"]);
    rig.git(&["checkout", "--quiet", "--detach"]);
    // The local forge's own directory keeps itself out of the user's commits; it is the one exception.
    rig.write("checkout/.autoissue/.gitignore", "*\n");
    let before = (
        rig.git(&["status", "--porcelain"]),
        rig.git(&["rev-parse", "HEAD"]),
    );
    let ran = rig.go();
    done(&rig, &ran);
    let after = (
        rig.git(&["status", "--porcelain"]),
        rig.git(&["rev-parse", "HEAD"]),
    );
    assert_eq!(after, before);
    assert_eq!(
        rig.git(&["ls-tree", "--name-only", "autoissue/1-one"]),
        "README.md\nwork-1.txt"
    );
}

#[test]
fn a_shallow_clone_is_told_how_to_become_whole() {
    let rig = shop(&json!({}));
    rig.git(&["commit", "--quiet", "--allow-empty", "--message", "more"]);
    let (whole, shallow) = (rig.checkout(), rig.path("shallow"));
    let from = format!("file://{}", whole.display());
    rig.git(&[
        "clone",
        "--quiet",
        "--depth",
        "1",
        &from,
        shallow.to_str().unwrap(),
    ]);
    for name in ["autoissue.config.json", ".autoissue/issues/1.md"] {
        let to = shallow.join(name);
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::copy(whole.join(name), to).unwrap();
    }
    let ran = Ran::from(
        rig.autoissue(&["exec", "go"])
            .current_dir(&shallow)
            .output()
            .unwrap(),
    );
    assert_eq!(ran.code, Some(1));
    let told = format!(
        "error: could not use the repository\n  because `{}` is a shallow clone: it lacks older commits\nhint: run `git fetch --unshallow` in it, or set forge.gitUrl to the server's URL\n",
        shallow.display()
    );
    assert_eq!(ran.stderr, told);
}

#[test]
fn what_an_agent_cannot_commit_is_left_to_a_person() {
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n";
    let touches = "case $AUTOISSUE_ISSUE in 2) echo content > big.bin;; 3) echo x > vendor/lib/new.txt;; *) echo work > work-1.txt;; esac; echo '{\"cost_usd\": 0.01}'";
    let rig = Rig::local(touches, &json!({}));
    rig.write(
        "checkout/.gitattributes",
        "*.bin filter=lfs diff=lfs merge=lfs -text\n",
    );
    rig.write("checkout/big.bin", pointer);
    let library = rig.path("library");
    rig.git(&["clone", "--quiet", ".", library.to_str().unwrap()]);
    rig.git(&[
        "-c",
        "protocol.file.allow=always",
        "submodule",
        "--quiet",
        "add",
        library.to_str().unwrap(),
        "vendor/lib",
    ]);
    rig.git(&["add", ".gitattributes", "big.bin"]);
    rig.git(&[
        "commit",
        "--quiet",
        "--message",
        "a pointer and a submodule",
    ]);
    rig.issue(1, "One", "do it");
    rig.issue(2, "Two", "change the big one");
    rig.issue(3, "Three", "change the library");
    let ran = rig.go();
    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert_eq!(ran.task(1)["outcome"], "completed", "{ran:?}");
    let same = rig.git(&[
        "diff",
        "--stat",
        "main",
        "autoissue/1-one",
        "--",
        "big.bin",
        "vendor",
        ".gitmodules",
    ]);
    assert_eq!(same, "");
    for (number, reason) in [
        (
            2,
            "holds plain content where a filter such as Git LFS is set: big.bin",
        ),
        (3, "files changed below nested repositories: vendor/lib"),
    ] {
        let task = ran.task(number);
        assert_eq!(
            (task["outcome"].as_str(), task["reason"].as_str()),
            (Some("needs_human"), Some(reason))
        );
    }
}

#[test]
fn a_place_of_any_name_and_depth_will_do() {
    let rig = shop(&json!({}));
    let deep = [
        "it's \"odd\" $HOME; `x`\n",
        &"d".repeat(200),
        &"é".repeat(100),
        &"f".repeat(200),
    ]
    .iter()
    .fold(rig.path("deep"), |path, part| path.join(part));
    std::fs::create_dir_all(&deep).unwrap();
    let there = deep.join("shop");
    std::fs::rename(rig.checkout(), &there).unwrap();
    std::os::unix::fs::symlink(&there, rig.checkout()).unwrap();
    let mut command = rig.autoissue(&["exec", "go", "--format", "json"]);
    command
        .current_dir(&there)
        .env("AUTOISSUE_STATE_DIR", deep.join("state"));
    let too_long = Ran::from(command.output().unwrap()).last_json();
    assert!(
        too_long["message"]
            .as_str()
            .unwrap()
            .starts_with("could not open the database: "),
        "{too_long}"
    );
    assert_eq!(
        too_long["hints"][0],
        "choose another directory, or one with a shorter path, with --state-dir"
    );
    let mut command = rig.autoissue(&["exec", "go", "--format", "json"]);
    done(
        &rig,
        &Ran::from(command.current_dir(&there).output().unwrap()),
    );
}

#[test]
fn a_directory_below_and_a_linked_worktree_are_in_the_repository() {
    let rig = shop(&json!({}));
    let below = rig.path("checkout/deep/er");
    std::fs::create_dir_all(&below).unwrap();
    let mut command = rig.autoissue(&["exec", "go", "--format", "json"]);
    done(
        &rig,
        &Ran::from(command.current_dir(&below).output().unwrap()),
    );
    let linked = rig.path("linked");
    rig.git(&["worktree", "add", "--quiet", linked.to_str().unwrap()]);
    for name in ["autoissue.config.json", ".autoissue/issues/2.md"] {
        std::fs::create_dir_all(linked.join(name).parent().unwrap()).unwrap();
        std::fs::copy(
            rig.path(&format!("checkout/{}", name.replace("2.md", "1.md"))),
            linked.join(name),
        )
        .unwrap();
    }
    let mut command = rig.autoissue(&["exec", "go", "--format", "json"]);
    let ran = Ran::from(command.current_dir(&linked).output().unwrap());
    assert_eq!(ran.task(2)["outcome"], "completed", "{ran:?}");
    assert_eq!(rig.file("autoissue/2-one", "work-2.txt"), "work");
}

#[test]
fn a_branch_in_the_way_of_ours_is_told_before_an_agent_is_paid() {
    let rig = shop(&json!({}));
    rig.git(&["branch", "autoissue"]);
    let ran = rig.run(&["exec", "go"]);
    assert_eq!(ran.code, Some(1));
    assert_eq!(
        ran.stderr,
        "error: could not make branches of our own\n  because the remote has a branch `autoissue`, beside which there is none like `autoissue/12-title`\nhint: rename it: `git branch -m autoissue another-name`, on the remote, too\n"
    );
    rig.git(&["branch", "-m", "autoissue", "mine"]);
    done(&rig, &rig.go());
}

#[test]
fn a_repository_of_somebody_else_is_used_once_its_user_trusts_it() {
    let rig = shop(&json!({}));
    if rig.path("home").metadata().unwrap().uid() != 0 {
        // Only root can give files away; in a container it is root that meets other people's files.
        return;
    }
    give_away(&rig.checkout());
    let refused = rig.run(&["exec", "go"]);
    assert_eq!(refused.code, Some(1));
    assert!(
        refused
            .stderr
            .contains("git config --global --add safe.directory "),
        "{}",
        refused.stderr
    );
    let trusted = rig.checkout().canonicalize().unwrap();
    rig.write(
        "home/.gitconfig",
        &format!("[safe]\n\tdirectory = {}\n", trusted.display()),
    );
    done(&rig, &rig.go());
}

fn give_away(path: &Path) {
    chown(path, Some(1000), Some(1000)).unwrap();
    if path.is_dir() {
        for entry in std::fs::read_dir(path).unwrap() {
            give_away(&entry.unwrap().path());
        }
    }
}

#[test]
fn files_of_other_systems_are_read() {
    let rig = Rig::local(WORKS, &json!({}));
    rig.write(
        "checkout/.autoissue/issues/1.md",
        "\u{feff}---\r\ntitle: One\r\nlabels: [GO]\r\n---\r\nBody\r\n",
    );
    done(&rig, &rig.go());
}

#[test]
fn a_number_that_is_named_twice_is_done_once() {
    let rig = shop(&json!({}));
    let ran = rig.run(&["exec", "--issue", "1", "--issue", "#1", "--format", "json"]);
    done(&rig, &ran);
    assert_eq!(ran.last_json()["summary"]["cost_usd"], "0.01");
}

#[test]
fn a_file_to_copy_that_is_not_there_stops_nobody() {
    let rig = shop(&json!({ "worktree": { "copy": [".env", "secrets/*.key"] } }));
    done(&rig, &rig.go());
}

#[test]
fn a_setup_that_fails_says_how_and_costs_nothing() {
    let rig = shop(
        &json!({ "executor": { "maxRetries": 0 }, "worktree": { "setup": ["sh", "-c", "echo installing; echo 'no such package: left-pad' >&2; exit 7"] } }),
    );
    let ran = rig.go();
    let task = ran.task(1);
    assert_eq!(
        (
            ran.code,
            task["outcome"].as_str(),
            task["cost_usd"].as_str()
        ),
        (Some(3), Some("failed"), Some("0.00"))
    );
    let reason = task["reason"].as_str().unwrap();
    assert!(
        reason.starts_with("setup: `sh -c echo installing; ")
            && reason.contains("exited with 7: no such package: left-pad"),
        "{reason}"
    );
    let missing =
        shop(&json!({ "executor": { "maxRetries": 0 }, "worktree": { "setup": "./gone.sh" } }));
    let reason = missing.go().task(1)["reason"].clone();
    assert_eq!(
        reason,
        "setup: `./gone.sh` could not be started: No such file or directory (os error 2)"
    );
}

#[test]
fn a_check_that_cannot_start_and_one_that_fails_are_told_apart() {
    let rig = shop(
        &json!({ "executor": { "maxRetries": 0 }, "checks": [{ "name": "unit", "run": "./gone.sh" }] }),
    );
    let task = rig.go().task(1);
    assert_eq!(
        (task["outcome"].as_str(), task["cost_usd"].as_str()),
        (Some("failed"), Some("0.01"))
    );
    assert!(
        task["reason"]
            .as_str()
            .unwrap()
            .starts_with("validation: could not start unit: No such file or directory"),
        "{task}"
    );
}

#[test]
fn a_setup_that_hangs_ends_with_the_session() {
    let rig = shop(
        &json!({ "worktree": { "setup": ["sh", "-c", "[ -e \"$HOME/mended\" ] || { : > \"$HOME/hangs\"; sleep 9872; }"] } }),
    );
    let mut child = rig
        .autoissue(&["exec", "go"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let end = Instant::now() + Duration::from_secs(60);
    while !rig.path("home/hangs").exists() {
        assert!(Instant::now() < end);
        std::thread::park_timeout(Duration::from_millis(10));
    }
    let asked = Instant::now();
    kill(
        Pid::from_raw(i32::try_from(child.id()).unwrap()),
        Signal::SIGTERM,
    )
    .unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(5));
    assert!(asked.elapsed() < Duration::from_secs(12));
    assert_eq!(leftovers_in_the_end(&rig.marker()), Vec::<String>::new());
    rig.write("home/mended", "");
    done(&rig, &rig.run(&["resume", "--format", "json"]));
}

#[test]
fn a_terminal_that_is_closed_leaves_nothing_running_and_loses_nothing() {
    let rig = Rig::local(
        "echo paid >> work-1.txt; [ -e \"$0.went\" ] && { echo '{\"cost_usd\": 0.01}'; exit; }; : > \"$0.went\"; sleep 9873",
        &json!({}),
    );
    rig.issue(1, "One", "do it");
    let mut child = rig
        .autoissue(&["exec", "go"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let end = Instant::now() + Duration::from_secs(60);
    while !rig.path("bin/agent.went").exists() {
        assert!(Instant::now() < end);
        std::thread::park_timeout(Duration::from_millis(10));
    }
    kill(
        Pid::from_raw(i32::try_from(child.id()).unwrap()),
        Signal::SIGHUP,
    )
    .unwrap();
    child.wait().unwrap();
    while !leftovers(&rig.marker()).is_empty() {
        assert!(Instant::now() < end, "{:?}", leftovers(&rig.marker()));
        std::thread::park_timeout(Duration::from_millis(10));
    }
    let ran = rig.go();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(rig.file("autoissue/1-one", "work-1.txt"), "paid\npaid");
}
