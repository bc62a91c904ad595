//! Which domain does an issue belong to, how sure is that, and why?

use crate::rules::evaluate::phrase::Text;
use crate::rules::footprint::named_in_text;
use crate::rules::issue::Issue;
use crate::rules::keywords::keywords;
use crate::rules::layout::domain_of_path;
use crate::rules::markdown::prose;
use crate::rules::own::Classification;
use crate::rules::printable::clip;
use crate::rules::tags::{label_domain, title_tag};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The part of a project that an issue is about.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Domain {
    /// APIs, services, business logic.
    Backend,
    /// Components, pages, styling.
    Frontend,
    /// Schemas, migrations, queries.
    Database,
    /// Build, deployment, CI.
    Infrastructure,
    /// Authentication, permissions, vulnerabilities.
    Security,
    /// Test suites and fixtures.
    Testing,
    /// Docs, comments, guides.
    Documentation,
    /// Nothing says.
    #[default]
    Unknown,
}

/// An issue's domain.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Classified {
    /// The domain.
    pub domain: Domain,
    /// From 0 (unknown) to 1 (its title says so).
    pub confidence: f64,
    /// What spoke for it, the strongest first.
    pub reasons: Vec<String>,
}

impl Domain {
    /// All of them, in the order that decides between equals.
    pub const ALL: [Self; 8] = [
        Self::Backend,
        Self::Frontend,
        Self::Database,
        Self::Infrastructure,
        Self::Security,
        Self::Testing,
        Self::Documentation,
        Self::Unknown,
    ];

    /// One word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Backend => "backend",
            Self::Frontend => "frontend",
            Self::Database => "database",
            Self::Infrastructure => "infrastructure",
            Self::Security => "security",
            Self::Testing => "testing",
            Self::Documentation => "documentation",
            Self::Unknown => "unknown",
        }
    }
}

/// What an issue's domain is read from, the surest first, with its confidence; what the project's own rules say of labels,
/// paths and words counts before what is built in.
const CONFIDENCES: [f64; 7] = [1.0, 0.9, 0.9, 0.7, 0.7, 0.5, 0.5];
const TAG: usize = 0;
const OWN_LABEL: usize = 1;
const LABEL: usize = 2;
const OWN_PATH: usize = 3;
const PATH: usize = 4;
const OWN_WORD: usize = 5;
const WORD: usize = 6;
/// Reasons kept at most.
const REASONS_MAX: usize = 8;
/// A word in the title weighs as much as so many in the body.
const TITLE_WEIGHT: u32 = 3;

/// The issue's domain: by a tag in its title (confidence 1.0), else by its labels (0.9), the files it names (0.7) or its
/// words (0.5). Where one kind of evidence speaks for several domains, the most of it wins, then the most of the next
/// kind, then the order of [`Domain::ALL`]. The rules of the founding document, section "Domain Classification".
#[must_use]
pub fn classify(issue: &Issue, own: &Classification) -> Classified {
    let mut votes = Votes::default();
    votes.add_tag(&issue.title, own);
    votes.add_labels(&issue.labels, own);
    votes.add_paths(issue, own);
    votes.add_own_words(issue, own);
    votes.add_words(issue);
    votes.decide()
}

/// One piece of evidence for a domain.
struct Vote {
    domain: Domain,
    kind: usize,
    weight: u32,
    reason: String,
}

#[derive(Default)]
struct Votes(Vec<Vote>);

impl Votes {
    fn add(&mut self, domain: Domain, kind: usize, weight: u32, reason: String) {
        self.0.push(Vote {
            domain,
            kind,
            weight,
            reason,
        });
    }

    fn add_tag(&mut self, title: &str, own: &Classification) {
        if let Some((domain, tag)) = title_tag(title, own) {
            self.add(domain, TAG, 1, format!("title tag \"{}\"", clip(tag, 40)));
        }
    }

    fn add_labels(&mut self, labels: &[String], own: &Classification) {
        for label in labels {
            let reason = format!("label \"{}\"", clip(label, 40));
            if let Some(domain) = own.of_label(label) {
                self.add(domain, OWN_LABEL, 1, reason);
            } else if let Some(domain) = label_domain(label) {
                self.add(domain, LABEL, 1, reason);
            }
        }
    }

    fn add_paths(&mut self, issue: &Issue, own: &Classification) {
        for file in named_in_text(issue).files {
            if let Some(domain) = own.of_path(&file.path) {
                let reason = format!("file {}", clip(&file.path, 80));
                self.add(domain, OWN_PATH, 1, reason);
            } else if let Some(domain) = domain_of_path(&file.path) {
                // Work on anything brings its tests and docs along.
                let weight = if accompanies(domain) { 1 } else { 2 };
                self.add(
                    domain,
                    PATH,
                    weight,
                    format!("file {}", clip(&file.path, 80)),
                );
            }
        }
    }

