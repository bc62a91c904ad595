//! What the live lines at the bottom of a terminal say. Pure: drawing them is `reporters::terminal`'s.

use crate::reporters::paint::{Paint, Tone};
use crate::reporters::slots;
use crate::reporters::time::human;
use crate::reporters::words::fit;
use crate::rules::event::Progress;
use crate::rules::ids::{IssueNumber, SlotNumber, Timestamp};
use crate::rules::money::Usd;
use crate::rules::printable::printable;
use crate::rules::summary::{Wait, wait};
use crate::rules::tally::{Breaker, Phase, Standing, Tally, TaskTally};
use crate::rules::task::Stage;
use std::collections::BTreeMap;
use unicode_width::UnicodeWidthStr;

/// Columns that a title gets when there is plenty.
const TITLE: usize = 40;
/// Columns that a title gets at least, or it is not shown.
const LEAST: usize = 12;
/// Columns that the last activity gets at least, or it is not shown.
const ACTIVITY: usize = 14;
/// Tasks that are looked at to say what waits for what.
const WAITING: usize = 200;
/// Tasks that wait for their turn and are not named, but counted.
const NAMED: usize = 4;

/// The last progress of each task.
pub type Doing = BTreeMap<IssueNumber, Progress>;

/// What the lines are made from.
pub struct View<'a> {
    /// The session so far.
    pub tally: &'a Tally,
    /// What running attempts do.
    pub doing: &'a Doing,
    /// The session's time.
    pub now: Timestamp,
    /// Columns of the screen.
    pub width: usize,
    /// How words are painted.
    pub paint: Paint,
}

