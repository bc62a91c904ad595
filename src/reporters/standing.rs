//! Where a session and its tasks stand, for a person who asks while another process works on it.

use crate::reporters::bars::{Doing, View};
use crate::reporters::evaluation::route;
use crate::reporters::out::Stream;
use crate::reporters::paint::{Colour, Paint, Tone};
use crate::reporters::plan_lines;
use crate::reporters::quota;
use crate::reporters::table::{session_table, state, tokens};
use crate::reporters::time::{ago, human};
use crate::reporters::together;
use crate::reporters::words::{address, brief, fit, plural, verdict, why};
use crate::rules::event::Progress;
use crate::rules::ids::{IssueNumber, SessionId, Timestamp};
use crate::rules::money::Usd;
use crate::rules::printable::printable;
use crate::rules::summary::{domain_word, pressure};
use crate::rules::tally::{CheckTally, CommitTally, Phase, Standing, Tally, TaskTally};

/// A session as somebody else's process sees it.
#[derive(Clone, Copy, Debug)]
pub struct Sight<'a> {
    /// What its events tell.
    pub tally: &'a Tally,
    /// What its running attempts were last seen doing.
    pub doing: &'a Doing,
    /// The process that works on it, if any does.
    pub process: Option<u32>,
    /// When it is looked at.
    pub now: Timestamp,
}

