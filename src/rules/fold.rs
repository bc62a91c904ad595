//! Folds a session's events, one by one, into its tally.

use crate::rules::event::{Effect, Event, Fact, Recorded};
use crate::rules::ids::{ConversationId, IssueNumber, Timestamp};
use crate::rules::schedule::predict::Prediction;
use crate::rules::schedule::pressure::OpenPulls;
use crate::rules::settings::Settings;
use crate::rules::tally::{
    Breaker, CheckTally, CommitTally, Phase, PullTally, Standing, Tally, TaskTally,
};
use crate::rules::task::{Ending, Pull, Stage, Start, Task};
use std::collections::btree_map::Entry;
use std::sync::Arc;

impl Tally {
    /// The tally of these events.
    pub fn of<'a>(events: impl IntoIterator<Item = &'a Recorded>) -> Self {
        let mut tally = Self::default();
        for recorded in events {
            tally.apply(recorded);
        }
        tally
    }

    /// Takes one more event in. Constant time, but for the first reading of the issues and a resumption.
    pub fn apply(&mut self, recorded: &Recorded) {
        if recorded.seq <= self.seen {
            return;
        }
        self.seen = recorded.seq;
        let at = recorded.at;
        let event = &recorded.event;
        match event {
            Event::SessionStarted { .. } => self.session_started(at, event),
            Event::SessionResumed { settings } => self.resumed(at, settings),
            Event::Planning { fact } => self.planned(at, fact),
            Event::TasksRead { tasks, prediction } => {
                self.tasks_read(tasks, prediction.as_deref());
            }
            Event::StopRequested => self.phase = Phase::Stopping,
            Event::SessionInterrupted => self.over(at, Phase::Interrupted),
            Event::SessionFinished => self.over(at, Phase::Finished),
            Event::Held { issue, by, over } => self.held(*issue, *by, over),
            Event::Due { issue } => self.set(*issue, Standing::Waiting),
            Event::Consent { issue, consent } => self.consented(*issue, consent),
            Event::Admitted { issue, .. } => self.admitted(at, *issue, event),
            Event::Fact { issue, fact, .. } => self.fact(*issue, fact),
            Event::Settled {
                issue,
                grant,
                outcome,
                ..
            } => self.settled(at, *issue, *grant, outcome),
            Event::RetryScheduled { .. } | Event::Parked { .. } => self.put_off(event),
            Event::Requeued { issue, .. } => self.requeued(*issue),
            Event::TaskEnded {
                issue,
                ending,
                reason,
            } => self.task_ended(at, *issue, *ending, reason.as_ref()),
            Event::Announced { issue, trouble } | Event::CertificateTold { issue, trouble } => {
                self.announced(*issue, trouble.as_ref());
            }
            Event::DispatchPaused { .. }
            | Event::BreakerOpened { .. }
            | Event::DispatchStopped { .. }
            | Event::BreakerClosed { .. } => self.of_agents(event),
            Event::SlotsChanged { slots, reason } => self.slots_changed(*slots, *reason),
            Event::QuotaHeard { allowances, .. } => self.allowances.clone_from(allowances),
            Event::PullsCounted { counted, opened } => {
                self.pulls = self.pulls.recounted(*counted, *opened);
            }
            Event::SpentElsewhere { today } => self.elsewhere = *today,
            Event::TestMerged { .. }
            | Event::Looked { .. }
            | Event::TriedOnBase { .. }
            | Event::Merged { .. }
            | Event::ReworkOffered { .. }
            | Event::ReworkGivenUp { .. }
            | Event::Certifying { .. }
            | Event::Certified { .. } => self.of_the_whole(at, event),
            // Its end follows, and says why.
            Event::LeaseLost { .. } | Event::CommandTaken { .. } => {}
        }
        self.last = self.last.max(at);
    }

    fn session_started(&mut self, at: Timestamp, event: &Event) {
        let Event::SessionStarted {
            session,
            project,
            selection,
            settings,
        } = event
        else {
            return;
        };
        self.session = Some(session.clone());
        self.project.clone_from(project);
        self.selection = selection.clone();
        self.settings = Some((**settings).clone());
        self.pulls = OpenPulls::new(settings.open_pulls);
        self.started = Some(at);
        self.worked.start(at);
    }

    fn resumed(&mut self, at: Timestamp, settings: &Settings) {
        // A killed process wrote no end: its last event is the last that is known of it.
        self.worked.stop(self.last);
        self.worked.start(at);
        for task in self.tasks.values_mut() {
            task.worked.stop(self.last);
        }
        self.settings = Some(settings.clone());
        self.pulls = OpenPulls::new(settings.open_pulls);
        self.phase = Phase::Running;
        self.ended = None;
        self.stopped_because = None;
        self.given_up.clear();
        self.lessened = self.lessened.and_then(|less| less.resumed(settings, at));
    }

    fn tasks_read(&mut self, tasks: &[Arc<Task>], prediction: Option<&Prediction>) {
        (self.read, self.prediction) = (true, prediction.cloned());
        for task in tasks {
            if let Entry::Vacant(place) = self.tasks.entry(task.number()) {
                place.insert(TaskTally::new(task));
                self.counts.waiting += 1;
            }
        }
    }

    fn over(&mut self, at: Timestamp, phase: Phase) {
        self.phase = phase;
        self.ended = Some(at);
        self.worked.stop(at);
    }

    fn held(&mut self, issue: IssueNumber, by: IssueNumber, over: &Arc<str>) {
        let over = Arc::clone(over);
        self.set(issue, Standing::Held { by, over });
    }

    fn admitted(&mut self, at: Timestamp, issue: IssueNumber, event: &Event) {
        let Event::Admitted {
            attempt,
            slot,
            grant,
            probe,
            branch,
            start,
            ..
        } = event
        else {
            return;
        };
        if *probe {
            self.breaker = Breaker::HalfOpen;
        }
        self.pause = None;
        self.granted += *grant;
        let Some(task) = self.tasks.get_mut(&issue) else {
            return;
        };
        task.attempts = task.attempts.max(attempt.0);
        task.granted = *grant;
        task.branch = branch.clone();
        task.started.get_or_insert(at);
        task.worked.start(at);
        task.ended = None;
        task.reason = None;
        task.trouble = None;
        if let Start::Snapshot { conversation, .. } = start {
            task.conversation.clone_from(conversation);
        }
        let running = Standing::Running {
            attempt: *attempt,
            slot: *slot,
            stage: None,
        };
        self.set(issue, running);
    }

    fn fact(&mut self, issue: IssueNumber, fact: &Fact) {
        if self.tasks.contains_key(&issue) && fact.opens_pull() {
            self.pulls.open_one();
        }
        let Some(task) = self.tasks.get_mut(&issue) else {
            return;
        };
        match fact {
            Fact::Entered { stage } => {
                task.process = None;
                enter(&mut task.standing, *stage);
            }
            Fact::Spawned {
                conversation,
                process,
                ..
            } => {
                task.process = Some(process.pid);
                talks(task, conversation.as_ref());
            }
            Fact::AgentDone { conversation, .. } => talks(task, conversation.as_ref()),
            Fact::Conversed { conversation } => talks(task, Some(conversation)),
            Fact::Verified => {
                self.conflicts.retain(|conflict| conflict.issue != issue);
                self.outdated.retain(|outdated| outdated.issue != issue);
                self.forget_brewing(issue);
            }
            Fact::Committed { commit } => task.commit = Some(CommitTally::new(commit)),
            Fact::Checked { reports } => {
                task.checks = reports.iter().map(CheckTally::new).collect();
            }
            Fact::BranchChosen { branch } => {
                task.branch = branch.clone();
                task.pushed = false;
            }
            Fact::KeptFrom { hosts } => crate::rules::host::remember(&mut task.kept_from, hosts),
            Fact::Did { effect, pull } => did(task, effect, pull.as_ref()),
            Fact::Snapshot { .. } | Fact::Intends { .. } => {}
        }
    }

    fn put_off(&mut self, event: &Event) {
        let (Event::RetryScheduled {
            issue,
            until,
            failure,
            ..
        }
        | Event::Parked {
            issue,
            until,
            failure,
            ..
        }) = event
        else {
            return;
        };
        let (issue, until) = (*issue, *until);
        let standing = if matches!(event, Event::Parked { .. }) {
            Standing::Parked { until }
        } else {
            Standing::Retrying { until }
        };
        if let Some(task) = self.tasks.get_mut(&issue) {
            task.failure = Some(failure.clone());
        }
        self.set(issue, standing);
    }

    pub(super) fn requeued(&mut self, issue: IssueNumber) {
        if let Some(task) = self.tasks.get_mut(&issue) {
            task.ended = None;
            task.reason = None;
        }
        self.set(issue, Standing::Waiting);
    }

    pub(super) fn task_ended(
        &mut self,
        at: Timestamp,
        issue: IssueNumber,
        ending: Ending,
        reason: Option<&String>,
    ) {
        if let Some(task) = self.tasks.get_mut(&issue) {
            task.ended = Some(at);
            task.reason = reason.cloned();
            task.worked.stop(at);
        }
        self.set(issue, Standing::Ended { ending });
    }

    fn announced(&mut self, issue: IssueNumber, trouble: Option<&String>) {
        if let Some(task) = self.tasks.get_mut(&issue)
            && trouble.is_some()
        {
            task.trouble = trouble.cloned();
        }
    }

    /// The only way from one standing to another, so that the counts are right.
    pub(super) fn set(&mut self, issue: IssueNumber, standing: Standing) {
        let Some(task) = self.tasks.get_mut(&issue) else {
            return;
        };
        let before = self.counts.of(&task.standing);
        *before = before.saturating_sub(1);
        *self.counts.of(&standing) += 1;
        task.standing = standing;
    }
}

