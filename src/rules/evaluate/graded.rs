//! A score with all that it was made from.

use crate::rules::evaluate::score::{Level, Levels, Score};
use serde::{Deserialize, Serialize};

/// Reasons kept for each factor at most.
pub(super) const REASONS_MAX: usize = 5;

/// A score, where it stands, and what it was made from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Graded {
    /// From 0 to 1.
    pub score: Score,
    /// Where that stands between its thresholds.
    pub level: Level,
    /// What it was made from.
    pub factors: Vec<Factor>,
}

/// One part of a score.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Factor {
    /// What it is called.
    pub name: String,
    /// From 0 to 1.
    pub value: Score,
    /// How much it counts.
    pub weight: Score,
    /// What speaks for it.
    pub because: Vec<String>,
}

/// A value, and what made it.
#[derive(Default)]
pub(super) struct Sum {
    pub(super) value: Score,
    pub(super) because: Vec<String>,
}

impl Sum {
    pub(super) fn from(value: Score, because: impl Into<String>) -> Self {
        Self {
            value,
            because: vec![because.into()],
        }
    }

    pub(super) fn raise(&mut self, step: Score, times: usize, because: String) {
        if times > 0 && step > Score::ZERO {
            self.value = self.value.and_times(step, times);
            self.note(because);
        }
    }

    fn note(&mut self, because: String) {
        if self.because.len() < REASONS_MAX {
            self.because.push(because);
        }
    }

    pub(super) fn factor(self, name: &str, weight: Score) -> Factor {
        Factor {
            name: name.to_owned(),
            value: self.value,
            weight,
            because: self.because,
        }
    }
}

impl Graded {
    /// The mean of the factors by their weights.
    #[must_use]
    pub fn mean(factors: Vec<Factor>, levels: Levels) -> Self {
        let parts = factors.iter().map(|factor| (factor.value, factor.weight));
        let score = Score::mean(parts);
        Self {
            score,
            level: levels.of(score),
            factors,
        }
    }

    /// The factors as independent chances that something goes wrong.
    #[must_use]
    pub fn chance(factors: Vec<Factor>, levels: Levels) -> Self {
        let score = factors.iter().fold(Score::ZERO, |sum, factor| {
            sum.or(factor.value.times(factor.weight))
        });
        Self {
            score,
            level: levels.of(score),
            factors,
        }
    }
}
