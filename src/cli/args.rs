//! The command line: global flags and the list of commands.

use crate::cli::foresee::FootprintArgs;
use crate::cli::help;
use crate::cli::look::{
    AuditArgs, EvaluateArgs, HistoryArgs, MetricsArgs, PromptArgs, ReportArgs, SimulateArgs,
    StatusArgs, WhyArgs,
};
use crate::cli::notify::NotifyArgs;
use crate::cli::plan::PlanArgs;
use crate::cli::pulls::{RevertArgs, WatchArgs};
use crate::cli::run::{DemoArgs, ExecArgs, ResumeArgs};
use crate::cli::serve::ServeArgs;
use crate::cli::setup::{
    ChecksArgs, CompletionsArgs, ConfigArgs, DoctorArgs, InitArgs, LoginArgs, LogoutArgs, ManArgs,
};
use crate::cli::steer::{
    AnswerArgs, ApproveArgs, BreakerArgs, CleanArgs, IssueArgs, LessonsArgs, ModifyArgs,
    RejectArgs, StopArgs,
};
use clap::builder::{OsStringValueParser, TypedValueParser as _};
use clap::{ColorChoice, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Turns labelled issues into verified pull requests, in parallel, within a budget that cannot be overspent.
#[derive(Debug, Parser)]
#[command(name = "autoissue", version, after_help = help::ROOT, arg_required_else_help = true)]
#[command(max_term_width = 100, disable_help_subcommand = true)]
pub struct Cli {
    /// Flags that every command takes.
    #[command(flatten)]
    pub globals: Globals,
    /// What to do.
    #[command(subcommand)]
    pub command: Commands,
}

/// Flags that every command takes.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Global options")]
pub struct Globals {
    /// The configuration file, in place of the nearest autoissue.config.json
    #[arg(short, long, global = true, value_name = "PATH")]
    pub config: Option<PathBuf>,
    /// What stdout is for: a person, or one JSON event a line
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t,
        value_name = "FORMAT"
    )]
    pub format: Format,
    /// Say more on stderr; twice for everything
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// When to use colour
    #[arg(long, global = true, default_value = "auto", value_name = "WHEN")]
    pub color: ColorChoice,
    /// Where journals, logs and worktrees are kept, in place of the XDG state directory
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        env = "AUTOISSUE_STATE_DIR",
        hide_env_values = true,
        // An empty variable counts as not set, where clap's own reader of paths would refuse it.
        value_parser = OsStringValueParser::new().map(PathBuf::from)
    )]
    pub state_dir: Option<PathBuf>,
    /// Plain lines in place of live bars
    #[arg(long, global = true)]
    pub headless: bool,
}

/// What stdout is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A person.
    #[default]
    Text,
    /// A program: one JSON event a line.
    Json,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Commands {
    /// Work on issues: those with a label, or some by number
    Exec(ExecArgs),
    /// Turn a directive into a plan, the plan into issues, and work on them
    Plan(PlanArgs),
    /// Go on with a session that was interrupted
    Resume(ResumeArgs),
    /// Lead open pull requests to their end: failed checks, reviews, conflicts, merges
    Watch(WatchArgs),
    /// Close an issue's pull request, or open one that takes its work back
    Revert(RevertArgs),
    /// Watch projects, start their issues, and show what runs as pages
    Serve(ServeArgs),
    /// Send a test message by the channels of the configuration
    Notify(NotifyArgs),
    /// Show what is running, else the latest sessions
    Status(StatusArgs),
    /// Say why an issue does not run yet, and what would let it start sooner
    Why(WhyArgs),
    /// Play a backlog many times on a virtual clock: how long, how dear, with how many slots
    Simulate(SimulateArgs),
    /// Show cost, success rate and code impact of all sessions
    Metrics(MetricsArgs),
    /// Write what happened as a report that can be forwarded
    Report(ReportArgs),
    /// Try it out: a small project and a scripted agent, offline, in seconds
    Demo(DemoArgs),
    /// Say what is missing here, and how to mend it
    Doctor(DoctorArgs),
    /// Keep a GitHub token on this machine: in its keyring, else in a file for you alone
    Login(LoginArgs),
    /// Forget the token that `login` keeps
    Logout(LogoutArgs),
    /// Write a configuration for this repository
    Init(InitArgs),
    /// Show which checks the repository speaks for
    Checks(ChecksArgs),
    /// Score how well the files of issues are foreseen
    Footprint(FootprintArgs),
    /// Print what an agent would be told of an issue, or the template of that
    Prompt(PromptArgs),
    /// Say who should work on an issue, and why
    Evaluate(EvaluateArgs),
    /// Show what the agent did on an issue
    History(HistoryArgs),
    /// Show who did what: started, approved, pushed, merged, spent, stopped
    Audit(AuditArgs),
    /// Remove what is provably not needed any more
    Clean(CleanArgs),
    /// End every agent that runs on this machine
    Stop(StopArgs),
    /// Look at the circuit breaker, or close it
    Breaker(BreakerArgs),
    /// Look at what agents learned here, and change it
    Lessons(LessonsArgs),
    /// Try an issue of the running session again
    Retry(IssueArgs),
    /// Leave an issue out of the running session
    Skip(IssueArgs),
    /// Let an issue go that waits for approval
    Approve(ApproveArgs),
    /// Leave an issue out that waits for approval
    Reject(RejectArgs),
    /// Let an issue go that waits for approval, with instructions
    Modify(ModifyArgs),
    /// Answer what the agent of an issue asked
    Answer(AnswerArgs),
    /// Show, check or describe the configuration
    Config(ConfigArgs),
    /// Print completions for a shell
    Completions(CompletionsArgs),
    /// Print the manual page
    Man(ManArgs),
}
