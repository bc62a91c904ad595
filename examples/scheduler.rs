//! The scheduler on its own, on a virtual clock: no forge, no git, no agent. Four issues are read as text, and the
//! plan shows two of them in turn because they touch the same file, and one that waits for what it needs.
//!
//! `cargo run --example scheduler`

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use autoissue::config::shape::Config;
use autoissue::rules::classify::classify;
use autoissue::rules::footprint::named_in_text;
use autoissue::rules::ids::{IssueNumber, Timestamp};
use autoissue::rules::issue::{Issue, IssueState, Priority};
use autoissue::rules::money::Usd;
use autoissue::rules::names::free_branch;
use autoissue::rules::own::Classification;
use autoissue::rules::references::needs_in_text;
use autoissue::rules::schedule::forecast::{as_expected, forecast};
use autoissue::rules::task::{Estimate, Task};
use std::error::Error;

const MINUTE: u64 = 60_000;
const ISSUES: [(&str, &str, u32); 4] = [
    ("[Backend] Cancel an order", "Change `src/order.rs`.", 20),
    (
        "[Backend] Refund an order",
        "Change `src/order.rs` too.",
        10,
    ),
    (
        "[Frontend] A cancel button",
        "Change `web/order.html`. Depends on #1.",
        10,
    ),
    ("[Docs] How to build it", "Write `README.md`.", 5),
];

fn main() -> Result<(), Box<dyn Error>> {
    let tasks: Vec<Task> = (1..).zip(ISSUES).map(task).collect();
    for task in &tasks {
        let files = task.footprint.files.iter().map(|file| file.path.as_str());
        let files: Vec<&str> = files.collect();
        println!(
            "{} {:14} {}",
            task.number(),
            task.domain.domain.word(),
            files.join(" ")
        );
    }

    let settings = Config::default().settings("main", None, None);
    let minutes = |task: &Task| u64::from(task.estimate.minutes) * MINUTE;
    let plan = forecast(tasks, &settings, minutes, |task, _| as_expected(task))
        .map_err(|cycle| format!("these issues wait for each other: {cycle}"))?;

    println!("\nwho runs when, in {} slots:", settings.slots);
    for placed in &plan.attempts {
        let (from, to) = (placed.from / MINUTE, placed.to / MINUTE);
        println!(
            "{:>3} to {to:>2} min  slot {}  {}",
            from, placed.slot, placed.issue
        );
    }
    println!("all done after {} minutes", plan.makespan_millis / MINUTE);
    Ok(())
}

/// What a session makes of an issue.
fn task((number, (title, body, minutes)): (u64, (&str, &str, u32))) -> Task {
    let number = IssueNumber(number);
    let issue = Issue {
        number,
        title: title.to_owned(),
        body: body.to_owned(),
        labels: vec![],
        state: IssueState::Open,
        author: None,
        created_at: Timestamp(0),
        updated_at: Timestamp(0),
        url: None,
        depends_on: vec![],
        assignees: Vec::new(),
        milestone: None,
        parts: Vec::new(),
        pulls: Vec::new(),
    };
    Task {
        domain: classify(&issue, &Classification::default()),
        footprint: named_in_text(&issue),
        needs: needs_in_text(body),
        obstacle: None,
        follow_up: None,
        evaluation: None,
        priority: Priority::Medium,
        estimate: Estimate {
            cost: Usd::from_micros(1_000_000),
            minutes,
        },
        branch: free_branch(number, title, &|_| false),
        issue,
    }
}
