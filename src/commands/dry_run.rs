//! `exec --dry-run`: what would run, when, and at what price. Touches nothing.

use crate::adapters::store::open::Store;
use crate::commands::exec::{check_order, short_of_grant};
use crate::commands::footprint::known::foresee_as_known;
use crate::commands::footprint::report::as_values;
use crate::commands::place::Place;
use crate::commands::taken::taken;
use crate::commands::wire::Wiring;
use crate::commands::{nothing, preflight};
use crate::error::Error;
use crate::reporters::evaluation::evaluation_json;
use crate::reporters::out::Stream;
use crate::reporters::outlook::{at_best, outlook};
use crate::reporters::shape::with;
use crate::reporters::table::grid;
use crate::reporters::words::{brief, fit, plural};
use crate::rules::budget::Budget;
use crate::rules::exit::Exit;
use crate::rules::ids::{ByIssue, Timestamp};
use crate::rules::issue::Selection;
use crate::rules::money::Usd;
use crate::rules::past::Record;
use crate::rules::printable::printable;
use crate::rules::schedule::forecast::{Forecast, Placed};
use crate::rules::schedule::predict::predict;
use crate::rules::settings::Settings;
use crate::rules::task::Task;
use serde_json::{Value, json};
use std::fmt::Write as _;

const MINUTE: u64 = 60_000;
/// Columns of what a task needs.
const NEEDS: usize = 12;
/// Columns that are neither titles nor files.
const BESIDE: usize = 60;
/// Columns that a title gets at least, and where there is room.
const LEAST: usize = 16;
const TITLE: usize = 40;
/// Columns that files get at least, or they are not shown.
const FILES: usize = 16;
/// Columns that routes take.
const ROUTE: usize = 12;

/// Issues as a session would read them, and its settings.
pub struct Dry {
    /// The issues, read.
    pub tasks: Vec<Task>,
    /// What the session's decisions would rest on.
    pub settings: Settings,
    /// What past attempts took.
    pub record: Record,
}

/// Reads issues as `exec` does, and changes nothing.
pub async fn read(place: &Place, wiring: &Wiring, selection: &Selection) -> Result<Dry, Error> {
    preflight::check(wiring)?;
    let forge = wiring.forge()?;
    let store = Store::open_read_only(&wiring.state).ok();
    let settings = wiring.settings(selection.label.as_deref(), store.as_ref());
    let mut issues = forge.open_issues(selection).await?;
    nothing::tell_named(place, forge.as_ref(), selection, &mut issues).await?;
    let found = (issues, selection);
    let mut tasks = taken(wiring, forge.as_ref(), found, &settings, []).await?;
    check_order(&tasks)?;
    let known = foresee_as_known(wiring, store.as_ref(), forge.as_ref(), &mut tasks).await;
    let mut tasks = wiring.routed(tasks, &known, selection);
    let record = record(wiring, store.as_ref());
    record.estimate(&mut tasks);
    Ok(Dry {
        tasks,
        settings,
        record,
    })
}

/// What past attempts of this project took.
#[must_use]
pub fn record(wiring: &Wiring, store: Option<&Store>) -> Record {
    let past = store.and_then(|store| store.past(&wiring.project_key()).ok());
    Record::of(&past.unwrap_or_default())
}

