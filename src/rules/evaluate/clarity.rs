//! Is an issue clear enough to be worked on, and what is to be asked where it is not?

use crate::rules::evaluate::reading::{has_code, points, questions, says_when_done};
use crate::rules::evaluate::signs::Signs;
use crate::rules::evaluate::weights::Clarity;
use crate::rules::markdown::prose;
use crate::rules::neutral::neutralise;
use crate::rules::printable::clip;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Parts of a suggested split at most.
const PARTS_MAX: usize = 10;
const PART_MAX: usize = 120;

/// Why an issue is not clear enough.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "doubt")]
pub enum Doubt {
    /// It asks more than it says.
    Questions {
        /// Question marks.
        count: u32,
    },
    /// It says nothing of when it is done.
    NoCriteria,
    /// It is too much for one change.
    TooLarge {
        /// What there is too much of.
        of: String,
        /// How it could be split: points of its lists, or directories. Not safe to print.
        parts: Vec<String>,
    },
}

impl Doubt {
    /// A few words for it.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Questions { count } => format!("it asks {count} questions"),
            Self::NoCriteria => "it does not say when it is done".to_owned(),
            Self::TooLarge { of, .. } => format!("it is too large for one change: {of}"),
        }
    }

    /// The one comment that it leads to, without its marker.
    #[must_use]
    pub fn question(&self) -> String {
        match self {
            Self::Questions { count } => format!(
                "This asks {count} questions, and nobody can be asked while it is worked on. Which answers should the \
                 change be built on? Please put them into the description; then it can be taken up."
            ),
            Self::NoCriteria => "How can one tell that this is done? Please say in the description what should be \
                 different afterwards, and where: expected behaviour, files, or steps to reproduce. Then it can be \
                 taken up."
                .to_owned(),
            Self::TooLarge { of, parts } => split(of, parts),
        }
    }
}

fn split(of: &str, parts: &[String]) -> String {
    let mut words = format!(
        "This is too large for one change: {of}. Smaller issues are reviewed sooner and run in parallel."
    );
    if !parts.is_empty() {
        words.push_str(" It could be split into these:\n");
        for part in parts {
            words.push_str("\n- ");
            words.push_str(&neutralise(&clip(part, PART_MAX)));
        }
    }
    words
}

/// What is not clear about it; the first is the one to ask.
#[must_use]
pub fn doubts(signs: &Signs<'_>, rules: &Clarity) -> Vec<Doubt> {
    let issue = signs.known.issue;
    let body = prose(&issue.body);
    let mut doubts = Vec::new();
    doubts.extend(too_large(signs, rules, body.chars().count()));
    let count = u32::try_from(questions(&issue.title, &body)).unwrap_or(u32::MAX);
    if rules.questions > 0 && count >= rules.questions {
        doubts.push(Doubt::Questions { count });
    }
    let is_short = body.trim().chars().count() < to_usize(rules.criteria_below);
    if is_short
        && signs.named().next().is_none()
        && !says_when_done(signs)
        && !has_code(&issue.body)
    {
        doubts.push(Doubt::NoCriteria);
    }
    doubts
}

fn too_large(signs: &Signs<'_>, rules: &Clarity, characters: usize) -> Option<Doubt> {
    let over = |count: usize, most: u32| most > 0 && count > to_usize(most);
    let points = points(&signs.known.issue.body);
    let files = signs.named().count();
    let of = if over(points.len(), rules.points) {
        format!("{} points", points.len())
    } else if over(files, rules.files) {
        format!("{files} files")
    } else if over(characters, rules.characters) {
        format!("{characters} characters")
    } else {
        return None;
    };
    let parts = if points.len() > 1 {
        points
    } else {
        let top = |path: &'_ str| {
            path.split_once('/')
                .map(|(top, _)| format!("what is in `{top}/`"))
        };
        signs
            .named()
            .filter_map(top)
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect()
    };
    Some(Doubt::TooLarge {
        of,
        parts: parts.into_iter().take(PARTS_MAX).collect(),
    })
}

fn to_usize(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::evaluate::evaluation::tests::Case;

    fn check(title: &str, body: &str, expect: &[&str]) {
        let found = Case::new(title, body).evaluate().doubts;
        let words: Vec<String> = found.iter().map(Doubt::words).collect();
        assert_eq!(words, expect, "{title} / {body}");
    }

    #[test]
    fn what_is_not_clear_is_told() {
        let nothing = "it does not say when it is done";
        check("Dark mode", "", &[nothing]);
        check("Dark mode", "Would be nice", &[nothing]);
        check("Dark mode", "It should be dark.", &[]);
        check("Dark mode", "See web/App.tsx", &[]);
        check("Dark mode", "- a switch", &[]);
        check("Fix a typo", "", &[]);
        check(
            "Dark mode",
            "Or light? Or red? Should it be blue?",
            &["it asks 3 questions"],
        );
        check("Dark mode", "Should it be blue? Or red?", &[]);
    }

    #[test]
    fn what_is_too_large_is_split_by_its_points_or_directories() {
        let points: Vec<String> = (1..=11)
            .map(|number| format!("- [ ] part {number} @octocat"))
            .collect();
        let points = points.join("\n");
        let found = Case::new("All", &points).evaluate().doubts;
        let [Doubt::TooLarge { of, parts }] = &found[..] else {
            panic!("{found:?}");
        };
        assert_eq!((of.as_str(), parts.len()), ("11 points", 10));
        let question = found[0].question();
        assert!(
            question.contains("\n- part 1 @\u{200b}octocat\n- part 2"),
            "{question}"
        );
        let files: Vec<String> = (0..21)
            .map(|number| format!("{}/f{number}.rs", ["src", "web"][number % 2]))
            .collect();
        let files = files.join(" ");
        let found = Case::new("All", &files).evaluate().doubts;
        let question = found[0].question();
        assert!(
            question.contains("21 files") && question.contains("- what is in `web/`"),
            "{question}"
        );
        check(
            "All",
            &"it should be so. ".repeat(900),
            &["it is too large for one change: 15300 characters"],
        );
    }

    #[test]
    fn limits_of_nothing_ask_for_nothing() {
        let routing = crate::rules::evaluate::routing::Routing {
            clarity: Clarity {
                questions: 0,
                criteria_below: 0,
                files: 0,
                points: 0,
                characters: 0,
            },
            ..Default::default()
        };
        assert_eq!(Case::new("What? Why? Who?", "").by(&routing).doubts, []);
    }
}
