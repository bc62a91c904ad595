//! `doctor`, through the real binary.

use crate::fake_github::{AppKey, FakeApp, FakeGitHub, FakeOptions, Fault, Rights};
use crate::sealed::Sealed;
use insta::assert_snapshot;
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::LazyLock;

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
                       hint: run `autoissue login` or `gh auth login`, or set GITHUB_TOKEN
    fail  agent        there is no program `claude`
                       hint: install it: npm install -g @anthropic-ai/claude-code
    ok    model key    none is set: claude's own login counts
    warn  checks       none; pulls will not have been tested
                       hint: name your tests under `checks`; `autoissue init` guesses them
    note  budget       at most $50.00 a session, $5.00 an attempt; no limit for a day
                       hint: set maxDailyBudgetUsd before you run it from cron
    ok    state        $TOP/home/.local/state/autoissue
    ok    open files   up to
    warn  sandbox      Landlock and seccomp: files, signals and ports by list; that other files and processes are there can be seen, and a port on the list is open to any host
                       hint: install bubblewrap, on Debian and Ubuntu with `sudo apt-get install bubblewrap`

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
    ok    token        from GITHUB_TOKEN, a classic token
    ok    github       octo-bot may push to owner/shop, 4,998 of 5,000 requests left this hour
    ok    permissions  the scopes repo, read:org
    ok    access       read issues, labels and comments, push branches, pull requests, claims among machines, watch checks, logs of failed jobs
    ok    agent        claude 2.1.328 (Claude Code)
    ok    model key    none is set: claude's own login counts
    ok    checks       test
    ok    claims       an issue has one session among all machines: leases of 15 minutes on the remote
    ok    budget       at most $50.00 a session, $5.00 an attempt, $80.00 a day
    ok    state        $TOP/home/.local/state/autoissue
    ok    open files   up to
    warn  sandbox      Landlock and seccomp: files, signals and ports by list; that other files and processes are there can be seen, and a port on the list is open to any host
                       hint: install bubblewrap, on Debian and Ubuntu with `sudo apt-get install bubblewrap`

    autoissue can run here; warnings: 1.
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
    let lines = lines.take_while(|line| !line.contains(" agent "));
    let lines: Vec<&str> = lines.chain([end]).collect();
    lines.join("\n")
}

/// The same of a token that is good, with more in the configuration.
fn about_access(token: &'static str, more: &Value, prepare: impl Fn(&FakeGitHub)) -> String {
    let fake = FakeGitHub::start(&FakeOptions {
        token,
        ..FakeOptions::default()
    });
    prepare(&fake);
    access(
        &fake,
        &Sealed::repository(),
        &[("GITHUB_TOKEN", token)],
        more,
    )
}

