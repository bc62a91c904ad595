//! Deaths at every event, on both sides of it.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How many cases run at a time: they wait more than they compute.
const AT_ONCE: usize = 8;

/// How a death went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Death {
    /// It came, and the end was what it had to be.
    Survived,
    /// It is not worth a try.
    LeftOut,
    /// There is no such event any more.
    NeverCame,
}

/// Tries a death `before` and `after` each event, from the first on until none comes. Returns how many there were; panics
/// with all that went wrong.
pub(crate) fn at_every_event(
    killed_at: impl Fn(usize, &'static str) -> Result<Death, String> + Sync,
) -> usize {
    let (next, last) = (AtomicUsize::new(0), AtomicUsize::new(usize::MAX));
    let kills = AtomicUsize::new(0);
    let failures = Mutex::new(Vec::new());
    let work = || {
        loop {
            let case = next.fetch_add(1, Ordering::Relaxed);
            let (at, side) = (case / 2 + 1, ["before", "after"][case % 2]);
            if at > last.load(Ordering::Relaxed) {
                return;
            }
            match killed_at(at, side) {
                Ok(Death::Survived) => drop(kills.fetch_add(1, Ordering::Relaxed)),
                Ok(Death::LeftOut) => {}
                Ok(Death::NeverCame) => drop(last.fetch_min(at, Ordering::Relaxed)),
                Err(problem) => failures.lock().unwrap().push(problem),
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(work);
        }
    });
    let failures = failures.into_inner().unwrap();
    let (count, all) = (failures.len(), failures.join("\n"));
    assert!(failures.is_empty(), "{count} of them:\n{all}");
    kills.into_inner()
}
