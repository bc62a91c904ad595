//! Whose unmerged work a task's work stands on.

use crate::rules::ids::{BranchName, CommitId, IssueNumber, PullNumber};
use crate::rules::printable::printable;
use serde::{Deserialize, Serialize};

/// How many paths an agent is told of at most.
const CONFLICTS_MAX: usize = 100;

/// When may a task start that needs the work of others?
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dependents {
    /// Once that work is merged into the base branch.
    #[default]
    Merged,
    /// At once, from their verified commits.
    Stacked,
}

/// What is done so that the work of a session goes together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Together {
    /// Is it merged and checked as a whole at the end?
    pub certificate: bool,
    /// Does work that conflicts with earlier work get one more attempt on top of that?
    pub rework: bool,
    /// How often work that still runs is looked at, in seconds; 0 is never.
    #[serde(default)]
    pub look_seconds: u32,
}

/// The offered work of another task that a task's work stands on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Below {
    /// Whose work.
    pub issue: IssueNumber,
    /// The commit that passed its checks.
    pub commit: CommitId,
    /// The branch that holds it on the remote.
    pub branch: BranchName,
    /// The pull that offers it, where there is one.
    pub pull: Option<PullNumber>,
}

impl Below {
    /// Where a person finds it: `#4 for #1`, or its branch.
    #[must_use]
    pub fn words(&self) -> String {
        match self.pull {
            Some(pull) => format!("pull {pull} for {}", self.issue),
            None => format!("branch `{}` for {}", self.branch, self.issue),
        }
    }
}

/// The branch that a pull is best for: the one below it where there is exactly one with a pull, so that its difference
/// holds only its own work; else `None`, and that is the base branch.
#[must_use]
pub fn pull_base(below: &[Below]) -> Option<&BranchName> {
    match below {
        [only] if only.pull.is_some() => Some(&only.branch),
        [] | [_, ..] => None,
    }
}

/// What an agent is told of the work that its own stands on, after all else; nothing where there is none.
#[must_use]
pub fn prompt_words(below: &[Below], conflicts: &[String], is_rework: bool) -> String {
    let mut words = match (below, is_rework) {
        ([], false) => return String::new(),
        ([], true) => {
            "\n\nThe base branch has moved on, and these files hold it as it stands now.\n"
                .to_owned()
        }
        (below, _) => {
            let issues: Vec<String> = below.iter().map(|below| below.issue.to_string()).collect();
            format!(
                "\n\nThe work for {} is in these files already and is not merged yet. Build upon it.\n",
                issues.join(" and ")
            )
        }
    };
    if is_rework {
        words.push_str(
            "\nThe issue was worked on already, without that; this is in the files as well. Nothing new is to be done: \
             bring both together.\n",
        );
    }
    if !conflicts.is_empty() {
        words.push_str(
            "\nSome of it conflicts. Git has left its markers (`<<<<<<<`, `=======`, `>>>>>>>`) \
             in the files below. Resolve every one of them so that the intent of both sides is kept:\n\n",
        );
        for path in conflicts.iter().take(CONFLICTS_MAX) {
            words.push_str("* ");
            words.push_str(&printable(path));
            words.push('\n');
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn below(issue: u64, pull: Option<u64>) -> Below {
        Below {
            issue: IssueNumber(issue),
            commit: CommitId::new("c"),
            branch: BranchName::new(format!("autoissue/{issue}-x")),
            pull: pull.map(PullNumber),
        }
    }

    #[test]
    fn a_pull_is_for_the_branch_below_where_that_is_one_with_a_pull() {
        let check = |below: &[Below], expect: Option<&str>| {
            assert_eq!(pull_base(below).map(BranchName::as_str), expect);
        };
        check(&[], None);
        check(&[below(1, Some(4))], Some("autoissue/1-x"));
        check(&[below(1, None)], None);
        check(&[below(1, Some(4)), below(2, Some(5))], None);
        assert_eq!(below(1, Some(4)).words(), "pull #4 for #1");
    }

    #[test]
    fn an_agent_is_told_what_it_stands_on_and_what_conflicts() {
        assert_eq!(prompt_words(&[], &[], false), "");
        let told = prompt_words(&[below(1, None), below(2, None)], &[], false);
        assert!(
            told.contains("#1 and #2") && !told.contains("<<<<"),
            "{told}"
        );
        let told = prompt_words(&[below(1, None)], &["a\u{1b}.txt".to_owned()], true);
        assert!(
            told.contains("`<<<<<<<`") && !told.contains('\u{1b}'),
            "{told}"
        );
    }
}