impl Sight<'_> {
    /// The session: its tasks, what the running ones do, money, and what waits for what. Without a line break at its
    /// end.
    #[must_use]
    pub fn session(&self, width: usize, colour: Colour) -> String {
        let paint = colour.paint(Stream::Out);
        let mut parts = vec![self.head(width, paint)];
        parts.extend(plan_lines::standing(self.tally, self.now));
        if !self.tally.tasks.is_empty() {
            parts.push(session_table(self.tally, self.now, width, colour));
        }
        parts.push(self.activities(width, paint).join("\n"));
        parts.push(self.conflicts(width, paint).join("\n"));
        // What a plan costs so far stands in its own line.
        if self.tally.plan_stage().is_none() {
            parts.push(self.sums(width, paint).join("\n"));
        }
        parts.retain(|part| !part.is_empty());
        parts.join("\n\n")
    }

    /// The same on so few lines that a small screen holds it: what runs, and the sums.
    #[must_use]
    pub fn brief(&self, width: usize, colour: Colour) -> String {
        let paint = colour.paint(Stream::Out);
        let mut lines = vec![self.head(width, paint)];
        lines.extend(plan_lines::standing(self.tally, self.now));
        lines.extend(self.view(width, paint).slots());
        lines.extend(self.conflicts(width, paint));
        lines.extend(self.sums(width, paint));
        lines.join("\n")
    }

    /// One task, a line for each thing that is known of it; `None` where the session does not have it.
    #[must_use]
    pub fn task(&self, issue: IssueNumber, width: usize, colour: Colour) -> Option<String> {
        let paint = colour.paint(Stream::Out);
        let task = self.tally.tasks.get(&issue)?;
        let head = format!("{issue} {}", printable(&task.title));
        let mut lines = vec![paint.tone(Tone::Head, &fit(&head, width))];
        let fact = |(name, words): (&str, String)| fit(&format!("  {name:<9} {words}"), width);
        lines.extend(self.facts(task).into_iter().map(fact));
        Some(lines.join("\n"))
    }

    fn view(&self, width: usize, paint: Paint) -> View<'_> {
        View {
            tally: self.tally,
            doing: self.doing,
            now: self.now,
            width,
            paint,
        }
    }

    /// `Session 01K..., running for 3m 12s in process 4711`, and over what.
    fn head(&self, width: usize, paint: Paint) -> String {
        let session = self.tally.session.as_ref().map_or("", SessionId::as_str);
        let (project, selection) = (&self.tally.project, self.tally.selection.name());
        let head = format!("Session {session}, {}", self.phase());
        let over = format!("{}, {}", printable(project), printable(&selection));
        format!(
            "{}\n{}",
            paint.tone(Tone::Head, &fit(&head, width)),
            fit(&over, width)
        )
    }

    fn phase(&self) -> String {
        let time = human(self.tally.worked.millis(self.now));
        let process = self
            .process
            .map_or_else(String::new, |pid| format!(" in process {pid}"));
        match self.tally.phase {
            Phase::Running => format!("running for {time}{process}"),
            Phase::Stopping => format!("stopping after {time}{process}"),
            Phase::Interrupted => format!("interrupted after {time}"),
            Phase::Finished => format!("finished after {time}"),
        }
    }

    /// What running tasks were last seen doing.
    fn activities(&self, width: usize, paint: Paint) -> Vec<String> {
        let tasks = self.tally.tasks.values();
        let activity = |task: &TaskTally| {
            let progress = self.progress(task)?;
            let line = format!(
                "{:<5}  {}",
                task.issue.to_string(),
                brief(&progress.activity)
            );
            Some(paint.tone(Tone::Faint, &fit(&line, width)))
        };
        tasks.filter_map(activity).collect()
    }

    /// What does not merge as it stands, a line each.
    fn conflicts(&self, width: usize, paint: Paint) -> Vec<String> {
        let told = together::told(self.tally);
        let line = |line: String| paint.tone(Tone::Warn, &fit(&line, width));
        told.into_iter().map(line).collect()
    }

    fn sums(&self, width: usize, paint: Paint) -> Vec<String> {
        let view = self.view(width, paint);
        let mut lines = vec![view.total(width)];
        lines.extend(view.waits());
        lines.extend(self.pressure(width, paint));
        lines.extend(self.quota(width, paint));
        lines
    }

    /// How many pulls wait for people, where tasks wait for that.
    fn pressure(&self, width: usize, paint: Paint) -> Option<String> {
        let (pressure, tasks) = pressure(self.tally, self.now)?;
        let (words, tasks) = (pressure.words(), tasks as u64);
        let wait = if tasks == 1 { "waits" } else { "wait" };
        let line = format!(
            "{words}: {} {wait} until some are merged",
            plural(tasks, "task")
        );
        Some(paint.tone(Tone::Warn, &fit(&line, width)))
    }

    /// What the forge still takes; of a session that is over nobody wants to know.
    fn quota(&self, width: usize, paint: Paint) -> Vec<String> {
        if self.process.is_none() {
            return Vec::new();
        }
        let lines = quota::standing(&self.tally.allowances, self.now);
        let line = |(text, is_short): (String, bool)| {
            let tone = if is_short { Tone::Warn } else { Tone::Faint };
            paint.tone(tone, &fit(&text, width))
        };
        lines.into_iter().map(line).collect()
    }

    /// The last progress of the attempt that runs.
    pub(super) fn progress(&self, task: &TaskTally) -> Option<&Progress> {
        let running = match task.standing {
            Standing::Running { attempt, .. } => Some(attempt),
            Standing::Waiting
            | Standing::Unapproved
            | Standing::Asking
            | Standing::Held { .. }
            | Standing::Retrying { .. }
            | Standing::Parked { .. }
            | Standing::Ended { .. } => None,
        };
        let progress = self.doing.get(&task.issue)?;
        (running == Some(progress.attempt)).then_some(progress)
    }

    /// All that is known of one of its tasks: what it is, and in which words.
    #[must_use]
    pub fn facts(&self, task: &TaskTally) -> Vec<(&'static str, String)> {
        let progress = self.progress(task);
        let mut facts = vec![
            ("session", self.session_of_task()),
            ("domain", domain_word(task.domain).to_owned()),
            ("state", self.state(task)),
        ];
        facts.extend(
            task.evaluation
                .as_deref()
                .map(|found| ("route", route(found))),
        );
        let process = progress.and_then(|progress| progress.pid).or(task.process);
        facts.extend(process.map(|pid| ("process", pid.to_string())));
        facts.extend(progress.map(|progress| ("doing", brief(&progress.activity))));
        facts.extend(progress.map(|progress| ("messages", self.heard(progress))));
        if task.attempts > 0 {
            facts.push(("runtime", human(task.worked.millis(self.now))));
        }
        facts.push(("attempts", task.attempts.to_string()));
        facts.push(("cost", cost(task, progress)));
        let used = task.charge.usage.total() + progress.map_or(0, |progress| progress.tokens);
        facts.push(("tokens", tokens(used)));
        facts.extend(
            task.model
                .as_deref()
                .map(|model| ("model", printable(model))),
        );
        facts.push(("branch", branch(task)));
        let conflicts = together::of_task(self.tally, task.issue);
        facts.extend(conflicts.map(|words| ("conflict", words)));
        facts.extend(
            task.commit
                .as_ref()
                .map(|commit| ("commit", changed(commit))),
        );
        facts.extend(checks(&task.checks).map(|checks| ("checks", checks)));
        let pull = |url: &str| address(url, &self.tally.project);
        facts.extend(task.pull.as_ref().map(|offer| {
            let words = format!("{} {}", offer.number, pull(&offer.url));
            ("pull", words)
        }));
        facts.extend(
            task.failure
                .as_ref()
                .map(|failure| ("failure", why(failure))),
        );
        facts.extend(
            task.reason
                .as_deref()
                .map(|reason| ("reason", brief(reason))),
        );
        if !task.kept_from.is_empty() {
            facts.push(("kept from", allow(&task.kept_from)));
        }
        facts.extend(task.trouble.as_deref().map(|told| ("trouble", brief(told))));
        facts
    }

    fn session_of_task(&self) -> String {
        let session = self.tally.session.as_ref().map_or("", SessionId::as_str);
        let process = self.process.map_or_else(
            || spoken_phase(self.tally.phase).to_owned(),
            |pid| format!("{} in process {pid}", spoken_phase(self.tally.phase)),
        );
        format!("{session} on {}, {process}", printable(&self.tally.project))
    }

    fn state(&self, task: &TaskTally) -> String {
        let (words, _) = state(self.tally, task, self.now);
        match task.standing {
            Standing::Running { attempt, slot, .. } => {
                format!("{words}, attempt {attempt} in slot {slot}")
            }
            Standing::Waiting
            | Standing::Unapproved
            | Standing::Asking
            | Standing::Held { .. }
            | Standing::Retrying { .. }
            | Standing::Parked { .. } => words,
            Standing::Ended { .. } => match task.ended {
                Some(ended) => format!("{words} {}", ago(ended, self.now)),
                None => words,
            },
        }
    }

    fn heard(&self, progress: &Progress) -> String {
        format!(
            "{}, the last {}",
            progress.messages,
            ago(progress.at, self.now)
        )
    }
}

