//! What follows from an input? `step` decides and changes nothing.

use crate::rules::event::{Command, Event, Input};
use crate::rules::ids::{AttemptNumber, IssueNumber, Timestamp};
use crate::rules::money::Usd;
use crate::rules::plan::progress::Planning;
use crate::rules::schedule::predict::predict;
use crate::rules::schedule::session::{Phase, Session};
use crate::rules::schedule::table::Unwanted;
use crate::rules::sender::Sender;
use crate::rules::task::{Ending, Task};
use std::sync::Arc;

impl Session {
    /// Decides what follows from an input at this moment. A turn of the loop applies what comes back and asks again
    /// with [`Input::Tick`] until nothing follows any more; so a step decides on one thing at a time.
    #[must_use]
    pub fn step(&self, input: &Input, now: Timestamp) -> Vec<Event> {
        let mut events = Vec::new();
        self.step_into(input, now, &mut events);
        events
    }

    /// The same, for whoever has a place for the events.
    pub fn step_into(&self, input: &Input, now: Timestamp, events: &mut Vec<Event>) {
        match input {
            Input::Finished {
                issue,
                attempt,
                outcome,
                dice,
            } => self.finished((*issue, *attempt), outcome, *dice, now, events),
            Input::Tick => events.extend(self.tick(now)),
            Input::Control { command, by } => events.extend(self.command(command, by.as_ref())),
            Input::Unanswered { issues } => events.extend(self.unanswered(issues, now)),
            Input::LeaseLost { issue, reason } => self.lease_lost(*issue, reason, events),
            Input::Start { .. }
            | Input::Resume { .. }
            | Input::PlannerWanted { .. }
            | Input::Planned { .. }
            | Input::Read { .. }
            | Input::Reported { .. }
            | Input::Announced { .. }
            | Input::Merged { .. }
            | Input::TestMerged { .. }
            | Input::Looked { .. }
            | Input::TriedOnBase { .. }
            | Input::Certified { .. }
            | Input::CertificateTold { .. }
            | Input::Resources { .. }
            | Input::Quota { .. }
            | Input::PullsCounted { .. }
            | Input::SpentElsewhere { .. }
            | Input::Stop => events.extend(self.answer(input, now)),
        }
    }

    /// When the next [`Input::Tick`] may change something, if only time can.
    #[must_use]
    pub fn next_wake(&self, now: Timestamp) -> Option<Timestamp> {
        if self.phase != Phase::Running {
            // Only the end of what runs changes anything; a timer that is over would wake it without end.
            return None;
        }
        let timer = self.table.first_timer().map(|(until, _)| until);
        [timer, self.chain.next_wake(now)]
            .into_iter()
            .flatten()
            .min()
    }

    /// The one event that answers an input, if any does.
    fn answer(&self, input: &Input, now: Timestamp) -> Option<Event> {
        match input {
            Input::Start { .. } if self.id.is_none() => started(input),
            Input::Resume { settings } if self.id.is_some() && self.phase != Phase::Finished => {
                Some(Event::SessionResumed {
                    settings: settings.clone(),
                })
            }
            Input::PlannerWanted { want, least } if self.phase == Phase::Opening => {
                self.planner_grant(*want, *least, now)
            }
            Input::Planned { fact } if self.phase == Phase::Opening => {
                Some(Event::Planning { fact: fact.clone() })
            }
            Input::Read { tasks } if self.phase == Phase::Opening => Some(self.tasks_read(tasks)),
            Input::Reported {
                issue,
                attempt,
                fact,
            } if self.entry(*issue).is_some() => Some(Event::Fact {
                issue: *issue,
                attempt: *attempt,
                fact: fact.clone(),
            }),
            Input::Announced { .. } => self.announced(input),
            Input::Merged { issue } => self.seen_merged(*issue),
            Input::TestMerged { issues, conflicts } => self.test_merged(issues, conflicts),
            Input::Looked { touched, conflicts } => self.looked(touched, conflicts),
            Input::TriedOnBase {
                base,
                tried,
                outdated,
            } => self.tried_on_base(base, tried, outdated),
            Input::Certified { parts, certificate } => self.certified(parts, certificate),
            Input::CertificateTold { issue, trouble } => {
                self.certificate_told(*issue, trouble.as_ref())
            }
            Input::Resources {
                reading,
                calm_millis,
            } => self.resized(reading, *calm_millis, now),
            Input::Quota { allowances } => self.heard_of_limits(allowances, now),
            Input::PullsCounted { counted, opened } => self.recount(*counted, *opened),
            Input::SpentElsewhere { today } => Some(Event::SpentElsewhere { today: *today }),
            Input::Stop if matches!(self.phase, Phase::Opening | Phase::Running) => {
                Some(Event::StopRequested)
            }
            Input::Start { .. }
            | Input::Resume { .. }
            | Input::PlannerWanted { .. }
            | Input::Planned { .. }
            | Input::Read { .. }
            | Input::Reported { .. }
            | Input::Stop
            | Input::Finished { .. }
            | Input::Tick
            | Input::LeaseLost { .. }
            | Input::Unanswered { .. }
            | Input::Control { .. } => None,
        }
    }

