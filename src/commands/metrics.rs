//! `metrics`: what all sessions cost, how well they did, and how much of the code they changed.

use crate::adapters::store::error::StoreError;
use crate::adapters::store::figures::{Code, Figures};
use crate::adapters::store::open::Store;
use crate::adapters::store::worked::Worked;
use crate::cli::look::MetricsArgs;
use crate::cli::values::Since;
use crate::commands::answer::Answer;
use crate::commands::output::{Stream, write};
use crate::commands::place::Place;
use crate::commands::store::look;
use crate::error::Error;
use crate::reporters::analytics;
use crate::reporters::paint::Colour;
use crate::reporters::shape::VERSION;
use crate::reporters::table::{grid, thousands, totals_table};
use crate::reporters::time::human;
use crate::reporters::words::{plural, spoken};
use crate::rules::analytics::windows::{self, Window};
use crate::rules::exit::Exit;
use crate::rules::footprint::record::{self, KindScore, Record};
use crate::rules::footprint::score::CUTS;
use crate::rules::ids::Timestamp;
use crate::rules::money::Usd;
use crate::rules::printable::{plain_json, printable};
use crate::rules::summary::Group;
use crate::rules::task::Ending;
use serde_json::{Map, Value, json};
use std::fmt::Write as _;
use std::path::Path;

/// Tasks that ended like this were tried; the others never ran, or did not end.
const TRIED: [Ending; 4] = [
    Ending::Completed,
    Ending::NoChange,
    Ending::Failed,
    Ending::NeedsHuman,
];

/// The windows that are shown where none is asked for, in milliseconds: 24 hours, 7 days, 30 days.
const WINDOWS: [i64; 3] = [86_400_000, 7 * 86_400_000, 30 * 86_400_000];

/// Prints the figures of this state directory.
pub fn run(place: &Place, args: MetricsArgs) -> Result<Exit, Error> {
    let (state, now) = (place.state_dir()?, now());
    if args.csv {
        let windows = look(&state)?.map(|store| windows(&store, args.since, now));
        let csv = analytics::csv(&windows.transpose()?.unwrap_or_default());
        write(Stream::Out, &csv)?;
        return Ok(Exit::Done);
    }
    let answer = match args.since {
        None => metrics(&state, now)?,
        Some(since) => window(&state, since, now)?,
    };
    if args.json {
        write(Stream::Out, &(plain_json(answer.event.to_string()) + "\n"))?;
    } else {
        answer.print(&place.output)?;
    }
    Ok(Exit::Done)
}

/// Now, by the wall clock.
pub(crate) fn now() -> Timestamp {
    Timestamp(chrono::Utc::now().timestamp_millis())
}

/// The figures of a state directory, over all time and of the last days.
pub fn metrics(state: &Path, now: Timestamp) -> Result<Answer, StoreError> {
    let (figures, records, windows) = match look(state)? {
        Some(store) => (
            store.figures()?,
            store.records(None)?,
            windows(&store, None, now)?,
        ),
        None => (Figures::default(), Vec::new(), Vec::new()),
    };
    let mut event = event(&figures);
    event["footprints"] = footprints(&records);
    event["windows"] = analytics::json(&windows);
    let side_by_side = if figures.sessions == 0 {
        String::new()
    } else {
        format!("\n{}", analytics::side_by_side(&windows))
    };
    Ok(Answer {
        text: text(&figures) + &side_by_side + &foreseen(&records),
        event,
    })
}

/// The figures from a moment on, with their groups.
pub fn window(state: &Path, since: Since, now: Timestamp) -> Result<Answer, StoreError> {
    let store = look(state)?;
    let windows = store.map(|store| windows(&store, Some(since), now));
    let windows = windows.transpose()?.unwrap_or_default();
    let text = match windows.first() {
        Some(window) if !window.all.is_empty() => {
            analytics::side_by_side(&windows) + &analytics::grouped(window)
        }
        Some(_) | None => format!(
            "Nothing ended, was merged or was paid since {}.\n",
            since.name()
        ),
    };
    Ok(Answer {
        text,
        event: analytics::event(&windows),
    })
}

/// The figures of the window that is asked for, or of the usual ones.
pub fn windows(
    store: &Store,
    since: Option<Since>,
    now: Timestamp,
) -> Result<Vec<Window>, StoreError> {
    let wanted = since.map_or_else(|| WINDOWS.map(Since::Ago).to_vec(), |since| vec![since]);
    let oldest = wanted.iter().map(|since| since.before(now)).min();
    let rows = store.rows(oldest.unwrap_or(now))?;
    let windows = wanted
        .iter()
        .map(|since| windows::window(&rows, &since.name(), since.before(now)));
    Ok(windows.collect())
}

fn text(figures: &Figures) -> String {
    if figures.sessions == 0 {
        return "No session yet. `autoissue exec <label>` starts one.\n".into();
    }
    let lines = [
        ("Sessions", thousands(figures.sessions)),
        ("Tasks", tasks(figures)),
        ("Success", success(figures)),
        ("Cost", cost(figures)),
        ("Code", code(figures.code)),
    ];
    let mut text = String::new();
    for (name, value) in lines {
        let _ = writeln!(text, "{name:10}{value}");
    }
    if !figures.domains.is_empty() {
        let table = totals_table(&figures.domains, &figures.models, Colour::Never);
        let _ = writeln!(text, "\n{table}");
    }
    if !figures.agents.is_empty() {
        let _ = writeln!(text, "\n{}", agents(&figures.agents));
    }
    text
}

