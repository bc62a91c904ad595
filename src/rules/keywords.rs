//! Words that speak for a domain, and how they are found in a text.

use crate::rules::classify::Domain;
use std::sync::LazyLock;

/// Words and pairs of words, in lower case. What means one domain only now and then is left out: `build`, `service`,
/// `table`, `token`, `secret`, `page fault`.
#[rustfmt::skip]
const KEYWORDS: [(Domain, &[&str]); 7] = [
    (Domain::Backend, &[
        "api", "apis", "back end", "backend", "background job", "background jobs", "business logic",
        "controller", "controllers", "cron job", "deserializer", "endpoint", "endpoints", "graphql", "grpc",
        "http 400", "http 404", "http 500", "job queue", "json response", "message queue", "microservice",
        "microservices", "middleware", "pagination", "rate limit", "rate limiter", "rate limiting",
        "rate limits", "request body", "request handler", "rest api", "serializer", "server error",
        "server side", "service layer", "status code", "status codes", "webhook", "webhooks",
    ]),
    (Domain::Frontend, &[
        "a11y", "accessibility", "angular", "animation", "animations", "aria", "breadcrumb", "breadcrumbs",
        "browser", "browsers", "button", "buttons", "carousel", "checkbox", "click", "clicking",
        "color scheme", "component", "components", "css", "dark mode", "dropdown", "font", "fonts",
        "front end", "frontend", "gui", "homepage", "hover", "html", "icon", "icons", "landing page",
        "layout", "light mode", "modal", "modals", "navbar", "page", "pages", "react", "responsive",
        "screen reader", "scrollbar", "sidebar", "stylesheet", "stylesheets", "styling", "svelte", "tailwind",
        "textarea", "tooltip", "tooltips", "ui", "ux", "viewport", "vue", "webpage",
    ]),
    (Domain::Database, &[
        "database", "database index", "database table", "databases", "db", "deadlock", "foreign key",
        "foreign keys", "mariadb", "migration", "migrations", "mongodb", "mysql", "orm", "postgres",
        "postgresql", "primary key", "prisma", "queries", "query", "rollback", "schema", "schemas",
        "sequelize", "sharding", "sql", "sql table", "sqlite", "stored procedure", "table column",
        "transaction", "transactions", "varchar",
    ]),
    (Domain::Infrastructure, &[
        "ansible", "autoscaling", "build fails", "build failure", "build pipeline", "build script",
        "build scripts", "build system", "build time", "build times", "ci", "ci cd", "cicd", "cloudformation",
        "container", "containers", "deploy", "deployed", "deployment", "deployments", "deploys", "devops",
        "docker", "dockerfile", "dockerize", "github action", "github actions", "grafana", "helm",
        "infrastructure", "jenkins", "k8s", "kubectl", "kubernetes", "load balancer", "makefile", "nginx",
        "pipeline", "pipelines", "prometheus", "release process", "staging environment", "systemd",
        "terraform",
    ]),
    (Domain::Security, &[
        "2fa", "access control", "access token", "access tokens", "api key", "api keys", "auth",
        "authenticate", "authentication", "authorization", "brute force", "csrf", "cve", "encrypt",
        "encryption", "injection", "jwt", "login", "logout", "mfa", "oauth", "password", "passwords",
        "path traversal", "permission", "permissions", "privilege escalation", "rbac", "refresh token",
        "refresh tokens", "saml", "sanitise", "sanitize", "secret leak", "security", "signin",
        "sql injection", "sso", "ssrf", "two factor", "vulnerabilities", "vulnerability", "vulnerable", "xss",
    ]),
    (Domain::Testing, &[
        "add test", "add tests", "code coverage", "coverage", "cypress", "e2e", "failing test",
        "failing tests", "fixture", "fixtures", "flaky", "flaky test", "flaky tests", "integration test",
        "integration tests", "jest", "junit", "missing tests", "mock", "mocking", "mocks", "more tests",
        "playwright", "proptest", "pytest", "regression test", "regression tests", "snapshot test",
        "snapshot tests", "test", "test case", "test cases", "test suite", "testing", "tests", "unit test",
        "unit tests", "vitest", "write tests",
    ]),
    (Domain::Documentation, &[
        "add docs", "api docs", "api documentation", "changelog", "code comments", "doc", "doc comment",
        "doc comments", "docs", "docstring", "docstrings", "document how", "document the", "documentation",
        "faq", "glossary", "guide", "guides", "how to", "javadoc", "jsdoc", "man page", "man pages", "readme",
        "rustdoc", "tutorial", "tutorials", "typo", "typos", "update docs", "update documentation",
        "user manual", "wiki", "write docs",
    ]),
];

