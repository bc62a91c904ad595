//! What is to be run and within what, who hears it, and how it can end.

use crate::adapters::process::environment::Variables;
use crate::adapters::process::lines::Line;
use crate::adapters::process::transcript::Keep;
use crate::adapters::sandbox::proxy::Refused;
use crate::adapters::sandbox::shape::Reach;
use std::path::PathBuf;
use std::time::Duration;

/// How long a gentle stop may take before the kill.
pub const GRACE: Duration = Duration::from_secs(10);

/// What to run, and within what.
#[derive(Clone, Debug)]
pub struct ProcessSpec {
    /// Program and arguments; no secret may stand in them.
    pub argv: Vec<String>,
    /// Where it runs.
    pub directory: PathBuf,
    /// All of its environment.
    pub env: Variables,
    /// What it reads from stdin; at most 64 MiB.
    pub input: Vec<u8>,
    /// How its two outputs are taken.
    pub streams: Streams,
    /// Stopped when it runs longer.
    pub wall: Duration,
    /// Stopped when nothing that counts as life is heard for longer.
    pub idle: Duration,
    /// What it has between a gentle stop and the kill; `GRACE` but in tests.
    pub grace: Duration,
    /// Where its raw stdout is kept.
    pub keep: Option<Keep>,
    /// What it may reach where there is a sandbox; nothing for a program of the user's that hears nothing of anybody.
    pub reach: Option<Reach>,
}

/// How a program's two outputs are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Streams {
    /// Lines from stdout; of stderr only the end is kept.
    Apart,
    /// Lines from both, in the order in which they were written.
    Merged,
}

/// Hears a program's lines.
pub trait LineSink: Send {
    /// One line; says what it means for the program.
    fn line(&mut self, line: Line<'_>) -> Heard;
}

/// What a line means for the program that wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// It lives.
    Life,
    /// It says nothing of use: the idle limit goes on counting.
    Noise,
    /// It has to stop.
    Enough,
}

/// How a program's run ended; nothing of it runs any more.
#[derive(Debug)]
pub struct ProcessEnd {
    /// What ended it.
    pub cause: Cause,
    /// Its exit code, or 128 and the signal that ended it; `None` where it did not run, or nobody saw its end.
    pub code: Option<i32>,
    /// The end of what it wrote to stderr, at most 64 kB.
    pub complaints: Vec<u8>,
    /// How long it took.
    pub took: Duration,
    /// Hosts that the sandbox kept it from, and how often.
    pub refused: Refused,
}

/// What ended a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Nothing of ours.
    Itself,
    /// The wall-clock limit.
    Wall,
    /// The idle limit.
    Idle,
    /// Whoever heard its lines.
    Sink,
    /// Somebody asked us to stop.
    Stopped,
    /// It never ran, since the session took nothing more.
    Refused,
    /// It never ran.
    NotStarted {
        /// Is it that there is no such program?
        missing: bool,
        /// Why not.
        detail: String,
    },
    /// Its supervisor was killed; so was all that it left behind.
    Lost,
}
