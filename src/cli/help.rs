//! The parts of `--help` that clap does not write: examples, exit codes, variables.

use crate::config::variables::VARIABLES;
use std::fmt::Write as _;

macro_rules! exit_codes {
    () => {
        "\
Exit codes of a session (the first that applies, in the order 1, 5, 4, 3, 0):
  0  every task completed, or there was nothing to do
  1  the session could not run
  2  the command line is wrong
  3  finished, with tasks that failed, are blocked or found no route
  4  the budget was refused, or is exhausted with work left
  5  interrupted; `autoissue resume` goes on
  6  another process holds the session"
    };
}

/// Under the list of commands.
pub const ROOT: &str = concat!(
    "\
Examples:
  autoissue demo                       see it work, offline
  autoissue doctor                     what is missing here?
  autoissue exec backlog --dry-run     what would run, in which order, at which price?
  autoissue exec backlog --budget 25   work on the issues labelled `backlog`
  autoissue plan \"Add rate limits\"     break it down into issues, show the plan, ask, and do it
  autoissue resume                     go on after an interruption

",
    exit_codes!()
);

/// Under the flags of `exec`.
pub const EXEC: &str = concat!(
    "\
Examples:
  autoissue exec backlog                                  all open issues labelled `backlog`
  autoissue exec --issue 12 --issue 15                    these two
  autoissue exec backlog --exclude-label wip --fit        as many as the budget covers
  autoissue exec backlog --milestone 1.0 --assignee none  of a milestone those that nobody has taken
  autoissue exec backlog --format json                    for a program to read

",
    exit_codes!()
);

/// Under the flags of `plan`.
pub const PLAN: &str = concat!(
    "\
Examples:
  autoissue plan \"Add rate limits to the API\" --dry-run         what would be done, how long, at which price?
  autoissue plan \"Add rate limits to the API\" --save plan.json  show it, ask, open the issues, work on them
  autoissue plan --from plan.json --yes                          the same with an edited plan, unasked
  autoissue plan \"Add rate limits to the API\" --later           make it tonight; a person says yes in the morning
  autoissue exec plan:4k7q9zxm                                   what is open of a plan, again

The planner is the agent that works on the issues, too. It reads the repository and changes nothing; planner.model and
planner.maxBudgetUsd say with which model, and what it may spend. Issues are opened once, however often this is interrupted and resumed.

",
    exit_codes!()
);

/// Under the flags of `resume`.
pub const RESUME: &str = "\
Examples:
  autoissue resume                what was interrupted last in this project
  autoissue resume 01K5ZQ         by the start of a session's name
  autoissue resume --yes          carry out the plan that waits; --no drops it
  autoissue resume --budget 40    with more money than before";

/// Under the flags of `watch`.
pub const WATCH: &str = concat!(
    "\
Examples:
  autoissue watch                                 until no pull request of autoissue is open
  autoissue watch --once --format json            one look, for cron
  autoissue watch --issue 12 --budget 10          one pull request, for ten dollars at most

Failed checks, comments and change requests of people who may write, and conflicts with the base go back to an
agent in the same branch; each is answered once. merge.policy says who merges; watch.* how often and how long.

",
    exit_codes!()
);

/// Under the flags of `revert`.
pub const REVERT: &str = "\
Examples:
  autoissue revert 12     closes its pull request, or opens one that takes its work back";

/// Under the flags of `footprint backtest`.
pub const BACKTEST: &str = "\
Examples:
  autoissue footprint backtest                      the whole history of this repository
  autoissue footprint backtest --limit 500          its last 500 commits
  autoissue footprint backtest --since v1.0 --repo ../other --format json

Each commit's message stands for an issue. Its files are predicted from the commits, files and names
before it, and compared with what it touched, as far as that was there before. Nothing is written and
nothing is fetched.";

/// Under the flags of `footprint show`.
pub const FOOTPRINT_SHOW: &str = "\
Examples:
  autoissue footprint show 12                 a table, the likeliest file first
  autoissue footprint show 12 --format json   with every strength";

/// Under the flags of `status`.
pub const STATUS: &str = "\
Examples:
  autoissue status                  what runs now, else the latest sessions
  autoissue status --watch          as it goes on, until it ends
  autoissue status --issue 12       one task: process, runtime, messages, cost
  autoissue status 01K5ZQ           one session, by the start of its name
  autoissue status --server https://build.example   of the daemon there; its token is in AUTOISSUE_DASHBOARD_TOKEN

It needs no checkout and no configuration, and disturbs nothing: where sessions are kept is all that counts (--state-dir).";

