//! A session's process died: what became of the attempts that ran?
//!
//! Leftover processes are ended, files are taken in, and what the captured output proves about cost and success is
//! used; what it does not prove is charged in full.

use crate::engine::orders::Orders;
use crate::ports::{AgentEnd, AgentReport, Ports, RepositoryError};
use crate::rules::event::{Fact, Input};
use crate::rules::ids::{AttemptNumber, IssueNumber};
use crate::rules::money::{Basis, Charge};
use crate::rules::schedule::session::Session;
use crate::rules::schedule::table::{Entry, Run};
use crate::rules::task::{Attempted, Outcome};

/// What has to be decided about attempts that were running when the process died: facts found, and their end.
pub async fn recover(ports: &Ports, orders: &Orders, session: &Session) -> Vec<Input> {
    let mut inputs = Vec::new();
    for entry in session.table.entries() {
        if let Some(run) = entry.run() {
            let lost = Lost {
                ports,
                orders,
                entry,
                run,
            };
            lost.settle(&mut inputs).await;
        }
    }
    inputs
}

struct Lost<'a> {
    ports: &'a Ports,
    orders: &'a Orders,
    entry: &'a Entry,
    run: &'a Run,
}

impl Lost<'_> {
    async fn settle(&self, inputs: &mut Vec<Input>) {
        if let Some(process) = &self.entry.record.process {
            self.ports.commands.end_leftover(process).await;
        }
        let evidence = self.evidence();
        let charge = self.charge(evidence.as_ref());
        if let Some(report) = evidence
            .as_ref()
            .filter(|report| report.end == AgentEnd::Done)
        {
            let summary = self.orders.redactor.clean(&report.summary).into_owned();
            inputs.push(self.fact(Fact::AgentDone {
                conversation: report.conversation.clone(),
                summary,
                charge,
            }));
        }
        let unfinished = evidence.as_ref().filter(|it| it.end != AgentEnd::Done);
        if let Some(conversation) = unfinished.and_then(|report| report.conversation.clone()) {
            inputs.push(self.fact(Fact::Conversed { conversation }));
        }
        match self.take_in().await {
            Ok(Some(fact)) => inputs.push(self.fact(fact)),
            Ok(None) => {}
            Err(error) => {
                tracing::warn!(issue = %self.issue(), %error, "files of a lost attempt could not be taken in");
            }
        }
        let mut outcome = Outcome::free(Attempted::Lost);
        outcome.charge = charge;
        outcome.dearest = evidence
            .as_ref()
            .map(|report| report.dearest)
            .unwrap_or_default();
        outcome.model = evidence.and_then(|report| report.model);
        let (issue, attempt) = (self.issue(), self.run.attempt);
        inputs.push(Input::Finished {
            issue,
            attempt,
            outcome,
            dice: 0,
        });
    }

    /// What the agent's captured output proves, where its end did not reach the journal.
    fn evidence(&self) -> Option<AgentReport> {
        let record = &self.entry.record;
        if !record.agent_started || record.agent_done {
            return None;
        }
        let name = format!("{}-{}.jsonl", self.issue().0, self.run.attempt);
        self.ports
            .agents
            .at(self.run.agent)
            .evidence(&self.orders.transcripts.join(name))
    }

    fn charge(&self, evidence: Option<&AgentReport>) -> Charge {
        match (self.entry.record.known_charge(), evidence) {
            (Some(known), _) => known,
            (None, Some(report)) => {
                let rounds = self.entry.record.rounds;
                let mut charge = report.charge;
                if charge.basis == Basis::Assumed {
                    charge.cost = charge.cost.max(self.run.grant.minus(rounds.cost));
                }
                rounds.plus(charge)
            }
            (None, None) => Charge::assumed(self.run.grant),
        }
    }

    /// Keeps the files of the worktree that was left behind. The commit that they stand on is known from the journal
    /// or from the worktree's own record.
    async fn take_in(&self) -> Result<Option<Fact>, RepositoryError> {
        let Some(workspace) = self.ports.repository.leftover(self.issue()).await? else {
            return Ok(None);
        };
        let record = &self.entry.record;
        if record.verified || !record.agent_started {
            self.ports.repository.release(workspace).await?;
            return Ok(None);
        }
        let base = workspace.base.clone();
        let capture = self
            .ports
            .repository
            .capture(&workspace, self.issue(), self.run.attempt)
            .await;
        let capture = match capture {
            Ok(capture) => capture,
            Err(error) => {
                // The slot is needed, and whoever is next finds the files where they are.
                self.ports.repository.leave(workspace).await;
                return Err(error);
            }
        };
        self.ports.repository.release(workspace).await?;
        Ok(Some(Fact::Snapshot {
            commit: capture.snapshot,
            base,
        }))
    }

    fn fact(&self, fact: Fact) -> Input {
        Input::Reported {
            issue: self.issue(),
            attempt: self.attempt(),
            fact,
        }
    }

    fn attempt(&self) -> AttemptNumber {
        self.run.attempt
    }

    fn issue(&self) -> IssueNumber {
        self.entry.task.number()
    }
}
