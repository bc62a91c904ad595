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

/// Looks for what people answered below our requests; the first answer to each counts.
async fn answers(
    ports: &Ports,
    orders: &Orders,
    session: &SessionId,
    issues: Vec<IssueNumber>,
) -> Vec<Input> {
    let looks = futures::stream::iter(issues).map(|issue| async move {
        let marker = comment_marker(session, issue, REQUEST);
        // Whoever may not write here decides nothing, whatever else is heard.
        match ports.forge.replies(issue, &marker, Trust::Writers).await {
            Ok(replies) => replies.iter().find_map(|reply| {
                let said = orders.redactor.clean(&reply.text);
                let command = answer(issue, &said)?;
                let by = Some(Sender {
                    who: clip(&reply.author, LOGIN),
                    actor: None,
                    through: "a comment on the issue".to_owned(),
                });
                Some(Input::Control { command, by })
            }),
            Err(error) => {
                tracing::warn!(%issue, %error, "answers could not be looked for");
                None
            }
        }
    });
    let heard = looks.buffered(AT_ONCE).collect::<Vec<_>>().await;
    heard.into_iter().flatten().collect()
}

impl Loop<'_> {
    /// Those whose answers may stand on the forge.
    fn asked(&self) -> Vec<IssueNumber> {
        let session = &self.live.session;
        let comments = session.settings().approvals.comment;
        session.unapproved().filter(|_| comments).collect()
    }

    /// What people answered on the forge while nobody listened.
    pub(super) async fn approvals_heard(&self) -> Vec<Input> {
        let session = self.session_id();
        answers(self.live.ports, &self.orders, &session, self.asked()).await
    }

    /// Somebody may answer on the forge while the session goes on.
    pub(super) fn look_for_approvals(&mut self) {
        let issues = self.asked();
        if issues.is_empty() {
            return;
        }
        let (ports, orders) = (self.live.ports.clone(), self.orders.clone());
        let session = self.session_id();
        self.look_beside(async move { answers(&ports, &orders, &session, issues).await });
    }
}
