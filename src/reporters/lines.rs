//! What people read of each event: one short function per kind.

use crate::reporters::fact_lines::fact_found;
use crate::reporters::later::put_off;
use crate::reporters::line::Line;
use crate::reporters::paint::Tone;
use crate::reporters::time::human;
use crate::reporters::together::{counted, meeting, moved_on, sentence};
use crate::reporters::words::{brief, fit, plural, spoken, tone_of};
use crate::reporters::{agents, consent, plan_lines, quota, slots};
use crate::rules::certificate::{Certificate, Part, Proof};
use crate::rules::event::{Command, Event, Recorded};
use crate::rules::ids::{AttemptNumber, BranchName, IssueNumber, SessionId, SlotNumber, Timestamp};
use crate::rules::issue::Selection;
use crate::rules::money::{Basis, Usd};
use crate::rules::printable::printable;
use crate::rules::rework::Conflict;
use crate::rules::settings::Settings;
use crate::rules::stack::Below;
use crate::rules::summary::by_domain;
use crate::rules::tally::{PullTally, Tally, TaskTally};
use crate::rules::task::{Attempted, Outcome, Start, Task};
use std::sync::Arc;

/// Conflicts that one line tells besides the first.
const MOST_CONFLICTS: usize = 4;
/// Columns that a title gets within a sentence.
const TITLE: usize = 60;

/// What there is to say about an event, if anything; the tally has it already.
#[must_use]
pub fn line(tally: &Tally, recorded: &Recorded) -> Option<Line> {
    let at = recorded.at;
    match &recorded.event {
        Event::SessionStarted {
            session,
            project,
            selection,
            settings,
        } => Some(session_started(session, project, selection, settings)),
        Event::SessionResumed { settings } => Some(session_resumed(tally, settings)),
        Event::TasksRead { tasks, .. } => Some(tasks_read(tally, tasks)),
        Event::Held { issue, by, over } => Some(held(*issue, *by, over)),
        Event::Consent { issue, consent } => Some(consent::line(*issue, consent)),
        Event::Admitted { issue, .. } => admitted(tally, *issue, &recorded.event),
        Event::Fact { issue, fact, .. } => fact_found(*issue, fact),
        Event::Settled {
            issue,
            attempt,
            grant,
            outcome,
        } => settled(*issue, *attempt, *grant, outcome),
        Event::RetryScheduled { .. } | Event::Parked { .. } => put_off(&recorded.event, at),
        Event::Requeued { issue, start } => Some(requeued(*issue, start)),
        Event::DispatchPaused { .. }
        | Event::BreakerOpened { .. }
        | Event::DispatchStopped { .. }
        | Event::BreakerClosed { .. } => agents::line(tally, &recorded.event, at),
        Event::TaskEnded { issue, .. } => task_ended(tally, *issue),
        Event::TestMerged { conflicts, .. } => conflicting(conflicts),
        Event::Looked { conflicts, .. } => meeting(tally, conflicts),
        Event::TriedOnBase { outdated, .. } => moved_on(outdated),
        Event::ReworkOffered { issue, with, .. } => Some(reworked(*issue, with)),
        Event::ReworkGivenUp { issue, reason } => Some(given_up(*issue, reason)),
        Event::Certifying { parts } => Some(certifying(parts)),
        Event::Certified { certificate } => certified(certificate),
        Event::Merged { issue } => Some(Line::about(*issue, " is merged")),
        Event::Announced { issue, trouble } | Event::CertificateTold { issue, trouble } => {
            announced(*issue, trouble.as_deref())
        }
        Event::SlotsChanged { reason, .. } => Some(slots::changed(tally, reason)),
        Event::QuotaHeard { allowances, turned } => quota::turned(allowances, turned, at),
        Event::PullsCounted { .. } => pulls_counted(tally),
        Event::CommandTaken { command, .. } => Some(command_taken(command)),
        Event::StopRequested => Some(stop_requested(tally)),
        Event::SessionInterrupted => Some(interrupted(tally)),
        Event::SessionFinished => Some(finished(tally)),
        // Told while they happen, before a session's own lines begin: by `planning`.
        // Those of leases are told by the end of the task.
        Event::Planning { .. }
        | Event::Due { .. }
        | Event::LeaseLost { .. }
        | Event::SpentElsewhere { .. } => None,
    }
}

