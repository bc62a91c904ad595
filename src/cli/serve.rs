//! `serve`: the dashboard and the API.

use crate::cli::help;
use clap::Args;
use std::net::SocketAddr;

/// Show what runs as a page, and answer programs as JSON.
#[derive(Clone, Copy, Debug, Args)]
#[command(after_help = help::SERVE)]
pub struct ServeArgs {
    /// Where to listen; port 0 takes one that is free, and says which. 127.0.0.1 with dashboard.port if left out
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<SocketAddr>,
}
