//! Does the work that a session offers fit together? Which of it, in which order, and what breaks it.

use crate::rules::ids::{CommitId, IssueNumber};
use crate::rules::offer::sections::code;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// One task's work as it is offered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// The task.
    pub issue: IssueNumber,
    /// Its verified commit.
    pub commit: CommitId,
    /// Those whose work its commit holds as well.
    pub below: Vec<IssueNumber>,
}

/// What became of merging a session's work and checking it as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    /// The commit of the base branch that all was merged onto.
    pub base: Option<CommitId>,
    /// Those that merge, and pass together, in this order.
    pub together: Vec<IssueNumber>,
    /// Those that do not, and why.
    pub left_out: Vec<LeftOut>,
    /// What was tried on the whole.
    pub proof: Proof,
    /// How often the checks ran for it.
    pub runs: u32,
}

/// Work that does not go together with the rest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// Whose.
    pub issue: IssueNumber,
    /// Why.
    pub why: Why,
}

/// Why work does not go together with the rest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "why")]
pub enum Why {
    /// It conflicts with what comes before it.
    Conflicts {
        /// Over these files.
        paths: Vec<String>,
    },
    /// It conflicts with the work of these, and nothing was tried together.
    Meets {
        /// Whose.
        with: Vec<IssueNumber>,
        /// Over these files.
        paths: Vec<String>,
    },
    /// It conflicts with the base branch itself, which has moved on.
    Outdated {
        /// Over these files.
        paths: Vec<String>,
    },
    /// With what comes before it, these checks fail.
    Breaks {
        /// Their names.
        checks: Vec<String>,
    },
    /// It stands on work that is left out.
    Stands {
        /// Whose.
        on: IssueNumber,
    },
}

/// What was tried on the merged whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "proof")]
pub enum Proof {
    /// It merges. No checks are configured.
    Merged,
    /// It merges, and passes these checks.
    Passed {
        /// Their names.
        checks: Vec<String>,
    },
    /// Nothing was tried, because nobody wants that.
    Untried,
    /// Nobody knows.
    Unknown {
        /// Why.
        reason: String,
    },
}

impl Certificate {
    /// Nothing could be found out.
    #[must_use]
    pub fn unknown(reason: impl Into<String>) -> Self {
        Self {
            base: None,
            together: Vec::new(),
            left_out: Vec::new(),
            proof: Proof::Unknown {
                reason: reason.into(),
            },
            runs: 0,
        }
    }

    /// Nothing was tried together; these conflict all the same.
    #[must_use]
    pub fn untried(left_out: Vec<LeftOut>) -> Self {
        Self {
            base: None,
            together: Vec::new(),
            left_out,
            proof: Proof::Untried,
            runs: 0,
        }
    }

    /// Why it is left out, if it is.
    #[must_use]
    pub fn why(&self, issue: IssueNumber) -> Option<&Why> {
        let found = self.left_out.iter().find(|left| left.issue == issue);
        found.map(|left| &left.why)
    }
}

impl Why {
    /// In words that follow the name of the work.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Conflicts { paths } => {
                format!("conflicts with those before it over {}", listed(paths))
            }
            Self::Meets { with, paths } => {
                let with: Vec<String> = with.iter().map(ToString::to_string).collect();
                let with = with.join(" and ");
                format!("conflicts with the work for {with} over {}", listed(paths))
            }
            Self::Outdated { paths } => format!(
                "conflicts with the base branch, which has moved on, over {}",
                listed(paths)
            ),
            Self::Breaks { checks } => {
                format!("fails {} together with those before it", listed(checks))
            }
            Self::Stands { on } => format!("stands on the work for {on}, which is left out"),
        }
    }
}

/// Takes one out, and all that stand on it.
pub fn leave_out(kept: &mut Vec<Part>, left_out: &mut Vec<LeftOut>, issue: IssueNumber, why: Why) {
    let mut gone = BTreeSet::from([issue]);
    kept.retain(|part| part.issue != issue);
    left_out.push(LeftOut { issue, why });
    // Those below come first, so one walk finds all.
    kept.retain(|part| {
        let on = part
            .below
            .iter()
            .find(|below| gone.contains(below))
            .copied();
        if let Some(on) = on {
            gone.insert(part.issue);
            left_out.push(LeftOut {
                issue: part.issue,
                why: Why::Stands { on },
            });
        }
        on.is_none()
    });
}

/// Names that are told at most.
const MOST_NAMES: usize = 5;
const BEGIN: &str = "<!-- autoissue:together -->";
const END: &str = "<!-- /autoissue:together -->";

