//! Leases: the right to work on an issue, for a while, among machines that share nothing but the remote.
//!
//! Machines' clocks differ, so a lease is over only where that shows without trusting them: its holder renews it three
//! times in its time to live, and whoever saw the very same lease for that long by one clock of its own knows that the
//! holder is gone. Where nobody looked before, the time that the lease itself names counts, with an hour on top.
//! (Gray and Cheriton 1989, "Leases: An Efficient Fault-Tolerant Mechanism for Distributed File Cache Consistency".)

use crate::rules::ids::{IssueNumber, SessionId, Timestamp};
use crate::rules::printable::printable;
use serde::{Deserialize, Serialize};

/// How far machines' clocks may be apart; more than any that asks a time server.
pub const CLOCKS_APART_MILLIS: u64 = 3_600_000;
/// The longest time to live that is believed; a day.
const LONGEST_MILLIS: u64 = 86_400_000;
/// What is assumed of a lease that cannot be read.
const USUAL_MILLIS: u64 = 900_000;
/// Characters of a name that are shown.
const LONGEST_NAME: usize = 60;
/// The first line of a lease's text, for people who come upon it.
const TITLE: &str = "autoissue lease\n\n";

/// What a lease says of itself. One is shared by all issues that a session takes or renews at a time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// Who holds it.
    pub session: SessionId,
    /// On which machine.
    #[serde(default)]
    pub host: String,
    /// By which process there.
    #[serde(default)]
    pub process: u32,
    /// When it was taken or last renewed, by the holder's clock.
    pub at: Timestamp,
    /// For how long it holds from then on.
    pub ttl_millis: u64,
    /// Rises whenever an issue changes hands; a session acts only with the one that it took.
    pub fence: u64,
    /// Makes two of them differ that are otherwise the same.
    #[serde(default)]
    pub nonce: String,
}

/// Another session works on an issue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Elsewhere {
    /// Which issue.
    pub issue: IssueNumber,
    /// Who holds it and until when, for a person.
    pub reason: String,
}

/// What stands on the remote for an issue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// Nothing.
    Nothing,
    /// The value that we put there last.
    Own,
    /// What a session left behind that will never go on.
    Left,
    /// Another value.
    Other {
        /// What it says; nothing where it cannot be read.
        lease: Option<Lease>,
        /// When it was first seen to be this very value, by our own clock.
        seen: Timestamp,
    },
}

/// What is to be done about an issue's lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Make one: nobody has it.
    Create,
    /// Replace what stands there: it is ours, or its holder is gone.
    Replace {
        /// Did another session hold it until now?
        taken_over: bool,
    },
    /// Leave it to whoever has it.
    Leave {
        /// Why, for a person.
        reason: String,
    },
}

impl Lease {
    /// Reads the text of a lease; nothing where it is none.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        serde_json::from_str(text.strip_prefix(TITLE)?).ok()
    }

    /// The text that it is stored as.
    #[must_use]
    pub fn text(&self) -> String {
        let json = serde_json::to_string(self).expect("a lease has only plain fields");
        format!("{TITLE}{json}\n")
    }

    fn until(&self) -> Timestamp {
        self.at.plus_millis(self.ttl_millis.min(LONGEST_MILLIS))
    }

    fn is_over(&self, seen: Timestamp, now: Timestamp) -> bool {
        let ttl = self.ttl_millis.min(LONGEST_MILLIS);
        // A tenth on top, because no two clocks run at quite the same pace.
        now.millis_since(seen) > ttl + ttl / 10
            || self.until().plus_millis(CLOCKS_APART_MILLIS) < now
    }

    fn words(&self) -> String {
        let short = |text: &str| {
            printable(text)
                .chars()
                .take(LONGEST_NAME)
                .collect::<String>()
        };
        let host = match short(&self.host) {
            host if host.is_empty() => "another machine".to_owned(),
            host => host,
        };
        let session = short(self.session.as_str());
        let until = chrono::DateTime::from_timestamp_millis(self.until().0).unwrap_or_default();
        let until = until.format("%Y-%m-%d %H:%M UTC");
        format!("session {session} on {host} works on it, and holds it until {until}")
    }
}

