//! Values of flags: read once, valid from then on.

use crate::config::work::AgentKind;
use crate::rules::ids::IssueNumber;
use crate::rules::money::Usd;
use clap::builder::{PossibleValuesParser, TypedValueParser};

/// An amount of dollars above nothing.
pub fn budget(text: &str) -> Result<Usd, &'static str> {
    Usd::parse(text)
        .filter(|usd| *usd > Usd::ZERO)
        .ok_or("a budget is an amount above 0 and up to 1000000, such as 25 or 12.50")
}

/// The number of an issue, with or without `#`.
pub fn issue_number(text: &str) -> Result<IssueNumber, &'static str> {
    text.strip_prefix('#')
        .unwrap_or(text)
        .parse()
        .ok()
        .filter(|number| *number > 0)
        .map(IssueNumber)
        .ok_or("an issue has a whole number above 0")
}

/// A label; one without a character is a variable that was not set.
pub fn label(text: &str) -> Result<String, &'static str> {
    let is_blank = text.trim().is_empty();
    (!is_blank)
        .then(|| text.to_owned())
        .ok_or("a label has at least one character")
}

/// The kinds of agents.
pub fn agent_kind() -> impl TypedValueParser<Value = AgentKind> {
    PossibleValuesParser::new(AgentKind::ALL.map(AgentKind::name)).map(|name| {
        AgentKind::ALL
            .into_iter()
            .find(|kind| kind.name() == name)
            .expect("only names of kinds are possible")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_more_than_nothing() {
        assert_eq!(budget("12.50").map(Usd::micros), Ok(12_500_000));
        for text in ["0", "0.0", "-1", "NaN", "inf", "1e9", "five", ""] {
            assert!(budget(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_label_is_not_blank() {
        assert_eq!(label("good first issue").unwrap(), "good first issue");
        for text in ["", " ", "\t"] {
            assert!(label(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn an_issue_has_a_positive_number() {
        assert_eq!(issue_number("12"), Ok(IssueNumber(12)));
        assert_eq!(issue_number("#12"), Ok(IssueNumber(12)));
        for text in ["0", "-1", "1.5", "##1", "x", "", "99999999999999999999"] {
            assert!(issue_number(text).is_err(), "{text}");
        }
    }
}