/// Under the flags of `serve`.
pub const SERVE: &str = "\
Examples:
  autoissue serve                          on http://127.0.0.1:3030/
  autoissue serve --listen 127.0.0.1:0     on a port that is free
  curl http://127.0.0.1:3030/api/session   the newest session as JSON; /api/docs lists what else there is

It asks the forge for issues with `project.label` (or those of `projects`), starts them where `autoStart` says so, takes GitHub's webhooks at
/webhook/github (secret: GITHUB_WEBHOOK_SECRET) and clicks in Slack at /webhook/slack (notify.slack.signingSecret, approvers), and shows what
any session of the state directory does. On another address than this machine's own it has to ask for credentials: dashboard.auth, or a token
in AUTOISSUE_DASHBOARD_TOKEN. Ctrl-C ends it in good order; the next start goes on. `exec --dashboard` serves as long as its run lasts.";

/// Under the flags of `notify`.
pub const NOTIFY: &str = "\
Examples:
  autoissue notify test                     one test message by every channel that is configured
  autoissue notify test --channel telegram  by one of them

A line for each says whether it arrived, or what went wrong and what helps; exit code 1 where one failed. Channels are configured
as notify.slack, notify.telegram, notify.email and notify.webhook.";

/// Under the flags of `why`.
pub const WHY: &str = "\
Examples:
  autoissue why 12                   who is in its way, in the session that works on it?
  autoissue why 12 backlog           in a session that `exec backlog` would begin
  autoissue why 12 --format json     the same for a program

It plays what is left on a virtual clock to say when the issue will likely start, and when it would without others or with more slots.";

/// Under the flags of `simulate`.
pub const SIMULATE: &str = "\
Examples:
  autoissue simulate --label backlog                        half, as many and twice as many slots
  autoissue simulate --label backlog --max-parallel 2,4,8   what do more slots bring?
  autoissue simulate --label backlog --budget 20            how far does the money reach?
  autoissue simulate --from plan.json                       a plan, before any issue exists

The real scheduler plays each run. Times and costs are drawn by domain from this repository's own past attempts, or from estimates with the usual spread where there are fewer than five. It changes nothing.";

/// Under the flags of `evaluate`.
pub const EVALUATE: &str = "\
Examples:
  autoissue evaluate 12                  type, complexity, confidence, risk, and the rule that decided
  autoissue evaluate 12 --format json    the same for a program

It reads the issue and this repository's record, and touches nothing. Weights, thresholds and rules stand under
`routing` in the configuration; `autoissue config show` prints those in effect.";

/// Under the flags of `prompt show`.
pub const PROMPT_SHOW: &str = "\
Examples:
  autoissue prompt show 12                 the issue, likely files, code, instructions, checks
  autoissue prompt show 12 --format json   the same with its length, and with what was left out

Files are those of the base branch as it was fetched last. What is longer than agent.maxPromptTokens is cut, the least
useful first; a token is taken to be four bytes.";

/// Under the flags of `prompt template`.
pub const PROMPT_TEMPLATE: &str = "\
Example:
  autoissue prompt template > words.md   then set \"prompt\": \"words.md\" in autoissue.config.json

It is a Jinja template, of which `autoissue config check` finds every fault.";

/// Under the flags of `history`.
pub const HISTORY: &str = "\
Examples:
  autoissue history 12              what the agent said and did, attempt by attempt
  autoissue history 12 --follow     and what it does next";

/// Under the flags of `login`.
pub const LOGIN: &str = "\
Examples:
  autoissue login                  asks for the token, and does not show it
  autoissue login < token.txt      from a file; or from a password manager through a pipe
  autoissue logout                 forget it

The first that is there counts: GITHUB_TOKEN, GH_TOKEN, the token that login keeps, `gh auth token`. It is kept in the system's
keyring (macOS: the login keychain; Linux: the secret service, by `secret-tool`), else in ~/.config/autoissue, which must be
for you alone. It is shown to no other host than that of forge.apiUrl at the time.";

/// Under the flags of `audit`.
pub const AUDIT: &str = "\
Examples:
  autoissue audit                          who started, approved, pushed, merged, spent and stopped what
  autoissue audit --since 7d               of the last seven days
  autoissue audit --since 2026-11-01 --json >> audit.jsonl    for another place to keep

It is read from the journals. `autoissue clean` removes old events and keeps this record; the database refuses to change or
remove any of it. Whoever can write its file can still replace it: keep the JSON lines elsewhere where that matters.";

