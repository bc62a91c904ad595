//! What is said of a session's work as a whole.

use crate::reporters::words::plural;
use crate::rules::certificate::{Certificate, LeftOut, Proof, Why};
use crate::rules::event::Event;
use crate::rules::printable::printable;
use serde_json::{Value, json};

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
        Why::Breaks { checks } => ("breaks", None, Some(checks), None),
        Why::Stands { on } => ("stands", None, None, Some(on)),
    };
    json!({ "issue": left.issue, "why": why, "paths": paths, "checks": checks, "on": on })
}
