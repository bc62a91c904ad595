//! Who should work on an issue, and why? The whole evaluation.

use crate::rules::evaluate::clarity::{Doubt, doubts};
use crate::rules::evaluate::complexity::complexity;
use crate::rules::evaluate::confidence::confidence;
use crate::rules::evaluate::graded::Graded;
use crate::rules::evaluate::risk::risk;
use crate::rules::evaluate::routing::{Decision, IssueType, Mode, Route, Routing, Suitability};
use crate::rules::evaluate::ruling::{Fired, decide, fire};
use crate::rules::evaluate::score::{Level, Score};
use crate::rules::evaluate::signs::{Known, Signs, label};
use crate::rules::issue::Priority;
use crate::rules::printable::clip;
use serde::{Deserialize, Serialize};

/// Recommendations kept at most, and the longest of them in characters.
const RECOMMENDATIONS_MAX: usize = 12;
const RECOMMENDATION_MAX: usize = 200;

/// What was made of an issue: every factor, every rule that fired, and what decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evaluation {
    /// What it decides.
    pub mode: Mode,
    /// What the issue asks for.
    pub kind: IssueType,
    /// What told that.
    pub kind_because: String,
    /// How hard it is.
    pub complexity: Graded,
    /// How sure an agent will get it right.
    pub confidence: Graded,
    /// What a mistake would cost.
    pub risk: Graded,
    /// The rules that matched, in their order; the last of them decided.
    pub fired: Vec<Fired>,
    /// What they came to.
    pub suitability: Suitability,
    /// Who should work on it.
    pub route: Route,
    /// The row of the decision table that said so; nothing where none matched.
    pub row: Option<Decision>,
    /// What is not clear about it; the first is the one to ask.
    pub doubts: Vec<Doubt>,
    /// What is recommended: steps for the agent, and care for the reviewer.
    pub recommendations: Vec<String>,
    /// How urgent.
    pub priority: Priority,
    /// What told that.
    pub priority_because: String,
}

impl Evaluation {
    /// The rule that decided on the suitability; nothing where none matched.
    #[must_use]
    pub fn deciding(&self) -> Option<&Fired> {
        self.fired.last()
    }

    /// The areas of risk that it touches: what a reviewer looks at with care.
    pub fn care(&self) -> impl Iterator<Item = &str> {
        let touched = self
            .risk
            .factors
            .iter()
            .filter(|factor| factor.value > Score::ZERO);
        touched.map(|factor| factor.name.as_str())
    }

    /// Does it wait for a person before anything runs?
    #[must_use]
    pub fn wants_approval(&self) -> bool {
        self.mode == Mode::Enforce && self.route == Route::Supervised
    }

    /// Why it is not run at all, where that is so.
    #[must_use]
    pub fn obstacle(&self) -> Option<String> {
        if self.mode != Mode::Enforce {
            return None;
        }
        if let Some(doubt) = self.doubts.first() {
            return Some(format!("not clear enough: {}", doubt.words()));
        }
        (self.route == Route::Manual).then(|| format!("for a person: {}", self.why()))
    }

    /// What decided, in a few words.
    #[must_use]
    pub fn why(&self) -> String {
        let levels = format!(
            "{} suitability, {} confidence, {} risk",
            self.suitability.word(),
            self.confidence.level.word(),
            self.risk.level.word()
        );
        format!("{}; {levels}", self.reason())
    }

    /// What the rule that decided says.
    #[must_use]
    pub fn reason(&self) -> &str {
        self.deciding()
            .map_or("no rule matched", |fired| fired.because.as_str())
    }
}

/// Evaluates an issue; `named` is the priority that its labels name.
#[must_use]
pub fn evaluate(known: Known<'_>, named: Option<Priority>, routing: &Routing) -> Evaluation {
    let signs = Signs::of(known, &routing.types);
    let complexity = complexity(&signs, &routing.complexity);
    let confidence = confidence(&signs, &routing.confidence);
    let risk = risk(&signs, &routing.risk);
    let levels = [complexity.level, confidence.level, risk.level];
    let (fired, mut recommendations) = fire(&signs, levels, &routing.rules);
    let suitability = fired
        .last()
        .map_or(Suitability::Unknown, |last| last.suitability);
    let row = decide(suitability, levels, &routing.decisions);
    let mut doubts = doubts(&signs, &routing.clarity);
    if suitability == Suitability::High {
        // A typo is done when it is gone.
        doubts.retain(|doubt| *doubt != Doubt::NoCriteria);
    }
    let steps = routing.steps.get(&signs.kind).into_iter().flatten();
    recommendations.splice(0..0, steps.cloned());
    let (priority, priority_because) = priority(&signs, named, levels, &routing.production_labels);
    Evaluation {
        mode: routing.mode,
        kind: signs.kind,
        kind_because: signs.kind_because.clone(),
        complexity,
        confidence,
        risk,
        fired,
        suitability,
        route: row.map(|row| row.route).unwrap_or_default(),
        row: row.cloned(),
        doubts,
        recommendations: bounded(recommendations),
        priority,
        priority_because,
    }
}

/// What a label names always counts. Else, as the dispatch document has it: a production bug is critical, high risk is
/// high, low complexity is high since it is easily won, and all else is medium.
fn priority(
    signs: &Signs<'_>,
    named: Option<Priority>,
    [complexity, _, risk]: [Level; 3],
    production: &[String],
) -> (Priority, String) {
    let because = |priority, because: &str| (priority, because.to_owned());
    if let Some(named) = named {
        return because(named, "a label names it");
    }
    if let (IssueType::Bug, Some(label)) = (signs.kind, label(signs.known.issue, production)) {
        let label = clip(label, 40);
        return (
            Priority::Critical,
            format!("a bug with the label \"{label}\""),
        );
    }
    if risk == Level::High {
        return because(Priority::High, "high risk");
    }
    if complexity == Level::Low {
        return because(Priority::High, "low complexity is easily won");
    }
    because(Priority::Medium, "nothing says more")
}

