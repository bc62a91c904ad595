//! Whose word counts: who let an issue run, and what was changed since.

use crate::rules::ids::{IssueNumber, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Whose labels let an issue run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Trust {
    /// Those of people who may write to the repository, on a text that nobody changed since.
    #[default]
    Writers,
    /// Everybody's.
    Everyone,
}

impl Trust {
    /// Every kind.
    pub const ALL: [Self; 2] = [Self::Writers, Self::Everyone];

    /// As the configuration writes it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Writers => "writers",
            Self::Everyone => "everyone",
        }
    }
}

/// What somebody did to an issue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deed {
    /// The account; nothing where it is gone.
    pub by: Option<String>,
    /// May it write to the repository?
    pub may_write: bool,
    /// When.
    pub at: Timestamp,
}

impl Deed {
    fn who(&self) -> &str {
        self.by.as_deref().unwrap_or("an account that is gone")
    }
}

/// How an issue came by its label, and to its words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provenance {
    /// Which issue.
    pub issue: IssueNumber,
    /// The last time that the label was put on; nothing where that is not known.
    pub labelled: Option<Deed>,
    /// The last change of title or text that is not our own.
    pub edited: Option<Deed>,
}

impl Provenance {
    /// Why nobody who counts has let it run as it is, if that is so. Only the last editor is known, so whoever changed
    /// the text after the label was put on, the label has to be put on again: by somebody who has read what it says now.
    #[must_use]
    pub fn doubt(&self, label: &str) -> Option<String> {
        let Some(labelled) = &self.labelled else {
            return Some(format!("nobody knows who put {label:?} on it"));
        };
        if !labelled.may_write {
            let who = labelled.who();
            return Some(format!(
                "{who} put {label:?} on it, and may not write to the repository"
            ));
        }
        let edited = self.edited.as_ref()?;
        // Times are whole seconds there, and the same second is no proof of the order.
        (edited.at >= labelled.at).then(|| {
            let who = edited.who();
            format!(
                "{who} changed its text after {label:?} was put on; take it off and put it on again"
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deed(by: &str, may_write: bool, at: i64) -> Deed {
        Deed {
            by: Some(by.to_owned()),
            may_write,
            at: Timestamp(at),
        }
    }

    #[test]
    fn only_a_writer_s_label_on_a_text_that_stayed_lets_an_issue_run() {
        let check = |labelled: Option<Deed>, edited: Option<Deed>, expect: Option<&str>| {
            let issue = IssueNumber(1);
            let provenance = Provenance {
                issue,
                labelled,
                edited,
            };
            let doubt = provenance.doubt("go");
            assert_eq!(doubt.as_deref(), expect, "{provenance:?}");
        };
        let writer = || Some(deed("ann", true, 10));
        check(writer(), None, None);
        check(writer(), Some(deed("eve", false, 9)), None);
        check(None, None, Some("nobody knows who put \"go\" on it"));
        let outsider = "eve put \"go\" on it, and may not write to the repository";
        check(Some(deed("eve", false, 10)), None, Some(outsider));
        let changed = "changed its text after \"go\" was put on; take it off and put it on again";
        for (who, at) in [("eve", 10), ("eve", 11), ("ann", 12)] {
            let edited = deed(who, who == "ann", at);
            check(writer(), Some(edited), Some(&format!("{who} {changed}")));
        }
        let gone = Deed {
            by: None,
            ..deed("", false, 10)
        };
        let gone_words =
            "an account that is gone put \"go\" on it, and may not write to the repository";
        check(Some(gone), None, Some(gone_words));
    }
}
