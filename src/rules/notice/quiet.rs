//! Quiet hours: when people are not told at once.

use std::time::Duration;

/// Minutes of a day.
const DAY: u32 = 24 * 60;

/// A part of every day, by the clock on the wall.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuietHours {
    /// The minute of the day that it begins with.
    pub from: u32,
    /// The minute of the day that it ends before; earlier than `from` where it goes on past midnight.
    pub to: u32,
    /// Are people told all the same where one is needed?
    pub urgent: bool,
}

impl QuietHours {
    /// How long they go on, at this second of the day; nothing where it is none of them.
    #[must_use]
    pub fn left(self, second: u32) -> Option<Duration> {
        let length = (self.to + DAY - self.from) % DAY;
        let into = (second / 60 + DAY - self.from) % DAY;
        let left = length.checked_sub(into).filter(|left| *left > 0)?;
        Some(Duration::from_secs(u64::from(left * 60 - second % 60)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hours_are_those_between_and_may_go_past_midnight() {
        let check = |from: u32, to: u32, at: (u32, u32, u32), minutes: Option<u64>| {
            let (hour, minute, second) = at;
            let hours = QuietHours {
                from: from * 60,
                to: to * 60,
                urgent: true,
            };
            let left = hours.left(hour * 3600 + minute * 60 + second);
            let expect = minutes.map(|minutes| Duration::from_secs(minutes * 60));
            assert_eq!(left, expect, "{from} to {to} at {at:?}");
        };
        check(22, 7, (21, 59, 59), None);
        check(22, 7, (22, 0, 0), Some(9 * 60));
        check(22, 7, (0, 0, 0), Some(7 * 60));
        check(22, 7, (6, 59, 0), Some(1));
        check(22, 7, (7, 0, 0), None);
        check(12, 13, (12, 30, 0), Some(30));
        check(12, 13, (11, 59, 0), None);
        check(12, 12, (12, 0, 0), None);
    }

    #[test]
    fn a_part_of_a_minute_is_told_to_the_second() {
        let hours = QuietHours {
            from: 0,
            to: 60,
            urgent: true,
        };
        assert_eq!(hours.left(59 * 60 + 30), Some(Duration::from_secs(30)));
    }
}
