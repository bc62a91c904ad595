//! How the process ends, as one number that scripts can rely on.

/// The exit code of a command; for sessions the first that applies in the order 1, 5, 4, 3, 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Exit {
    /// Every task completed, or there was nothing to do.
    Done,
    /// The session could not run.
    CouldNotRun,
    /// The command line is wrong.
    Usage,
    /// Finished, with tasks that failed, are blocked or found no route.
    Unfinished,
    /// The budget was refused, or is exhausted with work left.
    Budget,
    /// Interrupted; `resume` goes on.
    Interrupted,
    /// Another process holds the session.
    Held,
}

impl Exit {
    /// The number that the shell sees.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::CouldNotRun => 1,
            Self::Usage => 2,
            Self::Unfinished => 3,
            Self::Budget => 4,
            Self::Interrupted => 5,
            Self::Held => 6,
        }
    }
}
