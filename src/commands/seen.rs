//! A session as it is seen from outside: read from the store without its lock, and kept up to date.

use crate::adapters::store::error::StoreError;
use crate::adapters::store::open::Store;
use crate::adapters::store::sessions::{SessionRow, SessionState};
use crate::reporters::bars::Doing;
use crate::reporters::standing::Sight;
use crate::rules::event::Recorded;
use crate::rules::ids::{SessionId, Timestamp};
use crate::rules::tally::Tally;

/// A session that may go on while it is looked at.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Its name.
    pub id: SessionId,
    /// Where it stands.
    pub state: SessionState,
    /// What its events tell so far.
    pub tally: Tally,
    /// What its running attempts were last seen doing.
    pub doing: Doing,
}

impl Seen {
    /// The session of this row, as it stands now.
    pub fn new(store: &Store, row: &SessionRow) -> Result<Self, StoreError> {
        let mut seen = Self {
            id: row.id.clone(),
            state: row.state,
            tally: Tally::default(),
            doing: Doing::new(),
        };
        seen.refresh(store, |_, _| {})?;
        Ok(seen)
    }

    /// Takes in what happened since, and tells each event with the tally that has it already; says whether anything is
    /// new.
    pub fn refresh(
        &mut self,
        store: &Store,
        mut tell: impl FnMut(&Tally, &Recorded),
    ) -> Result<bool, StoreError> {
        // Asked before the events are read: those of a process that is gone are then complete.
        let state = store.state_of(&self.id)?;
        let events = store.events_after(&self.id, self.tally.seen)?;
        let doing: Doing = store
            .progress(&self.id)?
            .into_iter()
            .map(|progress| (progress.issue, progress))
            .collect();
        let is_new = state != self.state || !events.is_empty() || doing != self.doing;
        for recorded in &events {
            self.tally.apply(recorded);
            tell(&self.tally, recorded);
        }
        (self.state, self.doing) = (state, doing);
        if self.process().is_none() {
            self.tally.abandon();
        }
        Ok(is_new)
    }

    /// The process that works on it, if any does.
    #[must_use]
    pub fn process(&self) -> Option<u32> {
        match self.state {
            SessionState::Running(holder) => Some(holder.pid),
            SessionState::Interrupted | SessionState::Finished => None,
        }
    }

    /// As it looks at this time.
    #[must_use]
    pub fn sight(&self, now: Timestamp) -> Sight<'_> {
        Sight {
            tally: &self.tally,
            doing: &self.doing,
            process: self.process(),
            now,
        }
    }
}
