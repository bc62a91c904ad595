//! What is said of a session's work as a whole.

use crate::reporters::line::Line;
use crate::reporters::paint::Tone;
use crate::reporters::shape::with;
use crate::reporters::words::plural;
use crate::rules::certificate::{Certificate, LeftOut, Proof, Why};
use crate::rules::event::Event;
use crate::rules::ids::IssueNumber;
use crate::rules::printable::printable;
use crate::rules::rework::{Conflict, Outdated};
use crate::rules::tally::Tally;
use serde_json::{Value, json};

/// Conflicts that one line tells besides the first.
const MOST_TOLD: usize = 4;
/// How many issues are named in one line.
const MOST: usize = 12;

/// One sentence about all of it.
#[must_use]
pub(super) fn sentence(certificate: &Certificate) -> String {
    let issues: Vec<String> = certificate
        .together
        .iter()
        .take(MOST)
        .map(ToString::to_string)
        .collect();
    let mut order = issues.join(", ");
    if let Some(more) = certificate
        .together
        .len()
        .checked_sub(MOST)
        .filter(|more| *more > 0)
    {
        order = format!("{order} and {more} more");
    }
    match &certificate.proof {
        Proof::Passed { .. } => format!("these merge in this order, and pass together: {order}"),
        Proof::Merged => {
            format!("these merge in this order, and no checks have tried them together: {order}")
        }
        Proof::Untried => "nothing was tried together".to_owned(),
        Proof::Unknown { reason } => format!("nobody knows: {}", printable(reason)),
    }
}

/// Each that is left out, with the reason, as `(issue, words)`.
pub(super) fn left_out(certificate: &Certificate) -> impl Iterator<Item = (String, String)> + '_ {
    let line = |left: &LeftOut| {
        (
            left.issue.to_string(),
            printable(&left.why.words()).replace('`', ""),
        )
    };
    certificate.left_out.iter().map(line)
}

/// Conflicts that were found while somebody still works on them.
pub(super) fn meeting(tally: &Tally, conflicts: &[Conflict]) -> Option<Line> {
    let (first, more) = conflicts.split_first()?;
    let more = more.iter().take(MOST_TOLD).map(both_change);
    let mut told: Vec<String> = std::iter::once(both_change(first)).chain(more).collect();
    told.push(then(tally).to_owned());
    let text = told.join("; ");
    let text = text.trim_end_matches("; ");
    let (head, rest) = text.split_once(' ').unwrap_or((text, ""));
    Some(Line::news(Tone::Warn, head, format!(" {rest}")))
}

/// Work that the base branch has moved away from.
pub(super) fn moved_on(outdated: &[Outdated]) -> Option<Line> {
    let (first, more) = outdated.split_first()?;
    let mut text = format!(" {}", printable(&first.words()));
    for outdated in more.iter().take(MOST_TOLD) {
        let words = printable(&outdated.words());
        text = format!("{text}; {} {words}", outdated.issue);
    }
    Some(Line::warn(first.issue, text))
}

/// All that does not merge as it stands: what is still worked on, then what is offered.
#[must_use]
pub fn told(tally: &Tally) -> Vec<String> {
    let brewing = tally.brewing.iter().map(|conflict| match then(tally) {
        "" => both_change(conflict),
        then => format!("{}; {then}", both_change(conflict)),
    });
    let outdated = tally.outdated.iter();
    let outdated = outdated.map(|one| format!("{} {}", one.issue, printable(&one.words())));
    let offered = tally.conflicts.iter().map(both_change);
    brewing.chain(offered).chain(outdated).collect()
}

/// The same of one task, in words that follow its number.
pub(super) fn of_task(tally: &Tally, issue: IssueNumber) -> impl Iterator<Item = String> + '_ {
    let all = tally.brewing.iter().chain(&tally.conflicts);
    let others = all.filter_map(move |conflict| {
        let other = conflict.of(issue)?;
        let over = named(&conflict.paths);
        Some(format!("does not merge with {other} over {over}"))
    });
    let outdated = tally.outdated.iter().filter(move |one| one.issue == issue);
    others.chain(outdated.map(|one| printable(&one.words())))
}