/// The same of a step from a directive to issues, which a session's own lines leave out.
#[must_use]
pub fn planning_line(recorded: &Recorded) -> Option<Line> {
    let Event::Planning { fact } = &recorded.event else {
        return None;
    };
    plan_lines::line(fact)
}

fn session_started(
    session: &SessionId,
    project: &str,
    selection: &Selection,
    settings: &Settings,
) -> Line {
    let text = format!(
        " on {}: {}; {}",
        printable(project),
        printable(&selection.name()),
        frame(settings)
    );
    Line::news(Tone::Head, format!("session {session}"), text)
}

fn session_resumed(tally: &Tally, settings: &Settings) -> Line {
    let session = tally.session.as_ref().map_or("", SessionId::as_str);
    let counts = tally.counts;
    let text = format!(
        " resumed on {}: {} of {} done, {} spent; {}",
        printable(&tally.project),
        counts.ended(),
        plural(counts.all(), "task"),
        tally.spent,
        frame(settings)
    );
    Line::news(Tone::Head, format!("session {session}"), text)
}

/// What a session runs within.
fn frame(settings: &Settings) -> String {
    let model = settings.model.as_deref().map(printable);
    format!(
        "budget {}, {}, agent {}{}",
        settings.ceiling,
        plural(u64::from(settings.slots), "slot"),
        printable(&settings.agent),
        model.map_or_else(String::new, |model| format!(" with {model}"))
    )
}

fn tasks_read(tally: &Tally, tasks: &[Arc<Task>]) -> Line {
    if tasks.is_empty() {
        let selection = printable(&tally.selection.name());
        let text = format!(": no open issue for {selection}");
        return Line::news(Tone::Warn, "nothing to do", text);
    }
    let domains: Vec<String> = by_domain(tally)
        .iter()
        .map(|group| format!("{} {}", group.tasks, group.name))
        .collect();
    let head = plural(tasks.len() as u64, "task");
    Line::news(Tone::Head, head, format!(": {}", domains.join(", ")))
}

fn held(issue: IssueNumber, by: IssueNumber, over: &str) -> Line {
    Line::about(issue, format!(" waits for {by} ({})", brief(over)))
}

fn admitted(tally: &Tally, issue: IssueNumber, event: &Event) -> Option<Line> {
    let Event::Admitted {
        attempt,
        slot,
        grant,
        probe,
        start,
        below,
        agent,
        ..
    } = event
    else {
        return None;
    };
    let settings = tally.settings.as_ref().filter(|_| !agent.is_first());
    let by = settings.map_or(String::new(), |settings| {
        format!(", by {}", settings.agent_at(*agent))
    });
    let title = tally.tasks.get(&issue).map_or(String::new(), title);
    let probe = if *probe { ", the breaker's probe" } else { "" };
    let text = format!(
        " admitted, {}, {}{}{}{by}{probe}: {title}",
        place(*attempt, *slot),
        set_aside(*grant),
        from(start),
        stands_on(below)
    );
    Some(Line::about(issue, text))
}

fn stands_on(below: &[Below]) -> String {
    if below.is_empty() {
        return String::new();
    }
    let issues: Vec<String> = below.iter().map(|below| below.issue.to_string()).collect();
    format!(", on the work for {}", issues.join(" and "))
}

fn place(attempt: AttemptNumber, slot: SlotNumber) -> String {
    format!("attempt {attempt}, slot {slot}")
}

fn set_aside(grant: Usd) -> String {
    if grant == Usd::ZERO {
        "free".to_owned()
    } else {
        format!("{grant} set aside")
    }
}

fn from(start: &Start) -> &'static str {
    match start {
        Start::Base => "",
        Start::Joined => ", no agent is needed",
        Start::Snapshot { .. } => ", from its snapshot",
        Start::Captured { .. } => ", the agent is done",
        Start::Verified => ", only publishing is left",
    }
}

