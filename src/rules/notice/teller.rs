//! From events to notices: which of them are worth one, and what it says.

use crate::rules::event::{Consent, Event, Recorded};
use crate::rules::ids::{IssueNumber, Timestamp};
use crate::rules::money::Usd;
use crate::rules::notice::shape::{APPROVAL_AWAITED, APPROVAL_OVERDUE, Notice, NoticeKind};
use crate::rules::printable::{clip, printable};
use crate::rules::settings::Billing;
use crate::rules::tally::{Phase, Tally};
use crate::rules::task::Ending;

/// Characters of a title within a notice.
const TITLE: usize = 80;
/// Characters of a reason.
const REASON: usize = 200;
/// So much of the budget is most of it, in hundredths.
const MOST: u64 = 80;

/// Hears all events of a session in order.
#[derive(Clone, Debug, Default)]
pub struct Teller {
    /// All that the events told so far.
    pub tally: Tally,
    told_of_budget: bool,
}

impl Teller {
    /// Takes the event in, and says which notice it is worth, if any.
    pub fn hear(&mut self, recorded: &Recorded) -> Option<Notice> {
        self.tally.apply(recorded);
        self.of_event(&recorded.event, recorded.at)
            .or_else(|| self.of_budget())
    }

    fn of_event(&self, event: &Event, now: Timestamp) -> Option<Notice> {
        if let Event::TaskEnded {
            issue,
            ending,
            reason,
        } = event
        {
            return self.ended(*issue, *ending, reason.as_deref());
        }
        if let Event::Consent { issue, consent } = event {
            return self.wanted(*issue, consent);
        }
        if let Event::TasksRead { .. } = event {
            let budget = self.tally.settings.as_ref().map(|settings| {
                let metered = settings.billing == Billing::Metered;
                metered.then(|| format!(", budget {}", settings.ceiling))
            });
            let budget = budget.flatten().unwrap_or_default();
            let said = format!("started: {}{budget}", tasks(self.tally.counts.all()));
            return Some(self.session(NoticeKind::Started, "session_started", &said));
        }
        if let Event::SessionResumed { .. } = event {
            let counts = &self.tally.counts;
            let left = counts.all() - counts.ended();
            let said = format!("goes on: {left} of {} left", tasks(counts.all()));
            let resumed = self.session(NoticeKind::Started, "session_resumed", &said);
            // One that has not read its issues yet tells that it started once it has.
            return self.tally.read.then_some(resumed);
        }
        self.of_trouble(event, now)
    }

    /// What stops more than one task, and the end.
    fn of_trouble(&self, event: &Event, now: Timestamp) -> Option<Notice> {
        if let Event::DispatchPaused {
            until,
            reason,
            hands_over,
            ..
        } = event
        {
            let then = if *hands_over {
                "another agent takes over".to_owned()
            } else {
                format!("nothing starts for {}", lasting(until.millis_since(now)))
            };
            let said = format!("met a limit, {then}");
            return Some(self.because(NoticeKind::Limit, "limit_reached", &said, reason));
        }
        if let Event::BreakerOpened {
            until,
            failures,
            reason,
            ..
        } = event
        {
            let pause = lasting(until.millis_since(now));
            let said = format!("starts nothing for {pause} after {failures} failures in a row");
            return Some(self.because(NoticeKind::Breaker, "breaker_opened", &said, reason));
        }
        if let Event::DispatchStopped { reason, .. } = event {
            let said = "cannot go on as things are";
            return Some(self.because(NoticeKind::NeedsPerson, "dispatch_stopped", said, reason));
        }
        let is_end = matches!(event, Event::SessionFinished | Event::SessionInterrupted);
        is_end.then(|| self.over())
    }

    fn ended(&self, issue: IssueNumber, ending: Ending, reason: Option<&str>) -> Option<Notice> {
        let (kind, event, words) = match ending {
            Ending::Completed => (NoticeKind::Completed, "task_completed", "is completed"),
            Ending::NoChange => (NoticeKind::Failed, "task_unchanged", "needed no change"),
            Ending::Failed => (NoticeKind::Failed, "task_failed", "failed"),
            Ending::Blocked => (NoticeKind::Failed, "task_blocked", "is blocked"),
            Ending::Budget => (
                NoticeKind::Failed,
                "task_over_budget",
                "is not in the budget",
            ),
            Ending::NeedsHuman => (NoticeKind::NeedsPerson, "needs_human", "needs a person"),
            Ending::Skipped => return None,
        };
        let mut notice = self.task(issue, kind, event, words, reason.unwrap_or_default());
        let task = self.tally.tasks.get(&issue)?;
        notice.cost = Some(task.charge.cost).filter(|cost| *cost > Usd::ZERO);
        Some(notice)
    }

