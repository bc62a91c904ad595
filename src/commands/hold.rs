//! An issue is worked on by one session: by claims in the state directory, and by leases on the remote among machines.

use crate::adapters::git::leases::Holder;
use crate::adapters::git::repository::GitRepository;
use crate::adapters::store::open::Store;
use crate::commands::wire::Wiring;
use crate::config::claims::ClaimsKind;
use crate::engine::leases::{done_elsewhere, unended};
use crate::error::Error;
use crate::ports::{Forge, Leases, NoLeases, Repository as _, Taken};
use crate::rules::ids::{IssueNumber, SessionId, Timestamp};
use crate::rules::issue::{Issue, Selection};
use crate::rules::lease::Elsewhere;
use crate::rules::names;
use crate::rules::schedule::session::Session;
use crate::rules::task::{Ending, Obstacle, Task};
use std::collections::HashMap;
use std::sync::Arc;

/// A session's leases; none where only this machine can see the issues, or is said to work on them.
fn leases(
    (wiring, store): (&Wiring, &Store),
    repository: &GitRepository,
    session: &SessionId,
) -> Arc<dyn Leases> {
    let claims = &wiring.loaded.config.claims;
    match claims.kind {
        ClaimsKind::Remote if wiring.is_github() => {}
        ClaimsKind::Remote | ClaimsKind::Machine => return Arc::new(NoLeases),
    }
    let store = store.clone();
    let host = nix::unistd::gethostname().unwrap_or_default();
    Arc::new(repository.leases(Holder {
        session: session.clone(),
        host: host.to_string_lossy().into_owned(),
        ttl: claims.ttl(),
        clock: Arc::new(|| Timestamp(chrono::Utc::now().timestamp_millis())),
        is_over: Arc::new(move |session| store.is_over(session)),
    }))
}

/// Where a session that begins takes its issues.
pub struct Taking<'a> {
    /// The project, the state directory's own claims, and the mirror of the remote.
    pub place: (&'a Wiring, &'a Store, &'a GitRepository),
    /// The forge.
    pub forge: &'a dyn Forge,
    /// The session.
    pub session: &'a SessionId,
    /// What it takes.
    pub selection: &'a Selection,
}

impl Taking<'_> {
    /// Takes the issues of all tasks that nothing settles; those that others have are left to them.
    pub async fn take(&self, tasks: &mut [Task]) -> Result<Arc<dyn Leases>, Error> {
        let (wiring, store, repository) = self.place;
        let leases = leases((wiring, store), repository, self.session);
        let claimed = store.claim(&wiring.project_key(), &runnable(tasks), self.session)?;
        let claimed = claimed.into_iter().map(|(issue, session)| Elsewhere {
            issue,
            reason: format!(
                "session {session} works on it; `autoissue resume {session}` goes on with it"
            ),
        });
        leave(tasks, claimed);
        let taken = leases.take(&runnable(tasks)).await?;
        leave(tasks, taken.elsewhere.clone());
        let done = if self.selection.follow_up {
            self.moved_meanwhile(&taken, tasks).await
        } else {
            self.done_meanwhile(&taken).await
        };
        if done.is_err() {
            // Whoever comes next need not wait for it.
            leases.release(&runnable(tasks)).await?;
        }
        let done = done?;
        let given_back: Vec<IssueNumber> = done.iter().map(|done| done.issue).collect();
        leave(tasks, done);
        leases.release(&given_back).await?;
        Ok(leases)
    }

    /// The same of open pulls: another session may have gone on with one since it was looked at.
    async fn moved_meanwhile(
        &self,
        taken: &Taken,
        tasks: &[Task],
    ) -> Result<Vec<Elsewhere>, Error> {
        let mut moved = Vec::new();
        for task in tasks
            .iter()
            .filter(|task| taken.fresh.contains(&task.number()))
        {
            let there = self.place.2.remote_head(&task.branch).await?;
            let seen = task.follow_up.as_ref().map(|follow| &follow.head);
            if there.as_ref() != seen {
                moved.push(Elsewhere {
                    issue: task.number(),
                    reason: "its branch has moved since it was looked at".to_owned(),
                });
            }
        }
        Ok(moved)
    }

    /// What was read before it was taken may be what another session has done by now: it is read again.
    async fn done_meanwhile(&self, taken: &Taken) -> Result<Vec<Elsewhere>, Error> {
        if taken.fresh.is_empty() {
            return Ok(Vec::new());
        }
        let issues: Vec<Issue> = self.forge.open_issues(self.selection).await?;
        let pulls = self.forge.open_pulls().await?;
        let mut offered = HashMap::new();
        for pull in &pulls {
            offered.extend(names::issue_of_branch(&pull.head).map(|issue| (issue, pull.number)));
        }
        let done = |issue: &IssueNumber| {
            let is_wanted = issues.iter().any(|found| found.number == *issue);
            let reason = match offered.get(issue) {
                Some(pull) => format!("pull {pull} is open for it already"),
                None if is_wanted => return None,
                None => "it was done or taken out of the selection just now".to_owned(),
            };
            Some(Elsewhere {
                issue: *issue,
                reason,
            })
        };
        Ok(taken.fresh.iter().filter_map(done).collect())
    }
}

/// Takes up again what a session that goes on had: its leases, and what others have worked on since.
pub async fn take_again(
    (wiring, store, repository): (&Wiring, &Store, &GitRepository),
    forge: &dyn Forge,
    (id, session): (&SessionId, &Session),
) -> Result<(Arc<dyn Leases>, Vec<Elsewhere>), Error> {
    let leases = leases((wiring, store), repository, id);
    let taken = leases.take(&unended(session)).await?;
    let done = done_elsewhere(forge, id, &taken).await?;
    let elsewhere = taken.elsewhere.into_iter().chain(done).collect();
    Ok((leases, elsewhere))
}

/// Those that nothing settles from the start.
fn runnable(tasks: &[Task]) -> Vec<IssueNumber> {
    let open = tasks.iter().filter(|task| task.obstacle.is_none());
    open.map(Task::number).collect()
}

fn leave(tasks: &mut [Task], elsewhere: impl IntoIterator<Item = Elsewhere>) {
    let elsewhere = elsewhere.into_iter();
    let mut reasons: HashMap<IssueNumber, String> =
        elsewhere.map(|held| (held.issue, held.reason)).collect();
    for task in tasks.iter_mut().filter(|task| task.obstacle.is_none()) {
        if let Some(reason) = reasons.remove(&task.number()) {
            let ending = Ending::Skipped;
            task.obstacle = Some(Obstacle { ending, reason });
        }
    }
}
