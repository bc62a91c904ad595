//! What the loop lets run beside the attempts: endings announced, the trial of the whole, its telling, the look at merges.

use crate::engine::certify::Trial;
use crate::engine::link::Message;
use crate::engine::merges;
use crate::engine::publish::Publisher;
use crate::engine::session::Loop;
use crate::ports::saving;
use crate::rules::certificate::{self, Part};
use crate::rules::event::{Consent, Input};
use crate::rules::ids::{AttemptNumber, IssueNumber};
use crate::rules::schedule::table::Entry;
use std::collections::HashMap;
use std::sync::Arc;
use tokio::task::AbortHandle;

impl Loop<'_> {
    /// Whoever has to approve one is asked on the forge.
    pub(super) fn ask(&mut self, issue: IssueNumber, consent: &Consent) {
        if matches!(consent, Consent::Awaited { .. } | Consent::Overdue { .. })
            && self.live.session.is_unannounced(issue)
        {
            self.announce(issue);
        }
    }

    /// Announces it, one announcement after the other: what changed meanwhile is announced once the last has ended.
    pub(super) fn announce(&mut self, issue: IssueNumber) {
        if self.announcing.contains(&issue) {
            return;
        }
        let Some(entry) = self
            .live
            .session
            .entry(issue)
            .filter(|entry| !entry.announced)
            .cloned()
        else {
            return;
        };
        let (ports, orders, session) = (
            self.live.ports.clone(),
            Arc::clone(&self.orders),
            self.session_id(),
        );
        let settings = self.live.session.settings().clone();
        let link = self.link(issue, AttemptNumber(entry.attempts));
        let priority = entry.task.priority;
        self.announcing.insert(issue);
        self.announcements.spawn(saving(priority, async move {
            let record = entry.record.clone();
            let mut publisher = Publisher {
                ports: &ports,
                orders: &orders,
                settings: &settings,
                session: &session,
                link: &link,
                record,
            };
            if let Ok(trouble) = publisher.announce(&entry).await {
                link.announced(entry.ending().is_some(), trouble).await;
            }
        }));
    }

    /// One announcement has ended: what is still to be told of its issue is told next.
    pub(super) fn announced(&mut self, inputs: &[Input]) {
        for input in inputs {
            let Input::Announced { issue, .. } = input else {
                continue;
            };
            self.announcing.remove(issue);
            if self.live.session.is_unannounced(*issue) {
                self.announce(*issue);
            }
        }
    }

    pub(super) fn certify(&mut self, work: Vec<Part>) {
        let (ports, orders) = (self.live.ports.clone(), Arc::clone(&self.orders));
        let (verdicts, session) = (Arc::clone(&self.bases), self.session_id());
        let base_branch = self.live.session.settings().base_branch.clone();
        let (sender, halt) = (self.sender.clone(), self.trial.clone());
        self.announcements.spawn(async move {
            let trial = Trial {
                ports: &ports,
                orders: &orders,
                bases: &verdicts,
                session: &session,
                base_branch: &base_branch,
                stop: &halt,
            };
            let Some(certificate) = trial.run(&work).await else {
                return;
            };
            let certificate = Box::new(certificate);
            let input = Input::Certified {
                parts: work,
                certificate,
            };
            let message = Message {
                input,
                durable: None,
            };
            if sender.send(message).await.is_err() {
                tracing::debug!("the session ended before its certificate was noted");
            }
        });
    }

    /// Each pull tells what came of the whole.
    pub(super) fn tell_certificate(&mut self) {
        let Some((certificate, issues)) = self.live.session.untold() else {
            return;
        };
        let certificate = Arc::new(certificate.clone());
        let names: Arc<HashMap<IssueNumber, String>> = Arc::new(self.names());
        for issue in issues {
            let Some(entry) = self.live.session.entry(issue).cloned() else {
                continue;
            };
            let link = self.link(issue, AttemptNumber(entry.attempts));
            let (ports, orders) = (self.live.ports.clone(), Arc::clone(&self.orders));
            let (session, settings) = (self.session_id(), self.live.session.settings().clone());
            let (certificate, names) = (Arc::clone(&certificate), Arc::clone(&names));
            let priority = entry.task.priority;
            self.announcements.spawn(saving(priority, async move {
                let mut publisher = Publisher {
                    ports: &ports,
                    orders: &orders,
                    settings: &settings,
                    session: &session,
                    link: &link,
                    record: entry.record.clone(),
                };
                let name = |issue| names.get(&issue).cloned().unwrap_or_default();
                let section =
                    certificate::section(&certificate, issue, &settings.base_branch, name);
                let edit = |body: &str| certificate::with_section(body, &section);
                if let Ok(trouble) = publisher.describe("certificate", edit).await {
                    link.certificate_told(trouble).await;
                }
            }));
        }
    }

    /// How tasks are called on the forge: by their pull where there is one.
    fn names(&self) -> HashMap<IssueNumber, String> {
        let entries = self.live.session.table.entries().iter();
        let name = |entry: &Entry| {
            let issue = entry.task.number();
            let pull = entry.record.pull.as_ref();
            (
                issue,
                pull.map_or_else(|| issue.to_string(), |pull| pull.number.to_string()),
            )
        };
        entries.map(name).collect()
    }

    /// Somebody may merge what others wait for while the session goes on.
    pub(super) fn look_for_merges(&mut self) {
        let awaited = self.live.session.awaited();
        if awaited.is_empty() {
            return;
        }
        let ports = self.live.ports.clone();
        let branch = self.live.session.settings().base_branch.clone();
        self.look_beside(async move { merges::look(&ports, &branch, awaited).await });
    }

    /// Looks beside the attempts; what is found comes as inputs.
    pub(super) fn look_beside(
        &mut self,
        look: impl Future<Output = Vec<Input>> + Send + 'static,
    ) -> AbortHandle {
        let sender = self.sender.clone();
        self.announcements.spawn(async move {
            for input in look.await {
                let durable = None;
                if sender.send(Message { input, durable }).await.is_err() {
                    return;
                }
            }
        })
    }
}
