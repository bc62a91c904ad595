//! What is expected of a session: in which order its tasks go, how long they take, and how soon it could be at best.

use crate::rules::graph::Cycle;
use crate::rules::ids::{ByIssue, IssueNumber};
use crate::rules::schedule::bound::Bound;
use crate::rules::schedule::forecast::{self, Forecast, as_expected, play};
use crate::rules::schedule::order::Backlog;
use crate::rules::schedule::session::Session;
use crate::rules::schedule::table::Entry;
use crate::rules::settings::Settings;
use crate::rules::task::{Ending, Task};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What was expected when the issues were read, by the estimates of that time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prediction {
    /// All tasks, the first that goes first.
    pub order: Vec<IssueNumber>,
    /// Minutes until the last attempt ends.
    pub makespan_minutes: u64,
    /// Minutes that no order can beat.
    pub lower_bound_minutes: u64,
    /// How many orders were played to find this one.
    pub orders_tried: u32,
}

/// So many tasks are played in all, whatever the machine: about 20 ms.
const TASKS_PLAYED: usize = 15_000;
/// With more tasks than these the first order is good enough, and another one is hardly better.
const FEW: usize = 300;
const MOST_ORDERS: usize = 60;
const MINUTE: u64 = 60_000;

impl Prediction {
    /// By how much it takes longer than the bound: 0.02 is two percent. `None` where nothing runs.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "minutes of a session")]
    pub fn gap(&self) -> Option<f64> {
        let bound = self.lower_bound_minutes;
        (bound > 0).then(|| self.makespan_minutes as f64 / bound as f64 - 1.0)
    }
}

/// Plays the tasks by their estimates, and few tasks in several orders of which the best counts. The same tasks and
/// settings give the same prediction.
///
/// # Errors
/// The cycle, where tasks wait for each other.
pub fn predict<T: Into<Arc<Task>>>(
    tasks: Vec<T>,
    settings: &Settings,
) -> Result<(Prediction, Forecast), Cycle> {
    let backlog = Backlog::read(tasks, settings)?;
    let try_order = |order: &[usize]| {
        let minutes = |task: &Task| u64::from(task.estimate.minutes) * MINUTE;
        play(backlog.ranked(order), settings, minutes, |task, _| {
            as_expected(task)
        })
    };
    let mut best = try_order(&backlog.order());
    let bound = bound_of(&backlog, settings, &best);
    let mut tried = 1;
    // Where money does not reach for all, another order would only leave out others.
    if backlog.tasks.len() <= FEW && !money_is_short(&best) {
        let levels = backlog.levels();
        let mut dice = Dice::new(0);
        let most = MOST_ORDERS.min(TASKS_PLAYED / backlog.tasks.len().max(1));
        while tried < most && best.makespan_millis > bound * MINUTE {
            let swayed: Vec<u64> = levels.iter().map(|level| dice.sway(*level)).collect();
            let other = try_order(&backlog.by_levels(&swayed));
            if other.makespan_millis < best.makespan_millis {
                best = other;
            }
            tried += 1;
        }
    }
    let entries = best.session.table.entries().iter();
    let prediction = Prediction {
        order: entries.map(|entry| entry.number).collect(),
        makespan_minutes: best.makespan_millis / MINUTE,
        lower_bound_minutes: bound,
        orders_tried: u32::try_from(tried).unwrap_or(u32::MAX),
    };
    Ok((prediction, best))
}

/// A session in this order, as it is once those have begun that can begin at once.
///
/// # Errors
/// The cycle, where tasks wait for each other.
pub fn opened<T: Into<Arc<Task>>>(tasks: Vec<T>, settings: &Settings) -> Result<Session, Cycle> {
    let tasks: Vec<Arc<Task>> = tasks.into_iter().map(Into::into).collect();
    let (prediction, _) = predict(tasks.clone(), settings)?;
    let backlog = Backlog::read(tasks, settings)?;
    let order = backlog.order_of(&prediction.order);
    let order = order.unwrap_or_else(|| backlog.order());
    Ok(forecast::opened(backlog.ranked(&order), settings))
}

/// The bound over the tasks that would run.
fn bound_of(backlog: &Backlog, settings: &Settings, forecast: &Forecast) -> u64 {
    let placed = forecast.attempts.iter();
    let ran: ByIssue<u64> = placed.map(|placed| (placed.issue, 1)).collect();
    let weights: Vec<u64> = backlog
        .tasks
        .iter()
        .zip(backlog.minutes())
        .map(|(task, minutes)| minutes * ran.get(&task.number()).unwrap_or(&0))
        .collect();
    Bound::of(backlog, settings.slots, &weights).most()
}

fn money_is_short(forecast: &Forecast) -> bool {
    let mut endings = forecast.session.table.entries().iter().map(Entry::ending);
    endings.any(|ending| ending == Some(Ending::Budget))
}

/// A small random generator (`SplitMix64`: Steele, Lea and Flood 2014).
pub(super) struct Dice(u64);

/// Levels move by up to this many 1024ths.
const SWAY: u64 = 200;

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }

    /// From 0 to below 1, evenly.
    #[expect(clippy::cast_precision_loss, reason = "53 bits are what fits")]
    pub(super) fn share(&mut self) -> f64 {
        (self.roll() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Normally distributed around 0 with deviation 1 (Box and Muller 1958).
    pub(super) fn normal(&mut self) -> f64 {
        let (radius, angle) = (1.0 - self.share(), self.share());
        (-2.0 * radius.ln()).sqrt() * (std::f64::consts::TAU * angle).cos()
    }

    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// About the same level.
    fn sway(&mut self, level: u64) -> u64 {
        level * 1024 + level * (self.roll() % (2 * SWAY + 1)) - level * SWAY
    }
}
