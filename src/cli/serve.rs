//! `serve`: the dashboard and the API.

use crate::cli::help;
use clap::Args;
use std::net::SocketAddr;

/// Watch projects, start their issues, show what runs as pages, and answer programs as JSON.
#[derive(Clone, Copy, Debug, Args)]
#[command(after_help = help::SERVE)]
pub struct ServeArgs {
    /// Where to listen; port 0 takes one that is free, and says which. 127.0.0.1 with dashboard.port if left out
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<SocketAddr>,
}