/// Each once, in their order.
fn bounded(recommendations: Vec<String>) -> Vec<String> {
    let mut kept: Vec<String> = Vec::new();
    for text in recommendations {
        let text = clip(&text, RECOMMENDATION_MAX);
        if !text.is_empty() && !kept.contains(&text) && kept.len() < RECOMMENDATIONS_MAX {
            kept.push(text);
        }
    }
    kept
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::rules::classify::{Classified, Domain};
    use crate::rules::evaluate::similar::Similar;
    use crate::rules::footprint::named_in_text;
    use crate::rules::issue::{Issue, tests::issue};
    use proptest::prelude::*;

    /// So many hundredths.
    pub(crate) fn score(hundredths: u8) -> Score {
        Score::hundredths(hundredths)
    }

    /// An issue and what is known of it.
    #[derive(Clone, Debug)]
    pub(crate) struct Case {
        pub(crate) issue: Issue,
        pub(crate) domain: Domain,
        pub(crate) needs: usize,
        pub(crate) similar: Similar,
        pub(crate) unowned: Vec<String>,
    }

    impl Case {
        pub(crate) fn new(title: &str, body: &str) -> Self {
            Self {
                issue: issue(title, body),
                domain: Domain::Backend,
                needs: 0,
                similar: Similar::default(),
                unowned: Vec::new(),
            }
        }

        pub(crate) fn labelled(mut self, labels: &[&str]) -> Self {
            self.issue.labels = labels.iter().map(ToString::to_string).collect();
            self
        }

        pub(crate) fn evaluate(&self) -> Evaluation {
            self.by(&Routing::default())
        }

        pub(crate) fn by(&self, routing: &Routing) -> Evaluation {
            let domain = Classified {
                domain: self.domain,
                ..Classified::default()
            };
            let known = Known {
                issue: &self.issue,
                domain: &domain,
                footprint: &named_in_text(&self.issue),
                needs: self.needs,
                similar: self.similar,
                unowned: &self.unowned,
            };
            evaluate(known, Priority::named(&self.issue.labels), routing)
        }
    }

    #[test]
    fn a_record_of_success_makes_work_on_tests_autonomous() {
        let similar = Similar {
            found: 4,
            succeeded: 4,
            similarity: score(80),
            closest: None,
        };
        let body = "In tests/a.rs `parse` should be covered.";
        let case = Case {
            similar,
            ..Case::new("Add tests: the unit tests fail", body)
        };
        let found = case.evaluate();
        assert_eq!(
            (found.suitability, found.route),
            (Suitability::High, Route::Autonomous),
            "{found:?}"
        );
        let unknown = Case {
            similar: Similar::default(),
            ..case
        };
        assert_eq!(unknown.evaluate().route, Route::Manual);
    }

    #[test]
    fn priority_is_computed_where_no_label_names_it() {
        let check =
            |case: Case, expect: Priority| assert_eq!(case.evaluate().priority, expect, "{case:?}");
        let files = "src/a.rs src/b.rs src/c.rs src/d.rs src/e.rs";
        check(Case::new("Say it", ""), Priority::High);
        check(Case::new("Say it", files), Priority::Medium);
        check(Case::new("Permissions", files), Priority::High);
        check(
            Case::new("Fix it", files).labelled(&["production"]),
            Priority::Critical,
        );
        check(
            Case::new("Say it", files).labelled(&["production"]),
            Priority::Medium,
        );
        check(
            Case::new("Fix it", "").labelled(&["production", "low"]),
            Priority::Low,
        );
        check(Case::new("Say it", "").labelled(&["P2"]), Priority::Medium);
    }

    #[test]
    fn steps_of_the_type_come_before_what_rules_recommend() {
        let found = Case::new("Fix the login", "of permissions")
            .evaluate()
            .recommendations;
        assert_eq!(
            found,
            [
                "analyze-cause",
                "fix",
                "regression-test",
                "security-scan",
                "human-review-required"
            ]
        );
        let mut routing = Routing::default();
        routing.rules[3].recommend = (0..50)
            .map(|number| format!("{number} {}", "x".repeat(500)))
            .collect();
        let found = Case::new("Fix the login", "of permissions")
            .by(&routing)
            .recommendations;
        assert_eq!(found.len(), RECOMMENDATIONS_MAX);
        assert!(
            found
                .iter()
                .all(|text| text.chars().count() <= RECOMMENDATION_MAX)
        );
    }

    proptest! {
        #[test]
        fn any_issue_is_evaluated_within_bounds(title in ".{0,80}", body in "(?s).{0,400}", label in "[a-z:-]{0,20}") {
            let case = Case::new(&title, &body).labelled(&[&label]);
            let found = case.evaluate();
            for graded in [&found.complexity, &found.confidence, &found.risk] {
                prop_assert!(graded.score <= Score::ONE);
                prop_assert!(graded.factors.iter().all(|factor| factor.value <= Score::ONE));
            }
            prop_assert_eq!(found.row.as_ref().map(|row| row.route).unwrap_or_default(), found.route);
            let finals = found.fired.iter().position(|fired| fired.is_final);
            prop_assert!(finals.is_none_or(|at| at + 1 == found.fired.len()));
            let text = serde_json::to_string(&found).unwrap();
            prop_assert_eq!(serde_json::from_str::<Evaluation>(&text).unwrap(), found);
        }
    }
}
