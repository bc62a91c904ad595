//! A project's own rules for what belongs to which domain; they count before the built-in ones.

use crate::rules::classify::Domain;
use crate::rules::evaluate::pattern::PathPattern;
use crate::rules::evaluate::phrase::{Phrase, Text};
use crate::rules::tags::label_names;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How issues are given their domains.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[serde(expecting = "an object")]
pub struct Classification {
    /// What belongs to which domain, besides what is built in; of two rules that match, the first counts.
    pub rules: Vec<DomainRule>,
}

/// What belongs to a domain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[serde(expecting = "an object with `domain`, and with `labels`, `keywords` or `paths`")]
pub struct DomainRule {
    /// The domain.
    pub domain: Domain,
    /// Labels and title tags that tell it, alone or behind a prefix such as `area:`; an issue with one of them
    /// likelier touches the rule's paths.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    /// Words of the title or the text that tell it; `*` ends a word that may go on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keywords: Vec<Phrase>,
    /// Files that tell it, as patterns: `**` for any directories, `*` for any part of a name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<PathPattern>,
}

impl DomainRule {
    /// Is there nothing that it could match?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty() && self.keywords.is_empty() && self.paths.is_empty()
    }

    /// Is this one of its labels, whatever its case, its blanks and its dashes?
    fn is_called(&self, name: &str) -> bool {
        self.labels.iter().any(|label| plain(label) == plain(name))
    }
}

impl Classification {
    /// The domain that a tag names.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<Domain> {
        let rule = self.rules.iter().find(|rule| rule.is_called(name));
        rule.map(|rule| rule.domain)
    }

    /// The domain that a label names, alone or behind a prefix.
    #[must_use]
    pub fn of_label(&self, label: &str) -> Option<Domain> {
        label_names(label)
            .into_iter()
            .find_map(|name| self.named(name))
    }

    /// The domain that a file belongs to.
    #[must_use]
    pub fn of_path(&self, path: &str) -> Option<Domain> {
        let means = |rule: &&DomainRule| rule.paths.iter().any(|pattern| pattern.means(path));
        self.rules.iter().find(means).map(|rule| rule.domain)
    }

    /// The words of the text that tell a domain.
    pub fn said<'a>(&'a self, text: &'a Text) -> impl Iterator<Item = (Domain, &'a Phrase)> {
        let rules = self.rules.iter();
        rules.flat_map(|rule| {
            text.said(&rule.keywords)
                .map(|phrase| (rule.domain, phrase))
        })
    }

    /// Files that an issue with these labels will likely touch.
    pub fn places<'a>(&'a self, labels: &'a [String]) -> impl Iterator<Item = &'a [PathPattern]> {
        let is_meant = |rule: &&DomainRule| {
            let mut names = labels.iter().flat_map(|label| label_names(label));
            names.any(|name| rule.is_called(name))
        };
        self.rules
            .iter()
            .filter(is_meant)
            .map(|rule| rule.paths.as_slice())
    }
}

fn plain(text: &str) -> String {
    text.trim().to_lowercase().replace(['-', '_'], " ")
}
