//! What an event makes of its task, and of all that depends on it.

use crate::rules::breaker::Breaker;
use crate::rules::event::{Effect, Event, Fact};
use crate::rules::ids::{AgentPlace, AttemptNumber, BranchName, IssueNumber, Timestamp};
use crate::rules::money::{Charge, Usd};
use crate::rules::schedule::finish::{after_interruption, announces};
use crate::rules::schedule::session::Session;
use crate::rules::schedule::table::{Approval, Run, State, Unwanted};
use crate::rules::task::{Attempted, Ending, ErrorClass, Outcome, Stage, Start};
use std::sync::Arc;

impl Session {
    pub(super) fn apply_to_task(&mut self, place: usize, event: &Event, at: Timestamp) {
        match event {
            Event::Held { by, over, .. } => self.hold_back(place, *by, over),
            Event::Due { .. } => self.table.set(place, State::Ready),
            Event::Consent { consent, .. } => self.consented(place, consent, at),
            Event::Admitted { .. } => self.let_in(place, event, at),
            Event::Fact { attempt, fact, .. } => self.note(place, *attempt, fact),
            Event::Settled { grant, outcome, .. } => self.settle(place, *grant, outcome, at),
            Event::RetryScheduled { .. } => self.retry_later(place, event),
            Event::Parked { until, start, .. } => self.park(place, *until, start),
            Event::Requeued { start, .. } => {
                self.table.at_mut(place).start = start.clone();
                self.table.set(place, State::Ready);
            }
            Event::TaskEnded { ending, reason, .. } => self.end(place, *ending, reason.clone()),
            Event::LeaseLost { reason, .. } => {
                self.table.at_mut(place).unwanted = Some(Unwanted::Elsewhere(reason.clone()));
            }
            Event::Merged { .. } => self.merged(place),
            Event::Announced { .. } => {
                let entry = self.table.at_mut(place);
                // One that waits for an approval has an ending yet to come.
                entry.announced = entry.ending().is_some();
                self.unannounced.remove(place);
            }
            Event::ReworkOffered { with, .. } => self.begin_rework(place, with),
            Event::ReworkGivenUp { reason, .. } => self.end_rework(place, reason),
            Event::CertificateTold { .. } => self.untold.remove(place),
            Event::SessionStarted { .. }
            | Event::SessionResumed { .. }
            | Event::Planning { .. }
            | Event::TasksRead { .. }
            | Event::DispatchPaused { .. }
            | Event::DispatchStopped { .. }
            | Event::BreakerOpened { .. }
            | Event::BreakerClosed { .. }
            | Event::TestMerged { .. }
            | Event::Looked { .. }
            | Event::TriedOnBase { .. }
            | Event::Certifying { .. }
            | Event::Certified { .. }
            | Event::SlotsChanged { .. }
            | Event::QuotaHeard { .. }
            | Event::PullsCounted { .. }
            | Event::SpentElsewhere { .. }
            | Event::CommandTaken { .. }
            | Event::StopRequested
            | Event::SessionInterrupted
            | Event::SessionFinished => {}
        }
    }

    fn let_in(&mut self, place: usize, event: &Event, at: Timestamp) {
        let Event::Admitted {
            attempt,
            slot,
            grant,
            probe,
            branch,
            start,
            below,
            agent,
            ..
        } = event
        else {
            return;
        };
        let entry = self.table.at_mut(place);
        if entry.record.below != *below {
            entry.record.below.clone_from(below);
        }
        let stage = if start.is_paid() {
            Stage::Prepare
        } else {
            Stage::Publish
        };
        let run = Run {
            attempt: *attempt,
            slot: *slot,
            since: at,
            stage,
            grant: *grant,
            probe: *probe,
            agent: *agent,
        };
        self.admit(place, run, branch, start);
    }

    fn hold_back(&mut self, place: usize, by: IssueNumber, over: &Arc<str>) {
        if self.table.place(by).is_some_and(|by| by > place) {
            let patience = self.settings().patience;
            let entry = self.table.at_mut(place);
            entry.passed_over += 1;
            if entry.passed_over >= patience {
                self.locks.keep_for(place);
            }
        }
        let Some(next) = self.locks.wait(place, over) else {
            return;
        };
        let over = Arc::clone(over);
        self.table.set(place, State::Held { by, over });
        self.look_again(next);
    }

