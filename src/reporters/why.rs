//! Why a task does not run, for people and for programs.

use crate::reporters::shape::{VERSION, with};
use crate::reporters::slots::{while_short, word};
use crate::reporters::time::{ahead, human, rfc3339};
use crate::reporters::words::{brief, plural, spoken};
use crate::rules::conflict::{Shared, THRESHOLD, UNKNOWN};
use crate::rules::ids::{IssueNumber, SessionId, Timestamp};
use crate::rules::printable::printable;
use crate::rules::room::Lessened;
use crate::rules::schedule::why::{ButFor, Change, Explanation, Over, Wait};
use serde_json::{Value, json};

/// Files that are named one by one.
const FILES: usize = 5;
/// Files of a smaller chance are not named beside others.
const TELLING: f64 = 0.01;

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// A session as it would begin: nothing runs yet, and those that would start at once count as running.
    Dry,
    /// A session that a process works on, or that has ended.
    Session(SessionId),
    /// A session whose process is gone, as it stood then.
    Interrupted(SessionId),
}

/// A few lines, each ended.
#[must_use]
pub fn told(why: &Explanation, now: Timestamp, asked: &Asked) -> String {
    let title = brief(&why.task.issue.title);
    let mut lines = vec![
        format!("{} {title}\n", why.task.number()),
        standing(why, now, asked),
    ];
    lines.extend(why.conflicts.iter().map(conflict));
    let waits = why.waits.iter();
    let own = why.task.number();
    lines.extend(waits.map(|wait| format!("  waits for {}\n", waits_for(own, wait, now))));
    if let (Some(starts), false) = (why.starts_in, why.waits.is_empty()) {
        lines.push(format!("It will likely start {}.\n", in_minutes(starts)));
    }
    lines.extend(why.but_for.iter().map(|ButFor { change, starts_in }| {
        let (change, at) = (changed(change), in_minutes(*starts_in));
        format!("It would start {at} {change}.\n")
    }));
    lines.push(known(why));
    if let (Asked::Interrupted(session), None) = (asked, &why.ended) {
        let resume = format!("`autoissue resume {session}`");
        lines.push(format!(
            "The session was interrupted, and this is how it stood: {resume} goes on.\n"
        ));
    }
    lines.concat()
}

fn standing(why: &Explanation, now: Timestamp, asked: &Asked) -> String {
    if let Some((ending, reason)) = &why.ended {
        let reason = reason.as_deref().map(brief);
        let reason = reason.filter(|reason| !reason.is_empty());
        let reason = reason.map(|reason| format!(": {reason}"));
        let ending = spoken(ending.word());
        return format!("It ended as {ending}{}.\n", reason.unwrap_or_default());
    }
    if let Some(since) = why.running {
        return match asked {
            Asked::Dry => "It would start at once.\n".to_owned(),
            Asked::Session(_) => {
                format!("It runs, since {}.\n", human(now.millis_since(since)))
            }
            Asked::Interrupted(_) => "It ran when the session was interrupted.\n".to_owned(),
        };
    }
    if why.waits.is_empty() {
        return "Nothing keeps it: it starts next.\n".to_owned();
    }
    String::new()
}

fn conflict((with, paths): &(Option<IssueNumber>, Vec<String>)) -> String {
    let with = with.map_or_else(
        || "the base branch, which has moved on,".to_owned(),
        |issue| issue.to_string(),
    );
    format!(
        "Its work does not merge with {with} over {}.\n",
        files(paths)
    )
}

