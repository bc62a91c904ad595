//! Notices that wait: those of quiet hours, and those that are gathered so that few messages come. Which are told now?

use crate::rules::notice::quiet::QuietHours;
use crate::rules::notice::shape::Notice;
use std::time::Duration;

/// Notices that may wait for one channel; more than that help nobody.
pub const ROOM: usize = 256;

/// When notices wait.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waits {
    /// The hours in which nobody is told.
    pub quiet: Option<QuietHours>,
    /// How long those are gathered that are no hurry, from the first of them.
    pub gather: Option<Duration>,
}

/// One moment, by two clocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moment {
    /// The second of the day, by the clock on the wall.
    pub second: u32,
    /// By a clock that nobody sets.
    pub steady: Duration,
}

/// Those that wait for one channel, in the order of their events.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pile {
    notices: Vec<Notice>,
    /// When the first of them came, by the steady clock.
    since: Duration,
}

/// What is told now.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sorted {
    /// As one message.
    pub now: Vec<Notice>,
    /// How many of those that waited were given up, since too many did.
    pub lost: usize,
}

impl Waits {
    /// How long it is still quiet, if it is.
    #[must_use]
    pub fn quiet(&self, now: Moment) -> Option<Duration> {
        self.quiet?.left(now.second)
    }
}

impl Pile {
    /// Takes in what came, and gives out what is to be told.
    #[must_use]
    pub fn sort(&mut self, come: Vec<Notice>, waits: &Waits, now: Moment) -> Sorted {
        let hours = waits.quiet.filter(|_| waits.quiet(now).is_some());
        if let Some(hours) = hours {
            let is_told = |notice: &Notice| hours.urgent && notice.is_urgent();
            let (told, later): (Vec<_>, Vec<_>) = come.into_iter().partition(is_told);
            self.keep(later, now);
            let lost = self.notices.len().saturating_sub(ROOM);
            self.notices.drain(..lost);
            return Sorted { now: told, lost };
        }
        self.keep(come, now);
        if self.gathering(waits, now).is_some() {
            return Sorted::default();
        }
        let now = self.all();
        Sorted { now, lost: 0 }
    }

    /// How long nothing has to be done about them; nothing where none waits.
    #[must_use]
    pub fn left(&self, waits: &Waits, now: Moment) -> Option<Duration> {
        let left = waits.quiet(now).or_else(|| self.gathering(waits, now));
        (!self.notices.is_empty()).then(|| left.unwrap_or_default())
    }

    /// All of them: nothing more comes.
    #[must_use]
    pub fn all(&mut self) -> Vec<Notice> {
        std::mem::take(&mut self.notices)
    }

    fn keep(&mut self, notices: Vec<Notice>, now: Moment) {
        if self.notices.is_empty() {
            self.since = now.steady;
        }
        self.notices.extend(notices);
    }

    /// How long they are still gathered; not at all with one that is a hurry, or with too many to wait.
    fn gathering(&self, waits: &Waits, now: Moment) -> Option<Duration> {
        let is_hurry = self.notices.iter().any(Notice::is_hurry);
        let gather = waits
            .gather
            .filter(|_| !is_hurry && self.notices.len() < ROOM)?;
        let passed = now.steady.saturating_sub(self.since);
        gather.checked_sub(passed).filter(|left| !left.is_zero())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::notice::shape::NoticeKind;

    const GATHER: Waits = Waits {
        quiet: None,
        gather: Some(Duration::from_secs(600)),
    };

    fn notice(kind: NoticeKind) -> Notice {
        Notice {
            kind,
            ..Notice::test("")
        }
    }

    fn at(minutes: u64) -> Moment {
        let steady = Duration::from_secs(minutes * 60);
        let second = u32::try_from(minutes * 60).unwrap();
        Moment { second, steady }
    }

    /// How many are told of one such notice each minute.
    fn told(waits: &Waits, kinds: &[NoticeKind]) -> Vec<usize> {
        let mut pile = Pile::default();
        let each = kinds.iter().zip(0..).map(|(kind, minute)| {
            let sorted = pile.sort(vec![notice(*kind)], waits, at(minute));
            sorted.now.len()
        });
        each.collect()
    }

    #[test]
    fn what_is_no_hurry_is_told_so_long_after_the_first() {
        let twelve = [NoticeKind::Completed; 12];
        assert_eq!(
            told(&GATHER, &twelve),
            [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 11, 0]
        );
        assert_eq!(told(&Waits::default(), &twelve), [1; 12], "the control");
    }

    #[test]
    fn a_hurry_takes_along_what_was_gathered() {
        for hurry in [NoticeKind::NeedsPerson, NoticeKind::Summary] {
            let kinds = [
                NoticeKind::Started,
                NoticeKind::Failed,
                hurry,
                NoticeKind::Budget,
            ];
            assert_eq!(told(&GATHER, &kinds), [0, 0, 3, 0], "{hurry:?}");
        }
    }

    #[test]
    fn it_is_known_how_long_they_wait() {
        let mut pile = Pile::default();
        assert_eq!(pile.left(&GATHER, at(3)), None);
        let _ = pile.sort(vec![notice(NoticeKind::Completed)], &GATHER, at(3));
        assert_eq!(pile.left(&GATHER, at(4)), Some(Duration::from_secs(540)));
        assert_eq!(pile.left(&GATHER, at(60)), Some(Duration::ZERO));
        assert_eq!(pile.sort(Vec::new(), &GATHER, at(13)).now.len(), 1);
        assert_eq!(pile.left(&GATHER, at(13)), None);
    }

    #[test]
    fn quiet_hours_hold_back_what_is_gathered_and_end_with_what_is_a_hurry() {
        let quiet = |urgent| Waits {
            quiet: Some(QuietHours {
                from: 0,
                to: 20,
                urgent,
            }),
            ..GATHER
        };
        let mut pile = Pile::default();
        let come = vec![
            notice(NoticeKind::Completed),
            notice(NoticeKind::NeedsPerson),
        ];
        let sorted = pile.sort(come.clone(), &quiet(true), at(1));
        assert_eq!(sorted.now, come[1..]);
        assert_eq!(
            pile.left(&quiet(true), at(15)),
            Some(Duration::from_secs(300))
        );
        assert_eq!(pile.sort(Vec::new(), &quiet(true), at(20)).now, come[..1]);
        // Held back a minute before their end, it waits for others that come.
        let mut pile = Pile::default();
        let _ = pile.sort(come[..1].to_vec(), &quiet(true), at(19));
        assert!(pile.sort(Vec::new(), &quiet(true), at(20)).now.is_empty());
        // A person who is needed does not wait for longer than they last.
        let mut pile = Pile::default();
        assert!(
            pile.sort(come.clone(), &quiet(false), at(19))
                .now
                .is_empty()
        );
        assert_eq!(pile.sort(Vec::new(), &quiet(false), at(20)).now, come);
    }

    #[test]
    fn too_many_are_told_early_and_at_night_the_latest_are_kept() {
        let many = vec![notice(NoticeKind::Completed); ROOM + 5];
        let sorted = Pile::default().sort(many.clone(), &GATHER, at(0));
        assert_eq!((sorted.now.len(), sorted.lost), (ROOM + 5, 0));
        let quiet = Some(QuietHours {
            from: 0,
            to: 20,
            urgent: true,
        });
        let night = Waits { quiet, ..GATHER };
        let mut pile = Pile::default();
        assert_eq!(pile.sort(many, &night, at(0)).lost, 5);
        assert_eq!(pile.all().len(), ROOM);
    }
}
