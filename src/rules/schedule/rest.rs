//! What is left of a session, played on a virtual clock as it would go if something were otherwise.

use crate::rules::ids::{IssueNumber, Timestamp};
use crate::rules::schedule::forecast::{as_expected, play};
use crate::rules::schedule::order::Backlog;
use crate::rules::schedule::session::Session;
use crate::rules::schedule::table::Entry;
use crate::rules::settings::Settings;
use crate::rules::task::Task;
use std::collections::HashMap;
use std::sync::Arc;

const MINUTE: u64 = 60_000;

/// What is left of a session: what runs first, then the others by their rank.
pub(super) struct Rest {
    tasks: Vec<Arc<Task>>,
    pub(super) settings: Settings,
    /// Minutes that a running one still takes.
    left: HashMap<IssueNumber, u64>,
}

impl Rest {
    /// As a session stands at this moment.
    pub(super) fn of(session: &Session, now: Timestamp) -> Self {
        let mut settings = session.settings().clone();
        let spent = session.budget.spent();
        settings.ceiling = settings.ceiling.minus(spent);
        let runs = |entry: &&Entry| entry.run().is_some();
        let entries = session.table.entries().iter();
        let running = entries.clone().filter(runs);
        let waiting = entries.filter(|entry| entry.run().is_none() && entry.ending().is_none());
        let left = running.clone().filter_map(|entry| {
            let gone = now.millis_since(entry.run()?.since) / MINUTE;
            let minutes = u64::from(entry.task.estimate.minutes);
            Some((entry.number, minutes.saturating_sub(gone).max(1)))
        });
        Self {
            settings,
            left: left.collect(),
            tasks: (running.chain(waiting))
                .map(|entry| Arc::clone(entry.known()))
                .collect(),
        }
    }

    /// In how many minutes it starts without some others, and with so many slots.
    pub(super) fn start_of(
        &self,
        issue: IssueNumber,
        without: &[IssueNumber],
        slots: u32,
    ) -> Option<u64> {
        let kept = |task: &&Arc<Task>| !without.contains(&task.number());
        let tasks: Vec<Arc<Task>> = self.tasks.iter().filter(kept).cloned().collect();
        let order: Vec<usize> = (0..tasks.len()).collect();
        let settings = Settings {
            slots,
            ..self.settings.clone()
        };
        let backlog = Backlog::read(tasks, &settings).ok()?;
        let minutes = |task: &Task| {
            let left = self.left.get(&task.number());
            left.copied().unwrap_or(u64::from(task.estimate.minutes)) * MINUTE
        };
        let forecast = play(backlog.ranked(&order), &settings, minutes, |task, _| {
            as_expected(task)
        });
        let placed = forecast
            .attempts
            .iter()
            .find(|placed| placed.issue == issue)?;
        Some(placed.from / MINUTE)
    }
}
