//! The way from an attempt to the loop: facts, made durable before the attempt goes on, and progress, which is not.

use crate::ports::{Activity, Interrupted, Ports, Watch};
use crate::rules::event::{Fact, Input, ProcessIdentity, Progress};
use crate::rules::host::kept_from;
use crate::rules::ids::{AttemptNumber, ConversationId, IssueNumber, Timestamp};
use crate::rules::money::Usd;
use crate::rules::redact::Redactor;
use crate::rules::task::Stage;
use async_trait::async_trait;
use std::sync::{Arc, Mutex};
use tokio::sync::{mpsc, oneshot};

/// An input on its way to the loop, and whom to tell when what followed from it is durable.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) input: Input,
    pub(super) durable: Option<oneshot::Sender<()>>,
}

/// One attempt's way to the loop.
#[derive(Clone)]
pub struct Link {
    /// The task.
    pub issue: IssueNumber,
    /// The attempt.
    pub attempt: AttemptNumber,
    pub(super) ports: Ports,
    pub(super) sender: mpsc::Sender<Message>,
    pub(super) redactor: Redactor,
    /// Hosts that its programs were kept from, as far as that was told.
    pub(super) kept_from: Arc<Mutex<Vec<String>>>,
}

impl Link {
    /// Tells a fact; returns once it is durable.
    pub async fn report(&self, fact: Fact) -> Result<(), Interrupted> {
        let input = Input::Reported {
            issue: self.issue,
            attempt: self.attempt,
            fact,
        };
        self.tell(input).await
    }

    async fn tell(&self, input: Input) -> Result<(), Interrupted> {
        let (durable, done) = oneshot::channel();
        let message = Message {
            input,
            durable: Some(durable),
        };
        self.sender.send(message).await.map_err(|_| Interrupted)?;
        done.await.map_err(|_| Interrupted)
    }

    /// Tells how it ended to be announced: an ending, or that it waits; does not wait.
    pub(super) async fn announced(&self, ended: bool, trouble: Option<String>) {
        let issue = self.issue;
        let input = Input::Announced {
            issue,
            ended,
            trouble,
        };
        self.send(input).await;
    }

    /// Tells that the pull speaks of the whole, as far as it could be made to; does not wait.
    pub(super) async fn certificate_told(&self, trouble: Option<String>) {
        let issue = self.issue;
        self.send(Input::CertificateTold { issue, trouble }).await;
    }

    /// Tells that another session holds the issue; returns once it is durable.
    pub(super) async fn lease_lost(&self, reason: String) -> Result<(), Interrupted> {
        let issue = self.issue;
        self.tell(Input::LeaseLost { issue, reason }).await
    }

    async fn send(&self, input: Input) {
        let sent = self
            .sender
            .send(Message {
                input,
                durable: None,
            })
            .await;
        if sent.is_err() {
            tracing::debug!(issue = %self.issue, "the session ended before its announcement was noted");
        }
    }

    /// Watches a process of one stage.
    pub(super) fn watch(
        &self,
        stage: Stage,
        conversation: Option<ConversationId>,
        spent: Usd,
    ) -> StageWatch {
        StageWatch {
            link: self.clone(),
            stage,
            conversation,
            spent,
            last: Mutex::default(),
        }
    }
}

/// Tells the loop of a stage's process, and the reporters what it does, at most once a second.
pub(super) struct StageWatch {
    link: Link,
    stage: Stage,
    conversation: Option<ConversationId>,
    spent: Usd,
    last: Mutex<(Timestamp, Option<u32>)>,
}

const PROGRESS_EVERY_MILLIS: u64 = 1_000;

#[async_trait]
impl Watch for StageWatch {
    async fn spawned(&self, process: ProcessIdentity) -> Result<(), Interrupted> {
        self.last.lock().expect("nobody panics while holding it").1 = Some(process.pid);
        let conversation = self.conversation.clone();
        self.link
            .report(Fact::Spawned {
                stage: self.stage,
                process,
                conversation,
            })
            .await
    }

    async fn kept_from(&self, hosts: Vec<String>) {
        let news = {
            let told = self.link.kept_from.lock();
            let mut told = told.expect("nobody panics while holding it");
            let clean: Vec<_> = hosts
                .iter()
                .map(|host| self.link.redactor.clean(host))
                .collect();
            let news = kept_from(clean.iter().map(AsRef::as_ref), &told);
            told.extend(news.clone());
            news
        };
        if !news.is_empty() {
            // A session that is stopping takes nothing more; its log has them.
            let _ = self.link.report(Fact::KeptFrom { hosts: news }).await;
        }
    }

    fn activity(&self, activity: Activity) {
        let now = self.link.ports.clock.now();
        let pid = {
            let mut last = self.last.lock().expect("nobody panics while holding it");
            if now.millis_since(last.0) < PROGRESS_EVERY_MILLIS {
                return;
            }
            last.0 = now;
            last.1
        };
        let progress = Progress {
            issue: self.link.issue,
            attempt: self.link.attempt,
            at: now,
            activity: self.link.redactor.clean(&activity.line).into_owned(),
            pid,
            messages: activity.messages,
            cost: self.spent + activity.cost,
            tokens: activity.tokens,
        };
        self.link.ports.journal.progress(&progress);
        for reporter in self.link.ports.reporters.iter() {
            reporter.progress(&progress);
        }
    }
}
