//! Which slot worked on what and when, as bars.

use crate::commands::seen::Seen;
use crate::reporters::time::human;
use crate::rules::event::{Event, Recorded};
use crate::rules::ids::{IssueNumber, Timestamp};
use crate::rules::printable::printable;
use crate::rules::task::Attempted;
use askama::Template;
use std::collections::HashMap;

/// Width of the picture, its left margin, and the height of a slot, in its own units.
const WIDTH: u64 = 1_000;
const MARGIN: u64 = 70;
const HEIGHT: u64 = 28;

/// One attempt.
#[derive(Debug)]
pub(super) struct Bar {
    pub(super) issue: u64,
    pub(super) x: u64,
    pub(super) y: u64,
    pub(super) width: u64,
    pub(super) class: &'static str,
    pub(super) words: String,
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
    pub(super) bound: String,
}

struct Attempt {
    issue: IssueNumber,
    slot: u32,
    from: Timestamp,
    to: Option<Timestamp>,
    went_well: bool,
}

impl TimelinePage {
    pub(super) fn new(seen: &Seen, events: &[Recorded], now: Timestamp) -> Self {
        let attempts = attempts(events);
        let from = attempts.iter().map(|it| it.from).min().unwrap_or(now);
        let running = attempts.iter().any(|it| it.to.is_none()) && seen.process().is_some();
        let last = attempts.iter().filter_map(|it| it.to).max();
        let to = if running { now } else { last.unwrap_or(from) };
        let span = to.millis_since(from).max(1);
        let slots = attempts.iter().map(|it| u64::from(it.slot) + 1).max();
        let slots = slots.unwrap_or(0);
        let at = |time: Timestamp| MARGIN + time.millis_since(from) * (WIDTH - MARGIN) / span;
        let bar = |it: &Attempt| {
            let end = it.to.unwrap_or(to).min(to);
            let title = seen.tally.tasks.get(&it.issue);
            let title = title.map_or_else(String::new, |task| printable(&task.title));
            let took = human(end.millis_since(it.from));
            Bar {
                issue: it.issue.0,
                x: at(it.from),
                y: u64::from(it.slot) * HEIGHT + 4,
                width: at(end).saturating_sub(at(it.from)).max(2),
                class: match (it.to, it.went_well) {
                    (None, _) => "live",
                    (Some(_), true) => "run",
                    (Some(_), false) => "failed",
                },
                words: format!("{} {title}, {took}", it.issue),
            }
        };
        let minutes = |minutes: u64| human(minutes * 60_000);
        let prediction = seen.tally.prediction.as_ref();
        Self {
            title: "Timeline".to_owned(),
            session: seen.id.to_string(),
            lanes: (0..slots)
                .map(|slot| (slot * HEIGHT, format!("slot {slot}")))
                .collect(),
            bars: attempts.iter().map(bar).collect(),
            height: slots.max(1) * HEIGHT,
            span: human(span),
            bound: prediction.map_or_else(String::new, |it| {
                format!(
                    "{} were expected, and {} at least with the critical path and the slots as they are",
                    minutes(it.makespan_minutes),
                    minutes(it.lower_bound_minutes)
                )
            }),
        }
    }
}

fn attempts(events: &[Recorded]) -> Vec<Attempt> {
    let mut attempts: Vec<Attempt> = Vec::new();
    let mut open: HashMap<IssueNumber, usize> = HashMap::new();
    for recorded in events {
        match &recorded.event {
            Event::Admitted { issue, slot, .. } => {
                open.insert(*issue, attempts.len());
                attempts.push(Attempt {
                    issue: *issue,
                    slot: slot.0,
                    from: recorded.at,
                    to: None,
                    went_well: false,
                });
            }
            Event::Settled { issue, outcome, .. } => {
                if let Some(at) = open.remove(issue) {
                    let failed = matches!(outcome.result, Attempted::Failed(_) | Attempted::Lost);
                    (attempts[at].to, attempts[at].went_well) = (Some(recorded.at), !failed);
                }
            }
            _ => {}
        }
    }
    attempts
}
