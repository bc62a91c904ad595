//! `status`, `why`, `metrics`, `evaluate`, `history`: commands that look at sessions.

use crate::cli::help;
use crate::cli::values::issue_number;
use crate::rules::ids::IssueNumber;
use clap::Args;

/// Show what is running, else the latest sessions.
#[derive(Clone, Debug, Default, Args)]
#[command(after_help = help::STATUS)]
pub struct StatusArgs {
    /// The session, or the start of its name
    pub session: Option<String>,
    /// Only the task of this issue
    #[arg(long, value_name = "N", value_parser = issue_number, allow_negative_numbers = true)]
    pub issue: Option<IssueNumber>,
    /// Show changes as they happen, until the session ends
    #[arg(long)]
    pub watch: bool,
}

/// Say why an issue does not run yet, and what would let it start sooner.
#[derive(Clone, Debug, Args)]
#[command(after_help = help::WHY)]
pub struct WhyArgs {
    /// The issue's number
    #[arg(value_name = "ISSUE", value_parser = issue_number, allow_negative_numbers = true)]
    pub issue: IssueNumber,
    /// Read the issues with this label as `exec` would, in place of a session
    pub label: Option<String>,
}

/// Show cost, success rate and code impact of all sessions.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct MetricsArgs {}

/// Say who should work on an issue, and why.
#[derive(Clone, Copy, Debug, Args)]
#[command(after_help = help::EVALUATE)]
pub struct EvaluateArgs {
    /// The issue's number
    #[arg(value_name = "ISSUE", value_parser = issue_number, allow_negative_numbers = true)]
    pub issue: IssueNumber,
}

/// Show what the agent did on an issue.
#[derive(Clone, Debug, Args)]
#[command(after_help = help::HISTORY)]
pub struct HistoryArgs {
    /// The issue's number
    #[arg(value_name = "ISSUE", value_parser = issue_number, allow_negative_numbers = true)]
    pub issue: IssueNumber,
    /// Go on with what the agent does next, until it ends
    #[arg(long)]
    pub follow: bool,
}