    fn add_own_words(&mut self, issue: &Issue, own: &Classification) {
        if own.rules.is_empty() {
            return;
        }
        let title = Text::of_line(&issue.title);
        for (domain, phrase) in own.said(&title) {
            let reason = format!("\"{}\" in the title", phrase.as_str());
            self.add(domain, OWN_WORD, TITLE_WEIGHT, reason);
        }
        let text = Text::of("", &issue.body);
        for (domain, phrase) in own.said(&text) {
            let reason = format!("\"{}\" in the text", phrase.as_str());
            self.add(domain, OWN_WORD, 1, reason);
        }
    }

    fn add_words(&mut self, issue: &Issue) {
        let mut seen = BTreeSet::new();
        keywords(&issue.title, |keyword| {
            if seen.insert(keyword) {
                let reason = format!("\"{}\" in the title", keyword.words);
                self.add(
                    keyword.domain,
                    WORD,
                    keyword.weight() * TITLE_WEIGHT,
                    reason,
                );
            }
        });
        let mut companions = BTreeSet::new();
        keywords(&prose(&issue.body), |keyword| {
            // "Add tests and docs" ends many an issue about something else, so all of it is one word's worth.
            let (counts, weight) = if accompanies(keyword.domain) {
                (companions.insert(keyword.domain), 1)
            } else {
                (true, keyword.weight())
            };
            if counts && seen.insert(keyword) {
                let reason = format!("\"{}\" in the text", keyword.words);
                self.add(keyword.domain, WORD, weight, reason);
            }
        });
    }

    fn decide(mut self) -> Classified {
        // `max_by_key` would take the last of equals.
        let mut best = (Domain::Unknown, [0; CONFIDENCES.len()]);
        for domain in Domain::ALL {
            let weights = self.weights(domain);
            if weights > best.1 {
                best = (domain, weights);
            }
        }
        let (domain, weights) = best;
        let Some(kind) = weights.iter().position(|weight| *weight > 0) else {
            return Classified::default();
        };
        self.0.retain(|vote| vote.domain == domain);
        self.0
            .sort_by_key(|vote| (vote.kind, std::cmp::Reverse(vote.weight)));
        Classified {
            domain,
            confidence: CONFIDENCES[kind],
            reasons: self
                .0
                .into_iter()
                .map(|vote| vote.reason)
                .take(REASONS_MAX)
                .collect(),
        }
    }

    fn weights(&self, domain: Domain) -> [u32; CONFIDENCES.len()] {
        let mut weights = [0; CONFIDENCES.len()];
        for vote in self.0.iter().filter(|vote| vote.domain == domain) {
            weights[vote.kind] += vote.weight;
        }
        weights
    }
}