    fn wanted(&self, issue: IssueNumber, consent: &Consent) -> Option<Notice> {
        let late;
        let (event, words, reason) = match consent {
            Consent::Awaited { reason } => (APPROVAL_AWAITED, "waits for approval", reason),
            Consent::Overdue { hours } => {
                late = format!("for {hours} h by now");
                (APPROVAL_OVERDUE, "waits for approval", &late)
            }
            Consent::Asked { question } => ("input_awaited", "waits for an answer", question),
            Consent::Given { .. } | Consent::Answered { .. } => return None,
        };
        Some(self.task(issue, NoticeKind::NeedsPerson, event, words, reason))
    }

    fn task(
        &self,
        issue: IssueNumber,
        kind: NoticeKind,
        event: &'static str,
        words: &str,
        reason: &str,
    ) -> Notice {
        let task = self.tally.tasks.get(&issue);
        let title = clip(task.map_or("", |task| &task.title), TITLE);
        let reason = brief(reason);
        let because = because(&reason);
        let project = printable(&self.tally.project);
        let pull = task.and_then(|task| task.pull.as_ref());
        let link = pull.map(|pull| &pull.url);
        let link = link.or_else(|| task.and_then(|task| task.url.as_ref()));
        Notice {
            line: format!("{project}{issue} {words}: {title}{because}"),
            about: Some((issue, title)),
            reason: Some(reason).filter(|reason| !reason.is_empty()),
            link: link.and_then(|link| web_address(link)),
            ..self.bare(kind, event)
        }
    }

    fn session(&self, kind: NoticeKind, event: &'static str, said: &str) -> Notice {
        let project = printable(&self.tally.project);
        Notice {
            line: format!("{project} session {said}"),
            ..self.bare(kind, event)
        }
    }

    fn because(&self, kind: NoticeKind, event: &'static str, said: &str, reason: &str) -> Notice {
        let reason = brief(reason);
        let said = format!("{said}{}", because(&reason));
        Notice {
            reason: Some(reason).filter(|reason| !reason.is_empty()),
            ..self.session(kind, event, &said)
        }
    }

    fn over(&self) -> Notice {
        let tally = &self.tally;
        let (event, ended) = match tally.phase {
            Phase::Finished => ("session_finished", "finished"),
            Phase::Interrupted | Phase::Running | Phase::Stopping => {
                ("session_interrupted", "was interrupted")
            }
        };
        let counts = &tally.counts;
        let said = format!(
            "{ended}: {} of {} completed, {} failed, {} blocked, {} spent",
            counts.completed,
            tasks(counts.all()),
            counts.unsuccessful(),
            counts.stuck(),
            tally.spent
        );
        self.session(NoticeKind::Summary, event, &said)
    }

    /// Told once: most of what may be spent is.
    fn of_budget(&mut self) -> Option<Notice> {
        let settings = self.tally.settings.as_ref()?;
        let (spent, ceiling) = (self.tally.spent, settings.ceiling);
        let is_metered = settings.billing == Billing::Metered && ceiling > Usd::ZERO;
        if self.told_of_budget || !is_metered || spent < ceiling.percent(MOST) {
            return None;
        }
        self.told_of_budget = true;
        let said = format!("has spent {spent} of its {ceiling}");
        Some(self.session(NoticeKind::Budget, "budget_low", &said))
    }

    fn bare(&self, kind: NoticeKind, event: &'static str) -> Notice {
        Notice {
            kind,
            event,
            session: self.tally.session.clone(),
            ..Notice::bare(&self.tally.project)
        }
    }
}

/// The first line that says something, printable and not too long.
fn brief(text: &str) -> String {
    let first = text.lines().find(|line| !line.trim().is_empty());
    clip(first.unwrap_or_default(), REASON)
}

fn because(reason: &str) -> String {
    if reason.is_empty() {
        String::new()
    } else {
        format!(" ({reason})")
    }
}

fn tasks(count: u64) -> String {
    let s = if count == 1 { "" } else { "s" };
    format!("{count} task{s}")
}

fn lasting(millis: u64) -> String {
    let seconds = millis.div_ceil(1_000);
    if seconds < 120 {
        format!("{seconds} s")
    } else {
        format!("{} min", seconds.div_ceil(60))
    }
}

