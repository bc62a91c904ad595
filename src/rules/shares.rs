//! Fair shares of the slots between projects: start-time fair queueing (Goyal, Vin and Cheng 1996, "Start-time Fair
//! Queuing: A Scheduling Algorithm for Integrated Services Packet Switching Networks").
//!
//! Each project's work has a start on a virtual clock, and lasts there as long as it is large, divided by the project's
//! weight. The earliest start goes first, so that a project that waits goes before one that had much; and who was idle
//! starts at the clock, so that nobody saves up for later.

use std::collections::BTreeMap;

/// So finely is work divided by weights.
const UNIT: u64 = 1_000_000;

/// What each project had.
#[derive(Clone, Debug, Default)]
pub struct Shares {
    clock: u64,
    finished: BTreeMap<String, u64>,
}

impl Shares {
    /// Whose turn it is among those that have work; of equals the first by name.
    #[must_use]
    pub fn next<'a>(&self, wanting: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
        wanting
            .into_iter()
            .min_by_key(|name| (self.start(name), *name))
    }

    /// This project does so much now; `weight` says how much of the whole is its own.
    pub fn charge(&mut self, name: &str, weight: u32, work: u64) {
        let start = self.start(name);
        self.clock = start;
        let lasts = work.max(1).saturating_mul(UNIT) / u64::from(weight.max(1));
        self.finished
            .insert(name.to_owned(), start.saturating_add(lasts));
    }

    fn start(&self, name: &str) -> u64 {
        let finished = self.finished.get(name).copied().unwrap_or_default();
        finished.max(self.clock)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Plays turns among projects that always have work; gives what each had.
    fn play(weights: &[u32], turns: usize, work: impl Fn(usize) -> u64) -> Vec<u64> {
        let names: Vec<String> = (0..weights.len()).map(|at| format!("p{at}")).collect();
        let mut shares = Shares::default();
        let mut had = vec![0; weights.len()];
        for turn in 0..turns {
            let name = shares.next(names.iter().map(String::as_str)).unwrap();
            let at = names.iter().position(|other| other == name).unwrap();
            had[at] += work(turn);
            shares.charge(&names[at], weights[at], work(turn));
        }
        had
    }

    #[test]
    fn work_is_shared_by_weight() {
        assert_eq!(play(&[1, 1], 100, |_| 1), [50, 50]);
        assert_eq!(play(&[3, 1], 100, |_| 1), [75, 25]);
    }

    #[test]
    fn who_was_idle_does_not_catch_up() {
        let mut shares = Shares::default();
        for _ in 0..100 {
            shares.charge("busy", 1, 1);
        }
        let mut turns = vec![];
        for _ in 0..6 {
            let name = shares.next(["busy", "idle"]).unwrap();
            turns.push(name == "idle");
            shares.charge(name, 1, 1);
        }
        assert_eq!(turns.iter().filter(|is_idle| **is_idle).count(), 3);
    }

    #[test]
    fn nobody_has_a_turn_where_nobody_wants_one() {
        assert_eq!(Shares::default().next([]), None);
    }

    proptest! {
        /// The bound of the paper: of two that always have work, neither is ahead by more than one piece of work each.
        #[test]
        fn nobody_starves(weights in prop::collection::vec(1_u32..10, 2..6), sizes in prop::collection::vec(1_u64..20, 50)) {
            let largest = *sizes.iter().max().unwrap();
            let had = play(&weights, 200, |turn| sizes[turn % sizes.len()]);
            for (at, weight) in weights.iter().enumerate() {
                for (other, heavier) in weights.iter().enumerate() {
                    let (weight, heavier) = (u64::from(*weight), u64::from(*heavier));
                    // had / weight - other's had / its weight <= largest / weight + largest / other's weight
                    let ahead = (had[at] * heavier).saturating_sub(had[other] * weight);
                    prop_assert!(ahead <= largest * (weight + heavier) + 1, "{ahead}");
                }
            }
        }
    }
}