    fn tasks_read(&self, tasks: &[Arc<Task>]) -> Event {
        let prediction = predict(tasks.to_vec(), self.settings()).ok();
        Event::TasksRead {
            tasks: tasks.to_vec(),
            prediction: prediction.map(|(prediction, _)| Box::new(prediction)),
        }
    }

    /// Money for one run of the planner; nothing where it does not reach, or one runs already.
    fn planner_grant(&self, want: Usd, least: Usd, now: Timestamp) -> Option<Event> {
        if self.plan.running.is_some() || self.plan.plan.is_some() {
            return None;
        }
        let grant = self.budget.reserve(want, least, now).ok()?;
        let run = AttemptNumber(self.plan.runs + 1);
        let fact = Planning::Granted { run, grant };
        Some(Event::Planning { fact })
    }

    fn tick(&self, now: Timestamp) -> Option<Event> {
        match self.phase {
            Phase::Opening if self.plan.declined.is_some() => Some(Event::SessionFinished),
            Phase::Opening | Phase::Interrupted | Phase::Finished => None,
            Phase::Stopping if self.table.is_running() => None,
            Phase::Stopping if self.is_done() => Some(Event::SessionFinished),
            Phase::Stopping => Some(Event::SessionInterrupted),
            Phase::Running => self.go_on(now),
        }
    }

    fn go_on(&self, now: Timestamp) -> Option<Event> {
        if let Some((until, place)) = self.table.first_timer()
            && until <= now
        {
            let issue = self.table.at(place).number;
            return Some(Event::Due { issue });
        }
        if let Some(place) = self.doomed.first() {
            return Some(self.end_doomed(place));
        }
        if self.chain.hopeless().is_some() && !self.table.all_ended() {
            // What runs may end well; what waits would only fail in the same way, and waits for `resume`.
            let idle = !self.table.is_running();
            return idle.then_some(Event::SessionInterrupted);
        }
        let asked_in_turn = [
            |session: &Self, _| session.ask_approval(),
            |session: &Self, now| session.admission(now),
            |session: &Self, _| session.rework_offer(),
            |session: &Self, _| session.unmerged(),
            |session: &Self, _| session.stop_for_pulls(),
            |session: &Self, _| session.wait_for_people(),
            |session: &Self, _| session.close(),
        ];
        asked_in_turn.iter().find_map(|what| what(self, now))
    }