/// One row for each agent and model.
fn agents(agents: &[Worked]) -> String {
    let heads = [
        "agent, model",
        "tasks",
        "done",
        "success",
        "attempts",
        "cost",
        "each took",
    ];
    let row = |worked: &Worked| {
        let success = worked.success_percent();
        let each = worked.millis / worked.attempts.max(1);
        vec![
            printable(&format!("{}, {}", worked.agent, worked.model)),
            thousands(worked.tasks),
            thousands(worked.completed),
            success.map_or_else(String::new, |percent| format!("{percent} %")),
            thousands(worked.attempts),
            worked.cost.to_string(),
            human(each),
        ]
    };
    grid(heads.to_vec(), agents.iter().map(row).collect(), 1).join("\n")
}

fn worked(worked: &Worked) -> Value {
    json!({
        "agent": worked.agent, "model": worked.model, "tasks": worked.tasks, "completed": worked.completed,
        "success_percent": worked.success_percent(), "attempts": worked.attempts,
        "cost_usd": worked.cost.decimal(), "attempt_millis": worked.millis / worked.attempts.max(1),
    })
}

/// How well the files of finished tasks were foreseen.
fn foreseen(records: &[Record]) -> String {
    let Some(means) = record::means(records) else {
        return String::new();
    };
    let percent = |share: f64| format!("{:.0} %", share * 100.0);
    let row = |score: &KindScore| {
        vec![
            score.kind.words().to_owned(),
            thousands(score.files as u64),
            percent(score.precision),
            percent(score.recall),
            format!("{:.3}", score.brier),
        ]
    };
    let kinds = record::by_kind(records);
    let rows = kinds.iter().map(row).collect();
    let table = grid(
        vec!["evidence", "files", "precision", "recall", "Brier"],
        rows,
        1,
    );
    let table = if kinds.is_empty() {
        String::new()
    } else {
        table.join("\n") + "\n"
    };
    format!(
        "\nFiles foreseen for {}: the first ten hold {} of what was touched,\nthe first one was touched in {}; Brier {:.3}\n{table}",
        plural(means.predictions, "finished task"),
        percent(means.recall[2]),
        percent(means.precision[0]),
        means.brier,
    )
}

fn footprints(records: &[Record]) -> Value {
    record::means(records).map_or(Value::Null, |means| {
        json!({
            "tasks": means.predictions, "cuts": CUTS, "precision": means.precision, "recall": means.recall,
            "brier": means.brier, "evidence": record::by_kind(records),
        })
    })
}

fn tasks(figures: &Figures) -> String {
    let all: u64 = figures.endings.iter().map(|(_, count)| count).sum();
    let parts: Vec<String> = figures
        .endings
        .iter()
        .map(|(ending, count)| format!("{} {}", thousands(*count), spoken(ending)))
        .collect();
    match parts.as_slice() {
        [] => "0".into(),
        parts => format!("{}: {}", thousands(all), parts.join(", ")),
    }
}

fn success(figures: &Figures) -> String {
    match (success_percent(figures), tried(figures)) {
        (Some(percent), tried) => format!("{percent} % of {} tried", plural(tried, "task")),
        (None, _) => "nothing was tried yet".into(),
    }
}

fn cost(figures: &Figures) -> String {
    let mut text = figures.spent.to_string();
    let completed = count(figures, Ending::Completed);
    if completed > 0 {
        let each = Usd::from_micros(figures.spent.micros().div_ceil(completed));
        let _ = write!(text, ", {each} for each completed task");
    }
    if figures.granted > Usd::ZERO {
        let _ = write!(text, "; {} set aside and not settled", figures.granted);
    }
    text
}

fn code(code: Code) -> String {
    format!(
        "{}, {} changed, {} added, {} removed",
        plural(code.pulls, "pull request"),
        plural(code.files, "file"),
        plural(code.added, "line"),
        thousands(code.removed)
    )
}

fn count(figures: &Figures, ending: Ending) -> u64 {
    let found = figures
        .endings
        .iter()
        .find(|(word, _)| word == ending.word());
    found.map_or(0, |(_, count)| *count)
}

fn tried(figures: &Figures) -> u64 {
    TRIED.iter().map(|ending| count(figures, *ending)).sum()
}

/// Completed tasks in a hundred that were tried, rounded down, so that 100 means all.
fn success_percent(figures: &Figures) -> Option<u64> {
    (count(figures, Ending::Completed) * 100).checked_div(tried(figures))
}

/// The figures as one event.
#[must_use]
pub fn event(figures: &Figures) -> Value {
    let endings: Map<String, Value> = figures
        .endings
        .iter()
        .map(|(ending, count)| (ending.clone(), json!(count)))
        .collect();
    json!({
        "v": VERSION,
        "event": "metrics",
        "sessions": figures.sessions,
        "tasks": endings,
        "success_percent": success_percent(figures),
        "cost_usd": figures.spent.decimal(),
        "granted_usd": figures.granted.decimal(),
        "code": {
            "pulls": figures.code.pulls,
            "files": figures.code.files,
            "added": figures.code.added,
            "removed": figures.code.removed,
        },
        "domains": figures.domains.iter().map(group).collect::<Value>(),
        "models": figures.models.iter().map(group).collect::<Value>(),
        "agents": figures.agents.iter().map(worked).collect::<Value>(),
    })
}

fn group(group: &Group) -> Value {
    json!({
        "name": group.name,
        "tasks": group.tasks,
        "completed": group.completed,
        "attempts": group.attempts,
        "cost_usd": group.cost.decimal(),
        "tokens": group.usage.total(),
    })
}
