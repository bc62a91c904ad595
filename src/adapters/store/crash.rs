//! A fault point for tests: the process ends itself at a chosen event, so that recovery from every event can be proven.

use std::str::FromStr;

/// End the process at this event of a session: `n`, `n:after` or `n:before`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CrashPoint {
    event: u64,
    side: Side,
}

/// On which side of the moment at which the event is durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// Nothing of it is stored.
    Before,
    /// It is stored, and nobody was told.
    After,
}

/// The text is no crash point.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("read the crash point `{0}`: write an event's number, `:before` or `:after` behind it")]
pub struct NoCrashPoint(String);

impl FromStr for CrashPoint {
    type Err = NoCrashPoint;

    fn from_str(text: &str) -> Result<Self, NoCrashPoint> {
        let refused = || NoCrashPoint(text.into());
        let (event, side) = match text.split_once(':') {
            None => (text, Side::After),
            Some((event, "after")) => (event, Side::After),
            Some((event, "before")) => (event, Side::Before),
            Some(_) => return Err(refused()),
        };
        let event = event.parse().map_err(|_| refused())?;
        Ok(Self { event, side })
    }
}

impl CrashPoint {
    /// Ends the process as a kill does, if this is the point.
    pub(super) fn reached(self, event: u64, side: Side) {
        if self.event == event && self.side == side {
            std::process::abort();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crash_point_is_a_number_and_a_side() {
        let check = |text: &str, event, side| {
            assert_eq!(text.parse(), Ok(CrashPoint { event, side }), "{text}");
        };
        check("3", 3, Side::After);
        check("3:after", 3, Side::After);
        check("12:before", 12, Side::Before);
        for text in ["", "x", "3:", "3:during", "-1"] {
            assert!(text.parse::<CrashPoint>().is_err(), "{text}");
        }
    }
}
