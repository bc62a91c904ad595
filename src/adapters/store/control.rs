//! The control inbox, which any process may write to, and the breakers that outlive a session.

use crate::adapters::store::error::{StoreError, Tried};
use crate::adapters::store::journal::key;
use crate::adapters::store::open::{Store, now};
use crate::adapters::store::turn::{Key, execute};
use crate::rules::event::{Command, Wish};
use crate::rules::ids::{AgentPlace, SessionId, Timestamp};
use crate::rules::sender::Sender;
use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A breaker that was open when it was last heard of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenBreaker {
    /// The session that opened it.
    pub session: SessionId,
    /// Since when.
    pub since: Timestamp,
    /// Nobody is let in before; then one probe.
    pub until: Timestamp,
    /// The failures in a row that opened it.
    pub failures: u32,
    /// The last of them.
    pub reason: String,
}

impl Store {
    /// Leaves a command for one session, or for whichever session of the project takes it first.
    pub fn send(
        &self,
        project: &str,
        session: Option<&SessionId>,
        command: &Command,
    ) -> Result<(), StoreError> {
        self.send_as(project, session, (command, None))
    }

    /// The same, with who sends it.
    pub fn send_as(
        &self,
        project: &str,
        session: Option<&SessionId>,
        (command, by): (&Command, Option<&Sender>),
    ) -> Result<(), StoreError> {
        let sender = by.map(|by| serde_json::to_string(by).expect("a sender is JSON"));
        let (project, session) = (project.to_owned(), session.cloned());
        let command = serde_json::to_string(command).expect("a command is JSON");
        self.write(move |db| {
            let session = session.map(|session| key(db, &session)).transpose()?;
            execute(
                db,
                "INSERT INTO control (project, session, command, created, sender) VALUES (?, ?, ?, ?, ?)",
                (project, session.map(|key| key.row), command, now().0, sender),
            )
        })
    }

    /// Commands for a session that nobody took yet.
    pub fn waiting(&self, session: &SessionId) -> Result<Vec<Command>, StoreError> {
        let wishes = self.wishes(session)?.into_iter();
        Ok(wishes.map(|wish| wish.command).collect())
    }

    /// The same, with who sent them; the oldest first.
    pub fn wishes(&self, session: &SessionId) -> Result<Vec<Wish>, StoreError> {
        let session = session.clone();
        self.read(|db| waiting(db, &key(db, &session)?))
    }

    /// The open breakers, by provider.
    pub fn breakers(&self) -> Result<BTreeMap<String, OpenBreaker>, StoreError> {
        self.read(|db| {
            let mut statement = db
                .prepare_cached("SELECT provider, state FROM breakers")
                .tried("read the breakers")?;
            let rows = statement
                .query_map([], |row| Ok((row.get(0)?, row.get::<_, String>(1)?)))
                .tried("read the breakers")?;
            let mut breakers = BTreeMap::new();
            for row in rows {
                let (provider, state) = row.tried("read the breakers")?;
                // One that cannot be read is one that is closed: it costs a failed attempt at most.
                if let Ok(breaker) = serde_json::from_str(&state) {
                    breakers.insert(provider, breaker);
                }
            }
            Ok(breakers)
        })
    }

    /// Forgets a provider's breaker, or all; running sessions are told by `send`.
    pub fn forget_breakers(&self, provider: Option<&str>) -> Result<(), StoreError> {
        let provider = provider.map(str::to_owned);
        self.write(move |db| {
            let forget = "DELETE FROM breakers WHERE provider = coalesce(?, provider)";
            execute(db, forget, [provider])
        })
    }
}

/// Commands for this session that nobody took yet.
pub(super) fn waiting(db: &Connection, session: &Key) -> Result<Vec<Wish>, StoreError> {
    Ok(inbox(db, session)?
        .into_iter()
        .map(|(_, wish)| wish)
        .collect())
}

/// Marks the oldest such command as taken.
pub(super) fn take(
    db: &Connection,
    session: &Key,
    command: &Command,
    seq: u64,
) -> Result<(), StoreError> {
    let row = inbox(db, session)?
        .into_iter()
        .find(|(_, waiting)| waiting.command == *command);
    let Some((row, _)) = row else {
        return Ok(());
    };
    execute(
        db,
        "UPDATE control SET taken = ?, session = ? WHERE id = ?",
        (seq.cast_signed(), session.row, row),
    )
}

fn inbox(db: &Connection, session: &Key) -> Result<Vec<(i64, Wish)>, StoreError> {
    const ACTION: &str = "read the control inbox";
    let mut statement = db
        .prepare_cached(
            "SELECT id, command, sender FROM control
             WHERE taken IS NULL
               AND project = (SELECT project FROM sessions WHERE key = ?1)
               AND (session IS NULL OR session = ?1)
             ORDER BY id",
        )
        .tried(ACTION)?;
    let rows = statement
        .query_map([session.row], |row| {
            let sender: Option<String> = row.get(2)?;
            Ok((row.get(0)?, row.get::<_, String>(1)?, sender))
        })
        .tried(ACTION)?;
    let mut inbox = Vec::new();
    for row in rows {
        let (id, command, sender) = row.tried(ACTION)?;
        let by = sender.and_then(|sender| serde_json::from_str(&sender).ok());
        // A command of a newer program stays for a newer session.
        inbox.extend(serde_json::from_str(&command).map(|command| (id, Wish { command, by })));
    }
    Ok(inbox)
}

/// Remembers the session's provider as not to be asked.
pub(super) fn open_breaker(
    db: &Connection,
    (session, agent): (&Key, AgentPlace),
    since: Timestamp,
    (until, failures, reason): (Timestamp, u32, &str),
) -> Result<(), StoreError> {
    let state = OpenBreaker {
        session: session.id.clone(),
        since,
        until,
        failures,
        reason: reason.into(),
    };
    let state = serde_json::to_string(&state).expect("a breaker is JSON");
    execute(
        db,
        "INSERT OR REPLACE INTO breakers (provider, state)
         SELECT coalesce(json_extract(agents, '$[' || ? || ']'), agent, ''), ? FROM sessions WHERE key = ?",
        (agent.0, state, session.row),
    )
}

/// Forgets it.
pub(super) fn close_breaker(
    db: &Connection,
    session: &Key,
    agent: AgentPlace,
) -> Result<(), StoreError> {
    execute(
        db,
        "DELETE FROM breakers
         WHERE provider = (SELECT coalesce(json_extract(agents, '$[' || ? || ']'), agent, '') FROM sessions WHERE key = ?)",
        (agent.0, session.row),
    )
}
