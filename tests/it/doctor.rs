//! `doctor`, through the real binary.

use crate::fake_github::{FakeGitHub, FakeOptions, Fault};
use crate::sealed::Sealed;
use insta::assert_snapshot;

/// What differs from machine to machine, made equal.
fn plain(told: &str) -> String {
    let mut plain = String::new();
    for line in told.lines() {
        let line = match line.split_whitespace().nth(1) {
            Some("git" | "open") => line.replace(|c: char| c.is_ascii_digit() || c == '.', ""),
            // Its hint begins with `close`, where it is short.
            Some("memory" | "close") => continue,
            Some("state") => line.split(',').next().unwrap().to_owned(),
            _ => line.to_owned(),
        };
        plain += line.trim_end();
        plain.push('\n');
    }
    plain
}

#[test]
fn a_repository_without_anything_is_told_what_to_mend() {
    assert_snapshot!(plain(&Sealed::repository().run(&["doctor"])), @"
    exit code 1
    --- stdout
    ok    git
    note  config       no file; the defaults hold
                       hint: `autoissue init` writes one for this repository
    ok    repository   $TOP/work, on main
    note  forge        local: work, pulls for main (no remote `origin` is on GitHub)
                       hint: `autoissue init` makes a directory for local issues
    note  token        none; only local issues can be worked on
                       hint: run `gh auth login` or set GITHUB_TOKEN
    fail  agent        there is no program `claude`
                       hint: install it: npm install -g @anthropic-ai/claude-code
    warn  checks       none; pulls will not have been tested
                       hint: name your tests under `checks`; `autoissue init` guesses them
    note  budget       at most $50.00 a session, $5.00 an attempt; no limit for a day
                       hint: set maxDailyBudgetUsd before you run it from cron
    ok    state        $TOP/home/.local/state/autoissue
    ok    open files   up to
    note  sandbox      none: agents run unconfined

    autoissue cannot run here yet; to mend: 1.
    ");
}

#[test]
fn it_says_so_where_autoissue_can_run() {
    let sealed = Sealed::repository();
    sealed.git(&["remote", "add", "origin", "git@github.com:owner/shop.git"]);
    sealed.program("claude", "echo '2.1.328 (Claude Code)'");
    sealed.program("make", "true");
    let fake = FakeGitHub::start(&FakeOptions {
        project: "owner/shop",
        ..FakeOptions::default()
    });
    sealed.write(
        "autoissue.config.json",
        &serde_json::json!({
            "forge": { "apiUrl": fake.api_url() },
            "checks": [{ "name": "test", "run": "make test" }],
            "maxDailyBudgetUsd": 80,
        })
        .to_string(),
    );
    let told = sealed.run_with(&[("GITHUB_TOKEN", &fake.token())], &["doctor"]);
    assert!(!told.contains(&fake.token()));
    assert_snapshot!(plain(&told), @"
    exit code 0
    --- stdout
    ok    git
    ok    config       $TOP/work/autoissue.config.json
    ok    repository   $TOP/work, on main
    ok    forge        GitHub: owner/shop, pulls for main (the repository is on GitHub, and there is a token)
    ok    token        from GITHUB_TOKEN
    ok    github       octo-bot may push to owner/shop, 4,998 of 5,000 requests left this hour
    ok    agent        claude 2.1.328 (Claude Code)
    ok    checks       test
    ok    claims       an issue has one session among all machines: leases of 15 minutes on the remote
    ok    budget       at most $50.00 a session, $5.00 an attempt, $80.00 a day
    ok    state        $TOP/home/.local/state/autoissue
    ok    open files   up to
    note  sandbox      none: agents run unconfined

    autoissue can run here.
    ");
}

/// What it says about a token, with GitHub in some state.
fn about_github(token: &str, prepare: impl Fn(&FakeGitHub)) -> String {
    let fake = FakeGitHub::start(&FakeOptions::default());
    prepare(&fake);
    let sealed = Sealed::repository();
    sealed.program("claude", "echo 2.1.328");
    let config = serde_json::json!({
        "project": { "repo": "octo/widgets" },
        "forge": { "kind": "github", "apiUrl": fake.api_url() },
    });
    sealed.write("autoissue.config.json", &config.to_string());
    let told = sealed.run_with(&[("GITHUB_TOKEN", token)], &["doctor"]);
    let lines = told.lines().skip_while(|line| !line.contains(" github "));
    let end = if told.starts_with("exit code 0\n") {
        "it runs"
    } else {
        "it does not run"
    };
    let lines: Vec<&str> = lines.take(2).chain([end]).collect();
    lines.join("\n")
}

#[test]
fn github_is_asked_what_the_token_may() {
    let good = FakeOptions::default().token;
    assert_snapshot!(about_github(good, |_| {}), @"
    ok    github       octo-bot may push to octo/widgets, 4,998 of 5,000 requests left this hour
    ok    agent        claude 2.1.328
    it runs
    ");
    assert_snapshot!(about_github("ghp_expired", |_| {}), @"
    fail  github       could not see whose token it is: Bad credentials (is the token right, and not expired?)
                       hint: run `gh auth login` or set GITHUB_TOKEN; `autoissue doctor` shows which token is found
    it does not run
    ");
    assert_snapshot!(
        about_github(good, |fake| fake.fail_when(|_| true, Fault::DroppedReply, 99)),
        @"
        fail  github       could not see whose token it is: no usable reply: Service Error: client error (SendRequest): connection closed before message completed
                           hint: check the network, and forge.apiUrl where it is set
        it does not run
        "
    );
}

#[test]
fn what_is_no_usable_repository_is_told_apart() {
    let sealed = Sealed::new();
    let told = |sealed: &Sealed| {
        let told = sealed.run(&["doctor"]);
        assert!(told.starts_with("exit code 1\n"), "{told}");
        let at = told.find("fail  repository").unwrap();
        told[at..].lines().take(2).collect::<Vec<_>>().join("\n")
    };
    assert_snapshot!(told(&sealed), @"
    fail  repository   $TOP/work is not in a git repository
                       hint: go to a checkout, or make one: `git init`, then commit something
    ");
    sealed.git(&["init", "-q"]);
    assert_snapshot!(told(&sealed), @"
    fail  repository   $TOP/work has no commits
                       hint: commit something first: agents start from a commit
    ");
}

#[test]
fn the_state_directory_is_where_it_was_said_to_be() {
    let sealed = Sealed::repository();
    let check = |variables: &[(&str, &str)], args: &[&str], expect: &str| {
        let args: Vec<&str> = ["doctor"].iter().chain(args).copied().collect();
        let told = sealed.run_with(variables, &args);
        assert!(told.contains(&format!("state        {expect}, ")), "{told}");
    };
    let own = "AUTOISSUE_STATE_DIR";
    check(&[], &[], "$TOP/home/.local/state/autoissue");
    check(&[(own, "")], &[], "$TOP/home/.local/state/autoissue");
    check(&[("XDG_STATE_HOME", "/xdg")], &[], "/xdg/autoissue");
    check(&[(own, "mine")], &[], "$TOP/work/mine");
    check(&[(own, "mine")], &["--state-dir", "/flag"], "/flag");
}

#[test]
fn a_broken_configuration_does_not_stop_the_rest() {
    let sealed = Sealed::repository();
    sealed.write("autoissue.config.json", "{ \"maxTotalBudgetUsd\": -1 }");
    let told = sealed.run(&["doctor", "--format", "json"]);
    let (head, event) = told.split_once("--- stdout\n").unwrap();
    assert_eq!(head, "exit code 1\n");
    let event: serde_json::Value = serde_json::from_str(event).unwrap();
    assert_eq!(
        (&event["event"], &event["usable"]),
        (&"doctor".into(), &false.into())
    );
    let checks = event["checks"].as_array().unwrap();
    let config = checks
        .iter()
        .find(|check| check["name"] == "config")
        .unwrap();
    assert_eq!(config["state"], "fail");
    assert_eq!(
        config["detail"],
        "maxTotalBudgetUsd: -1 is not an amount above 0 and up to 1000000"
    );
    assert!(checks.iter().any(|check| check["name"] == "state"));
}

#[test]
fn an_agent_that_fails_or_a_git_that_is_old_is_bad() {
    let sealed = Sealed::repository();
    sealed.program("claude", "exit 3");
    let told = sealed.run(&["doctor"]);
    assert!(
        told.contains("fail  agent        `claude --version` failed: exit status: 3\n"),
        "{told}"
    );
    std::fs::remove_file(sealed.path("bin").join("git")).unwrap();
    sealed.program("git", "echo git version 2.39.5");
    let told = sealed.run(&["doctor"]);
    assert!(
        told.contains("fail  git          2.39.5 is too old\n"),
        "{told}"
    );
    std::fs::remove_file(sealed.path("bin").join("git")).unwrap();
    let told = sealed.run(&["doctor"]);
    assert!(told.contains("hint: install git 2.40 or newer\n"), "{told}");
}

#[test]
fn checks_that_the_repository_speaks_for_are_named() {
    let sealed = Sealed::repository();
    sealed.write("Makefile", "test:\n\t./run\n");
    sealed.git(&["add", "."]);
    sealed.git(&["commit", "-q", "-m", "test"]);
    let shown = sealed.run(&["doctor"]);
    let unable = "warn  checks       those that the base branch speaks for cannot run here";
    assert!(shown.contains(unable), "{shown}");
    sealed.program("make", "true");
    let shown = sealed.run(&["doctor"]);
    let named = "ok    checks       as the base branch speaks for: test";
    assert!(shown.contains(named), "{shown}");
}
