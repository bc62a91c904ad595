//! Judges how hard GitHub was pressed: writes one by one and apart, and no more creations in a span than it allows.

use super::log::Logged;
use autoissue::adapters::github::limits::Limits;
use std::time::{Duration, Instant};
use tokio::runtime::Handle;

/// How hard the fake may be pressed, and by which clock.
#[derive(Debug)]
pub(crate) struct Pace {
    limits: Limits,
    /// The runtime whose clock counts; this machine's without one.
    time: Option<Handle>,
    /// How many clients write without knowing of each other.
    pub(crate) writers: usize,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            limits: Limits::loopback(),
            time: None,
            writers: 1,
        }
    }
}

impl Pace {
    /// Takes this runtime's time, which the test moves, and GitHub's own limits.
    pub(crate) fn keep_time(&mut self, handle: Handle) {
        self.limits = Limits::published();
        self.time = Some(handle);
    }

    /// What the clock says.
    pub(crate) fn now(&self) -> Instant {
        match &self.time {
            Some(handle) => {
                let _inside = handle.enter();
                tokio::time::Instant::now().into_std()
            }
            None => Instant::now(),
        }
    }

    /// Every write that came too soon, and every creation that was one too many.
    pub(crate) fn bursts(&self, requests: &[Logged]) -> Vec<String> {
        let by_time = |is_one: fn(&Logged) -> bool| {
            let mut found: Vec<&Logged> = requests.iter().filter(|it| is_one(it)).collect();
            found.sort_by_key(|request| request.at);
            found
        };
        let (writes, creations) = (by_time(Logged::writes), by_time(Logged::creates));
        let (minute, hour) = (Duration::from_secs(60), Duration::from_secs(3600));
        let mut bursts = self.too_close(&writes);
        bursts.extend(self.too_many(&creations, self.limits.creations_per_minute, minute));
        bursts.extend(self.too_many(&creations, self.limits.creations_per_hour, hour));
        bursts
    }

    /// Of so many writers each begins once its last write was answered, and a second has passed. Where nothing was
    /// answered, nobody but the client knows when it gave up: there it counts from the request.
    fn too_close(&self, writes: &[&Logged]) -> Vec<String> {
        let spacing = self.limits.span(self.limits.write_spacing);
        let judged = writes.iter().enumerate().filter_map(|(at, write)| {
            let ended = |one: &&&Logged| one.answered.unwrap_or(one.at) + spacing <= write.at;
            let open: Vec<_> = writes[..at].iter().filter(|one| !ended(one)).collect();
            (open.len() >= self.writers).then(|| {
                format!(
                    "{} was sent within {spacing:?} of {}",
                    name(write),
                    name(open[0])
                )
            })
        });
        judged.collect()
    }

    fn too_many(&self, creations: &[&Logged], limit: u32, span: Duration) -> Option<String> {
        let limit = usize::try_from(limit).unwrap().saturating_mul(self.writers);
        let span = self.limits.span(span);
        let full = creations.iter().zip(creations.iter().skip(limit));
        let (_, last) = full
            .into_iter()
            .find(|(first, last)| last.at - first.at < span)?;
        Some(format!(
            "{} is creation {} within {span:?}",
            name(last),
            limit + 1
        ))
    }
}

fn name(request: &Logged) -> String {
    format!("{} {}", request.method, request.path)
}
