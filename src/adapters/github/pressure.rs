//! How hard a forge was pressed, and until when it wants to be left alone.

use crate::adapters::github::limits::{Errand, Kind, Limits};
use crate::adapters::github::verdict::{Rate, Wait};
use crate::adapters::github::window::Window;
use crate::rules::ids::Timestamp;
use crate::rules::quota::{Allowance, Api};
use chrono::DateTime;
use std::time::Duration;
use tokio::time::Instant;

pub(super) const MINUTE: Duration = Duration::from_secs(60);
pub(super) const HOUR: Duration = Duration::from_secs(3600);

/// What was sent, and what was heard of limits.
#[derive(Debug)]
pub(super) struct State {
    limits: Limits,
    pause: Option<Instant>,
    /// How many limits in a row came without a time.
    strikes: u32,
    last_write: Option<Instant>,
    per_minute: Window,
    per_hour: Window,
    points: Window,
    rest: Gauge,
    graphql: Gauge,
    on_their_way: u32,
}

/// A primary limit, as it was heard last.
#[derive(Debug, Default)]
struct Gauge {
    rate: Option<Rate>,
    /// When there are all of them again.
    full: Option<Instant>,
    pause: Option<Instant>,
    /// Until then it is known to people that little is left.
    told: Option<Instant>,
}

impl State {
    pub(super) fn new(limits: &Limits) -> Self {
        let (minute, hour) = (limits.span(MINUTE), limits.span(HOUR));
        Self {
            limits: *limits,
            pause: None,
            strikes: 0,
            last_write: None,
            per_minute: Window::new(minute, limits.creations_per_minute),
            per_hour: Window::new(hour, limits.creations_per_hour),
            points: Window::new(minute, limits.points_per_minute),
            rest: Gauge::default(),
            graphql: Gauge::default(),
            on_their_way: 0,
        }
    }

    /// What the forge last said about the primary limit of REST.
    pub(super) fn rate(&self) -> Option<Rate> {
        self.rest.rate
    }

    /// What it last said about its primary limits.
    pub(super) fn allowances(&self) -> Vec<Allowance> {
        let both = [(Api::Rest, &self.rest), (Api::Graphql, &self.graphql)];
        let known = both
            .into_iter()
            .filter_map(|(api, gauge)| gauge.rate.map(|rate| allowance(api, rate)));
        known.collect()
    }

    /// It said how much is left, and when there are all of them again.
    pub(super) fn read(&mut self, api: Api, rate: Rate, full: Instant) {
        let gauge = self.gauge(api);
        (gauge.rate, gauge.full) = (Some(rate), Some(full));
    }

    /// Nothing is left until then.
    pub(super) fn exhausted(&mut self, api: Api, until: Instant) {
        let gauge = self.gauge(api);
        gauge.pause = Some(gauge.pause.map_or(until, |pause| pause.max(until)));
    }

    /// Until when a request leaves what little there is to those that save work.
    pub(super) fn spared_until(&mut self, errand: Errand, now: Instant) -> Option<Instant> {
        let spared = self.limits.spared;
        let gauge = self.gauge(errand.api);
        let (rate, until) = (gauge.rate?, gauge.full?);
        let left = allowance(errand.api, rate);
        let is_short = left.left < left.spared(spared) && now < until;
        if !is_short || !errand.urgency.waits() {
            return None;
        }
        if gauge.told != Some(until) {
            gauge.told = Some(until);
            tell(&left);
        }
        Some(until)
    }

    /// When such a request may go out, if nothing else happens.
    pub(super) fn earliest(&mut self, errand: Errand, now: Instant) -> Instant {
        let kind = errand.kind;
        let spacing = self.limits.span(self.limits.write_spacing);
        let mut until = now
            .max(self.pause.unwrap_or(now))
            .max(self.gauge(errand.api).pause.unwrap_or(now))
            .max(self.points.free_at(now, kind.points()));
        if kind != Kind::Read {
            until = until.max(self.last_write.map_or(now, |last| last + spacing));
        }
        if kind == Kind::Creation {
            until = until
                .max(self.per_minute.free_at(now, 1))
                .max(self.per_hour.free_at(now, 1));
        }
        until
    }

    /// It goes out.
    pub(super) fn book(&mut self, kind: Kind, now: Instant) {
        self.points.spend(now, kind.points());
        self.on_their_way += 1;
    }

    /// It was answered, or given up. Counted from here, writes reach the server at least this far apart however slow the
    /// network is.
    pub(super) fn ended(&mut self, kind: Kind, now: Instant) {
        self.on_their_way -= 1;
        match kind {
            Kind::Read => {}
            Kind::Change => self.last_write = Some(now),
            Kind::Creation => {
                self.last_write = Some(now);
                self.per_minute.spend(now, 1);
                self.per_hour.spend(now, 1);
            }
        }
    }

    /// How many went out and have not been heard of yet.
    pub(super) fn on_their_way(&self) -> u32 {
        self.on_their_way
    }

    fn hold(&mut self, until: Instant) {
        self.pause = Some(self.pause.map_or(until, |pause| pause.max(until)));
    }

    /// A limit was hit: until when everything waits, or all that goes the same way.
    pub(super) fn limited(&mut self, api: Api, now: Instant, wait: Wait) -> Instant {
        let pausing = self.pause.is_some_and(|until| until > now);
        match wait {
            Wait::For(wait) => self.hold(now + wait),
            Wait::Reset(wait) => {
                self.exhausted(api, now + wait);
                return now + wait;
            }
            // Answers to what was on its way when the pause began tell nothing new.
            Wait::Unsaid if pausing => {}
            Wait::Unsaid => {
                self.hold(now + self.limits.span(MINUTE) * 2_u32.pow(self.strikes.min(4)));
                self.strikes += 1;
            }
        }
        self.pause.unwrap_or(now)
    }

    /// Something was taken, and nothing pauses: the limits are behind us.
    pub(super) fn calm(&mut self, now: Instant) {
        if self.pause.is_none_or(|until| until <= now) {
            self.strikes = 0;
        }
    }

    fn gauge(&mut self, api: Api) -> &mut Gauge {
        match api {
            Api::Rest => &mut self.rest,
            Api::Graphql => &mut self.graphql,
        }
    }
}

fn allowance(api: Api, rate: Rate) -> Allowance {
    Allowance {
        api,
        left: rate.remaining,
        limit: rate.limit,
        until: rate.reset,
    }
}

fn tell(allowance: &Allowance) {
    let Allowance {
        api, left, until, ..
    } = allowance;
    let (api, until) = (api.name(), moment(*until));
    tracing::warn!(
        left,
        until,
        "GitHub takes few more {api} requests: only finished work is saved until there are more"
    );
}

fn moment(at: Timestamp) -> String {
    DateTime::from_timestamp_millis(at.0).map_or_else(String::new, |at| at.to_rfc3339())
}
