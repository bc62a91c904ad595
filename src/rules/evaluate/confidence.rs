//! How sure is it that an agent will get an issue right?

use crate::rules::evaluate::graded::{Graded, Sum};
use crate::rules::evaluate::reading::{has_code, says_when_done};
use crate::rules::evaluate::score::Score;
use crate::rules::evaluate::signs::Signs;
use crate::rules::evaluate::weights::Confidence;
use crate::rules::markdown::prose;

/// What a text is at least that gives an agent something to go on, in characters.
const TELLING: usize = 100;

/// How sure an agent will get it right.
#[must_use]
pub fn confidence(signs: &Signs<'_>, rules: &Confidence) -> Graded {
    let weights = &rules.weights;
    let factors = vec![
        pattern(signs, rules).factor("known pattern", weights.pattern),
        similar(signs, rules).factor("similar resolved issues", weights.similar),
        capability(signs, rules).factor("capability", weights.capability),
        context(signs).factor("context", weights.context),
    ];
    Graded::mean(factors, rules.levels)
}

fn pattern(signs: &Signs<'_>, rules: &Confidence) -> Sum {
    let found = rules.patterns.iter().filter_map(|pattern| {
        let phrase = signs.text.said(&pattern.words).next()?;
        Some((
            pattern.confidence,
            format!("{}: \"{}\"", pattern.name, phrase.as_str()),
        ))
    });
    // The first of equals, so that the order of the configuration counts.
    let surest = found.reduce(|best, next| if next.0 > best.0 { next } else { best });
    let (value, because) =
        surest.unwrap_or((rules.unknown_pattern, "no known kind of work".to_owned()));
    Sum::from(value, because)
}

fn similar(signs: &Signs<'_>, rules: &Confidence) -> Sum {
    let similar = signs.known.similar;
    match similar.value() {
        Some(value) => {
            let (found, succeeded) = (similar.found, similar.succeeded);
            let closest = similar.closest;
            let closest = closest.map_or_else(String::new, |issue| format!(", closest {issue}"));
            let because = format!(
                "{succeeded} of {found} ended well, similarity {}{closest}",
                similar.similarity
            );
            Sum::from(value, because)
        }
        None => Sum::from(
            rules.no_similar,
            "none in this repository's history and record",
        ),
    }
}

/// What agents do well by type, at most what they do in the domain.
fn capability(signs: &Signs<'_>, rules: &Confidence) -> Sum {
    let by_type = rules
        .capability
        .get(&signs.kind)
        .copied()
        .unwrap_or(Score::hundredths(50));
    let domain = signs.known.domain.domain;
    match rules.domain_capability.get(&domain) {
        Some(most) if *most < by_type => Sum::from(*most, format!("domain {}", domain.word())),
        Some(_) | None => Sum::from(by_type, format!("type {}", signs.kind.word())),
    }
}

/// A quarter each for a text that tells something, a file, what is expected, and code or a trace; ours.
fn context(signs: &Signs<'_>) -> Sum {
    let body = &signs.known.issue.body;
    let quarter = Score::hundredths(25);
    let mut sum = Sum::default();
    let says = [
        (
            prose(body).trim().chars().count() >= TELLING,
            "a text that tells something",
        ),
        (signs.named().next().is_some(), "a file is named"),
        (says_when_done(signs), "what is expected"),
        (has_code(body), "code or a trace"),
    ];
    for (_, what) in says.into_iter().filter(|(is_there, _)| *is_there) {
        sum.raise(quarter, 1, what.to_owned());
    }
    sum
}

#[cfg(test)]
mod tests {
    use crate::rules::classify::Domain;
    use crate::rules::evaluate::evaluation::tests::{Case, score};
    use crate::rules::evaluate::score::Level;
    use crate::rules::evaluate::similar::Similar;

    fn factor(case: &Case, at: usize) -> u8 {
        let value = case.evaluate().confidence.factors[at].value;
        (0..=100)
            .find(|hundredths| score(*hundredths) == value)
            .unwrap()
    }

    #[test]
    fn known_patterns_have_the_documented_confidence() {
        let check =
            |title: &str, expect| assert_eq!(factor(&Case::new(title, ""), 0), expect, "{title}");
        check("Mend the eslint errors", 90);
        check("Linting fails", 90);
        check("Tests of the parser fail", 85);
        check("Update dependencies", 80);
        check("The build is failing", 80);
        check("Compilation error on main", 80);
        check("Show a button", 10);
        check("The build fails since the linter does", 90);
    }

    #[test]
    fn similar_issues_count_by_success_and_similarity() {
        let check = |found, succeeded, similarity, expect| {
            let similar = Similar {
                found,
                succeeded,
                similarity: score(similarity),
                closest: None,
            };
            assert_eq!(
                factor(
                    &Case {
                        similar,
                        ..Case::new("Say it", "")
                    },
                    1
                ),
                expect
            );
        };
        check(0, 0, 0, 20);
        check(3, 2, 74, 49);
        check(5, 5, 90, 90);
        check(5, 0, 90, 0);
    }

    #[test]
    fn a_domain_limits_what_the_type_allows() {
        let check = |title: &str, domain, expect| {
            assert_eq!(
                factor(
                    &Case {
                        domain,
                        ..Case::new(title, "")
                    },
                    2
                ),
                expect,
                "{title}"
            );
        };
        check("Fix it", Domain::Backend, 70);
        check("Fix it", Domain::Security, 50);
        check("Fix it", Domain::Infrastructure, 60);
        check("Update docs", Domain::Documentation, 90);
        check("Update docs", Domain::Unknown, 80);
        check("Say it", Domain::Backend, 50);
        check("Implement it", Domain::Backend, 60);
    }

    #[test]
    fn a_text_that_says_more_gives_more_to_go_on() {
        let check = |body: &str, expect| {
            assert_eq!(factor(&Case::new("Say it", body), 3), expect, "{body}");
        };
        check("", 0);
        check("It should be red.", 25);
        check("In src/a.rs it should be red.", 50);
        check("In src/a.rs it should be red.\n```\npanic\n```", 75);
        check(
            &format!(
                "In src/a.rs it should be red.\n```\npanic\n```\n{}",
                "word ".repeat(30)
            ),
            100,
        );
    }

    #[test]
    fn a_well_described_lint_fix_is_what_one_is_sure_of() {
        let body = format!(
            "In src/a.rs it should be gone.\n```\nx\n```\n{}",
            "word ".repeat(30)
        );
        let case = Case {
            domain: Domain::Testing,
            ..Case::new("Lint warnings in the tests", &body)
        };
        let found = case.evaluate().confidence;
        assert_eq!(
            (found.score, found.level),
            (score(70), Level::High),
            "{found:?}"
        );
        let sketched = Case::new("Say it", "").evaluate().confidence;
        assert_eq!((sketched.score, sketched.level), (score(24), Level::Low));
    }
}
