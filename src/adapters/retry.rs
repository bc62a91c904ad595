//! Repeats idempotent reads, and nothing else. The one home of the `backoff` crate.

use backoff::ExponentialBackoff;
use backoff::backoff::Backoff;
use std::time::Duration;

/// How often, and how patiently, a read is repeated.
#[derive(Clone, Copy, Debug)]
pub struct Repeats {
    /// How many more times after the first.
    pub times: u32,
    /// About how long before the first repeat; it doubles from there, with jitter.
    pub first: Duration,
    /// The longest wait between two.
    pub longest: Duration,
}

impl Default for Repeats {
    fn default() -> Self {
        Self {
            times: 4,
            first: Duration::from_millis(500),
            longest: Duration::from_secs(20),
        }
    }
}

/// Reads until it succeeds, fails with an error that will not `pass`, or has been repeated often enough.
/// Only for reads that change nothing.
pub async fn repeat_read<T, E, F>(
    repeats: Repeats,
    passes: impl Fn(&E) -> bool,
    mut read: impl FnMut() -> F,
) -> Result<T, E>
where
    F: Future<Output = Result<T, E>>,
{
    let passes = &passes;
    backoff::future::retry(Bounded::new(repeats), || {
        let reading = read();
        async move {
            reading.await.map_err(|cause| {
                if passes(&cause) {
                    backoff::Error::transient(cause)
                } else {
                    backoff::Error::permanent(cause)
                }
            })
        }
    })
    .await
}

/// Exponential waits, counted rather than timed.
struct Bounded {
    left: u32,
    waits: ExponentialBackoff,
}

impl Bounded {
    fn new(repeats: Repeats) -> Self {
        let mut waits = ExponentialBackoff {
            initial_interval: repeats.first,
            max_interval: repeats.longest,
            max_elapsed_time: None,
            multiplier: 2.0,
            ..ExponentialBackoff::default()
        };
        waits.reset();
        Self {
            left: repeats.times,
            waits,
        }
    }
}

impl Backoff for Bounded {
    fn next_backoff(&mut self) -> Option<Duration> {
        self.left = self.left.checked_sub(1)?;
        self.waits.next_backoff()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use tokio::time::Instant;

    async fn reads_until(good: u32, passes: bool) -> (Result<u32, &'static str>, u32) {
        let reads = Cell::new(0);
        let result = repeat_read(
            Repeats::default(),
            |_: &&str| passes,
            || {
                reads.set(reads.get() + 1);
                let now = reads.get();
                async move { if now >= good { Ok(now) } else { Err("not yet") } }
            },
        )
        .await;
        (result, reads.get())
    }

    #[tokio::test(start_paused = true)]
    async fn a_read_is_repeated_a_few_times_and_not_at_once() {
        let start = Instant::now();
        assert_eq!(reads_until(3, true).await, (Ok(3), 3));
        assert!(start.elapsed() >= Duration::from_millis(500));
    }

    #[tokio::test(start_paused = true)]
    async fn a_read_that_never_succeeds_ends() {
        assert_eq!(reads_until(u32::MAX, true).await, (Err("not yet"), 5));
    }

    #[tokio::test(start_paused = true)]
    async fn an_error_that_stays_is_not_repeated() {
        assert_eq!(reads_until(2, false).await, (Err("not yet"), 1));
    }
}
