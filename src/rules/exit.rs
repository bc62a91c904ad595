//! What the process tells its caller at the end.

use crate::rules::tally::{Phase, Tally};

/// How a run of the program ended; where several apply, the order is 1, 5, 4, 3, 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Exit {
    /// Every task was completed or left out on purpose, or there was nothing to do.
    Done,
    /// The session could not run, or could not go on.
    CouldNotRun,
    /// The command line or the configuration is wrong.
    Usage,
    /// It finished, but tasks failed, were blocked, changed nothing or need a person.
    Unfinished,
    /// The budget was refused, or exhausted with work left.
    Budget,
    /// It was interrupted; `resume` goes on.
    Interrupted,
    /// Another process holds the session.
    Held,
}

impl Exit {
    /// The number that the process ends with.
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

/// What a session's end means to the caller; one without an end counts as interrupted, since it can be resumed.
#[must_use]
pub fn exit_code(tally: &Tally) -> Exit {
    let counts = &tally.counts;
    match tally.phase {
        Phase::Running | Phase::Stopping | Phase::Interrupted => Exit::Interrupted,
        Phase::Finished if counts.budget > 0 => Exit::Budget,
        Phase::Finished if counts.unsuccessful() + counts.stuck() > 0 => Exit::Unfinished,
        Phase::Finished => Exit::Done,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::tally::Counts;

    fn check(phase: Phase, counts: Counts, expect: u8) {
        let tally = Tally {
            phase,
            counts,
            ..Tally::default()
        };
        assert_eq!(exit_code(&tally).code(), expect, "{tally:?}");
    }

    #[test]
    fn nothing_to_do_is_done() {
        check(Phase::Finished, Counts::default(), 0);
    }

    #[test]
    fn one_task_that_did_not_succeed_shows() {
        let one = |set: fn(&mut Counts)| {
            let mut counts = Counts {
                completed: 3,
                ..Counts::default()
            };
            set(&mut counts);
            counts
        };
        check(Phase::Finished, one(|_| {}), 0);
        check(Phase::Finished, one(|c| c.skipped = 1), 0);
        check(Phase::Finished, one(|c| c.failed = 1), 3);
        check(Phase::Finished, one(|c| c.no_change = 1), 3);
        check(Phase::Finished, one(|c| c.needs_human = 1), 3);
        check(Phase::Finished, one(|c| c.blocked = 1), 3);
        check(Phase::Finished, one(|c| c.budget = 1), 4);
    }

    #[test]
    fn interruption_goes_before_budget_and_budget_before_failure() {
        let both = Counts {
            failed: 1,
            budget: 1,
            ..Counts::default()
        };
        check(Phase::Finished, both, 4);
        check(Phase::Interrupted, both, 5);
        check(Phase::Running, both, 5);
    }
}
