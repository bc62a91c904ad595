//! `breaker`, `retry`, `skip`, `approve`, `clean`: commands that change what is there.

use crate::cli::help;
use crate::cli::serve::ServerArgs;
use crate::cli::values::issue_number;
use crate::rules::ids::IssueNumber;
use clap::{Args, Subcommand};

/// Look at the circuit breaker, or close it.
#[derive(Clone, Debug, Args)]
pub struct BreakerArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: BreakerCommands,
    /// Of which daemon.
    #[command(flatten)]
    pub server: ServerArgs,
}

/// End every agent that runs on this machine.
#[derive(Clone, Copy, Debug, Args)]
#[command(after_help = help::STOP)]
pub struct StopArgs {
    /// All of this user's: agents, setup and checks, and the sessions that run them
    #[arg(long, required = true)]
    pub all: bool,
}

/// What to do with the breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Subcommand)]
pub enum BreakerCommands {
    /// Show whether it is open, and until when
    Status,
    /// Close it, so that tasks start again
    Reset,
}

/// Look at what agents learned in this repository, and change it.
#[derive(Clone, Debug, Args)]
#[command(after_help = help::LESSONS)]
pub struct LessonsArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: LessonsCommands,
}

/// What to do with lessons.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum LessonsCommands {
    /// Show them with their numbers
    List,
    /// Give one other words
    Edit {
        /// Its number
        lesson: u64,
        /// What it says from now on
        #[arg(required = true)]
        text: Vec<String>,
    },
    /// Tell one to nobody any more, also if it is learned again
    Drop {
        /// Its number
        lesson: u64,
    },
}

/// An issue of the running session.
#[derive(Clone, Debug, Args)]
#[command(after_help = help::WISH)]
pub struct IssueArgs {
    /// The issue's number
    #[arg(value_name = "ISSUE", value_parser = issue_number, allow_negative_numbers = true)]
    pub issue: IssueNumber,
    /// Of which daemon.
    #[command(flatten)]
    pub server: ServerArgs,
}

/// Let an issue go that waits for approval.
#[derive(Clone, Debug, Args)]
#[command(after_help = help::APPROVE)]
pub struct ApproveArgs {
    /// The issue's number
    #[arg(value_name = "ISSUE", value_parser = issue_number, allow_negative_numbers = true)]
    pub issue: IssueNumber,
    /// Of which daemon.
    #[command(flatten)]
    pub server: ServerArgs,
}

/// Leave an issue out that waits for approval.
#[derive(Clone, Debug, Args)]
#[command(after_help = help::APPROVE)]
pub struct RejectArgs {
    /// The issue's number
    #[arg(value_name = "ISSUE", value_parser = issue_number, allow_negative_numbers = true)]
    pub issue: IssueNumber,
    /// Why, in your words
    #[arg(value_name = "REASON")]
    pub reason: Vec<String>,
    /// Of which daemon.
    #[command(flatten)]
    pub server: ServerArgs,
}

/// Let an issue go that waits for approval, with instructions for the agent.
#[derive(Clone, Debug, Args)]
#[command(after_help = help::APPROVE)]
pub struct ModifyArgs {
    /// The issue's number
    #[arg(value_name = "ISSUE", value_parser = issue_number, allow_negative_numbers = true)]
    pub issue: IssueNumber,
    /// What the agent is told besides the issue
    #[arg(value_name = "INSTRUCTIONS", required = true)]
    pub instructions: Vec<String>,
    /// Of which daemon.
    #[command(flatten)]
    pub server: ServerArgs,
}

/// Answer what the agent of an issue asked.
#[derive(Clone, Debug, Args)]
#[command(after_help = help::ANSWER)]
pub struct AnswerArgs {
    /// The issue's number
    #[arg(value_name = "ISSUE", value_parser = issue_number, allow_negative_numbers = true)]
    pub issue: IssueNumber,
    /// The answer, in your words
    #[arg(value_name = "ANSWER", required = true)]
    pub answer: Vec<String>,
    /// Of which daemon.
    #[command(flatten)]
    pub server: ServerArgs,
}

/// Remove what is provably not needed any more.
#[derive(Clone, Copy, Debug, Default, Args)]
#[command(after_help = help::CLEAN)]
pub struct CleanArgs {
    /// Say what would go and what would stay, and touch nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Only what attempts at this issue left: worktree, home, branches whose pull was merged or closed
    #[arg(long, value_name = "N", value_parser = issue_number, allow_negative_numbers = true)]
    pub issue: Option<IssueNumber>,
    /// Also what a session could go on with, and work that is on no pull; never what is worked on
    #[arg(long, requires = "issue")]
    pub force: bool,
}
