//! What is said of the limits of the forge.

use crate::reporters::line::Line;
use crate::reporters::paint::Tone;
use crate::reporters::time::{ahead, rfc3339};
use crate::rules::ids::Timestamp;
use crate::rules::quota::{Allowance, Api};
use serde_json::{Value, json};

/// Told when a limit becomes short, and when it is not any more.
pub(super) fn turned(allowances: &[Allowance], turned: &[Api], at: Timestamp) -> Option<Line> {
    let found = allowances
        .iter()
        .find(|found| turned.contains(&found.api))?;
    let (api, left) = (found.api.name(), left(found));
    Some(if found.is_short(at) {
        let until = ahead(found.until, at);
        let text =
            format!(": {left} {api} requests left; until {until} only finished work is saved");
        Line::news(Tone::Warn, "the forge's limit is near", text)
    } else {
        let text = format!(": {left} {api} requests left");
        Line::news(Tone::Good, "the forge's limit is far again", text)
    })
}

/// Shown as long as the session runs: a line for each limit, and whether it is short.
pub(super) fn standing(allowances: &[Allowance], now: Timestamp) -> Vec<(String, bool)> {
    let known = allowances.iter().filter(|found| now < found.until);
    let line = |found: &Allowance| {
        let (api, left, until) = (found.api.name(), left(found), ahead(found.until, now));
        let is_short = found.is_short(now);
        let waits = if is_short {
            ", all but finished work waits"
        } else {
            ""
        };
        (format!("{api}: {left} left until {until}{waits}"), is_short)
    };
    known.map(line).collect()
}

/// What a program is told of them.
pub(super) fn json(allowances: &[Allowance]) -> Value {
    let one = |found: &Allowance| {
        json!({
            "api": found.api,
            "left": found.left,
            "limit": found.limit,
            "until": rfc3339(found.until),
            "short": found.was_short(),
        })
    };
    allowances.iter().map(one).collect()
}

/// `4,812 of 5,000`, or only the first where the whole is not known.
fn left(allowance: &Allowance) -> String {
    match allowance.limit {
        0 => allowance.left.to_string(),
        limit => format!("{} of {limit}", allowance.left),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: Timestamp = Timestamp(43_200_000);

    #[test]
    fn what_is_left_is_shown_until_it_is_reset() {
        let allowance = |api, left, limit| Allowance {
            api,
            left,
            limit,
            until: NOON,
        };
        let both = [
            allowance(Api::Rest, 60, 5000),
            allowance(Api::Graphql, 4987, 5000),
        ];
        let before = Timestamp(NOON.0 - 725_000);
        let lines = [
            "REST: 60 of 5000 left until 12:00 UTC (in 12m 05s), all but finished work waits",
            "GraphQL: 4987 of 5000 left until 12:00 UTC (in 12m 05s)",
        ];
        let shown = standing(&both, before);
        assert_eq!(
            shown,
            lines
                .map(str::to_owned)
                .into_iter()
                .zip([true, false])
                .collect::<Vec<_>>()
        );
        assert!(lines.iter().all(|line| line.len() <= 80));
        assert_eq!(standing(&both, NOON), []);
        let unknown = standing(&[allowance(Api::Rest, 60, 0)], before);
        assert!(
            unknown[0].0.starts_with("REST: 60 left until"),
            "{unknown:?}"
        );
    }
}
