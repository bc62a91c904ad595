//! What simulated runs came to: a table with a small chart, and JSON.

use crate::reporters::shape::VERSION;
use crate::reporters::table::grid;
use crate::reporters::time::human;
use crate::reporters::words::plural;
use crate::rules::money::Usd;
use crate::rules::schedule::simulate::{Simulated, Spread};
use serde_json::{Value, json};

/// What was simulated, and what came of it.
#[derive(Clone, Debug)]
pub struct Simulation {
    /// How many tasks.
    pub tasks: u64,
    /// How many runs with each setting.
    pub runs: u32,
    /// The number of slots that is set.
    pub set: u32,
    /// The most that a run may spend.
    pub ceiling: Usd,
    /// One for each number of slots.
    pub found: Vec<Simulated>,
}

/// Columns of the longest bar.
const BAR: u64 = 30;
const MINUTE: u64 = 60_000;

/// Lines for a person, each ended.
#[must_use]
pub fn told(simulation: &Simulation) -> String {
    let longest = simulation.found.iter().map(|each| each.minutes.p90).max();
    let longest = longest.unwrap_or(0).max(1);
    let rows = simulation.found.iter().map(|each| {
        vec![
            bar(each.minutes, longest),
            each.slots.to_string(),
            pair(each.minutes, |minutes| human(minutes * MINUTE)),
            pair(each.cost, |cost| cost.to_string()),
            pair(each.conflicts, |count| count.to_string()),
            each.done.to_string(),
        ]
    });
    let heads = vec!["time", "slots", "P50, P90", "cost", "conflicts", "done"];
    let table = grid(heads, rows.collect(), 1).join("\n");
    let (tasks, runs) = (
        plural(simulation.tasks, "task"),
        plural(u64::from(simulation.runs), "run"),
    );
    format!(
        "{table}\n\n{tasks}, {runs} for each number of slots ({} are set), at most {} a run.\n\
         Half of the runs stay below the first figure (█), nine of ten below the second (░).\n",
        simulation.set, simulation.ceiling
    )
}

/// Full to P50, light to P90.
fn bar(minutes: Spread<u64>, longest: u64) -> String {
    let columns = |minutes: u64| usize::try_from(minutes * BAR / longest).unwrap_or(0);
    let (full, all) = (columns(minutes.p50).max(1), columns(minutes.p90).max(1));
    "█".repeat(full) + &"░".repeat(all.saturating_sub(full))
}

fn pair<T: Copy>(spread: Spread<T>, words: impl Fn(T) -> String) -> String {
    format!("{}, {}", words(spread.p50), words(spread.p90))
}

/// The same as one object.
#[must_use]
pub fn as_json(simulation: &Simulation) -> Value {
    json!({
        "v": VERSION,
        "event": "simulation",
        "tasks": simulation.tasks,
        "runs": simulation.runs,
        "budget_usd": simulation.ceiling.decimal(),
        "settings": simulation.found.iter().map(one).collect::<Value>(),
    })
}

fn one(each: &Simulated) -> Value {
    json!({
        "slots": each.slots,
        "minutes": { "p50": each.minutes.p50, "p90": each.minutes.p90 },
        "cost_usd": { "p50": each.cost.p50.decimal(), "p90": each.cost.p90.decimal() },
        "conflicts": { "p50": each.conflicts.p50, "p90": each.conflicts.p90 },
        "done": each.done,
    })
}
