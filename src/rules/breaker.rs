//! Too many failures in a row: stop letting attempts in, then let one probe through.
//!
//! The states are those of Nygard, "Release It!" (2007): closed, open, half-open. An open breaker only delays; it
//! never fails a task.

use crate::rules::ids::{IssueNumber, Timestamp};
use crate::rules::task::ErrorClass;

/// The breaker of one provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Breaker {
    /// Attempts are let in.
    Closed {
        /// Failures in a row.
        failures: u32,
    },
    /// Nobody is let in before `until`; then one probe.
    Open {
        /// Not before.
        until: Timestamp,
    },
    /// The one probe runs, everybody else waits for it.
    HalfOpen {
        /// The probe.
        probe: IssueNumber,
    },
}

/// May an attempt be let in?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permit {
    /// Yes.
    Free,
    /// Yes, as the one probe.
    Probe,
    /// Not before this.
    NotBefore(Timestamp),
    /// Not before this probe has ended.
    AfterProbe(IssueNumber),
}

impl Default for Breaker {
    fn default() -> Self {
        Self::Closed { failures: 0 }
    }
}

impl Breaker {
    /// May an attempt be let in now?
    #[must_use]
    pub fn permit(self, now: Timestamp) -> Permit {
        match self {
            Self::Closed { .. } => Permit::Free,
            Self::Open { until } if now >= until => Permit::Probe,
            Self::Open { until } => Permit::NotBefore(until),
            Self::HalfOpen { probe } => Permit::AfterProbe(probe),
        }
    }

    /// Would one more failure of this kind open it, and after how many in a row?
    #[must_use]
    pub fn would_open(self, class: ErrorClass, threshold: u32) -> Option<u32> {
        if !counts(class) {
            return None;
        }
        match self {
            Self::Closed { failures } => {
                Some(failures + 1).filter(|failures| *failures >= threshold)
            }
            Self::Open { .. } => None,
            Self::HalfOpen { .. } => Some(1),
        }
    }

    /// A failure was seen that did not open it.
    pub fn count(&mut self, class: ErrorClass) {
        if let Self::Closed { failures } = self
            && counts(class)
        {
            *failures += 1;
        }
    }
}

/// Does a failure say something about the provider? Failed checks, spent budgets and refusals do not; limits pause
/// dispatch instead.
#[must_use]
pub fn counts(class: ErrorClass) -> bool {
    match class {
        ErrorClass::Overloaded
        | ErrorClass::Timeout
        | ErrorClass::Stalled
        | ErrorClass::Crash
        | ErrorClass::Network
        | ErrorClass::Auth
        | ErrorClass::Billing => true,
        ErrorClass::Validation
        | ErrorClass::RateLimit
        | ErrorClass::UsageLimit
        | ErrorClass::Budget
        | ErrorClass::TurnLimit
        | ErrorClass::Refusal
        | ErrorClass::ContextTooLong
        | ErrorClass::ModelNotFound
        | ErrorClass::ConversationLost
        | ErrorClass::PermissionDenied
        | ErrorClass::Conflict
        | ErrorClass::CheckFailed
        | ErrorClass::Setup
        | ErrorClass::Workspace
        | ErrorClass::Publish => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fifth_failure_in_a_row_opens_it() {
        let mut breaker = Breaker::default();
        for _ in 0..4 {
            assert_eq!(breaker.would_open(ErrorClass::Crash, 5), None);
            breaker.count(ErrorClass::Crash);
        }
        assert_eq!(
            breaker.would_open(ErrorClass::CheckFailed, 5),
            None,
            "says nothing about the provider"
        );
        assert_eq!(breaker.would_open(ErrorClass::Crash, 5), Some(5));
    }

    #[test]
    fn an_open_one_lets_one_probe_in_when_its_time_is_over() {
        let open = Breaker::Open {
            until: Timestamp(60),
        };
        assert_eq!(open.permit(Timestamp(59)), Permit::NotBefore(Timestamp(60)));
        assert_eq!(open.permit(Timestamp(60)), Permit::Probe);
        let half_open = Breaker::HalfOpen {
            probe: IssueNumber(1),
        };
        assert_eq!(
            half_open.permit(Timestamp(99)),
            Permit::AfterProbe(IssueNumber(1))
        );
        assert_eq!(
            half_open.would_open(ErrorClass::Network, 5),
            Some(1),
            "a failed probe opens it again"
        );
    }
}
