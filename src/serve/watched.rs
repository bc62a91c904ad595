//! What pages and the API read: the store's sessions, each folded once and kept up to date.

use crate::adapters::store::error::StoreError;
use crate::adapters::store::open::Store;
use crate::adapters::store::sessions::{SessionRow, SessionState};
use crate::commands::seen::Seen;
use crate::reporters::shape;
use crate::rules::ids::SessionId;
use crate::rules::printable::plain_json;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::broadcast;

/// Sessions that a page lists.
const LATEST: usize = 100;
/// Sessions that are kept folded; of the others one that is asked for is folded anew.
const KEPT: usize = 16;
/// Events that a slow listener may be behind before it misses some.
const BACKLOG: usize = 4_096;

/// What happened: an event as a line of JSON, or that something is otherwise than it was.
#[derive(Clone, Debug)]
pub enum News {
    /// An event.
    Event(Arc<str>),
    /// Something else that pages show.
    Changed,
}

/// The store, watched.
pub struct Watched {
    store: Store,
    seen: Mutex<HashMap<SessionId, Seen>>,
    rows: Mutex<Vec<SessionRow>>,
    news: broadcast::Sender<News>,
}

impl Watched {
    /// This store.
    #[must_use]
    pub fn new(store: Store) -> Self {
        Self {
            store,
            seen: Mutex::default(),
            rows: Mutex::default(),
            news: broadcast::channel(BACKLOG).0,
        }
    }

    /// The store itself.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The latest sessions, the newest first.
    pub fn sessions(&self) -> Result<Vec<SessionRow>, StoreError> {
        self.store.sessions(LATEST)
    }

    /// One of them, by its whole name.
    pub fn session(&self, id: &str) -> Result<Option<SessionRow>, StoreError> {
        let rows = self.store.sessions(usize::MAX)?;
        Ok(rows.into_iter().find(|row| row.id.as_str() == id))
    }

    /// Looks at a session as it stands now.
    pub fn look<T>(
        &self,
        row: &SessionRow,
        look: impl FnOnce(&Seen) -> T,
    ) -> Result<T, StoreError> {
        let mut kept = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT && !kept.contains_key(&row.id) {
            kept.retain(|_, seen| seen.process().is_some());
        }
        if let Some(seen) = kept.get_mut(&row.id) {
            self.refresh(seen)?;
            return Ok(look(seen));
        }
        let seen = Seen::new(&self.store, row)?;
        let found = look(&seen);
        kept.insert(row.id.clone(), seen);
        Ok(found)
    }

    /// Hears what happens from here on.
    pub fn listen(&self) -> broadcast::Receiver<News> {
        self.news.subscribe()
    }

    /// Does anybody?
    #[must_use]
    pub fn has_listeners(&self) -> bool {
        self.news.receiver_count() > 0
    }

    /// Tells those who listen what happened since; where nobody does, nothing is read.
    pub fn tell(&self) -> Result<(), StoreError> {
        if !self.has_listeners() {
            return Ok(());
        }
        let rows = self.sessions()?;
        let mut kept = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let mut changed = false;
        for row in &rows {
            let runs = matches!(row.state, SessionState::Running(_));
            let ran = kept
                .get(&row.id)
                .is_some_and(|seen| seen.process().is_some());
            if !runs && !ran {
                continue;
            }
            let Some(seen) = kept.get_mut(&row.id) else {
                kept.insert(row.id.clone(), Seen::new(&self.store, row)?);
                changed = true;
                continue;
            };
            changed |= self.refresh(seen)?;
        }
        drop(kept);
        let mut known = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        if changed || *known != rows {
            let _ = self.news.send(News::Changed);
            *known = rows;
        }
        Ok(())
    }

    /// Takes in what happened in a session, and tells it.
    fn refresh(&self, seen: &mut Seen) -> Result<bool, StoreError> {
        let is_new = seen.refresh(&self.store, |tally, recorded| {
            if self.has_listeners() {
                let line = plain_json(shape::event(tally, recorded).to_string());
                // Nobody may listen any more.
                let _ = self.news.send(News::Event(line.into()));
            }
        })?;
        if is_new {
            let _ = self.news.send(News::Changed);
        }
        Ok(is_new)
    }
}
