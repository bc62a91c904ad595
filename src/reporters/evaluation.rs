//! An evaluation, for a person and for a program: every factor, every rule that fired, and what decided.

use crate::reporters::table::grid;
use crate::reporters::words::{brief, wrapped};
use crate::rules::evaluate::advice::{Step, for_agent, steps};
use crate::rules::evaluate::clarity::Doubt;
use crate::rules::evaluate::evaluation::Evaluation;
use crate::rules::evaluate::graded::Graded;
use crate::rules::evaluate::routing::{Decision, Mode, Suitability};
use crate::rules::evaluate::ruling::Fired;
use crate::rules::evaluate::score::Level;
use crate::rules::printable::printable;
use serde_json::{Value, json};

/// Columns that the other columns of the factors take.
const BESIDE: usize = 44;
/// Columns of the head of a line.
const HEAD: usize = 12;
/// Columns that reasons get at least.
const LEAST: usize = 24;

/// The evaluation in full, as lines of at most about `width` columns.
#[must_use]
pub fn evaluation_text(evaluation: &Evaluation, width: usize) -> String {
    let said = |head: &str, text: &str| entry(head, text, width);
    let by = |word: &str, because: &str| format!("{word} ({because})");
    let mut lines = said(
        "route",
        &format!(
            "{}: {}",
            evaluation.route.word(),
            row(evaluation.row.as_ref())
        ),
    );
    lines.extend(said(
        "type",
        &by(evaluation.kind.word(), &evaluation.kind_because),
    ));
    lines.extend(said(
        "priority",
        &by(evaluation.priority.word(), &evaluation.priority_because),
    ));
    lines.push(String::new());
    lines.extend(factors(evaluation, width));
    lines.push(String::new());
    for fired in &evaluation.fired {
        lines.extend(said("rule", &rule(fired)));
    }
    lines.extend(said("suitability", &decided(evaluation)));
    for doubt in &evaluation.doubts {
        lines.extend(said("not clear", &doubt.words()));
    }
    for step in steps(evaluation) {
        lines.extend(match step {
            Step::Agent(words) => said("agent", &words),
            Step::Person(words) => said("reviewer", &words),
        });
    }
    lines.extend(said("here", &meaning(evaluation)));
    lines.join("\n") + "\n"
}

/// What stands behind a head, in as many lines as it takes.
fn entry(head: &str, text: &str, width: usize) -> Vec<String> {
    let room = width.saturating_sub(HEAD).max(LEAST);
    let lines = wrapped(&printable(text), room).into_iter().enumerate();
    let head = |at| if at == 0 { head } else { "" };
    lines
        .map(|(at, line)| format!("{:<HEAD$}{line}", head(at)))
        .collect()
}

fn factors(evaluation: &Evaluation, width: usize) -> Vec<String> {
    let room = width.saturating_sub(BESIDE).max(LEAST);
    let mut rows = Vec::new();
    for (name, graded) in scores(evaluation) {
        let cells = [name, graded.level.word(), "", &graded.score.to_string()];
        rows.push(cells.map(ToOwned::to_owned).to_vec());
        for factor in &graded.factors {
            let mut reasons = wrapped(&printable(&factor.because.join(", ")), room).into_iter();
            rows.push(vec![
                format!("  {}", printable(&factor.name)),
                reasons.next().unwrap_or_default(),
                factor.weight.to_string(),
                factor.value.to_string(),
            ]);
            let nothing = String::new;
            rows.extend(reasons.map(|reason| vec![nothing(), reason, nothing(), nothing()]));
        }
    }
    grid(vec!["score", "because", "weight", "value"], rows, 2)
}

fn rule(fired: &Fired) -> String {
    let end = if fired.is_final {
        ", and no rule after it"
    } else {
        ""
    };
    let suitability = fired.suitability.word();
    format!("{} says {suitability}{end}: {}", fired.rule, fired.because)
}

fn decided(evaluation: &Evaluation) -> String {
    let word = evaluation.suitability.word();
    match evaluation.deciding() {
        Some(fired) => format!("{word}: the rule {} decided", fired.rule),
        None => format!("{word}: no rule matched"),
    }
}

