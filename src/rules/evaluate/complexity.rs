//! How hard an issue is.

use crate::rules::evaluate::graded::{Graded, Sum};
use crate::rules::evaluate::reading::questions;
use crate::rules::evaluate::score::Score;
use crate::rules::evaluate::signs::Signs;
use crate::rules::evaluate::weights::Complexity;
use crate::rules::markdown::prose;
use crate::rules::offer::sections::counted;
use crate::rules::printable::clip;

/// How hard it is.
#[must_use]
pub fn complexity(signs: &Signs<'_>, rules: &Complexity) -> Graded {
    let weights = &rules.weights;
    let factors = vec![
        wording(signs, rules).factor("text", weights.text),
        depth(signs, rules).factor("technical depth", weights.technical_depth),
        scope(signs, rules).factor("scope", weights.scope),
        dependencies(signs, rules).factor("dependencies", weights.dependencies),
    ];
    Graded::mean(factors, rules.levels)
}

/// The dispatch document's 0.2 where more words speak for a simple issue, 0.8 where more than twice as many speak for a
/// complex one, else 0.5; raised by its length and by what it asks.
fn wording(signs: &Signs<'_>, rules: &Complexity) -> Sum {
    let simple = signs.text.said(&rules.simple).count();
    let complex = signs.text.said(&rules.complex).count();
    let words = if simple + complex == 0 {
        "no words for simple or complex".to_owned()
    } else {
        let simple = counted(to_u64(simple), "word");
        format!("{simple} for simple, {complex} for complex")
    };
    let base = if simple > complex {
        20
    } else if complex > simple * 2 {
        80
    } else {
        50
    };
    let mut sum = Sum::from(Score::hundredths(base), words);
    let body = prose(&signs.known.issue.body);
    let thousands = body.chars().count() / 1000;
    let length = format!("{thousands},000 characters");
    sum.raise(rules.steps.thousand_characters, thousands, length);
    let questions = questions(&signs.known.issue.title, &body);
    sum.raise(
        rules.steps.question,
        questions,
        counted(to_u64(questions), "question mark"),
    );
    sum
}

/// 0.2 to begin with, ours; raised by deep words and by labels.
fn depth(signs: &Signs<'_>, rules: &Complexity) -> Sum {
    let mut sum = Sum {
        value: Score::hundredths(20),
        ..Sum::default()
    };
    for phrase in signs.text.said(&rules.deep) {
        sum.raise(rules.steps.deep_word, 1, format!("\"{}\"", phrase.as_str()));
    }
    for wanted in &rules.labels {
        if let Some(label) = signs.label(std::slice::from_ref(wanted)) {
            sum.raise(
                rules.steps.label,
                1,
                format!("label \"{}\"", clip(label, 40)),
            );
        }
    }
    sum
}

/// Nothing where no file is named: that nothing is known lowers the confidence instead.
fn scope(signs: &Signs<'_>, rules: &Complexity) -> Sum {
    let (mut files, mut directories) = (0, 0);
    for path in signs.paths() {
        if path.ends_with('/') {
            directories += 1;
        } else {
            files += 1;
        }
    }
    let mut sum = Sum::default();
    sum.raise(rules.steps.file, files, counted(to_u64(files), "file"));
    sum.raise(rules.steps.file, directories * 3, plural(directories));
    sum
}

fn dependencies(signs: &Signs<'_>, rules: &Complexity) -> Sum {
    let mut sum = Sum::default();
    let needs = signs.known.needs;
    sum.raise(
        rules.steps.dependency,
        needs,
        format!("needs {}", counted(to_u64(needs), "other issue")),
    );
    sum
}

fn plural(directories: usize) -> String {
    match directories {
        1 => "1 directory".to_owned(),
        more => format!("{more} directories"),
    }
}

fn to_u64(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::evaluate::evaluation::tests::{Case, score};
    use crate::rules::evaluate::score::Level;
    use proptest::prelude::*;

    /// The factors of the issue's complexity by the default rules, in hundredths, and the whole.
    fn check(case: &Case, factors: [u8; 4], whole: u8, level: Level) {
        let found = case.evaluate().complexity;
        let values: Vec<Score> = found.factors.iter().map(|factor| factor.value).collect();
        assert_eq!(values, factors.map(score), "{case:?}: {found:?}");
        assert_eq!(
            (found.score, found.level),
            (score(whole), level),
            "{case:?}"
        );
    }

    #[test]
    fn each_factor_has_its_value_by_the_default_rules() {
        check(&Case::new("Say it", ""), [50, 20, 0, 0], 18, Level::Low);
        check(&Case::new("Fix a typo", ""), [20, 20, 0, 0], 12, Level::Low);
        check(
            &Case::new("Optimise it", ""),
            [80, 20, 0, 0],
            24,
            Level::Low,
        );
        let deep = Case::new(
            "Rewrite the parser",
            "It has a race condition in its cache.",
        );
        check(&deep, [50, 80, 0, 0], 42, Level::Medium);
        let wide = Case::new("Say it", "In src/a.rs, src/b.rs and lib/c/.");
        check(&wide, [50, 20, 50, 0], 33, Level::Medium);
        let needing = Case {
            needs: 3,
            ..Case::new("Say it", "")
        };
        check(&needing, [50, 20, 0, 75], 26, Level::Low);
    }

    #[test]
    fn length_questions_and_labels_raise_it() {
        let long = Case::new("Say it", &"word ".repeat(600));
        check(&long, [65, 20, 0, 0], 21, Level::Low);
        let asking = Case::new("Why?", "Is it? (Or not?) See https://x.test/?a=b");
        check(&asking, [80, 20, 0, 0], 24, Level::Low);
        for label in [
            "breaking-change",
            "architecture",
            "Security",
            "area: architecture",
        ] {
            check(
                &Case::new("Say it", "").labelled(&[label]),
                [50, 45, 0, 0],
                28,
                Level::Low,
            );
        }
        let all = Case::new("Refactor the architecture", "")
            .labelled(&["breaking-change", "architecture"]);
        check(&all, [80, 100, 0, 0], 56, Level::Medium);
        let files: Vec<String> = (0..9).map(|number| format!("src/f{number}.rs")).collect();
        let most = Case {
            needs: 2,
            ..Case::new("Refactor the architecture", &files.join(" "))
        };
        check(
            &most.labelled(&["breaking-change", "architecture"]),
            [80, 100, 90, 50],
            88,
            Level::High,
        );
    }

    proptest! {
        #[test]
        fn nothing_that_raises_a_factor_lowers_the_complexity(
            files in 0usize..40, questions in 0usize..12, letters in 0usize..40_000, needs in 0usize..8, labels in 0usize..4,
            more in 0usize..5,
        ) {
            let names = ["breaking-change", "architecture", "security"];
            let case = |counts: [usize; 5]| {
                let [files, questions, letters, needs, labels] = counts;
                let paths: Vec<String> = (0..files).map(|number| format!("src/f{number}.rs")).collect();
                let body = format!("{} {}\n{}", paths.join(" "), "so? ".repeat(questions), "x".repeat(letters));
                Case { needs, ..Case::new("Say it", &body) }.labelled(&names[..labels.min(3)])
            };
            let counts = [files, questions, letters, needs, labels];
            let less = case(counts).evaluate().complexity.score;
            let mut raised = counts;
            raised[more] += [1, 1, 5000, 1, 1][more];
            let greater = case(raised).evaluate().complexity.score;
            prop_assert!(greater >= less, "{counts:?} {less}, {raised:?} {greater}");
            prop_assert!(greater <= Score::ONE);
        }
    }
}