impl View<'_> {
    /// One line for each running task, by slot.
    #[must_use]
    pub fn slots(&self) -> Vec<String> {
        let mut running: Vec<(SlotNumber, Option<Stage>, &TaskTally)> = Vec::new();
        for task in self.tally.tasks.values() {
            if let Standing::Running { slot, stage, .. } = task.standing {
                running.push((slot, stage, task));
            }
        }
        running.sort_by_key(|(slot, ..)| *slot);
        let lines = running.iter();
        lines
            .map(|(_, stage, task)| self.slot(task, *stage))
            .collect()
    }

    /// What is done, failed, waits and was spent, in so many columns.
    #[must_use]
    pub fn total(&self, width: usize) -> String {
        if !self.tally.read {
            return fit("reading issues", width);
        }
        let counts = &self.tally.counts;
        let ceiling = self.tally.settings.as_ref();
        let ceiling = ceiling.map_or(Usd::ZERO, |settings| settings.ceiling);
        let spent = cents(self.tally.spent + self.running_cost());
        let counted =
            |tone, count: u64, word| (count > 0).then(|| (tone, format!("{count} {word}")));
        let parts = [
            self.state().map(|text| (Tone::Warn, text)),
            Some((Tone::Good, format!("{} done", counts.completed))),
            counted(Tone::Bad, counts.unsuccessful(), "failed"),
            counted(Tone::Warn, counts.stuck(), "blocked"),
            Some((Tone::Plain, format!("{spent} spent"))),
            Some((Tone::Plain, format!("{} left", ceiling.minus(spent)))),
            counted(Tone::Plain, counts.waiting, "waiting"),
            counted(Tone::Faint, counts.skipped, "skipped"),
            Some((
                Tone::Faint,
                format!("{} set aside", cents(self.tally.granted)),
            )),
        ];
        self.joined(parts.into_iter().flatten(), width)
    }

    /// What waits for what, in one line; nothing where nothing waits.
    #[must_use]
    pub fn waits(&self) -> Option<String> {
        let mut named: Vec<String> = Vec::new();
        let mut turn: BTreeMap<&'static str, u64> = BTreeMap::new();
        let mut more = 0;
        for (task, wait) in self.waiting() {
            match self.named(task, &wait) {
                Ok(words) if named.len() < NAMED => named.push(words),
                Ok(_) => more += 1,
                Err(reason) => *turn.entry(reason).or_default() += 1,
            }
        }
        let unseen = self.tally.counts.waiting.saturating_sub(WAITING as u64);
        if more + unseen > 0 {
            named.push(format!("{} more", more + unseen));
        }
        named.extend(
            turn.iter()
                .map(|(reason, count)| format!("{count} {reason}")),
        );
        if named.is_empty() {
            return None;
        }
        named[0].insert_str(0, "waiting: ");
        let parts = named.into_iter().map(|words| (Tone::Faint, words));
        Some(self.joined(parts, self.width))
    }

    fn waiting(&self) -> impl Iterator<Item = (&TaskTally, Wait)> {
        let tasks = self.tally.tasks.values();
        let waits = tasks.filter_map(|task| Some((task, wait(self.tally, task, self.now)?)));
        waits.take(WAITING)
    }

    /// What one task waits for; or, where it merely waits its turn, the words that count it.
    fn named(&self, task: &TaskTally, wait: &Wait) -> Result<String, &'static str> {
        let issue = task.issue;
        let within = |until: &Timestamp| human(until.millis_since(self.now));
        match wait {
            Wait::Needs(needs) => {
                let needs: Vec<String> = needs.iter().map(ToString::to_string).collect();
                Ok(format!("{issue} after {}", needs.join(", ")))
            }
            Wait::Collision { by, over } => Ok(format!(
                "{issue} after {by} ({})",
                fit(&printable(over), TITLE)
            )),
            Wait::Approval => Ok(format!("{issue} for approval")),
            Wait::Answer => Ok(format!("{issue} for an answer")),
            Wait::Retry(until) => Ok(format!("{issue} again in {}", within(until))),
            Wait::Limit(until) => Ok(format!("{issue} paused for {}", within(until))),
            Wait::Pause(_) | Wait::Resumption | Wait::Breaker(_) | Wait::Probe => Err("held back"),
            Wait::Pulls(_) => Err("for people to merge"),
            Wait::Slot => Err("for a slot"),
            Wait::Money => Err("for money"),
            Wait::Next => Err("next"),
        }
    }

    /// What keeps the whole session, if anything.
    fn state(&self) -> Option<String> {
        match self.tally.phase {
            Phase::Stopping => return Some("stopping".to_owned()),
            Phase::Running | Phase::Interrupted | Phase::Finished => {}
        }
        if let Some(reason) = &self.tally.stopped_because {
            let reason = fit(&printable(reason), TITLE);
            return Some(format!("nobody is let in ({reason})"));
        }
        let within = |until: Timestamp| human(until.millis_since(self.now));
        if let Some(pause) = self
            .tally
            .pause
            .as_ref()
            .filter(|pause| pause.until > self.now)
        {
            let reason = fit(&printable(&pause.reason), TITLE);
            return Some(format!("paused for {} ({reason})", within(pause.until)));
        }
        match &self.tally.breaker {
            Breaker::Closed => slots::standing(self.tally),
            Breaker::Open { until, .. } if *until > self.now => {
                Some(format!("breaker open, probe in {}", within(*until)))
            }
            Breaker::Open { .. } => Some("breaker open".to_owned()),
            Breaker::HalfOpen => Some("breaker half-open, one probe runs".to_owned()),
        }
    }

    fn slot(&self, task: &TaskTally, stage: Option<Stage>) -> String {
        let doing = self.doing.get(&task.issue);
        let cost = task.charge.cost + doing.map_or(Usd::ZERO, |doing| doing.cost);
        let stage = stage.map_or("starts", Stage::word);
        let time = human(task.worked.millis(self.now));
        let issue = format!("{:<5}", task.issue.to_string());
        let right = format!("  {stage:<7}  {time:>7}  {cost:>8}");
        let Some((title, activity)) = self.rooms(issue.width() + 1 + right.width()) else {
            return fit(&format!("{issue} {stage} {time} {cost}"), self.width);
        };
        let shown = fit(&printable(&task.title), title);
        let gap = " ".repeat(title - shown.width());
        let issue = self.paint.tone(Tone::Head, &issue);
        let line = format!("{issue} {shown}{gap}{right}");
        let activity = doing.map(|doing| fit(&printable(&doing.activity), activity));
        match activity.filter(|activity| !activity.is_empty()) {
            Some(activity) => format!("{line}  {}", self.paint.tone(Tone::Faint, &activity)),
            None => line,
        }
    }

    /// Columns for a title and for what is being done, beside so many others; `None` where there are not enough.
    fn rooms(&self, taken: usize) -> Option<(usize, usize)> {
        let room = self.width.checked_sub(taken + LEAST)?;
        let room = room + LEAST;
        if room < LEAST + 2 + ACTIVITY {
            return Some((room.min(TITLE), 0));
        }
        let title = (room * 3 / 5).min(TITLE);
        Some((title, room - title - 2))
    }

    fn running_cost(&self) -> Usd {
        self.doing.values().map(|doing| doing.cost).sum()
    }

    /// The parts that fit, painted; the first always stays, clipped if it must be.
    fn joined(&self, parts: impl IntoIterator<Item = (Tone, String)>, width: usize) -> String {
        let mut line = String::new();
        let mut columns = 0;
        for (tone, part) in parts {
            let gap = if columns == 0 { "" } else { " · " };
            let part = if columns == 0 {
                fit(&part, width)
            } else {
                part
            };
            let needs = gap.width() + part.width();
            if columns + needs > width {
                break;
            }
            columns += needs;
            line.push_str(gap);
            line.push_str(&self.paint.tone(tone, &part));
        }
        line
    }
}

