//! `exec --dry-run`: what would run, when, and at what price. Touches nothing.

use crate::adapters::store::open::Store;
use crate::commands::exec::check_order;
use crate::commands::place::Place;
use crate::commands::wire::Wiring;
use crate::commands::{nothing, preflight};
use crate::engine::intake;
use crate::error::Error;
use crate::reporters::table::grid;
use crate::rules::budget::Budget;
use crate::rules::exit::Exit;
use crate::rules::ids::Timestamp;
use crate::rules::issue::Selection;
use crate::rules::money::Usd;
use crate::rules::names::clip;
use crate::rules::schedule::forecast::{Forecast, Placed, as_expected, forecast};
use crate::rules::task::Task;
use serde_json::{Value, json};

const MINUTE: u64 = 60_000;
const TITLE: usize = 44;

/// Runs it.
pub async fn run(
    place: &Place,
    wiring: &Wiring,
    selection: &Selection,
    fit: bool,
) -> Result<Exit, Error> {
    preflight::check(wiring)?;
    let forge = wiring.forge()?;
    let store = Store::open_read_only(&wiring.state).ok();
    let mut settings = wiring.settings(selection.label.as_deref(), store.as_ref());
    settings.priority_first = fit;
    let minutes = store
        .as_ref()
        .and_then(|store| store.typical_minutes(&wiring.project_key()).ok().flatten());
    let issues = forge.open_issues(selection).await?;
    nothing::tell_absent(place, forge.as_ref(), selection, &issues).await?;
    let tasks = intake::read(forge.as_ref(), issues, &settings, minutes, []).await?;
    check_order(&tasks)?;
    let runnable = tasks.iter().filter(|task| task.obstacle.is_none());
    let costs: Vec<Usd> = runnable.map(|task| task.estimate.cost).collect();
    let budget = Budget::new(settings.ceiling, settings.daily_ceiling);
    let affordable = budget.precheck(costs.iter().copied(), Timestamp(0));
    let duration = |task: &Task| u64::from(task.estimate.minutes) * MINUTE;
    let plan = forecast(tasks.clone(), &settings, duration, |task, _| {
        as_expected(task)
    })
    .unwrap_or_default();
    let estimated: Usd = costs.into_iter().sum();
    let refusal = affordable
        .err()
        .filter(|_| !fit)
        .map(|refusal| refusal.to_string());
    let event = json!({
        "v": 1, "event": "dry_run", "project": wiring.project.name(), "slots": settings.slots,
        "makespan_minutes": plan.makespan_millis / MINUTE, "estimated_usd": estimated.decimal(),
        "budget_usd": settings.ceiling.decimal(), "refused": refusal,
        "tasks": tasks.iter().map(|task| as_json(task, &plan)).collect::<Value>(),
    });
    let text = if tasks.is_empty() {
        nothing::words(wiring, selection)
    } else {
        let ends = refusal.as_ref().map_or_else(String::new, |refusal| {
            format!("It would be refused: {refusal}.\n")
        });
        format!(
            "{}\n{} tasks in about {} minutes at {} slots, estimated {estimated} of {}. Nothing was touched.\n{ends}",
            table(&tasks, &plan),
            tasks.len(),
            plan.makespan_millis / MINUTE,
            settings.slots,
            settings.ceiling,
        )
    };
    place.output.result(&text, &event)?;
    Ok(if refusal.is_some() {
        Exit::Budget
    } else {
        Exit::Done
    })
}

fn placed(task: &Task, plan: &Forecast) -> Option<Placed> {
    plan.attempts
        .iter()
        .find(|placed| placed.issue == task.number())
        .copied()
}

fn as_json(task: &Task, plan: &Forecast) -> Value {
    let placed = placed(task, plan);
    json!({
        "issue": task.number(), "title": task.issue.title, "domain": task.domain.domain.word(),
        "confidence": task.domain.confidence, "reasons": task.domain.reasons,
        "files": task.footprint.files.iter().map(|file| &file.path).collect::<Vec<_>>(),
        "needs": task.needs, "priority": task.priority.word(), "branch": task.branch,
        "starts_minute": placed.map(|placed| placed.from / MINUTE), "slot": placed.map(|placed| placed.slot),
        "estimated_usd": task.estimate.cost.decimal(),
        "left_out": task.obstacle.as_ref().map(|obstacle| &obstacle.reason),
    })
}

fn table(tasks: &[Task], plan: &Forecast) -> String {
    let mut order: Vec<&Task> = tasks.iter().collect();
    order.sort_by_key(|task| placed(task, plan).map_or(u64::MAX, |placed| placed.from));
    let heads = vec![
        "ISSUE", "TITLE", "DOMAIN", "FILES", "NEEDS", "STARTS", "SLOT", "ESTIMATE",
    ];
    let rows = order.into_iter().map(|task| row(task, plan)).collect();
    grid(heads, rows, 6).join("\n") + "\n"
}

fn row(task: &Task, plan: &Forecast) -> Vec<String> {
    let placed = placed(task, plan);
    let starts = match (&task.obstacle, placed) {
        (Some(obstacle), _) => clip(&obstacle.reason, TITLE),
        (None, Some(placed)) => format!("+{} min", placed.from / MINUTE),
        (None, None) => "never".to_owned(),
    };
    let files: Vec<&str> = task
        .footprint
        .files
        .iter()
        .map(|file| file.path.as_str())
        .collect();
    let needs: Vec<String> = task.needs.iter().map(ToString::to_string).collect();
    vec![
        task.number().to_string(),
        clip(&task.issue.title, TITLE),
        task.domain.domain.word().to_owned(),
        clip(&files.join(" "), TITLE),
        needs.join(" "),
        starts,
        placed.map_or_else(String::new, |placed| placed.slot.to_string()),
        task.estimate.cost.to_string(),
    ]
}
