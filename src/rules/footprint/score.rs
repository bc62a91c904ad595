//! How good predictions were: precision and recall of the first few files, and the Brier score.

use crate::rules::footprint::pile::thousandths;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Precision and recall are taken of the first 1, 5 and 10 files.
pub const CUTS: [usize; 3] = [1, 5, 10];

/// A prediction: files with probabilities, the likeliest first.
pub type Ranked = Vec<(String, f64)>;

/// Means over any number of predictions.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Score {
    predictions: u64,
    precision: [f64; 3],
    recall: [f64; 3],
    brier: f64,
}

/// The same, to print.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Means {
    /// How many predictions.
    pub predictions: u64,
    /// Of the first 1, 5, 10 files those that were touched.
    pub precision: [f64; 3],
    /// Of the touched files those that are among the first 1, 5, 10.
    pub recall: [f64; 3],
    /// The mean of (probability - what happened)^2: over the files looked at of each prediction, then over predictions.
    /// 0 is perfect.
    pub brier: f64,
}

impl Score {
    /// Adds a prediction and what was touched, which is something. The Brier score looks at `universe`, and at each
    /// file that is in neither of the two as one of probability 0.
    pub fn add(
        &mut self,
        ranked: &Ranked,
        touched: &BTreeSet<String>,
        universe: &BTreeSet<String>,
    ) {
        self.predictions += 1;
        for (place, cut) in CUTS.into_iter().enumerate() {
            let hits = ranked
                .iter()
                .take(cut)
                .filter(|(path, _)| touched.contains(path))
                .count();
            self.precision[place] += share(hits, cut);
            self.recall[place] += share(hits, touched.len());
        }
        let probabilities: BTreeMap<&str, f64> =
            ranked.iter().map(|(path, p)| (path.as_str(), *p)).collect();
        let errors = universe.iter().map(|path| {
            let expected = probabilities.get(path.as_str()).copied().unwrap_or(0.0);
            let happened = if touched.contains(path) { 1.0 } else { 0.0 };
            (expected - happened) * (expected - happened)
        });
        self.brier += errors.sum::<f64>() * share(1, universe.len().max(1));
    }

    /// The means so far; zeros where there is nothing.
    #[must_use]
    pub fn means(&self) -> Means {
        let count = share(
            1,
            usize::try_from(self.predictions.max(1)).unwrap_or(usize::MAX),
        );
        let mean = |sum: f64| thousandths(sum * count);
        Means {
            predictions: self.predictions,
            precision: self.precision.map(mean),
            recall: self.recall.map(mean),
            brier: (self.brier * count * 1e4).round() / 1e4,
        }
    }
}

/// A part of a whole; nothing of nothing.
#[must_use]
pub fn share(part: usize, whole: usize) -> f64 {
    let number = |count: usize| u32::try_from(count).map_or(f64::from(u32::MAX), f64::from);
    if whole == 0 {
        0.0
    } else {
        number(part) / number(whole)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(paths: &[&str]) -> BTreeSet<String> {
        paths.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_first_files_are_compared_with_what_was_touched() {
        let mut score = Score::default();
        let ranked: Ranked = [("a", 0.9), ("b", 0.5), ("c", 0.1)]
            .map(|(path, p)| (path.to_owned(), p))
            .into();
        score.add(
            &ranked,
            &set(&["a", "c", "z", "y"]),
            &set(&["a", "b", "c", "z", "y"]),
        );
        let means = score.means();
        assert_eq!(means.predictions, 1);
        let told = |numbers: [f64; 3]| numbers.map(|number| format!("{number:.3}"));
        assert_eq!(told(means.precision), ["1.000", "0.400", "0.200"]);
        assert_eq!(told(means.recall), ["0.250", "0.500", "0.500"]);
        // (0.01 + 0.25 + 0.81 + 1 + 1) / 5
        assert!((means.brier - 0.614).abs() < 1e-9, "{}", means.brier);
        score.add(&Vec::new(), &set(&["a"]), &set(&["a"]));
        assert!((score.means().recall[0] - 0.125).abs() < 1e-9);
    }

    #[test]
    fn nothing_scores_nothing() {
        assert_eq!(Score::default().means().predictions, 0);
    }
}