/// The same as printed JSON.
pub(super) fn open(tally: &Tally) -> Value {
    let is_running = |running: bool| move |value: Value| with(value, json!({ "running": running }));
    let brewing = tally.brewing.iter().map(|conflict| json!(conflict));
    let offered = conflicts(tally).into_iter().map(is_running(false));
    brewing.map(is_running(true)).chain(offered).collect()
}

/// What is offered and conflicts; with `null` stands for the base branch.
pub(super) fn conflicts(tally: &Tally) -> Vec<Value> {
    let outdated = tally.outdated.iter();
    let outdated =
        outdated.map(|one| json!({ "issue": one.issue, "with": null, "paths": one.paths }));
    let conflicts = tally.conflicts.iter().map(|conflict| json!(conflict));
    conflicts.chain(outdated).collect()
}

fn both_change(conflict: &Conflict) -> String {
    let (one, other) = (conflict.with, conflict.issue);
    format!(
        "{one} and {other} both change {} and do not merge",
        named(&conflict.paths)
    )
}

/// What will be done about it.
fn then(tally: &Tally) -> &'static str {
    let settings = tally.settings.as_ref();
    if settings.is_some_and(|settings| settings.together.rework) {
        "the later will be reworked"
    } else {
        ""
    }
}

/// The first of the files, and how many more.
fn named(paths: &[String]) -> String {
    let first = paths.first().map_or("?", String::as_str);
    match paths.len() {
        0 | 1 => printable(first),
        count => format!("{} and {} more", printable(first), count - 1),
    }
}

/// How many are left out: ` 2 pulls left out`.
pub(super) fn counted(certificate: &Certificate) -> String {
    match certificate.left_out.len() {
        0 => String::new(),
        count => format!("; {} left out", plural(count as u64, "task")),
    }
}

/// As printed JSON.
pub(super) fn as_json(certificate: &Certificate) -> Value {
    let (proof, reason) = match &certificate.proof {
        Proof::Passed { .. } => ("passed", None),
        Proof::Merged => ("merged", None),
        Proof::Untried => ("untried", None),
        Proof::Unknown { reason } => ("unknown", Some(reason)),
    };
    json!({
        "proof": proof,
        "reason": reason,
        "base": certificate.base,
        "together": certificate.together,
        "left_out": certificate.left_out.iter().map(left_out_json).collect::<Value>(),
        "check_runs": certificate.runs,
    })
}

/// The fields of an event about the work as a whole.
pub(super) fn fields(event: &Event) -> Value {
    if let Event::TestMerged { issues, conflicts } = event {
        return json!({ "issues": issues, "conflicts": conflicts });
    }
    if let Event::Looked {
        touched,
        conflicts,
        over,
    } = event
    {
        return json!({ "touched": touched, "conflicts": conflicts, "over": over });
    }
    if let Event::TriedOnBase {
        base,
        issues,
        outdated,
    } = event
    {
        return json!({ "base": base, "issues": issues, "outdated": outdated });
    }
    if let Event::ReworkOffered { issue, with, paths } = event {
        return json!({ "issue": issue, "with": with, "paths": paths });
    }
    if let Event::ReworkGivenUp { issue, reason } = event {
        return json!({ "issue": issue, "reason": reason });
    }
    if let Event::Certifying { parts } = event {
        let issues: Vec<_> = parts.iter().map(|part| part.issue).collect();
        return json!({ "issues": issues });
    }
    if let Event::Certified { certificate } = event {
        return as_json(certificate);
    }
    Value::Null
}

fn left_out_json(left: &LeftOut) -> Value {
    let (why, paths, checks, on) = match &left.why {
        Why::Conflicts { paths } => ("conflicts", Some(paths), None, None),
        Why::Meets { paths, .. } => ("meets", Some(paths), None, None),
        Why::Outdated { paths } => ("outdated", Some(paths), None, None),
        Why::Breaks { checks } => ("breaks", None, Some(checks), None),
        Why::Stands { on } => ("stands", None, None, Some(on)),
    };
    json!({ "issue": left.issue, "why": why, "paths": paths, "checks": checks, "on": on })
}
