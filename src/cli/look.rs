//! `status`, `why`, `simulate`, `metrics`, `evaluate`, `prompt`, `history`, `audit`: commands that look at sessions.

use crate::cli::help;
use crate::cli::serve::ServerArgs;
use crate::cli::values::{Since, budget, issue_number, label, since};
use crate::rules::ids::IssueNumber;
use crate::rules::money::Usd;
use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

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
    /// Of which daemon.
    #[command(flatten)]
    pub server: ServerArgs,
}

/// Say why an issue does not run yet, and what would let it start sooner.
#[derive(Clone, Debug, Args)]
#[command(after_help = help::WHY)]
pub struct WhyArgs {
    /// The issue's number
    #[arg(value_name = "ISSUE", value_parser = issue_number, allow_negative_numbers = true)]
    pub issue: IssueNumber,
    /// Read the issues with this label as `exec` would, in place of a session
    #[arg(value_parser = label)]
    pub label: Option<String>,
}

/// Play a backlog many times on a virtual clock: how long, how dear, with how many slots.
#[derive(Clone, Debug, Args)]
#[command(after_help = help::SIMULATE)]
pub struct SimulateArgs {
    /// The label of the issues
    #[arg(long, value_parser = label, value_name = "LABEL", required_unless_present = "from")]
    pub label: Option<String>,
    /// The items of this plan file, in place of issues
    #[arg(long, value_name = "FILE", conflicts_with = "label")]
    pub from: Option<PathBuf>,
    /// Numbers of slots to compare, with commas between them; else half as many as are set, as many, and twice as many
    #[arg(long, value_name = "A,B,C", value_delimiter = ',', value_parser = clap::value_parser!(u32).range(1..=256))]
    pub max_parallel: Vec<u32>,
    /// The most that a run may spend, in US dollars, in place of the configured ceiling
    #[arg(long, value_name = "USD", value_parser = budget, allow_negative_numbers = true)]
    pub budget: Option<Usd>,
    /// How many runs for each
    #[arg(long, default_value_t = 200, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub runs: u32,
}

/// Show cost, success rate and code impact of all sessions.
#[derive(Clone, Copy, Debug, Default, Args)]
#[command(after_help = help::METRICS)]
pub struct MetricsArgs {
    /// Only what happened from then on: so long ago (24h, 7d, 30d), or from a day on (2026-11-01, UTC), with its groups
    #[arg(long, value_name = "WHEN", value_parser = since)]
    pub since: Option<Since>,
    /// One JSON object, as with `--format json`
    #[arg(long)]
    pub json: bool,
    /// CSV: a line for each window, and one for each of its groups
    #[arg(long, conflicts_with = "json")]
    pub csv: bool,
}

/// Write what happened as a report that can be forwarded.
#[derive(Clone, Debug, Default, Args)]
#[command(after_help = help::REPORT)]
pub struct ReportArgs {
    /// Only what happened from then on: so long ago (24h, 7d), or from a day on (2026-11-01, UTC); else 30 days
    #[arg(long, value_name = "WHEN", value_parser = since)]
    pub since: Option<Since>,
    /// As what; else as the file's name says, else Markdown
    #[arg(long = "as", value_enum, value_name = "FORM")]
    pub form: Option<ReportForm>,
    /// The file, in place of stdout; one that is there is replaced
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// As what a report is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ReportForm {
    /// Markdown.
    Md,
    /// One HTML file that needs nothing else.
    Html,
}

/// Say who should work on an issue, and why.
#[derive(Clone, Copy, Debug, Args)]
#[command(after_help = help::EVALUATE)]
pub struct EvaluateArgs {
    /// The issue's number
    #[arg(value_name = "ISSUE", value_parser = issue_number, allow_negative_numbers = true)]
    pub issue: IssueNumber,
}

/// Print what an agent would be told of an issue, or the template of that.
#[derive(Clone, Copy, Debug, Args)]
pub struct PromptArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: PromptCommands,
}

/// What to do with prompts.
#[derive(Clone, Copy, Debug, Subcommand)]
pub enum PromptCommands {
    /// Print exactly what an agent would be told of an issue now; touches nothing
    #[command(after_help = help::PROMPT_SHOW)]
    Show {
        /// The issue's number
        #[arg(value_name = "ISSUE", value_parser = issue_number, allow_negative_numbers = true)]
        issue: IssueNumber,
    },
    /// Print the built-in template, to begin one's own with
    #[command(after_help = help::PROMPT_TEMPLATE)]
    Template,
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

/// Show who did what: started, approved, pushed, merged, spent, stopped.
#[derive(Clone, Debug, Default, Args)]
#[command(after_help = help::AUDIT)]
pub struct AuditArgs {
    /// Only what was done from then on: so long ago (90m, 24h, 7d), or from a day on (2026-11-01, UTC)
    #[arg(long, value_name = "WHEN", value_parser = since)]
    pub since: Option<Since>,
    /// One JSON object a line, as with `--format json`
    #[arg(long)]
    pub json: bool,
}
