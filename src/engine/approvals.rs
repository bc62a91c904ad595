//! People who are asked whether a task may run: in a comment on the issue, with answers looked for below it.

use crate::engine::orders::Orders;
use crate::engine::publish::{PublishError, Publisher};
use crate::engine::session::Loop;
use crate::ports::Ports;
use crate::rules::approvals::{REMINDER, REQUEST, answer};
use crate::rules::event::{Effect, Input};
use crate::rules::ids::{IssueNumber, SessionId};
use crate::rules::names::comment_marker;
use crate::rules::offer::request::{reminder, request};
use crate::rules::printable::clip;
use crate::rules::schedule::table::Entry;
use crate::rules::sender::Sender;
use crate::rules::trust::Trust;
use futures::StreamExt as _;

/// Issues whose comments are read at a time.
const AT_ONCE: usize = 4;
/// Characters of a login that are told.
const LOGIN: usize = 40;

impl Publisher<'_> {
    /// Asks on the issue, once, and others as well, once.
    pub(super) async fn put_request(
        &mut self,
        kind: &str,
        entry: &Entry,
    ) -> Result<(), PublishError> {
        let issue = self.link.issue;
        let marker = comment_marker(self.session, issue, kind);
        let words = if kind == REMINDER {
            let people = &self.orders.asking_others;
            reminder(issue, self.session, self.settings, people)
        } else {
            request(&entry.task, self.session, self.settings)
        };
        let kind = kind.to_owned();
        self.say(&Effect::Comment { kind }, &marker, &words).await
    }
}

/// What a look at one issue came to; nothing where it could not be looked at.
type Found = Option<Result<Input, IssueNumber>>;

/// Looks for what people answered below our requests; the first answer to each counts. Where nobody has answered, and it
/// was looked, is told as well: only then can it be too late.
async fn answers(
    ports: &Ports,
    orders: &Orders,
    session: &SessionId,
    issues: Vec<IssueNumber>,
) -> Vec<Input> {
    let looks = futures::stream::iter(issues).map(|issue| look(ports, orders, session, issue));
    let found: Vec<Found> = looks.buffered(AT_ONCE).collect().await;
    let (mut heard, mut issues) = (Vec::new(), Vec::new());
    for found in found.into_iter().flatten() {
        match found {
            Ok(input) => heard.push(input),
            Err(issue) => issues.push(issue),
        }
    }
    heard.push(Input::Unanswered { issues });
    heard
}

async fn look(ports: &Ports, orders: &Orders, session: &SessionId, issue: IssueNumber) -> Found {
    let marker = comment_marker(session, issue, REQUEST);
    // Whoever may not write here decides nothing, whatever else is heard.
    let replies = match ports.forge.replies(issue, &marker, Trust::Writers).await {
        Ok(replies) => replies,
        Err(error) => {
            tracing::warn!(%issue, %error, "answers could not be looked for");
            return None;
        }
    };
    let said = replies.iter().find_map(|reply| {
        let said = orders.redactor.clean(&reply.text);
        let command = answer(issue, &said)?;
        let by = Some(Sender {
            who: clip(&reply.author, LOGIN),
            actor: None,
            through: "a comment on the issue".to_owned(),
        });
        Some(Input::Control { command, by })
    });
    Some(said.ok_or(issue))
}

impl Loop<'_> {
    /// What people answered on the forge while nobody listened.
    pub(super) async fn approvals_heard(&self) -> Vec<Input> {
        let issues: Vec<IssueNumber> = self.live.session.unapproved().collect();
        if !self.live.session.settings().approvals.comment {
            return vec![Input::Unanswered { issues }];
        }
        answers(self.live.ports, &self.orders, &self.session_id(), issues).await
    }

    /// Somebody may answer on the forge while the session goes on. One look follows the other.
    pub(super) fn look_for_approvals(&mut self) {
        let issues: Vec<IssueNumber> = self.live.session.unapproved().collect();
        let last = self.approval_look.as_ref();
        if issues.is_empty() || last.is_some_and(|look| !look.is_finished()) {
            return;
        }
        let comments = self.live.session.settings().approvals.comment;
        let (ports, orders) = (self.live.ports.clone(), self.orders.clone());
        let session = self.session_id();
        let look = self.look_beside(async move {
            if comments {
                answers(&ports, &orders, &session, issues).await
            } else {
                vec![Input::Unanswered { issues }]
            }
        });
        self.approval_look = Some(look);
    }
}
