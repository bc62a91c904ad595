//! A pull request in words.

use crate::rules::ids::{BranchName, SessionId};
use crate::rules::money::Charge;
use crate::rules::names::pull_marker;
use crate::rules::offer::sections::{
    changes, checks, code, cost, counted, evaluation, stands_on, summary, told,
};
use crate::rules::offer::title::title;
use crate::rules::settings::Settings;
use crate::rules::stack::{Below, pull_base};
use crate::rules::task::{CheckReport, Commit, PullDraft, Task};

/// The longest title of a pull on GitHub is 256 characters.
const TITLE_MAX: usize = 250;

/// All that a pull's description tells.
#[derive(Clone, Copy, Debug)]
pub struct Offer<'a> {
    /// The task it resolves.
    pub task: &'a Task,
    /// The session it belongs to.
    pub session: &'a SessionId,
    /// The branch that holds the work.
    pub branch: &'a BranchName,
    /// Base branch, agent, model, draft or not.
    pub settings: &'a Settings,
    /// The work.
    pub commit: &'a Commit,
    /// The unmerged work that it stands on.
    pub below: &'a [Below],
    /// What the checks said of it; none where none are configured.
    pub checks: &'a [CheckReport],
    /// What the agent said at the end.
    pub summary: &'a str,
    /// What the task has cost so far.
    pub charge: Charge,
    /// Attempts so far.
    pub attempts: u32,
    /// The model that did it, as the agent names it.
    pub model: Option<&'a str>,
}

/// The pull request for this work; its description stays under 60,000 characters.
#[must_use]
pub fn pull_draft(offer: &Offer<'_>) -> PullDraft {
    let issue = offer.task.number();
    let base = pull_base(offer.below).map(BranchName::as_str);
    let mut sections = vec![
        // First, so that nothing in the agent's words can take it in.
        format!("Closes {issue}"),
        summary(offer.summary),
        checks(offer.checks),
        changes(&offer.commit.diff),
        evaluation(offer.task.evaluation.as_deref()),
        effort(offer),
        pull_marker(offer.session, issue),
    ];
    if !offer.below.is_empty() {
        sections.insert(1, stands_on(offer.below, base.is_some()));
    }
    PullDraft {
        issue,
        head: offer.branch.clone(),
        base: base.unwrap_or(&offer.settings.base_branch).to_owned(),
        title: title(offer.task, TITLE_MAX),
        body: told(&sections),
        draft: offer.settings.draft,
    }
}