/// Runs it.
pub async fn run(
    place: &Place,
    wiring: &Wiring,
    selection: &Selection,
    fit: bool,
) -> Result<Exit, Error> {
    let Dry {
        tasks,
        mut settings,
        record: _,
    } = read(place, wiring, selection).await?;
    settings.priority_first = fit;
    let runnable = tasks.iter().filter(|task| task.obstacle.is_none());
    let costs: Vec<Usd> = runnable.map(|task| task.estimate.cost).collect();
    let budget = Budget::new(settings.ceiling, settings.daily_ceiling);
    let affordable = budget.precheck(costs.iter().copied(), Timestamp(0));
    let (prediction, plan) = predict(tasks.clone(), &settings).unwrap_or_default();
    let needs_money = !costs.is_empty();
    let estimated: Usd = costs.into_iter().sum();
    let refusal = affordable
        .err()
        .filter(|_| !fit)
        .map(|refusal| refusal.to_string())
        .or_else(|| short_of_grant(&settings).filter(|_| needs_money));
    let plan = Planned::of(&plan);
    let event = || {
        let mut event = json!({
            "v": 1, "event": "dry_run", "project": wiring.project.name(), "slots": settings.slots,
            "estimated_usd": estimated.decimal(), "budget_usd": settings.ceiling.decimal(), "refused": refusal,
        });
        event["tasks"] = tasks.iter().map(|task| as_json(task, &plan)).collect();
        with(event, outlook(&prediction))
    };
    let text = || {
        if tasks.is_empty() {
            return nothing::words(wiring, selection);
        }
        let ends = refusal.as_ref().map_or_else(String::new, |refusal| {
            format!("It would be refused: {refusal}.\n")
        });
        let best = at_best(&prediction).map_or_else(String::new, |best| format!("; {best}"));
        format!(
            "{}\n{} in about {} with {}{best}.\nEstimated {estimated} of {}. Nothing was touched.\n{ends}",
            table(&tasks, &plan),
            plural(plan.forecast.attempts.len() as u64, "task"),
            plural(prediction.makespan_minutes, "minute"),
            plural(u64::from(settings.slots), "slot"),
            settings.ceiling,
        )
    };
    place.output.either(text, event)?;
    Ok(if refusal.is_some() {
        Exit::Budget
    } else {
        Exit::Done
    })
}

/// A forecast, with the first attempt at each task.
struct Planned<'a> {
    forecast: &'a Forecast,
    placed: ByIssue<Placed>,
}

impl<'a> Planned<'a> {
    fn of(forecast: &'a Forecast) -> Self {
        let attempts = forecast.attempts.iter().rev();
        let placed = attempts.map(|placed| (placed.issue, *placed)).collect();
        Self { forecast, placed }
    }

    fn placed(&self, task: &Task) -> Option<Placed> {
        self.placed.get(&task.number()).copied()
    }
}

fn as_json(task: &Task, plan: &Planned<'_>) -> Value {
    let placed = plan.placed(task);
    json!({
        "issue": task.number(), "title": task.issue.title, "domain": task.domain.domain.word(),
        "confidence": task.domain.confidence, "reasons": task.domain.reasons,
        "files": task.footprint.files.iter().map(|file| &file.path).collect::<Vec<_>>(),
        "likely_files": as_values(&task.footprint),
        "needs": task.needs, "priority": task.priority.word(), "branch": task.branch,
        "route": task.evaluation.as_ref().map(|found| found.route.word()),
        "evaluation": task.evaluation.as_deref().map(evaluation_json),
        "starts_minute": placed.map(|placed| placed.from / MINUTE), "slot": placed.map(|placed| placed.slot),
        "estimated_usd": task.estimate.cost.decimal(),
        "blocked": blocked(task, plan),
        "left_out": task.obstacle.as_ref().map(|obstacle| &obstacle.reason),
    })
}

