//! From evidence to a probability: a logistic model, log-odds = bias + sum of weight x strength over the kinds.
//!
//! No weight is below 0, so more evidence never makes a file less likely. What the issue itself names is never less
//! likely than the text alone says.

use crate::rules::footprint::pile::{Pile, Strengths, reasons, thousandths};
use crate::rules::footprint::{Evidence, Footprint, LikelyFile, friction};
use serde::{Deserialize, Serialize};

/// The most files that a footprint holds, but for those that the issue itself names.
pub const LEARNED_MAX: usize = 40;
/// Less likely files are left out.
pub const LEAST: f64 = 0.05;

/// What each kind of evidence counts for.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Weights {
    /// The log-odds of a file without any evidence.
    pub bias: f64,
    /// By kind, in the order of [`Evidence::ALL`]; none is below 0.
    pub kinds: Strengths,
}

impl Default for Weights {
    /// Rounded from a fit over the history of expressjs/express up to a3714473feb3 (`footprint backtest --fit`), begun
    /// from weights by hand and repeated until it stood still. Commit messages hold neither traces nor lists: those two
    /// are set by hand: the innermost place of a trace is an even bet.
    fn default() -> Self {
        Self {
            bias: -6.1,
            kinds: [2.7, 7.0, 4.0, 3.0, 2.7, 2.7, 4.0, 2.1, 3.4],
        }
    }
}

impl Weights {
    /// How likely a file with this evidence is touched.
    #[must_use]
    pub fn probability(&self, strengths: &Strengths) -> f64 {
        let odds: f64 = self
            .kinds
            .iter()
            .zip(strengths)
            .map(|(weight, strength)| weight * strength)
            .sum();
        let named =
            strengths[Evidence::NamedInText as usize].max(strengths[Evidence::Listed as usize]);
        logistic(self.bias + odds).max(named)
    }

    /// The footprint that all evidence makes: its likeliest files.
    #[must_use]
    pub fn combine(&self, pile: &Pile) -> Footprint {
        let mut files: Vec<(f64, LikelyFile, bool)> = Vec::new();
        for (path, strengths) in pile.files() {
            let probability = thousandths(self.probability(strengths));
            let is_named = strengths[Evidence::NamedInText as usize] > 0.0
                || strengths[Evidence::Listed as usize] > 0.0;
            if probability >= LEAST {
                let file = LikelyFile {
                    path: path.to_owned(),
                    probability,
                    evidence: reasons(strengths),
                    friction: friction(path),
                };
                files.push((probability, file, is_named));
            }
        }
        files.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.path.cmp(&b.1.path)));
        let mut learned = 0;
        files.retain(|(_, _, is_named)| {
            learned += usize::from(!is_named);
            *is_named || learned <= LEARNED_MAX
        });
        let mut files: Vec<LikelyFile> = files.into_iter().map(|(_, file, _)| file).collect();
        files.truncate(super::named::FILES_MAX);
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Footprint { files }
    }
}

/// The probability that log-odds mean.
#[must_use]
pub fn logistic(odds: f64) -> f64 {
    1.0 / (1.0 + (-odds).exp())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_strengths() -> impl Strategy<Value = Strengths> {
        prop::array::uniform9(0.0..=1.0)
    }

    fn any_pile() -> impl Strategy<Value = Pile> {
        prop::collection::vec(("[a-d]{1,3}", any_strengths()), 0..120).prop_map(|files| {
            let mut pile = Pile::default();
            for (path, strengths) in files {
                for (kind, strength) in Evidence::ALL.into_iter().zip(strengths) {
                    pile.add(&path, kind, strength);
                }
            }
            pile
        })
    }

    proptest! {
        #[test]
        fn a_probability_is_one_and_more_evidence_never_lowers_it(
            strengths in any_strengths(), kind in 0..Evidence::ALL.len(), more in 0.0..=1.0,
        ) {
            let weights = Weights::default();
            let before = weights.probability(&strengths);
            prop_assert!((0.0..=1.0).contains(&before));
            let mut stronger = strengths;
            stronger[kind] = stronger[kind].max(more);
            prop_assert!(weights.probability(&stronger) >= before);
        }

        #[test]
        fn a_footprint_is_sorted_unique_bounded_and_of_likely_files(pile in any_pile()) {
            let footprint = Weights::default().combine(&pile);
            prop_assert!(footprint.files.is_sorted_by(|a, b| a.path < b.path));
            prop_assert!(footprint.files.iter().all(|file| (LEAST..=1.0).contains(&file.probability)));
            let learned = footprint.files.iter().filter(|file| {
                !file.evidence.iter().any(|reason| {
                    matches!(reason.kind, Evidence::NamedInText | Evidence::Listed)
                })
            });
            prop_assert!(learned.count() <= LEARNED_MAX);
        }
    }

    #[test]
    fn two_tasks_that_name_one_file_stay_apart_whatever_was_learned() {
        let nothing = Weights {
            bias: -50.0,
            kinds: Strengths::default(),
        };
        let mut pile = Pile::default();
        pile.add("src/new.rs", Evidence::NamedInText, 0.6);
        let footprint = nothing.combine(&pile);
        let collision = crate::rules::conflict::collision(&footprint, &footprint);
        assert!(collision.probability >= crate::rules::conflict::THRESHOLD);
    }

    #[test]
    fn each_kind_alone_is_worth_what_it_should_be() {
        let check = |kind: Evidence, strength: f64, least: f64, most: f64| {
            let mut strengths = Strengths::default();
            strengths[kind as usize] = strength;
            let found = Weights::default().probability(&strengths);
            assert!((least..=most).contains(&found), "{kind:?}: {found}");
        };
        check(Evidence::NamedInText, 0.9, 0.9, 0.95);
        check(Evidence::Listed, 0.9, 0.9, 0.95);
        check(Evidence::StackTrace, 0.9, 0.5, 0.6);
        check(Evidence::SimilarWork, 1.0, 0.05, 0.2);
        check(Evidence::BaseRate, 0.5, 0.0, LEAST);
        check(Evidence::Area, 0.2, 0.0, LEAST);
    }

    #[test]
    fn five_hundred_named_files_are_kept_and_learned_ones_bounded() {
        let mut pile = Pile::default();
        for number in 0..800 {
            pile.add(&format!("named/{number:03}"), Evidence::NamedInText, 0.9);
            pile.add(&format!("learned/{number:03}"), Evidence::SimilarWork, 1.0);
            pile.add(&format!("learned/{number:03}"), Evidence::CoChange, 1.0);
        }
        let files = Weights::default().combine(&pile).files;
        assert_eq!(files.len(), 500);
    }
}
