//! Fits the weights of the model to what was predicted and what came true.
//!
//! Logistic regression with a ridge that pulls towards weights that are believed beforehand, and no weight below 0:
//! Newton's method, one coordinate at a time, until nothing moves any more. Without examples the beliefs stand.

use crate::rules::footprint::Evidence;
use crate::rules::footprint::model::{Weights, logistic};
use crate::rules::footprint::pile::Strengths;

/// One file of one prediction: what spoke for it, and whether it was touched.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Example {
    /// What spoke for it.
    pub strengths: Strengths,
    /// Was it touched?
    pub touched: bool,
}

const SWEEPS: usize = 60;
const STILL: f64 = 1e-4;

/// The weights that make these examples likeliest. `ridge` is how many examples' worth of belief stands behind `prior`.
#[must_use]
pub fn fit(examples: &[Example], prior: &Weights, ridge: f64) -> Weights {
    let mut fitted = *prior;
    let mut odds: Vec<f64> = examples
        .iter()
        .map(|example| odds(example, prior))
        .collect();
    for _ in 0..SWEEPS {
        let mut moved: f64 = step(
            examples,
            &mut odds,
            None,
            &mut fitted.bias,
            prior.bias,
            ridge,
        );
        for kind in 0..Evidence::ALL.len() {
            let weight = &mut fitted.kinds[kind];
            moved = moved.max(step(
                examples,
                &mut odds,
                Some(kind),
                weight,
                prior.kinds[kind],
                ridge,
            ));
        }
        if moved < STILL {
            break;
        }
    }
    fitted
}

fn odds(example: &Example, weights: &Weights) -> f64 {
    let pairs = weights.kinds.iter().zip(&example.strengths);
    weights.bias
        + pairs
            .map(|(weight, strength)| weight * strength)
            .sum::<f64>()
}

/// Moves one weight to where the likelihood, as far as its curve tells, is best. Returns how far. The bias is the
/// weight of a strength that is always 1; it alone may be below 0.
fn step(
    examples: &[Example],
    odds: &mut [f64],
    kind: Option<usize>,
    weight: &mut f64,
    believed: f64,
    ridge: f64,
) -> f64 {
    let strength = |example: &Example| kind.map_or(1.0, |kind| example.strengths[kind]);
    let (mut slope, mut curve) = (ridge * (*weight - believed), ridge);
    for (example, odds) in examples.iter().zip(odds.iter()) {
        let strength = strength(example);
        if strength > 0.0 {
            let expected = logistic(*odds);
            let happened = if example.touched { 1.0 } else { 0.0 };
            slope += (expected - happened) * strength;
            curve += expected * (1.0 - expected) * strength * strength;
        }
    }
    if curve <= f64::EPSILON {
        return 0.0;
    }
    // Half a step at most: where the curve is flat a whole one would go too far.
    let step = (slope / curve).clamp(-0.5, 0.5);
    let least = if kind.is_some() {
        0.0
    } else {
        f64::NEG_INFINITY
    };
    let next = (*weight - step).max(least);
    let by = next - *weight;
    for (example, odds) in examples.iter().zip(odds.iter_mut()) {
        *odds += by * strength(example);
    }
    *weight = next;
    by.abs()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So many files of which so many were touched, with this strength of one kind.
    fn examples(kind: Evidence, strength: f64, all: usize, touched: usize) -> Vec<Example> {
        let mut strengths = Strengths::default();
        strengths[kind as usize] = strength;
        (0..all)
            .map(|n| Example {
                strengths,
                touched: n < touched,
            })
            .collect()
    }

    #[test]
    fn what_came_true_is_what_is_expected_next_time() {
        let mut seen = examples(Evidence::Symbol, 1.0, 1000, 800);
        seen.extend(examples(Evidence::BaseRate, 1.0, 1000, 100));
        let fitted = fit(&seen, &Weights::default(), 1e-6);
        for (kind, expect) in [(Evidence::Symbol, 0.8), (Evidence::BaseRate, 0.1)] {
            let mut strengths = Strengths::default();
            strengths[kind as usize] = 1.0;
            let found = fitted.probability(&strengths);
            assert!((found - expect).abs() < 0.02, "{kind:?}: {found}");
        }
    }

    #[test]
    fn a_kind_that_misleads_counts_nothing_and_never_less() {
        let mut seen = examples(Evidence::Symbol, 1.0, 1000, 0);
        seen.extend(examples(Evidence::Area, 0.0, 1000, 500));
        let fitted = fit(&seen, &Weights::default(), 0.01);
        assert!(fitted.kinds.iter().all(|weight| *weight >= 0.0));
        assert!(fitted.kinds[Evidence::Symbol as usize] < 0.01);
    }

    #[test]
    fn a_few_examples_move_little_and_none_nothing() {
        let prior = Weights::default();
        assert_eq!(fit(&[], &prior, 10.0), prior);
        let few = fit(&examples(Evidence::Symbol, 1.0, 3, 3), &prior, 50.0);
        let many = fit(&examples(Evidence::Symbol, 1.0, 3000, 3000), &prior, 50.0);
        let symbol = |weights: &Weights| weights.kinds[Evidence::Symbol as usize];
        assert!(symbol(&few) - symbol(&prior) < 0.1);
        assert!(symbol(&many) > symbol(&few) + 0.5);
        let trace = Evidence::StackTrace as usize;
        assert!(
            (many.kinds[trace] - prior.kinds[trace]).abs() < 1e-9,
            "never seen, never moved"
        );
    }
}
