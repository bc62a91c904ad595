//! When a run has used enough, whatever its program thinks of that.

use crate::ports::AgentOrder;
use crate::rules::money::Usd;
use crate::rules::task::{ErrorClass, Failure};

/// What a run may cost beyond its cap before it is stopped, in hundredths of the cap.
const SLACK: u64 = 110;

/// What a run has used so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// Its cost, as far as its models have prices.
    pub cost: Usd,
    /// All of its tokens, where some of them have no price.
    pub unpriced: Option<u64>,
    /// Turns that it took, where the program itself does not limit them.
    pub turns: u32,
}

/// What a run may use.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    cap: Usd,
    max_tokens: u64,
    max_turns: u32,
}

impl Limit {
    /// Of a run to this order.
    #[must_use]
    pub fn of(order: &AgentOrder) -> Self {
        Self {
            cap: order.cap,
            max_tokens: order.max_tokens.unwrap_or(u64::MAX),
            max_turns: order.max_turns.unwrap_or(u32::MAX),
        }
    }

    /// Which limit it has passed, as the failure that this is.
    #[must_use]
    pub fn passed(&self, spent: Spent) -> Option<Failure> {
        let (cap, max_tokens, max_turns) = (self.cap, self.max_tokens, self.max_turns);
        let (class, message) = if spent.cost > cap.percent(SLACK) {
            let message = format!("stopped after {} of {cap}", spent.cost);
            (ErrorClass::Budget, message)
        } else if let Some(tokens) = spent.unpriced.filter(|tokens| *tokens > max_tokens) {
            let message = format!(
                "stopped after {tokens} tokens of {max_tokens}: nobody knows the price of its model"
            );
            (ErrorClass::Budget, message)
        } else if spent.turns > max_turns {
            let message = format!("stopped in its turn {} of {max_turns}", spent.turns);
            (ErrorClass::TurnLimit, message)
        } else {
            return None;
        };
        Some(Failure::new(class, message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_limit_is_named_and_nothing_below_it_is() {
        let limit = Limit {
            cap: Usd::from_micros(1_000_000),
            max_tokens: 500,
            max_turns: 3,
        };
        let check = |micros, unpriced, turns, expect: Option<(ErrorClass, &str)>| {
            let spent = Spent {
                cost: Usd::from_micros(micros),
                unpriced,
                turns,
            };
            let passed = limit.passed(spent);
            let told = passed
                .as_ref()
                .map(|failure| (failure.class, failure.message.as_str()));
            assert_eq!(told, expect);
        };
        check(1_100_000, Some(500), 3, None);
        check(0, None, 0, None);
        check(
            1_100_001,
            None,
            0,
            Some((ErrorClass::Budget, "stopped after $1.1001 of $1.00")),
        );
        check(
            0,
            Some(501),
            0,
            Some((
                ErrorClass::Budget,
                "stopped after 501 tokens of 500: nobody knows the price of its model",
            )),
        );
        check(
            0,
            None,
            4,
            Some((ErrorClass::TurnLimit, "stopped in its turn 4 of 3")),
        );
    }
}