/// What a session that `held` the issue before, or not, does about what it found.
#[must_use]
pub fn judge(found: &Found, session: &SessionId, held: bool, now: Timestamp) -> Step {
    match found {
        Found::Nothing if held => Step::Leave {
            reason: "the lease was given up by somebody else".to_owned(),
        },
        Found::Nothing => Step::Create,
        Found::Own => Step::Replace { taken_over: false },
        Found::Left => Step::Replace { taken_over: true },
        Found::Other {
            lease: Some(lease), ..
        } if lease.session == *session => Step::Replace { taken_over: false },
        // Whoever took it over while we were away may have worked on it: it is never taken back.
        Found::Other {
            lease: Some(lease), ..
        } if held => Step::Leave {
            reason: lease.words(),
        },
        Found::Other {
            lease: Some(lease),
            seen,
        } if lease.is_over(*seen, now) => Step::Replace { taken_over: true },
        Found::Other {
            lease: Some(lease), ..
        } => Step::Leave {
            reason: lease.words(),
        },
        Found::Other { lease: None, seen }
            if !held && now.millis_since(*seen) > USUAL_MILLIS + CLOCKS_APART_MILLIS =>
        {
            Step::Replace { taken_over: true }
        }
        Found::Other { lease: None, .. } => Step::Leave {
            reason: "something that is no lease of a known kind holds it".to_owned(),
        },
    }
}

/// The fencing number of a lease that replaces these: higher than all of them, and than all that were given up before.
#[must_use]
pub fn next_fence(before: impl IntoIterator<Item = u64>, now: Timestamp) -> u64 {
    let highest = before.into_iter().max().unwrap_or(0);
    highest.saturating_add(1).max(now.0.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: u64 = 60_000;

    fn lease(session: &str, at: Timestamp) -> Lease {
        Lease {
            session: SessionId::new(session),
            host: "ant".to_owned(),
            process: 7,
            at,
            ttl_millis: 15 * MINUTE,
            fence: 3,
            nonce: "n".to_owned(),
        }
    }

    fn step(session: &str, (at, seen): (u64, u64), held: bool, now: u64) -> Step {
        let minute = |minute: u64| Timestamp(0).plus_millis(minute * MINUTE);
        let found = Found::Other {
            lease: Some(lease(session, minute(at))),
            seen: minute(seen),
        };
        judge(&found, &SessionId::new("us"), held, minute(now))
    }

    fn is_left(step: &Step) -> bool {
        matches!(step, Step::Leave { .. })
    }

    #[test]
    fn a_lease_is_read_as_it_was_written_and_nothing_else_is_one() {
        let one = lease("01A", Timestamp(5));
        assert_eq!(Lease::read(&one.text()), Some(one));
        assert_eq!(Lease::read("autoissue lease\n\n{\"session\": 4}"), None);
        assert_eq!(Lease::read("a commit of somebody's"), None);
    }

    #[test]
    fn one_that_lives_is_left_and_one_that_is_over_is_taken() {
        let over = Step::Replace { taken_over: true };
        assert!(is_left(&step("they", (100, 100), false, 101)));
        // Seen unchanged for longer than it lives, whatever its clock says: ahead of ours, or behind.
        assert!(is_left(&step("they", (900, 100), false, 116)));
        assert_eq!(step("they", (900, 100), false, 117), over);
        assert!(is_left(&step("they", (50, 100), false, 101)));
        // Never seen before: by its own time, with an hour for clocks that differ.
        assert!(is_left(&step("they", (100, 175), false, 175)));
        assert_eq!(step("they", (100, 176), false, 176), over);
    }

    #[test]
    fn ones_own_is_renewed_and_one_that_was_lost_is_never_taken_back() {
        let own = Step::Replace { taken_over: false };
        assert_eq!(step("us", (100, 100), false, 900), own);
        assert!(is_left(&step("they", (100, 100), true, 900)));
        let us = SessionId::new("us");
        let now = Timestamp(0);
        assert!(is_left(&judge(&Found::Nothing, &us, true, now)));
        assert_eq!(judge(&Found::Nothing, &us, false, now), Step::Create);
        assert_eq!(judge(&Found::Own, &us, true, now), own);
    }

    #[test]
    fn who_holds_it_is_told_in_printable_words() {
        let mut odd = lease("01A\u{1b}[31m", Timestamp(0));
        odd.ttl_millis = u64::MAX;
        assert_eq!(
            odd.words(),
            "session 01A on ant works on it, and holds it until 1970-01-02 00:00 UTC"
        );
    }

    #[test]
    fn fences_rise_also_over_leases_that_were_given_up() {
        assert_eq!(next_fence([], Timestamp(1000)), 1000);
        assert_eq!(next_fence([4, 2000], Timestamp(1000)), 2001);
    }
}
