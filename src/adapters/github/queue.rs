//! Whose turn is it? The most urgent goes first, and among equals who came first.

use crate::rules::quota::Urgency;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;

/// Lets so many through at a time.
#[derive(Clone, Debug)]
pub struct Queue(Arc<Mutex<Line>>);

#[derive(Debug)]
struct Line {
    free: u32,
    /// By urgency, then by number.
    waiting: BTreeMap<(Urgency, u64), oneshot::Sender<Pass>>,
    next: u64,
}

/// One of those that were let through; the place is free again when it is dropped.
#[derive(Debug)]
pub struct Pass {
    line: Arc<Mutex<Line>>,
    is_used: bool,
}

impl Queue {
    /// Lets `places` through at a time, at least one.
    #[must_use]
    pub fn new(places: u32) -> Self {
        Self(Arc::new(Mutex::new(Line {
            free: places.max(1),
            waiting: BTreeMap::new(),
            next: 0,
        })))
    }

    /// Waits for a place. Given up, it leaves the line.
    pub async fn pass(&self, urgency: Urgency) -> Pass {
        let waiting = {
            let mut line = lock(&self.0);
            if line.free > 0 {
                line.free -= 1;
                return self.granted();
            }
            let (sender, receiver) = oneshot::channel();
            let number = line.next;
            line.next += 1;
            line.waiting.insert((urgency, number), sender);
            receiver
        };
        match waiting.await {
            Ok(pass) => pass,
            // The line outlives all who stand in it.
            Err(_) => self.granted(),
        }
    }

    fn granted(&self) -> Pass {
        Pass {
            line: Arc::clone(&self.0),
            is_used: true,
        }
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        while std::mem::take(&mut self.is_used) {
            let next = {
                let mut line = lock(&self.line);
                let next = line.waiting.pop_first();
                if next.is_none() {
                    line.free += 1;
                }
                next
            };
            let Some((_, sender)) = next else {
                return;
            };
            let pass = Self {
                line: Arc::clone(&self.line),
                is_used: true,
            };
            // Whoever has given up meanwhile hands the place back, and the next is asked.
            if let Err(mut unwanted) = sender.send(pass) {
                unwanted.is_used = false;
                self.is_used = true;
            }
        }
    }
}

fn lock(line: &Mutex<Line>) -> MutexGuard<'_, Line> {
    // What it holds is whole after every statement, so a panic elsewhere leaves nothing half-done.
    line.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::issue::Priority;
    use futures::future::join_all;
    use std::time::Duration;
    use tokio::time::{sleep, timeout};

    #[tokio::test(start_paused = true)]
    async fn the_most_urgent_goes_first_and_among_equals_the_first_that_came() {
        let queue = Queue::new(1);
        let first = queue.pass(Urgency::Looking).await;
        let order = Mutex::new(Vec::new());
        let comers = [
            (1, Urgency::Looking),
            (2, Urgency::Working(Priority::Low)),
            (3, Urgency::Saving(Priority::Low)),
            (4, Urgency::Working(Priority::Critical)),
            (5, Urgency::Looking),
            (6, Urgency::Saving(Priority::Critical)),
            (7, Urgency::Saving(Priority::Low)),
        ];
        let stand = |(name, urgency)| {
            let (queue, order) = (&queue, &order);
            async move {
                let _pass = queue.pass(urgency).await;
                lock_order(order).push(name);
                sleep(Duration::from_secs(1)).await;
            }
        };
        let release = async {
            sleep(Duration::from_secs(1)).await;
            drop(first);
        };
        tokio::join!(join_all(comers.map(stand)), release);
        assert_eq!(*lock_order(&order), [6, 3, 7, 4, 2, 1, 5]);
    }

    fn lock_order(order: &Mutex<Vec<u32>>) -> MutexGuard<'_, Vec<u32>> {
        order.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[tokio::test(start_paused = true)]
    async fn who_gives_up_loses_nobody_a_place() {
        let queue = Queue::new(2);
        let both = (
            queue.pass(Urgency::Looking).await,
            queue.pass(Urgency::Looking).await,
        );
        let second = Duration::from_secs(1);
        for _ in 0..3 {
            assert!(timeout(second, queue.pass(Urgency::Looking)).await.is_err());
        }
        drop(both);
        let again = timeout(second, async {
            (
                queue.pass(Urgency::Looking).await,
                queue.pass(Urgency::Looking).await,
            )
        });
        assert!(again.await.is_ok());
    }
}
