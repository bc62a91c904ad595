//! What people read of each event: one short function per kind.

use crate::reporters::paint::{Paint, Tone};
use crate::reporters::time::{ahead, human};
use crate::rules::event::{Command, Effect, Event, Fact, Recorded};
use crate::rules::ids::{AttemptNumber, BranchName, IssueNumber, SessionId, SlotNumber, Timestamp};
use crate::rules::issue::Selection;
use crate::rules::money::{Basis, Usd};
use crate::rules::settings::Settings;
use crate::rules::summary::by_domain;
use crate::rules::tally::{Tally, TaskTally};
use crate::rules::task::{
    Attempted, CheckReport, Commit, Ending, Failure, Outcome, Pull, Start, Task, Verdict,
};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Columns that a title gets within a sentence.
const TITLE: usize = 60;
/// Columns that a reason gets within a sentence.
const REASON: usize = 200;

/// One line about one event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// How much it matters.
    pub weight: Weight,
    /// How its head is painted.
    pub tone: Tone,
    /// What it is about.
    pub head: String,
    /// What there is to say.
    pub text: String,
}

/// How much a line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// One of the steps that live bars show anyway.
    Step,
    /// Stays on the screen.
    News,
}

impl Line {
    /// The line as it is shown.
    #[must_use]
    pub fn shown(&self, paint: Paint) -> String {
        format!("{}{}", paint.tone(self.tone, &self.head), self.text)
    }

    fn step(head: impl ToString, text: impl Into<String>) -> Option<Self> {
        Some(Self {
            weight: Weight::Step,
            tone: Tone::Plain,
            head: head.to_string(),
            text: text.into(),
        })
    }

    fn news(tone: Tone, head: impl ToString, text: impl Into<String>) -> Option<Self> {
        Some(Self {
            weight: Weight::News,
            tone,
            head: head.to_string(),
            text: text.into(),
        })
    }
}

/// The text on one line, without anything that a terminal obeys or that turns its reading order.
#[must_use]
pub fn printable(text: &str) -> String {
    let shown = |letter: char| match letter {
        '\n' | '\r' | '\t' => Some(' '),
        '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{feff}' => None,
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}' => None,
        '\u{e0000}'..='\u{e007f}' => None,
        _ if letter.is_control() => Some('\u{fffd}'),
        _ => Some(letter),
    };
    text.chars().filter_map(shown).collect()
}

/// The text in at most so many columns; `…` stands for what is left out.
#[must_use]
pub fn clip(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut clipped = String::new();
    let mut columns = 0;
    for letter in text.chars() {
        columns += letter.width().unwrap_or(0);
        if columns + 1 > width {
            break;
        }
        clipped.push(letter);
    }
    if width > 0 {
        clipped.push('…');
    }
    clipped
}

/// An ending, or another of our words with `_` in it, for people.
#[must_use]
pub fn spoken(word: &str) -> String {
    word.replace('_', " ")
}

/// `1 task`, `2 tasks`.
#[must_use]
pub fn plural(count: u64, noun: &str) -> String {
    let s = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{s}")
}

