//! Everything that needs more than one room, in one binary, so that linking stays cheap.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(
    unreachable_pub,
    reason = "benches share some support modules, where their items are reached"
)]

#[path = "../support/tasks.rs"]
mod tasks;

mod schedule;

mod demo_project;
mod local_forge;

#[path = "../support/fake_github/fake.rs"]
mod fake_github;

mod github;

#[path = "../support/sealed.rs"]
mod sealed;

mod cli;
mod config;
mod doctor;
mod init;