fn waits_for(own: IssueNumber, wait: &Wait, now: Timestamp) -> String {
    match wait {
        Wait::Need { issue, merge } => {
            let merge = if *merge { ", and its merge" } else { "" };
            format!("{issue}, which it needs{merge}")
        }
        Wait::Merge { issue } => format!("the merge of {issue}, which it needs"),
        Wait::Collision {
            issue,
            runs,
            changed,
            over,
        } => {
            let stands = match (runs, changed.as_slice()) {
                (true, []) => "which runs".to_owned(),
                (true, changed) => format!("which runs and has changed {} already", files(changed)),
                (false, _) => "which was passed over too often and goes first".to_owned(),
            };
            format!("{issue}, {stands}: {}", collides(over))
        }
        Wait::Slot { ahead, lessened } => slot(*ahead, *lessened),
        Wait::Time { until, reason } => format!("{}: {}", ahead(*until, now), brief(reason)),
        Wait::Probe { issue } => format!("{issue}, the probe of the breaker"),
        Wait::Money { short_by } => format!("money: {short_by} is missing for one more attempt"),
        Wait::Approval { reason } => {
            format!(
                "a person: `autoissue approve {}` ({})",
                own.0,
                brief(reason)
            )
        }
        Wait::Answer { question } => {
            format!(
                "a person: `autoissue answer {} \"...\"` ({})",
                own.0,
                brief(question)
            )
        }
        Wait::Resume { reason } => format!("`autoissue resume`: {}", brief(reason)),
    }
}

fn slot(ahead: usize, lessened: Option<(Lessened, u32)>) -> String {
    let behind = match ahead {
        0 => String::new(),
        ahead => format!(", behind {}", plural(ahead as u64, "task")),
    };
    let short = lessened.map(|(lessened, configured)| while_short(&lessened, configured));
    let short = short.map_or_else(String::new, |short| format!(": {short}"));
    format!("a slot{behind}{short}")
}

fn collides(over: &Over) -> String {
    match over {
        Over::Files { files, chance } => {
            let telling = files.iter().filter(|file| file.chance >= TELLING).count();
            let named = telling.clamp(1, FILES);
            let more = telling.saturating_sub(named);
            let named: Vec<String> = files.iter().take(named).map(shared).collect();
            let more = if more == 0 {
                String::new()
            } else {
                format!(" and {}", plural(more as u64, "more file"))
            };
            let (chance, threshold) = (percent(*chance), percent(THRESHOLD));
            format!(
                "they collide with a chance of {chance} ({threshold} keeps them apart) over {}{more}",
                named.join(", ")
            )
        }
        Over::Domain(domain) => format!(
            "both are of the domain {}, and not both have known files",
            domain.word()
        ),
        Over::Unknown => "one of them is of unknown domain, and runs alone".to_owned(),
    }
}

fn shared(file: &Shared) -> String {
    format!("{} ({})", printable(&file.path), percent(file.chance))
}

/// The first few by name.
fn files(paths: &[String]) -> String {
    let named: Vec<String> = paths
        .iter()
        .take(FILES)
        .map(|path| printable(path))
        .collect();
    match paths.len().saturating_sub(FILES) {
        0 => named.join(", "),
        more => format!(
            "{} and {}",
            named.join(", "),
            plural(more as u64, "more file")
        ),
    }
}

fn percent(chance: f64) -> String {
    format!("{:.0} %", chance * 100.0)
}

fn in_minutes(minutes: u64) -> String {
    if minutes == 0 {
        "now".to_owned()
    } else {
        format!("in about {}", plural(minutes, "minute"))
    }
}

fn changed(change: &Change) -> String {
    match change {
        Change::Without(others) => format!("without {}", listed(others)),
        Change::Slots(slots) => format!("with {}", plural(u64::from(*slots), "slot")),
    }
}

fn listed(issues: &[IssueNumber]) -> String {
    let issues: Vec<String> = issues.iter().map(ToString::to_string).collect();
    issues.join(" and ")
}

/// What is known of its files and domain.
fn known(why: &Explanation) -> String {
    let (task, domain) = (&why.task, why.task.domain.domain.word());
    if task.footprint.is_known() {
        let files = plural(task.footprint.files.len() as u64, "likely file");
        return format!("Known of it: {files}, domain {domain}.\n");
    }
    if domain == "unknown" {
        let chance = percent(UNKNOWN);
        return format!(
            "Nothing is known of its files or domain: it counts as colliding with any other with a chance of {chance}, \
             so it runs beside them.\n"
        );
    }
    format!("Its files are not known: its domain, {domain}, stands in.\n")
}

