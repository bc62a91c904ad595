//! What a newcomer does wrong before anything runs: one clear error that names the thing and the next step.

use crate::sealed::Sealed;
use insta::assert_snapshot;
use std::fs;
use std::path::Path;

const AGENT: &str = "cat > /dev/null; echo work > work.txt; echo '{\"cost_usd\": 0.01}'";

/// A repository with an agent that works, a configuration that says so and `more`, and one issue labelled `go`.
fn shop(more: &str) -> Sealed {
    let sealed = Sealed::repository();
    sealed.program("cat", &format!("exec {} \"$@\"", program("cat")));
    sealed.program("my-agent", AGENT);
    sealed.write("autoissue.config.json", &config(more));
    issue(&sealed, 1, "One", "do it");
    sealed
}

fn program(name: &str) -> String {
    let path = std::env::var_os("PATH").unwrap();
    let mut places = std::env::split_paths(&path).map(|place| place.join(name));
    places
        .find(|path| path.is_file())
        .unwrap()
        .display()
        .to_string()
}

fn config(more: &str) -> String {
    format!(r#"{{"agent": {{"kind": "command", "command": ["my-agent"]}}{more}}}"#)
}

fn issue(sealed: &Sealed, number: u64, title: &str, body: &str) {
    let text = format!("---\ntitle: {title}\nlabels: [go]\n---\n{body}\n");
    file(sealed, &format!("{number}.md"), &text);
}

fn file(sealed: &Sealed, name: &str, text: &str) {
    let folder = sealed.work().join(".autoissue/issues");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(name), text).unwrap();
}

/// Nothing was begun, fetched or paid.
fn nothing_ran(sealed: &Sealed) {
    let state = sealed.path("home/.local/state/autoissue");
    for name in ["mirrors", "worktrees", "sessions"] {
        assert!(!state.join(name).exists(), "{name}");
    }
}

/// No session was begun, and so nothing paid.
fn nothing_began(sealed: &Sealed) {
    assert!(!sealed.path("home/.local/state/autoissue/sessions").exists());
}

