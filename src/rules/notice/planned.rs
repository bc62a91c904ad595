//! A plan that waits for a person: what is told of it. Its session's events do not say what it will likely cost.

use crate::rules::ids::SessionId;
use crate::rules::money::Usd;
use crate::rules::notice::shape::{Notice, NoticeKind, PLAN_AWAITED, PLAN_OVERDUE};
use crate::rules::printable::{clip, printable};
use serde_json::json;

/// Characters of what it waits for.
const REASON: usize = 200;

/// A plan that nobody has said yes to, or that there is not enough money for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Awaited<'a> {
    /// Its session.
    pub session: Option<&'a SessionId>,
    /// The repository, as the forge names it.
    pub project: &'a str,
    /// How many issues it would open.
    pub issues: usize,
    /// What they cost in half of all cases.
    pub p50: Usd,
    /// What they cost at most in nine of ten cases.
    pub p90: Usd,
    /// Why it cannot go on by a yes alone, where that is so.
    pub refused: Option<&'a str>,
    /// What a person can do.
    pub next: &'a str,
}

impl Awaited<'_> {
    /// What people are told.
    #[must_use]
    pub fn notice(&self) -> Notice {
        let project = printable(self.project);
        let s = if self.issues == 1 { "" } else { "s" };
        let why = self.refused.map_or("approval".to_owned(), |refused| {
            format!("more money: {}", clip(refused, REASON))
        });
        let (issues, p50, p90) = (self.issues, self.p50, self.p90);
        let next = printable(self.next);
        Notice {
            kind: NoticeKind::NeedsPerson,
            event: PLAN_AWAITED,
            session: self.session.cloned(),
            reason: self.refused.map(|refused| clip(refused, REASON)),
            line: format!(
                "{project} plan of {issues} issue{s}, likely {p50} and at most {p90}, waits for {why} ({next})"
            ),
            plan: Some(json!({
                "issues": issues, "p50_usd": p50.decimal(), "p90_usd": p90.decimal(), "next": next,
            })),
            ..Notice::bare(self.project)
        }
    }
}

/// A plan that still waits after so many hours, for these people besides.
#[must_use]
pub fn overdue(session: &SessionId, project: &str, hours: u32, people: &[String]) -> Notice {
    let (name, people) = (printable(project), people.join(", "));
    let whom = if people.is_empty() {
        String::new()
    } else {
        format!(" of {people}")
    };
    Notice {
        kind: NoticeKind::NeedsPerson,
        event: PLAN_OVERDUE,
        session: Some(session.clone()),
        line: format!(
            "{name} plan still waits for approval{whom} after {hours} h (`autoissue resume {session} --yes` or `--no`)"
        ),
        ..Notice::bare(project)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_size_its_cost_and_what_to_do_are_told() {
        let mut awaited = Awaited {
            session: None,
            project: "acme/shop",
            issues: 1,
            p50: Usd::from_micros(2_500_000),
            p90: Usd::from_micros(5_000_000),
            refused: None,
            next: "`autoissue resume 01 --yes` carries it out",
        };
        let told = awaited.notice();
        assert!(told.is_urgent());
        assert_eq!(
            told.line,
            "acme/shop plan of 1 issue, likely $2.50 and at most $5.00, waits for approval (`autoissue resume 01 --yes` carries it out)"
        );
        assert_eq!(told.json("")["plan"]["p90_usd"], "5.00");
        (awaited.issues, awaited.refused) = (3, Some("it\u{1b}[31m is too dear\nmore"));
        let line = awaited.notice().line;
        assert!(line.contains("plan of 3 issues"), "{line}");
        assert!(
            line.contains("waits for more money: it is too dear more ("),
            "{line}"
        );
    }
}