/// Who starts first stands first; titles and files get what the screen has left.
fn table(tasks: &[Task], plan: &Planned<'_>) -> String {
    let mut order: Vec<&Task> = tasks.iter().collect();
    order.sort_by_key(|task| plan.placed(task).map_or(u64::MAX, |placed| placed.from));
    let layout = Layout::fitting(Stream::Out.width(), tasks);
    let mut heads = vec![
        "issue", "title", "domain", "route", "files", "needs", "starts", "slot", "estimate",
    ];
    heads.retain(|head| *head != "files" || layout.files.is_some());
    heads.retain(|head| *head != "route" || layout.routes);
    let texts = heads.len() - 2;
    let rows = order.iter().map(|task| row(task, plan, layout)).collect();
    let mut text = grid(heads, rows, texts).join("\n") + "\n";
    let left_out = |task: &&Task| Some(brief(&task.obstacle.as_ref()?.reason));
    listed(&mut text, "Left out", &order, left_out);
    let blocked = |task: &&Task| blocked(task, plan);
    listed(&mut text, "Blocked", &order, blocked);
    let approval = |task: &&Task| {
        let evaluation = task.evaluation.as_ref()?;
        let waits = evaluation.wants_approval() && plan.placed(task).is_some();
        waits.then(|| brief(&evaluation.why()))
    };
    listed(&mut text, "Wait for approval", &order, approval);
    text
}

/// Why a task would never start although nothing leaves it out: what it needs, or the money.
fn blocked(task: &Task, plan: &Planned<'_>) -> Option<String> {
    if task.obstacle.is_some() || plan.placed(task).is_some() {
        return None;
    }
    let entry = plan.forecast.session.entry(task.number())?;
    entry.ending()?;
    Some(brief(entry.reason().unwrap_or_default()))
}

/// A line for each task of which there is something to say.
fn listed(
    text: &mut String,
    head: &str,
    tasks: &[&Task],
    words: impl Fn(&&Task) -> Option<String>,
) {
    let lines = tasks.iter().filter_map(|task| {
        let issue = task.number().to_string();
        Some(format!("  {issue:<6} {}\n", words(task)?))
    });
    let lines = lines.collect::<Vec<_>>().concat();
    if !lines.is_empty() {
        let _ = write!(text, "\n{head}\n{lines}");
    }
}

/// What the screen has room for.
#[derive(Clone, Copy)]
struct Layout {
    room: usize,
    routes: bool,
    files: Option<usize>,
}

impl Layout {
    fn fitting(width: usize, tasks: &[Task]) -> Self {
        let room = width.saturating_sub(BESIDE);
        let routes = room >= TITLE + ROUTE && tasks.iter().any(|task| task.evaluation.is_some());
        let room = room - if routes { ROUTE } else { 0 };
        let files = room.checked_sub(TITLE).filter(|files| *files >= FILES);
        Self {
            room,
            routes,
            files,
        }
    }
}

fn row(task: &Task, plan: &Planned<'_>, layout: Layout) -> Vec<String> {
    let placed = plan.placed(task);
    let starts = match (&task.obstacle, placed) {
        (Some(_), _) => "left out".to_owned(),
        (None, Some(Placed { from: 0, .. })) => "at once".to_owned(),
        (None, Some(placed)) => format!("in {}m", placed.from / MINUTE),
        (None, None) => "blocked".to_owned(),
    };
    let or_nothing = |text: String| {
        if text.is_empty() {
            "-".to_owned()
        } else {
            text
        }
    };
    let needs: Vec<String> = task.needs.iter().map(ToString::to_string).collect();
    let title = layout
        .room
        .saturating_sub(layout.files.map_or(0, |_| FILES))
        .clamp(LEAST, TITLE);
    let mut cells = vec![
        task.number().to_string(),
        fit(&printable(&task.issue.title), title),
        task.domain.domain.word().to_owned(),
    ];
    if layout.routes {
        let route = task.evaluation.as_ref().map(|found| found.route.word());
        cells.push(route.unwrap_or("-").to_owned());
    }
    if let Some(width) = layout.files {
        let paths = task.footprint.by_probability();
        let paths: Vec<&str> = paths.iter().map(|file| file.path.as_str()).collect();
        let paths = printable(&paths.join(" "));
        cells.push(or_nothing(fit(&paths, width)));
    }
    cells.extend([
        or_nothing(fit(&needs.join(" "), NEEDS)),
        starts,
        placed.map_or("-".to_owned(), |placed| placed.slot.to_string()),
        task.estimate.cost.to_string(),
    ]);
    cells
}