fn spoken_phase(phase: Phase) -> &'static str {
    match phase {
        Phase::Running => "running",
        Phase::Stopping => "stopping",
        Phase::Interrupted => "interrupted",
        Phase::Finished => "finished",
    }
}

fn cost(task: &TaskTally, progress: Option<&Progress>) -> String {
    let spent = task.charge.cost + progress.map_or(Usd::ZERO, |progress| progress.cost);
    if task.granted == Usd::ZERO {
        spent.to_string()
    } else {
        format!("{spent} so far, {} set aside", task.granted)
    }
}

fn branch(task: &TaskTally) -> String {
    if task.pushed {
        task.branch.to_string()
    } else {
        format!("{}, not pushed", task.branch)
    }
}

fn changed(commit: &CommitTally) -> String {
    let short = commit.id.as_str().get(..10).unwrap_or_default();
    let (added, removed) = (commit.added, commit.removed);
    format!(
        "{short}: {}, +{added} -{removed}",
        plural(commit.files, "file")
    )
}

fn checks(checks: &[CheckTally]) -> Option<String> {
    let said = |check: &CheckTally| {
        let (name, kind) = (printable(&check.name), check.kind.word());
        // Most checks are called what they are.
        let kind = if name == kind {
            String::new()
        } else {
            format!("{kind}, ")
        };
        let (said, time) = (verdict(check.verdict), human(check.millis));
        format!("{name} {said} ({kind}{time})")
    };
    let said: Vec<String> = checks.iter().map(said).collect();
    (!said.is_empty()).then(|| said.join(", "))
}