/// The tone of an ending.
#[must_use]
pub fn tone_of(ending: Ending) -> Tone {
    match ending {
        Ending::Completed => Tone::Good,
        Ending::Failed => Tone::Bad,
        Ending::NoChange | Ending::Blocked | Ending::NeedsHuman | Ending::Budget => Tone::Warn,
        Ending::Skipped => Tone::Faint,
    }
}

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
        } => session_started(session, project, selection, settings),
        Event::SessionResumed { settings } => session_resumed(tally, settings),
        Event::TasksRead { tasks } => tasks_read(tally, tasks),
        Event::Held { issue, by, over } => held(*issue, *by, over),
        Event::Admitted { issue, .. } => admitted(tally, *issue, &recorded.event),
        Event::Fact { issue, fact, .. } => fact_found(*issue, fact),
        Event::Settled {
            issue,
            attempt,
            grant,
            outcome,
        } => settled(*issue, *attempt, *grant, outcome),
        Event::RetryScheduled {
            issue,
            until,
            failure,
            ..
        } => retry_scheduled(*issue, until.millis_since(at), failure),
        Event::Parked {
            issue,
            until,
            failure,
            ..
        } => parked(*issue, &ahead(*until, at), failure),
        Event::Requeued { issue, start } => requeued(*issue, start),
        Event::DispatchPaused { until, reason } => paused(&ahead(*until, at), reason),
        Event::BreakerOpened {
            until,
            failures,
            reason,
        } => breaker_opened(&ahead(*until, at), *failures, reason),
        Event::BreakerClosed => Line::news(Tone::Good, "breaker closed", ""),
        Event::TaskEnded { issue, .. } => task_ended(tally, *issue),
        Event::Announced { issue, trouble } => announced(*issue, trouble.as_deref()),
        Event::CommandTaken { command } => command_taken(command),
        Event::StopRequested => stop_requested(tally),
        Event::SessionInterrupted => interrupted(tally),
        Event::SessionFinished => finished(tally),
        Event::Due { .. } | Event::SpentElsewhere { .. } => None,
    }
}

fn session_started(
    session: &SessionId,
    project: &str,
    selection: &Selection,
    settings: &Settings,
) -> Option<Line> {
    let text = format!(
        " on {}: {}; {}",
        printable(project),
        printable(&selection.name()),
        frame(settings)
    );
    Line::news(Tone::Head, format!("session {session}"), text)
}

fn session_resumed(tally: &Tally, settings: &Settings) -> Option<Line> {
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
    let model = settings.model.as_deref().unwrap_or("its own model");
    format!(
        "budget {}, {}, {} with {}",
        settings.ceiling,
        plural(u64::from(settings.slots), "slot"),
        printable(&settings.agent),
        printable(model)
    )
}

fn tasks_read(tally: &Tally, tasks: &[Task]) -> Option<Line> {
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

fn held(issue: IssueNumber, by: IssueNumber, over: &str) -> Option<Line> {
    Line::step(issue, format!(" waits for {by} ({})", brief(over)))
}

fn admitted(tally: &Tally, issue: IssueNumber, event: &Event) -> Option<Line> {
    let Event::Admitted {
        attempt,
        slot,
        grant,
        probe,
        start,
        ..
    } = event
    else {
        return None;
    };
    let title = tally.tasks.get(&issue).map_or(String::new(), title);
    let probe = if *probe { ", the breaker's probe" } else { "" };
    let text = format!(
        " admitted, {}, {}{}{probe}: {title}",
        place(*attempt, *slot),
        set_aside(*grant),
        from(start)
    );
    Line::step(issue, text)
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
        Start::Snapshot { .. } => ", from its snapshot",
        Start::Captured { .. } => ", the agent is done",
        Start::Verified => ", only publishing is left",
    }
}

fn fact_found(issue: IssueNumber, fact: &Fact) -> Option<Line> {
    match fact {
        Fact::AgentDone { charge, .. } => {
            Line::step(issue, format!(" agent done, {} so far", charge.cost))
        }
        Fact::Committed { commit } => committed(issue, commit),
        Fact::Checked { reports } => checked(issue, reports),
        Fact::BranchChosen { branch } => Line::step(issue, format!(" goes to branch {branch}")),
        Fact::Did { effect, pull } => did(issue, effect, pull.as_ref()),
        Fact::Entered { .. }
        | Fact::Spawned { .. }
        | Fact::Snapshot { .. }
        | Fact::Verified
        | Fact::Intends { .. } => None,
    }
}

