//! How did similar issues of this repository go?

use crate::rules::evaluate::score::Score;
use crate::rules::ids::IssueNumber;
use crate::rules::issue::Issue;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Similar issues that were worked on before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Similar {
    /// How many.
    pub found: u32,
    /// How many of them ended well.
    pub succeeded: u32,
    /// How similar they are on average.
    pub similarity: Score,
}

/// Whoever knows what was resolved before. One that reads titles is [`Titles`]; a better one can take its place.
pub trait Precedents: Send + Sync {
    /// Issues like this one, at least so similar, that were worked on before.
    fn similar(&self, issue: &Issue, least: Score) -> Similar;
}

/// An issue that was worked on before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// Its number.
    pub issue: IssueNumber,
    /// Its title.
    pub title: String,
    /// Did the work end well?
    pub succeeded: bool,
}

/// Earlier issues by the words of their titles: two are as similar as the words that both have are among all that either
/// has (Jaccard, 1912), where words of one or two letters, tags and numbers do not count.
#[derive(Clone, Debug, Default)]
pub struct Titles(Vec<Read>);

#[derive(Clone, Debug)]
struct Read {
    issue: IssueNumber,
    words: BTreeSet<String>,
    succeeded: bool,
}

impl Titles {
    /// Reads the titles.
    #[must_use]
    pub fn new(resolved: impl IntoIterator<Item = Resolved>) -> Self {
        let read = |resolved: Resolved| Read {
            issue: resolved.issue,
            words: words(&resolved.title),
            succeeded: resolved.succeeded,
        };
        Self(resolved.into_iter().map(read).collect())
    }
}

impl Precedents for Titles {
    fn similar(&self, issue: &Issue, least: Score) -> Similar {
        let own = words(&issue.title);
        let mut similar = Similar::default();
        let mut likenesses = Vec::new();
        // What the issue itself came to before says nothing of others.
        for other in self.0.iter().filter(|other| other.issue != issue.number) {
            let likeness = likeness(&own, &other.words);
            if likeness >= least && likeness > Score::ZERO {
                similar.found += 1;
                similar.succeeded += u32::from(other.succeeded);
                likenesses.push((likeness, Score::ONE));
            }
        }
        similar.similarity = Score::mean(likenesses);
        similar
    }
}

impl Similar {
    /// The rate of success times the similarity, as the dispatch document has it; `None` where nothing similar is known.
    #[must_use]
    pub fn value(self) -> Option<Score> {
        let rate = (u64::from(self.succeeded) * 100).checked_div(u64::from(self.found))?;
        let rate = Score::hundredths(u8::try_from(rate).unwrap_or(100));
        Some(rate.times(self.similarity))
    }
}

fn words(title: &str) -> BTreeSet<String> {
    let untagged = title
        .trim_start()
        .strip_prefix('[')
        .and_then(|rest| rest.split_once(']'))
        .map_or(title, |(_, rest)| rest);
    untagged
        .split(|char: char| !char.is_alphanumeric())
        .filter(|word| word.chars().count() > 2 && !word.chars().all(char::is_numeric))
        .map(str::to_lowercase)
        .collect()
}

fn likeness(a: &BTreeSet<String>, b: &BTreeSet<String>) -> Score {
    let both = a.intersection(b).count();
    let either = a.len() + b.len() - both;
    let hundredths = (both * 100).checked_div(either).unwrap_or(0);
    Score::hundredths(u8::try_from(hundredths).unwrap_or(100))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::issue::tests::issue;

    fn titles(known: &[(&str, bool)]) -> Titles {
        Titles::new(
            (1..)
                .zip(known)
                .map(|(number, (title, succeeded))| Resolved {
                    issue: IssueNumber(number),
                    title: (*title).to_owned(),
                    succeeded: *succeeded,
                }),
        )
    }

    #[test]
    fn issues_are_similar_by_the_words_of_their_titles() {
        let titles = titles(&[
            ("[Backend] Fix the login timeout", true),
            ("Fix login timeout #12", false),
            ("Describe the tea shop", true),
        ]);
        let least = Score::hundredths(60);
        let found = titles.similar(&issue("Fix the login timeout", ""), least);
        assert_eq!((found.found, found.succeeded), (2, 1));
        assert_eq!(found.similarity, Score::hundredths(88), "of 1.00 and 0.75");
        assert_eq!(found.value(), Some(Score::hundredths(44)));
        let none = titles.similar(&issue("Something else", ""), least);
        assert_eq!((none, none.value()), (Similar::default(), None));
        let itself = Issue {
            number: IssueNumber(1),
            ..issue("Fix the login timeout", "")
        };
        assert_eq!(
            titles.similar(&itself, least).found,
            1,
            "its own past is left out"
        );
        let empty = titles.similar(&issue("", ""), Score::ZERO);
        assert_eq!(empty.found, 0, "no words are like none");
    }

    #[test]
    fn success_and_similarity_both_count() {
        let value = |found, succeeded, similarity| {
            let similarity = Score::hundredths(similarity);
            Similar {
                found,
                succeeded,
                similarity,
            }
            .value()
        };
        assert_eq!(value(3, 3, 80), Some(Score::hundredths(80)));
        assert_eq!(value(4, 2, 80), Some(Score::hundredths(40)));
        assert_eq!(value(1, 0, 100), Some(Score::ZERO));
        assert_eq!(value(0, 0, 0), None);
    }
}