/// Hosts that its programs were kept from, and how to change that.
fn allow(hosts: &[String]) -> String {
    format!("{}; sandbox.hosts allows", printable(&hosts.join(", ")))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::rules::ids::AttemptNumber;
    use crate::rules::script::{self, Script};

    /// What issue 12's first attempt was seen doing a second after the last event.
    pub(in crate::reporters) fn progress(tally: &Tally) -> Progress {
        Progress {
            issue: IssueNumber(12),
            attempt: AttemptNumber(1),
            at: tally.last.plus_millis(1_000),
            activity: "Edit src/login.rs".to_owned(),
            pid: Some(815),
            messages: 7,
            cost: Usd::from_micros(31_000),
            tokens: 1_200,
        }
    }

    fn seen(tally: &Tally, look: impl Fn(&Sight<'_>) -> String) -> String {
        let doing = Doing::from([(IssueNumber(12), progress(tally))]);
        look(&Sight {
            tally,
            doing: &doing,
            process: Some(4711),
            now: tally.last.plus_millis(4_000),
        })
    }

    fn busy() -> Tally {
        let tasks = [
            script::titled(12, "Fix the login redirect", "backend", &[]),
            script::titled(13, "Show the cart in the header", "frontend", &[12]),
            script::titled(14, "Add an index", "database", &[]),
        ];
        let mut script = Script::begun(&tasks);
        script.complete(14, 1, 0, 111_700, 31);
        script.admit(12, 1, 1);
        script.tally()
    }

    #[test]
    fn a_session_under_way_shows_tasks_money_and_what_waits() {
        let shown = seen(&busy(), |sight| sight.session(80, Colour::Never));
        insta::assert_snapshot!(shown, @"
        Session 01K5SHOP000000000000000000, running for 1m 47s in process 4711
        acme/shop, label bug

        issue  title                        outcome    pull  attempts    time     cost
        ──────────────────────────────────────────────────────────────────────────────
        #12    Fix the login redirect       agent      -            1      5s    $0.00
        #13    Show the cart in the header  after #12  -            -       -        -
        #14    Add an index                 completed  #31          1  1m 37s  $0.1117

        #12    Edit src/login.rs

        1 done · $0.15 spent · $49.85 left · 1 waiting · $5.50 set aside
        waiting: #13 after #12
        ");
    }

    #[test]
    fn a_small_screen_gets_what_runs() {
        let shown = seen(&busy(), |sight| sight.brief(60, Colour::Never));
        insta::assert_snapshot!(shown, @"
        Session 01K5SHOP000000000000000000, running for 1m 47s in p…
        acme/shop, label bug
        #12   Fix the login redirect      agent         5s   $0.0310
        1 done · $0.15 spent · $49.85 left · 1 waiting
        waiting: #13 after #12
        ");
    }

    #[test]
    fn one_task_tells_all_that_is_known_of_it() {
        let shown = seen(&busy(), |sight| {
            let task = |issue| sight.task(IssueNumber(issue), 100, Colour::Never);
            [task(12), task(13), task(14), task(99)]
                .map(|shown| shown.unwrap_or_else(|| "nothing".to_owned()))
                .join("\n")
        });
        insta::assert_snapshot!(shown, @"
        #12 Fix the login redirect
          session   01K5SHOP000000000000000000 on acme/shop, running in process 4711
          domain    backend
          state     agent, attempt 1 in slot 1
          process   815
          doing     Edit src/login.rs
          messages  7, the last 3s ago
          runtime   5s
          attempts  1
          cost      $0.0310 so far, $5.50 set aside
          tokens    1,200
          branch    autoissue/12-mend-the-shop, not pushed
        #13 Show the cart in the header
          session   01K5SHOP000000000000000000 on acme/shop, running in process 4711
          domain    frontend
          state     after #12
          attempts  0
          cost      $0.00
          tokens    -
          branch    autoissue/13-mend-the-shop, not pushed
        #14 Add an index
          session   01K5SHOP000000000000000000 on acme/shop, running in process 4711
          domain    database
          state     completed 7s ago
          runtime   1m 37s
          attempts  1
          cost      $0.1117
          tokens    1,200
          model     claude-sonnet-4-5
          branch    autoissue/14-mend-the-shop
          commit    0000000000: 3 files, +40 -2
          checks    lint passed (custom, 3s), test passed (custom, 3s)
          pull      #31 https://github.com/acme/shop/pull/31
        nothing
        ");
    }

    #[test]
    fn a_session_whose_process_died_was_interrupted() {
        let mut tally = busy();
        tally.abandon();
        let shown = Sight {
            tally: &tally,
            doing: &Doing::new(),
            process: None,
            now: tally.last.plus_millis(1_000_000),
        }
        .session(80, Colour::Never);
        insta::assert_snapshot!(shown, @"
        Session 01K5SHOP000000000000000000, interrupted after 1m 43s
        acme/shop, label bug

        issue  title                        outcome      pull  attempts    time     cost
        ────────────────────────────────────────────────────────────────────────────────
        #12    Fix the login redirect       interrupted  -            1      1s    $0.00
        #13    Show the cart in the header  after #12    -            -       -        -
        #14    Add an index                 completed    #31          1  1m 37s  $0.1117

        1 done · $0.12 spent · $49.88 left · 1 waiting · $5.50 set aside
        waiting: #13 after #12
        ");
    }
}
