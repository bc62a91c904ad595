//! What is recommended, in words for the agent and for whoever reviews its work.

use crate::rules::evaluate::evaluation::Evaluation;
use crate::rules::printable::clip;

/// The longest step, in characters.
const STEP_MAX: usize = 200;
/// The names that rules and types recommend by, and what each means.
const WORDS: [(&str, Step<&str>); 18] = [
    (
        "analyze-cause",
        Step::Agent("Find the cause before you change anything."),
    ),
    ("fix", Step::Agent("Mend the cause, not only what shows.")),
    (
        "regression-test",
        Step::Agent("Add a test that fails without the fix."),
    ),
    (
        "design",
        Step::Agent("Decide first how it fits into what is there."),
    ),
    (
        "implement",
        Step::Agent("Implement it by the repository's own patterns."),
    ),
    ("add-tests", Step::Agent("Add tests for what is new.")),
    (
        "update-docs",
        Step::Agent("Bring the documents up to date."),
    ),
    (
        "run-tests",
        Step::Agent("Run the tests before and after the change."),
    ),
    (
        "analyze-coverage",
        Step::Agent("See what the tests do not cover yet."),
    ),
    ("generate-tests", Step::Agent("Write tests that can fail.")),
    (
        "analyze-code",
        Step::Agent("Read the code that the text is about."),
    ),
    (
        "generate-docs",
        Step::Agent("Write the documents from what the code does."),
    ),
    (
        "verify-accuracy",
        Step::Agent("Check every statement and example against the code."),
    ),
    (
        "security-scan",
        Step::Agent("Look for the same weakness elsewhere, and add no new one."),
    ),
    (
        "break-down-task",
        Step::Agent("Work in small steps, the least of them that is complete first."),
    ),
    ("human-review", Step::Person("A person reviews it.")),
    (
        "human-review-required",
        Step::Person("A person has to review and approve it."),
    ),
    ("review-with-care", Step::Person("Review it with care.")),
];

/// What is recommended, and to whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step<T> {
    /// To the agent.
    Agent(T),
    /// To whoever reviews the work.
    Person(T),
}

/// What is recommended, each once; what is no known name stands for itself, and is for the agent.
pub fn steps(evaluation: &Evaluation) -> Vec<Step<String>> {
    let mut steps = Vec::new();
    for name in &evaluation.recommendations {
        let known = WORDS.iter().find(|(known, _)| known == name);
        let step = match known {
            Some((_, Step::Agent(words))) => Step::Agent((*words).to_owned()),
            Some((_, Step::Person(words))) => Step::Person((*words).to_owned()),
            None => Step::Agent(clip(name, STEP_MAX)),
        };
        if !steps.contains(&step) {
            steps.push(step);
        }
    }
    steps
}

/// The steps for the agent.
#[must_use]
pub fn for_agent(evaluation: Option<&Evaluation>) -> Vec<String> {
    let all = evaluation.map(steps).unwrap_or_default().into_iter();
    let own = all.filter_map(|step| match step {
        Step::Agent(words) => Some(words),
        Step::Person(_) => None,
    });
    own.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::evaluate::evaluation::tests::Case;
    use crate::rules::evaluate::routing::Routing;

    #[test]
    fn a_bug_is_analysed_mended_and_tested() {
        let found = for_agent(Some(&Case::new("Fix it", "").evaluate()));
        assert_eq!(
            found,
            [
                "Find the cause before you change anything.",
                "Mend the cause, not only what shows.",
                "Add a test that fails without the fix."
            ]
        );
        assert!(for_agent(None).is_empty());
    }

    #[test]
    fn what_is_for_a_person_is_not_told_to_the_agent() {
        let found = for_agent(Some(&Case::new("Say it", "of permissions").evaluate()));
        let scan = "Look for the same weakness elsewhere, and add no new one.";
        assert_eq!(found, [scan]);
        let all = steps(&Case::new("Say it", "of permissions").evaluate());
        let review = Step::Person("A person has to review and approve it.".to_owned());
        assert_eq!(all, [Step::Agent(scan.to_owned()), review]);
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
        let found = for_agent(Some(&Case::new("Say it", "of permissions").by(&routing)));
        assert_eq!(found, ["Ask the cache team. Now"]);
    }
}
