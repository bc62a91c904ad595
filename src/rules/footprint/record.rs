//! What was foreseen for finished tasks and what they touched: how good it was, and what can be learned from it.

use crate::rules::footprint::fit::{Example, fit};
use crate::rules::footprint::model::Weights;
use crate::rules::footprint::pile::{strengths, thousandths};
use crate::rules::footprint::score::{Means, Ranked, Score, share};
use crate::rules::footprint::{Evidence, Footprint, LikelyFile};
use serde::Serialize;
use std::collections::BTreeSet;

/// So many finished tasks of a repository have to be known before its record says more than the fit that the defaults
/// come from; and so many files' worth those are believed in all the same.
pub const ENOUGH: usize = 50;
const RIDGE: f64 = 25.0;

/// One finished task.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Record {
    /// What was foreseen.
    pub foreseen: Footprint,
    /// The files that its commit changed, added or removed.
    pub touched: BTreeSet<String>,
}

/// How good one kind of evidence was.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct KindScore {
    /// Which.
    pub kind: Evidence,
    /// How many files it spoke for.
    pub files: usize,
    /// The part of them that was touched.
    pub precision: f64,
    /// The part of all touched files that it spoke for.
    pub recall: f64,
    /// The mean of (probability - what happened)^2 over the files that it spoke for; 0 is perfect.
    pub brier: f64,
}

impl Record {
    /// Was what this file stands for touched? A directory stands for all below it.
    fn came_true(&self, file: &LikelyFile) -> bool {
        self.touched
            .iter()
            .any(|path| crate::rules::conflict::covers(&file.path, path))
    }
}

/// How good all predictions were; `None` where there is none.
#[must_use]
pub fn means(records: &[Record]) -> Option<Means> {
    let mut score = Score::default();
    for record in records.iter().filter(|record| !record.touched.is_empty()) {
        let files = record.foreseen.by_probability();
        let ranked: Ranked = files
            .iter()
            .map(|file| (file.path.clone(), file.probability))
            .collect();
        let mut universe = record.touched.clone();
        universe.extend(ranked.iter().map(|(path, _)| path.clone()));
        score.add(&ranked, &record.touched, &universe);
    }
    let means = score.means();
    (means.predictions > 0).then_some(means)
}

/// How good each kind of evidence was that spoke for any file.
#[must_use]
pub fn by_kind(records: &[Record]) -> Vec<KindScore> {
    let scores = Evidence::ALL
        .into_iter()
        .map(|kind| score_of(kind, records));
    scores.filter(|score| score.files > 0).collect()
}

fn score_of(kind: Evidence, records: &[Record]) -> KindScore {
    let (mut files, mut hits, mut touched, mut error) = (0, 0, 0, 0.0);
    for record in records {
        touched += record.touched.len();
        let speaks_for =
            |file: &&LikelyFile| file.evidence.iter().any(|reason| reason.kind == kind);
        for file in record.foreseen.files.iter().filter(speaks_for) {
            let happened = record.came_true(file);
            files += 1;
            hits += usize::from(happened);
            let missed = file.probability - if happened { 1.0 } else { 0.0 };
            error += missed * missed;
        }
    }
    KindScore {
        kind,
        files,
        precision: thousandths(share(hits, files)),
        recall: thousandths(share(hits, touched)),
        brier: (error * share(1, files) * 1e4).round() / 1e4,
    }
}

/// Weights that this repository's own record makes of the defaults; the defaults until there is enough of it. Of files
/// that were not foreseen at all nothing is known, so it is the balance of the kinds that is learned.
#[must_use]
pub fn learned(records: &[Record]) -> Weights {
    let prior = Weights::default();
    if records.len() < ENOUGH {
        return prior;
    }
    let examples = records.iter().flat_map(|record| {
        record.foreseen.files.iter().map(|file| Example {
            strengths: strengths(&file.evidence),
            touched: record.came_true(file),
        })
    });
    fit(&examples.collect::<Vec<_>>(), &prior, RIDGE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::footprint::Reason;

    fn file(path: &str, probability: f64, kinds: &[(Evidence, f64)]) -> LikelyFile {
        let reasons = kinds.iter().map(|(kind, weight)| Reason {
            kind: *kind,
            weight: *weight,
        });
        LikelyFile {
            evidence: reasons.collect(),
            ..LikelyFile::new(path, probability, Evidence::BaseRate)
        }
    }

    fn record(touched: &[&str]) -> Record {
        let files = vec![
            file("a.rs", 0.8, &[(Evidence::Symbol, 0.9)]),
            file("b.rs", 0.4, &[(Evidence::SimilarWork, 0.9)]),
            file("new/", 0.8, &[(Evidence::NamedInText, 0.8)]),
        ];
        Record {
            foreseen: Footprint { files },
            touched: touched.iter().map(ToString::to_string).collect(),
        }
    }

    #[test]
    fn each_kind_is_scored_by_the_files_that_it_spoke_for() {
        let scores = by_kind(&[record(&["a.rs", "new/x.rs"]), record(&["z.rs"])]);
        let told: Vec<String> = scores
            .iter()
            .map(|score| {
                format!(
                    "{} {} {} {} {}",
                    score.kind.word(),
                    score.files,
                    score.precision,
                    score.recall,
                    score.brier
                )
            })
            .collect();
        assert_eq!(
            told,
            [
                "named_in_text 2 0.5 0.333 0.34",
                "symbol 2 0.5 0.333 0.34",
                "similar_work 2 0 0 0.16"
            ]
        );
    }

    #[test]
    fn without_a_diff_there_is_nothing_to_score() {
        assert_eq!(means(&[]), None);
        assert_eq!(means(&[record(&[])]), None);
        let means = means(&[record(&["a.rs"])]).expect("one prediction");
        assert!((means.recall[2] - 1.0).abs() < 1e-9);
    }

    #[test]
    fn a_repository_s_own_record_moves_the_weights_once_there_is_enough() {
        let records = vec![record(&["b.rs"]); ENOUGH - 1];
        assert_eq!(learned(&records), Weights::default());
        let weights = learned(&vec![record(&["b.rs"]); 400]);
        let of = |weights: &Weights, kind| weights.kinds[kind as usize];
        let prior = Weights::default();
        assert!(of(&weights, Evidence::SimilarWork) > of(&prior, Evidence::SimilarWork));
        assert!(of(&weights, Evidence::Symbol) < of(&prior, Evidence::Symbol));
    }
}
