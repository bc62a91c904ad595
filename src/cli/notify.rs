//! `notify`: channels by which people are told.

use crate::cli::help;
use clap::{Args, Subcommand, ValueEnum};

/// Look after the channels by which people are told.
#[derive(Clone, Copy, Debug, Args)]
#[command(after_help = help::NOTIFY)]
pub struct NotifyArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: NotifyCommands,
}

/// What to do with channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Subcommand)]
pub enum NotifyCommands {
    /// Send a test message, and say whether it arrived
    Test(NotifyTestArgs),
}

/// Which channels are tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Args)]
pub struct NotifyTestArgs {
    /// This one alone, in place of all that are configured
    #[arg(long, value_enum, value_name = "NAME")]
    pub channel: Option<ChannelName>,
}

/// What channels are called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ChannelName {
    /// Slack.
    Slack,
    /// Telegram.
    Telegram,
    /// Mail.
    Email,
    /// The webhook.
    Webhook,
}
