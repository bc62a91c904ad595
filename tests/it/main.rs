//! Everything that needs more than one room, in one binary, so that linking stays cheap.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "../support/sealed.rs"]
mod sealed;

mod cli;
mod config;
mod doctor;
mod init;
