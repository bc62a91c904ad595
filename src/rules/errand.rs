//! What `serve` has done for it by a process of its own: this program, called with these words.

use crate::rules::ids::{IssueNumber, SessionId};
use serde::{Deserialize, Serialize};

/// One thing to do in a project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "do")]
pub enum Errand {
    /// Work on these issues.
    Work {
        /// The label that lets them run; nothing where a person named them, who lets them run by that.
        label: Option<String>,
        /// Which.
        issues: Vec<IssueNumber>,
    },
    /// Go on with a session.
    Resume {
        /// Which.
        session: SessionId,
        /// What a person said of the plan that it waits with, where somebody did.
        #[serde(default)]
        plan: Option<PlanAnswer>,
        /// Who said it, where that is nobody of this machine.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<String>,
    },
    /// Look once after the open pulls.
    Watch,
}

/// What a person says of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlanAnswer {
    /// Open its issues, and work on them.
    CarryOut,
    /// Do nothing of it.
    Drop,
}

/// What somebody said of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanSaid {
    /// What.
    pub answer: PlanAnswer,
    /// Who, where that is nobody of this machine.
    pub by: Option<String>,
}

impl Errand {
    /// The words of the command.
    #[must_use]
    pub fn words(&self) -> Vec<String> {
        match self {
            Self::Work { label, issues } => {
                let mut words = vec!["exec".to_owned()];
                words.extend(["--fit".to_owned()]);
                for issue in issues {
                    words.extend(["--issue".to_owned(), issue.0.to_string()]);
                }
                // After `--`, a label is no flag, whatever it begins with.
                words.extend(
                    label
                        .iter()
                        .flat_map(|label| ["--".to_owned(), label.clone()]),
                );
                words
            }
            Self::Resume { session, plan, .. } => {
                let answer = plan.map(|answer| match answer {
                    PlanAnswer::CarryOut => "--yes".to_owned(),
                    PlanAnswer::Drop => "--no".to_owned(),
                });
                let words = ["resume".to_owned(), session.to_string()];
                words.into_iter().chain(answer).collect()
            }
            Self::Watch => vec!["watch".to_owned(), "--once".to_owned()],
        }
    }

    /// Its issues.
    #[must_use]
    pub fn issues(&self) -> &[IssueNumber] {
        match self {
            Self::Work { issues, .. } => issues,
            Self::Resume { .. } | Self::Watch => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_no_flag() {
        let issues = vec![IssueNumber(3), IssueNumber(7)];
        let label = Some("--yolo".to_owned());
        let words = Errand::Work { label, issues }.words();
        assert_eq!(words.join(" "), "exec --fit --issue 3 --issue 7 -- --yolo");
        let session = SessionId::new("01ABC");
        let resume = |plan| {
            let session = session.clone();
            let by = None;
            Errand::Resume { session, plan, by }.words().join(" ")
        };
        assert_eq!(resume(None), "resume 01ABC");
        assert_eq!(resume(Some(PlanAnswer::CarryOut)), "resume 01ABC --yes");
        assert_eq!(resume(Some(PlanAnswer::Drop)), "resume 01ABC --no");
        assert_eq!(Errand::Watch.words().join(" "), "watch --once");
    }
}
