//! `footprint`: commands about the files that issues will likely touch.

use crate::cli::help;
use crate::cli::values::issue_number;
use crate::rules::ids::IssueNumber;
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// Which files will issues touch, and how well is that foreseen?
#[derive(Clone, Debug, Args)]
pub struct FootprintArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: FootprintCommands,
}

/// What to do with footprints.
#[derive(Clone, Debug, Subcommand)]
pub enum FootprintCommands {
    /// Replay a repository's history: predict each commit's files from what came before it, and score that
    Backtest(BacktestArgs),
    /// Show the files that an issue will likely touch, and what says so
    Show(ShowArgs),
}

/// Show the files that an issue will likely touch.
#[derive(Clone, Copy, Debug, Args)]
#[command(after_help = help::FOOTPRINT_SHOW)]
pub struct ShowArgs {
    /// The issue's number
    #[arg(value_name = "ISSUE", value_parser = issue_number, allow_negative_numbers = true)]
    pub issue: IssueNumber,
}

/// Replay a repository's history, offline.
#[derive(Clone, Debug, Default, Args)]
#[command(after_help = help::BACKTEST)]
pub struct BacktestArgs {
    /// A checkout or a bare repository, in place of the one we are in; it is only read
    #[arg(long, value_name = "PATH")]
    pub repo: Option<PathBuf>,
    /// Predict only what came after this commit; what came before is learned
    #[arg(long, value_name = "REV")]
    pub since: Option<String>,
    /// The commit to end at
    #[arg(long, value_name = "REV", default_value = "HEAD")]
    pub until: String,
    /// Predict only the last N commits
    #[arg(long, value_name = "N")]
    pub limit: Option<u64>,
    /// Also fit the weights of the model to this history, and print them
    #[arg(long)]
    pub fit: bool,
}
