//! What a run of Claude Code costs: as its stream tells it meanwhile, and as its result line tells it in the end.
//!
//! `total_cost_usd` goes on counting over `--resume`; what is new since the last result stands beside it. The lines of
//! one message all repeat the counts of its beginning; only stream events have the true ones.

use crate::rules::money::{Basis, Charge, Usage, Usd};
use crate::rules::prices::Prices;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// What the client charges for a model that it does not know.
const DEAREST_MODEL: &str = "claude-opus-5-5";
/// A response that nobody saw is taken for one of this size, or for the dearest one seen where that cost more.
const UNSEEN: Usage = Usage {
    input: 20_000,
    cached_input: 0,
    cache_write: 0,
    output: 4_000,
};

/// The bill of one run, as it grows.
#[derive(Debug, Default)]
pub struct Bill {
    prices: Prices,
    finished: Usd,
    usage: Usage,
    /// Responses on their way, by the tool use that they belong to; nothing for the main one.
    open: BTreeMap<String, Response>,
    /// The latest response's name, in each of those.
    latest: BTreeMap<String, String>,
    dearest: Usd,
    /// Has something been asked whose answer has not begun?
    awaiting: bool,
    /// Has a response been seen whose model has no price?
    guessed: bool,
    seen: bool,
    reported: Reported,
}

/// What result lines said.
#[derive(Debug, Default)]
enum Reported {
    #[default]
    Nothing,
    Sum(Usd, Usage),
    Nonsense,
}

/// Was the conversation new? Decides what a sum over the whole conversation is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Past {
    /// It was: its sum is the run's.
    None,
    /// It had been paid for before.
    Paid,
}

impl Bill {
    /// One that nothing stands on yet, at these prices.
    #[must_use]
    pub fn at(prices: Prices) -> Self {
        Self {
            prices,
            ..Self::default()
        }
    }

    /// A request is on its way.
    pub fn requested(&mut self) {
        self.awaiting = true;
    }

    /// A response has begun.
    pub fn opened(&mut self, part: &str, message: &Value) {
        self.closed(part);
        self.awaiting = false;
        self.seen = true;
        let response = Response {
            model: message["model"].as_str().unwrap_or_default().to_owned(),
            usage: tokens(&message["usage"]),
        };
        self.guessed |= response.usage.total() > 0
            && self.prices.cost(&response.model, response.usage).is_none();
        let id = message["id"].as_str().unwrap_or_default();
        self.latest.insert(part.to_owned(), id.to_owned());
        self.open.insert(part.to_owned(), response);
    }

    /// A message has come, or a part of it; one that was not streamed has its counts here and nowhere else.
    pub fn heard(&mut self, part: &str, message: &Value) {
        if self.latest.get(part).map(String::as_str) != message["id"].as_str() {
            self.opened(part, message);
            self.closed(part);
        }
    }

    /// A response has grown.
    pub fn grew(&mut self, part: &str, usage: &Value) {
        if let Some(response) = self.open.get_mut(part) {
            // A delta may leave out what has not changed.
            response.usage = larger(response.usage, tokens(usage));
        }
    }

    /// A response is complete.
    pub fn closed(&mut self, part: &str) {
        if let Some(response) = self.open.remove(part) {
            let cost = self.cost_of(&response);
            self.finished += cost;
            self.usage = self.usage + response.usage;
            self.dearest = self.dearest.max(cost);
        }
    }

    /// A result line has come; there can be several, each counts what is new.
    pub fn report(&mut self, result: &Value, past: Past) {
        self.awaiting = false;
        self.reported = match std::mem::take(&mut self.reported) {
            Reported::Nothing => self.read(result, past, (Usd::ZERO, Usage::default())),
            Reported::Sum(cost, usage) => self.read(result, past, (cost, usage)),
            Reported::Nonsense => Reported::Nonsense,
        };
    }

    fn read(&self, result: &Value, past: Past, before: (Usd, Usage)) -> Reported {
        let total = dollars(&result["total_cost_usd"]);
        match result["model_usage_since_last_result"].as_object() {
            Some(models) => sum(models).map_or(Reported::Nonsense, |new| {
                Reported::Sum(before.0 + new.0, before.1 + new.1)
            }),
            // Of a conversation that was paid for before, it is at least no less than this run's.
            None if past == Past::None || !self.seen => total.map_or(Reported::Nonsense, |total| {
                Reported::Sum(total, tokens(&result["usage"]))
            }),
            None => Reported::Nonsense,
        }
    }

