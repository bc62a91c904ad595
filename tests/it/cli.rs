//! The command line, through the real binary.

use crate::sealed::Sealed;
use insta::assert_snapshot;
use std::process::Stdio;

/// Commands, and what follows them.
fn help() -> (String, String) {
    let alone = Sealed::new().run(&[]);
    assert_eq!(alone, Sealed::new().run(&["-h"]));
    let (commands, rest) = alone.split_once("\nOptions:\n").unwrap();
    (commands.to_owned(), rest.to_owned())
}

#[test]
fn help_lists_the_commands() {
    assert_snapshot!(help().0, @"
    exit code 0
    --- stdout
    Turns labelled issues into verified pull requests, in parallel, within a budget that cannot be
    overspent

    Usage: autoissue [OPTIONS] <COMMAND>

    Commands:
      exec         Work on issues: those with a label, or some by number
      plan         Turn a directive into a plan, the plan into issues, and work on them
      resume       Go on with a session that was interrupted
      watch        Lead open pull requests to their end: failed checks, reviews, conflicts, merges
      revert       Close an issue's pull request, or open one that takes its work back
      serve        Watch projects, start their issues, and show what runs as pages
      notify       Send a test message by the channels of the configuration
      status       Show what is running, else the latest sessions
      why          Say why an issue does not run yet, and what would let it start sooner
      simulate     Play a backlog many times on a virtual clock: how long, how dear, with how many slots
      metrics      Show cost, success rate and code impact of all sessions
      report       Write what happened as a report that can be forwarded
      demo         Try it out: a small project and a scripted agent, offline, in seconds
      doctor       Say what is missing here, and how to mend it
      login        Keep a GitHub token on this machine: in its keyring, else in a file for you alone
      logout       Forget the token that `login` keeps
      init         Write a configuration for this repository
      checks       Show which checks the repository speaks for
      footprint    Score how well the files of issues are foreseen
      prompt       Print what an agent would be told of an issue, or the template of that
      evaluate     Say who should work on an issue, and why
      history      Show what the agent did on an issue
      audit        Show who did what: started, approved, pushed, merged, spent, stopped
      clean        Remove what is provably not needed any more
      stop         End every agent that runs on this machine
      breaker      Look at the circuit breaker, or close it
      lessons      Look at what agents learned here, and change it
      retry        Try an issue of the running session again
      skip         Leave an issue out of the running session
      approve      Let an issue go that waits for approval
      reject       Leave an issue out that waits for approval
      modify       Let an issue go that waits for approval, with instructions
      answer       Answer what the agent of an issue asked
      config       Show, check or describe the configuration
      completions  Print completions for a shell
      man          Print the manual page
    ");
}

#[test]
fn help_shows_options_examples_and_exit_codes() {
    assert_snapshot!(help().1, @r#"
      -h, --help     Print help (see more with '--help')
      -V, --version  Print version

    Global options:
      -c, --config <PATH>    The configuration file, in place of the nearest autoissue.config.json
          --format <FORMAT>  What stdout is for: a person, or one JSON event a line [default: text]
                             [possible values: text, json]
      -v, --verbose...       Say more on stderr; twice for everything
          --color <WHEN>     When to use colour [default: auto] [possible values: auto, always, never]
          --state-dir <DIR>  Where journals, logs and worktrees are kept, in place of the XDG state
                             directory [env: AUTOISSUE_STATE_DIR]
          --headless         Plain lines in place of live bars

    Examples:
      autoissue demo                       see it work, offline
      autoissue doctor                     what is missing here?
      autoissue exec backlog --dry-run     what would run, in which order, at which price?
      autoissue exec backlog --budget 25   work on the issues labelled `backlog`
      autoissue plan "Add rate limits"     break it down into issues, show the plan, ask, and do it
      autoissue resume                     go on after an interruption

    Exit codes of a session (the first that applies, in the order 1, 5, 4, 3, 0):
      0  every task completed, or there was nothing to do
      1  the session could not run
      2  the command line is wrong
      3  finished, with tasks that failed, are blocked or found no route
      4  the budget was refused, or is exhausted with work left
      5  interrupted; `autoissue resume` goes on
      6  another process holds the session
    "#);
}

#[test]
fn help_of_exec_names_every_flag() {
    assert_snapshot!(Sealed::new().run(&["exec", "-h"]), @"
    exit code 0
    --- stdout
    Work on issues: those with a label, or some by number

    Usage: autoissue exec [OPTIONS] [LABEL]

    Arguments:
      [LABEL]  The label of the issues to work on

    Options:
          --issue <N>              Only this issue; without LABEL, naming it is what lets it run; may be
                                   repeated
          --exclude-label <LABEL>  Leave issues with this label out; may be repeated
          --also <LABEL>           Only issues that have this label as well; may be repeated
          --assignee <LOGIN>       Only issues that are assigned to this account; `none` for nobody, `*`
                                   for anybody
          --milestone <TITLE>      Only issues of the milestone with this title; `none`, or `*` for any
          --author <LOGIN>         Only issues that this account opened
          --dry-run                Classify, schedule and price, and touch nothing
          --fit                    Run what the budget covers, in order of priority, instead of refusing
          --agent <KIND>           The coding agent [possible values: claude, codex, gemini, opencode,
                                   command]
          --model <NAME>           The model, by the agent's own name for it
          --no-pr                  Leave it at branches: open no pulls
          --draft                  Open pulls as drafts
          --routing <MODE>         What the evaluation of issues decides: nothing, who may run, or there
                                   is none [possible values: advise, enforce, off]
          --budget <USD>           The most that the session may spend, in dollars
          --max-parallel <N>       Attempts that run at a time, 1 to 64
          --isolation <KIND>       What keeps agents, setup and checks apart from this machine [possible
                                   values: auto, bwrap, landlock, none]
          --dashboard              Show the run as a page on this machine, as long as it lasts
      -h, --help                   Print help (see more with '--help')

    Global options:
      -c, --config <PATH>    The configuration file, in place of the nearest autoissue.config.json
          --format <FORMAT>  What stdout is for: a person, or one JSON event a line [default: text]
                             [possible values: text, json]
      -v, --verbose...       Say more on stderr; twice for everything
          --color <WHEN>     When to use colour [default: auto] [possible values: auto, always, never]
          --state-dir <DIR>  Where journals, logs and worktrees are kept, in place of the XDG state
                             directory [env: AUTOISSUE_STATE_DIR]
          --headless         Plain lines in place of live bars

    Examples:
      autoissue exec backlog                                  all open issues labelled `backlog`
      autoissue exec --issue 12 --issue 15                    these two
      autoissue exec backlog --exclude-label wip --fit        as many as the budget covers
      autoissue exec backlog --milestone 1.0 --assignee none  of a milestone those that nobody has taken
      autoissue exec backlog --format json                    for a program to read

    Exit codes of a session (the first that applies, in the order 1, 5, 4, 3, 0):
      0  every task completed, or there was nothing to do
      1  the session could not run
      2  the command line is wrong
      3  finished, with tasks that failed, are blocked or found no route
      4  the budget was refused, or is exhausted with work left
      5  interrupted; `autoissue resume` goes on
      6  another process holds the session
    ");
}

#[test]
fn every_command_has_help() {
    let sealed = Sealed::new();
    for command in [
        "exec",
        "watch",
        "revert",
        "evaluate",
        "approve",
        "reject",
        "modify",
        "resume",
        "status",
        "metrics",
        "demo",
        "doctor",
        "init",
        "history",
        "clean",
        "breaker",
        "retry",
        "skip",
        "config",
        "completions",
        "man",
    ] {
        let shown = sealed.run(&[command, "--help"]);
        assert!(shown.starts_with("exit code 0\n"), "{shown}");
        assert!(shown.contains("--state-dir"), "{shown}");
    }
}

#[test]
fn the_version_is_told() {
    let shown = Sealed::new().run(&["--version"]);
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(
        shown,
        format!("exit code 0\n--- stdout\nautoissue {version}\n")
    );
}

#[test]
fn a_wrong_command_line_is_exit_code_2_and_names_the_flag() {
    let sealed = Sealed::new();
    let check = |args: &[&str], expect: &str| {
        let shown = sealed.run(args);
        assert!(shown.starts_with("exit code 2\n--- stderr\n"), "{shown}");
        assert!(shown.contains(expect), "{args:?}\n{shown}");
    };
    for budget in ["0", "-1", "NaN", "inf", "five", "1e7", ""] {
        check(
            &["exec", "x", "--budget", budget],
            "'--budget <USD>': a budget is an amount above 0",
        );
    }
    for slots in ["0", "65", "-1", "many"] {
        check(
            &["exec", "x", "--max-parallel", slots],
            "'--max-parallel <N>'",
        );
    }
    for issue in ["0", "-1", "1.5", "x"] {
        check(
            &["exec", "--issue", issue],
            "'--issue <N>': an issue has a whole number above 0",
        );
        check(&["history", issue], "'<ISSUE>'");
    }
    check(
        &["exec", "x", "--agent", "clade"],
        "a similar value exists: 'claude'",
    );
    check(
        &["exec", "x", "--isolation", "full"],
        "[possible values: auto, bwrap, landlock, none]",
    );
    check(&["exec", "x", "--draft", "--no-pr"], "cannot be used with");
    check(
        &["exec", "x", "--maxparallel", "3"],
        "a similar argument exists: '--max-parallel'",
    );
    check(&["exce", "x"], "a similar subcommand exists: 'exec'");
    check(&["breaker", "open"], "unrecognized subcommand");
    check(&["serving"], "unrecognized subcommand");
    check(&["serve", "--listen", "nowhere"], "'--listen <ADDR>'");
    check(
        &["--format", "yaml", "status"],
        "[possible values: text, json]",
    );
}

#[test]
fn exec_without_issues_shows_an_example() {
    assert_snapshot!(Sealed::new().run(&["exec"]), @"
    exit code 2
    --- stderr
    error: say which issues: a label, or numbers

      example: autoissue exec backlog
      example: autoissue exec --issue 12

    Usage: autoissue exec [OPTIONS] [LABEL]

    For more information, try '--help'.
    ");
}

#[test]
fn a_program_gets_usage_errors_on_stdout() {
    assert_snapshot!(Sealed::new().run(&["exec", "x", "--budget", "0", "--format=json"]), @r#"
    exit code 2
    --- stdout
    {"event":"error","kind":"usage","exit":2,"message":"could not read the command line: invalid value '0' for '--budget <USD>': a budget is an amount above 0 and up to 1000000, such as 25 or 12.50\n\nFor more information, try '--help'.","hints":["`autoissue --help` shows the commands and flags"]}
    "#);
}

#[test]
fn colour_is_for_terminals_and_for_those_who_ask() {
    let sealed = Sealed::new();
    let has_escape = |args: &[&str]| sealed.run(args).contains('\u{1b}');
    for args in [
        &["bogus"][..],
        &["config", "check", "-c", "none"],
        &["--help"],
    ] {
        assert!(!has_escape(args), "{args:?}");
        let always: Vec<&str> = args.iter().copied().chain(["--color", "always"]).collect();
        assert!(has_escape(&always), "{always:?}");
        let never: Vec<&str> = args.iter().copied().chain(["--color=never"]).collect();
        assert!(!has_escape(&never), "{never:?}");
    }
}

#[test]
fn completions_and_the_manual_know_the_commands() {
    let sealed = Sealed::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = sealed.run(&["completions", shell]);
        assert!(script.starts_with("exit code 0\n"), "{script}");
        assert!(script.contains("max-parallel"), "{shell}");
    }
    let page = sealed.run(&["man"]);
    assert!(
        page.contains(".TH autoissue 1") && page.contains("Exit codes"),
        "{page}"
    );
    let written = sealed.run(&["man", "--dir", "pages/deep"]);
    assert_eq!(written, "exit code 0\n");
    assert!(sealed.work().join("pages/deep/autoissue-exec.1").is_file());
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let sealed = Sealed::new();
    let mut child = sealed
        .command(&["config", "schema"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(output.stderr.is_empty(), "{output:?}");
}

#[test]
#[cfg(target_os = "linux")]
fn output_that_cannot_be_written_is_a_failure() {
    let full = std::fs::File::options()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let sealed = Sealed::new();
    let output = sealed
        .command(&["config", "schema"])
        .stdout(full)
        .output()
        .unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        told.starts_with("error: could not write the output\n  because "),
        "{told}"
    );
}