fn effort(offer: &Offer<'_>) -> String {
    let model = offer.model.or(offer.settings.model.as_deref());
    let model = model.map_or(String::new(), |model| format!(" with {}", code(model)));
    format!(
        "### Effort\n\n{}; {} by {}{model}; session `{}`.",
        cost(&offer.charge),
        counted(offer.attempts.into(), "attempt"),
        code(&offer.settings.agent),
        offer.session,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::checks::shape::CheckKind;
    use crate::rules::ids::{CommitId, IssueNumber, TreeId};
    use crate::rules::money::{Basis, Usage, Usd};
    use crate::rules::names::{branch, marker_session};
    use crate::rules::offer::title::tests::{session, titled};
    use crate::rules::settings::{PATIENCE, Policy, StateLabels};
    use crate::rules::stack::{Dependents, Together};
    use crate::rules::task::{DiffStat, Verdict};
    use proptest::prelude::*;

    fn settings() -> Settings {
        Settings {
            adaptive: None,
            slots: 3,
            ceiling: Usd::from_micros(50_000_000),
            daily_ceiling: None,
            cap: Usd::from_micros(5_000_000),
            typical: None,
            priority_first: false,
            max_retries: 2,
            check_rounds: 2,
            breaker_failures: 5,
            breaker_cooldown_millis: 60_000,
            policy: Policy::Footprint,
            patience: PATIENCE,
            agent: "claude".to_owned(),
            model: Some("sonnet".to_owned()),
            base_branch: "main".to_owned(),
            create_pr: true,
            dependents: Dependents::Stacked,
            together: Together::default(),
            draft: true,
            labels: StateLabels::default(),
        }
    }

    fn commit(paths: &[&str]) -> Commit {
        Commit {
            id: CommitId::new("c"),
            tree: TreeId::new("t"),
            base: CommitId::new("b"),
            diff: DiffStat {
                paths: paths.iter().map(ToString::to_string).collect(),
                files: paths.len() as u64,
                added: 10,
                removed: 1,
            },
        }
    }

    fn report(name: &str, verdict: Verdict, output: &str) -> CheckReport {
        CheckReport {
            name: name.to_owned(),
            kind: CheckKind::Test,
            verdict,
            millis: 3_250,
            output: output.to_owned(),
        }
    }

    fn draft(task: &Task, commit: &Commit, checks: &[CheckReport], summary: &str) -> PullDraft {
        pull_draft(&Offer {
            task,
            session: &session(),
            branch: &branch(IssueNumber(12), &task.issue.title, 1),
            settings: &settings(),
            commit,
            below: &[],
            checks,
            summary,
            charge: Charge {
                cost: Usd::from_micros(111_700),
                usage: Usage::default(),
                basis: Basis::Reported,
            },
            attempts: 2,
            model: Some("claude-sonnet"),
        })
    }

    #[test]
    fn a_pull_tells_all_a_reviewer_needs() {
        let checks = [
            report("lint", Verdict::Passed, ""),
            report("old|test", Verdict::FailedBefore, "was ``` broken"),
        ];
        let draft = draft(
            &titled("Fix login"),
            &commit(&["src/a.rs", "b`c.rs"]),
            &checks,
            "Did it.\n<!-- x -->",
        );
        assert_eq!(draft.title, "Fix login");
        assert_eq!((draft.base.as_str(), draft.draft), ("main", true));
        let expect = "Closes #12

### What was done

> Did it.
> <\u{200b}!-- x -->

### Checks

| check | kind | verdict | time |
|---|---|---|---|
| `lint` | test | passed | 3.2 s |
| `old\\|test` | test | fails on the base branch as well | 3.2 s |

<details><summary>old|test</summary>

````
was ``` broken
````

</details>

### Changes

2 files, 10 lines added, 1 removed.

- `src/a.rs`
- `b'c.rs`

### Effort

$0.1117; 2 attempts by `claude` with `claude-sonnet`; session `01JD8Z6Q0G7Y4V3M2N1K5T9RXC`.

<!-- autoissue:v1 session=01JD8Z6Q0G7Y4V3M2N1K5T9RXC issue=12 kind=pull -->
";
        assert_eq!(draft.body, expect);
    }

    #[test]
    fn a_pull_without_checks_asks_for_a_person() {
        let draft = draft(&titled("Fix"), &commit(&[]), &[], "");
        assert!(draft.body.contains("review it by hand"));
        assert!(draft.body.contains("The agent said nothing"));
    }

    #[test]
    fn a_pull_stays_within_what_a_forge_takes() {
        let path = "#1".repeat(5_000);
        let checks = vec![report(&path, Verdict::FailedBefore, &"`\t".repeat(50_000)); 100];
        let many = vec![path.as_str(); 1000];
        let draft = draft(
            &titled(&path),
            &commit(&many),
            &checks,
            &"#1\n".repeat(50_000),
        );
        assert!(
            draft.body.chars().count() < 60_000,
            "{}",
            draft.body.chars().count()
        );
        assert!(draft.title.chars().count() <= 250);
        assert!(draft.body.contains("and 970 more") && draft.body.contains("and 70 more"));
        assert!(draft.body.starts_with("Closes #12\n"));
        assert_eq!(marker_session(&draft.body), Some(session()));
    }

    proptest! {
        #[test]
        fn no_words_of_an_agent_leave_their_quote(said in "(`{1,4}|~~~|<!--|-->|<details>|\n|> |a|    )*") {
            let body = draft(&titled("Fix"), &commit(&[]), &[], &said).body;
            let start = body.find("### What was done").unwrap();
            let end = body.find("### Checks").unwrap();
            let mut lines = body[start..end].lines().skip(2).filter(|line| *line != "The agent said nothing about it.");
            prop_assert!(lines.all(|line| line.is_empty() || line.starts_with("> ")));
        }
    }
}
