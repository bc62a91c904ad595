//! What became of pulls, and what was done about them in earlier rounds.

use crate::adapters::store::error::{StoreError, Tried};
use crate::adapters::store::open::{Store, now};
use crate::adapters::store::turn::{Key, execute};
use crate::rules::certificate::Certificate;
use crate::rules::event::{Effect, Event, Fact};
use crate::rules::follow::next::Before;
use crate::rules::follow::shape::{Fate, FollowUp, Landed, Source};
use crate::rules::ids::{
    BranchName, CommitId, ConversationId, IssueNumber, PullNumber, SessionId, Timestamp,
};
use crate::rules::task::Task;
use rusqlite::{Connection, OptionalExtension};
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

/// What a follow-up goes on with stands beside its task.
pub(super) fn follow_up(db: &Connection, session: &Key, task: &Task) -> Result<(), StoreError> {
    // What another session works on is not taken up by this one.
    let Some(follow) = task.follow_up.as_ref().filter(|_| task.obstacle.is_none()) else {
        return Ok(());
    };
    execute(
        db,
        "INSERT OR IGNORE INTO follow_ups (session, issue, pull, payload) VALUES (?, ?, ?, ?)",
        (
            session.row,
            task.number().0.cast_signed(),
            follow.pull.number.0.cast_signed(),
            serde_json::to_string(follow).expect("a follow-up is JSON"),
        ),
    )
}

impl Store {
    /// What was done about a pull before, by all that this state directory knows.
    pub fn before(&self, project: &str, pull: PullNumber) -> Result<Before, StoreError> {
        const ACTION: &str = "read what was done about a pull";
        self.read(|db| {
            let mut statement = db
                .prepare_cached(
                    "SELECT payload, coalesce(ending, ''), attempts, started, id
                     FROM follow_ups JOIN sessions ON key = follow_ups.session
                     JOIN tasks USING (session, issue)
                     WHERE project = ? AND follow_ups.pull = ? ORDER BY key",
                )
                .tried(ACTION)?;
            let rows = statement
                .query_map((project, pull.0.cast_signed()), |row| {
                    Ok(Round {
                        payload: row.get(0)?,
                        ending: row.get(1)?,
                        attempts: row.get(2)?,
                        started: Timestamp(row.get(3)?),
                        session: SessionId::new(row.get::<_, String>(4)?),
                    })
                })
                .tried(ACTION)?;
            let mut before = Before::default();
            for round in rows {
                add(&mut before, &round.tried(ACTION)?);
            }
            Ok(before)
        })
    }

    /// The task that a pull came from, as the session that opened it had read it.
    pub fn task_of(&self, project: &str, pull: PullNumber) -> Result<Option<Task>, StoreError> {
        const ACTION: &str = "look for the task of a pull";
        self.read(|db| {
            let found: Option<(String, i64)> = db
                .prepare_cached(
                    "SELECT payload, tasks.issue FROM tasks JOIN sessions ON key = tasks.session
                     JOIN events ON events.session = key AND kind = 'tasks_read'
                     WHERE project = ? AND pull = ? ORDER BY key LIMIT 1",
                )
                .and_then(|mut statement| {
                    let about = (project, pull.0.cast_signed());
                    let pair = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
                    statement.query_row(about, pair).optional()
                })
                .tried(ACTION)?;
            let Some((payload, issue)) = found else {
                return Ok(None);
            };
            let issue = IssueNumber(issue.cast_unsigned());
            let Ok(Event::TasksRead { tasks, .. }) = Event::from_json(&payload) else {
                return Ok(None);
            };
            let mut tasks = tasks.into_iter();
            let task = tasks.find(|task| task.number() == issue);
            Ok(task.map(Arc::unwrap_or_clone))
        })
    }

    /// The last conversation of an agent about the issue that ended well.
    pub fn conversation(
        &self,
        project: &str,
        issue: IssueNumber,
    ) -> Result<Option<ConversationId>, StoreError> {
        const ACTION: &str = "look for the conversation about an issue";
        self.read(|db| {
            let payload: Option<String> = db
                .prepare_cached(
                    "SELECT payload FROM events JOIN sessions ON key = session
                     WHERE session IN (SELECT session FROM tasks WHERE issue = ?2)
                       AND project = ?1 AND events.issue = ?2 AND kind = 'fact'
                       AND payload LIKE '%\"fact\":\"agent_done\"%'
                     ORDER BY key DESC, seq DESC LIMIT 1",
                )
                .and_then(|mut statement| {
                    let about = (project, issue.0.cast_signed());
                    statement.query_row(about, |row| row.get(0)).optional()
                })
                .tried(ACTION)?;
            Ok(payload.as_deref().and_then(conversation))
        })
    }

