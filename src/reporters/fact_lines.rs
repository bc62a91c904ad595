//! What people read of each fact that an attempt finds on its way: one short function per kind.

use crate::reporters::line::Line;
use crate::reporters::time::human;
use crate::reporters::words::{fit, plural, verdict};
use crate::rules::event::{Effect, Fact};
use crate::rules::ids::IssueNumber;
use crate::rules::printable::printable;
use crate::rules::task::{CheckReport, Commit, Pull};

/// Columns that a check's name gets.
const NAME: usize = 60;

/// What there is to say about a fact that an attempt found, if anything.
pub(super) fn fact_found(issue: IssueNumber, fact: &Fact) -> Option<Line> {
    match fact {
        Fact::AgentDone { charge, .. } => Some(Line::about(
            issue,
            format!(" agent done, {} so far", charge.cost),
        )),
        Fact::Committed { commit } => Some(committed(issue, commit)),
        Fact::Checked { reports } => checked(issue, reports),
        Fact::KeptFrom { hosts } => Some(Line::about(issue, kept_from(hosts))),
        Fact::BranchChosen { branch } => {
            Some(Line::about(issue, format!(" goes to branch {branch}")))
        }
        Fact::Did { effect, pull } => did(issue, effect, pull.as_ref()),
        Fact::Entered { .. }
        | Fact::Spawned { .. }
        | Fact::Conversed { .. }
        | Fact::Snapshot { .. }
        | Fact::Verified
        | Fact::Intends { .. } => None,
    }
}

/// ` was kept from evil.example:443 (add it to sandbox.hosts to allow)`.
pub(super) fn kept_from(hosts: &[String]) -> String {
    let them = if hosts.len() == 1 { "it" } else { "them" };
    let names = printable(&hosts.join(", "));
    format!(" was kept from {names} (add {them} to sandbox.hosts to allow)")
}

fn committed(issue: IssueNumber, commit: &Commit) -> Line {
    let short = commit.id.as_str().get(..10).unwrap_or_default();
    let files = plural(commit.diff.files, "file");
    let (added, removed) = (commit.diff.added, commit.diff.removed);
    Line::about(
        issue,
        format!(" committed {short}: {files}, +{added} -{removed}"),
    )
}

fn checked(issue: IssueNumber, reports: &[CheckReport]) -> Option<Line> {
    let said = |report: &CheckReport| {
        let name = fit(&printable(&report.name), NAME);
        format!(
            "{name} {} ({})",
            verdict(report.verdict),
            human(report.millis)
        )
    };
    let said: Vec<String> = reports.iter().map(said).collect();
    if said.is_empty() {
        return None;
    }
    Some(Line::about(issue, format!(" checks: {}", said.join(", "))))
}

fn did(issue: IssueNumber, effect: &Effect, pull: Option<&Pull>) -> Option<Line> {
    match effect {
        Effect::Push { branch, .. } => Some(Line::about(issue, format!(" pushed {branch}"))),
        Effect::OpenPull { .. } => {
            let pull = pull?;
            Some(Line::about(issue, format!(" pull {} opened", pull.number)))
        }
        Effect::Answer { pull, .. } => Some(Line::about(issue, format!(" answered on {pull}"))),
        Effect::Describe { .. }
        | Effect::Detail { .. }
        | Effect::AskReview { .. }
        | Effect::AddLabel { .. }
        | Effect::RemoveLabel { .. }
        | Effect::Status { .. }
        | Effect::Assign { .. }
        | Effect::Comment { .. } => None,
    }
}