/// What the route means in the mode.
fn meaning(evaluation: &Evaluation) -> String {
    match (evaluation.mode, evaluation.obstacle()) {
        (Mode::Advise, _) => "it would run: routing.mode is advise".to_owned(),
        (Mode::Off, _) => "it would run: routing.mode is off".to_owned(),
        (Mode::Enforce, Some(obstacle)) => format!("it would not run: {obstacle}"),
        (Mode::Enforce, None) if evaluation.wants_approval() => {
            "it would wait for `autoissue approve`: routing.mode is enforce".to_owned()
        }
        (Mode::Enforce, None) => "it would run".to_owned(),
    }
}

fn row(row: Option<&Decision>) -> String {
    let Some(row) = row else {
        return "no row of the decision table matched".to_owned();
    };
    let level =
        |level: Option<Level>, what: &str| level.map(|level| format!("{} {what}", level.word()));
    let suitability = row
        .suitability
        .map(Suitability::word)
        .map(|word| format!("{word} suitability"));
    let parts = [
        suitability,
        level(row.confidence, "confidence"),
        level(row.risk, "risk"),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if parts.is_empty() {
        "whatever the levels".to_owned()
    } else {
        parts.join(", ")
    }
}

fn scores(evaluation: &Evaluation) -> [(&'static str, &Graded); 3] {
    [
        ("complexity", &evaluation.complexity),
        ("confidence", &evaluation.confidence),
        ("risk", &evaluation.risk),
    ]
}

/// The route and why, in one line.
#[must_use]
pub fn route(evaluation: &Evaluation) -> String {
    let care: Vec<&str> = evaluation.care().collect();
    let care = if care.is_empty() {
        String::new()
    } else {
        format!("; review with care: {}", care.join(", "))
    };
    brief(&format!(
        "{}: {}{care}",
        evaluation.route.word(),
        evaluation.why()
    ))
}

/// What came of an evaluation, where there are many: the same words as in [`evaluation_json`], without the factors.
#[must_use]
pub fn evaluation_brief(evaluation: &Evaluation) -> Value {
    let mut object = json!({
        "mode": evaluation.mode.word(),
        "route": evaluation.route.word(),
        "type": evaluation.kind.word(),
        "suitability": evaluation.suitability.word(),
        "decided_by": evaluation.deciding().map(|fired| &fired.rule),
        "unclear": evaluation.doubts.iter().map(Doubt::words).collect::<Value>(),
        "care": evaluation.care().collect::<Value>(),
        "priority": evaluation.priority.word(),
        "runs": meaning(evaluation),
    });
    for (name, graded) in scores(evaluation) {
        object[name] = json!({ "score": graded.score, "level": graded.level.word() });
    }
    object
}

/// The evaluation as an object of the printed JSON.
#[must_use]
pub fn evaluation_json(evaluation: &Evaluation) -> Value {
    let rules = evaluation.fired.iter().map(|fired| {
        json!({
            "rule": fired.rule, "suitability": fired.suitability.word(), "final": fired.is_final,
            "because": fired.because,
        })
    });
    let mut object = json!({
        "mode": evaluation.mode.word(),
        "route": evaluation.route.word(),
        "row": row(evaluation.row.as_ref()),
        "type": evaluation.kind.word(),
        "type_because": evaluation.kind_because,
        "suitability": evaluation.suitability.word(),
        "decided_by": evaluation.deciding().map(|fired| &fired.rule),
        "rules": rules.collect::<Value>(),
        "unclear": evaluation.doubts.iter().map(Doubt::words).collect::<Value>(),
        "recommendations": evaluation.recommendations,
        "steps": for_agent(Some(evaluation)),
        "care": evaluation.care().collect::<Value>(),
        "priority": evaluation.priority.word(),
        "priority_because": evaluation.priority_because,
        "runs": meaning(evaluation),
    });
    for (name, graded) in scores(evaluation) {
        object[name] = score_json(graded);
    }
    object
}

fn score_json(graded: &Graded) -> Value {
    let factors = graded.factors.iter().map(|factor| {
        json!({
            "name": factor.name, "value": factor.value, "weight": factor.weight, "because": factor.because,
        })
    });
    json!({
        "score": graded.score, "level": graded.level.word(), "factors": factors.collect::<Value>(),
    })
}
