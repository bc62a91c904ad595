//! From a parsed command line to the one function that does it.

use crate::cli::args::{Cli, Commands};
use crate::commands::place::Place;
use crate::commands::{completions, config, demo, doctor, exec, init, resume};
use crate::error::{Error, Kind};
use crate::rules::exit::Exit;

/// Runs the command.
pub async fn run(cli: Cli) -> Result<Exit, Error> {
    let place = Place::here(cli.globals)?;
    match cli.command {
        Commands::Doctor(_) => doctor::run(&place).await,
        Commands::Init(args) => {
            init::run(&place, args, async |_, _, _| Err(missing("create labels"))).await
        }
        Commands::Config(args) => config::run(&place, args.command),
        Commands::Completions(args) => completions::completions(args.shell),
        Commands::Man(args) => completions::man(&args),
        Commands::Exec(args) => exec::run(&place, &args).await,
        Commands::Resume(args) => resume::run(&place, &args).await,
        Commands::Demo(args) => demo::command::run(&place, &args).await,
        Commands::Status(_)
        | Commands::Metrics(_)
        | Commands::History(_)
        | Commands::Clean(_)
        | Commands::Breaker(_)
        | Commands::Retry(_)
        | Commands::Skip(_) => Err(missing("run this command")),
    }
}

fn missing(action: &str) -> Error {
    Error::new(Kind::Missing, action).cause("this version does not have it yet")
}
