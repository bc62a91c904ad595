//! How did similar issues of this repository go?

use crate::rules::evaluate::likeness::Weighed;
use crate::rules::evaluate::score::Score;
use crate::rules::ids::IssueNumber;
use std::collections::BTreeMap;

/// An issue that was worked on before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// Its number.
    pub issue: IssueNumber,
    /// Its title, or the first line of the commit that resolved it.
    pub title: String,
    /// Did the work end well?
    pub succeeded: bool,
}

/// The same, and how much it is like the issue that is evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Precedent {
    /// Its number.
    pub issue: IssueNumber,
    /// How much its title reads like the issue's.
    pub likeness: Score,
    /// Did the work end well?
    pub succeeded: bool,
}

/// Similar issues that were worked on before, all together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Similar {
    /// How many.
    pub found: u32,
    /// How many of them ended well.
    pub succeeded: u32,
    /// How similar they are on average.
    pub similarity: Score,
    /// The one that is most similar.
    pub closest: Option<IssueNumber>,
}

/// What was resolved before `issue`, by how much it reads like it. Of an issue that is known twice the later one in the
/// list counts, and what the issue itself came to before says nothing of others.
pub fn precedents<'a>(
    issue: IssueNumber,
    title: &Weighed,
    resolved: impl IntoIterator<Item = &'a Resolved>,
) -> Vec<Precedent> {
    let known: BTreeMap<IssueNumber, &Resolved> = resolved
        .into_iter()
        .filter(|other| other.issue != issue)
        .map(|other| (other.issue, other))
        .collect();
    let like = known.into_values().map(|other| Precedent {
        issue: other.issue,
        likeness: title.likeness(&other.title),
        succeeded: other.succeeded,
    });
    like.filter(|other| other.likeness > Score::ZERO).collect()
}

impl Similar {
    /// Those that are at least so similar.
    #[must_use]
    pub fn of(precedents: &[Precedent], least: Score) -> Self {
        let mut similar = Self::default();
        let mut likenesses = Vec::new();
        let mut best = Score::ZERO;
        for other in precedents.iter().filter(|other| other.likeness >= least) {
            similar.found += 1;
            similar.succeeded += u32::from(other.succeeded);
            likenesses.push((other.likeness, Score::ONE));
            // Of equals the latest, which has the highest number.
            if other.likeness >= best {
                (best, similar.closest) = (other.likeness, Some(other.issue));
            }
        }
        similar.similarity = Score::mean(likenesses);
        similar
    }

    /// The rate of success times the similarity, as the dispatch document has it; `None` where nothing similar is known.
    #[must_use]
    pub fn value(self) -> Option<Score> {
        let rate = (u64::from(self.succeeded) * 100).checked_div(u64::from(self.found))?;
        let rate = Score::hundredths(u8::try_from(rate).unwrap_or(100));
        Some(rate.times(self.similarity))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(issue: u64, title: &str, succeeded: bool) -> Resolved {
        Resolved {
            issue: IssueNumber(issue),
            title: title.to_owned(),
            succeeded,
        }
    }

    #[test]
    fn what_is_like_enough_counts() {
        let title = Weighed::new("Fix the login timeout", 3.0);
        let known = [
            resolved(3, "[Backend] Fix the login timeout", true),
            resolved(4, "Describe the tea shop", true),
            resolved(5, "Login timeout", true),
            resolved(5, "Login: the timeout", false),
            resolved(9, "Fix the login timeout", true),
        ];
        let found = precedents(IssueNumber(9), &title, &known);
        let numbers: Vec<u64> = found.iter().map(|other| other.issue.0).collect();
        assert_eq!(numbers, [3, 5], "neither itself nor what is unlike");
        let similar = Similar::of(&found, Score::hundredths(60));
        assert_eq!((similar.found, similar.succeeded), (2, 1));
        assert_eq!(similar.closest, Some(IssueNumber(3)));
        let strict = Similar::of(&found[1..], Score::hundredths(95));
        assert_eq!((strict, strict.value()), (Similar::default(), None));
    }

    #[test]
    fn success_and_similarity_both_count() {
        let value = |found, succeeded, similarity| {
            let similarity = Score::hundredths(similarity);
            Similar {
                found,
                succeeded,
                similarity,
                closest: None,
            }
            .value()
        };
        assert_eq!(value(3, 3, 80), Some(Score::hundredths(80)));
        assert_eq!(value(4, 2, 80), Some(Score::hundredths(40)));
        assert_eq!(value(1, 0, 100), Some(Score::ZERO));
        assert_eq!(value(0, 0, 0), None);
    }
}