/// All that is told of token, account and access.
fn access(fake: &FakeGitHub, sealed: &Sealed, variables: &[(&str, &str)], more: &Value) -> String {
    sealed.program("claude", "echo 2.1.328");
    let mut config = json!({
        "project": { "repo": "octo/widgets" },
        "forge": { "kind": "github", "apiUrl": fake.api_url() },
    });
    for (key, part) in more.as_object().unwrap() {
        match config[key].as_object_mut() {
            Some(known) => known.extend(part.as_object().unwrap().clone()),
            None => config[key] = part.clone(),
        }
    }
    sealed.write("autoissue.config.json", &config.to_string());
    let told = sealed.run_with(variables, &["doctor"]);
    let lines = told.lines().skip_while(|line| !line.contains(" token "));
    let lines = lines.take_while(|line| !line.contains(" agent "));
    let end = told.lines().last().unwrap();
    lines.chain([end]).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_token_s_scopes_say_what_is_missing_for_which_feature() {
    let good = FakeOptions::default().token;
    let workflows =
        json!({ "security": { "allow": ["workflows"] }, "merge": { "policy": "auto" } });
    assert_snapshot!(about_access(good, &workflows, |_| {}), @"
    ok    token        from GITHUB_TOKEN, a classic token
    ok    github       octo-bot may push to octo/widgets, 4,998 of 5,000 requests left this hour
    ok    permissions  the scopes repo, read:org
    warn  access       missing the scope `workflow`, for: change workflows
                       hint: make a token that has it: Settings, Developer settings, Personal access tokens
    ok    access       read issues, labels and comments, push branches, pull requests, claims among machines, watch checks, logs of failed jobs, merge
    autoissue can run here; warnings: 3.
    ");
    assert_snapshot!(about_access(good, &workflows, |fake| {
        fake.set_scopes(Some("public_repo, workflow"));
        fake.set_rights(Rights { may_push: true, is_private: true });
    }), @"
    ok    token        from GITHUB_TOKEN, a classic token
    ok    github       octo-bot may push to octo/widgets, 4,998 of 5,000 requests left this hour
    ok    permissions  the scopes public_repo, workflow
    fail  access       missing the scope `repo`, for: read issues, labels and comments, push branches, pull requests, claims among machines, change workflows, watch checks, logs of failed jobs, merge
                       hint: make a token that has it: Settings, Developer settings, Personal access tokens
    autoissue cannot run here yet; to mend: 1.
    ");
    assert_snapshot!(about_access(good, &json!({}), |fake| fake.set_scopes(Some(""))), @"
    ok    token        from GITHUB_TOKEN, a classic token
    ok    github       octo-bot may push to octo/widgets, 4,998 of 5,000 requests left this hour
    ok    permissions  no scopes
    fail  access       missing the scope `public_repo`, for: labels and comments, push branches, pull requests, claims among machines
                       hint: make a token that has it: Settings, Developer settings, Personal access tokens
    ok    access       read issues, watch checks, logs of failed jobs
    autoissue cannot run here yet; to mend: 1.
    ");
    assert_snapshot!(about_access("gho_0123456789abcdefghijklmnopqrstuvwxyz", &workflows, |_| {}), @"
    ok    token        from GITHUB_TOKEN, a token of a program that you signed in to
    ok    github       octo-bot may push to octo/widgets, 4,998 of 5,000 requests left this hour
    ok    permissions  the scopes repo, read:org
    warn  access       missing the scope `workflow`, for: change workflows
                       hint: `gh auth refresh --scopes workflow`
    ok    access       read issues, labels and comments, push branches, pull requests, claims among machines, watch checks, logs of failed jobs, merge
    autoissue can run here; warnings: 3.
    ");
    assert_snapshot!(about_access(good, &json!({}), |fake| {
        fake.set_rights(Rights { may_push: false, is_private: false });
    }), @"
    ok    token        from GITHUB_TOKEN, a classic token
    note  github       octo-bot may not push to octo/widgets, 4,998 of 5,000 requests left this hour
    ok    permissions  the scopes repo, read:org
    fail  access       missing write access to the repository, for: labels and comments, push branches, pull requests, claims among machines
                       hint: ask for write access to the repository, or use a token of somebody who has it
    ok    access       read issues, watch checks, logs of failed jobs
    autoissue cannot run here yet; to mend: 1.
    ");
}

#[test]
fn of_a_fine_grained_token_it_says_what_nobody_can_know() {
    let token = "github_pat_0123456789abcdefghijklmnopqrstuvwxyz";
    assert_snapshot!(about_access(token, &json!({}), |fake| fake.set_scopes(None)), @"
    ok    token        from GITHUB_TOKEN, a fine-grained token
    ok    github       octo-bot may push to octo/widgets, 4,998 of 5,000 requests left this hour
    note  access       GitHub tells what a fine-grained token lacks only as it refuses something; it needs actions: read, checks: read, contents: write, issues: write, metadata: read, pull_requests: write, statuses: read
    autoissue can run here; warnings: 2.
    ");
}

/// A repository that is worked on as an app whose key has this mode.
fn about_app(mode: u32, change: impl FnOnce(&mut FakeApp)) -> (FakeGitHub, Sealed, Value) {
    static KEY: LazyLock<AppKey> = LazyLock::new(AppKey::new);
    let (fake, sealed) = (
        FakeGitHub::start(&FakeOptions::default()),
        Sealed::repository(),
    );
    let mut app = FakeApp::new(&KEY);
    change(&mut app);
    fake.install(app);
    let file = sealed.path("home").join("app.pem");
    fs::write(&file, &KEY.pem).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
    let app = json!({ "id": 4711, "keyFile": file });
    (fake, sealed, json!({ "forge": { "app": app } }))
}

#[test]
fn an_app_is_told_with_its_permissions_and_what_they_lack() {
    let (fake, sealed, more) = about_app(0o600, |_| {});
    assert_snapshot!(access(&fake, &sealed, &[], &more), @"
    ok    token        from GitHub App 4711, by its key in $TOP/home/app.pem
    ok    github       shop-bot[bot] is installed on octo/widgets, 4,996 of 5,000 requests left this hour
    ok    permissions  actions: read, checks: read, contents: write, issues: write, metadata: read, pull_requests: write, statuses: read
    ok    access       read issues, labels and comments, push branches, pull requests, claims among machines, watch checks, logs of failed jobs
    autoissue can run here; warnings: 2.
    ");
    let (fake, sealed, more) = about_app(0o644, |app| {
        app.permissions.remove("checks");
        app.permissions.remove("actions");
        app.permissions.insert("contents", "read");
    });
    assert_snapshot!(access(&fake, &sealed, &[], &more), @r#"
    warn  token        from GitHub App 4711, by its key in $TOP/home/app.pem, which others may read (mode 644)
                       hint: chmod 600 $TOP/home/app.pem
    ok    github       shop-bot[bot] is installed on octo/widgets, 4,996 of 5,000 requests left this hour
    ok    permissions  contents: read, issues: write, metadata: read, pull_requests: write, statuses: read
    fail  access       missing contents: write, for: push branches, claims among machines
                       hint: add it under "Permissions" in the app's settings on GitHub, and accept it where the app is installed
    warn  access       missing actions: read, for: logs of failed jobs
                       hint: add it under "Permissions" in the app's settings on GitHub, and accept it where the app is installed
    warn  access       missing checks: read, for: watch checks
                       hint: add it under "Permissions" in the app's settings on GitHub, and accept it where the app is installed
    ok    access       read issues, labels and comments, pull requests
    autoissue cannot run here yet; to mend: 1.
    "#);
    let (fake, sealed, more) = about_app(0o600, |app| app.is_installed = false);
    assert_snapshot!(access(&fake, &sealed, &[], &more), @r#"
    ok    token        from GitHub App 4711, by its key in $TOP/home/app.pem
    fail  github       could not sign in as the GitHub App: app 4711 is not installed on octo/widgets, or there is no such repository
                       hint: install the app on that repository ("Install App" in its settings on GitHub), and check project.repo
    autoissue cannot run here yet; to mend: 1.
    "#);
    let (fake, sealed, more) = about_app(0o600, |_| {});
    fs::remove_file(sealed.path("home").join("app.pem")).unwrap();
    assert_snapshot!(access(&fake, &sealed, &[], &more), @r#"
    ok    token        from GitHub App 4711, by its key in $TOP/home/app.pem
    fail  github       the key of the app cannot be used: No such file or directory (os error 2)
                       hint: make one under "Private keys" in the app's settings on GitHub, and name its file in forge.app.keyFile
    autoissue cannot run here yet; to mend: 1.
    "#);
}

#[test]
fn programs_are_told_the_same() {
    let (fake, sealed, more) = about_app(0o600, |app| {
        app.permissions.remove("checks");
    });
    access(&fake, &sealed, &[], &more);
    let told = sealed.run(&["doctor", "--format", "json"]);
    let (_, event) = told.split_once("--- stdout\n").unwrap();
    let event: Value = serde_json::from_str(event).unwrap();
    let github = &event["github"];
    assert_eq!(github["account"], "shop-bot[bot]");
    assert_eq!(github["kind"], "app");
    assert_eq!(github["permissions"]["issues"], "write");
    assert_eq!(github["limit"]["limit"], 5000);
    let features = github["features"].as_array().unwrap();
    let feature = |name: &str| features.iter().find(|one| one["feature"] == name).unwrap();
    assert_eq!(feature("checks")["missing"], json!(["checks: read"]));
    assert_eq!(feature("branches")["state"], "given");
    assert_eq!(feature("workflows")["used"], false);
    assert!(
        !told.contains("ghs_") && !told.contains("PRIVATE"),
        "{told}"
    );
}

#[test]
fn github_is_asked_what_the_token_may() {
    let good = FakeOptions::default().token;
    assert_snapshot!(about_github(good, |_| {}), @"
    ok    github       octo-bot may push to octo/widgets, 4,998 of 5,000 requests left this hour
    ok    permissions  the scopes repo, read:org
    ok    access       read issues, labels and comments, push branches, pull requests, claims among machines, watch checks, logs of failed jobs
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
