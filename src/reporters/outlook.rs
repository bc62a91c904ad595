//! How long a session was expected to take, and how long at least: in words and in JSON.

use crate::reporters::time::human;
use crate::reporters::words::plural;
use crate::rules::schedule::predict::Prediction;
use serde_json::{Value, json};

const MINUTE: u64 = 60_000;

/// `no order of them takes less than 28 minutes, a gap of 7.1 %`; `None` where nothing runs.
#[must_use]
pub fn at_best(prediction: &Prediction) -> Option<String> {
    let gap = prediction.gap()?;
    if prediction.makespan_minutes <= prediction.lower_bound_minutes {
        return Some("no order of them takes less".to_owned());
    }
    let bound = plural(prediction.lower_bound_minutes, "minute");
    let percent = gap * 100.0;
    Some(format!(
        "no order of them takes less than {bound}, a gap of {percent:.1} %"
    ))
}

/// `Expected 30m 00s, at best 28m 00s (gap 7.1 %); it took 35m 10s.` `None` where nothing was expected.
#[must_use]
pub fn looked_back(prediction: &Prediction, took_millis: u64) -> Option<String> {
    let percent = prediction.gap()? * 100.0;
    let expected = human(prediction.makespan_minutes * MINUTE);
    let bound = human(prediction.lower_bound_minutes * MINUTE);
    let took = human(took_millis);
    Some(format!(
        "Expected {expected}, at best {bound} (gap {percent:.1} %); it took {took}."
    ))
}

/// `makespan_minutes`, `lower_bound_minutes` and `gap`, a share.
#[must_use]
pub fn outlook(prediction: &Prediction) -> Value {
    json!({
        "makespan_minutes": prediction.makespan_minutes,
        "lower_bound_minutes": prediction.lower_bound_minutes,
        "gap": prediction.gap().map(|gap| (gap * 1000.0).round() / 1000.0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prediction(makespan_minutes: u64, lower_bound_minutes: u64) -> Prediction {
        Prediction {
            makespan_minutes,
            lower_bound_minutes,
            ..Prediction::default()
        }
    }

    #[test]
    fn a_gap_is_told_in_percent_and_written_as_a_share() {
        let close = prediction(30, 28);
        assert_eq!(
            at_best(&close).as_deref(),
            Some("no order of them takes less than 28 minutes, a gap of 7.1 %")
        );
        assert_eq!(
            looked_back(&close, 2_110_000).as_deref(),
            Some("Expected 30m 00s, at best 28m 00s (gap 7.1 %); it took 35m 10s.")
        );
        assert_eq!(outlook(&close)["gap"], 0.071);
        let best = at_best(&prediction(28, 28));
        assert_eq!(best.as_deref(), Some("no order of them takes less"));
        assert_eq!(at_best(&prediction(0, 0)), None);
        assert_eq!(outlook(&prediction(0, 0))["gap"], Value::Null);
    }
}
