//! What a model's tokens cost, at its vendor's list prices.

use crate::rules::money::{Usage, Usd};

/// Billionths of a dollar for one token of each kind; a thousand of them are a dollar for a million tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Rates {
    input: u64,
    cached_input: u64,
    cache_write: u64,
    output: u64,
}

/// The prices of a family of models.
struct Price {
    /// What the model's name begins with; a longer one stands before a shorter one that it begins with.
    family: &'static str,
    rates: Rates,
    /// Other rates for all tokens of a response to more than so many tokens of context.
    above: Option<(u64, Rates)>,
}

const fn price(family: &'static str, rates: [u64; 4]) -> Price {
    let [input, cached_input, cache_write, output] = rates;
    Price {
        family,
        rates: Rates {
            input,
            cached_input,
            cache_write,
            output,
        },
        above: None,
    }
}

/// As Claude Code 2.1.328 applies them, measured.
const PRICES: &[Price] = &[
    price("claude-opus-5-5", [4_000, 200, 5_000, 20_000]),
    price("claude-sonnet-5-5", [2_000, 100, 2_500, 10_000]),
    price("claude-fable-5-2", [8_000, 200, 10_000, 40_000]),
    Price {
        above: Some((
            100_000,
            Rates {
                input: 500,
                cached_input: 50,
                cache_write: 625,
                output: 2_500,
            },
        )),
        ..price("claude-haiku-5-5", [100, 10, 125, 500])
    },
    price("claude-opus-4-5", [5_000, 500, 6_250, 25_000]),
    price("claude-sonnet-4-5", [3_000, 300, 3_750, 15_000]),
    price("claude-haiku-4-5", [1_000, 100, 1_250, 5_000]),
];

/// Short names, and what they mean.
const ALIASES: &[(&str, &str)] = &[
    ("opus", "claude-opus-5-5"),
    ("sonnet", "claude-sonnet-5-5"),
    ("opusplan", "claude-sonnet-5-5"),
    ("haiku", "claude-haiku-5-5"),
    ("fable", "claude-fable-5-2"),
];

/// What one response of this model costs, rounded up to the micro-dollar; `None` where its price is not known.
/// The tokens must be those of one response: the size of its context decides its rates.
#[must_use]
pub fn cost(model: &str, usage: Usage) -> Option<Usd> {
    let price = find(model)?;
    let context = usage
        .input
        .saturating_add(usage.cached_input)
        .saturating_add(usage.cache_write);
    let rates = match price.above {
        Some((limit, rates)) if context > limit => rates,
        Some(_) | None => price.rates,
    };
    let parts = [
        (usage.input, rates.input),
        (usage.cached_input, rates.cached_input),
        (usage.cache_write, rates.cache_write),
        (usage.output, rates.output),
    ];
    let billionths = parts
        .iter()
        .map(|(tokens, rate)| u128::from(*tokens) * u128::from(*rate))
        .sum::<u128>();
    let micros = u64::try_from(billionths.div_ceil(1_000)).unwrap_or(u64::MAX);
    Some(Usd::from_micros(micros))
}

fn find(model: &str) -> Option<&'static Price> {
    let name = ALIASES
        .iter()
        .find(|(alias, _)| *alias == model)
        .map_or(model, |(_, name)| name);
    // Clouds put their own words before the vendor's name: `us.anthropic.claude-...`.
    let name = &name[name.find("claude-").unwrap_or(0)..];
    PRICES.iter().find(|price| {
        let rest = name.strip_prefix(price.family);
        // `claude-opus-4-50` is not `claude-opus-4-5`.
        rest.is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_digit()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(input: u64, cached_input: u64, cache_write: u64, output: u64) -> Usage {
        Usage {
            input,
            cached_input,
            cache_write,
            output,
        }
    }

    #[test]
    fn tokens_cost_what_the_vendor_lists() {
        let check = |model: &str, tokens: Usage, micros: Option<u64>| {
            assert_eq!(cost(model, tokens), micros.map(Usd::from_micros), "{model}");
        };
        let run = usage(12_900, 40_500, 8_000, 600);
        check("claude-opus-5-5", run, Some(111_700));
        check("opus", run, Some(111_700));
        check("sonnet", usage(1_000, 0, 0, 100), Some(3_000));
        check(
            "claude-opus-4-5-20251101",
            usage(1_000_000, 0, 0, 0),
            Some(5_000_000),
        );
        check(
            "us.anthropic.claude-sonnet-4-5-v1:0",
            usage(0, 0, 0, 1_000),
            Some(15_000),
        );
        check("claude-opus-4-50", run, None);
        check("gpt-5.5", run, None);
        check("", run, None);
    }

    #[test]
    fn a_long_context_has_its_own_rates() {
        let cost = |tokens| cost("haiku", tokens).unwrap().micros();
        assert_eq!(cost(usage(100_000, 0, 0, 1_000)), 10_500);
        assert_eq!(cost(usage(300_000, 0, 0, 100_000)), 400_000);
        assert_eq!(cost(usage(1_000, 150_000, 100_000, 0)), 70_500);
    }

    #[test]
    fn nothing_is_free_and_nothing_overflows() {
        assert_eq!(cost("haiku", usage(0, 1, 0, 0)), Some(Usd::from_micros(1)));
        assert_eq!(
            cost("opus", usage(0, 0, 0, u64::MAX)),
            Some(Usd::from_micros(u64::MAX))
        );
        assert_eq!(cost("opus", Usage::default()), Some(Usd::ZERO));
    }
}
