//! A checked plan becomes issues, each exactly once: intent, look by its marker, open, result.

use crate::engine::planning::Planner;
use crate::ports::{ForgeError, JournalError, Stop, Tie, Tied, Tracker};
use crate::rules::ids::IssueNumber;
use crate::rules::issue::IssueDraft;
use crate::rules::plan::draft::{self, Node, PARENT_LABEL, plan_label};
use crate::rules::plan::progress::{PlanEffect, PlanOrder, Planning};
use crate::rules::plan::shape::Plan;

/// How often something whose reply got lost is sent in all.
const MOST_SENDS: u32 = 3;

/// Why a plan's issues are not all there.
#[derive(Debug, thiserror::Error)]
pub enum LayOutError {
    /// The forge said no.
    #[error(transparent)]
    Forge(#[from] ForgeError),
    /// The journal cannot be written.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// We were told to stop.
    #[error("it was stopped")]
    Stopped,
}

impl Planner<'_> {
    /// Opens whatever issue of the plan is not there yet, and ties them together. Does nothing without an approved plan.
    pub async fn lay_out(&mut self, tracker: &dyn Tracker, stop: &Stop) -> Result<(), LayOutError> {
        let progress = &self.session().plan;
        let Some(plan) = progress.plan.clone().filter(|_| progress.approved) else {
            return Ok(());
        };
        let asked = self.order();
        if !progress.tied {
            self.make_labels(tracker, &plan, &asked).await?;
        }
        // A plan of one item needs nothing that holds it together.
        if plan.items.len() > 1 && self.session().plan.parent.is_none() {
            self.open_parent(tracker, &plan, &asked, stop).await?;
        }
        for place in draft::order(&plan) {
            let item = &plan.items[place];
            if self.session().plan.numbers.contains_key(&item.key) {
                continue;
            }
            let progress = &self.session().plan;
            let (parent, numbers) = (progress.parent, &progress.numbers);
            let draft = draft::issue(item, &asked.id, &asked.labels, parent, numbers);
            let effect = PlanEffect::OpenItem {
                item: item.key.clone(),
            };
            let (label, node) = (plan_label(&asked.id), Node::Item(&item.key));
            self.open_issue(tracker, effect, (&label, &asked.id, node), draft, stop)
                .await?;
        }
        if !self.session().plan.tied {
            self.tie(tracker, &plan, &asked, stop).await?;
        }
        Ok(())
    }

    async fn make_labels(
        &self,
        tracker: &dyn Tracker,
        plan: &Plan,
        asked: &PlanOrder,
    ) -> Result<(), LayOutError> {
        let mut names = Vec::new();
        if plan.items.len() > 1 {
            names.push(PARENT_LABEL.to_owned());
        }
        let items = plan.items.iter();
        names.extend(items.flat_map(|item| draft::labels(item, &asked.id, &asked.labels)));
        let mut made: Vec<String> = Vec::new();
        for name in names {
            if !made.iter().any(|other| other.eq_ignore_ascii_case(&name)) {
                tracker.ensure_label(&name).await?;
                made.push(name);
            }
        }
        Ok(())
    }

    async fn open_parent(
        &mut self,
        tracker: &dyn Tracker,
        plan: &Plan,
        asked: &PlanOrder,
        stop: &Stop,
    ) -> Result<(), LayOutError> {
        let draft = draft::parent(plan, &asked.id, &self.session().plan.numbers);
        let found_by = (PARENT_LABEL, asked.id.as_str(), Node::Parent);
        self.open_issue(tracker, PlanEffect::OpenParent, found_by, draft, stop)
            .await
    }

    async fn open_issue(
        &mut self,
        tracker: &dyn Tracker,
        effect: PlanEffect,
        found_by: (&str, &str, Node<'_>),
        draft: IssueDraft,
        stop: &Stop,
    ) -> Result<(), LayOutError> {
        if stop.is_asked() {
            return Err(LayOutError::Stopped);
        }
        let draft = self.redacted(draft);
        let intended = effect.clone();
        self.note(Planning::Intends { effect: intended }).await?;
        let issue = self.open_once(tracker, found_by, &draft).await?;
        let issue = Some(issue);
        self.note(Planning::Did { effect, issue }).await?;
        Ok(())
    }

    /// Looks, opens what is not there, and looks again where the reply got lost.
    async fn open_once(
        &self,
        tracker: &dyn Tracker,
        found_by: (&str, &str, Node<'_>),
        draft: &IssueDraft,
    ) -> Result<IssueNumber, ForgeError> {
        if self.orders.look_first
            && let Some(issue) = look(tracker, found_by).await?
        {
            return Ok(issue);
        }
        let mut sends = 0;
        loop {
            sends += 1;
            match tracker.open_issue(draft).await {
                Ok(issue) => return Ok(issue),
                Err(ForgeError::Unknown { .. }) if sends < MOST_SENDS => {
                    for _ in 0..2 {
                        tokio::time::sleep(self.orders.reply_wait).await;
                        if let Some(issue) = look(tracker, found_by).await? {
                            return Ok(issue);
                        }
                    }
                }
                Err(cause) => return Err(cause),
            }
        }
    }

    /// Dependencies, parts, and the list in the plan's own issue where the forge keeps no parts.
    async fn tie(
        &mut self,
        tracker: &dyn Tracker,
        plan: &Plan,
        asked: &PlanOrder,
        stop: &Stop,
    ) -> Result<(), LayOutError> {
        let effect = PlanEffect::TieItems;
        let intended = effect.clone();
        self.note(Planning::Intends { effect: intended }).await?;
        let (numbers, parent) = (
            self.session().plan.numbers.clone(),
            self.session().plan.parent,
        );
        let mut parts = Tied::Natively;
        // What a forge does not have for one, it has for none.
        let mut blocks = Tied::Natively;
        for item in &plan.items {
            let Some(then) = numbers.get(&item.key).copied() else {
                continue;
            };
            if stop.is_asked() {
                return Err(LayOutError::Stopped);
            }
            if let (Some(parent), Tied::Natively) = (parent, parts) {
                let child = then;
                parts = tracker.tie(Tie::PartOf { parent, child }).await?;
            }
            for first in item.depends_on.iter().filter_map(|need| numbers.get(need)) {
                if blocks == Tied::Natively {
                    let first = *first;
                    blocks = tracker.tie(Tie::Blocks { first, then }).await?;
                }
            }
        }
        if let (Some(parent), Tied::InTextOnly) = (parent, parts) {
            let draft = self.redacted(draft::parent(plan, &asked.id, &numbers));
            tracker.rewrite(parent, &draft.body).await?;
        }
        self.note(Planning::Did {
            effect,
            issue: None,
        })
        .await?;
        Ok(())
    }

    fn redacted(&self, draft: IssueDraft) -> IssueDraft {
        let title = self.orders.redactor.clean(&draft.title).into_owned();
        let body = self.orders.redactor.clean(&draft.body).into_owned();
        IssueDraft {
            title,
            body,
            ..draft
        }
    }
}

async fn look(
    tracker: &dyn Tracker,
    (label, id, node): (&str, &str, Node<'_>),
) -> Result<Option<IssueNumber>, ForgeError> {
    let issues = tracker.labelled(label).await?;
    Ok(draft::find(&issues, id, node))
}
