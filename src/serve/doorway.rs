//! The door as it is now: another one is put in its place while the server runs.

use crate::serve::door::Door;
use std::sync::{Arc, PoisonError, RwLock};

/// Where the door of one server is.
#[derive(Debug)]
pub struct Doorway(RwLock<Arc<Door>>);

impl Doorway {
    /// One with this door.
    #[must_use]
    pub fn new(door: Door) -> Arc<Self> {
        Arc::new(Self(RwLock::new(Arc::new(door))))
    }

    /// Whoever comes from here on finds this one. Who guessed too often before is not heard by it either.
    pub fn exchange(&self, door: Door) {
        let mut place = self.0.write().unwrap_or_else(PoisonError::into_inner);
        *place = Arc::new(door.in_place_of(&place));
    }

    pub(super) fn door(&self) -> Arc<Door> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}