fn committed(issue: IssueNumber, commit: &Commit) -> Option<Line> {
    let short = commit.id.as_str().get(..10).unwrap_or_default();
    let files = plural(commit.diff.files, "file");
    let (added, removed) = (commit.diff.added, commit.diff.removed);
    Line::step(
        issue,
        format!(" committed {short}: {files}, +{added} -{removed}"),
    )
}

fn checked(issue: IssueNumber, reports: &[CheckReport]) -> Option<Line> {
    let said = |report: &CheckReport| {
        let name = clip(&printable(&report.name), TITLE);
        format!(
            "{name} {} ({})",
            verdict(report.verdict),
            human(report.millis)
        )
    };
    let said: Vec<String> = reports.iter().map(said).collect();
    if said.is_empty() {
        return None;
    }
    Line::step(issue, format!(" checks: {}", said.join(", ")))
}

/// A verdict in words.
#[must_use]
pub fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Passed => "passed",
        Verdict::Failed => "failed",
        Verdict::FailedBefore => "failed as on the base",
        Verdict::TimedOut => "timed out",
        Verdict::Unable => "could not be started",
    }
}

fn did(issue: IssueNumber, effect: &Effect, pull: Option<&Pull>) -> Option<Line> {
    match effect {
        Effect::Push { branch, .. } => Line::step(issue, format!(" pushed {branch}")),
        Effect::OpenPull { .. } => {
            let pull = pull?;
            let url = printable(&pull.url);
            Line::step(issue, format!(" pull {}: {url}", pull.number))
        }
        Effect::AddLabel { .. } | Effect::RemoveLabel { .. } | Effect::Comment { .. } => None,
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
        return Line::news(Tone::Warn, issue, text);
    }
    if outcome.charge.basis == Basis::Assumed && cost > Usd::ZERO {
        let text = format!(" attempt {attempt}: nobody knows its bill, so all of {cost} counts");
        return Line::news(Tone::Warn, issue, text);
    }
    let ended = match outcome.result {
        // The end of the task follows at once, and names its cost.
        Attempted::Published | Attempted::Unchanged { .. } | Attempted::NeedsHuman { .. } => {
            return None;
        }
        Attempted::Failed(_) => "failed",
        Attempted::Stopped => "was stopped",
        Attempted::Lost => "was lost with its process",
    };
    Line::step(issue, format!(" attempt {attempt} {ended}, {cost}"))
}

fn retry_scheduled(issue: IssueNumber, millis: u64, failure: &Failure) -> Option<Line> {
    let text = format!(" failed: {}; again in {}", why(failure), human(millis));
    Line::news(Tone::Warn, issue, text)
}

fn parked(issue: IssueNumber, until: &str, failure: &Failure) -> Option<Line> {
    let text = format!(" waits until {until}: {}", why(failure));
    Line::news(Tone::Warn, issue, text)
}

fn requeued(issue: IssueNumber, start: &Start) -> Option<Line> {
    Line::step(issue, format!(" is ready to go on{}", from(start)))
}

fn paused(until: &str, reason: &str) -> Option<Line> {
    let text = format!(" until {until}: {}", brief(reason));
    Line::news(Tone::Warn, "nobody is let in", text)
}

fn breaker_opened(until: &str, failures: u32, reason: &str) -> Option<Line> {
    let text = format!(
        " after {failures} failures in a row ({}): one probe at {until}",
        brief(reason)
    );
    Line::news(Tone::Bad, "breaker open", text)
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
        text.push_str(&printable(&pull.url));
    } else if let Some(branch) = task.offered_branch().map(BranchName::as_str) {
        text.push_str(" on ");
        text.push_str(branch);
    }
    let head = format!("{issue} {}", spoken(ending.word()));
    Line::news(tone_of(ending), head, text)
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
    Line::news(Tone::Warn, issue, text)
}

fn command_taken(command: &Command) -> Option<Line> {
    let asked = match command {
        Command::Retry { issue } => format!(" to retry {issue}"),
        Command::Skip { issue } => format!(" to skip {issue}"),
        Command::ResetBreaker => " to close the breaker".to_owned(),
    };
    Line::news(Tone::Plain, "asked", asked)
}