    /// Pulls that were offered, with their issues, and whose end is not known.
    pub fn unsettled(
        &self,
        project: &str,
    ) -> Result<BTreeMap<PullNumber, IssueNumber>, StoreError> {
        const ACTION: &str = "read which pulls are open";
        self.read(|db| {
            let mut statement = db
                .prepare_cached(
                    "SELECT pull, issue FROM tasks JOIN sessions ON key = session
                     WHERE project = ?1 AND pull IS NOT NULL AND pull NOT IN
                       (SELECT number FROM pulls WHERE project = ?1 AND fate <> 'open')
                     UNION SELECT number, issue FROM pulls WHERE project = ?1 AND fate = 'open'",
                )
                .tried(ACTION)?;
            let rows = statement
                .query_map([project], |row| {
                    let number = PullNumber(row.get::<_, i64>(0)?.cast_unsigned());
                    let issue = IssueNumber(row.get::<_, i64>(1)?.cast_unsigned());
                    Ok((number, issue))
                })
                .tried(ACTION)?;
            rows.collect::<rusqlite::Result<_>>().tried(ACTION)
        })
    }

    /// What was pushed last to each branch of these issues.
    pub fn pushed(
        &self,
        project: &str,
        issues: impl IntoIterator<Item = IssueNumber>,
    ) -> Result<BTreeMap<BranchName, CommitId>, StoreError> {
        const ACTION: &str = "read what was pushed";
        self.read(|db| {
            let mut statement = db
                .prepare_cached(
                    "SELECT payload FROM events JOIN sessions ON key = session
                     WHERE session IN (SELECT session FROM tasks WHERE issue = ?2)
                       AND project = ?1 AND events.issue = ?2 AND kind = 'fact'
                       AND payload LIKE '%\"fact\":\"did\"%' AND payload LIKE '%\"effect\":\"push\"%'
                     ORDER BY key, seq",
                )
                .tried(ACTION)?;
            let mut pushed = BTreeMap::new();
            for issue in issues {
                let about = (project, issue.0.cast_signed());
                let rows = statement
                    .query_map(about, |row| row.get::<_, String>(0))
                    .tried(ACTION)?;
                for payload in rows {
                    pushed.extend(push(&payload.tried(ACTION)?));
                }
            }
            Ok(pushed)
        })
    }

    /// Every pull that was opened for an issue.
    pub fn pulls_for(
        &self,
        project: &str,
        issue: IssueNumber,
    ) -> Result<Vec<PullNumber>, StoreError> {
        const ACTION: &str = "look for the pulls of an issue";
        self.read(|db| {
            let mut statement = db
                .prepare_cached(
                    "SELECT pull FROM tasks JOIN sessions ON key = session
                     WHERE project = ? AND issue = ? AND pull IS NOT NULL",
                )
                .tried(ACTION)?;
            let rows = statement
                .query_map((project, issue.0.cast_signed()), |row| {
                    Ok(PullNumber(row.get::<_, i64>(0)?.cast_unsigned()))
                })
                .tried(ACTION)?;
            rows.collect::<rusqlite::Result<_>>().tried(ACTION)
        })
    }

