//! Everything that needs more than one room, in one binary, so that linking stays cheap.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "../support/repos.rs"]
mod repos;

mod git;
mod git_files;
mod git_hostile;
mod git_http;
mod git_parallel;
mod git_sealed;
mod git_snapshot;