/// The same as one object.
#[must_use]
pub fn as_json(why: &Explanation, asked: &Asked) -> Value {
    let (session, session_state) = match asked {
        Asked::Dry => (None, "dry"),
        Asked::Session(id) => (Some(id), "as_it_stands"),
        Asked::Interrupted(id) => (Some(id), "interrupted"),
    };
    let state = match (&why.ended, why.running, asked) {
        (Some(_), _, _) => "ended",
        (None, Some(_), Asked::Interrupted(_)) => "interrupted",
        (None, Some(_), Asked::Dry | Asked::Session(_)) => "running",
        (None, None, _) => "waiting",
    };
    json!({
        "v": VERSION,
        "event": "why",
        "dry": *asked == Asked::Dry,
        "session": session,
        "session_state": session_state,
        "issue": why.task.number(),
        "title": why.task.issue.title,
        "domain": why.task.domain.domain.word(),
        "files_known": why.task.footprint.is_known(),
        "state": state,
        "outcome": why.ended.as_ref().map(|(ending, _)| ending.word()),
        "reason": why.ended.as_ref().and_then(|(_, reason)| reason.clone()),
        "since": why.running.filter(|_| session.is_some()).map(rfc3339),
        "waits_for": why.waits.iter().map(wait_json).collect::<Value>(),
        "starts_in_minutes": why.starts_in,
        "but_for": why.but_for.iter().map(but_for_json).collect::<Value>(),
        "conflicts": why.conflicts.iter().map(conflict_json).collect::<Value>(),
    })
}

fn conflict_json((with, paths): &(Option<IssueNumber>, Vec<String>)) -> Value {
    json!({ "with": with, "paths": paths })
}

fn wait_json(wait: &Wait) -> Value {
    match wait {
        Wait::Need { issue, merge } => json!({ "kind": "need", "issue": issue, "merge": merge }),
        Wait::Merge { issue } => json!({ "kind": "merge", "issue": issue }),
        Wait::Collision {
            issue,
            runs,
            changed,
            over,
        } => with(
            collision_json(*issue, *runs, over),
            json!({ "changed": changed }),
        ),
        Wait::Slot { ahead, lessened } => slot_json(*ahead, *lessened),
        Wait::Time { until, reason } => {
            json!({ "kind": "time", "until": rfc3339(*until), "reason": reason })
        }
        Wait::Probe { issue } => json!({ "kind": "probe", "issue": issue }),
        Wait::Money { short_by } => {
            json!({ "kind": "money", "short_by_usd": short_by.decimal() })
        }
        Wait::Approval { reason } => json!({ "kind": "approval", "reason": reason }),
        Wait::Answer { question } => json!({ "kind": "answer", "question": question }),
        Wait::Resume { reason } => json!({ "kind": "resume", "reason": reason }),
    }
}

fn slot_json(ahead: usize, lessened: Option<(Lessened, u32)>) -> Value {
    let less = lessened.map(|(lessened, configured)| {
        let short = word(&lessened.shortage);
        json!({ "slots": lessened.slots, "configured": configured, "short": short })
    });
    with(
        json!({ "kind": "slot", "ahead": ahead }),
        less.unwrap_or_default(),
    )
}

fn collision_json(issue: IssueNumber, runs: bool, over: &Over) -> Value {
    let kind = if runs { "collision" } else { "turn" };
    match over {
        Over::Files { files, chance } => {
            let files: Value = files
                .iter()
                .map(|file| json!({ "path": file.path, "chance": file.chance }))
                .collect();
            json!({ "kind": kind, "issue": issue, "over": "files", "chance": chance, "files": files })
        }
        Over::Domain(domain) => {
            json!({ "kind": kind, "issue": issue, "over": "domain", "domain": domain.word() })
        }
        Over::Unknown => json!({ "kind": kind, "issue": issue, "over": "unknown_domain" }),
    }
}

fn but_for_json(but_for: &ButFor) -> Value {
    let starts = but_for.starts_in;
    match &but_for.change {
        Change::Without(others) => json!({ "without": others, "starts_in_minutes": starts }),
        Change::Slots(slots) => json!({ "slots": slots, "starts_in_minutes": starts }),
    }
}
