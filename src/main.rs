//! The door: parse, run, exit code.

use autoissue::adapters::process::supervise;
use std::process::ExitCode;

fn main() -> ExitCode {
    // Before anything else: a supervisor starts for every program that is run, and must cost next to nothing.
    if std::env::args_os()
        .nth(1)
        .is_some_and(|name| name == "__exec")
    {
        return ExitCode::from(supervise());
    }
    ExitCode::SUCCESS
}
