//! The words in which work is offered: commit messages, pull requests, comments.

use crate::rules::description::{
    changes, checks, code, cost, counted, evaluation, quoted, stands_on, summary,
};
use crate::rules::evaluate::clarity::Doubt;
use crate::rules::ids::{BranchName, SessionId};
use crate::rules::money::{Charge, Usd};
use crate::rules::names::{comment_marker, pull_marker, question_marker};
use crate::rules::neutral::neutralise;
use crate::rules::printable::{clip, printable_block};
use crate::rules::settings::Settings;
use crate::rules::stack::{Below, pull_base};
use crate::rules::task::{CheckReport, Commit, CommitMessage, Ending, Pull, PullDraft, Task};

/// Widths of a commit's message, as git's own documentation advises.
const SUBJECT_MAX: usize = 72;
const LINE_MAX: usize = 72;
/// The longest title of a pull on GitHub is 256 characters.
const TITLE_MAX: usize = 250;
/// The most of an agent's words, in bytes.
const MESSAGE_MAX: usize = 4_000;

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

/// The message of the commit for this task; `summary` is what the agent said at the end, already redacted.
#[must_use]
pub fn commit_message(task: &Task, summary: &str) -> CommitMessage {
    let body = neutralise(&printable_block(summary, MESSAGE_MAX));
    let lines: Vec<String> = body.trim().lines().map(wrapped).collect();
    CommitMessage {
        subject: title(task, SUBJECT_MAX),
        body: lines.join("\n"),
        issue: task.number(),
    }
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

/// How a task ended, for the comment that tells it.
#[derive(Clone, Copy, Debug)]
pub struct End<'a> {
    /// The task.
    pub task: &'a Task,
    /// The session it belongs to.
    pub session: &'a SessionId,
    /// How it ended.
    pub ending: Ending,
    /// The pull, if there is one.
    pub pull: Option<&'a Pull>,
    /// The branch that holds the work.
    pub branch: &'a BranchName,
    /// Why, already redacted.
    pub reason: Option<&'a str>,
    /// All bills.
    pub cost: Usd,
    /// All attempts.
    pub attempts: u32,
}

/// The comment that tells how a task ended, with its marker of kind `end`.
#[must_use]
pub fn end_comment(end: &End<'_>) -> String {
    let End {
        task,
        session,
        ending,
        pull,
        branch,
        reason,
        cost,
        attempts,
    } = *end;
    let issue = task.number();
    let what = match (ending, pull) {
        (Ending::Completed, Some(pull)) => format!("This is done in {}.", pull.number),
        (Ending::Completed, None) => {
            format!("This is done on the branch `{branch}`; no pull request was wanted.")
        }
        (Ending::NoChange, _) => "Nothing had to be changed for this.".to_owned(),
        (Ending::Failed, _) => "This could not be done.".to_owned(),
        (Ending::Blocked, _) => {
            "This could not be started: something it needs is missing.".to_owned()
        }
        (Ending::Skipped, _) => "This was left out.".to_owned(),
        (Ending::NeedsHuman, _) => {
            "A person has to look at this before it can be offered.".to_owned()
        }
        (Ending::Budget, _) => "This was not finished: the budget does not reach.".to_owned(),
    };
    let next = match ending {
        Ending::Failed | Ending::NeedsHuman | Ending::Budget => Some(format!(
            "Try it again with `autoissue exec --issue {}`.",
            issue.0
        )),
        Ending::Completed | Ending::NoChange | Ending::Blocked | Ending::Skipped => None,
    };
    let effort =
        (attempts > 0).then(|| format!("{}, {cost}.", counted(attempts.into(), "attempt")));
    let reason = reason.map(|reason| quoted(reason, MESSAGE_MAX));
    let marker = comment_marker(session, issue, "end");
    let sections = [Some(what), reason, next, effort, Some(marker)];
    sections
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join("\n\n")
        + "\n"
}

/// The comment that asks what is not clear about an issue, with its marker; one for each issue.
#[must_use]
pub fn question_comment(task: &Task) -> String {
    let evaluation = task.evaluation.as_deref();
    let doubt = evaluation.and_then(|evaluation| evaluation.doubts.first());
    let sections = [
        doubt.map(Doubt::question).unwrap_or_default(),
        question_marker(task.number()),
    ];
    told(&sections)
}

/// The sections that say something.
fn told(sections: &[String]) -> String {
    let told = sections.iter().filter(|section| !section.is_empty());
    told.map(String::as_str).collect::<Vec<_>>().join("\n\n") + "\n"
}

/// The issue's title as one line that does nothing on a forge.
fn title(task: &Task, max_chars: usize) -> String {
    let cut = |max| neutralise(&clip(&task.issue.title, max));
    let too_many = cut(max_chars).chars().count().saturating_sub(max_chars);
    let title = cut(max_chars - too_many);
    if title.is_empty() {
        format!("Issue {}", task.number().0)
    } else {
        title
    }
}

