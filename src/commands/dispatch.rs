//! From a parsed command line to the one function that does it.

use crate::cli::args::{Cli, Commands};
use crate::cli::foresee::FootprintCommands;
use crate::cli::notify::NotifyCommands;
use crate::cli::setup::ChecksCommands;
use crate::cli::steer::IssueArgs;
use crate::commands::place::Place;
use crate::commands::signals::interruptible;
use crate::commands::{
    approve, audit, breaker, checks, clean, completions, config, demo, doctor, evaluate, exec,
    footprint, history, init, lessons, login, metrics, notify, plan, prompt, pulls, report, resume,
    retry, serve, simulate, status, stop, why,
};
use crate::error::Error;
use crate::rules::event::Command;
use crate::rules::exit::Exit;

/// Runs the command.
pub async fn run(cli: Cli) -> Result<Exit, Error> {
    let place = Place::here(cli.globals)?;
    match cli.command {
        Commands::Doctor(args) => doctor::run(&place, args).await,
        Commands::Login(args) => login::login(&place, args),
        Commands::Logout(_) => login::logout(&place),
        Commands::Init(args) => init::run(&place, args).await,
        Commands::Checks(args) => match args.command {
            ChecksCommands::Detect => checks::show::run(&place),
        },
        Commands::Config(args) => config::run(&place, args.command),
        Commands::Completions(args) => completions::completions(args.shell),
        Commands::Man(args) => completions::man(&args),
        Commands::Exec(args) => interruptible(&place, Box::pin(exec::run(&place, &args))).await,
        Commands::Plan(args) => interruptible(&place, Box::pin(plan::run(&place, &args))).await,
        Commands::Resume(args) => interruptible(&place, Box::pin(resume::run(&place, &args))).await,
        Commands::Watch(args) => Box::pin(pulls::watch::run(&place, &args)).await,
        Commands::Revert(args) => pulls::revert::run(&place, args).await,
        Commands::Demo(args) => Box::pin(demo::command::run(&place, &args)).await,
        Commands::Metrics(args) => metrics::run(&place, args),
        Commands::Report(args) => report::run(&place, &args),
        Commands::Footprint(args) => match args.command {
            FootprintCommands::Backtest(args) => footprint::backtest::run(&place, &args).await,
            FootprintCommands::Show(args) => footprint::show::run(&place, args.issue).await,
        },
        Commands::Prompt(args) => prompt::run(&place, args.command).await,
        Commands::Evaluate(args) => evaluate::run(&place, args.issue).await,
        Commands::Audit(args) => audit::run(&place, &args),
        Commands::History(args) => history::run(&place, &args).await,
        Commands::Clean(args) => clean::run(&place, args).await,
        Commands::Lessons(args) => lessons::run(&place, &args.command),
        Commands::Stop(_) => stop::all(&place).await,
        Commands::Breaker(args) => breaker::run(&place, &args).await,
        Commands::Retry(IssueArgs { issue, server }) => {
            retry::run(&place, &server, &Command::Retry { issue }, issue).await
        }
        Commands::Skip(IssueArgs { issue, server }) => {
            retry::run(&place, &server, &Command::Skip { issue }, issue).await
        }
        Commands::Approve(args) => approve::approve(&place, &args).await,
        Commands::Reject(args) => approve::reject(&place, &args).await,
        Commands::Modify(args) => approve::modify(&place, &args).await,
        Commands::Answer(args) => approve::answer(&place, &args).await,
        Commands::Simulate(args) => Box::pin(simulate::run(&place, &args)).await,
        Commands::Why(args) => Box::pin(why::run(&place, &args)).await,
        Commands::Notify(args) => match args.command {
            NotifyCommands::Test(args) => notify::test(&place, args).await,
        },
        Commands::Serve(args) => serve::run(&place, &args).await,
        Commands::Status(args) => status::run(&place, &args).await,
    }
}
