//! Rows by time and by what they have in common: one look at each row, whatever it is split by.

use crate::rules::analytics::rates::{Rates, Sums};
use crate::rules::analytics::rows::{Offered, PullEnd, Rows, Traits};
use crate::rules::ids::Timestamp;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What figures are grouped by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum By {
    /// The repository.
    Project,
    /// The domain.
    Domain,
    /// What the issue asks for.
    Type,
    /// The agent.
    Agent,
    /// The model.
    Model,
}

impl By {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 5] = [
        Self::Project,
        Self::Domain,
        Self::Type,
        Self::Agent,
        Self::Model,
    ];

    /// One word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Project => "project",
            Self::Domain => "domain",
            Self::Type => "type",
            Self::Agent => "agent",
            Self::Model => "model",
        }
    }

    fn of(self, traits: &Traits) -> &Arc<str> {
        match self {
            Self::Project => &traits.project,
            Self::Domain => &traits.domain,
            Self::Type => &traits.kind,
            Self::Agent => &traits.agent,
            Self::Model => &traits.model,
        }
    }
}

/// Figures of one window: of all, and by group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// Its name: `7d`, or the day that it begins on.
    pub name: String,
    /// From then on.
    pub since: Timestamp,
    /// All together.
    pub all: Rates,
    /// The same by what rows have in common, the dearest first.
    pub groups: Vec<(By, Vec<(String, Rates)>)>,
}

/// What happened from this moment on. A task counts by when it ended, a bill by when it was settled, a pull by when its end was
/// seen, or, where none was, by when it was offered.
#[must_use]
pub fn window(rows: &Rows, name: &str, since: Timestamp) -> Window {
    let all = split(rows, since, |_, _| Some(())).pop();
    let groups = By::ALL.map(|by| {
        let split = split(rows, since, |traits, _| Some(Arc::clone(by.of(traits))));
        let mut named: Vec<(String, Rates)> = split
            .into_iter()
            .map(|(name, rates)| (name.to_string(), rates))
            .collect();
        named.sort_by(|(a, x), (b, y)| y.cost.cmp(&x.cost).then_with(|| a.cmp(b)));
        (by, named)
    });
    Window {
        name: name.to_owned(),
        since,
        all: all.map(|((), rates)| rates).unwrap_or_default(),
        groups: groups.to_vec(),
    }
}

/// Figures of each step of time from `since` to `now`, the oldest first: so many steps of so many milliseconds, the last one
/// ending where `now`'s step ends. Steps begin at whole multiples, so that days are UTC days.
#[must_use]
pub fn trend(
    rows: &Rows,
    (since, now): (Timestamp, Timestamp),
    step: i64,
) -> Vec<(Timestamp, Rates)> {
    let place = |at: Timestamp| at.0.div_euclid(step);
    let (first, last) = (place(since), place(now));
    let found = split(rows, since, |_, at| {
        Some(place(at)).filter(|place| (first..=last).contains(place))
    });
    let mut found: BTreeMap<i64, Rates> = found.into_iter().collect();
    (first..=last)
        .map(|place| {
            let rates = found.remove(&place).unwrap_or_default();
            (Timestamp(place * step), rates)
        })
        .collect()
}

/// Rates by key, in the keys' order.
fn split<K: Ord>(
    rows: &Rows,
    since: Timestamp,
    key: impl Fn(&Traits, Timestamp) -> Option<K>,
) -> Vec<(K, Rates)> {
    let mut sums: BTreeMap<K, Sums> = BTreeMap::new();
    for done in rows.done.iter().filter(|done| done.ended >= since) {
        if let Some(key) = key(&done.traits, done.ended) {
            sums.entry(key).or_default().done(done);
        }
    }
    for offered in &rows.offered {
        let at = last(offered);
        if let Some(key) = key(&offered.traits, at).filter(|_| at >= since) {
            sums.entry(key).or_default().offered(offered);
        }
    }
    for bill in rows.bills.iter().filter(|bill| bill.at >= since) {
        if let Some(key) = key(&bill.traits, bill.at) {
            sums.entry(key).or_default().bill(bill);
        }
    }
    let rates = sums.into_iter().map(|(key, sums)| (key, sums.rates()));
    rates.collect()
}

/// The last that was seen of a pull.
fn last(offered: &Offered) -> Timestamp {
    offered.end.map_or(offered.at, PullEnd::at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::analytics::rates::Share;
    use crate::rules::analytics::sample::{bill, done, offered};
    use crate::rules::money::Usd;
    use crate::rules::task::Ending;

    const DAY: i64 = 86_400_000;

    /// Ended on so many days, the first one cheap and failed, the others dear and completed.
    fn rows(days: i64) -> Rows {
        let mut rows = Rows::default();
        for day in 0..days {
            let at = Timestamp(day * DAY + 5);
            let ending = if day == 0 {
                Ending::Failed
            } else {
                Ending::Completed
            };
            let mut task = done(u64::try_from(day).unwrap() + 1, ending);
            (task.began, task.ended) = (Some(Timestamp(at.0 - 5)), at);
            let mut paid = bill(1_000_000);
            paid.at = at;
            if day > 0 {
                task.traits.model = "opus".into();
                paid.traits.model = "opus".into();
                paid.cost = Usd::from_micros(2_000_000);
            }
            rows.done.push(task);
            rows.bills.push(paid);
        }
        rows
    }

    #[test]
    fn only_what_happened_within_counts_and_groups_add_up() {
        let rows = rows(3);
        let all = window(&rows, "all", Timestamp(0));
        assert_eq!(all.all.fixed, Share { part: 2, all: 3 });
        assert_eq!(all.all.cost, Usd::from_micros(5_000_000));
        let later = window(&rows, "2d", Timestamp(DAY));
        assert_eq!(later.all.fixed, Share { part: 2, all: 2 });
        for (by, groups) in &all.groups {
            let tried: u64 = groups.iter().map(|(_, rates)| rates.fixed.all).sum();
            let cost: Usd = groups.iter().map(|(_, rates)| rates.cost).sum();
            assert_eq!((tried, cost), (3, all.all.cost), "{by:?}");
        }
        let (by, models) = &all.groups[4];
        assert_eq!((by, models[0].0.as_str()), (&By::Model, "opus"));
        assert_eq!(models[1].1.fixed, Share { part: 0, all: 1 });
    }

    #[test]
    fn a_pull_counts_when_its_end_was_seen_and_until_then_when_it_was_offered() {
        let mut rows = Rows::default();
        rows.offered.push(offered(None));
        let at = Timestamp(5 * DAY);
        rows.offered.push(offered(Some(PullEnd::Rejected { at })));
        let early = window(&rows, "all", Timestamp(0)).all;
        assert_eq!((early.waiting, early.merged.all), (1, 1));
        let late = window(&rows, "late", at).all;
        assert_eq!((late.waiting, late.merged.all), (0, 1));
    }

    #[test]
    fn a_trend_has_every_day_and_no_row_twice() {
        let rows = rows(3);
        let days = trend(&rows, (Timestamp(0), Timestamp(3 * DAY + 9)), DAY);
        let tried: Vec<u64> = days.iter().map(|(_, rates)| rates.fixed.all).collect();
        assert_eq!(tried, [1, 1, 1, 0]);
        assert_eq!(days[2].0, Timestamp(2 * DAY));
        // What lies ahead, by a clock that was wrong, is not put into the last step.
        let cut = trend(&rows, (Timestamp(0), Timestamp(DAY)), DAY);
        let tried: u64 = cut.iter().map(|(_, rates)| rates.fixed.all).sum();
        assert_eq!(tried, 2);
    }
}
