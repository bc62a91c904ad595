//! What is recommended, in words for the agent.

use crate::rules::evaluate::evaluation::Evaluation;
use crate::rules::printable::clip;

/// The longest step, in characters.
const STEP_MAX: usize = 200;
/// The names that rules and types recommend by, and what each means for the agent; nothing for what is a person's.
const WORDS: [(&str, Option<&str>); 18] = [
    (
        "analyze-cause",
        Some("Find the cause before you change anything."),
    ),
    ("fix", Some("Mend the cause, not only what shows.")),
    (
        "regression-test",
        Some("Add a test that fails without the fix."),
    ),
    (
        "design",
        Some("Decide first how it fits into what is there."),
    ),
    (
        "implement",
        Some("Implement it by the repository's own patterns."),
    ),
    ("add-tests", Some("Add tests for what is new.")),
    ("update-docs", Some("Bring the documents up to date.")),
    (
        "run-tests",
        Some("Run the tests before and after the change."),
    ),
    (
        "analyze-coverage",
        Some("See what the tests do not cover yet."),
    ),
    ("generate-tests", Some("Write tests that can fail.")),
    (
        "analyze-code",
        Some("Read the code that the text is about."),
    ),
    (
        "generate-docs",
        Some("Write the documents from what the code does."),
    ),
    (
        "verify-accuracy",
        Some("Check every statement and example against the code."),
    ),
    (
        "security-scan",
        Some("Look for the same weakness elsewhere, and add no new one."),
    ),
    (
        "break-down-task",
        Some("Work in small steps, the least of them that is complete first."),
    ),
    ("human-review", None),
    ("human-review-required", None),
    ("review-with-care", None),
];

/// The steps for the agent, each once; what is no known name stands for itself.
#[must_use]
pub fn steps(evaluation: Option<&Evaluation>) -> Vec<String> {
    let mut steps: Vec<String> = Vec::new();
    for name in evaluation
        .iter()
        .flat_map(|evaluation| &evaluation.recommendations)
    {
        let known = WORDS.iter().find(|(known, _)| known == name);
        let step = match known {
            Some((_, None)) => continue,
            Some((_, Some(words))) => (*words).to_owned(),
            None => clip(name, STEP_MAX),
        };
        if !steps.contains(&step) {
            steps.push(step);
        }
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::evaluate::evaluation::tests::Case;
    use crate::rules::evaluate::routing::Routing;

    #[test]
    fn a_bug_is_analysed_mended_and_tested() {
        let found = steps(Some(&Case::new("Fix it", "").evaluate()));
        assert_eq!(
            found,
            [
                WORDS[0].1.unwrap(),
                WORDS[1].1.unwrap(),
                WORDS[2].1.unwrap()
            ]
        );
        assert!(steps(None).is_empty());
    }

    #[test]
    fn what_is_for_a_person_is_not_told_to_the_agent() {
        let found = steps(Some(&Case::new("Say it", "of permissions").evaluate()));
        assert_eq!(found, [WORDS[13].1.unwrap()]);
    }

    #[test]
    fn every_default_recommendation_has_words_and_others_stand_for_themselves() {
        let mut routing = Routing::default();
        let mut names: Vec<String> = routing.steps.values().flatten().cloned().collect();
        names.extend(routing.rules.iter().flat_map(|rule| rule.recommend.clone()));
        for name in &names {
            assert!(WORDS.iter().any(|(known, _)| known == name), "{name}");
        }
        routing.rules[3].recommend = vec!["Ask the \u{1b}[31mcache team.\nNow".to_owned()];
        let found = steps(Some(&Case::new("Say it", "of permissions").by(&routing)));
        assert_eq!(found, ["Ask the cache team. Now"]);
    }
}
