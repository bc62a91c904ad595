//! What a model's tokens cost: its vendor's list prices, and the user's own over them.

use crate::rules::money::{Usage, Usd};
use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

/// Claude's as Claude Code 2.1.328 applies them, measured; the others as opencode 1.18.33 lists them.
const LISTED: &str = include_str!("prices.json");
/// More than any million tokens cost, in dollars.
const ABSURD: f64 = 1_000_000.0;

/// Dollars for a million tokens; kept in billionths of a dollar for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema)]
pub struct Rate(#[schemars(with = "f64", range(min = 0))] u64);

/// What a million tokens of each kind cost, in dollars.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[serde(expecting = "an object with `input` and `output`")]
pub struct Price {
    /// Read by the model.
    pub input: Rate,
    /// Read from its cache; as `input` where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cached_input: Option<Rate>,
    /// Written to its cache; as `input` where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_write: Option<Rate>,
    /// Written by the model, its thinking included.
    pub output: Rate,
    /// Other prices for all tokens of a response to a long context.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub above: Option<Above>,
}

/// What tokens cost in responses to more than so many tokens of context.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[serde(expecting = "an object with `tokens`, `input` and `output`")]
pub struct Above {
    /// The context up to which the usual prices hold.
    pub tokens: u64,
    /// Read by the model.
    pub input: Rate,
    /// Read from its cache; as `input` where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cached_input: Option<Rate>,
    /// Written to its cache; as `input` where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_write: Option<Rate>,
    /// Written by the model, its thinking included.
    pub output: Rate,
}

/// Prices by the model's name; the user's own come before the listed ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prices {
    own: Arc<BTreeMap<String, Price>>,
}

#[derive(Debug, Deserialize)]
struct Listed {
    aliases: BTreeMap<String, String>,
    models: BTreeMap<String, Price>,
}

impl Prices {
    /// These over the listed ones.
    #[must_use]
    pub fn with(own: BTreeMap<String, Price>) -> Self {
        Self { own: Arc::new(own) }
    }

    /// What one response of this model costs, rounded up to the micro-dollar; `None` where its price is not known.
    /// The tokens must be those of one response: the size of its context decides its rates.
    #[must_use]
    pub fn cost(&self, model: &str, usage: Usage) -> Option<Usd> {
        let price = self.find(model)?;
        let parts = [
            usage.input,
            usage.cached_input,
            usage.cache_write,
            usage.output,
        ];
        let rates = price.rates(usage);
        let billionths = parts
            .into_iter()
            .zip(rates)
            .map(|(tokens, rate)| u128::from(tokens) * u128::from(rate.0))
            .sum::<u128>();
        let micros = u64::try_from(billionths.div_ceil(1_000)).unwrap_or(u64::MAX);
        Some(Usd::from_micros(micros))
    }

    /// Is there a price for this model?
    #[must_use]
    pub fn knows(&self, model: &str) -> bool {
        self.find(model).is_some()
    }

    fn find(&self, model: &str) -> Option<&Price> {
        let listed = listed();
        let name = plain(model);
        let full = listed.aliases.get(name).map_or(name, String::as_str);
        self.own
            .get(model)
            .or_else(|| self.own.get(name))
            .or_else(|| in_family(&listed.models, full))
    }
}

impl Price {
    fn rates(&self, usage: Usage) -> [Rate; 4] {
        let context = usage
            .input
            .saturating_add(usage.cached_input)
            .saturating_add(usage.cache_write);
        let (input, cached, write, output) = match self.above {
            Some(above) if context > above.tokens => (
                above.input,
                above.cached_input,
                above.cache_write,
                above.output,
            ),
            Some(_) | None => (self.input, self.cached_input, self.cache_write, self.output),
        };
        [
            input,
            cached.unwrap_or(input),
            write.unwrap_or(input),
            output,
        ]
    }
}

fn listed() -> &'static Listed {
    static LIST: OnceLock<Listed> = OnceLock::new();
    LIST.get_or_init(|| serde_json::from_str(LISTED).expect("the list is tried by a test"))
}