    /// What the sessions that opened pulls found out of their work as a whole, the oldest first, for pulls whose end is not
    /// known.
    pub fn certificates(&self, project: &str) -> Result<Vec<Certificate>, StoreError> {
        const ACTION: &str = "read what goes together";
        self.read(|db| {
            let mut statement = db
                .prepare_cached(
                    "SELECT (SELECT payload FROM events
                             WHERE session = key AND kind = 'certified' ORDER BY seq DESC LIMIT 1)
                     FROM sessions WHERE project = ?1 AND key IN
                       (SELECT session FROM tasks WHERE pull IS NOT NULL AND pull NOT IN
                         (SELECT number FROM pulls WHERE project = ?1 AND fate <> 'open'))
                     ORDER BY key",
                )
                .tried(ACTION)?;
            let rows = statement
                .query_map([project], |row| row.get::<_, Option<String>>(0))
                .tried(ACTION)?;
            let payloads = rows.collect::<rusqlite::Result<Vec<_>>>().tried(ACTION)?;
            Ok(payloads
                .iter()
                .flatten()
                .filter_map(|it| certificate(it))
                .collect())
        })
    }

    /// The sessions that worked on pulls which were open when they were looked at last.
    pub(super) fn with_open_pulls(&self) -> Result<HashSet<SessionId>, StoreError> {
        const ACTION: &str = "read which pulls are open";
        self.read(|db| {
            let mut statement = db
                .prepare_cached(
                    "SELECT DISTINCT id FROM sessions JOIN tasks ON session = key
                     LEFT JOIN follow_ups USING (session, issue)
                     JOIN pulls ON pulls.project = sessions.project
                       AND number = coalesce(follow_ups.pull, tasks.pull)
                     WHERE fate = 'open'",
                )
                .tried(ACTION)?;
            let rows = statement
                .query_map([], |row| row.get::<_, String>(0).map(SessionId::new))
                .tried(ACTION)?;
            rows.collect::<rusqlite::Result<_>>().tried(ACTION)
        })
    }

    /// Notes what became of a pull.
    pub fn note_fate(
        &self,
        project: &str,
        (pull, issue): (PullNumber, IssueNumber),
        fate: Fate,
    ) -> Result<(), StoreError> {
        let project = project.to_owned();
        self.write(move |db| {
            execute(
                db,
                "INSERT INTO pulls (project, number, issue, fate, at) VALUES (?, ?, ?, ?, ?)
                 ON CONFLICT (project, number) DO UPDATE SET fate = excluded.fate, at = excluded.at
                 WHERE fate <> excluded.fate",
                (
                    &project,
                    pull.0.cast_signed(),
                    issue.0.cast_signed(),
                    fate.word(),
                    now().0,
                ),
            )
        })
    }

    /// Notes as what a pull was merged.
    pub fn note_landed(
        &self,
        project: &str,
        pull: PullNumber,
        landed: &Landed,
    ) -> Result<(), StoreError> {
        let (project, landed) = (project.to_owned(), landed.clone());
        self.write(move |db| {
            execute(
                db,
                "UPDATE pulls SET head = ?, merged_as = ? WHERE project = ? AND number = ?",
                (
                    landed.head.as_str(),
                    landed.merged_as.as_str(),
                    &project,
                    pull.0.cast_signed(),
                ),
            )
        })
    }

    /// The work of ours that was merged last, the newest first.
    pub fn landed(&self, project: &str) -> Result<Vec<Landed>, StoreError> {
        const ACTION: &str = "read what was merged";
        self.read(|db| {
            let mut statement = db
                .prepare_cached(
                    "SELECT head, merged_as FROM pulls
                     WHERE project = ? AND merged_as IS NOT NULL ORDER BY at DESC LIMIT 100",
                )
                .tried(ACTION)?;
            let rows = statement
                .query_map([project], |row| {
                    Ok(Landed {
                        head: CommitId::new(row.get::<_, String>(0)?),
                        merged_as: CommitId::new(row.get::<_, String>(1)?),
                    })
                })
                .tried(ACTION)?;
            rows.collect::<rusqlite::Result<_>>().tried(ACTION)
        })
    }

    /// The pulls of ours whose fate is known, with their issues, by number.
    pub fn fates(
        &self,
        project: &str,
    ) -> Result<BTreeMap<PullNumber, (IssueNumber, Fate)>, StoreError> {
        const ACTION: &str = "read what became of pulls";
        self.read(|db| {
            let mut statement = db
                .prepare_cached("SELECT number, issue, fate FROM pulls WHERE project = ?")
                .tried(ACTION)?;
            let rows = statement
                .query_map([project], |row| {
                    let word: String = row.get(2)?;
                    let fates = [Fate::Open, Fate::Merged, Fate::Rejected];
                    let fate = fates.into_iter().find(|fate| fate.word() == word);
                    let number = PullNumber(row.get::<_, i64>(0)?.cast_unsigned());
                    let issue = IssueNumber(row.get::<_, i64>(1)?.cast_unsigned());
                    Ok((number, (issue, fate.unwrap_or(Fate::Open))))
                })
                .tried(ACTION)?;
            rows.collect::<rusqlite::Result<_>>().tried(ACTION)
        })
    }
}

fn certificate(payload: &str) -> Option<Certificate> {
    let event: Event = serde_json::from_str(payload).ok()?;
    if let Event::Certified { certificate } = event {
        return Some(*certificate);
    }
    None
}

struct Round {
    payload: String,
    ending: String,
    attempts: u32,
    started: Timestamp,
    session: SessionId,
}

fn add(before: &mut Before, round: &Round) {
    let Ok(follow) = serde_json::from_str::<FollowUp>(&round.payload) else {
        return;
    };
    // A person who says `skip` has heard it as well.
    let is_over = round.attempts > 0 || round.ending == "skipped";
    if !is_over {
        return;
    }
    // Where the moved base broke a check, an agent was paid as well.
    if round.attempts > u32::from(!follow.is_paid()) {
        before.rounds += 1;
    }
    before.updated = before.updated.max(Some(round.started));
    let heard = follow.said.iter().map(|said| said.id);
    before
        .heard
        .extend(heard.map(|said| (said, round.session.clone())));
    if follow
        .said
        .iter()
        .any(|said| said.id.source == Source::Check)
    {
        before.heads.insert(follow.head.clone());
    }
    let meets_base = !follow.conflicts.is_empty() || !follow.is_paid();
    if meets_base && round.ending != "completed" {
        before.stuck.insert(follow.head);
    }
}

fn push(payload: &str) -> Option<(BranchName, CommitId)> {
    let event: Event = serde_json::from_str(payload).ok()?;
    if let Event::Fact {
        fact:
            Fact::Did {
                effect: Effect::Push { branch, commit },
                ..
            },
        ..
    } = event
    {
        return Some((branch, commit));
    }
    None
}

fn conversation(payload: &str) -> Option<ConversationId> {
    let event: Event = serde_json::from_str(payload).ok()?;
    if let Event::Fact {
        fact: Fact::AgentDone { conversation, .. },
        ..
    } = event
    {
        return conversation;
    }
    None
}
