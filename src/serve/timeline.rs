//! Which slot worked on what and when, as bars; with the chain that took longest, and how soon it could have been.

use crate::commands::seen::Seen;
use crate::reporters::table::thousands;
use crate::reporters::time::human;
use crate::rules::graph::Dependencies;
use crate::rules::ids::{ByIssue, IssueNumber, Timestamp};
use crate::rules::printable::printable;
use crate::serve::asked::Asked;
use crate::serve::course::{Attempt, Course};
use crate::serve::problem::Problem;
use crate::serve::server::{House, blocking, page};
use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use std::collections::BTreeSet;

/// Width of the picture, its left margin, and the height of a slot, in its own units.
const WIDTH: u64 = 1_000;
const MARGIN: u64 = 70;
const HEIGHT: u64 = 28;
/// Attempts that are drawn at most: the latest.
const MOST: usize = 500;

/// One attempt.
#[derive(Debug)]
pub(super) struct Bar {
    pub(super) issue: u64,
    pub(super) x: u64,
    pub(super) y: u64,
    pub(super) width: u64,
    pub(super) class: &'static str,
    pub(super) is_critical: bool,
    pub(super) words: String,
}

/// Answers with it.
pub(super) async fn timeline(
    State(house): State<House>,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    blocking(house, move |house| {
        let row = asked.row(house)?;
        let now = house.now();
        let made = house
            .watched
            .look_back(&row, |seen, course| TimelinePage::new(seen, course, now))?;
        Ok(page(&made))
    })
    .await
}

/// All attempts of a session.
#[derive(Debug, Template)]
#[template(path = "timeline.html")]
pub(super) struct TimelinePage {
    pub(super) title: String,
    pub(super) session: String,
    pub(super) lanes: Vec<(u64, String)>,
    pub(super) bars: Vec<Bar>,
    pub(super) height: u64,
    pub(super) span: String,
    pub(super) notes: Vec<String>,
    /// Where the bound stands.
    pub(super) bound_at: Option<u64>,
}

impl TimelinePage {
    fn new(seen: &Seen, course: &Course, now: Timestamp) -> Self {
        let all = &course.attempts;
        let attempts = &all[all.len().saturating_sub(MOST)..];
        let from = attempts.iter().map(|it| it.from).min().unwrap_or(now);
        let running = attempts.iter().any(|it| it.to.is_none()) && seen.process().is_some();
        let last = attempts.iter().filter_map(|it| it.to).max();
        let to = if running { now } else { last.unwrap_or(from) };
        let span = to.millis_since(from).max(1);
        let slots = attempts.iter().map(|it| u64::from(it.slot.0) + 1).max();
        let slots = slots.unwrap_or(0);
        let at = |time: Timestamp| MARGIN + time.millis_since(from) * (WIDTH - MARGIN) / span;
        let best = Best::of(course, to, seen.tally.slots().1);
        let bar = |it: &Attempt| {
            let end = it.to.unwrap_or(to).min(to);
            let title = seen.tally.tasks.get(&it.issue);
            let title = title.map_or_else(String::new, |task| printable(&task.title));
            let took = human(end.millis_since(it.from));
            Bar {
                issue: it.issue.0,
                x: at(it.from),
                y: u64::from(it.slot.0) * HEIGHT + 4,
                width: at(end).saturating_sub(at(it.from)).max(2),
                class: match (it.to, it.went_well) {
                    (None, _) => "live",
                    (Some(_), true) => "run",
                    (Some(_), false) => "failed",
                },
                is_critical: best.path.contains(&it.issue),
                words: format!("{} {title}, {took}", it.issue),
            }
        };
        let is_whole = attempts.len() == all.len();
        let bound_at = from.plus_millis(best.millis);
        Self {
            title: "Timeline".to_owned(),
            session: seen.id.to_string(),
            lanes: (0..slots)
                .map(|slot| (slot * HEIGHT, format!("slot {slot}")))
                .collect(),
            bars: attempts.iter().map(bar).collect(),
            height: slots.max(1) * HEIGHT,
            span: human(span),
            notes: notes(seen, course, &best, is_whole),
            bound_at: (is_whole && best.millis > 0 && bound_at <= to).then(|| at(bound_at)),
        }
    }
}

/// How soon what was done could have been done.
struct Best {
    /// The tasks of the longest chain; nobody where no task waits for another.
    path: BTreeSet<IssueNumber>,
    /// How long that chain took.
    chain_millis: u64,
    /// What no order could have beaten: the longest chain, and all work evenly over the slots (Graham 1969).
    millis: u64,
}

impl Best {
    fn of(course: &Course, now: Timestamp, slots: u32) -> Self {
        let worked: ByIssue<u64> = course.worked(now);
        let tasks = course.tasks.iter();
        let graph = Dependencies::new(tasks.map(|task| (task.number(), &*task.needs)));
        let graph = graph.unwrap_or_default();
        let number = |place: usize| course.tasks[place].number();
        let weight = |place: usize| worked.get(&number(place)).copied().unwrap_or(0);
        let path = graph.critical_path(weight);
        let chain_millis = path.iter().map(|place| weight(*place)).sum();
        let path: BTreeSet<IssueNumber> = path
            .into_iter()
            .filter(|place| weight(*place) > 0)
            .map(number)
            .collect();
        let work: u64 = worked.values().sum();
        Self {
            path: if path.len() > 1 {
                path
            } else {
                BTreeSet::new()
            },
            chain_millis,
            millis: work.div_ceil(u64::from(slots.max(1))).max(chain_millis),
        }
    }
}

fn notes(seen: &Seen, course: &Course, best: &Best, is_whole: bool) -> Vec<String> {
    let mut notes = Vec::new();
    if !is_whole {
        let all = thousands(course.attempts.len() as u64);
        notes.push(format!("The last {MOST} of {all} attempts are drawn."));
    }
    if best.millis > 0 {
        notes.push(format!(
            "No order of this work could have taken less than {} with these slots; the longest chain took {}.",
            human(best.millis),
            human(best.chain_millis)
        ));
    }
    if !best.path.is_empty() {
        let path: Vec<String> = best.path.iter().map(ToString::to_string).collect();
        notes.push(format!("On the critical path: {}.", path.join(", ")));
    }
    if let Some(prediction) = seen.tally.prediction.as_ref() {
        let minutes = |minutes: u64| human(minutes * 60_000);
        notes.push(format!(
            "Before it began {} were expected, and {} at least.",
            minutes(prediction.makespan_minutes),
            minutes(prediction.lower_bound_minutes)
        ));
    }
    notes
}