/// Whole cents, rounded up: the fractions of a sum that grows every second tell nobody anything.
fn cents(amount: Usd) -> Usd {
    Usd::from_micros(amount.micros().div_ceil(10_000).saturating_mul(10_000))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::ids::AttemptNumber;
    use crate::rules::script::{self, NASTY, Script};

    fn view<'a>(tally: &'a Tally, doing: &'a Doing, width: usize) -> View<'a> {
        View {
            tally,
            doing,
            now: tally.last.plus_millis(61_000),
            width,
            paint: Paint::NONE,
        }
    }

    fn busy() -> (Tally, Doing) {
        let tasks = [
            script::titled(12, "Fix the login redirect", "backend", &[]),
            script::titled(
                13,
                "Ein sehr langer Titel über die Kopfzeile auf kleinen Schirmen",
                "frontend",
                &[],
            ),
            script::titled(14, "Show the cart in the header", "frontend", &[13]),
            script::titled(15, NASTY, "database", &[]),
            script::titled(16, "日本語の題名", "database", &[]),
            script::titled(17, "One more", "database", &[]),
        ];
        let mut script = Script::begun(&tasks);
        script.complete(12, 1, 0, 111_700, 31);
        script.admit(13, 1, 1);
        script.admit(15, 1, 0);
        script.admit(16, 1, 2);
        let tally = script.tally();
        let progress = Progress {
            issue: IssueNumber(13),
            attempt: AttemptNumber(1),
            at: tally.last,
            activity: "Edit src/header.css".to_owned(),
            pid: None,
            messages: 4,
            cost: Usd::from_micros(31_000),
            tokens: 0,
        };
        (tally, Doing::from([(IssueNumber(13), progress)]))
    }

    fn shown(width: usize) -> String {
        let (tally, doing) = busy();
        let view = view(&tally, &doing, width);
        let mut lines = vec![view.total(width)];
        lines.extend(view.slots());
        lines.extend(view.waits());
        lines.join("\n")
    }

    #[test]
    fn a_busy_session_at_two_widths() {
        insta::assert_snapshot!(shown(80), @"
        1 done · $0.15 spent · $49.85 left · 2 waiting · $16.50 set aside
        #15   Red evil second $(rm -rf) …  agent     1m 04s     $0.00
        #13   Ein sehr langer Titel über…  agent     1m 06s   $0.0310  Edit src/header.…
        #16   日本語の題名                 agent     1m 02s     $0.00
        waiting: #14 after #13 · 1 for a slot
        ");
        insta::assert_snapshot!(shown(120), @"
        1 done · $0.15 spent · $49.85 left · 2 waiting · $16.50 set aside
        #15   Red evil second $(rm -rf) 日本語          agent     1m 04s     $0.00
        #13   Ein sehr langer Titel über die Kopfzeil…  agent     1m 06s   $0.0310  Edit src/header.css
        #16   日本語の題名                              agent     1m 02s     $0.00
        waiting: #14 after #13 · 1 for a slot
        ");
    }

    #[test]
    fn no_line_is_wider_than_the_screen() {
        for width in 30..200 {
            for line in shown(width).lines() {
                assert!(line.width() <= width, "{width}: {line}");
                assert!(!line.contains(char::is_control), "{line:?}");
            }
        }
    }

    #[test]
    fn trouble_comes_first() {
        let mut script = Script::begun(&[script::task(12, "backend", &[])]);
        script.open_breaker(120_000);
        let tally = script.tally();
        let doing = Doing::new();
        let total = view(&tally, &doing, 80).total(80);
        assert!(total.starts_with("breaker open, probe in 59s"), "{total}");
        let waits = view(&tally, &doing, 80).waits();
        assert_eq!(waits.as_deref(), Some("waiting: 1 held back"));
    }

    #[test]
    fn ten_thousand_that_wait_are_counted_not_listed() {
        let tasks: Vec<_> = (1..=10_000)
            .map(|number| script::task(number, "backend", if number > 1 { &[1] } else { &[] }))
            .collect();
        let mut script = Script::begun(&tasks);
        script.admit(1, 1, 0);
        let tally = script.tally();
        let waits = view(&tally, &Doing::new(), 80).waits();
        let expect = "waiting: #2 after #1 · #3 after #1 · #4 after #1 · #5 after #1 · 9995 more";
        assert_eq!(waits.as_deref(), Some(expect));
    }
}