fn settled(
    issue: IssueNumber,
    attempt: AttemptNumber,
    grant: Usd,
    outcome: &Outcome,
) -> Option<Line> {
    let cost = outcome.charge.cost;
    if cost > grant {
        let over = cost.minus(grant);
        let text = format!(" attempt {attempt} cost {cost}, {over} more than was set aside");
        return Some(Line::warn(issue, text));
    }
    if outcome.charge.basis == Basis::Assumed && cost > Usd::ZERO {
        let text = format!(" attempt {attempt}: nobody knows its bill, so all of {cost} counts");
        return Some(Line::warn(issue, text));
    }
    let ended = match outcome.result {
        // The end of the task follows at once, and names its cost.
        Attempted::Published
        | Attempted::Unchanged { .. }
        | Attempted::NeedsHuman { .. }
        | Attempted::Asked { .. } => {
            return None;
        }
        Attempted::Failed(_) => "failed",
        Attempted::Withdrawn { .. } => "is not wanted any more",
        Attempted::Stopped => "was stopped",
        Attempted::Lost => "was lost with its process",
    };
    Some(Line::about(
        issue,
        format!(" attempt {attempt} {ended}, {cost}"),
    ))
}

fn requeued(issue: IssueNumber, start: &Start) -> Line {
    Line::about(issue, format!(" is ready to go on{}", from(start)))
}

fn task_ended(tally: &Tally, issue: IssueNumber) -> Option<Line> {
    let task = tally.tasks.get(&issue)?;
    let ending = task.ending()?;
    let mut text = format!(": {}{}", title(task), effort(task, tally.last));
    if let Some(reason) = &task.reason {
        text.push_str(": ");
        text.push_str(&brief(reason));
    }
    if let Some(pull) = &task.pull {
        text.push(' ');
        text.push_str(&web_address(pull));
    } else if let Some(branch) = task.offered_branch().map(BranchName::as_str) {
        text.push_str(" on ");
        text.push_str(branch);
    }
    let head = format!("{issue} {}", spoken(ending.word()));
    Some(Line::news(tone_of(ending), head, text))
}

/// Where to click; the number alone where there is only a file.
fn web_address(pull: &PullTally) -> String {
    if pull.url.starts_with("file:") {
        format!("pull {}", pull.number)
    } else {
        printable(&pull.url)
    }
}

/// ` (3 attempts, 4m 02s, $1.20)`; nothing where nothing was tried.
fn effort(task: &TaskTally, now: Timestamp) -> String {
    if task.attempts == 0 {
        return String::new();
    }
    let attempts = match task.attempts {
        1 => String::new(),
        more => format!("{more} attempts, "),
    };
    let time = human(task.worked.millis(now));
    format!(" ({attempts}{time}, {})", task.charge.cost)
}

fn announced(issue: IssueNumber, trouble: Option<&str>) -> Option<Line> {
    let text = format!(" could not be announced: {}", brief(trouble?));
    Some(Line::warn(issue, text))
}

fn conflicting(conflicts: &[Conflict]) -> Option<Line> {
    let (first, more) = conflicts.split_first()?;
    let mut text = format!(" {}", printable(&first.words()));
    for conflict in more.iter().take(MOST_CONFLICTS) {
        text = format!(
            "{text}; {} {}",
            conflict.issue,
            printable(&conflict.words())
        );
    }
    Some(Line::warn(first.issue, text))
}

fn reworked(issue: IssueNumber, with: &[IssueNumber]) -> Line {
    let with: Vec<String> = with.iter().map(ToString::to_string).collect();
    let on = if with.is_empty() {
        "the base branch as it stands now".to_owned()
    } else {
        format!("the work for {}", with.join(" and "))
    };
    Line::about(issue, format!(" gets one more attempt, on top of {on}"))
}

fn given_up(issue: IssueNumber, reason: &str) -> Line {
    Line::warn(issue, format!(" stays as it is: {}", brief(reason)))
}

fn certifying(parts: &[Part]) -> Line {
    let text = format!(": the work of {}", plural(parts.len() as u64, "task"));
    Line::news(Tone::Plain, "trying all together", text)
}

/// Where nothing was tried, all that there is to say was said when it was found.
fn certified(certificate: &Certificate) -> Option<Line> {
    if certificate.proof == Proof::Untried {
        return None;
    }
    let tone = if certificate.left_out.is_empty() {
        Tone::Good
    } else {
        Tone::Warn
    };
    let text = format!(": {}{}", sentence(certificate), counted(certificate));
    Some(Line::news(tone, "together", text))
}