    fn retry_later(&mut self, place: usize, event: &Event) {
        let Event::RetryScheduled {
            until,
            start,
            agent,
            failure,
            ..
        } = event
        else {
            return;
        };
        let entry = self.table.at_mut(place);
        (entry.failures, entry.start) = (entry.failures + 1, start.clone());
        entry.cramped = failure.class == ErrorClass::ContextTooLong;
        if *agent > entry.agent {
            // The next one starts with a clean slate.
            (entry.agent, entry.failures, entry.limits) = (*agent, 0, 0);
        }
        self.table.set(place, State::Retrying { until: *until });
    }

    fn park(&mut self, place: usize, until: Timestamp, start: &Start) {
        let entry = self.table.at_mut(place);
        (entry.limits, entry.start) = (entry.limits + 1, start.clone());
        self.table.set(place, State::Parked { until });
    }

    fn admit(&mut self, place: usize, run: Run, branch: &BranchName, start: &Start) {
        if let Some(one) = self.chain.at_mut(run.agent).filter(|_| run.probe) {
            one.breaker = Breaker::HalfOpen {
                probe: self.table.at(place).number,
            };
        }
        self.slots.remove(&run.slot);
        self.budget.grant(run.grant);
        let next = self.locks.hold(place);
        let entry = self.table.at_mut(place);
        (entry.attempts, entry.passed_over) = (run.attempt.0, 0);
        entry.start = start.clone();
        if entry.branch != *branch {
            entry.branch = branch.clone();
        }
        if !run.agent.is_first() && start.is_paid() {
            // Whose it is has to be known even where nothing else is.
            entry.record.begin(true, run.agent);
        } else if let Some(record) = entry.record.written() {
            record.begin(start.is_paid(), run.agent);
        }
        self.table.set(place, State::Running(run));
        self.look_again(next);
    }

    fn settle(&mut self, place: usize, grant: Usd, outcome: &Outcome, at: Timestamp) {
        self.budget
            .settle(grant, outcome.charge.cost, outcome.dearest, at);
        let entry = self.table.at_mut(place);
        entry.spent = if entry.spent == Charge::default() {
            outcome.charge
        } else {
            entry.spent.plus(outcome.charge)
        };
        if let Some(record) = entry.record.written() {
            record.process = None;
        }
        if outcome.model.is_some() {
            entry.record.model.clone_from(&outcome.model);
        }
        // What follows is decided by the next event; until then it may simply go on where it was.
        entry.start = after_interruption(entry);
        let run = entry.run().cloned();
        self.table.set(place, State::Ready);
        if let Some(run) = run {
            if run.slot.0 < self.settings().slots {
                self.slots.insert(run.slot);
            }
            self.judge_provider(&run, outcome);
        }
        self.forget_brewing(place);
        let mut woken = Vec::new();
        self.locks.release(place, &mut woken);
        for place in woken {
            self.look_again(Some(place));
        }
    }

    /// What an attempt's end says about the provider; opening is an event of its own.
    fn judge_provider(&mut self, run: &Run, outcome: &Outcome) {
        let Some(one) = self.chain.at_mut(run.agent) else {
            return;
        };
        match &outcome.result {
            Attempted::Published
            | Attempted::Unchanged { .. }
            | Attempted::NeedsHuman { .. }
            | Attempted::Asked { .. }
                if !run.probe =>
            {
                if run.grant > Usd::ZERO && matches!(one.breaker, Breaker::Closed { .. }) {
                    one.breaker = Breaker::default();
                }
            }
            Attempted::Failed(failure) if !run.probe => one.breaker.count(failure.class),
            Attempted::Withdrawn { .. } | Attempted::Stopped | Attempted::Lost if run.probe => {
                // The probe told nothing: the next one may go at once.
                one.breaker = Breaker::Open {
                    until: Timestamp(0),
                };
            }
            Attempted::Published
            | Attempted::Unchanged { .. }
            | Attempted::NeedsHuman { .. }
            | Attempted::Asked { .. }
            | Attempted::Failed(_)
            | Attempted::Withdrawn { .. }
            | Attempted::Stopped
            | Attempted::Lost => {}
        }
    }

