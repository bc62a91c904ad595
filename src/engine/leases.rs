//! The session's leases while it runs: renewed in time, made sure of before anything is published, given up when done.

use crate::engine::halt::{Halt, unpublished};
use crate::engine::link::{Link, Message};
use crate::engine::publish::PublishError;
use crate::engine::session::Loop;
use crate::ports::{Forge, ForgeError, Ports, Taken};
use crate::rules::event::Input;
use crate::rules::ids::{IssueNumber, SessionId, Timestamp};
use crate::rules::lease::Elsewhere;
use crate::rules::names;
use crate::rules::schedule::session::{Phase, Session};
use crate::rules::schedule::table::Entry;
use crate::rules::task::Ending;
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::sync::mpsc::Sender;

/// What is held, as far as the loop is concerned.
pub(super) struct Holding {
    issues: BTreeSet<IssueNumber>,
    renewed: Timestamp,
}

/// How long giving leases up may take at the end; what is not given up ends by itself.
const LAST_WORDS: Duration = Duration::from_secs(20);

impl Holding {
    /// Nothing yet.
    pub(super) fn new(now: Timestamp) -> Self {
        Self {
            issues: BTreeSet::new(),
            renewed: now,
        }
    }
}

/// What a session that goes on may still work on.
pub fn unended(session: &Session) -> Vec<IssueNumber> {
    let entries = session.table.entries().iter();
    let open = entries.filter(|entry| entry.ending().is_none() && entry.task.obstacle.is_none());
    open.map(|entry| entry.task.number()).collect()
}

impl Loop<'_> {
    /// From here on all that has not ended is held.
    pub(super) fn hold(&mut self) {
        self.holding.issues.extend(unended(&self.live.session));
    }

    /// One that had ended is to be tried again: its lease was given up.
    pub(super) fn hold_again(&mut self, issue: IssueNumber) {
        let is_open = |entry: &Entry| entry.ending().is_none();
        if !self.live.session.entry(issue).is_some_and(is_open)
            || !self.holding.issues.insert(issue)
        {
            return;
        }
        let (ports, sender, session) = (
            self.live.ports.clone(),
            self.sender.clone(),
            self.session_id(),
        );
        self.announcements.spawn(async move {
            match lost(&ports, &session, issue).await {
                Ok(Some(reason)) => tell(&sender, vec![Elsewhere { issue, reason }]).await,
                Ok(None) => {}
                // It is made sure of again before anything is published.
                Err(error) => tracing::warn!(%issue, %error, "its lease could not be taken again"),
            }
        });
    }

    /// Renews what is held, where it is time, and gives up what is done.
    pub(super) fn look_after_leases(&mut self) {
        let Some(every) = self.live.ports.leases.renew_every() else {
            return;
        };
        self.give_up_ended();
        let now = self.live.ports.clock.now();
        if Duration::from_millis(now.millis_since(self.holding.renewed)) < every {
            return;
        }
        self.holding.renewed = now;
        let (leases, sender) = (self.live.ports.leases.clone(), self.sender.clone());
        self.announcements.spawn(async move {
            match leases.renew().await {
                Ok(elsewhere) => tell(&sender, elsewhere).await,
                // Others may take them over once they are over; until they are held again nothing is published.
                Err(error) => tracing::warn!(%error, "the leases could not be renewed"),
            }
        });
    }

    /// What is offered may be brought onto other work yet, and is held until the session ends.
    fn give_up_ended(&mut self) {
        let session = &self.live.session;
        let unannounced: BTreeSet<IssueNumber> = session.unannounced().collect();
        let is_done = |issue: &IssueNumber| {
            let entry = session.entry(*issue);
            let ending = entry.and_then(Entry::ending);
            ending.is_some_and(|ending| ending != Ending::Completed) && !unannounced.contains(issue)
        };
        let done: Vec<IssueNumber> = self
            .holding
            .issues
            .iter()
            .copied()
            .filter(is_done)
            .collect();
        if done.is_empty() {
            return;
        }
        self.holding.issues.retain(|issue| !done.contains(issue));
        let leases = self.live.ports.leases.clone();
        self.announcements.spawn(async move {
            if let Err(error) = leases.release(&done).await {
                tracing::warn!(%error, "leases could not be given up; they end by themselves");
            }
        });
    }

    /// A session that is finished holds nothing; one that is only interrupted keeps what it has until that ends by itself.
    pub(super) async fn give_up_leases(&mut self) {
        let session = &self.live.session;
        let is_over = session.phase == Phase::Finished;
        let is_ended = |issue: &IssueNumber| {
            let entry = session.entry(*issue);
            is_over || entry.is_none_or(|entry| entry.ending().is_some())
        };
        let done: Vec<IssueNumber> = self
            .holding
            .issues
            .iter()
            .copied()
            .filter(is_ended)
            .collect();
        let given = tokio::time::timeout(LAST_WORDS, self.live.ports.leases.release(&done)).await;
        if !matches!(given, Ok(Ok(()))) {
            tracing::warn!("leases could not be given up; they end by themselves");
        }
    }
}

async fn tell(sender: &Sender<Message>, elsewhere: Vec<Elsewhere>) {
    for input in elsewhere.into_iter().map(Input::elsewhere) {
        let durable = None;
        if sender.send(Message { input, durable }).await.is_err() {
            return;
        }
    }
}

/// Before anything is published: is the issue still ours? An attempt at one that is not goes no further.
pub(super) async fn make_sure(ports: &Ports, session: &SessionId, link: &Link) -> Result<(), Halt> {
    if ports.leases.is_certain(link.issue) {
        return Ok(());
    }
    match lost(ports, session, link.issue).await {
        Ok(None) => Ok(()),
        Ok(Some(reason)) => {
            link.lease_lost(reason).await?;
            Err(Halt::Stopped)
        }
        Err(error) => Err(unpublished(&error)),
    }
}

/// Takes the issue, or goes on holding it; why it cannot be had, where another session works on it, or has.
async fn lost(
    ports: &Ports,
    session: &SessionId,
    issue: IssueNumber,
) -> Result<Option<String>, PublishError> {
    let taken = ports.leases.take(&[issue]).await?;
    let done = done_elsewhere(ports.forge.as_ref(), session, &taken).await?;
    let mut elsewhere = taken.elsewhere.into_iter().chain(done);
    Ok(elsewhere.next().map(|elsewhere| elsewhere.reason))
}

/// Those of what was just taken that another session has finished while nobody held them for us.
pub async fn done_elsewhere(
    forge: &dyn Forge,
    session: &SessionId,
    taken: &Taken,
) -> Result<Vec<Elsewhere>, ForgeError> {
    if taken.fresh.is_empty() {
        return Ok(Vec::new());
    }
    let pulls = forge.open_pulls().await?;
    let foreign = pulls.iter().filter_map(|pull| {
        let is_ours = names::marker_session(&pull.body).as_ref() == Some(session);
        let issue = names::issue_of_branch(&pull.head)?;
        let reason = format!("pull {} of another session is open for it", pull.number);
        (!is_ours && taken.fresh.contains(&issue)).then_some(Elsewhere { issue, reason })
    });
    Ok(foreign.collect())
}