fn command_taken(command: &Command) -> Line {
    let asked = match command {
        Command::Retry { issue } => format!(" to retry {issue}"),
        Command::Skip { issue } => format!(" to skip {issue}"),
        Command::Approve { issue } => format!(" to approve {issue}"),
        Command::Reject { issue, .. } => format!(" to reject {issue}"),
        Command::Modify { issue, .. } => format!(" to approve {issue} with instructions"),
        Command::Answer { issue, .. } => format!(" to answer {issue}"),
        Command::ResetBreaker => " to close the breaker".to_owned(),
    };
    Line::news(Tone::Plain, "asked", asked)
}

fn stop_requested(tally: &Tally) -> Line {
    let text = match tally.counts.running {
        0 => String::new(),
        running => format!(": {} brought to safety first", plural(running, "task")),
    };
    Line::news(Tone::Warn, "stopping", text)
}

fn interrupted(tally: &Tally) -> Line {
    let left = tally.counts.all() - tally.counts.ended();
    let text = format!(" with {} left", plural(left, "task"));
    Line::news(Tone::Warn, "interrupted", text)
}

fn finished(tally: &Tally) -> Line {
    let time = human(tally.worked.millis(tally.last));
    Line::step("session finished", format!(" after {time}"))
}

/// `3 of 8 pull requests wait for people`, where a number is set.
fn pulls_counted(tally: &Tally) -> Option<Line> {
    let most = tally.settings.as_ref()?.max_open_pulls?;
    let open = tally.pulls.all();
    let wait = if open == 1 { "waits" } else { "wait" };
    let head = format!("{open} of {most} pull requests");
    Some(Line::news(Tone::Plain, head, format!(" {wait} for people")))
}

/// The task's title, safe to print and not too long.
fn title(task: &TaskTally) -> String {
    fit(&printable(&task.title), TITLE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reporters::paint::Paint;
    use crate::rules::ids::AgentPlace;
    use crate::rules::script::{self, Script};

    fn spoken_lines(script: &Script) -> String {
        let mut tally = Tally::default();
        let mut lines = Vec::new();
        for recorded in &script.events {
            tally.apply(recorded);
            if let Some(line) = line(&tally, recorded) {
                lines.push(line.shown(Paint::NONE));
            }
        }
        lines.join("\n")
    }

    #[test]
    fn trouble_is_told_with_its_time() {
        let mut script = Script::begun(&[script::task(12, "backend", &[])]);
        script.open_breaker(60_000);
        script.push(Event::DispatchPaused {
            agent: AgentPlace::default(),
            hands_over: false,
            until: Timestamp(1_790_007_200_000),
            reason: "usage limit reached".to_owned(),
        });
        script.push(Event::BreakerClosed {
            agent: AgentPlace::default(),
        });
        script.admit(12, 1, 0);
        script.settle(12, 1, 6_000_000, Attempted::Published);
        script.push(Event::CommandTaken {
            command: Command::Retry {
                issue: IssueNumber(12),
            },
            by: None,
        });
        script.push(Event::StopRequested);
        script.push(Event::SessionInterrupted);
        script.resume();
        insta::assert_snapshot!(spoken_lines(&script), @"
        session 01K5SHOP000000000000000000 on acme/shop: label bug; budget $50.00, 3 slots, agent claude with sonnet
        1 task: 1 backend
        breaker open after 5 failures in a row (network: connection refused): one probe at 14:14 UTC (in 1m 00s)
        nobody is let in until 16:13 UTC (in 1h 59m): usage limit reached
        breaker closed
        #12 admitted, attempt 1, slot 0, $5.50 set aside: Mend the backend of the shop
        #12 attempt 1 cost $6.00, $0.50 more than was set aside
        asked to retry #12
        stopping
        interrupted with 1 task left
        session 01K5SHOP000000000000000000 resumed on acme/shop: 0 of 1 task done, $6.00 spent; budget $50.00, 3 slots, agent claude with sonnet
        ");
    }
}
