//! Evidence as it gathers: how strongly each kind speaks for each file.

use crate::rules::footprint::{Evidence, Reason};
use std::collections::BTreeMap;

/// The strengths of one file, by kind, in the order of [`Evidence::ALL`].
pub type Strengths = [f64; Evidence::ALL.len()];

/// Evidence for any number of files.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pile {
    files: BTreeMap<String, Strengths>,
}

impl Pile {
    /// Adds a piece of evidence; of several of one kind the strongest counts. What is no strength from 0 to 1 is made one.
    pub fn add(&mut self, path: &str, kind: Evidence, strength: f64) {
        let strength = if strength.is_nan() {
            0.0
        } else {
            strength.clamp(0.0, 1.0)
        };
        if strength <= 0.0 {
            return;
        }
        let known = match self.files.get_mut(path) {
            Some(known) => known,
            None => self.files.entry(path.to_owned()).or_default(),
        };
        let known = &mut known[kind as usize];
        *known = known.max(strength);
    }

    /// All files with evidence, by path.
    pub fn files(&self) -> impl Iterator<Item = (&str, &Strengths)> {
        self.files
            .iter()
            .map(|(path, strengths)| (path.as_str(), strengths))
    }

    /// How strongly this kind speaks for the file.
    #[must_use]
    pub fn strength(&self, path: &str, kind: Evidence) -> f64 {
        self.files
            .get(path)
            .map_or(0.0, |strengths| strengths[kind as usize])
    }
}

/// The reasons that strengths are, to a thousandth.
#[must_use]
pub fn reasons(strengths: &Strengths) -> Vec<Reason> {
    let reasons = Evidence::ALL
        .into_iter()
        .zip(strengths)
        .map(|(kind, strength)| Reason {
            kind,
            weight: thousandths(*strength),
        });
    reasons.filter(|reason| reason.weight > 0.0).collect()
}

/// The strengths that reasons are.
#[must_use]
pub fn strengths(reasons: &[Reason]) -> Strengths {
    let mut strengths = Strengths::default();
    for reason in reasons {
        strengths[reason.kind as usize] = reason.weight;
    }
    strengths
}

/// To a thousandth: more digits would say nothing, and fill journals.
#[must_use]
pub fn thousandths(number: f64) -> f64 {
    (number * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strongest_piece_of_a_kind_counts() {
        let mut pile = Pile::default();
        for strength in [0.3, 0.5, 0.2, f64::NAN, -1.0] {
            pile.add("a", Evidence::Symbol, strength);
        }
        pile.add("a", Evidence::Area, 7.0);
        pile.add("b", Evidence::Area, 0.0);
        assert!((pile.strength("a", Evidence::Symbol) - 0.5).abs() < 1e-9);
        assert!((pile.strength("a", Evidence::Area) - 1.0).abs() < 1e-9);
        assert_eq!(pile.files().count(), 1);
    }

    #[test]
    fn reasons_and_strengths_are_the_same() {
        let mut pile = Pile::default();
        pile.add("a", Evidence::Symbol, 0.5);
        pile.add("a", Evidence::BaseRate, 0.125);
        let (_, known) = pile.files().next().expect("a file");
        assert_eq!(reasons(&strengths(&reasons(known))), reasons(known));
        assert_eq!(reasons(known).len(), 2);
    }
}
