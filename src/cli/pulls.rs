//! `watch`, `revert`: commands about open pulls.

use crate::cli::help;
use crate::cli::run::Limits;
use crate::cli::values::issue_number;
use crate::rules::ids::IssueNumber;
use clap::Args;

/// Lead open pulls to their end.
#[derive(Clone, Debug, Default, Args)]
#[command(after_help = help::WATCH)]
pub struct WatchArgs {
    /// Look once, do what follows, and end
    #[arg(long)]
    pub once: bool,
    /// Only the pull for this issue; may be repeated
    #[arg(long, value_name = "N", value_parser = issue_number, allow_negative_numbers = true)]
    pub issue: Vec<IssueNumber>,
    /// How it runs and what it may spend in all.
    #[command(flatten)]
    pub limits: Limits,
}

/// Undo the work on an issue.
#[derive(Clone, Copy, Debug, Args)]
#[command(after_help = help::REVERT)]
pub struct RevertArgs {
    /// The issue's number
    #[arg(value_name = "ISSUE", value_parser = issue_number, allow_negative_numbers = true)]
    pub issue: IssueNumber,
}