/// Under the flags of `metrics`.
pub const METRICS: &str = "\
Examples:
  autoissue metrics                        all sessions, and the last 24 hours, 7 days and 30 days side by side
  autoissue metrics --since 7d             the last seven days, by project, domain, type, agent and model
  autoissue metrics --csv > metrics.csv    for a spreadsheet; --json for a program

A task counts by when it ended, a bill by when it was settled, a pull by when its end was seen. Merges are seen by `autoissue
watch`: what nobody looked at is told as not seen to end.";

/// Under the flags of `report`.
pub const REPORT: &str = "\
Examples:
  autoissue report                         the last 30 days as Markdown
  autoissue report --since 7d -o week.html one HTML file, with charts, that needs nothing else";

/// Under the flags of `retry` and `skip`.
pub const WISH: &str = "\
The session takes it up within seconds; one that is interrupted, when it is resumed. Where `autoissue serve` runs, it is asked: here by
itself, elsewhere by --server.";

/// Under the flags of `stop`.
pub const STOP: &str = "\
Sessions stop as by Ctrl-C: agents have ten seconds, their files are kept, and `autoissue resume` goes on. What is left after that,
and what outlived its session, is killed. One session alone is stopped by Ctrl-C in its own terminal.";

/// Under the flags of `approve`, `reject` and `modify`.
pub const APPROVE: &str = "\
Examples:
  autoissue approve 12                               let it go
  autoissue modify 12 \"keep the old flag working\"    let it go, and tell the agent this as well
  autoissue reject 12 \"we drop this feature\"         leave it out

Under `routing.mode: enforce` supervised issues wait for one of these. The first answer counts. A running session takes it
up within seconds; one that is interrupted, when it is resumed. Where `autoissue serve` runs, it is asked: here by itself,
elsewhere by --server.";

/// Under the flags of `lessons`.
pub const LESSONS: &str = "\
Examples:
  autoissue lessons list                                what agents had to learn here
  autoissue lessons edit 3 \"run make lint before you end\"
  autoissue lessons drop 3                              tell it to nobody any more

Lessons come from failures that were overcome, and from reviewers who may write. Those that fit a task by its files or its
domain are told to its agent.";

/// Under the flags of `answer`.
pub const ANSWER: &str = "\
Examples:
  autoissue answer 12 \"the second one, and drop the flag\"    the agent goes on with this, in the same conversation

A comment on the issue by somebody who may write does the same. The first answer counts. A running session takes it up
within a minute; one that is interrupted, when it is resumed.";

/// Under the flags of `init`.
pub const INIT: &str = "\
Examples:
  autoissue init              guess project, base branch and checks, and write them down
  autoissue init --labels     and create the labels that show where an issue stands";

/// Under `checks` and `checks detect`.
pub const CHECKS: &str = "\
Examples:
  autoissue checks detect                 which commands, where, and what speaks for them
  autoissue checks detect --format json   the same for a program, with what each needs

Where `checks` is empty in the configuration, a run uses these, in each directory that has some.
A program that is missing is named, and its check left out.";

/// Under the flags of `clean`.
pub const CLEAN: &str = "\
Examples:
  autoissue clean --dry-run   what would go, what stays, and why
  autoissue clean             remove it
  autoissue clean --issue 12  only what attempts at issue 12 left; --force also what a session could go on with

What holds work that is nowhere else always stays. Files of a worktree that goes are kept as a snapshot in the mirror, for
as long as retention.days says; who did what is kept for good (`autoissue audit`).";

/// Under the flags of `completions`.
pub const COMPLETIONS: &str = "\
Example:
  autoissue completions bash > ~/.local/share/bash-completion/completions/autoissue";

/// Under the flags of `doctor`.
pub const DOCTOR: &str = "\
Examples:
  autoissue doctor                          what is missing here?
  autoissue doctor --worktrees              is each worktree sound, and whose is it?
  autoissue doctor --worktrees --issue 12   those of one issue

Exit codes: 0 where autoissue can run, warnings or not; 1 where it cannot, or where a worktree is to be mended.";

/// Under the commands of `config`: how values are found.
pub fn config() -> String {
    let mut text = String::from(
        "\
The nearest autoissue.config.json counts, from the working directory up to the top of the repository.
Defaults < file < environment < flags. In a text of the file `${NAME}` stands for a variable.

Environment:
",
    );
    for variable in VARIABLES {
        let _ = writeln!(text, "  {:28}{}", variable.name, variable.key);
    }
    text.push_str("  AUTOISSUE_STATE_DIR         as --state-dir\n");
    text.push_str("  AUTOISSUE_SERVER            as --server, of commands that ask a daemon");
    text
}
