//! A password that is known by its hash: compared where it holds nobody up, few at a time, and each right one once.

use crate::rules::password::is_right;
use sha2::{Digest as _, Sha256};
use std::sync::{Arc, Mutex, PoisonError};
use subtle::ConstantTimeEq as _;
use tokio::sync::Semaphore;
use uuid::Uuid;

/// Comparisons at a time: each takes a processor, and the memory that its hash asks for.
const AT_ONCE: usize = 2;
/// Comparisons that wait for their turn; more are refused unseen.
const WAITING: usize = 16;

/// A user's name and the hash of the password.
#[derive(Debug)]
pub(super) struct Hashed {
    name: String,
    hash: Arc<str>,
    /// Of chance, and of this process alone.
    key: [u8; 32],
    /// The digest of the credentials that were right last, by that key.
    known: Mutex<Option<[u8; 32]>>,
    turns: Arc<Semaphore>,
    places: Arc<Semaphore>,
}

impl Hashed {
    pub(super) fn new(name: &str, hash: String) -> Self {
        let mut key = [0; 32];
        key[..16].copy_from_slice(Uuid::new_v4().as_bytes());
        key[16..].copy_from_slice(Uuid::new_v4().as_bytes());
        Self {
            name: name.to_owned(),
            hash: hash.into(),
            key,
            known: Mutex::default(),
            turns: Arc::new(Semaphore::new(AT_ONCE)),
            places: Arc::new(Semaphore::new(AT_ONCE + WAITING)),
        }
    }

    /// Were these credentials right before?
    pub(super) fn remembers(&self, given: &[u8]) -> bool {
        let known = *self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let digest = self.digest(given);
        known.is_some_and(|known| known.ct_eq(&digest).into())
    }

    /// Compares the credentials, a name and a password with a colon between them.
    pub(super) async fn ask(&self, given: Vec<u8>) -> bool {
        let Ok(_place) = self.places.try_acquire() else {
            return false;
        };
        let Ok(turn) = Arc::clone(&self.turns).acquire_owned().await else {
            return false;
        };
        let digest = self.digest(&given);
        let (name, hash) = (self.name.clone(), Arc::clone(&self.hash));
        let compared = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            let colon = given.iter().position(|byte| *byte == b':');
            let at = colon.unwrap_or(given.len());
            let password = given.get(at + 1..).unwrap_or_default();
            let is_name = name.as_bytes().ct_eq(&given[..at]);
            // Compared whatever the name: the time says nothing of it.
            is_right(&hash, password) & bool::from(is_name)
        });
        let is_right = compared.await.unwrap_or(false);
        if is_right {
            *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some(digest);
        }
        is_right
    }

    fn digest(&self, given: &[u8]) -> [u8; 32] {
        let keyed = Sha256::new().chain_update(self.key).chain_update(given);
        // Over the digest once more, so that nobody can go on with it.
        Sha256::new()
            .chain_update(self.key)
            .chain_update(keyed.finalize())
            .finalize()
            .into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::password::hash;
    use std::time::Instant;

    #[tokio::test]
    async fn the_right_one_is_compared_once_and_a_wrong_one_each_time() {
        let hashed = Hashed::new("me", hash("secret:with colon", &[1; 16]));
        assert!(!hashed.remembers(b"me:secret:with colon"));
        for wrong in ["me:secret", "you:secret:with colon", "me", "", ":"] {
            assert!(!hashed.ask(wrong.into()).await, "{wrong}");
            assert!(!hashed.remembers(wrong.as_bytes()), "{wrong}");
        }
        let compared = Instant::now();
        assert!(hashed.ask(b"me:secret:with colon".to_vec()).await);
        let compared = compared.elapsed();
        let remembered = Instant::now();
        assert!(hashed.remembers(b"me:secret:with colon"));
        assert!(remembered.elapsed() < compared / 10);
    }

    #[tokio::test]
    async fn a_flood_is_refused_unseen_and_ends() {
        let hashed = Hashed::new("me", hash("secret", &[1; 16]));
        let all = (0..200).map(|_| hashed.ask(b"me:secret".to_vec()));
        let right = futures::future::join_all(all).await;
        let right = right.into_iter().filter(|right| *right).count();
        assert_eq!(right, AT_ONCE + WAITING);
        assert_eq!(hashed.turns.available_permits(), AT_ONCE);
    }
}
