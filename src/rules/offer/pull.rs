//! A pull request in words.

use crate::rules::ids::{AgentPlace, BranchName, SessionId};
use crate::rules::money::Charge;
use crate::rules::names::pull_marker;
use crate::rules::neutral::neutralise;
use crate::rules::offer::described::{base, described};
use crate::rules::offer::filled::filled;
use crate::rules::offer::offering::Offering;
use crate::rules::offer::templates::{Described, Named, PULL, render};
use crate::rules::offer::title::title;
use crate::rules::printable::clip;
use crate::rules::settings::Settings;
use crate::rules::stack::Below;
use crate::rules::task::{CheckReport, Commit, PullDraft, Task};

/// The longest title of a pull on GitHub is 256 characters.
const TITLE_MAX: usize = 250;
/// The longest description that a template may make; GitHub takes 65,536 characters, and the certificate's section follows.
const BODY_MAX: usize = 58_000;

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
    /// The agent that did the last of it.
    pub agent: AgentPlace,
    /// The model that did it, as the agent names it.
    pub model: Option<&'a str>,
    /// How work is offered.
    pub offering: &'a Offering,
    /// The repository's own template for pulls.
    pub template: Option<&'a str>,
    /// The branch on which closing keywords work; where that is not known, they are taken to work.
    pub default_branch: Option<&'a str>,
}

/// The pull request for this work; its description stays under 60,000 characters.
#[must_use]
pub fn pull_draft(offer: &Offer<'_>) -> PullDraft {
    let issue = offer.task.number();
    let limit = offer.offering.limit;
    let is_large = limit.is_passed_by(&offer.commit.diff);
    PullDraft {
        issue,
        head: offer.branch.clone(),
        base: base(offer).to_owned(),
        title: pull_title(offer),
        body: format!("{}\n\n{}\n", body(offer), pull_marker(offer.session, issue)),
        draft: offer.settings.draft || is_large,
    }
}

/// By the configured template; one that fails after all gives way to the issue's title.
fn pull_title(offer: &Offer<'_>) -> String {
    let own = offer
        .offering
        .templates
        .title
        .as_deref()
        .and_then(|template| {
            let summary = neutralise(&clip(offer.summary, TITLE_MAX));
            let named = Named::of(offer.task, offer.branch.as_str(), summary);
            render(template, &named).ok()
        });
    let own = own.map(|title| clip(&title, TITLE_MAX));
    own.filter(|title| !title.is_empty())
        .unwrap_or_else(|| title(offer.task, TITLE_MAX))
}

/// By the configured template, else the repository's own, else the built-in one.
fn body(offer: &Offer<'_>) -> String {
    let described = described(offer);
    let own = offer.offering.templates.body.as_deref();
    let (body, note) = match own.map(|template| render(template, &described)) {
        Some(Ok(body)) if body.chars().count() <= BODY_MAX => (Some(body), ""),
        Some(Ok(_) | Err(_)) => (None, "\n\n(`pull.body` could not be used for this.)"),
        None => (theirs(offer, &described), ""),
    };
    let body = body.unwrap_or_else(|| {
        let built_in = render(PULL, &described);
        built_in.unwrap_or_else(|_| described.sections.closes.clone())
    });
    format!("{}{note}", body.trim())
}

