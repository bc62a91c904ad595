//! What holds where the configuration says nothing. Tables, so that they can be read beside their source.

use crate::rules::classify::Domain;
use crate::rules::evaluate::default_rules;
use crate::rules::evaluate::phrase::Phrase;
use crate::rules::evaluate::routing::{IssueType, Mode, Routing, TypeSigns};
use crate::rules::evaluate::score::{Levels, Score};
use crate::rules::evaluate::weights::{
    Clarity, Complexity, ComplexitySteps, ComplexityWeights, Confidence, ConfidenceWeights,
    Pattern, Risk,
};

pub(super) const fn of(hundredths: u8) -> Score {
    Score::hundredths(hundredths)
}

pub(super) fn words(phrases: &[&str]) -> Vec<Phrase> {
    phrases.iter().filter_map(|text| Phrase::of(text)).collect()
}

pub(super) fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(ToString::to_string).collect()
}

impl Default for Routing {
    fn default() -> Self {
        Self {
            mode: Mode::Advise,
            skip_labels: texts(&["needs-discussion", "blocked", "in-progress"]),
            types: types(),
            complexity: Complexity::default(),
            confidence: Confidence::default(),
            risk: Risk::default(),
            rules: default_rules::rules(),
            decisions: default_rules::decisions(),
            clarity: Clarity::default(),
            steps: STEPS
                .iter()
                .map(|(kind, steps)| (*kind, texts(steps)))
                .collect(),
            production_labels: texts(&["production"]),
        }
    }
}

/// The dispatch document's classification, by whole words and by labels with a prefix, too. A test in the body says
/// nothing: most issues ask for one at their end.
fn types() -> Vec<TypeSigns> {
    let signs = |kind, labels: &[&str], title: &[&str]| TypeSigns {
        kind,
        labels: texts(labels),
        title: words(title),
    };
    vec![
        signs(
            IssueType::Bug,
            &["bug", "defect", "regression"],
            &[
                "bug*",
                "error*",
                "fix*",
                "crash*",
                "broken",
                "fails",
                "regression",
            ],
        ),
        signs(
            IssueType::Feature,
            &["enhancement", "feature"],
            &["feature*", "feat", "support", "implement", "introduce"],
        ),
        signs(
            IssueType::Documentation,
            &["documentation", "docs"],
            &["docs", "doc", "documentation", "document", "readme"],
        ),
        signs(
            IssueType::Testing,
            &["testing", "tests", "test"],
            &["test*", "coverage", "flaky"],
        ),
        signs(IssueType::Feature, &[], &["add", "allow", "let"]),
    ]
}

/// Weights and thresholds of the dispatch document (0.2, 0.4, 0.3, 0.1; low below 0.3, medium below 0.7), and its words
/// for simple and complex issues.
impl Default for Complexity {
    fn default() -> Self {
        Self {
            weights: ComplexityWeights::default(),
            levels: Levels::at(30, 70),
            simple: words(&[
                "typo*",
                "spelling",
                "format*",
                "style",
                "lint*",
                "test*",
                "log",
                "logs",
                "logging",
                "comment*",
                "documentation",
                "readme",
                "changelog",
            ]),
            complex: words(&[
                "architectur*",
                "design",
                "redesign",
                "refactor*",
                "migrat*",
                "integrat*",
                "performance",
                "security",
                "database*",
                "algorithm*",
                "optimi*",
            ]),
            deep: words(&[
                "architectur*",
                "concurren*",
                "race condition*",
                "deadlock*",
                "thread*",
                "async*",
                "protocol*",
                "algorithm*",
                "migrat*",
                "schema*",
                "transaction*",
                "cache*",
                "encrypt*",
                "authenticat*",
                "performance",
                "memory",
                "compiler",
                "parser",
                "kernel",
                "distributed",
                "consisten*",
                "backward* compatib*",
                "rewrite",
                "refactor*",
            ]),
            labels: texts(&["breaking-change", "architecture", "security"]),
            steps: ComplexitySteps::default(),
        }
    }
}

