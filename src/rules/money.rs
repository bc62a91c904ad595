//! Money in whole micro-dollars, and the tokens that it was paid for.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign};

const MICROS: u64 = 1_000_000;
/// More than any run may cost: a report above it is nonsense, not a bill.
const ABSURD_DOLLARS: f64 = 1_000_000.0;

/// An amount in US micro-dollars; never negative, never a float.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Usd(u64);

impl Usd {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// More than there is: no limit.
    pub const UNLIMITED: Self = Self(u64::MAX);

    /// So many millionths of a dollar.
    #[must_use]
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// The amount in millionths of a dollar.
    #[must_use]
    pub const fn micros(self) -> u64 {
        self.0
    }

    /// Dollars as a program prints them; `None` for NaN, infinite, negative or absurd (over a million) amounts.
    /// Rounds up to the next micro-dollar, so that nothing becomes free.
    #[must_use]
    pub fn from_dollars(dollars: f64) -> Option<Self> {
        if !dollars.is_finite() || !(0.0..=ABSURD_DOLLARS).contains(&dollars) {
            return None;
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "checked to lie in 0..=1e12"
        )]
        let micros = (dollars * 1e6 - 1e-4).ceil().max(0.0) as u64;
        Some(Self(micros))
    }

    /// A decimal such as `25` or `0.50`, as a person types it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        text.trim()
            .trim_start_matches('$')
            .parse()
            .ok()
            .and_then(Self::from_dollars)
    }

    /// The difference, or nothing where `other` is larger.
    #[must_use]
    pub const fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// So many times the amount.
    #[must_use]
    pub const fn times(self, count: u64) -> Self {
        Self(self.0.saturating_mul(count))
    }

    /// A share of the amount in hundredths, rounded up.
    #[must_use]
    pub const fn percent(self, percent: u64) -> Self {
        Self(self.0.saturating_mul(percent).div_ceil(100))
    }

    /// Dollars as a float, for programs that take nothing else.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        reason = "exact below nine billion dollars"
    )]
    pub fn dollars(self) -> f64 {
        self.0 as f64 / 1e6
    }

    /// Dollars as a decimal without sign: at least two places, at most six, no rounding: `0.1117`, `5.00`.
    #[must_use]
    pub fn decimal(self) -> String {
        let digits = format!("{:06}", self.0 % MICROS);
        let kept = digits.trim_end_matches('0').len().max(2);
        format!("{}.{}", self.0 / MICROS, &digits[..kept])
    }
}

impl fmt::Display for Usd {
    /// `$60.00`; four places where cents do not say it: `$0.1117`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = if self.0.is_multiple_of(10_000) {
            format!("${}.{:02}", self.0 / MICROS, self.0 % MICROS / 10_000)
        } else {
            let tenths_of_cents = self.0.div_ceil(100);
            format!(
                "${}.{:04}",
                tenths_of_cents / 10_000,
                tenths_of_cents % 10_000
            )
        };
        f.pad(&text)
    }
}

impl Add for Usd {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Usd {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sum for Usd {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Add::add)
    }
}

/// Tokens in four buckets that do not overlap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Read by the model, and not from its cache.
    pub input: u64,
    /// Read from the cache.
    pub cached_input: u64,
    /// Written to the cache.
    pub cache_write: u64,
    /// Written by the model, its thinking included.
    pub output: u64,
}

impl Usage {
    /// All tokens, whatever they cost.
    #[must_use]
    pub fn total(self) -> u64 {
        self.input + self.cached_input + self.cache_write + self.output
    }
}

impl Add for Usage {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self {
            input: self.input + other.input,
            cached_input: self.cached_input + other.cached_input,
            cache_write: self.cache_write + other.cache_write,
            output: self.output + other.output,
        }
    }
}

/// How we know what an attempt cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// The agent said so.
    #[default]
    Reported,
    /// Its tokens, at our list prices.
    Table,
    /// A subscription paid for it: no bill.
    Subscription,
    /// Nobody knows: the whole grant is charged.
    Assumed,
}

/// What an attempt cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Charge {
    /// The bill.
    pub cost: Usd,
    /// The tokens it was for.
    pub usage: Usage,
    /// How we know.
    pub basis: Basis,
}

impl Charge {
    /// Nothing known, so all that was granted.
    #[must_use]
    pub fn assumed(grant: Usd) -> Self {
        Self {
            cost: grant,
            usage: Usage::default(),
            basis: Basis::Assumed,
        }
    }

    /// Both together; as certain as the less certain one.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        let basis = match (self.basis, other.basis) {
            (Basis::Assumed, _) | (_, Basis::Assumed) => Basis::Assumed,
            (Basis::Table, _) | (_, Basis::Table) => Basis::Table,
            (Basis::Subscription, _) | (_, Basis::Subscription) => Basis::Subscription,
            (Basis::Reported, Basis::Reported) => Basis::Reported,
        };
        Self {
            cost: self.cost + other.cost,
            usage: self.usage + other.usage,
            basis,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nonsense_is_no_amount() {
        for dollars in [f64::NAN, f64::INFINITY, -0.01, 1e308] {
            assert_eq!(Usd::from_dollars(dollars), None, "{dollars}");
        }
        assert_eq!(Usd::from_dollars(0.0), Some(Usd::ZERO));
        assert_eq!(Usd::from_dollars(0.1117), Some(Usd::from_micros(111_700)));
        assert_eq!(
            Usd::from_dollars(0.000_000_4),
            Some(Usd::from_micros(1)),
            "nothing becomes free"
        );
    }

    #[test]
    fn amounts_show_the_cents_a_person_needs() {
        let check = |micros, shown: &str, decimal: &str| {
            assert_eq!(Usd::from_micros(micros).to_string(), shown);
            assert_eq!(Usd::from_micros(micros).decimal(), decimal);
        };
        check(60_000_000, "$60.00", "60.00");
        check(111_700, "$0.1117", "0.1117");
        check(1, "$0.0001", "0.000001");
        check(0, "$0.00", "0.00");
    }

    #[test]
    fn what_a_person_types_is_read() {
        assert_eq!(Usd::parse(" $25 "), Some(Usd::from_micros(25_000_000)));
        assert_eq!(Usd::parse("0.5"), Some(Usd::from_micros(500_000)));
        assert_eq!(Usd::parse("NaN"), None);
        assert_eq!(Usd::parse("-1"), None);
        assert_eq!(Usd::parse("five"), None);
    }

    #[test]
    fn a_charge_is_as_certain_as_its_least_certain_part() {
        let known = Charge {
            cost: Usd::from_micros(5),
            ..Charge::default()
        };
        let both = known.plus(Charge::assumed(Usd::from_micros(7)));
        assert_eq!(
            (both.cost, both.basis),
            (Usd::from_micros(12), Basis::Assumed)
        );
    }
}
