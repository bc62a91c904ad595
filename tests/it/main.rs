//! Everything that needs more than one room, in one binary, so that linking stays cheap.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod store;
mod store_disk;
mod store_kill;
mod store_sample;