impl Default for ComplexityWeights {
    fn default() -> Self {
        Self {
            text: of(20),
            technical_depth: of(40),
            scope: of(30),
            dependencies: of(10),
        }
    }
}

/// The document on issue sessions counts 1 point for each thousand characters, 2 for a file, 2 for a question and 5 for
/// a label; a point is 0.05 here, in the factor that the thing belongs to. Deep words and dependencies are ours.
impl Default for ComplexitySteps {
    fn default() -> Self {
        Self {
            thousand_characters: of(5),
            question: of(10),
            file: of(10),
            label: of(25),
            deep_word: of(15),
            dependency: of(25),
        }
    }
}

/// Weights, thresholds and patterns of the dispatch document (0.3, 0.3, 0.3, 0.1; low below 0.4, medium below 0.7; 0.1
/// for what is not known, 0.2 where nothing similar was resolved, similar above 0.6). Capabilities are ours.
impl Default for Confidence {
    fn default() -> Self {
        Self {
            weights: ConfidenceWeights::default(),
            levels: Levels::at(40, 70),
            patterns: patterns(),
            unknown_pattern: of(10),
            no_similar: of(20),
            least_similarity: of(60),
            capability: [
                (IssueType::Bug, of(70)),
                (IssueType::Feature, of(60)),
                (IssueType::Documentation, of(90)),
                (IssueType::Testing, of(90)),
                (IssueType::General, of(50)),
            ]
            .into(),
            domain_capability: [
                (Domain::Infrastructure, of(60)),
                (Domain::Security, of(50)),
                (Domain::Unknown, of(80)),
            ]
            .into(),
        }
    }
}

impl Default for ConfidenceWeights {
    fn default() -> Self {
        Self {
            pattern: of(30),
            similar: of(30),
            capability: of(30),
            context: of(10),
        }
    }
}

fn patterns() -> Vec<Pattern> {
    let pattern = |name: &str, confidence, phrases: &[&str]| Pattern {
        name: name.to_owned(),
        confidence: of(confidence),
        words: words(phrases),
    };
    vec![
        pattern(
            "lint",
            90,
            &[
                "eslint",
                "lint*",
                "prettier",
                "code style",
                "clippy",
                "rustfmt",
            ],
        ),
        pattern(
            "test-failure",
            85,
            &[
                "test* fail*",
                "fail* test*",
                "test* broke*",
                "broken test*",
                "flaky test*",
            ],
        ),
        pattern(
            "dependency-update",
            80,
            &[
                "update* dependenc*",
                "upgrade* dependenc*",
                "upgrade* package*",
                "update* package*",
                "outdated package*",
                "outdated dependenc*",
                "npm audit",
                "vulnerab* fix*",
            ],
        ),
        pattern(
            "build-failure",
            80,
            &[
                "build* fail*",
                "fail* build*",
                "build* broke*",
                "build error*",
                "compil* error*",
                "compil* fail*",
                "ci fail*",
            ],
        ),
    ]
}

/// The areas are those that the mission names; the weights are ours: security or a breaking change is high alone,
/// each of the others medium alone and some two of them high, unowned files alone are low.
impl Default for Risk {
    fn default() -> Self {
        Self {
            levels: Levels::at(30, 70),
            areas: default_rules::areas(),
            unowned: of(20),
        }
    }
}

/// Ours: the document on issue sessions names questions, size and the splitting of large issues without a measure.
impl Default for Clarity {
    fn default() -> Self {
        Self {
            questions: 3,
            criteria_below: 40,
            files: 20,
            points: 10,
            characters: 12_000,
        }
    }
}

/// The dispatch document's steps by type; for tests and documentation, what its rules recommend.
const STEPS: [(IssueType, &[&str]); 5] = [
    (IssueType::Bug, &["analyze-cause", "fix", "regression-test"]),
    (
        IssueType::Feature,
        &["design", "implement", "add-tests", "update-docs"],
    ),
    (
        IssueType::Documentation,
        &["analyze-code", "generate-docs", "verify-accuracy"],
    ),
    (
        IssueType::Testing,
        &["run-tests", "analyze-coverage", "generate-tests"],
    ),
    (IssueType::General, &[]),
];
