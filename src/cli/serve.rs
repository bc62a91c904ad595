//! `serve`: the dashboard and the API, and how other commands name a daemon.

use crate::cli::{help, values};
use clap::Args;

/// Watch projects, start their issues, show what runs as pages, and answer programs as JSON.
#[derive(Clone, Debug, Args)]
#[command(after_help = help::SERVE)]
pub struct ServeArgs {
    /// Where to listen; port 0 takes one that is free, and says which. 127.0.0.1 with dashboard.port if left out
    #[arg(long, value_name = "ADDR", value_parser = values::place_to_listen)]
    pub listen: Option<String>,
}

/// Which daemon is meant, where it is not the one that watches in this state directory.
#[derive(Clone, Debug, Default, Args)]
pub struct ServerArgs {
    /// Ask the daemon at this address in place of what runs here; with the token of `AUTOISSUE_DASHBOARD_TOKEN`
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = "AUTOISSUE_SERVER",
        hide_env_values = true
    )]
    pub server: Option<String>,
}