/// The section that each pull gets: `name` tells how a task is called there.
#[must_use]
pub fn section(
    certificate: &Certificate,
    issue: IssueNumber,
    base_branch: &str,
    name: impl Fn(IssueNumber) -> String,
) -> String {
    let order: Vec<String> = certificate.together.iter().map(|one| name(*one)).collect();
    let order = order.join(", ");
    let base = certificate.base.as_ref().map_or("", CommitId::as_str);
    let base = format!(
        "{} at {}",
        code(base_branch),
        base.get(..10).unwrap_or(base)
    );
    let whole = match &certificate.proof {
        Proof::Merged => format!(
            "Onto {base} these merge in this order: {order}. No checks are configured, so nothing has tried them together."
        ),
        Proof::Passed { checks } => format!(
            "Onto {base} these merge in this order, and pass {} together: {order}.",
            listed(checks)
        ),
        Proof::Untried => return conflict(certificate, issue, base_branch, name),
        Proof::Unknown { reason } => format!("Nobody knows: {}.", code(reason)),
    };
    let own = certificate.why(issue).map_or_else(String::new, |why| {
        let (words, then) = (why.words(), advice(why, base_branch));
        format!("\n\n**This one is not among them:** it {words}.{then}")
    });
    format!("{BEGIN}\n### Together with the others\n\n{whole}{own}\n{END}")
}

/// The section of work that was not tried with the others, and conflicts.
fn conflict(
    certificate: &Certificate,
    issue: IssueNumber,
    base_branch: &str,
    name: impl Fn(IssueNumber) -> String,
) -> String {
    let told = certificate.why(issue).map_or_else(String::new, |why| {
        let words = match why {
            Why::Meets { with, paths } => {
                let with: Vec<String> = with.iter().map(|other| name(*other)).collect();
                let with = with.join(" and ");
                format!("conflicts with {with} over {}", listed(paths))
            }
            Why::Conflicts { .. }
            | Why::Outdated { .. }
            | Why::Breaks { .. }
            | Why::Stands { .. } => why.words(),
        };
        format!("This {words}.{}", advice(why, base_branch))
    });
    format!("{BEGIN}\n### Conflicts\n\n{told}\n{END}")
}

/// What a person can do about it.
fn advice(why: &Why, base_branch: &str) -> String {
    match why {
        Why::Outdated { .. } => format!(
            " Merge {} into this branch and resolve it there.",
            code(base_branch)
        ),
        Why::Meets { .. } => " Whichever is merged second has to resolve it.".to_owned(),
        Why::Conflicts { .. } | Why::Breaks { .. } | Why::Stands { .. } => String::new(),
    }
}

/// A description with this section in it, once: in place of an earlier one, else before our marker.
#[must_use]
pub fn with_section(body: &str, section: &str) -> String {
    let earlier = body
        .find(BEGIN)
        .zip(body.find(END))
        .filter(|(from, to)| from < to);
    if let Some((from, to)) = earlier {
        return format!("{}{section}{}", &body[..from], &body[to + END.len()..]);
    }
    match body.rfind("<!-- autoissue:v1 ") {
        Some(at) => format!("{}{section}\n\n{}", &body[..at], &body[at..]),
        None => format!("{}\n\n{section}\n", body.trim_end()),
    }
}

fn listed(names: &[String]) -> String {
    let told: Vec<String> = names
        .iter()
        .take(MOST_NAMES)
        .map(|name| code(name))
        .collect();
    match names.len().saturating_sub(MOST_NAMES) {
        0 => told.join(", "),
        more => format!("{} and {more} more", told.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(issue: u64, below: &[u64]) -> Part {
        Part {
            issue: IssueNumber(issue),
            commit: CommitId::new(format!("c{issue}")),
            below: below.iter().copied().map(IssueNumber).collect(),
        }
    }

    #[test]
    fn what_stands_on_something_left_out_is_left_out_too() {
        let mut kept = vec![part(1, &[]), part(2, &[1]), part(3, &[2]), part(4, &[])];
        let mut left_out = Vec::new();
        let why = Why::Breaks {
            checks: vec!["test".to_owned()],
        };
        leave_out(&mut kept, &mut left_out, IssueNumber(1), why);
        let kept: Vec<u64> = kept.iter().map(|part| part.issue.0).collect();
        let gone: Vec<u64> = left_out.iter().map(|left| left.issue.0).collect();
        assert_eq!((kept, gone), (vec![4], vec![1, 2, 3]));
        let on = IssueNumber(2);
        assert_eq!(left_out[2].why, Why::Stands { on });
    }

    #[test]
    fn a_description_has_the_section_once_and_before_the_marker() {
        let certificate = Certificate {
            base: Some(CommitId::new("0123456789abcdef")),
            together: vec![IssueNumber(1), IssueNumber(2)],
            left_out: vec![LeftOut {
                issue: IssueNumber(3),
                why: Why::Conflicts {
                    paths: vec!["a`b".to_owned()],
                },
            }],
            proof: Proof::Passed {
                checks: vec!["test".to_owned()],
            },
            runs: 1,
        };
        let name = |issue: IssueNumber| format!("#{}", issue.0 + 10);
        let section = section(&certificate, IssueNumber(3), "main", name);
        let body = "Closes #3\n\n<!-- autoissue:v1 session=x issue=3 kind=pull -->\n";
        let once = with_section(body, &section);
        assert_eq!(with_section(&once, &section), once);
        assert!(once.ends_with("kind=pull -->\n"), "{once}");
        assert!(once.contains("`main` at 0123456789 these merge in this order, and pass `test` together: #11, #12."), "{once}");
        assert!(
            once.contains("it conflicts with those before it over `a'b`"),
            "{once}"
        );
        assert!(with_section("mine", &section).starts_with("mine\n\n<!-- autoissue:together"));
    }
}