/// An address that people elsewhere can open; files of this machine are none.
fn web_address(link: &str) -> Option<String> {
    let is_web = link.starts_with("https://") || link.starts_with("http://");
    let is_plain = !link.contains(|char: char| char.is_whitespace() || char.is_control());
    (is_web && is_plain && link.len() <= 500).then(|| printable(link))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::ids::AgentPlace;
    use crate::rules::script::{self, Script};

    fn told(script: &Script) -> Vec<Notice> {
        let mut teller = Teller::default();
        let heard = script.events.iter();
        heard.filter_map(|event| teller.hear(event)).collect()
    }

    fn lines(script: &Script) -> Vec<String> {
        let notices = told(script).into_iter();
        notices
            .map(|notice| format!("{:?} {}", notice.kind, notice.line))
            .collect()
    }

    #[test]
    fn every_ending_is_told_but_what_was_left_out() {
        insta::assert_snapshot!(lines(&script::every_ending()).join("\n"), @r"
        Started acme/shop session started: 10 tasks, budget $50.00
        Completed acme/shop#12 is completed: Fix the login redirect
        Completed acme/shop#13 is completed: Make the header sticky on small screens
        Completed acme/shop#14 is completed: Show the cart in the header
        Failed acme/shop#15 failed: Add an index to the table of orders (timeout: nothing came of it in 30 minutes)
        Failed acme/shop#16 is blocked: List the last orders of a customer (needs #15, which failed)
        Failed acme/shop#17 needed no change: Say in the README which ports are used (it says so already)
        NeedsPerson acme/shop#18 needs a person: Test the payment callback (a nested repository was changed: vendor/pay)
        Failed acme/shop#19 is not in the budget: Rotate the signing keys every 90 days ($5.50 would pass what is left of $50.00)
        Completed acme/shop#21 is completed: Greet in 日本語 and العربية, not only in English
        Summary acme/shop session finished: 4 of 10 tasks completed, 3 failed, 2 blocked, $3.9797 spent
        ");
    }

    #[test]
    fn a_completed_task_has_its_cost_and_its_pull() {
        let all = told(&script::every_ending());
        let done = all.iter().find(|notice| notice.event == "task_completed");
        let done = done.unwrap();
        assert_eq!(done.cost.unwrap().to_string(), "$0.1117");
        assert!(
            done.link.as_ref().unwrap().ends_with("/pull/31"),
            "{done:?}"
        );
    }

    #[test]
    fn the_budget_is_told_of_once_when_most_is_spent() {
        let tasks = [
            script::task(12, "backend", &[]),
            script::task(13, "backend", &[]),
        ];
        let mut script = Script::begun(&tasks);
        script.complete(12, 1, 0, 39_990_000, 31);
        let before = lines(&script);
        assert!(!before.iter().any(|line| line.starts_with("Budget")));
        script.complete(13, 1, 0, 10_000, 32);
        let all = lines(&script);
        let budget: Vec<_> = all
            .iter()
            .filter(|line| line.starts_with("Budget"))
            .collect();
        assert_eq!(
            budget,
            ["Budget acme/shop session has spent $40.00 of its $50.00"]
        );
    }

    #[test]
    fn what_stops_everybody_is_told_with_its_reason() {
        let mut script = Script::begun(&[]);
        let now = script.events.last().unwrap().at;
        script.push(Event::DispatchPaused {
            agent: AgentPlace::default(),
            hands_over: false,
            until: now.plus_millis(25 * 60_000),
            reason: "usage limit\nmore".to_owned(),
        });
        script.open_breaker(60_000);
        script.push(Event::DispatchStopped {
            agent: None,
            reason: "the key was refused".to_owned(),
        });
        insta::assert_snapshot!(lines(&script)[1..].join("\n"), @r"
        Limit acme/shop session met a limit, nothing starts for 25 min (usage limit)
        Breaker acme/shop session starts nothing for 60 s after 5 failures in a row (network: connection refused)
        NeedsPerson acme/shop session cannot go on as things are (the key was refused)
        ");
    }

    #[test]
    fn who_waits_is_told_and_an_answer_is_not() {
        let mut script = Script::begun(&[script::titled(12, "Drop the table", "database", &[])]);
        let issue = IssueNumber(12);
        let reason = "a migration; medium risk".to_owned();
        let consent = Consent::Awaited { reason };
        script.push(Event::Consent { issue, consent });
        let heard = told(&script).pop().unwrap();
        assert!(heard.is_urgent());
        assert_eq!(
            heard.line,
            "acme/shop#12 waits for approval: Drop the table (a migration; medium risk)"
        );
        let before = told(&script).len();
        let consent = Consent::Given { instructions: None };
        script.push(Event::Consent { issue, consent });
        assert_eq!(told(&script).len(), before);
    }

    #[test]
    fn a_nasty_title_is_one_plain_line() {
        let mut script = Script::begun(&[script::titled(12, script::NASTY, "backend", &[])]);
        script.end(12, Ending::Failed, Some("\u{1b}[31mred\u{1b}[0m"));
        let line = told(&script).pop().unwrap().line;
        assert_eq!(
            line,
            "acme/shop#12 failed: Red evil second $(rm -rf) 日本語 (red)"
        );
    }
}
