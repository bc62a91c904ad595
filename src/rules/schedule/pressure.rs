//! Do so many of our pulls wait for people that no further issue is begun?

use crate::rules::event::Event;
use crate::rules::schedule::session::Session;
use crate::rules::schedule::table::Entry;

/// Our pulls that wait for people, as far as is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OpenPulls {
    counted: u32,
    opened: u32,
}

impl OpenPulls {
    /// So many were counted.
    #[must_use]
    pub fn new(counted: u32) -> Self {
        Self { counted, opened: 0 }
    }

    /// The session opened one more.
    pub fn open_one(&mut self) {
        self.opened = self.opened.saturating_add(1);
    }

    /// They were counted anew when the session had opened so many of those that it has opened since the last time.
    #[must_use]
    pub fn recounted(self, counted: u32, opened: u32) -> Self {
        let opened = self.opened.saturating_sub(opened);
        Self { counted, opened }
    }

    /// Those that the session opened since they were counted.
    #[must_use]
    pub fn opened(self) -> u32 {
        self.opened
    }

    /// All of them.
    #[must_use]
    pub fn all(self) -> u32 {
        self.counted.saturating_add(self.opened)
    }
}

/// How many pulls wait for people, where that holds tasks up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pressure {
    /// So many do.
    pub open: u32,
    /// So many are to come of what was begun.
    pub coming: u32,
    /// So many may.
    pub most: u32,
}

impl Pressure {
    /// Of so many open ones and so many to come, where no more may come.
    #[must_use]
    pub fn of(open: u32, coming: usize, most: u32) -> Option<Self> {
        let coming = u32::try_from(coming).unwrap_or(u32::MAX);
        (open.saturating_add(coming) >= most).then_some(Self { open, coming, most })
    }

    /// The same, with the key that says how many may.
    #[must_use]
    pub fn reason(self) -> String {
        format!("{} (`merge.maxOpenPulls`)", self.words())
    }

    /// `8 of 8 pull requests wait for people`.
    #[must_use]
    pub fn words(self) -> String {
        let Self { open, coming, most } = self;
        let wait = if open == 1 { "waits" } else { "wait" };
        let coming = if open < most {
            format!(", and {coming} more will")
        } else {
            String::new()
        };
        format!("{open} of {most} pull requests {wait} for people{coming}")
    }
}

impl Session {
    /// The first that may be let in now: while too many pulls wait, those alone that were begun before.
    pub(super) fn next_ready(&self) -> Option<usize> {
        let first = self.table.first_ready()?;
        if self.held_up(self.table.at(first)).is_none() {
            return Some(first);
        }
        let mut ready = self.table.ready();
        ready.find(|place| self.held_up(self.table.at(*place)).is_none())
    }

    /// What this task has to wait for until people merge or close pulls, if it has to. What was begun goes on, and what
    /// will come of it counts.
    #[must_use]
    pub fn held_up(&self, entry: &Entry) -> Option<Pressure> {
        let settings = self.settings();
        let most = settings.max_open_pulls.filter(|_| settings.create_pr)?;
        if entry.attempts > 0 || entry.record.pull.is_some() {
            return None;
        }
        let begun = |entry: &&Entry| {
            entry.attempts > 0 && entry.ending().is_none() && entry.record.pull.is_none()
        };
        let coming = self.table.entries().iter().filter(begun).count();
        Pressure::of(self.pulls.all(), coming, most)
    }

    /// Is anybody held up who could run otherwise?
    #[must_use]
    pub fn is_held_up(&self) -> bool {
        let first = self.table.first_ready();
        first.is_some_and(|first| self.held_up(self.table.at(first)).is_some())
    }

    /// Our pulls that wait for people, as far as is known.
    #[must_use]
    pub fn open_pulls(&self) -> OpenPulls {
        self.pulls
    }

    /// They were counted again while the session goes on: people may have merged or closed some.
    pub(super) fn recount(&self, counted: u32, opened: u32) -> Option<Event> {
        let is_news = self.pulls.recounted(counted, opened).all() != self.pulls.all();
        is_news.then_some(Event::PullsCounted { counted, opened })
    }

    pub(super) fn count(&mut self, counted: u32, opened: u32) {
        self.pulls = self.pulls.recounted(counted, opened);
    }

    /// Nothing else is left: nobody is let in until people have merged or closed some, and the session is resumed.
    pub(super) fn stop_for_pulls(&self) -> Option<Event> {
        let is_idle = !self.table.is_running()
            && self.next_ready().is_none()
            && self.table.first_timer().is_none()
            && self.unannounced.is_empty();
        let first = self.table.first_ready().filter(|_| is_idle)?;
        let pressure = self.held_up(self.table.at(first))?;
        Some(Event::DispatchStopped {
            agent: None,
            reason: pressure.reason(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_that_were_opened_after_the_count_are_added_to_it() {
        let mut pulls = OpenPulls::new(5);
        pulls.open_one();
        pulls.open_one();
        assert_eq!(pulls.all(), 7);
        // One of the two was there when they were counted, and four of the others were merged.
        let pulls = pulls.recounted(2, 1);
        assert_eq!((pulls.all(), pulls.opened()), (3, 1));
    }

    #[test]
    fn it_is_told_how_many_wait_and_how_many_come() {
        let words = |open, coming, most| Pressure::of(open, coming, most).map(Pressure::words);
        assert_eq!(words(7, 0, 8), None);
        let check =
            |found: Option<String>, expect: &str| assert_eq!(found.as_deref(), Some(expect));
        check(words(8, 0, 8), "8 of 8 pull requests wait for people");
        check(
            words(1, 2, 3),
            "1 of 3 pull requests waits for people, and 2 more will",
        );
    }
}