/// The line, broken at spaces where it is longer than a commit's should be; a longer word stays whole.
fn wrapped(line: &str) -> String {
    let indent = &line[..line.len() - line.trim_start().len()];
    let mut wrapped = String::with_capacity(line.len() + 8);
    let mut width = 0;
    for word in line.split_whitespace() {
        let length = word.chars().count();
        if width == 0 {
            wrapped.push_str(indent);
            width = indent.len() + length;
        } else if width + 1 + length <= LINE_MAX {
            wrapped.push(' ');
            width += 1 + length;
        } else {
            wrapped.push('\n');
            wrapped.push_str(indent);
            width = indent.len() + length;
        }
        wrapped.push_str(word);
    }
    wrapped
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
    use crate::rules::classify::Domain;
    use crate::rules::conflict::tests::task;
    use crate::rules::ids::{CommitId, IssueNumber, PullNumber, TreeId};
    use crate::rules::money::{Basis, Usage};
    use crate::rules::names::{branch, marker_session};
    use crate::rules::settings::{PATIENCE, Policy, StateLabels};
    use crate::rules::stack::{Dependents, Together};
    use crate::rules::task::{DiffStat, Verdict};
    use proptest::prelude::*;

    fn titled(title: &str) -> Task {
        let mut task = task(Domain::Backend, &[]);
        task.issue.title = title.to_owned();
        task
    }

    fn session() -> SessionId {
        SessionId::new("01JD8Z6Q0G7Y4V3M2N1K5T9RXC")
    }

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

    fn end(ending: Ending, pull: Option<&Pull>, reason: Option<&str>, attempts: u32) -> String {
        let task = titled("Title");
        let cost = Usd::from_micros(500_000);
        end_comment(&End {
            task: &task,
            session: &session(),
            ending,
            pull,
            branch: &task.branch,
            reason,
            cost,
            attempts,
        })
    }

    #[test]
    fn a_commit_says_what_was_done() {
        let message = commit_message(&titled("[Backend] Fix\nlogin"), "One.\n\n- two words\n");
        assert_eq!(message.subject, "[Backend] Fix login");
        assert_eq!(message.body, "One.\n\n- two words");
        assert_eq!(message.issue, IssueNumber(12));
    }

    #[test]
    fn a_commit_closes_no_other_issue_and_skips_no_ci() {
        let message = commit_message(&titled("fixes #7 [skip ci]"), "closes #8, @octocat");
        assert_eq!(message.subject, "fixes #\u{200b}7 [\u{200b}skip ci]");
        assert_eq!(message.body, "closes #\u{200b}8, @\u{200b}octocat");
        assert_eq!(
            commit_message(&titled(" \u{202e} "), "").subject,
            "Issue 12"
        );
    }

    #[test]
    fn long_lines_of_a_commit_are_wrapped() {
        let said = format!("First:\n  {}{}", "word ".repeat(40), "x".repeat(100));
        let body = commit_message(&titled(""), &said).body;
        let lines: Vec<_> = body.lines().collect();
        let (last, others) = lines.split_last().unwrap();
        assert!(others.iter().all(|line| line.len() <= 72), "{body}");
        assert!(
            lines[1..].iter().all(|line| line.starts_with("  ")),
            "{body}"
        );
        assert_eq!(last.len(), 102, "a long word stays whole");
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

| check | verdict | time |
|---|---|---|
| `lint` | passed | 3.2 s |
| `old\\|test` | fails on the base branch as well | 3.2 s |

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

    #[test]
    fn a_comment_tells_the_end() {
        let pull = Pull {
            number: PullNumber(34),
            url: String::new(),
            head: String::new(),
            base: String::new(),
            open: true,
            body: String::new(),
        };
        let marker = "<!-- autoissue:v1 session=01JD8Z6Q0G7Y4V3M2N1K5T9RXC issue=12 kind=end -->";
        assert_eq!(
            end(Ending::Completed, Some(&pull), None, 1),
            format!("This is done in #34.\n\n1 attempt, $0.50.\n\n{marker}\n")
        );
        assert_eq!(
            end(
                Ending::Failed,
                None,
                Some("tests failed\n/approve @octocat"),
                3
            ),
            format!(
                "This could not be done.\n\n> tests failed\n> /\u{200b}approve @\u{200b}octocat\n\n\
                 Try it again with `autoissue exec --issue 12`.\n\n3 attempts, $0.50.\n\n{marker}\n"
            )
        );
        assert!(end(Ending::Completed, None, None, 1).contains("`autoissue/12-title`"));
        assert!(!end(Ending::Blocked, None, Some("needs #3"), 0).contains("attempt"));
    }

    proptest! {
        #[test]
        fn any_title_makes_a_short_subject(title in any::<String>()) {
            let subject = commit_message(&titled(&title), "").subject;
            prop_assert!((1..=72).contains(&subject.chars().count()));
            prop_assert!(!subject.contains(char::is_control));
        }

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
