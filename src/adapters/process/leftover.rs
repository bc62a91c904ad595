//! Ends what an earlier process of ours left behind, and nothing that merely has the same number.

use crate::adapters::process::identity;
use crate::adapters::process::tree::{self, Entry};
use crate::rules::event::ProcessIdentity;
use nix::sys::signal::Signal;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How long a supervisor may take to end its program by itself, once its lifeline has closed.
const GRACE: Duration = Duration::from_millis(10_500);
/// How long those have that are found without a living supervisor, between asking and killing.
const ASKED: Duration = Duration::from_secs(1);
/// How long killing is tried.
const PATIENCE: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(25);

/// Returns once nothing runs any more of what this supervisor ran.
pub async fn end(supervisor: &ProcessIdentity) {
    wait_while(GRACE, || identity::is_running(supervisor)).await;
    tree::signal(&remains(supervisor), Signal::SIGTERM);
    wait_while(ASKED, || !remains(supervisor).is_empty()).await;
    kill(supervisor).await;
}

/// Kills, without grace, whatever runs of it; returns once nothing does.
pub async fn kill(supervisor: &ProcessIdentity) {
    // Again and again: new ones may have been born between looking and killing.
    wait_while(PATIENCE, || {
        let left = remains(supervisor);
        tree::signal(&left, Signal::SIGKILL);
        !left.is_empty()
    })
    .await;
}

// Twice in a row, since a process in the middle of an exec shows no environment, and so no mark.
async fn wait_while(most: Duration, mut goes_on: impl FnMut() -> bool) {
    let end = Instant::now() + most;
    let mut looks_without = 0;
    while looks_without < 2 && Instant::now() < end {
        looks_without = if goes_on() { 0 } else { looks_without + 1 };
        if looks_without < 2 {
            sleep(LOOK).await;
        }
    }
}

/// The supervisor and what descends from it, and whatever carries its mark: that is how orphans are known.
fn remains(supervisor: &ProcessIdentity) -> Vec<Entry> {
    let all = tree::snapshot();
    let mark = identity::mark(supervisor);
    let mut left = match identity::find(supervisor) {
        Some(root) => [vec![root], tree::descendants(root.pid, &all)].concat(),
        None => Vec::new(),
    };
    left.extend(
        all.iter()
            .filter(|entry| identity::carries(entry.pid, &mark)),
    );
    let me = i32::try_from(std::process::id()).unwrap_or(0);
    left.retain(|entry| !entry.ended && entry.pid != me);
    left
}
