//! After a failed attempt: again, later, or never?

use crate::rules::ids::Timestamp;
use crate::rules::task::{ErrorClass, Failure};

/// What comes after a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Another attempt, not before this.
    Again(Timestamp),
    /// A limit: another attempt, not before this, and nobody else before it either.
    Later(Timestamp),
    /// It stays failed.
    Never,
    /// It stays failed, and so would every other task.
    Hopeless,
}

const FIRST_DELAY_MILLIS: u64 = 1_000;
const LONGEST_DELAY_MILLIS: u64 = 120_000;
/// Publishing costs nothing, and a forge may be away for a while: about twenty minutes in all.
const MOST_FREE_TRIES: u32 = 14;
const LIMIT_DELAY_MILLIS: u64 = 60_000;
const LONGEST_LIMIT_MILLIS: u64 = 900_000;
/// A limit that is met this often without any progress between is a failure after all.
const MOST_LIMITS: u32 = 50;

/// How often a task has failed already, and what allows another try.
#[derive(Clone, Copy, Debug)]
pub struct Tries {
    /// Failed attempts before this one.
    pub failures: u32,
    /// Limits met in a row before this one.
    pub limits: u32,
    /// Further attempts allowed after a failed one.
    pub max_retries: u32,
}

/// Decides, with `dice` for the jitter.
#[must_use]
pub fn after(failure: &Failure, tries: Tries, dice: u32, now: Timestamp) -> Next {
    match kind(failure.class) {
        Kind::Passing if tries.failures < tries.max_retries => {
            Next::Again(now.plus_millis(backoff_millis(tries.failures, dice)))
        }
        Kind::Patient if tries.failures < tries.max_retries + MOST_FREE_TRIES => {
            let wait = now.plus_millis(backoff_millis(tries.failures, dice));
            Next::Again(failure.until.unwrap_or(wait).max(wait))
        }
        Kind::Passing | Kind::Patient | Kind::Lasting => Next::Never,
        Kind::Fatal => Next::Hopeless,
        Kind::Limit if tries.limits >= MOST_LIMITS => Next::Never,
        Kind::Limit => {
            let blind = LIMIT_DELAY_MILLIS
                .saturating_mul(1 << tries.limits.min(10))
                .min(LONGEST_LIMIT_MILLIS);
            let until = failure.until.unwrap_or_else(|| now.plus_millis(blind));
            Next::Later(until.max(now.plus_millis(FIRST_DELAY_MILLIS)))
        }
    }
}

/// 1 s, 2 s, 4 s, ... at most two minutes, and up to half of that again by the dice, so that tasks that failed together
/// do not come back together.
fn backoff_millis(failures: u32, dice: u32) -> u64 {
    let base = FIRST_DELAY_MILLIS
        .saturating_mul(1 << failures.min(16))
        .min(LONGEST_DELAY_MILLIS);
    base + base / 2 * u64::from(dice % 1000) / 1000
}

enum Kind {
    Passing,
    Patient,
    Limit,
    Lasting,
    Fatal,
}

fn kind(class: ErrorClass) -> Kind {
    match class {
        ErrorClass::Overloaded
        | ErrorClass::Timeout
        | ErrorClass::Stalled
        | ErrorClass::Crash
        | ErrorClass::Network
        | ErrorClass::ContextTooLong
        | ErrorClass::ConversationLost
        | ErrorClass::Conflict
        | ErrorClass::CheckFailed
        | ErrorClass::Setup
        | ErrorClass::Workspace => Kind::Passing,
        ErrorClass::Publish => Kind::Patient,
        ErrorClass::RateLimit | ErrorClass::UsageLimit => Kind::Limit,
        ErrorClass::Validation
        | ErrorClass::Budget
        | ErrorClass::TurnLimit
        | ErrorClass::Refusal
        | ErrorClass::PermissionDenied => Kind::Lasting,
        ErrorClass::Auth | ErrorClass::Billing | ErrorClass::ModelNotFound => Kind::Fatal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_000_000);

    fn decide(class: ErrorClass, failures: u32, dice: u32) -> Next {
        after(
            &Failure::new(class, ""),
            Tries {
                failures,
                limits: 0,
                max_retries: 2,
            },
            dice,
            NOW,
        )
    }

    #[test]
    fn two_retries_after_one_and_two_seconds() {
        assert_eq!(
            decide(ErrorClass::Crash, 0, 0),
            Next::Again(NOW.plus_millis(1_000))
        );
        assert_eq!(
            decide(ErrorClass::Crash, 1, 0),
            Next::Again(NOW.plus_millis(2_000))
        );
        assert_eq!(decide(ErrorClass::Crash, 2, 0), Next::Never);
        assert_eq!(
            decide(ErrorClass::Crash, 0, 999),
            Next::Again(NOW.plus_millis(1_499)),
            "jitter only adds"
        );
    }

    #[test]
    fn what_cannot_pass_is_not_tried_again() {
        assert_eq!(decide(ErrorClass::Refusal, 0, 0), Next::Never);
        assert_eq!(decide(ErrorClass::Auth, 0, 0), Next::Hopeless);
    }

    #[test]
    fn a_limit_waits_for_its_reset_and_is_no_failure() {
        let mut failure = Failure::new(ErrorClass::UsageLimit, "");
        let tries = Tries {
            failures: 2,
            limits: 3,
            max_retries: 2,
        };
        assert_eq!(
            after(&failure, tries, 0, NOW),
            Next::Later(NOW.plus_millis(480_000))
        );
        failure.until = Some(NOW.plus_millis(7_000_000));
        assert_eq!(
            after(&failure, tries, 0, NOW),
            Next::Later(NOW.plus_millis(7_000_000))
        );
        failure.until = Some(Timestamp(5));
        assert_eq!(
            after(&failure, tries, 0, NOW),
            Next::Later(NOW.plus_millis(1_000)),
            "a reset in the past"
        );
    }
}