fn stop_requested(tally: &Tally) -> Option<Line> {
    let text = match tally.counts.running {
        0 => String::new(),
        running => format!(": {} brought to safety first", plural(running, "task")),
    };
    Line::news(Tone::Warn, "stopping", text)
}

fn interrupted(tally: &Tally) -> Option<Line> {
    let left = tally.counts.all() - tally.counts.ended();
    let text = format!(" with {} left", plural(left, "task"));
    Line::news(Tone::Warn, "interrupted", text)
}

fn finished(tally: &Tally) -> Option<Line> {
    let time = human(tally.worked.millis(tally.last));
    Line::step("session finished", format!(" after {time}"))
}

/// The task's title, safe to print and not too long.
fn title(task: &TaskTally) -> String {
    clip(&printable(&task.title), TITLE)
}

/// Why an attempt failed, in one line.
#[must_use]
pub fn why(failure: &Failure) -> String {
    format!("{}: {}", failure.class.words(), brief(&failure.message))
}

/// The first line that says something, safe to print and not too long.
#[must_use]
pub fn brief(text: &str) -> String {
    let first = text.lines().find(|line| !line.trim().is_empty());
    clip(printable(first.unwrap_or_default()).trim(), REASON)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::script::{self, NASTY, Script};

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
    fn a_session_reads_like_a_report() {
        insta::assert_snapshot!(spoken_lines(&script::every_ending()), @r#"
        session 01K5SHOP000000000000000000 on acme/shop: label bug; budget $50.00, 3 slots, claude with sonnet
        10 tasks: 2 backend, 2 frontend, 1 database, 1 infrastructure, 1 security, 1 testing, 1 documentation, 1 unknown
        #20 skipped: Build the image for arm64: pull #77 is open already
        #12 admitted, attempt 1, slot 0, $5.50 set aside: Fix the login redirect
        #12 committed 0000000000: 3 files, +40 -2
        #12 checks: lint passed (3s), test passed (3s)
        #12 pushed autoissue/12-mend-the-shop
        #12 pull #31: https://github.com/acme/shop/pull/31
        #12 completed: Fix the login redirect (1m 37s, $0.1117) https://github.com/acme/shop/pull/31
        #14 waits for #13 (src/header.css)
        #13 admitted, attempt 1, slot 1, $5.50 set aside: Make the header sticky on small screens
        #13 checks: lint passed (3s), test failed (3s)
        #13 attempt 1 failed, $0.42
        #13 failed: check failed: 2 of 40 tests fail; again in 1s
        #13 admitted, attempt 2, slot 1, $5.50 set aside: Make the header sticky on small screens
        #13 committed 0000000000: 3 files, +40 -2
        #13 checks: lint passed (3s), test passed (3s)
        #13 pushed autoissue/13-mend-the-shop
        #13 pull #32: https://github.com/acme/shop/pull/32
        #13 completed: Make the header sticky on small screens (2 attempts, 1m 40s, $0.65) https://github.com/acme/shop/pull/32
        #14 admitted, attempt 1, slot 0, $5.50 set aside: Show the cart in the header
        #14 committed 0000000000: 3 files, +40 -2
        #14 checks: lint passed (3s), test passed (3s)
        #14 pushed autoissue/14-mend-the-shop
        #14 pull #33: https://github.com/acme/shop/pull/33
        #14 completed: Show the cart in the header (1m 37s, $0.0980) https://github.com/acme/shop/pull/33
        #15 admitted, attempt 1, slot 2, $5.50 set aside: Add an index to the table of orders
        #15 attempt 1 failed, $1.00
        #15 admitted, attempt 2, slot 2, $5.50 set aside: Add an index to the table of orders
        #15 attempt 2 failed, $1.00
        #15 admitted, attempt 3, slot 2, $5.50 set aside: Add an index to the table of orders
        #15 attempt 3 failed, $1.00
        #15 failed: Add an index to the table of orders (3 attempts, 6s, $3.00): timeout: nothing came of it in 30 minutes
        #16 blocked: List the last orders of a customer: needs #15, which failed
        #17 admitted, attempt 1, slot 0, $5.50 set aside: Say in the README which ports are used
        #17 no change: Say in the README which ports are used (2s, $0.04): it says so already
        #18 admitted, attempt 1, slot 0, $5.50 set aside: Test the payment callback
        #18 needs human: Test the payment callback (2s, $0.07): a nested repository was changed: vendor/pay
        #19 budget: Rotate the signing keys every 90 days: $5.50 would pass what is left of $50.00
        #21 admitted, attempt 1, slot 0, $5.50 set aside: Greet in 日本語 and العربية, not only in English
        #21 committed 0000000000: 3 files, +40 -2
        #21 checks: lint passed (3s), test passed (3s)
        #21 pushed autoissue/21-mend-the-shop
        #21 pull #34: https://github.com/acme/shop/pull/34
        #21 completed: Greet in 日本語 and العربية, not only in English (1m 37s, $0.01) https://github.com/acme/shop/pull/34
        session finished after 7m 10s
        "#);
    }

    #[test]
    fn trouble_is_told_with_its_time() {
        let mut script = Script::begun(&[script::task(12, "backend", &[])]);
        script.open_breaker(60_000);
        script.push(Event::DispatchPaused {
            until: Timestamp(1_790_007_200_000),
            reason: "usage limit reached".to_owned(),
        });
        script.push(Event::BreakerClosed);
        script.admit(12, 1, 0);
        script.settle(12, 1, 6_000_000, Attempted::Published);
        script.push(Event::CommandTaken {
            command: Command::Retry {
                issue: IssueNumber(12),
            },
        });
        script.push(Event::StopRequested);
        script.push(Event::SessionInterrupted);
        script.resume();
        insta::assert_snapshot!(spoken_lines(&script), @r#"
        session 01K5SHOP000000000000000000 on acme/shop: label bug; budget $50.00, 3 slots, claude with sonnet
        1 task: 1 backend
        breaker open after 5 failures in a row (network: connection refused): one probe at 14:14 UTC (in 1m 00s)
        nobody is let in until 16:13 UTC (in 1h 59m): usage limit reached
        breaker closed
        #12 admitted, attempt 1, slot 0, $5.50 set aside: Mend the backend of the shop
        #12 attempt 1 cost $6.00, $0.50 more than was set aside
        asked to retry #12
        stopping
        interrupted with 1 task left
        session 01K5SHOP000000000000000000 resumed on acme/shop: 0 of 1 task done, $6.00 spent; budget $50.00, 3 slots, claude with sonnet
        "#);
    }

    #[test]
    fn no_title_commands_the_terminal() {
        let shown = printable(NASTY);
        let obeyed =
            |letter: char| letter.is_control() || ('\u{202a}'..='\u{2069}').contains(&letter);
        assert!(NASTY.contains(obeyed), "the control");
        assert!(!shown.contains(obeyed), "{shown:?}");
        assert!(shown.contains("second $(rm -rf) 日本語"), "{shown:?}");
    }

    #[test]
    fn wide_letters_count_twice_when_clipped() {
        let check = |text: &str, width, expect: &str| assert_eq!(clip(text, width), expect);
        check("short", 5, "short");
        check("longer", 5, "long…");
        check("日本語", 6, "日本語");
        check("日本語", 5, "日本…");
        check("日本語", 4, "日…");
        check("anything", 0, "");
    }

    #[test]
    fn only_the_first_telling_line_of_a_reason_is_said() {
        assert_eq!(brief("\n  \n  what failed\nand where\n"), "what failed");
        assert_eq!(brief(""), "");
    }
}
