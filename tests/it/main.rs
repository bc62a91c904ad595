//! Everything that needs more than one room, in one binary, so that linking stays cheap.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(
    unreachable_pub,
    reason = "benches share some support modules, where their items are reached"
)]

#[path = "../support/fake_github/fake.rs"]
mod fake_github;
#[path = "../support/processes.rs"]
mod processes;
#[path = "../support/repos.rs"]
mod repos;
#[path = "../support/sealed.rs"]
mod sealed;
#[path = "../support/tasks.rs"]
mod tasks;

mod cli;
mod config;
mod demo_project;
mod doctor;
mod git;
mod git_hostile;
mod github;
mod init;
mod local_forge;
mod process;
mod process_end;
mod schedule;
mod store;
mod store_disk;
mod store_kill;
mod store_sample;
