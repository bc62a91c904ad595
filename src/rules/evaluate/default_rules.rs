//! The rules, areas of risk and the decision table that hold where the configuration names none.

use crate::rules::classify::Domain;
use crate::rules::evaluate::defaults::{of, texts, words};
use crate::rules::evaluate::pattern::PathPattern;
use crate::rules::evaluate::routing::{Decision, IssueType, Route, Rule, Suitability, When};
use crate::rules::evaluate::score::Level;
use crate::rules::evaluate::weights::Area;

const SECURITY: [&str; 15] = [
    "security",
    "vulnerab*",
    "xss",
    "sql injection",
    "injection",
    "csrf",
    "ssrf",
    "auth",
    "authenticat*",
    "authoriz*",
    "oauth*",
    "permission*",
    "secret*",
    "password*",
    "key* leak*",
];

/// The areas that are risky to touch; their weights are ours.
pub(super) fn areas() -> Vec<Area> {
    let security = Area {
        words: words(&SECURITY),
        labels: texts(&["security"]),
        domains: vec![Domain::Security],
        ..area("security", 70)
    };
    vec![security, data(), infrastructure(), breaking(), sensitive()]
}

fn area(name: &str, weight: u8) -> Area {
    Area {
        name: name.to_owned(),
        weight: of(weight),
        words: Vec::new(),
        labels: Vec::new(),
        domains: Vec::new(),
        paths: Vec::new(),
    }
}

fn data() -> Area {
    Area {
        words: words(&[
            "migrat*",
            "data loss",
            "drop table*",
            "drop column*",
            "delet* data",
            "user data",
            "personal data",
            "gdpr",
            "backfill*",
            "backup*",
        ]),
        labels: texts(&["data", "migration"]),
        domains: vec![Domain::Database],
        paths: paths(&["**/migrations/**", "**/*.sql"]),
        ..area("data", 50)
    }
}

fn infrastructure() -> Area {
    Area {
        words: words(&[
            "deploy*",
            "terraform",
            "kubernetes",
            "production",
            "rollout*",
            "release pipeline*",
        ]),
        labels: texts(&["infrastructure", "production"]),
        domains: vec![Domain::Infrastructure],
        paths: paths(&[
            ".github/workflows/**",
            "**/*.tf",
            "**/Dockerfile",
            "**/k8s/**",
            "**/deploy/**",
        ]),
        ..area("infrastructure", 40)
    }
}

fn breaking() -> Area {
    Area {
        words: words(&[
            "breaking change*",
            "backward* incompatib*",
            "break* api",
            "break* compatib*",
        ]),
        labels: texts(&["breaking-change", "breaking"]),
        ..area("breaking change", 70)
    }
}

fn sensitive() -> Area {
    Area {
        paths: paths(&[
            "**/auth/**",
            "**/security/**",
            "**/crypto/**",
            "**/payment/**",
            "**/payments/**",
            "**/billing/**",
            "**/secrets/**",
            "**/.env*",
            "**/CODEOWNERS",
            "**/*.pem",
        ]),
        ..area("sensitive paths", 50)
    }
}

fn paths(patterns: &[&str]) -> Vec<PathPattern> {
    patterns.iter().map(|path| PathPattern::new(path)).collect()
}

/// The dispatch document's rules in its order. What is asked for in passing ("add tests and docs") is no sign of what an
/// issue is about, so tests and documentation are looked for in the title; security in all that it says.
pub(super) fn rules() -> Vec<Rule> {
    vec![
        simple_fix(),
        tests(),
        documentation(),
        security(),
        high(
            "high-complexity",
            "high complexity needs a person's eye",
            When {
                complexity: Some(Level::High),
                ..When::default()
            },
        ),
        high(
            "high-risk",
            "high risk needs a person's eye",
            When {
                risk: Some(Level::High),
                ..When::default()
            },
        ),
    ]
}

fn simple_fix() -> Rule {
    Rule {
        name: "simple-fix".to_owned(),
        when: When {
            text: words(&[
                "typo*",
                "spelling",
                "misspell*",
                "grammar",
                "missing import*",
                "unused variable*",
                "unused import*",
                "deprecat* warning*",
                "lint* error*",
                "lint* warning*",
                "format* code",
            ]),
            complexity: Some(Level::Low),
            ..When::default()
        },
        suitability: Suitability::High,
        is_final: true,
        because: "a simple fix of low complexity".to_owned(),
        recommend: Vec::new(),
    }
}

fn tests() -> Rule {
    Rule {
        name: "tests".to_owned(),
        when: When {
            title: words(&[
                "test* fail*",
                "fail* test*",
                "add* test*",
                "test* coverage",
                "unit test*",
                "integration test*",
                "flaky test*",
            ]),
            types: vec![IssueType::Testing],
            ..When::default()
        },
        suitability: Suitability::High,
        is_final: false,
        because: "work on tests suits an agent well".to_owned(),
        recommend: texts(&["run-tests", "analyze-coverage", "generate-tests"]),
    }
}

fn documentation() -> Rule {
    Rule {
        name: "documentation".to_owned(),
        when: When {
            title: words(&[
                "documentation",
                "docs",
                "readme",
                "comment*",
                "jsdoc",
                "api document*",
            ]),
            labels: texts(&["documentation"]),
            types: vec![IssueType::Documentation],
            ..When::default()
        },
        suitability: Suitability::Medium,
        is_final: false,
        because: "documentation can be written by an agent, and has to be verified".to_owned(),
        recommend: texts(&["analyze-code", "generate-docs", "verify-accuracy"]),
    }
}

fn security() -> Rule {
    Rule {
        name: "security".to_owned(),
        when: When {
            text: words(&SECURITY),
            labels: texts(&["security"]),
            domains: vec![Domain::Security],
            ..When::default()
        },
        suitability: Suitability::Low,
        is_final: true,
        because: "security has to be reviewed and approved by a person".to_owned(),
        recommend: texts(&["security-scan", "human-review-required"]),
    }
}

fn high(name: &str, because: &str, when: When) -> Rule {
    Rule {
        name: name.to_owned(),
        when,
        suitability: Suitability::Low,
        is_final: true,
        because: because.to_owned(),
        recommend: texts(&["human-review", "break-down-task"]),
    }
}

/// The dispatch document's decision matrix; what no row names is manual there, too.
pub(super) fn decisions() -> Vec<Decision> {
    let row = |suitability, confidence, risk, route| Decision {
        suitability,
        confidence,
        risk,
        route,
    };
    vec![
        row(
            Some(Suitability::High),
            Some(Level::High),
            Some(Level::Low),
            Route::Autonomous,
        ),
        row(
            Some(Suitability::Medium),
            Some(Level::Medium),
            None,
            Route::Supervised,
        ),
        row(Some(Suitability::Low), None, None, Route::Manual),
        row(None, None, Some(Level::High), Route::Manual),
    ]
}
