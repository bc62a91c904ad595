//! `simulate`: what a backlog would take, with how many slots.

use crate::adapters::store::open::Store;
use crate::cli::look::SimulateArgs;
use crate::commands::dry_run::{self, Dry};
use crate::commands::nothing;
use crate::commands::place::Place;
use crate::commands::plan;
use crate::commands::wire::Wiring;
use crate::config::loaded::Overrides;
use crate::error::Error;
use crate::reporters::simulation::{Simulation, as_json, told};
use crate::rules::exit::Exit;
use crate::rules::plan::outlook;
use crate::rules::schedule::simulate::simulate;
use std::path::Path;
use std::sync::Arc;

/// Items of a plan at most, as many as `plan` takes.
const ITEMS: usize = 100;

/// Runs the command.
pub async fn run(place: &Place, args: &SimulateArgs) -> Result<Exit, Error> {
    let wiring = Wiring::new(place, &Overrides::default())?;
    let filter = &wiring.loaded.config.filter;
    let selection = filter.of_label(args.label.as_deref());
    let mut dry = match &args.from {
        Some(path) => planned(&wiring, &place.cwd.join(path))?,
        None => dry_run::read(place, &wiring, &selection).await?,
    };
    if let Some(budget) = args.budget {
        dry.settings.ceiling = budget;
    }
    if dry.tasks.is_empty() {
        return nothing::say(place, &wiring, &selection);
    }
    let tasks: Vec<_> = dry.tasks.into_iter().map(Arc::new).collect();
    let slots = slots(&args.max_parallel, dry.settings.slots);
    let runs = simulate(&tasks, &dry.settings, &slots, &dry.record, args.runs);
    let simulation = Simulation {
        tasks: tasks.len() as u64,
        runs: args.runs,
        set: dry.settings.slots,
        ceiling: dry.settings.ceiling,
        found: runs.unwrap_or_default(),
    };
    place
        .output
        .result(&told(&simulation), &as_json(&simulation))?;
    Ok(Exit::Done)
}

/// The items of a plan as the tasks that they would become, with the plan's own estimates.
fn planned(wiring: &Wiring, path: &Path) -> Result<Dry, Error> {
    let plan = plan::from_file(path, ITEMS)?;
    let store = Store::open_read_only(&wiring.state).ok();
    let settings = wiring.plan_settings(None, store.as_ref());
    Ok(Dry {
        tasks: outlook::tasks(&plan, &settings, &wiring.judge()),
        record: dry_run::record(wiring, store.as_ref()),
        settings,
    })
}

/// Those that are asked for, else around what is set; each once, the fewest first.
fn slots(wanted: &[u32], set: u32) -> Vec<u32> {
    let mut slots = match wanted {
        [] => vec![(set / 2).max(1), set, set.saturating_mul(2)],
        wanted => wanted.to_vec(),
    };
    slots.sort_unstable();
    slots.dedup();
    slots
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_wish_half_and_twice_as_many_slots_are_compared() {
        assert_eq!(slots(&[], 4), [2, 4, 8]);
        assert_eq!(slots(&[], 1), [1, 2]);
        assert_eq!(slots(&[8, 2, 8], 4), [2, 8]);
    }
}