    /// Ends one that cannot start any more.
    fn end_doomed(&self, place: usize) -> Event {
        let entry = self.table.at(place);
        let issue = entry.number;
        if let Some(obstacle) = &entry.task.obstacle {
            return Event::TaskEnded {
                issue,
                ending: obstacle.ending,
                reason: Some(obstacle.reason.clone()),
            };
        }
        let culprit = self
            .graph
            .needs(place)
            .map(|need| self.table.at(need))
            .find(|need| {
                need.ending()
                    .is_some_and(|ending| !ending.satisfies_dependents())
            });
        let reason = culprit.and_then(|need| {
            let ending = need.ending()?.word().replace('_', " ");
            let obstacle = need.task.obstacle.as_ref();
            let why = obstacle.filter(|obstacle| obstacle.ending == Ending::Skipped);
            let why = why.map_or_else(String::new, |obstacle| format!(": {}", obstacle.reason));
            Some(format!(
                "needs {}, which ended as {ending}{why}",
                need.number
            ))
        });
        Event::TaskEnded {
            issue,
            ending: Ending::Blocked,
            reason,
        }
    }

    /// One that ended while it was announced that it waits is announced once more.
    fn announced(&self, input: &Input) -> Option<Event> {
        let Input::Announced {
            issue,
            ended,
            trouble,
        } = input
        else {
            return None;
        };
        let waits = self.table.place(*issue).is_some_and(|place| {
            let is_older = !ended && self.table.at(place).ending().is_some();
            self.unannounced.contains(place) && !is_older
        });
        waits.then(|| Event::Announced {
            issue: *issue,
            trouble: trouble.clone(),
        })
    }

    fn command(&self, command: &Command, by: Option<&Sender>) -> Vec<Event> {
        let taken = Event::CommandTaken {
            command: command.clone(),
            by: by.cloned(),
        };
        match command {
            Command::ResetBreaker => {
                let open = self.chain.standings().filter(|(_, one)| one.is_open());
                let closed = open.map(|(agent, _)| Event::BreakerClosed { agent });
                std::iter::once(taken).chain(closed).collect()
            }
            Command::Retry { .. } => vec![taken],
            Command::Approve { issue }
            | Command::Reject { issue, .. }
            | Command::Modify { issue, .. } => {
                // Taken out of the inbox last: a death between the two asks again, and finds it answered.
                let answer = self.answer_approval(*issue, command);
                answer.into_iter().chain([taken]).collect()
            }
            Command::Answer { issue, answer } => {
                let answered = self.answer_question(*issue, answer);
                answered.into_iter().chain([taken]).collect()
            }
            Command::Skip { issue } => {
                let end = self.leave(*issue, &Unwanted::ByPerson);
                std::iter::once(taken).chain(end).collect()
            }
        }
    }

    /// Another session holds it: what waits ends at once, and what runs once it was stopped.
    fn lease_lost(&self, issue: IssueNumber, reason: &str, events: &mut Vec<Event>) {
        let is_news = self.entry(issue).is_some_and(|entry| {
            entry.ending().is_none() && !matches!(entry.unwanted, Some(Unwanted::Elsewhere(_)))
        });
        if !is_news {
            return;
        }
        let reason = reason.to_owned();
        let unwanted = Unwanted::Elsewhere(reason.clone());
        events.push(Event::LeaseLost { issue, reason });
        events.extend(self.leave(issue, &unwanted));
    }

    /// The end of one that is not wanted any more, unless it runs or has ended.
    fn leave(&self, issue: IssueNumber, why: &Unwanted) -> Option<Event> {
        let place = self.table.place(issue)?;
        let entry = self.table.at(place);
        if entry.run().is_some() || entry.ending().is_some() {
            return None;
        }
        Some(self.left(place, why))
    }

    /// How it ends that one is not wanted any more; what was offered already stays so.
    pub(super) fn left(&self, place: usize, why: &Unwanted) -> Event {
        if self.is_reworked(place) {
            return self.give_up(place, why.at_that());
        }
        Event::TaskEnded {
            issue: self.table.at(place).number,
            ending: Ending::Skipped,
            reason: Some(why.reason().to_owned()),
        }
    }
}

fn started(input: &Input) -> Option<Event> {
    let Input::Start {
        session,
        project,
        selection,
        settings,
    } = input
    else {
        return None;
    };
    Some(Event::SessionStarted {
        session: session.clone(),
        project: project.clone(),
        selection: selection.clone(),
        settings: settings.clone(),
    })
}
