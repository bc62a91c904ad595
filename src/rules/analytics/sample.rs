//! Rows for tests.

use crate::rules::analytics::rows::{Bill, Done, Offered, PullEnd, Traits};
use crate::rules::ids::{IssueNumber, SessionId, Timestamp};
use crate::rules::money::Usd;
use crate::rules::task::Ending;

fn traits() -> Traits {
    Traits {
        project: "owner/name".into(),
        domain: "backend".into(),
        kind: "bug".into(),
        agent: "claude".into(),
        model: "sonnet".into(),
    }
}

/// One attempt of a minute, that nobody helped.
pub(crate) fn done(issue: u64, ending: Ending) -> Done {
    Done {
        traits: traits(),
        session: SessionId::new("a"),
        issue: IssueNumber(issue),
        title: format!("Issue {issue}"),
        ending,
        reason: None,
        began: Some(Timestamp(0)),
        ended: Timestamp(60_000),
        attempts: 1,
        helped: 0,
        checked: 0,
        passed: 0,
        cost: Usd::ZERO,
        pull: None,
        is_round: false,
    }
}

pub(crate) fn offered(end: Option<PullEnd>) -> Offered {
    Offered {
        traits: traits(),
        at: Timestamp(60_000),
        end,
    }
}

pub(crate) fn bill(micros: u64) -> Bill {
    Bill {
        traits: traits(),
        at: Timestamp(60_000),
        cost: Usd::from_micros(micros),
    }
}