    /// What the run has cost so far, as far as anybody can tell.
    #[must_use]
    pub fn so_far(&self) -> Usd {
        self.finished + self.open.values().map(|open| self.cost_of(open)).sum()
    }

    /// Its tokens so far.
    #[must_use]
    pub fn tokens(&self) -> Usage {
        self.open
            .values()
            .fold(self.usage, |sum, response| sum + response.usage)
    }

    /// The dearest single response.
    #[must_use]
    pub fn dearest(&self) -> Usd {
        self.open
            .values()
            .map(|open| self.cost_of(open))
            .fold(self.dearest, Usd::max)
    }

    /// What to charge now that it has ended: what it reported; else what was seen, at list prices, with a response
    /// that was cut off; else, where nothing is certain, all of the cap.
    #[must_use]
    pub fn charge(&self, cap: Usd, model: Option<&str>) -> Charge {
        let is_known = !self.guessed && (self.seen || self.awaiting);
        match (&self.reported, self.unseen(model)) {
            (Reported::Sum(cost, usage), _) => Charge {
                cost: *cost,
                usage: *usage,
                basis: Basis::Reported,
            },
            (Reported::Nothing, Some(unseen)) if is_known => self.at_list_prices(unseen),
            (Reported::Nonsense, _) if is_known && self.seen => self.at_list_prices(Usd::ZERO),
            (Reported::Nothing | Reported::Nonsense, _) => Charge::assumed(cap),
        }
    }

    fn cost_of(&self, response: &Response) -> Usd {
        let (prices, usage) = (&self.prices, response.usage);
        prices
            .cost(&response.model, usage)
            .or_else(|| prices.cost(DEAREST_MODEL, usage))
            .unwrap_or_default()
    }

    fn at_list_prices(&self, unseen: Usd) -> Charge {
        Charge {
            cost: self.so_far() + unseen,
            usage: self.tokens(),
            basis: Basis::Table,
        }
    }

    /// What may have been spent on a response that was cut off or not even begun.
    fn unseen(&self, model: Option<&str>) -> Option<Usd> {
        if !self.awaiting && self.open.is_empty() {
            return Some(Usd::ZERO);
        }
        let first = self.prices.cost(model?, UNSEEN)?;
        Some(first.max(self.dearest))
    }
}

/// A response on its way.
#[derive(Debug)]
struct Response {
    model: String,
    usage: Usage,
}

/// The sum over all models; `None` where it is nonsense.
fn sum(models: &Map<String, Value>) -> Option<(Usd, Usage)> {
    let mut sum = (Usd::ZERO, Usage::default());
    for model in models.values() {
        sum.0 += dollars(&model["costUSD"])?;
        sum.1 = sum.1
            + Usage {
                input: count(&model["inputTokens"]),
                cached_input: count(&model["cacheReadInputTokens"]),
                cache_write: count(&model["cacheCreationInputTokens"]),
                output: count(&model["outputTokens"]),
            };
    }
    Some(sum)
}

fn dollars(value: &Value) -> Option<Usd> {
    value.as_f64().and_then(Usd::from_dollars)
}

fn tokens(usage: &Value) -> Usage {
    Usage {
        input: count(&usage["input_tokens"]),
        cached_input: count(&usage["cache_read_input_tokens"]),
        cache_write: count(&usage["cache_creation_input_tokens"]),
        output: count(&usage["output_tokens"]),
    }
}

/// No response has a billion tokens, and sums of what is smaller do not overflow.
fn count(value: &Value) -> u64 {
    value.as_u64().unwrap_or(0).min(1_000_000_000)
}

fn larger(a: Usage, b: Usage) -> Usage {
    Usage {
        input: a.input.max(b.input),
        cached_input: a.cached_input.max(b.cached_input),
        cache_write: a.cache_write.max(b.cache_write),
        output: a.output.max(b.output),
    }
}
