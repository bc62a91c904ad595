//! What a person can do about a session that did not do everything.

use crate::reporters::words::plural;
use crate::rules::ids::IssueNumber;
use crate::rules::issue::Selection;
use crate::rules::printable::printable;
use crate::rules::summary::budget_for_the_rest;
use crate::rules::tally::{Breaker, Phase, Standing, Tally};
use crate::rules::task::Ending;

/// Tasks that get a command of their own, for each kind of command.
const SHOWN: usize = 3;

/// How a person calls this program again, so that it finds what this run left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Calling {
    /// The program, as a shell takes it.
    pub program: String,
    /// Flags that have to be repeated, each with a space before it.
    pub flags: String,
}

impl Default for Calling {
    fn default() -> Self {
        Self {
            program: "autoissue".to_owned(),
            flags: String::new(),
        }
    }
}

impl Calling {
    /// The whole command line.
    #[must_use]
    pub fn line(&self, words: &str) -> String {
        format!("{} {words}{}", self.program, self.flags)
    }
}

/// A command to type, and what it does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The command.
    pub command: String,
    /// What it does, in a few words.
    pub why: String,
}

impl Step {
    fn new(command: impl Into<String>, why: impl Into<String>) -> Self {
        Self {
            command: command.into(),
            why: why.into(),
        }
    }
}

/// The next steps, the most useful first; none where everything is done.
#[must_use]
pub fn steps(tally: &Tally, calling: &Calling) -> Vec<Step> {
    let mut steps = Vec::new();
    for_each(&mut steps, &unapproved(tally), |issue| {
        let command = format!("approve {}", issue.0);
        Step::new(command, format!("let {issue} go; or reject, or modify it"))
    });
    for_each(&mut steps, &asking(tally), |issue| {
        let command = format!("answer {} \"...\"", issue.0);
        Step::new(command, format!("answer what the agent of {issue} asks"))
    });
    steps.extend(let_in(tally));
    steps.extend(go_on(tally));
    steps.extend(close_breaker(tally));
    for_each(&mut steps, &ended(tally, looked_into), |issue| {
        let command = format!("history {}", issue.0);
        Step::new(command, format!("what happened to {issue}"))
    });
    for_each(&mut steps, &ended(tally, tried_again), |issue| {
        let command = match tally.phase {
            Phase::Finished => format!("exec --issue {}", issue.0),
            Phase::Running | Phase::Stopping | Phase::Interrupted => {
                format!("retry {}", issue.0)
            }
        };
        Step::new(command, format!("try {issue} again"))
    });
    steps.extend(raise_budget(tally));
    for step in &mut steps {
        step.command = calling.line(&step.command);
    }
    steps
}

/// Whoever was refused wants to know as whom.
fn let_in(tally: &Tally) -> Option<Step> {
    let reason = tally.stopped_because.as_ref()?;
    let is_refused = tally.phase == Phase::Interrupted && reason.starts_with("authentication");
    is_refused.then(|| {
        Step::new(
            "doctor",
            "see which token or key is found, and mend that first",
        )
    })
}

fn go_on(tally: &Tally) -> Option<Step> {
    match tally.phase {
        Phase::Finished => None,
        Phase::Running | Phase::Stopping | Phase::Interrupted => {
            let session = tally.session.as_ref()?;
            let left = tally.counts.all() - tally.counts.ended();
            let why = format!("go on with {}", plural(left, "task"));
            Some(Step::new(format!("resume {session}"), why))
        }
    }
}

fn close_breaker(tally: &Tally) -> Option<Step> {
    match &tally.breaker {
        Breaker::Closed => None,
        Breaker::Open { .. } | Breaker::HalfOpen => {
            let why = "let work in again once the cause is mended";
            Some(Step::new("breaker reset", why))
        }
    }
}

fn raise_budget(tally: &Tally) -> Option<Step> {
    let budget = budget_for_the_rest(tally)?;
    let exec = format!("exec {}", arguments(&tally.selection));
    let dollars = budget.micros() / 1_000_000;
    let why = format!(
        "for {} that the budget did not reach",
        plural(tally.counts.budget, "task")
    );
    Some(Step::new(format!("{exec} --budget {dollars}"), why))
}

/// A selection as it is typed.
fn arguments(selection: &Selection) -> String {
    let mut words: Vec<String> = selection.label.iter().map(|label| quoted(label)).collect();
    for number in &selection.numbers {
        words.push(format!("--issue {}", number.0));
    }
    for label in &selection.exclude_labels {
        words.push(format!("--exclude-label {}", quoted(label)));
    }
    let filter = &selection.filter;
    let labels = filter.labels.iter().map(|label| ("--also", label));
    let people = [
        ("--assignee", &filter.assignee),
        ("--milestone", &filter.milestone),
        ("--author", &filter.author),
    ];
    let people = people
        .iter()
        .filter_map(|(flag, name)| Some((*flag, name.as_ref()?)));
    words.extend(
        labels
            .chain(people)
            .map(|(flag, name)| format!("{flag} {}", quoted(name))),
    );
    words.join(" ")
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    shell_words::quote(&printable(word)).into_owned()
}

