//! What another source than the forge found: an error, an alert, a ticket, a red branch. All of it is somebody else's word.

use crate::rules::delivery::digest;
use crate::rules::ids::Timestamp;
use crate::rules::printable::clip;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Bytes of a trace or a log that are kept.
pub const TRACE_MAX: usize = 12_000;
/// Bytes of a description that are kept.
pub const TEXT_MAX: usize = 8_000;
/// Labels that are kept.
const LABELS: usize = 40;
/// Characters of a title, a label's name or its value.
const WORDS: usize = 200;
/// Characters of an address; longer ones are dropped.
const LINK_MAX: usize = 2_000;

/// Where something was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum FeedKind {
    /// Issues of Sentry.
    Sentry,
    /// Issues of Jira Cloud.
    Jira,
    /// Alerts of Alertmanager.
    Alertmanager,
    /// Checks of the base branch on the forge itself.
    Ci,
}

impl FeedKind {
    /// What it is called in the configuration.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Sentry => "sentry",
            Self::Jira => "jira",
            Self::Alertmanager => "alertmanager",
            Self::Ci => "ci",
        }
    }

    /// What people call it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sentry => "Sentry",
            Self::Jira => "Jira",
            Self::Alertmanager => "Alertmanager",
            Self::Ci => "CI",
        }
    }
}

/// How bad it is; the worst first.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum Level {
    /// Something is down.
    Critical,
    /// Something fails.
    Error,
    /// Something may fail.
    Warning,
    /// Somebody may want to know.
    Info,
}

impl Level {
    /// The level that a source's own word means; nothing where nobody knows it.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        Some(match word.trim().to_ascii_lowercase().as_str() {
            "fatal" | "critical" | "highest" | "blocker" | "page" | "disaster" | "p0" => {
                Self::Critical
            }
            "error" | "high" | "major" | "p1" => Self::Error,
            "warning" | "warn" | "medium" | "sample" | "p2" => Self::Warning,
            "info" | "low" | "lowest" | "minor" | "trivial" | "debug" | "none" | "p3" => Self::Info,
            _ => return None,
        })
    }

    /// One word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Info => "info",
        }
    }

    /// The label of issues as urgent as this.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Critical => "P0",
            Self::Error => "P1",
            Self::Warning => "P2",
            Self::Info => "P3",
        }
    }
}

/// One thing that was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The source's own name for it: the same, however often it happens.
    pub fingerprint: String,
    /// One line.
    pub title: String,
    /// How bad it is.
    pub level: Level,
    /// How often it happened.
    pub count: Option<u64>,
    /// How many people it happened to.
    pub users: Option<u64>,
    /// When it happened first.
    pub first: Option<Timestamp>,
    /// When it happened last.
    pub last: Option<Timestamp>,
    /// Where a person can read more.
    pub link: Option<String>,
    /// What people or rules say of it.
    pub text: String,
    /// A stack trace, or what matters of a log.
    pub trace: String,
    /// What else the source says, by name.
    pub labels: Vec<(String, String)>,
}

impl Finding {
    /// One of which only this is known.
    #[must_use]
    pub fn new(fingerprint: impl Into<String>, title: &str, level: Level) -> Self {
        Self {
            fingerprint: fingerprint.into(),
            title: title.to_owned(),
            level,
            count: None,
            users: None,
            first: None,
            last: None,
            link: None,
            text: String::new(),
            trace: String::new(),
            labels: Vec::new(),
        }
    }

    /// The same within bounds: nobody fills a store or an issue with what a stranger sent.
    #[must_use]
    pub fn bounded(mut self) -> Self {
        if self.fingerprint.len() > WORDS {
            self.fingerprint = digest(self.fingerprint.as_bytes());
        }
        self.title = clip(&self.title, WORDS);
        cut(&mut self.text, TEXT_MAX);
        cut(&mut self.trace, TRACE_MAX);
        self.link = self.link.filter(|link| is_web(link));
        self.labels.truncate(LABELS);
        for (name, value) in &mut self.labels {
            (*name, *value) = (clip(name, WORDS), clip(value, WORDS));
        }
        self
    }

    /// What stands for it in our names: the same on every machine.
    #[must_use]
    pub fn key(feed: &str, fingerprint: &str) -> String {
        digest(format!("{feed}\0{fingerprint}").as_bytes())
    }
}

fn cut(text: &mut String, most: usize) {
    if text.len() <= most {
        return;
    }
    let end = (0..=most).rev().find(|at| text.is_char_boundary(*at));
    text.truncate(end.unwrap_or(0));
    text.push_str("\n[… the rest is cut]");
}

/// Is it an address that a person may be led to?
fn is_web(link: &str) -> bool {
    let is_plain = |char: char| char.is_ascii_graphic() && !"<>\"'`\\()[]{}|".contains(char);
    let is_web = link.starts_with("https://") || link.starts_with("http://");
    is_web && link.len() <= LINK_MAX && link.chars().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_sources_are_levels_and_levels_are_priorities() {
        for (word, label) in [
            ("fatal", "P0"),
            ("critical", "P0"),
            ("Highest", "P0"),
            ("error", "P1"),
            ("High", "P1"),
            ("warning", "P2"),
            ("Medium", "P2"),
            ("info", "P3"),
            ("Lowest", "P3"),
        ] {
            assert_eq!(Level::of(word).map(Level::label), Some(label), "{word}");
        }
        assert_eq!(Level::of("urgent-ish"), None);
        assert!(Level::Critical < Level::Info, "the worst comes first");
    }

    #[test]
    fn what_is_found_stays_within_bounds() {
        let mut finding = Finding::new("x".repeat(9_000), &"t\n".repeat(9_000), Level::Error);
        finding.trace = "ü".repeat(TRACE_MAX);
        finding.text = "x".repeat(TEXT_MAX);
        finding.labels = vec![("n".repeat(900), "v\u{1b}[2J".to_owned()); 900];
        let bounded = finding.bounded();
        assert!(bounded.fingerprint.len() <= 200 && bounded.title.chars().count() <= 200);
        assert!(bounded.trace.len() < TRACE_MAX + 40 && bounded.trace.ends_with("is cut]"));
        assert_eq!(bounded.text.len(), TEXT_MAX, "what fits stays as it is");
        assert_eq!(bounded.labels.len(), LABELS);
        assert!(!bounded.labels[0].1.contains('\u{1b}'));
    }

    #[test]
    fn links_lead_to_pages_and_nowhere_else() {
        let check = |link: &str, expect: bool| assert_eq!(is_web(link), expect, "{link}");
        check("https://sentry.example/issues/7/?x=1&y=2", true);
        check("javascript:alert(1)", false);
        check("https://e.example/) [x](https://evil.example", false);
        check("https://e.example/\u{202e}", false);
        check("file:///etc/passwd", false);
    }
}
