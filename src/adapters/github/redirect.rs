//! Where a write may be led to: a repository that was renamed is followed, another one is left alone.

use crate::adapters::github::client::{Client, Outgoing, parse};
use crate::ports::ForgeError;
use serde::Deserialize;
use std::collections::HashMap;
use std::sync::{MutexGuard, PoisonError};

/// What has a number in the database.
#[derive(Debug, Deserialize)]
struct WireNumbered {
    id: u64,
}

impl Client {
    /// Does a redirect stay in the repository that was meant? One that was renamed is led to by its number, and so is the
    /// other one that an issue was moved to, where nothing is ours to change.
    pub(super) async fn is_at_home(
        &self,
        action: &str,
        meant: &str,
        target: &str,
    ) -> Result<bool, ForgeError> {
        let Some(id) = repository_id(target) else {
            return Ok(false);
        };
        if repository_id(meant) == Some(id) {
            return Ok(true);
        }
        let Some(home) = repository(meant) else {
            return Ok(false);
        };
        if let Some(known) = self.known_homes().get(home) {
            return Ok(*known == id);
        }
        let asked = Outgoing::read(home, None);
        let reply = Box::pin(self.send(action, asked)).await?;
        let found: WireNumbered = parse(action, &reply.body)?;
        self.known_homes().insert(home.to_owned(), found.id);
        Ok(found.id == id)
    }

    fn known_homes(&self) -> MutexGuard<'_, HashMap<String, u64>> {
        self.homes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The repository's number in an address that names it so: `/repositories/5/issues`.
fn repository_id(url: &str) -> Option<u64> {
    let (_, rest) = url.split_once("/repositories/")?;
    rest.split('/').next()?.parse().ok()
}

/// The part of an address that is the repository's: up to `/repos/owner/name`.
fn repository(url: &str) -> Option<&str> {
    let at = url.find("/repos/")? + "/repos/".len();
    let mut slashes = url[at..].match_indices('/').skip(1);
    let end = slashes.next().map_or(url.len(), |(end, _)| at + end);
    Some(&url[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_names_its_repository() {
        let check = |url: &str, id: Option<u64>, expect: Option<&str>| {
            assert_eq!((repository_id(url), repository(url)), (id, expect), "{url}");
        };
        check(
            "https://h/repos/o/r/issues/5",
            None,
            Some("https://h/repos/o/r"),
        );
        check(
            "https://h/api/v3/repos/o/r",
            None,
            Some("https://h/api/v3/repos/o/r"),
        );
        check("https://h/repositories/7/issues/5", Some(7), None);
        check("https://h/repositories/x", None, None);
        check("https://h/user", None, None);
    }
}