/// A word or a pair of words that speaks for a domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Keyword {
    /// What it speaks for.
    pub domain: Domain,
    /// In lower case.
    pub words: &'static str,
}

impl Keyword {
    /// A pair says more than a word.
    #[must_use]
    pub fn weight(self) -> u32 {
        if self.words.contains(' ') { 2 } else { 1 }
    }
}

/// The keywords among the text's whole words, in the order of their last words, as often as they stand there. Addresses
/// and paths are no words, identifiers are one, and letters of any script belong to words.
pub fn keywords(text: &str, mut found: impl FnMut(Keyword)) {
    let mut before = "";
    for chunk in text.split_ascii_whitespace() {
        if is_address_or_path(chunk) {
            before = "";
            continue;
        }
        for word in chunk.split(|char: char| !(char.is_alphanumeric() || char == '_')) {
            if !word.is_empty() {
                INDEX.find(before, word, &mut found);
                before = word;
            }
        }
    }
}

fn is_address_or_path(chunk: &str) -> bool {
    let bytes = chunk.as_bytes();
    bytes.contains(&b'/') && (bytes.contains(&b'.') || chunk.contains("://"))
        || bytes.contains(&b'\\')
}

static INDEX: LazyLock<Index> = LazyLock::new(Index::new);

/// Keywords by the first letter of their last word.
struct Index {
    by_letter: [Vec<Entry>; 128],
}

struct Entry {
    keyword: Keyword,
    /// The first of two words, or nothing.
    before: &'static str,
    last: &'static str,
}

impl Index {
    fn new() -> Self {
        let mut by_letter = [const { Vec::new() }; 128];
        for (domain, list) in KEYWORDS {
            for words in list {
                let (before, last) = words.rsplit_once(' ').unwrap_or(("", words));
                let keyword = Keyword { domain, words };
                by_letter[usize::from(last.as_bytes()[0])].push(Entry {
                    keyword,
                    before,
                    last,
                });
            }
        }
        Self { by_letter }
    }

    fn find(&self, before: &str, word: &str, found: &mut impl FnMut(Keyword)) {
        let letter = usize::from(word.as_bytes()[0].to_ascii_lowercase());
        for entry in self.by_letter.get(letter).into_iter().flatten() {
            if entry.last.len() == word.len()
                && entry.last.eq_ignore_ascii_case(word)
                && (entry.before.is_empty() || entry.before.eq_ignore_ascii_case(before))
            {
                found(entry.keyword);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn found(text: &str) -> Vec<&'static str> {
        let mut words = Vec::new();
        keywords(text, |keyword| words.push(keyword.words));
        words
    }

    fn single_words() -> Vec<&'static str> {
        let all = KEYWORDS.iter().flat_map(|(_, words)| words.iter());
        all.filter(|words| !words.contains(' ')).copied().collect()
    }

    #[test]
    fn only_whole_words_count() {
        let check = |text: &str, expect: &[&str]| assert_eq!(found(text), expect, "{text}");
        check("Rebuild the guild", &[]);
        check("the latest contest", &[]);
        check("UI/UX: API-Endpoint!", &["ui", "ux", "api", "endpoint"]);
        check(
            "a rate limit, and SQL\ninjection",
            &["rate limit", "sql", "injection", "sql injection"],
        );
        check("test_ui user_api apíui", &[]);
        check("https://api.test/ui src/api/ui.rs src\\ui", &[]);
        check("базаданныхsql тест", &[]);
    }

    #[test]
    fn every_keyword_is_written_plainly_and_once() {
        let all: Vec<_> = KEYWORDS
            .iter()
            .flat_map(|(_, words)| words.iter())
            .collect();
        let unique: BTreeSet<_> = all.iter().collect();
        assert_eq!(all.len(), unique.len());
        for words in all {
            assert!(
                words
                    .bytes()
                    .all(|byte| byte == b' ' || byte.is_ascii_lowercase() || byte.is_ascii_digit()),
                "{words}"
            );
            assert!(words.split(' ').count() <= 2, "{words}");
        }
    }

    proptest! {
        #[test]
        fn a_keyword_inside_a_longer_word_does_not_count(
            word in prop::sample::select(single_words()),
            start in "[a-zäя_]{1,5}",
            end in "[a-zäя_]{1,5}",
        ) {
            let inner = format!("{start}{word}{end}");
            prop_assume!(!single_words().contains(&inner.as_str()));
            prop_assert_eq!(found(&inner), Vec::<&str>::new());
            let apart = format!("{start}! {word}. {end}.");
            prop_assert!(found(&apart).contains(&word));
        }
    }
}