fn accompanies(domain: Domain) -> bool {
    matches!(domain, Domain::Testing | Domain::Documentation)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::issue::tests::issue;
    use proptest::prelude::*;

    fn check(title: &str, body: &str, domain: Domain, confidence: f64) {
        let found = classify(&issue(title, body), &Classification::default());
        assert_eq!(
            (found.domain, found.confidence),
            (domain, confidence),
            "{title} / {body}: {found:?}"
        );
    }

    fn labelled(labels: &[&str]) -> Classified {
        let issue = Issue {
            labels: labels.iter().map(ToString::to_string).collect(),
            ..issue("Mend it", "")
        };
        classify(&issue, &Classification::default())
    }

    #[test]
    fn a_tag_in_the_title_is_certain() {
        check(
            "[Backend] Fix login button",
            "web/App.tsx",
            Domain::Backend,
            1.0,
        );
        check("backend: fix it", "", Domain::Backend, 1.0);
        check("[WIP] [UI/UX] Fix it", "", Domain::Frontend, 1.0);
        check("[Bug]: [db] fix it", "", Domain::Database, 1.0);
        check("[Bug] db: fix it", "", Domain::Database, 1.0);
        check("fix(api)!: it", "", Domain::Backend, 1.0);
        check("docs: it", "", Domain::Documentation, 1.0);
        check("feat: it", "", Domain::Unknown, 0.0);
        check("[unknown] it", "", Domain::Unknown, 0.0);
    }

    #[test]
    fn a_label_is_nearly_certain() {
        let check = |labels: &[&str], domain: Domain| {
            let found = labelled(labels);
            let confidence = if domain == Domain::Unknown { 0.0 } else { 0.9 };
            assert_eq!(
                (found.domain, found.confidence),
                (domain, confidence),
                "{labels:?}"
            );
        };
        check(&["autoissue", "frontend"], Domain::Frontend);
        check(&["area: Database"], Domain::Database);
        check(&["kind/docs"], Domain::Documentation);
        check(&["A-ui"], Domain::Frontend);
        check(&["area-backend"], Domain::Backend);
        check(&["security", "backend", "auth"], Domain::Security);
        check(&["good first issue", "needs-docs-someday"], Domain::Unknown);
    }

    #[test]
    fn named_files_tell_more_than_words() {
        check(
            "Fix the button",
            "in server/routes/users.ts",
            Domain::Backend,
            0.7,
        );
        check(
            "Mend it",
            "src/a.rs, tests/a.rs, tests/b.rs",
            Domain::Backend,
            0.7,
        );
        check("Mend it", "tests/a.rs", Domain::Testing, 0.7);
    }

    #[test]
    fn words_are_the_last_resort() {
        check("Add an API endpoint", "", Domain::Backend, 0.5);
        check("Broken UI component", "", Domain::Frontend, 0.5);
        check("Slow SQL query", "", Domain::Database, 0.5);
        check("Deploy to Kubernetes", "", Domain::Infrastructure, 0.5);
        check("Rotate the API key", "", Domain::Security, 0.5);
        check("A flaky test in the API", "", Domain::Testing, 0.5);
        check("Typo in the README", "", Domain::Documentation, 0.5);
        check(
            "Update the API documentation",
            "",
            Domain::Documentation,
            0.5,
        );
        check("Add tests for the login API", "", Domain::Testing, 0.5);
        check(
            "Users get error 500",
            "The endpoint fails. Please add tests: unit tests, fixtures, coverage, docs.",
            Domain::Backend,
            0.5,
        );
    }

    #[test]
    fn parts_of_words_say_nothing() {
        check("Rebuild the latest guild", "", Domain::Unknown, 0.0);
        check("Build it", "the fastest contest", Domain::Unknown, 0.0);
        check(
            "Mend it",
            "```\napi ui test\n``` <!-- api -->",
            Domain::Unknown,
            0.0,
        );
    }

    #[test]
    fn other_languages_are_unknown() {
        check("修复登录按钮", "请修改数据库", Domain::Unknown, 0.0);
        check("Ошибка при сохранении", "не работает", Domain::Unknown, 0.0);
        check("Corriger le bouton", "", Domain::Unknown, 0.0);
        check("", "", Domain::Unknown, 0.0);
    }

    #[test]
    fn reasons_stand_strongest_first() {
        let mut issue = issue("[Backend] Add an endpoint", "see src/api/users.rs");
        issue.labels = vec!["api".into(), "ui".into()];
        let expect = [
            "title tag \"Backend\"",
            "label \"api\"",
            "file src/api/users.rs",
            "\"backend\" in the title",
            "\"endpoint\" in the title",
        ];
        let found = classify(&issue, &Classification::default());
        assert_eq!(found.reasons, expect);
    }

    #[test]
    fn rules_of_the_project_count_before_the_built_in_ones() {
        let rules = serde_json::json!({ "rules": [
            { "domain": "backend", "labels": ["Payments", "design"], "keywords": ["ledger*", "page"], "paths": ["web/pay/**"] },
            { "domain": "security", "labels": ["payments"], "keywords": ["vault"], "paths": ["**/pay/**"] },
        ] });
        let own: Classification = serde_json::from_value(rules).unwrap();
        let check = |labels: &[&str], title: &str, body: &str, ours: Domain, built_in: Domain| {
            let labels = labels.iter().map(ToString::to_string).collect();
            let issue = Issue {
                labels,
                ..issue(title, body)
            };
            assert_eq!(classify(&issue, &own).domain, ours, "{title} {body}");
            let without = classify(&issue, &Classification::default()).domain;
            assert_eq!(without, built_in, "the control: {title} {body}");
        };
        let (backend, frontend) = (Domain::Backend, Domain::Frontend);
        check(&["area: payments"], "It", "", backend, Domain::Unknown);
        check(&["ui", "design"], "It", "", backend, frontend);
        check(&[], "[payments] It", "web/a.css", backend, frontend);
        check(&[], "It", "web/pay/a.css", backend, frontend);
        check(&[], "It", "lib/pay/a.css", Domain::Security, frontend);
        check(&[], "The page of ledgers", "", backend, frontend);
        check(
            &[],
            "It",
            "Mend the vault.",
            Domain::Security,
            Domain::Unknown,
        );
        check(&[], "A button", "", frontend, frontend);
        check(&["ui"], "The ledger", "", frontend, frontend);
        check(&[], "[UI] The ledger", "web/pay/a.rs", frontend, frontend);
    }

    #[test]
    fn a_domain_is_called_by_its_word() {
        for domain in Domain::ALL {
            assert_eq!(Domain::named(domain.word()), Some(domain));
        }
        assert_eq!(Domain::named(" Front-End "), Some(Domain::Frontend));
        assert_eq!(Domain::named("nothing"), None);
    }

    proptest! {
        #[test]
        fn any_text_is_classified_alike_twice(title in any::<String>(), body in any::<String>()) {
            let issue = issue(&title, &body);
            let own = Classification::default();
            let found = classify(&issue, &own);
            prop_assert_eq!(&found, &classify(&issue, &own));
            prop_assert_eq!(found.domain == Domain::Unknown, found.confidence == 0.0);
            prop_assert_eq!(found.domain == Domain::Unknown, found.reasons.is_empty());
        }
    }
}
