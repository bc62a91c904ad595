//! A few words that are looked for in an issue's text.

use crate::rules::markdown::prose;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::Bound;

/// Other words that may stand between two of a phrase.
const GAP: usize = 4;
/// Bytes of a body that are read: far more than anybody reads, and bounded work for ten thousand issues.
const BODY_MAX: usize = 20_000;

/// Whole words in this order within one sentence, at most four others between each two; `*` ends a word that may go on:
/// `test* fail*` is found in "Tests of the parser are failing".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phrase {
    text: String,
    words: Vec<Word>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Word {
    text: String,
    goes_on: bool,
}

impl Phrase {
    /// Reads a phrase; `None` where there is no word in it.
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        let word = |chunk: &str| {
            let text = chunk.trim_end_matches('*').to_lowercase();
            let is_word = !text.is_empty() && text.chars().all(is_letter);
            is_word.then(|| Word {
                goes_on: chunk.ends_with('*'),
                text,
            })
        };
        let words: Option<Vec<Word>> = text.split_whitespace().map(word).collect();
        let words = words.filter(|words| !words.is_empty())?;
        Some(Self {
            text: text.to_owned(),
            words,
        })
    }

    /// As it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl Word {
    fn means(&self, word: &str) -> bool {
        if self.goes_on {
            word.starts_with(&self.text)
        } else {
            word == self.text
        }
    }
}

impl Serialize for Phrase {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Phrase {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        Self::of(&text).ok_or_else(|| {
            serde::de::Error::custom(
                "is not made of words of letters and digits, each with or without a `*` at its end",
            )
        })
    }
}

impl JsonSchema for Phrase {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Phrase".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "minLength": 1 })
    }
}

/// A text as the sentences and words that phrases are looked for in.
#[derive(Clone, Debug, Default)]
pub struct Text {
    sentences: Vec<Vec<String>>,
    words: BTreeSet<String>,
}

impl Text {
    /// One line, such as a title.
    #[must_use]
    pub fn of_line(line: &str) -> Self {
        let mut text = Self::default();
        text.add(line);
        text
    }

    /// A title and a body without its code blocks and HTML comments.
    #[must_use]
    pub fn of(title: &str, body: &str) -> Self {
        let mut text = Self::of_line(title);
        let mut read = 0;
        for line in prose(body).lines() {
            read += line.len() + 1;
            if read > BODY_MAX {
                break;
            }
            text.add(line);
        }
        text
    }

    fn add(&mut self, line: &str) {
        let mut sentence = Vec::new();
        for chunk in line.split_whitespace() {
            // A path or an address names a place, not a subject.
            if !is_place(chunk) {
                let words = chunk.split(|char| !is_letter(char));
                sentence.extend(words.filter(|word| !word.is_empty()).map(str::to_lowercase));
            }
            if chunk.ends_with(['.', '!', '?', ';', ':']) {
                self.end(&mut sentence);
            }
        }
        self.end(&mut sentence);
    }

    fn end(&mut self, sentence: &mut Vec<String>) {
        if !sentence.is_empty() {
            self.words.extend(sentence.iter().cloned());
            self.sentences.push(std::mem::take(sentence));
        }
    }

    /// Does it say this?
    #[must_use]
    pub fn says(&self, phrase: &Phrase) -> bool {
        phrase.words.iter().all(|word| self.knows(word))
            && self.sentences.iter().any(|sentence| {
                (0..sentence.len()).any(|start| stands_at(&phrase.words, sentence, start))
            })
    }

    /// The phrases that it says, in their order.
    pub fn said<'a>(&self, phrases: &'a [Phrase]) -> impl Iterator<Item = &'a Phrase> {
        phrases.iter().filter(|phrase| self.says(phrase))
    }

    fn knows(&self, word: &Word) -> bool {
        let from = (Bound::Included(word.text.as_str()), Bound::Unbounded);
        let first = self.words.range::<str, _>(from).next();
        first.is_some_and(|found| word.means(found))
    }
}

/// Does the first word stand at `start`, and the others behind it?
fn stands_at(words: &[Word], sentence: &[String], start: usize) -> bool {
    let Some((first, rest)) = words.split_first() else {
        return true;
    };
    sentence.get(start).is_some_and(|word| first.means(word))
        && (rest.is_empty()
            || (start + 1..=start + 1 + GAP).any(|next| stands_at(rest, sentence, next)))
}

fn is_letter(char: char) -> bool {
    char.is_alphanumeric()
}

fn is_place(chunk: &str) -> bool {
    chunk.contains('/') && chunk.contains('.') || chunk.contains("://")
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    fn says(phrase: &str, text: &str) -> bool {
        Text::of("", text).says(&Phrase::of(phrase).unwrap())
    }

    #[test]
    fn whole_words_are_found_in_their_order() {
        for (phrase, text) in [
            ("test* fail*", "Tests of the parser are failing"),
            ("typo*", "Two TYPOS, here"),
            ("sql injection", "an SQL-injection!"),
            ("missing import*", "a missing\timport"),
            ("readme", "Mend README.md"),
        ] {
            assert!(says(phrase, text), "{phrase} in {text}");
        }
        for (phrase, text) in [
            ("auth", "the author"),
            ("test* fail*", "it fails in the test"),
            ("test* fail*", "Test it. It may fail"),
            (
                "test* fail*",
                "Test this one that one and another one: fail",
            ),
            ("auth", "see src/auth/login.rs and https://auth.test"),
            ("typo", "```\ntypo\n```\n<!-- typo -->"),
        ] {
            assert!(!says(phrase, text), "{phrase} in {text}");
        }
    }

    #[test]
    fn what_is_no_phrase_is_refused() {
        for wrong in ["", "  ", "*", "a *", "a.b", "(x)"] {
            assert_eq!(Phrase::of(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn a_phrase_is_found_in_itself(words in prop::collection::vec("[a-zäß]{1,8}", 1..4)) {
            prop_assert!(says(&words.join(" "), &words.join(" ")));
            prop_assert!(says(&words.join("* "), &words.join("n a ")));
        }

        #[test]
        fn more_text_says_no_less(text in ".{0,60}", more in ".{0,60}") {
            let phrase = Phrase::of("a*").unwrap();
            let both = format!("{text}\n{more}");
            prop_assume!(prose(&both) == format!("{}\n{}", prose(&text), prose(&more)));
            prop_assert!(!Text::of("", &text).says(&phrase) || Text::of("", &both).says(&phrase));
        }
    }
}
