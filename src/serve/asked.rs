//! Which session a page is asked for: the one that is named, else the newest.

use crate::adapters::store::sessions::SessionRow;
use crate::serve::problem::Problem;
use crate::serve::server::House;
use serde::Deserialize;

/// `?session=...&page=2`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    /// Its whole name.
    pub(super) session: Option<String>,
    /// Which page of it, counted from 1.
    pub(super) page: usize,
}

impl Asked {
    /// The session; none where nothing was ever stored, or what was stored is gone.
    pub(super) fn row(&self, house: &House) -> Result<SessionRow, Problem> {
        if let Some(name) = self.session.as_deref() {
            return house.found(name);
        }
        let rows = house.watched.sessions()?;
        let newest = rows.into_iter().find(|row| !row.pruned);
        newest.ok_or_else(Problem::not_found)
    }
}
