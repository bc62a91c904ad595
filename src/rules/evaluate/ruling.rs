//! The rules in their order, and the decision table.

use crate::rules::evaluate::phrase::Phrase;
use crate::rules::evaluate::routing::{Decision, Rule, Suitability, When};
use crate::rules::evaluate::score::Level;
use crate::rules::evaluate::signs::Signs;
use crate::rules::printable::clip;
use serde::{Deserialize, Serialize};

/// A rule that matched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fired {
    /// The rule.
    pub rule: String,
    /// What it set.
    pub suitability: Suitability,
    /// Did it end the reading?
    pub is_final: bool,
    /// Why, for a person, and on which sign.
    pub because: String,
}

/// Each that matches sets the suitability anew; a final one ends the reading.
#[must_use]
pub fn fire(signs: &Signs<'_>, levels: [Level; 3], rules: &[Rule]) -> (Vec<Fired>, Vec<String>) {
    let (mut fired, mut recommendations) = (Vec::new(), Vec::new());
    for rule in rules {
        let Some(sign) = matches(&rule.when, signs, levels) else {
            continue;
        };
        let because = match (rule.because.as_str(), sign) {
            ("", sign) => sign,
            (because, sign) if sign.is_empty() => because.to_owned(),
            (because, sign) => format!("{because} ({sign})"),
        };
        fired.push(Fired {
            rule: rule.name.clone(),
            suitability: rule.suitability,
            is_final: rule.is_final,
            because,
        });
        recommendations.extend(rule.recommend.iter().cloned());
        if rule.is_final {
            break;
        }
    }
    (fired, recommendations)
}

/// The sign that makes the rule match, empty where levels alone do; `None` where it does not.
fn matches(when: &When, signs: &Signs<'_>, levels: [Level; 3]) -> Option<String> {
    let wanted = [when.complexity, when.confidence, when.risk];
    let all = wanted
        .iter()
        .zip(levels)
        .all(|(wanted, is)| wanted.is_none_or(|wanted| wanted == is));
    if !all {
        return None;
    }
    let has_signs = !(when.title.is_empty()
        && when.text.is_empty()
        && when.labels.is_empty()
        && when.types.is_empty()
        && when.domains.is_empty());
    if has_signs {
        sign(when, signs)
    } else {
        Some(String::new())
    }
}

fn sign(when: &When, signs: &Signs<'_>) -> Option<String> {
    let domain = signs.known.domain.domain;
    let quoted = |phrase: &Phrase| format!("\"{}\"", phrase.as_str());
    signs
        .label(&when.labels)
        .map(|label| format!("label \"{}\"", clip(label, 40)))
        .or_else(|| signs.title.said(&when.title).next().map(quoted))
        .or_else(|| signs.text.said(&when.text).next().map(quoted))
        .or_else(|| {
            when.types
                .contains(&signs.kind)
                .then(|| format!("type {}", signs.kind.word()))
        })
        .or_else(|| {
            when.domains
                .contains(&domain)
                .then(|| format!("domain {}", domain.word()))
        })
}

/// The first row of which all is so, by the levels of complexity, confidence and risk.
#[must_use]
pub fn decide(
    suitability: Suitability,
    levels: [Level; 3],
    rows: &[Decision],
) -> Option<&Decision> {
    let [_, confidence, risk] = levels;
    rows.iter().find(|row| {
        row.suitability.is_none_or(|wanted| wanted == suitability)
            && row.confidence.is_none_or(|wanted| wanted == confidence)
            && row.risk.is_none_or(|wanted| wanted == risk)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::classify::Domain;
    use crate::rules::evaluate::evaluation::tests::Case;
    use crate::rules::evaluate::routing::{Route, Routing};

    fn fired(case: &Case) -> (Vec<String>, Suitability) {
        let found = case.evaluate();
        let rules = found.fired.iter().map(|fired| fired.rule.clone());
        (rules.collect(), found.suitability)
    }

    #[test]
    fn rules_fire_in_their_order_and_the_last_decides() {
        let check = |case: Case, rules: &[&str], suitability| {
            let found = fired(&case);
            assert_eq!(
                (found.0, found.1),
                (rules.iter().map(ToString::to_string).collect(), suitability),
                "{case:?}"
            );
        };
        let new = Case::new;
        check(new("Say it", ""), &[], Suitability::Unknown);
        check(new("Fix a typo", ""), &["simple-fix"], Suitability::High);
        check(new("Add tests", ""), &["tests"], Suitability::High);
        check(
            new("Describe it in the docs", ""),
            &["documentation"],
            Suitability::Medium,
        );
        check(
            new("Say it", "").labelled(&["documentation"]),
            &["documentation"],
            Suitability::Medium,
        );
        check(
            new("Add tests and docs", ""),
            &["tests", "documentation"],
            Suitability::Medium,
        );
        check(
            new("Say it", "Add tests and docs."),
            &[],
            Suitability::Unknown,
        );
        check(
            new("Add tests", "of authentication"),
            &["tests", "security"],
            Suitability::Low,
        );
        check(
            new("A breaking change", ""),
            &["high-risk"],
            Suitability::Low,
        );
        let security = Case {
            domain: Domain::Security,
            ..new("Say it", "")
        };
        check(security, &["security"], Suitability::Low);
    }

    #[test]
    fn a_final_rule_stops_later_ones() {
        let case = Case::new("Fix a typo in the security docs", "");
        assert_eq!(fired(&case).0, ["simple-fix"], "it is final");
        let mut routing = Routing::default();
        routing.rules[0].is_final = false;
        let found = case.by(&routing);
        let rules: Vec<&str> = found
            .fired
            .iter()
            .map(|fired| fired.rule.as_str())
            .collect();
        assert_eq!(
            rules,
            ["simple-fix", "documentation", "security"],
            "control: without it all fire"
        );
        assert_eq!(found.deciding().unwrap().rule, "security");
    }

    #[test]
    fn the_decision_table_is_the_documented_one() {
        use crate::rules::evaluate::score::Level::{High, Low, Medium};
        use Suitability as S;
        let rows = Routing::default().decisions;
        let check = |suitability, confidence, risk, route: Route| {
            let row = decide(suitability, [Low, confidence, risk], &rows);
            assert_eq!(
                row.map(|row| row.route).unwrap_or_default(),
                route,
                "{suitability:?} {confidence:?} {risk:?}"
            );
        };
        for confidence in [Low, Medium, High] {
            for risk in [Low, Medium, High] {
                let high = (confidence, risk) == (High, Low);
                check(
                    S::High,
                    confidence,
                    risk,
                    if high {
                        Route::Autonomous
                    } else {
                        Route::Manual
                    },
                );
                let medium = confidence == Medium;
                check(
                    S::Medium,
                    confidence,
                    risk,
                    if medium {
                        Route::Supervised
                    } else {
                        Route::Manual
                    },
                );
                check(S::Low, confidence, risk, Route::Manual);
                check(S::Unknown, confidence, risk, Route::Manual);
            }
        }
    }
}
