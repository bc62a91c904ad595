//! What people are asked on an issue before its task may run.

use crate::rules::approvals::{Late, REMINDER, REQUEST};
use crate::rules::ids::{IssueNumber, SessionId};
use crate::rules::names::comment_marker;
use crate::rules::offer::sections::{code, evaluation};
use crate::rules::settings::{Billing, Settings};
use crate::rules::task::Task;

/// Likely files that are named.
const FILES: usize = 8;
/// Files that are less likely are not named.
const LIKELY: f64 = 0.5;

/// The comment that asks whether the task may run, with its marker.
#[must_use]
pub fn request(task: &Task, session: &SessionId, settings: &Settings) -> String {
    let number = task.number().0;
    let sections = [
        "This waits for somebody who may write here to let it run.".to_owned(),
        evaluation(task.evaluation.as_deref()),
        outlook(task, settings),
        "Answer in a comment that begins with\n\n\
         - `/approve`, or\n\
         - `/reject` and why, or\n\
         - `/modify` and what is to be done otherwise."
            .to_owned(),
        format!(
            "`autoissue approve {number}` and the dashboard do the same; the first answer counts.{}",
            deadline(settings)
        ),
        comment_marker(session, task.number(), REQUEST),
    ];
    let told = sections.into_iter().filter(|section| !section.is_empty());
    told.collect::<Vec<_>>().join("\n\n") + "\n"
}

/// The comment that asks others as well, with its marker.
#[must_use]
pub fn reminder(
    issue: IssueNumber,
    session: &SessionId,
    settings: &Settings,
    people: &[String],
) -> String {
    let called: Vec<String> = people.iter().map(|person| format!("@{person}")).collect();
    let called = if called.is_empty() {
        String::new()
    } else {
        called.join(" ") + ": "
    };
    let hours = settings.approvals.patience.map_or(0, |wait| wait.hours);
    format!(
        "{called}nobody has answered for {hours} h whether an agent may work on this. `/approve`, `/reject` and `/modify` above \
         say what is wanted.\n\n{}\n",
        comment_marker(session, issue, REMINDER)
    )
}

/// What would be done, where, and what it would cost.
fn outlook(task: &Task, settings: &Settings) -> String {
    let offered = if settings.create_pr {
        "offered as a pull request"
    } else {
        "left on that branch"
    };
    let mut words = format!(
        "With a yes an agent ({}) works on it, in a worktree of its own and on the branch {}; its work is checked, and {offered}.",
        code(&settings.agent),
        code(task.branch.as_str()),
    );
    let files = task.footprint.by_probability().into_iter();
    let files = files.filter(|file| file.probability >= LIKELY).take(FILES);
    let files: Vec<String> = files.map(|file| code(&file.path)).collect();
    if !files.is_empty() {
        words = words + " It will likely touch " + &files.join(", ") + ".";
    }
    words + &cost(task, settings)
}

fn cost(task: &Task, settings: &Settings) -> String {
    if settings.billing == Billing::Subscription {
        return " A subscription pays for it.".to_owned();
    }
    let (likely, cap) = (task.estimate.cost, settings.cap);
    let tries = settings.max_retries + 1;
    let most = format!("no attempt may cost more than {cap}, and there are {tries} at most");
    if settings.typical.is_some() && likely < cap {
        format!(" It will likely cost no more than {likely}; {most}.")
    } else {
        format!(" What it will cost is not known yet; {most}.")
    }
}

fn deadline(settings: &Settings) -> String {
    let Some(patience) = settings.approvals.patience else {
        return String::new();
    };
    let hours = patience.hours;
    match patience.then {
        Late::Expire => format!(" Without an answer within {hours} h it is left out."),
        Late::Escalate => format!(" Without an answer within {hours} h others are asked as well."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::approvals::{Approvals, Patience};
    use crate::rules::classify::Domain;
    use crate::rules::conflict::tests::task;
    use crate::rules::money::Usd;
    use crate::rules::offer::title::tests::session;
    use crate::rules::script;

    fn settings(patience: Option<Patience>) -> Settings {
        Settings {
            typical: Some(Usd::from_micros(420_000)),
            approvals: Approvals {
                comment: true,
                patience,
            },
            ..script::settings()
        }
    }

    #[test]
    fn it_says_what_would_be_done_and_how_to_answer() {
        let mut task = task(
            Domain::Backend,
            &[
                ("src/cart.rs", 0.9),
                ("src/@evil`.rs", 0.6),
                ("src/other.rs", 0.3),
            ],
        );
        task.estimate.cost = Usd::from_micros(420_000);
        let then = Late::Escalate;
        let patience = Some(Patience { hours: 24, then });
        let words = request(&task, &session(), &settings(patience));
        insta::assert_snapshot!(words, @"
                This waits for somebody who may write here to let it run.

                With a yes an agent (`claude`) works on it, in a worktree of its own and on the branch `autoissue/12-title`; its work is checked, and offered as a pull request. It will likely touch `src/cart.rs`, `src/@evil'.rs`. It will likely cost no more than $0.42; no attempt may cost more than $5.00, and there are 3 at most.

                Answer in a comment that begins with

                - `/approve`, or
                - `/reject` and why, or
                - `/modify` and what is to be done otherwise.

                `autoissue approve 12` and the dashboard do the same; the first answer counts. Without an answer within 24 h others are asked as well.

                <!-- autoissue:v1 session=01JD8Z6Q0G7Y4V3M2N1K5T9RXC issue=12 kind=approval -->
                ");
        let people = ["lead".to_owned(), "acme/maintainers".to_owned()];
        let words = reminder(task.number(), &session(), &settings(patience), &people);
        insta::assert_snapshot!(words, @"
        @lead @acme/maintainers: nobody has answered for 24 h whether an agent may work on this. `/approve`, `/reject` and `/modify` above say what is wanted.

        <!-- autoissue:v1 session=01JD8Z6Q0G7Y4V3M2N1K5T9RXC issue=12 kind=approval-overdue -->
        ");
    }

    #[test]
    fn what_is_not_known_is_not_told() {
        let task = task(Domain::Backend, &[]);
        let words = |settings: Settings| request(&task, &session(), &settings);
        let unknown = words(Settings {
            typical: None,
            ..settings(None)
        });
        assert!(
            unknown.contains("not known yet; no attempt may cost more than"),
            "{unknown}"
        );
        assert!(!unknown.contains("likely touch") && !unknown.contains("Without an answer"));
        let subscribed = words(Settings {
            billing: Billing::Subscription,
            ..settings(None)
        });
        assert!(subscribed.contains("A subscription pays") && !subscribed.contains('$'));
        assert!(crate::rules::approvals::answer(task.number(), &unknown).is_none());
    }
}