fn theirs(offer: &Offer<'_>, described: &Described) -> Option<String> {
    let template = offer.template.filter(|_| offer.offering.fills_in)?;
    let body = filled(template, &described.sections, offer.checks)?;
    (body.chars().count() <= BODY_MAX).then_some(body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::checks::shape::CheckKind;
    use crate::rules::ids::{CommitId, IssueNumber, TreeId};
    use crate::rules::models::Models;
    use crate::rules::money::{Basis, Usage, Usd};
    use crate::rules::names::{branch, marker_session};
    use crate::rules::offer::size::SizeLimit;
    use crate::rules::offer::templates::Templates;
    use crate::rules::offer::title::tests::{session, titled};
    use crate::rules::settings::{Billing, PATIENCE, Policy, StateLabels};
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
            models: Models::default(),
            billing: Billing::default(),
            fallback: Vec::new(),
            base_branch: "main".to_owned(),
            create_pr: true,
            dependents: Dependents::Stacked,
            starter: None,
            max_open_pulls: None,
            open_pulls: 0,
            assign: crate::rules::assigning::Assign::Never,
            approvals: crate::rules::approvals::Approvals::default(),
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
        draft_by(&Offering::default(), None, (task, commit, checks, summary))
    }

    type Work<'a> = (&'a Task, &'a Commit, &'a [CheckReport], &'a str);

    fn draft_by(offering: &Offering, template: Option<&str>, work: Work<'_>) -> PullDraft {
        let (task, commit, checks, summary) = work;
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
            agent: AgentPlace::default(),
            model: Some("claude-sonnet"),
            offering,
            template,
            default_branch: Some("main"),
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

    #[test]
    fn own_templates_make_title_and_description_and_the_marker_stays_last() {
        let templates = Templates {
            title: Some("[{{ domain }}] {{ issue.title }} (#{{ issue.number }})".to_owned()),
            body: Some("{{ closes }}\n\n{{ summary }}\n\nby {{ agent }}".to_owned()),
            commit: None,
        };
        let offering = Offering {
            templates,
            ..Offering::default()
        };
        let task = titled("Fix");
        let commit = commit(&["a.rs"]);
        let made = draft_by(
            &offering,
            Some("## Description"),
            (&task, &commit, &[], "Did it."),
        );
        assert_eq!(made.title, "[backend] Fix (#12)");
        let marker = pull_marker(&session(), IssueNumber(12));
        let expect = format!("Closes #12\n\n> Did it.\n\nby claude\n\n{marker}\n");
        assert_eq!(made.body, expect);
    }

    #[test]
    fn a_template_that_fails_after_all_loses_no_work() {
        let templates = Templates {
            title: Some("{{ nothing }}".to_owned()),
            body: Some("{{ 'x' * 100000 }}{{ nothing }}".to_owned()),
            commit: None,
        };
        let offering = Offering {
            templates,
            ..Offering::default()
        };
        let task = titled("Fix");
        let made = draft_by(&offering, None, (&task, &commit(&["a.rs"]), &[], "Did it."));
        assert_eq!(made.title, "Fix");
        assert!(made.body.contains("### What was done\n\n> Did it."));
        assert!(
            made.body
                .contains("(`pull.body` could not be used for this.)")
        );
    }

    #[test]
    fn the_repositorys_own_template_is_filled_in_unless_that_is_switched_off() {
        let task = titled("Fix");
        let work = commit(&["a.rs"]);
        let by = |fills_in| {
            let offering = Offering {
                fills_in,
                ..Offering::default()
            };
            let template = Some("## Description\n\nSay it.\n");
            draft_by(&offering, template, (&task, &work, &[], "Did it.")).body
        };
        assert!(by(true).starts_with("Closes #12\n\n## Description\n\n> Did it.\n\n## Checks"));
        assert!(by(false).starts_with("Closes #12\n\n### What was done"));
        assert_eq!(marker_session(&by(true)), Some(session()));
    }

    #[test]
    fn what_is_too_large_is_a_draft_that_says_so() {
        let limit = SizeLimit { files: 1, lines: 0 };
        let offering = Offering {
            limit,
            ..Offering::default()
        };
        let task = titled("Fix");
        let work = commit(&["a/a.rs", "b/b.rs"]);
        let body = draft_by(&offering, None, (&task, &work, &[], "")).body;
        assert!(
            body.starts_with("Closes #12\n\n**This changes 11 lines in 2 files"),
            "{body}"
        );
        let settled = |limit| {
            let offering = Offering {
                limit,
                ..Offering::default()
            };
            let settings = Settings {
                draft: false,
                ..settings()
            };
            let task = titled("Fix");
            let offer = sample_offer(&task, &settings, &work, &offering);
            pull_draft(&offer).draft
        };
        assert!(settled(limit));
        assert!(!settled(SizeLimit::default()));
    }

    #[test]
    fn a_keyword_stands_only_where_it_closes_something() {
        let (task, settings, work) = (titled("Fix"), settings(), commit(&[]));
        let offering = Offering::default();
        let words = |default_branch, below: &[Below]| {
            let offer = Offer {
                below,
                default_branch,
                ..sample_offer(&task, &settings, &work, &offering)
            };
            let body = pull_draft(&offer).body;
            body.lines().next().unwrap_or_default().to_owned()
        };
        assert_eq!(words(Some("main"), &[]), "Closes #12");
        assert_eq!(words(Some("trunk"), &[]), "Refs #12");
        assert_eq!(words(None, &[]), "Closes #12");
        let below = [Below {
            issue: IssueNumber(3),
            branch: branch(IssueNumber(3), "Below", 1),
            commit: CommitId::new("d"),
            pull: None,
        }];
        assert_eq!(
            words(Some("main"), &below),
            "Closes #12",
            "once that is merged"
        );
        assert_eq!(words(Some("trunk"), &below), "Refs #12");
    }

    fn sample_offer<'a>(
        task: &'a Task,
        settings: &'a Settings,
        commit: &'a Commit,
        offering: &'a Offering,
    ) -> Offer<'a> {
        static SESSION: std::sync::LazyLock<SessionId> = std::sync::LazyLock::new(session);
        Offer {
            task,
            session: &SESSION,
            branch: &task.branch,
            settings,
            commit,
            below: &[],
            checks: &[],
            summary: "",
            charge: Charge::default(),
            attempts: 1,
            agent: AgentPlace::default(),
            model: None,
            offering,
            template: None,
            default_branch: Some("main"),
        }
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