#[test]
fn a_place_that_is_no_repository_is_named() {
    let sealed = Sealed::new();
    assert_snapshot!(sealed.run(&["exec", "go"]), @"
    exit code 1
    --- stderr
    error: could not find the repository to work for
      because $TOP/work is not in a git repository
    hint: go to a checkout, or make one: `git init`, then commit something
    ");
    sealed.git(&["init", "-q", "-b", "main"]);
    assert_snapshot!(sealed.run(&["exec", "go"]), @"
    exit code 1
    --- stderr
    error: could not find the repository to work for
      because $TOP/work has no commits
    hint: commit something first: agents start from a commit
    ");
}

#[test]
fn an_issue_that_is_not_there_is_said_to_be_so() {
    let sealed = shop("");
    file(
        &sealed,
        "2.md",
        "---\ntitle: Two\nlabels: [go]\nstate: closed\n---\n",
    );
    assert_snapshot!(sealed.run(&["exec", "nonsense"]), @"
    exit code 0
    --- stdout
    Nothing to do: no open issue for label nonsense in .autoissue/issues.
    ");
    assert_snapshot!(sealed.run(&["exec", "nonsense", "--format", "json"]), @r#"
    exit code 0
    --- stdout
    {"v":1,"event":"session_finished","session":null,"summary":{"completed":0,"failed":0,"blocked":0,"skipped":0,"cost_usd":"0.00","tasks":[]}}
    "#);
    assert_snapshot!(sealed.run(&["exec", "bug", "--issue", "1", "--issue", "2", "--issue", "9"]), @"
    exit code 0
    --- stdout
    Nothing to do: no open issue for label bug, issues #1 #2 #9 in .autoissue/issues.
    --- stderr
    #1 is left out: it has no label bug
    #2 is left out: it is closed
    #9 is left out: there is no issue of that number; pull requests are none
    ");
    assert_snapshot!(sealed.run(&["exec", "--issue", "9", "--format", "json"]), @r#"
    exit code 0
    --- stdout
    {"v":1,"event":"issue_left_out","issue":9,"reason":"there is no issue of that number; pull requests are none"}
    {"v":1,"event":"session_finished","session":null,"summary":{"completed":0,"failed":0,"blocked":0,"skipped":0,"cost_usd":"0.00","tasks":[]}}
    "#);
    assert_snapshot!(sealed.run(&["exec", "--issue", "9", "--dry-run"]), @"
    exit code 0
    --- stdout
    Nothing to do: no open issue for issues #9 in .autoissue/issues.
    --- stderr
    #9 is left out: there is no issue of that number; pull requests are none
    ");
    nothing_ran(&sealed);
}

#[test]
fn a_label_that_came_out_empty_is_a_slip() {
    let sealed = shop("");
    assert_snapshot!(sealed.run(&["exec", ""]), @"
    exit code 2
    --- stderr
    error: invalid value '' for '[LABEL]': a label has at least one character

    For more information, try '--help'.
    ");
    assert_snapshot!(sealed.run(&["exec", "go", "--exclude-label", ""]), @"
    exit code 2
    --- stderr
    error: invalid value '' for '--exclude-label <LABEL>': a label has at least one character

    For more information, try '--help'.
    ");
}

#[test]
fn issues_on_github_that_cannot_be_seen_are_not_taken_for_none() {
    let sealed = shop("");
    sealed.git(&[
        "remote",
        "add",
        "origin",
        "https://github.com/octo/widgets.git",
    ]);
    assert_snapshot!(sealed.run(&["exec", "nonsense"]), @"
    exit code 0
    --- stdout
    Nothing to do: no open issue for label nonsense in .autoissue/issues (there is no token for octo/widgets on GitHub).
    ");
    fs::remove_dir_all(sealed.work().join(".autoissue")).unwrap();
    assert_snapshot!(sealed.run(&["exec", "go"]), @"
    exit code 1
    --- stderr
    error: could not work on issues of octo/widgets
      because no token for GitHub was found, and there are no local issues in .autoissue/issues
    hint: run `gh auth login` or set GITHUB_TOKEN
    hint: `autoissue init` makes a directory for local issues
    ");
    sealed.write(
        "autoissue.config.json",
        &config(r#", "forge": {"kind": "github"}"#),
    );
    assert_snapshot!(sealed.run(&["exec", "go", "--isolation", "none"]), @"
    exit code 1
    --- stderr
    error: could not use octo/widgets on GitHub
      because no token was found
    hint: run `gh auth login` or set GITHUB_TOKEN
    ");
    assert_snapshot!(sealed.run(&["exec", "go", "--isolation", "bwrap"]), @"
    exit code 1
    --- stderr
    error: could not keep agents apart from this machine
      because bubblewrap is not installed (no program `bwrap` in PATH)
    hint: install bubblewrap, on Debian and Ubuntu with `sudo apt-get install bubblewrap`
    hint: `--isolation none` runs them as you, with all that you can reach: best on a machine that has nothing to lose
    ");
    nothing_ran(&sealed);
}

#[test]
fn an_agent_that_cannot_start_is_named_before_anything_is_fetched() {
    let sealed = shop("");
    let check = |config: &str| {
        sealed.write("autoissue.config.json", config);
        let told = sealed.run(&["exec", "go"]);
        nothing_ran(&sealed);
        told
    };
    assert_snapshot!(check("{}"), @"
    exit code 1
    --- stderr
    error: could not start the agent
      because claude is not installed; install it with `npm install -g @anthropic-ai/claude-code`
    hint: `autoissue doctor` shows what is found
    ");
    let command = |argv: &str| format!(r#"{{"agent": {{"kind": "command"{argv}}}}}"#);
    assert_snapshot!(check(&command(r#", "command": ["no-such-agent", "-x"]"#)), @"
    exit code 1
    --- stderr
    error: could not start the agent
      because there is no program `no-such-agent`
    hint: set agent.command to a program and its arguments
    ");
    assert_snapshot!(check(&command(r#", "command": ["./autoissue.config.json"]"#)), @"
    exit code 1
    --- stderr
    error: could not start the agent
      because `./autoissue.config.json` may not be run: it is not executable
    hint: set agent.command to a program and its arguments
    ");
    assert_snapshot!(check(&command("")), @r#"
    exit code 1
    --- stderr
    error: could not use $TOP/work/autoissue.config.json
      because agent.command: is missing, and agent.kind is `command`
    hint: name the program: "command": ["my-agent", "--flag"]
    "#);
}

#[test]
fn a_budget_is_an_amount_wherever_it_is_set() {
    let sealed = shop("");
    for amount in ["0", "-5", "NaN", "inf", "1e9", "", "five"] {
        let told = sealed.run(&["exec", "go", "--budget", amount]);
        let expect = format!(
            "exit code 2\n--- stderr\nerror: invalid value '{amount}' for '--budget <USD>': a budget is an amount above 0"
        );
        assert!(told.starts_with(&expect), "{told}");
    }
    for amount in ["0", "-5", "NaN", "inf", "1e9", "five"] {
        let told = sealed.run_with(&[("AUTOISSUE_MAX_BUDGET", amount)], &["exec", "go"]);
        let is_told = told.contains("variable AUTOISSUE_MAX_BUDGET sets maxTotalBudgetUsd: ");
        assert!(told.starts_with("exit code 1\n") && is_told, "{told}");
    }
    for amount in ["0", "-1", "1e7", "NaN", "1e999", "null", "\"5\""] {
        for (key, text) in [
            (
                "maxTotalBudgetUsd",
                format!("{{\"maxTotalBudgetUsd\": {amount}}}"),
            ),
            (
                "agent.maxBudgetUsd",
                format!("{{\"agent\": {{\"maxBudgetUsd\": {amount}}}}}"),
            ),
            (
                "maxDailyBudgetUsd",
                format!("{{\"maxDailyBudgetUsd\": {amount}}}"),
            ),
        ] {
            sealed.write("autoissue.config.json", &text);
            let told = sealed.run(&["exec", "go"]);
            // What is no JSON at all is told by its place.
            let is_told = told.contains(key) || told.contains("line 1, column ");
            let is_allowed = amount == "null" && key == "maxDailyBudgetUsd";
            assert!(
                is_allowed || told.starts_with("exit code 1\n") && is_told,
                "{text}: {told}"
            );
        }
    }
    nothing_ran(&sealed);
}

#[test]
fn what_the_budget_does_not_cover_is_told_with_the_ways_out() {
    let sealed = shop("");
    assert_snapshot!(sealed.run(&["exec", "go", "--budget", "1"]), @"
    exit code 4
    --- stderr
    error: could not start the session
      because Cannot afford 1 task: estimated $5.00 exceeds budget $1.00
    hint: raise the budget: --budget 5.50
    hint: run what the budget covers, the most urgent first: --fit
    hint: lower the cap of one attempt: agent.maxBudgetUsd
    ");
    // One that the estimates fit into, and not one attempt, is told before anything runs, too.
    assert_snapshot!(sealed.run(&["exec", "go", "--budget", "5"]), @"
    exit code 4
    --- stderr
    error: could not start the session
      because one attempt sets $5.50 aside, its cap of $5.00 and some for its last response, and the budget is $5.00
    hint: raise the budget: --budget 5.50
    hint: lower the cap of one attempt: agent.maxBudgetUsd
    ");
    assert_snapshot!(sealed.run(&["exec", "go", "--budget", "5", "--fit"]), @"
    exit code 4
    --- stderr
    error: could not start the session
      because one attempt sets $5.50 aside, its cap of $5.00 and some for its last response, and the budget is $5.00
    hint: raise the budget: --budget 5.50
    hint: lower the cap of one attempt: agent.maxBudgetUsd
    ");
    nothing_began(&sealed);
    let told = sealed.run(&["exec", "go", "--budget", "5.50"]);
    assert!(told.starts_with("exit code 0\n"), "{told}");
}

#[test]
fn a_configuration_that_cannot_be_used_is_told_by_key_and_place() {
    let sealed = shop("");
    let check = |config: &str| {
        sealed.write("autoissue.config.json", config);
        let told = sealed.run(&["exec", "go"]);
        nothing_ran(&sealed);
        told
    };
    assert_snapshot!(check(r#"{"version": 2, "whatever": 1}"#), @"
    exit code 1
    --- stderr
    error: could not use $TOP/work/autoissue.config.json
      because version: it has format 2, and this program knows up to 1
    hint: install a newer autoissue
    ");
    assert_snapshot!(check(r#"{"agent": {"#), @"
    exit code 1
    --- stderr
    error: could not use $TOP/work/autoissue.config.json
      because it ends in the middle, at line 1, column 11
    ");
    assert_snapshot!(check(""), @"
    exit code 1
    --- stderr
    error: could not use $TOP/work/autoissue.config.json
      because it ends in the middle, at line 1, column 0
    ");
    assert_snapshot!(check(r#"{"agent": {"modle": "opus"}}"#), @"
    exit code 1
    --- stderr
    error: could not use $TOP/work/autoissue.config.json
      because agent.modle: there is no such key
    hint: did you mean agent.model?
    ");
    assert_snapshot!(check(r#"{"project": {"path": "nowhere"}}"#), @"
    exit code 1
    --- stderr
    error: could not find the repository to work for
      because $TOP/work/nowhere is not a directory
    hint: correct project.path in the configuration
    ");
}

#[test]
fn a_prompt_template_is_tried_before_anything_runs() {
    let sealed = shop(r#", "prompt": "words.md""#);
    let check = |template: &[u8]| {
        fs::write(sealed.work().join("words.md"), template).unwrap();
        let told = sealed.run(&["exec", "go"]);
        nothing_ran(&sealed);
        told
    };
    assert_snapshot!(sealed.run(&["exec", "go"]), @"
    exit code 1
    --- stderr
    error: could not use the prompt template $TOP/work/words.md
      because No such file or directory (os error 2)
    hint: correct `prompt` in the configuration
    ");
    assert_snapshot!(check(b"{{ issue.text }} {{ issue.titel }}"), @"
    exit code 1
    --- stderr
    error: could not use the prompt template $TOP/work/words.md
      because undefined value: `issue.titel` is undefined (in prompt:1)
    hint: a template shows `issue.text`, and may use issue.number, issue.title, issue.text, issue.labels, issue.author, issue.url, repository, base_branch, branch, comments, files, snippets, tests, configs, commits, lessons, others, guides, checks, steps; `autoissue prompt template` prints the built-in one
    ");
    assert_snapshot!(check(b"{{ issue.text"), @"
    exit code 1
    --- stderr
    error: could not use the prompt template $TOP/work/words.md
      because syntax error: unexpected end of input, expected end of variable block (in prompt:1)
    hint: a template shows `issue.text`, and may use issue.number, issue.title, issue.text, issue.labels, issue.author, issue.url, repository, base_branch, branch, comments, files, snippets, tests, configs, commits, lessons, others, guides, checks, steps; `autoissue prompt template` prints the built-in one
    ");
    assert_snapshot!(check(b"Mend it."), @"
    exit code 1
    --- stderr
    error: could not use the prompt template $TOP/work/words.md
      because it never shows `issue.text`
    hint: a template shows `issue.text`, and may use issue.number, issue.title, issue.text, issue.labels, issue.author, issue.url, repository, base_branch, branch, comments, files, snippets, tests, configs, commits, lessons, others, guides, checks, steps; `autoissue prompt template` prints the built-in one
    ");
    assert_snapshot!(check(b"\xff\xfe"), @"
    exit code 1
    --- stderr
    error: could not use the prompt template $TOP/work/words.md
      because stream did not contain valid UTF-8
    hint: correct `prompt` in the configuration
    ");
}

#[test]
fn a_check_or_setup_without_its_program_is_refused_before_an_agent_is_paid() {
    let sealed = shop(r#", "checks": [{"name": "test", "run": "pytset -q"}]"#);
    assert_snapshot!(sealed.run(&["exec", "go"]), @"
    exit code 1
    --- stderr
    error: could not run the check `test`
      because there is no program `pytset`
    hint: install it, or correct checks[0].run
    ");
    sealed.write(
        "autoissue.config.json",
        &config(r#", "worktree": {"setup": "nmp ci"}"#),
    );
    assert_snapshot!(sealed.run(&["exec", "go"]), @"
    exit code 1
    --- stderr
    error: could not run the setup of the worktrees
      because there is no program `nmp`
    hint: install it, or correct worktree.setup
    ");
    nothing_ran(&sealed);
}

#[test]
fn a_base_branch_that_is_not_there_is_refused_before_an_agent_is_paid() {
    let sealed = shop(r#", "project": {"baseBranch": "mian"}"#);
    assert_snapshot!(sealed.run(&["exec", "go"]), @"
    exit code 1
    --- stderr
    error: could not use the repository
      because the remote has no branch `mian`
    hint: set project.baseBranch to one of its branches: `main`
    ");
    nothing_began(&sealed);
}

/// The mirror's and the worktrees' directory ends in a digest of the repository's path.
fn nameless(told: &str) -> String {
    match told.split_once("/work-") {
        Some((before, after)) => format!("{before}/work-[digest]{}", &after[12..]),
        None => told.to_owned(),
    }
}

#[test]
fn a_place_for_worktrees_that_cannot_be_made_is_named() {
    let sealed = shop(r#", "worktree": {"root": "/dev/null/here"}"#);
    assert_snapshot!(nameless(&sealed.run(&["exec", "go"])), @"
    exit code 1
    --- stderr
    error: could not use the repository
      because `/dev/null/here/work-[digest]` cannot be made: Not a directory (os error 20)
    hint: set worktree.root to a directory that can be written
    ");
    sealed.write(
        "autoissue.config.json",
        &config(r#", "worktree": {"root": "trees"}"#),
    );
    assert_snapshot!(nameless(&sealed.run(&["exec", "go"])), @"
    exit code 1
    --- stderr
    error: could not keep worktrees
      because `$TOP/work/trees/work-[digest]` lies in the checkout
    hint: set worktree.root to a directory outside of it
    ");
    // Beside the checkout is not in it.
    sealed.write(
        "autoissue.config.json",
        &config(r#", "worktree": {"root": "../trees"}"#),
    );
    assert!(sealed.run(&["exec", "go"]).starts_with("exit code 0\n"));
    sealed.write(
        "autoissue.config.json",
        &config(r#", "worktree": {"copy": ["../../secret"]}"#),
    );
    assert_snapshot!(nameless(&sealed.run(&["exec", "go"])), @"
    exit code 1
    --- stderr
    error: could not use $TOP/work/autoissue.config.json
      because worktree.copy[0]: is not a path within the checkout, outside of .git
    ");
}

#[test]
fn issues_that_wait_for_each_other_are_shown_in_a_circle() {
    let sealed = shop("");
    for (number, needs) in [(1, 2), (2, 3), (3, 1)] {
        issue(&sealed, number, "Round", &format!("depends on #{needs}"));
    }
    assert_snapshot!(sealed.run(&["exec", "go"]), @"
    exit code 1
    --- stderr
    error: could not find an order for the issues
      because they wait for each other: #1 -> #2 -> #3 -> #1
    hint: take one `depends on` line out of one of them, or name the issues to run with --issue
    ");
    assert_snapshot!(sealed.run(&["exec", "go", "--format", "json"]), @r#"
    exit code 1
    --- stdout
    {"event":"error","kind":"project","exit":1,"message":"could not find an order for the issues: they wait for each other: #1 -> #2 -> #3 -> #1","hints":["take one `depends on` line out of one of them, or name the issues to run with --issue"]}
    "#);
    nothing_began(&sealed);
}

#[test]
fn every_issue_file_that_cannot_be_read_is_told_at_once() {
    let sealed = shop("");
    let front = |line: &str| format!("---\ntitle: A\n{line}\n---\n");
    file(&sealed, "2.md", &front("labels: [go"));
    file(&sealed, "3.md", "---\ntitle: A\n");
    file(&sealed, "4.md", &front("state: opne"));
    file(&sealed, "5.md", &front("depends_on: [x]"));
    file(&sealed, "6.md", "");
    file(&sealed, "01-again.md", &front("labels: [go]"));
    file(&sealed, "\u{1b}[2Jnew.md", &front(""));
    std::os::unix::fs::symlink("/etc/passwd", sealed.work().join(".autoissue/issues/7.md"))
        .unwrap();
    let folder = sealed.work().join(".autoissue/issues");
    fs::write(folder.join("8.md"), b"\xff\xfe").unwrap();
    fs::create_dir(folder.join("9.md")).unwrap();
    assert_snapshot!(sealed.run(&["exec", "go"]), @"
    exit code 1
    --- stderr
    error: could not read .autoissue/issues: .autoissue/issues/?[2Jnew.md: line 1: has no number; begin its name with one, as in `12-title.md`
          .autoissue/issues/1.md: number 1 is taken by .autoissue/issues/01-again.md
          .autoissue/issues/2.md: line 3: the list has no closing `]`
          .autoissue/issues/3.md: line 1: the front matter that starts here has no closing `---`
          .autoissue/issues/4.md: line 3: `state: opne` is neither open nor closed
          .autoissue/issues/5.md: line 3: `depends_on` has `x`, which is no issue's number
          .autoissue/issues/6.md: line 1: has no title; give it a `title:` or a first heading
          .autoissue/issues/7.md: is a symbolic link
          .autoissue/issues/8.md: line 1: is not UTF-8 text
          .autoissue/issues/9.md: is not a regular file
    ");
    nothing_ran(&sealed);
}

fn database(sealed: &Sealed) -> std::path::PathBuf {
    sealed.path("home/.local/state/autoissue/autoissue.db")
}

fn tree(directory: &Path) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let mut files: Vec<_> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .map(|path| (path.clone(), fs::read(path).unwrap()))
        .collect();
    files.sort();
    files
}

#[test]
fn a_journal_that_is_newer_or_damaged_is_left_to_the_byte() {
    let sealed = shop("");
    assert!(sealed.run(&["exec", "go"]).starts_with("exit code 0\n"));
    let database = database(&sealed);
    let db = rusqlite::Connection::open(&database).unwrap();
    db.execute_batch("PRAGMA user_version = 99; PRAGMA wal_checkpoint(TRUNCATE);")
        .unwrap();
    drop(db);
    let before = tree(database.parent().unwrap());
    for command in [
        &["exec", "go"][..],
        &["resume"],
        &["clean"],
        &["retry", "1"],
    ] {
        let told = sealed.run(command);
        let expect = "error: could not open $TOP/home/.local/state/autoissue/autoissue.db: it has format 99, this program knows up to ";
        assert!(
            told.starts_with("exit code 1\n") && told.contains(expect),
            "{command:?}: {told}"
        );
        assert!(
            told.contains(
                "\nhint: use the newer autoissue that wrote it, or another --state-dir\n"
            ),
            "{told}"
        );
        assert_eq!(tree(database.parent().unwrap()), before, "{command:?}");
    }
    fs::write(&database, "this is a letter to my bank\n").unwrap();
    assert_snapshot!(sealed.run(&["exec", "go"]), @"
    exit code 1
    --- stderr
    error: could not read $TOP/home/.local/state/autoissue/autoissue.db: it is no SQLite database
    hint: restore $TOP/home/.local/state/autoissue/autoissue.db from a backup, or move its directory away to start anew; branches and pulls are safe
    ");
    assert_eq!(
        fs::read(&database).unwrap(),
        b"this is a letter to my bank\n"
    );
}

#[test]
fn a_state_directory_that_cannot_be_used_is_named() {
    let sealed = shop("");
    fs::write(sealed.path("taken"), "").unwrap();
    let check = |directory: &str| sealed.run(&["exec", "go", "--state-dir", directory]);
    assert_snapshot!(check("../taken"), @"
    exit code 1
    --- stderr
    error: could not create $TOP/taken
      because File exists (os error 17)
    hint: choose another directory with --state-dir
    ");
    assert_snapshot!(check("/proc/nowhere"), @"
    exit code 1
    --- stderr
    error: could not create /proc/nowhere
      because No such file or directory (os error 2)
    hint: choose another directory with --state-dir
    ");
    assert_snapshot!(check("state"), @"
    exit code 1
    --- stderr
    error: could not keep worktrees
      because `$TOP/work/state` lies in the checkout
    hint: set --state-dir to a directory outside of it
    ");
    assert!(!sealed.work().join("state").exists());
}
