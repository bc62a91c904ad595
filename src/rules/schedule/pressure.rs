//! Do so many of our pulls wait for people that no further issue is begun?

use crate::rules::event::Event;
use crate::rules::schedule::session::Session;
use crate::rules::schedule::table::Entry;

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

    /// Why this task has to wait for people to merge or close pulls, if it has to. What was begun goes on, and what will
    /// come of it counts.
    #[must_use]
    pub fn held_up(&self, entry: &Entry) -> Option<String> {
        let settings = self.settings();
        let most = settings.max_open_pulls.filter(|_| settings.create_pr)?;
        if entry.attempts > 0 || entry.record.pull.is_some() {
            return None;
        }
        let open = settings.open_pulls.saturating_add(self.opened);
        let begun = |entry: &&Entry| {
            entry.attempts > 0 && entry.ending().is_none() && entry.record.pull.is_none()
        };
        let coming = self.table.entries().iter().filter(begun).count();
        let all = u64::from(open) + coming as u64;
        (all >= u64::from(most)).then(|| {
            let pulls = if open == 1 {
                "pull waits"
            } else {
                "pulls wait"
            };
            format!("{open} {pulls} for people, and {most} may (`merge.maxOpenPulls`)")
        })
    }

    /// Nothing else is left: nobody is let in until people have merged or closed some, and the session is resumed.
    pub(super) fn stop_for_pulls(&self) -> Option<Event> {
        let is_idle = !self.table.is_running()
            && self.next_ready().is_none()
            && self.table.first_timer().is_none()
            && self.unannounced.is_empty();
        let first = self.table.first_ready().filter(|_| is_idle)?;
        let reason = self.held_up(self.table.at(first))?;
        Some(Event::DispatchStopped { reason })
    }
}
