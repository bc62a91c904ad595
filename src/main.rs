//! The door: parse, run, exit code.

use autoissue::adapters::process::identity::hide;
use autoissue::adapters::process::supervise;
use autoissue::adapters::sandbox::{bridge, confine};
use autoissue::cli::parse::{self, Instead};
use autoissue::commands::demo::{agent, check};
use autoissue::commands::dispatch;
use autoissue::commands::output::{Output, Stream, color, write};
use autoissue::error::{Error, Kind};
use autoissue::rules::exit::Exit;
use std::ffi::OsString;
use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().collect();
    // Before anything else: a supervisor starts for every program that is run, and must cost next to nothing.
    if let Some(code) = hidden(&args) {
        return ExitCode::from(code);
    }
    hide();
    let exit = match parse::parse(&args) {
        Ok(cli) => {
            let output = Output::new(&cli.globals);
            run(cli).unwrap_or_else(|error| match output.error(&error) {
                Ok(()) => error.exit(),
                Err(unwritten) => unwritten.exit(),
            })
        }
        Err(instead) => say(&args, &instead),
    };
    ExitCode::from(exit.code())
}

/// What this program does for itself: it supervises, stands inside the sandbox, and plays the demo's agent and check.
fn hidden(args: &[OsString]) -> Option<u8> {
    let words = || -> Vec<String> {
        let words = args.iter().skip(2);
        words
            .map(|word| word.to_string_lossy().into_owned())
            .collect()
    };
    match args.get(1)?.to_str()? {
        "__exec" => Some(supervise()),
        "__inside" => Some(bridge::run(&words())),
        "__confined" => Some(confine::run(&words())),
        // What a sandbox is tried with: no other program is sure to be there.
        "__ready" => Some(0),
        "__demo-check" => Some(check::run(&mut std::io::stdout().lock())),
        "__demo-agent" => {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_time()
                .build()
                .ok()?;
            Some(runtime.block_on(agent::run(&mut std::io::stdout())))
        }
        _ => None,
    }
}

fn run(cli: autoissue::cli::args::Cli) -> Result<Exit, Error> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|cause| Error::new(Kind::Files, "start").because(&cause))?;
    runtime.block_on(dispatch::run(cli))
}

fn say(args: &[OsString], instead: &Instead) -> Exit {
    let stream = match instead {
        Instead::Help(_) | Instead::Event(_) => Stream::Out,
        Instead::Wrong(_) => Stream::Err,
    };
    let text = instead.text(color(parse::color(args), stream));
    match write(stream, &text) {
        Ok(()) => instead.exit(),
        Err(unwritten) => unwritten.exit(),
    }
}
