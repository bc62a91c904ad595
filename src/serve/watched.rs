//! What pages and the API read: the store's sessions, each folded once and kept up to date.

use crate::adapters::store::error::StoreError;
use crate::adapters::store::open::Store;
use crate::adapters::store::sessions::{SessionRow, SessionState};
use crate::commands::seen::Seen;
use crate::reporters::bars::Doing;
use crate::reporters::shape;
use crate::rules::ids::SessionId;
use crate::rules::printable::plain_json;
use crate::rules::tally::Tally;
use crate::serve::course::Course;
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

/// A session, folded.
struct Kept {
    seen: Seen,
    course: Course,
}

/// The store, watched.
pub struct Watched {
    store: Store,
    seen: Mutex<HashMap<SessionId, Kept>>,
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
        self.look_back(row, |seen, _| look(seen))
    }

    /// Looks at a session as it stands now, and at its course until then.
    pub fn look_back<T>(
        &self,
        row: &SessionRow,
        look: impl FnOnce(&Seen, &Course) -> T,
    ) -> Result<T, StoreError> {
        let mut kept = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT && !kept.contains_key(&row.id) {
            kept.retain(|_, kept| kept.seen.process().is_some());
        }
        if let Some(kept) = kept.get_mut(&row.id) {
            self.refresh(kept)?;
            return Ok(look(&kept.seen, &kept.course));
        }
        let new = self.fold(row)?;
        let found = look(&new.seen, &new.course);
        kept.insert(row.id.clone(), new);
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
                .is_some_and(|kept| kept.seen.process().is_some());
            if !runs && !ran {
                continue;
            }
            let Some(seen) = kept.get_mut(&row.id) else {
                kept.insert(row.id.clone(), self.fold(row)?);
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

    /// A session that nobody has looked at yet; what is old is no news.
    fn fold(&self, row: &SessionRow) -> Result<Kept, StoreError> {
        let mut course = Course::default();
        let mut seen = Seen {
            id: row.id.clone(),
            state: row.state,
            tally: Tally::default(),
            doing: Doing::new(),
        };
        seen.refresh(&self.store, |_, recorded| course.apply(recorded))?;
        Ok(Kept { seen, course })
    }

    /// Takes in what happened in a session, and tells it.
    fn refresh(&self, kept: &mut Kept) -> Result<bool, StoreError> {
        let course = &mut kept.course;
        let is_new = kept.seen.refresh(&self.store, |tally, recorded| {
            course.apply(recorded);
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
