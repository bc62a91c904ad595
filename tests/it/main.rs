//! Integration tests: one binary, so that linking stays cheap.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "../support/processes.rs"]
mod processes;

mod process;
mod process_end;
