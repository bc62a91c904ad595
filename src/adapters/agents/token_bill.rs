//! What a run costs whose program tells its tokens: response by response, or in sums.

use crate::rules::money::{Basis, Charge, Usage, Usd};
use crate::rules::prices::Prices;
use serde_json::Value;
use std::collections::BTreeMap;

/// A response that nobody saw is taken for one of this size, or for the dearest one seen where that cost more.
const UNSEEN: Usage = Usage {
    input: 20_000,
    cached_input: 0,
    cache_write: 0,
    output: 4_000,
};

/// Was a run's end its own?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It was.
    Itself,
    /// It was cut off, and a response may have been on its way.
    CutOff,
}

/// The bill of one run, as it grows.
#[derive(Debug, Default)]
pub(super) struct TokenBill {
    prices: Prices,
    cost: Usd,
    usage: BTreeMap<String, Usage>,
    dearest: Usd,
    /// Has it used a model that has no price?
    has_unpriced: bool,
    /// Did the program itself name a price?
    is_reported: bool,
}

impl TokenBill {
    /// One that nothing stands on yet, at these prices.
    pub(super) fn at(prices: Prices) -> Self {
        Self {
            prices,
            ..Self::default()
        }
    }

    /// One response of this model; its context decides its price.
    pub(super) fn response(&mut self, model: &str, usage: Usage) {
        if usage.total() == 0 {
            return;
        }
        let cost = self.prices.cost(model, usage);
        self.has_unpriced |= cost.is_none();
        self.add(model, usage, cost.unwrap_or_default());
    }

    /// One response at the price that the program itself names.
    pub(super) fn priced(&mut self, model: &str, usage: Usage, cost: Usd) {
        self.is_reported = true;
        self.add(model, usage, cost);
    }

    /// All that this model was used for, by the program's own sum: what was not seen of it counts as one response.
    pub(super) fn total(&mut self, model: &str, sum: Usage) {
        let seen = self.usage.get(model).copied().unwrap_or_default();
        self.response(model, minus(sum, seen));
    }

    fn add(&mut self, model: &str, usage: Usage, cost: Usd) {
        let sum = self.usage.entry(model.to_owned()).or_default();
        *sum = *sum + usage;
        self.cost += cost;
        self.dearest = self.dearest.max(cost);
    }

    /// What the run has cost so far, as far as there are prices.
    pub(super) fn so_far(&self) -> Usd {
        self.cost
    }

    /// Its tokens so far.
    pub(super) fn tokens(&self) -> Usage {
        self.usage
            .values()
            .fold(Usage::default(), |sum, usage| sum + *usage)
    }

    /// All of its tokens, where some of them have no price.
    pub(super) fn unpriced(&self) -> Option<u64> {
        self.has_unpriced.then(|| self.tokens().total())
    }

    /// The dearest single response.
    pub(super) fn dearest(&self) -> Usd {
        self.dearest
    }

    /// What to charge: what was seen, with a response that was cut off; all of the cap where that has no price.
    pub(super) fn charge(&self, cap: Usd, model: Option<&str>, ended: Ended) -> Charge {
        let unseen = match ended {
            Ended::Itself => Some(Usd::ZERO),
            Ended::CutOff => self.unseen(model),
        };
        let basis = if self.is_reported && ended == Ended::Itself {
            Basis::Reported
        } else {
            Basis::Table
        };
        match unseen.filter(|_| !self.has_unpriced) {
            Some(unseen) => Charge {
                cost: self.cost + unseen,
                usage: self.tokens(),
                basis,
            },
            None => Charge {
                usage: self.tokens(),
                ..Charge::assumed(cap.max(self.cost))
            },
        }
    }

    fn unseen(&self, model: Option<&str>) -> Option<Usd> {
        let listed = model.and_then(|model| self.prices.cost(model, UNSEEN));
        // Where nothing of the model is known, nothing is known of its response.
        let known = listed.or((self.dearest > Usd::ZERO).then_some(self.dearest))?;
        Some(known.max(self.dearest))
    }
}

/// A count of tokens: no response has a billion, and sums of what is smaller do not overflow.
pub(super) fn count(value: &Value) -> u64 {
    value.as_u64().unwrap_or(0).min(1_000_000_000)
}

/// Counts of which the cached ones, and those written to the cache, are part of the input.
pub(super) fn disjoint(input: u64, cached: u64, written: u64, output: u64) -> Usage {
    Usage {
        input: input.saturating_sub(cached).saturating_sub(written),
        cached_input: cached,
        cache_write: written,
        output,
    }
}

/// What is new in a sum that goes on counting.
pub(super) fn minus(sum: Usage, before: Usage) -> Usage {
    Usage {
        input: sum.input.saturating_sub(before.input),
        cached_input: sum.cached_input.saturating_sub(before.cached_input),
        cache_write: sum.cache_write.saturating_sub(before.cache_write),
        output: sum.output.saturating_sub(before.output),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CAP: Usd = Usd::from_micros(5_000_000);

    fn usage(input: u64, output: u64) -> Usage {
        Usage {
            input,
            output,
            ..Usage::default()
        }
    }

    fn bill(responses: &[(&str, Usage)]) -> TokenBill {
        let mut bill = TokenBill::at(Prices::default());
        for (model, usage) in responses {
            bill.response(model, *usage);
        }
        bill
    }

    #[test]
    fn a_sum_adds_what_was_not_seen() {
        let mut bill = bill(&[("gpt-5.5", usage(1_000, 100))]);
        bill.total("gpt-5.5", usage(3_000, 100));
        let charge = bill.charge(CAP, Some("gpt-5.5"), Ended::Itself);
        assert_eq!(
            (charge.cost.micros(), charge.usage.total()),
            (18_000, 3_100)
        );
        bill.total("gpt-5.5", usage(1, 1));
        assert_eq!(
            bill.charge(CAP, None, Ended::Itself),
            charge,
            "a smaller sum lowers nothing"
        );
    }

    #[test]
    fn long_contexts_are_priced_response_by_response() {
        let several = bill(&[
            ("gpt-5.5", usage(200_000, 0)),
            ("gpt-5.5", usage(200_000, 0)),
        ]);
        assert_eq!(several.so_far().micros(), 2_000_000);
        let one = bill(&[("gpt-5.5", usage(400_000, 0))]);
        assert_eq!(one.so_far().micros(), 4_000_000, "the control");
    }

    #[test]
    fn what_has_no_price_is_charged_in_full() {
        let bill = bill(&[
            ("gpt-5.5", usage(1_000, 0)),
            ("no-such-model", usage(70, 7)),
        ]);
        let charge = bill.charge(CAP, None, Ended::Itself);
        assert_eq!((charge.cost, charge.basis), (CAP, Basis::Assumed));
        assert_eq!(
            (charge.usage.total(), bill.unpriced()),
            (1_077, Some(1_077))
        );
    }

    #[test]
    fn a_response_that_was_cut_off_is_charged() {
        let seen = bill(&[("gpt-5.5", usage(1_000, 0))]);
        let cost = |model| seen.charge(CAP, model, Ended::CutOff).cost.micros();
        assert_eq!(cost(Some("gpt-5.5")), 5_000 + 220_000);
        assert_eq!(cost(None), 10_000, "as the dearest one seen");
        let nothing = bill(&[]).charge(CAP, None, Ended::CutOff);
        assert_eq!((nothing.cost, nothing.basis), (CAP, Basis::Assumed));
    }
}
