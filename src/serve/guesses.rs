//! Wrong credentials, counted by where they come from: who gives too many is not heard for a while.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// So many wrong ones within a window are people's mistakes.
const ALLOWED: u32 = 10;
const WINDOW: Duration = Duration::from_secs(60);
/// Addresses that are remembered at most; an attacker has many.
const MOST: usize = 10_000;

/// Who guessed how often since when.
#[derive(Debug, Default)]
pub(super) struct Guesses(Mutex<HashMap<IpAddr, (Instant, u32)>>);

impl Guesses {
    /// Seconds for which this one is not heard, if it is not.
    pub(super) fn wait(&self, from: IpAddr, now: Instant) -> Option<u64> {
        let guesses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, wrong) = guesses.get(&from)?;
        let left = WINDOW.checked_sub(now.saturating_duration_since(*since))?;
        (*wrong >= ALLOWED).then(|| left.as_secs().max(1))
    }

    /// It gave a wrong one.
    pub(super) fn wrong(&self, from: IpAddr, now: Instant) {
        let mut guesses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if guesses.len() >= MOST {
            guesses.retain(|_, (since, _)| now.saturating_duration_since(*since) < WINDOW);
        }
        let (since, wrong) = guesses.entry(from).or_insert((now, 0));
        if now.saturating_duration_since(*since) >= WINDOW {
            (*since, *wrong) = (now, 0);
        }
        *wrong += 1;
    }

    /// It gave the right one.
    pub(super) fn right(&self, from: IpAddr) {
        let mut guesses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        guesses.remove(&from);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_ten_wrong_ones_nothing_is_heard_for_a_minute() {
        let (guesses, start) = (Guesses::default(), Instant::now());
        let (one, other) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
        for _ in 0..9 {
            guesses.wrong(one, start);
        }
        assert_eq!(guesses.wait(one, start), None);
        guesses.wrong(one, start);
        assert_eq!(guesses.wait(one, start), Some(60));
        assert_eq!(guesses.wait(other, start), None);
        let later = start + WINDOW + Duration::from_secs(1);
        assert_eq!(guesses.wait(one, later), None);
        guesses.wrong(one, later);
        assert_eq!(guesses.wait(one, later), None, "counted anew");
    }
}
