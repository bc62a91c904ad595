//! Agents that ask: their questions are put on the issue, and answers looked for there.

use crate::engine::attempt::Attempt;
use crate::engine::orders::Orders;
use crate::engine::publish::{PublishError, Publisher};
use crate::engine::session::Loop;
use crate::ports::{Interrupted, JournalError, Ports};
use crate::rules::event::{Command, Effect, Input};
use crate::rules::ids::{IssueNumber, SessionId};
use crate::rules::names::comment_marker;
use crate::rules::offer::comment::Stand;
use crate::rules::printable::{clip, printable_block};
use crate::rules::prompt::first::{Comment, INSTRUCTIONS_MAX};
use crate::rules::prompt::question;
use crate::rules::sender::Sender;

impl Attempt<'_> {
    /// Puts the question on the issue, once. Where the forge does not take it, it is asked on the terminal alone.
    pub(super) async fn ask(&self, question: &str) -> Result<(), Interrupted> {
        let exchange = self.work.entry.exchange.as_ref();
        let times = exchange.map_or(0, |exchange| exchange.times) + 1;
        if times > question::MOST_QUESTIONS || self.rework().is_some() {
            return Ok(());
        }
        let mut publisher = self.publisher();
        let asked = match publisher.put_question(question, times).await {
            Ok(()) => publisher.tell_asking(&self.work.entry, times).await,
            refused => refused,
        };
        let asked = match asked {
            Ok(()) => {
                let stand = Stand::Asking { times };
                publisher.assign(&self.work.entry, stand).await
            }
            refused => refused,
        };
        match asked {
            Ok(()) => Ok(()),
            Err(PublishError::Interrupted(interrupted)) => Err(interrupted),
            Err(error) => {
                tracing::warn!(issue = %self.link.issue, %error, "the question could not be put on the issue");
                Ok(())
            }
        }
    }
}

impl Publisher<'_> {
    async fn put_question(&mut self, asked: &str, times: u32) -> Result<(), PublishError> {
        let kind = question::kind(times);
        let marker = comment_marker(self.session, self.link.issue, &kind);
        let words = question::comment(self.session, self.link.issue, asked, times);
        self.say(&Effect::Comment { kind }, &marker, &words).await
    }
}

/// Looks for what people answered on the forge.
async fn answers(
    ports: &Ports,
    orders: &Orders,
    session: &SessionId,
    asking: Vec<(IssueNumber, u32)>,
) -> Vec<Input> {
    let mut inputs = Vec::new();
    for (issue, times) in asking {
        let marker = comment_marker(session, issue, &question::kind(times));
        match ports.forge.replies(issue, &marker, orders.trust).await {
            Ok(replies) if replies.is_empty() => {}
            Ok(replies) => inputs.push(answered(orders, issue, &replies)),
            Err(error) => {
                tracing::warn!(%issue, %error, "answers could not be looked for");
            }
        }
    }
    inputs
}

fn answered(orders: &Orders, issue: IssueNumber, replies: &[Comment]) -> Input {
    let texts: Vec<&str> = replies.iter().map(|reply| reply.text.trim()).collect();
    let text = printable_block(&texts.join("\n\n"), INSTRUCTIONS_MAX);
    let answer = orders.redactor.clean(&text).into_owned();
    let mut people: Vec<String> = replies
        .iter()
        .map(|reply| clip(&reply.author, 40))
        .collect();
    people.dedup();
    Input::Control {
        command: Command::Answer { issue, answer },
        by: Some(Sender {
            who: people.join(", "),
            actor: None,
            through: "a comment on the issue".to_owned(),
        }),
    }
}

impl Loop<'_> {
    /// What people said while nobody listened: in the control inbox, and below questions on the forge.
    pub(super) async fn heard(&self) -> Result<Vec<Input>, JournalError> {
        let mut inputs = self.commands().await?;
        let asking = self.live.session.asking().collect();
        let session = self.session_id();
        inputs.extend(answers(self.live.ports, &self.orders, &session, asking).await);
        inputs.extend(self.approvals_heard().await);
        Ok(inputs)
    }

    /// Somebody may answer on the forge while the session goes on.
    pub(super) fn look_for_answers(&mut self) {
        let asking: Vec<(IssueNumber, u32)> = self.live.session.asking().collect();
        if asking.is_empty() {
            return;
        }
        let (ports, orders) = (self.live.ports.clone(), self.orders.clone());
        let session = self.session_id();
        self.look_beside(async move { answers(&ports, &orders, &session, asking).await });
    }
}
