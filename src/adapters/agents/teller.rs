//! Tells a watcher what an agent does, a few times a second at most.

use crate::ports::{Activity, Watch};
use std::time::Duration;
use tokio::time::Instant;

const PAUSE: Duration = Duration::from_millis(250);

/// Thins what is told to what a person can read.
pub(super) struct Teller<'a> {
    watch: &'a dyn Watch,
    next_at: Instant,
    waiting: Option<Activity>,
}

impl<'a> Teller<'a> {
    pub(super) fn new(watch: &'a dyn Watch) -> Self {
        Self {
            watch,
            next_at: Instant::now(),
            waiting: None,
        }
    }

    /// Would it be told now?
    pub(super) fn is_due(&self) -> bool {
        Instant::now() >= self.next_at
    }

    /// Tells it now, or lets a later one take its place.
    pub(super) fn tell(&mut self, activity: Activity) {
        let now = Instant::now();
        if now < self.next_at {
            self.waiting = Some(activity);
        } else {
            self.next_at = now + PAUSE;
            self.waiting = None;
            self.watch.activity(activity);
        }
    }

    /// The last one is told in any case: it holds the final sums.
    pub(super) fn finish(self) {
        if let Some(activity) = self.waiting {
            self.watch.activity(activity);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::Interrupted;
    use crate::rules::event::ProcessIdentity;
    use std::sync::Mutex;

    #[derive(Default)]
    struct Told(Mutex<Vec<u64>>);

    #[async_trait::async_trait]
    impl Watch for Told {
        async fn spawned(&self, _: ProcessIdentity) -> Result<(), Interrupted> {
            Ok(())
        }

        fn activity(&self, activity: Activity) {
            self.0.lock().unwrap().push(activity.messages);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_flood_is_thinned_and_its_last_drop_is_told() {
        let told = Told::default();
        let mut teller = Teller::new(&told);
        for messages in 0..1_000 {
            teller.tell(Activity {
                messages,
                ..Activity::default()
            });
            tokio::time::advance(Duration::from_millis(1)).await;
        }
        teller.finish();
        assert_eq!(*told.0.lock().unwrap(), [0, 250, 500, 750, 999]);
    }
}
