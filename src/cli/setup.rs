//! `init`, `doctor`, `login`, `logout`, `config`, `completions`, `man`: commands that set things up.

use crate::cli::help;
use crate::cli::values::issue_number;
use crate::rules::ids::IssueNumber;
use clap::{Args, Subcommand};
use clap_complete::Shell;
use std::path::PathBuf;

/// Write a configuration for this repository.
#[derive(Clone, Copy, Debug, Default, Args)]
#[command(after_help = help::INIT)]
pub struct InitArgs {
    /// Replace an autoissue.config.json that is there
    #[arg(long)]
    pub force: bool,
    /// Create the labels that show where an issue stands
    #[arg(long)]
    pub labels: bool,
}

/// Say what is missing here, and how to mend it.
#[derive(Clone, Copy, Debug, Default, Args)]
#[command(after_help = help::DOCTOR)]
pub struct DoctorArgs {
    /// Look at each worktree instead: is it sound, whose is it, what helps?
    #[arg(long)]
    pub worktrees: bool,
    /// Only what belongs to this issue
    #[arg(long, value_name = "N", requires = "worktrees", value_parser = issue_number, allow_negative_numbers = true)]
    pub issue: Option<IssueNumber>,
}

/// Keep a GitHub token on this machine: in its keyring, else in a file for you alone.
#[derive(Clone, Copy, Debug, Default, Args)]
#[command(after_help = help::LOGIN)]
pub struct LoginArgs {
    /// Keep it in the file, also where there is a keyring
    #[arg(long)]
    pub file: bool,
}

/// Forget the token that `login` keeps.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct LogoutArgs {}

/// Which checks judge the work?
#[derive(Clone, Copy, Debug, Args)]
#[command(after_help = help::CHECKS)]
pub struct ChecksArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: ChecksCommands,
}

/// What to do with checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Subcommand)]
pub enum ChecksCommands {
    /// Show the checks that the files of the base branch speak for, and why; runs none of them
    #[command(after_help = help::CHECKS)]
    Detect,
}

/// Show, check or describe the configuration.
#[derive(Clone, Copy, Debug, Args)]
#[command(after_help = help::config())]
pub struct ConfigArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: ConfigCommands,
}

/// What to do with the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Subcommand)]
pub enum ConfigCommands {
    /// Show every value in effect and where it comes from; secrets are masked
    Show,
    /// Print the JSON Schema of autoissue.config.json
    Schema,
    /// Say whether the configuration can be used
    Check,
    /// Make the hash of a password for `dashboard.auth.passwordHash`; the password is asked for, or read from stdin
    HashPassword,
}

/// Print completions for a shell.
#[derive(Clone, Copy, Debug, Args)]
#[command(after_help = help::COMPLETIONS)]
pub struct CompletionsArgs {
    /// The shell
    pub shell: Shell,
}

/// Print the manual page.
#[derive(Clone, Debug, Default, Args)]
pub struct ManArgs {
    /// Write a page for every command into this directory instead
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
}
