//! Everything that needs more than one room, in one binary, so that linking stays cheap.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "../support/fake_github/fake.rs"]
mod fake_github;

mod github;
