//! Integration tests: one binary, so that linking stays cheap.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "../support/agents.rs"]
mod agents;
#[path = "../support/mock.rs"]
mod mock;
#[path = "../support/processes.rs"]
mod processes;

mod claude;
mod claude_replayed;
mod command_agent;
mod process;
mod process_end;