fn unapproved(tally: &Tally) -> Vec<IssueNumber> {
    let tasks = tally.tasks.values();
    let waiting = tasks.filter(|task| task.standing == Standing::Unapproved);
    waiting.map(|task| task.issue).collect()
}

fn asking(tally: &Tally) -> Vec<IssueNumber> {
    let tasks = tally.tasks.values();
    let asking = tasks.filter(|task| task.standing == Standing::Asking);
    asking.map(|task| task.issue).collect()
}

fn ended(tally: &Tally, wanted: fn(Ending) -> bool) -> Vec<IssueNumber> {
    let tasks = tally.tasks.values();
    let wanted = tasks.filter(|task| task.ending().is_some_and(wanted));
    wanted.map(|task| task.issue).collect()
}

fn looked_into(ending: Ending) -> bool {
    match ending {
        Ending::Failed | Ending::NoChange | Ending::NeedsHuman => true,
        Ending::Completed | Ending::Blocked | Ending::Skipped | Ending::Budget => false,
    }
}

fn tried_again(ending: Ending) -> bool {
    ending == Ending::Failed
}

fn for_each(steps: &mut Vec<Step>, issues: &[IssueNumber], step: impl Fn(IssueNumber) -> Step) {
    steps.extend(issues.iter().take(SHOWN).map(|issue| step(*issue)));
    if let Some(last) = steps.last_mut()
        && issues.len() > SHOWN
    {
        let more = issues.len() - SHOWN;
        last.why = format!("{}, and {more} more like it", last.why);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::event::Event;
    use crate::rules::filter::Filter;
    use crate::rules::script::{self, Script};

    fn commands(tally: &Tally) -> Vec<String> {
        let calling = Calling::default();
        steps(tally, &calling)
            .into_iter()
            .map(|step| step.command)
            .collect()
    }

    #[test]
    fn what_did_not_succeed_has_a_command() {
        assert_eq!(
            commands(&script::every_ending().tally()),
            [
                "autoissue history 15",
                "autoissue history 17",
                "autoissue history 18",
                "autoissue exec --issue 15",
                "autoissue exec bug --budget 6",
            ]
        );
    }

    #[test]
    fn a_session_that_did_everything_asks_for_nothing() {
        let mut script = Script::begun(&[script::task(12, "backend", &[])]);
        script.complete(12, 1, 0, 10, 31);
        script.push(Event::SessionFinished);
        assert_eq!(commands(&script.tally()), Vec::<String>::new());
    }

    #[test]
    fn an_interrupted_session_is_resumed_by_name() {
        let mut script = Script::begun(&[script::task(12, "backend", &[])]);
        script.push(Event::SessionInterrupted);
        assert_eq!(
            commands(&script.tally()),
            ["autoissue resume 01K5SHOP000000000000000000"]
        );
    }

    #[test]
    fn a_session_that_was_not_let_in_is_looked_into_first() {
        let commands = |reason: &str| {
            let mut script = Script::begun(&[script::task(12, "backend", &[])]);
            script.push(Event::DispatchStopped {
                agent: None,
                reason: reason.to_owned(),
            });
            script.push(Event::SessionInterrupted);
            commands(&script.tally())
        };
        let resume = "autoissue resume 01K5SHOP000000000000000000";
        let refused = commands("authentication: bad credentials");
        assert_eq!(refused, ["autoissue doctor", resume]);
        assert_eq!(commands("billing: no money"), [resume]);
    }

    #[test]
    fn a_command_names_the_program_and_where_it_kept_things() {
        let calling = Calling {
            program: "target/release/autoissue".to_owned(),
            flags: " --state-dir /tmp/state".to_owned(),
        };
        let steps = steps(&script::every_ending().tally(), &calling);
        assert_eq!(
            steps[0].command,
            "target/release/autoissue history 15 --state-dir /tmp/state"
        );
    }

    #[test]
    fn many_failures_do_not_fill_the_screen() {
        let tasks: Vec<_> = (1..=250).map(|n| script::task(n, "backend", &[])).collect();
        let mut script = Script::begun(&tasks);
        for number in 1..=250 {
            script.end(number, Ending::Failed, Some("crash"));
        }
        let steps = steps(&script.tally(), &Calling::default());
        assert!(steps.len() < 10, "{}", steps.len());
        assert!(steps.iter().any(|step| step.why.contains("247 more")));
    }

    #[test]
    fn a_label_with_a_space_can_be_pasted() {
        let selection = Selection {
            planned: None,
            follow_up: false,
            label: Some("good first; rm".to_owned()),
            numbers: vec![IssueNumber(12)],
            exclude_labels: vec!["wontfix".to_owned()],
            filter: Filter {
                assignee: Some("ada".to_owned()),
                ..Filter::default()
            },
        };
        let expect = "'good first; rm' --issue 12 --exclude-label wontfix --assignee ada";
        assert_eq!(arguments(&selection), expect);
    }
}