fn enter(standing: &mut Standing, entered: Stage) {
    match standing {
        Standing::Running { stage, .. } => *stage = Some(entered),
        Standing::Waiting
        | Standing::Unapproved
        | Standing::Asking
        | Standing::Held { .. }
        | Standing::Retrying { .. }
        | Standing::Parked { .. }
        | Standing::Ended { .. } => {}
    }
}

fn talks(task: &mut TaskTally, conversation: Option<&ConversationId>) {
    if let Some(conversation) = conversation {
        task.conversation = Some(conversation.clone());
    }
}

fn did(task: &mut TaskTally, effect: &Effect, pull: Option<&Pull>) {
    match effect {
        Effect::Push { .. } => task.pushed = true,
        Effect::OpenPull { .. } => {
            task.pull = pull.map(|pull| PullTally {
                number: pull.number,
                url: pull.url.clone(),
            });
        }
        Effect::Answer { .. }
        | Effect::Describe { .. }
        | Effect::Detail { .. }
        | Effect::AskReview { .. }
        | Effect::AddLabel { .. }
        | Effect::RemoveLabel { .. }
        | Effect::Status { .. }
        | Effect::Assign { .. }
        | Effect::Comment { .. } => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::ids::AgentPlace;
    use crate::rules::money::Usd;
    use crate::rules::script::{self, Script};
    use crate::rules::summary::{Wait, by_domain, by_model, wait};
    use crate::rules::tally::Counts;
    use crate::rules::task::{Attempted, ErrorClass};

    #[test]
    fn every_ending_is_counted_once() {
        let tally = script::every_ending().tally();
        let expect = Counts {
            completed: 4,
            no_change: 1,
            failed: 1,
            blocked: 1,
            skipped: 1,
            needs_human: 1,
            budget: 1,
            ..Counts::default()
        };
        assert_eq!(tally.counts, expect);
        assert_eq!(tally.counts.all(), 10);
        assert_eq!(tally.phase, Phase::Finished);
    }

    #[test]
    fn each_bill_is_added_once_and_failed_attempts_count() {
        let script = script::every_ending();
        let mut tally = script.tally();
        let by_task: Usd = tally.tasks.values().map(|task| task.charge.cost).sum();
        let by_domain: Usd = by_domain(&tally).iter().map(|group| group.cost).sum();
        let by_model: Usd = by_model(&tally).iter().map(|group| group.cost).sum();
        assert_eq!(tally.spent, script.billed());
        assert_eq!(
            (by_task, by_domain, by_model),
            (tally.spent, tally.spent, tally.spent)
        );
        assert_eq!(tally.granted, Usd::ZERO);
        assert!(tally.failed > Usd::ZERO);
        let before = tally.clone();
        for recorded in &script.events {
            tally.apply(recorded);
        }
        assert_eq!(tally, before, "events heard twice change nothing");
    }

    #[test]
    fn granted_money_is_taken_back_when_the_bill_comes() {
        let mut script = Script::begun(&[script::task(12, "backend", &[])]);
        script.admit(12, 1, 0);
        assert_eq!(script.tally().granted, script::GRANT);
        script.settle(12, 1, 111_700, Attempted::Published);
        let tally = script.tally();
        assert_eq!(
            (tally.granted, tally.spent),
            (Usd::ZERO, Usd::from_micros(111_700))
        );
    }

    #[test]
    fn a_bill_above_its_grant_shows_as_overshoot() {
        let mut script = Script::begun(&[script::task(12, "backend", &[])]);
        script.admit(12, 1, 0);
        script.settle(12, 1, 6_000_000, Attempted::Published);
        assert_eq!(script.tally().overshoot, Usd::from_micros(500_000));
    }

    #[test]
    fn the_time_between_a_kill_and_its_resumption_is_nobodys() {
        let mut script = Script::begun(&[script::task(12, "backend", &[])]);
        script.admit(12, 1, 0);
        script.wait(60_000);
        script.fact(12, 1, Fact::Verified);
        let killed = script.tally();
        script.wait(36_000_000);
        script.resume();
        script.settle(12, 1, 0, Attempted::Lost);
        let resumed = script.tally();
        let worked = |tally: &Tally| tally.tasks[&IssueNumber(12)].worked.millis(tally.last);
        assert_eq!(worked(&resumed), worked(&killed));
        assert!(resumed.worked.millis(resumed.last) < 120_000);
        assert_eq!(resumed.tasks[&IssueNumber(12)].standing, Standing::Waiting);
    }

    #[test]
    fn a_task_says_what_it_waits_for() {
        let tasks = [
            script::task(12, "backend", &[]),
            script::task(13, "backend", &[12]),
            script::task(14, "backend", &[]),
            script::task(15, "backend", &[]),
        ];
        let mut script = Script::begun(&tasks);
        let check = |script: &Script, issue, expect: Option<Wait>| {
            let tally = script.tally();
            let task = &tally.tasks[&IssueNumber(issue)];
            assert_eq!(wait(&tally, task, tally.last), expect, "#{issue}");
        };
        check(&script, 14, Some(Wait::Next));
        script.admit(12, 1, 0);
        check(&script, 12, None);
        check(&script, 13, Some(Wait::Needs(vec![IssueNumber(12)])));
        script.held(14, 12, "src/app.css");
        let collision = Wait::Collision {
            by: IssueNumber(12),
            over: "src/app.css".to_owned(),
        };
        check(&script, 14, Some(collision));
        script.fail(12, 1, 10, ErrorClass::Crash);
        let retry = script.retry(12, ErrorClass::Crash, 2_000);
        check(&script, 12, Some(Wait::Retry(retry)));
        check(&script, 14, Some(Wait::Next));
        let until = script.open_breaker(60_000);
        check(&script, 14, Some(Wait::Breaker(until)));
        script.push(Event::BreakerClosed {
            agent: AgentPlace::default(),
        });
        for (issue, slot) in [(12, 0), (14, 1), (15, 2)] {
            script.admit(issue, 2, slot);
        }
        script.fail(15, 2, 10, ErrorClass::Crash);
        script.admit(13, 1, 2);
        check(&script, 15, Some(Wait::Slot));
    }

    #[test]
    fn facts_after_the_end_do_not_bring_a_task_back() {
        let mut script = script::every_ending();
        let before = script.tally().counts;
        let stage = Stage::Publish;
        script.fact(12, 1, Fact::Entered { stage });
        assert_eq!(script.tally().counts, before);
    }

    #[test]
    fn a_retried_task_is_open_again() {
        let mut script = script::every_ending();
        script.push(Event::Requeued {
            issue: IssueNumber(15),
            start: Start::Base,
        });
        let tally = script.tally();
        let task = &tally.tasks[&IssueNumber(15)];
        assert_eq!((task.ending(), task.reason.as_ref()), (None, None));
        assert_eq!((tally.counts.failed, tally.counts.waiting), (0, 1));
    }
}
