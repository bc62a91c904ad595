//! How many slots are used at this moment? Fewer while something is short, at once; one more at a time once there has
//! been room for a while. What runs is left alone: a slot less only lets nobody in.
//!
//! Less at once and more by one is how TCP shares a line (Chiu and Jain, "Analysis of the increase and decrease
//! algorithms for congestion avoidance", 1989). Room for one more has to last, and to be more than what would be just
//! enough, so that a reading that goes up and down changes nothing.

use crate::rules::event::{Event, Input};
use crate::rules::ids::Timestamp;
use crate::rules::quota::{Allowance, Api, is_news};
use crate::rules::room::{Lessened, Reading, Reserve, Room, Shortage, SlotsReason};
use crate::rules::schedule::session::{Phase, Session};

/// Since when there has been room for one more than so many slots.
#[derive(Clone, Copy, Debug, Default)]
pub struct Calm(Option<(u32, Timestamp)>);

impl Calm {
    /// Takes a reading in, and makes the session's input of it.
    #[must_use]
    pub fn input(&mut self, session: &Session, reading: Reading, now: Timestamp) -> Input {
        let slots = session.slots_now();
        let since = match self.0 {
            Some((then, since)) if then == slots => since,
            Some(_) | None => now,
        };
        self.0 = session.fits_more(&reading, now).then_some((slots, since));
        let calm_millis = self.0.map_or(0, |(_, since)| now.millis_since(since));
        Input::Resources {
            reading,
            calm_millis,
        }
    }
}

impl Session {
    /// How many attempts may run at this moment: as many as are configured, or fewer.
    #[must_use]
    pub fn slots_now(&self) -> u32 {
        let configured = self.settings().slots;
        self.lessened
            .map_or(configured, |lessened| lessened.slots.min(configured))
    }

    /// May one more run beside those that do?
    pub(super) fn has_slot(&self) -> bool {
        self.running_now() < self.slots_now()
    }

    /// Does a reading change the number of slots?
    pub(super) fn resized(
        &self,
        reading: &Reading,
        calm_millis: u64,
        now: Timestamp,
    ) -> Option<Event> {
        if !matches!(self.phase, Phase::Opening | Phase::Running) {
            return None;
        }
        let settings = self.settings.as_ref()?;
        let reserve = settings.adaptive?;
        let slots = self.slots_now();
        let (fit, shortage) = fitting(reading, &reserve, self.running_now(), now);
        if let Some(shortage) = shortage.filter(|_| fit < slots) {
            return Some(changed(fit, SlotsReason::Short(shortage)));
        }
        let grows = calm_millis >= reserve.calm_millis && self.fits_more(reading, now);
        grows.then(|| changed(slots + 1, SlotsReason::Room))
    }

    /// What a forge says of its limits is told where it changed much; one that is reset was not heard of since.
    pub(super) fn heard_of_limits(&self, heard: &[Allowance], now: Timestamp) -> Option<Event> {
        if !is_news(&self.allowances, heard, now) {
            return None;
        }
        let was_short = |api: Api| {
            let told = self.allowances.iter().find(|told| told.api == api);
            told.is_some_and(Allowance::was_short)
        };
        let turned = heard
            .iter()
            .filter(|new| now < new.until && new.is_short(now) != was_short(new.api));
        Some(Event::QuotaHeard {
            allowances: heard.to_vec(),
            turned: turned.map(|new| new.api).collect(),
        })
    }

    /// Half as many go on after a limit of the agent's provider; the first that meets it speaks for all.
    pub(super) fn after_limit(&self, until: Timestamp, now: Timestamp) -> Option<Event> {
        self.settings().adaptive?;
        let slots = self.slots_now();
        let is_first = !self.chain.is_paused(now);
        (is_first && slots > 1).then(|| {
            changed(
                slots / 2,
                SlotsReason::Short(Shortage::AgentLimit { until }),
            )
        })
    }

    pub(super) fn slots_changed(&mut self, slots: u32, reason: SlotsReason) {
        if let Some(settings) = &self.settings {
            self.lessened = Lessened::after(self.lessened, slots, reason, settings.slots);
        }
    }

    /// Are there more slots than are used, and is there more than just enough for one of them?
    fn fits_more(&self, reading: &Reading, now: Timestamp) -> bool {
        let settings = self.settings();
        let (Some(reserve), slots) = (settings.adaptive, self.slots_now()) else {
            return false;
        };
        let ample = Reserve {
            memory: reserve.memory.saturating_add(reserve.memory_each / 2),
            disk: reserve.disk.saturating_add(reserve.disk / 4),
            requests_each: reserve.requests_each.saturating_mul(2),
            ..reserve
        };
        slots < settings.slots
            && !self.chain.is_paused(now)
            && fitting(reading, &ample, self.running_now(), now).0 > slots
    }

    fn running_now(&self) -> u32 {
        u32::try_from(self.table.how_many_run()).unwrap_or(u32::MAX)
    }
}

fn changed(slots: u32, reason: SlotsReason) -> Event {
    Event::SlotsChanged { slots, reason }
}

/// So many attempts fit, those that run included, and what is shortest of all; what is not known is not short.
fn fitting(
    reading: &Reading,
    reserve: &Reserve,
    running: u32,
    now: Timestamp,
) -> (u32, Option<Shortage>) {
    let memory = reading.memory.map(|room| {
        let fit = by_memory(room, reserve, running);
        (fit, Shortage::Memory(room))
    });
    let disk = reading.disk.filter(|room| room.free < reserve.disk);
    let disk = disk.map(|room| (1, Shortage::Disk(room)));
    let quota = reading.quota.filter(|quota| quota.until > now);
    let quota = quota.map(|quota| {
        let fit = quota.left / reserve.requests_each.max(1);
        let fit = u32::try_from(fit).unwrap_or(u32::MAX);
        (fit, Shortage::Requests(quota))
    });
    let least = [memory, disk, quota]
        .into_iter()
        .flatten()
        .min_by_key(|(fit, _)| *fit);
    least.map_or((u32::MAX, None), |(fit, shortage)| {
        (fit.max(1), Some(shortage))
    })
}

/// So many attempts fit into memory where none runs yet.
#[must_use]
pub fn for_memory(room: Room, reserve: &Reserve) -> u32 {
    by_memory(room, reserve, 0)
}

/// What runs has its memory already; what is free beyond the reserve is for others. Less than the reserve is for fewer.
fn by_memory(room: Room, reserve: &Reserve, running: u32) -> u32 {
    let spare = i128::from(room.free) - i128::from(reserve.memory);
    let more = spare.div_euclid(i128::from(reserve.memory_each.max(1)));
    let fit = (i128::from(running) + more).max(0);
    u32::try_from(fit).unwrap_or(u32::MAX)
}