/// A model's own name: clouds and catalogues put words before it, as in `us.anthropic.claude-...`, `openai/gpt-...`.
fn plain(model: &str) -> &str {
    let name = model.rsplit('/').next().unwrap_or(model);
    &name[name.find("claude-").unwrap_or(0)..]
}

/// The model itself, or a dated or numbered release of it; never one that is merely called alike.
fn in_family<'a>(models: &'a BTreeMap<String, Price>, name: &str) -> Option<&'a Price> {
    models.get(name).or_else(|| {
        let is_release = |family: &&String| name.strip_prefix(family.as_str()).is_some_and(release);
        models
            .iter()
            .find_map(|(family, price)| is_release(&family).then_some(price))
    })
}

/// `-20251101`, `-2026-03-05`, `-v1:0`, `@20251101`, `[1m]`.
fn release(rest: &str) -> bool {
    match rest.strip_prefix('-') {
        Some(rest) => {
            let (date, version) = rest.split_once("-v").unwrap_or((rest, "1"));
            let digits = date.chars().filter(char::is_ascii_digit).count();
            let is_date = digits == 8 && date.chars().all(|c| c.is_ascii_digit() || c == '-');
            let is_numbered = |text: &str| text.starts_with(|c: char| c.is_ascii_digit());
            (is_date && is_numbered(version)) || rest.strip_prefix('v').is_some_and(is_numbered)
        }
        None => rest.starts_with(['@', ':', '[']),
    }
}

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let dollars = f64::deserialize(deserializer)?;
        if !(0.0..=ABSURD).contains(&dollars) {
            return Err(D::Error::custom(format!(
                "{dollars} is no price of a million tokens"
            )));
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "checked to lie in 0..=1e9"
        )]
        let billionths = (dollars * 1_000.0).round() as u64;
        Ok(Self(billionths))
    }
}

impl Serialize for Rate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[expect(clippy::cast_precision_loss, reason = "at most 1e9")]
        serializer.serialize_f64(self.0 as f64 / 1_000.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cost(model: &str, usage: Usage) -> Option<Usd> {
        Prices::default().cost(model, usage)
    }

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
        check("claude-opus-5-5-turbo", run, None);
        check("openai/gpt-5.5", usage(1_000, 0, 0, 100), Some(8_000));
        check("gpt-5.5-2026-04-23", usage(1_000, 0, 0, 100), Some(8_000));
        check("gpt-5.5-pro", run, None);
        check("gpt-5.5-\u{fffd}\u{fffd}\u{fffd}5-v1", run, None);
        check(
            "claude-sonnet-4-5-20250929-v1:0",
            usage(0, 0, 0, 1_000),
            Some(15_000),
        );
        check("gemini-3.8-flash", usage(1_000, 0, 0, 100), Some(1_125));
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

    #[test]
    fn the_users_own_prices_come_first() {
        let own = r#"{ "gpt-5.5": { "input": 1, "output": 2 }, "my-model": { "input": 0.25, "output": 0.5 } }"#;
        let prices = Prices::with(serde_json::from_str(own).unwrap());
        let tokens = usage(1_000, 1_000, 1_000, 1_000);
        let check = |model: &str, micros: Option<u64>| {
            assert_eq!(
                prices.cost(model, tokens),
                micros.map(Usd::from_micros),
                "{model}"
            );
        };
        check("gpt-5.5", Some(5_000));
        check("openai/my-model", Some(1_250));
        check("opus", Some(29_200));
        check("no-model", None);
        assert!(prices.knows("my-model") && !Prices::default().knows("my-model"));
    }

    #[test]
    fn a_price_is_no_nonsense() {
        for price in ["-1", "1e9", "\"1\"", "null"] {
            let text = format!(r#"{{ "input": {price}, "output": 1 }}"#);
            assert!(serde_json::from_str::<Price>(&text).is_err(), "{price}");
        }
    }

    #[test]
    fn no_model_is_listed_under_a_name_that_means_another() {
        for (alias, model) in &listed().aliases {
            assert!(listed().models.contains_key(model), "{alias}");
        }
        for model in listed().models.keys() {
            let releases = listed()
                .models
                .keys()
                .filter(|family| model.strip_prefix(family.as_str()).is_some_and(release));
            assert_eq!(releases.count(), 0, "{model}");
        }
    }
}