    pub(super) fn end(&mut self, place: usize, ending: Ending, reason: Option<String>) {
        self.table.set(place, State::Ended { ending, reason });
        self.doomed.remove(place);
        self.unasked.remove(place);
        self.awaiting.remove(place);
        let mut woken = Vec::new();
        self.locks.leave(place, &mut woken);
        for place in woken {
            self.look_again(Some(place));
        }
        let entry = self.table.at(place);
        if announces(entry, self.settings()) {
            self.unannounced.insert(place);
        } else {
            self.table.at_mut(place).announced = true;
        }
        if let (Ending::Completed, Some(work)) = (ending, &self.table.at(place).record.commit) {
            self.offered.insert(place, work);
        }
        match &mut self.table.at_mut(place).rework {
            // Those that need it were told when it ended first.
            Some(rework) => rework.is_open = false,
            None => self.tell_dependents(place),
        }
    }

    fn merged(&mut self, place: usize) {
        let waited = self.awaits_merge(place);
        let entry = self.table.at_mut(place);
        entry.merged = true;
        if let Some(record) = entry.record.written() {
            record.outdated.clear();
            record.conflicts.clear();
        }
        self.clashing.remove(place);
        if waited {
            self.tell_dependents(place);
        }
    }

    fn note(&mut self, place: usize, attempt: AttemptNumber, fact: &Fact) {
        let entry = self.table.at_mut(place);
        if let (Fact::Entered { stage }, State::Running(run)) = (fact, &mut entry.state)
            && run.attempt == attempt
        {
            run.stage = *stage;
        }
        if let Fact::BranchChosen { branch } = fact {
            entry.branch = branch.clone();
        }
        entry.record.note(fact);
        if fact.opens_pull() {
            self.pulls.open_one();
        }
        if let (Fact::AgentDone { .. }, Some(exchange)) = (fact, entry.exchange.as_deref_mut()) {
            exchange.is_told = exchange.answer.is_some();
        }
        if matches!(fact, Fact::Verified) {
            self.note_verified(place);
        }
    }

    /// A person wants another try: counters start anew, and those that were blocked by it wait for it again.
    pub(super) fn try_again(&mut self, place: usize) {
        let entry = self.table.at_mut(place);
        let unsuccessful = entry
            .ending()
            .is_some_and(|ending| !ending.satisfies_dependents());
        let waits = matches!(entry.state, State::Retrying { .. } | State::Parked { .. });
        if !unsuccessful && !waits {
            return;
        }
        (
            entry.failures,
            entry.limits,
            entry.announced,
            entry.unwanted,
        ) = (0, 0, false, None);
        (entry.exchange, entry.agent) = (None, AgentPlace::default());
        // Whoever wants another try wants it to run.
        if entry.approval.is_awaited() || entry.task.obstacle.is_some() {
            entry.approval = Approval::Given { instructions: None };
        }
        if entry.task.obstacle.is_some() {
            Arc::make_mut(&mut entry.task).obstacle = None;
        }
        // To be done again, but not forgotten: what was put has to be taken off some day.
        for (effect, done) in entry
            .record
            .written()
            .into_iter()
            .flat_map(|record| &mut record.effects)
        {
            if matches!(effect, Effect::AddLabel { .. } | Effect::RemoveLabel { .. }) {
                *done = false;
            }
        }
        self.unannounced.remove(place);
        self.reopen_certification();
        self.wait_for_needs(place);
        let mut waiting = vec![place];
        let mut below: Vec<usize> = self.graph.dependents(place).collect();
        while let Some(dependent) = below.pop() {
            let entry = self.table.at(dependent);
            if entry.ending() == Some(Ending::Blocked) && entry.task.obstacle.is_none() {
                self.unannounced.remove(dependent);
                self.table.at_mut(dependent).announced = false;
                self.wait_for_needs(dependent);
                waiting.push(dependent);
                below.extend(self.graph.dependents(dependent));
            }
        }
        // Only now it is known which needs wait again themselves; the others will never be met.
        for place in waiting {
            let hopeless = self.graph.needs(place).any(|need| {
                let ending = self.table.at(need).ending();
                ending.is_some_and(|ending| !ending.satisfies_dependents())
            });
            if hopeless {
                self.doomed.insert(place);
            }
        }
    }

    fn look_again(&mut self, place: Option<usize>) {
        if let Some(place) = place
            && matches!(self.table.at(place).state, State::Held { .. })
        {
            self.table.set(place, State::Ready);
        }
    }
}
