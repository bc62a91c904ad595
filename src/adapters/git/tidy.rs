//! Tidies the mirror and the worktrees up as a process comes in that has them to itself: what is old goes, and what is
//! more than the ceiling allows.

use super::clean::trim;
use super::homes;
use super::layout::delete_later;
use super::lock::Lock;
use super::look;
use super::mirror::Mirror;
use super::run::{blocking, failed};
use super::slot::Pool;
use super::source::Retention;
use super::trash::PREFIX;
use crate::ports::RepositoryError;
use std::fs;
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How long another process may tidy up the mirror.
const ANOTHER_TIDIES: Duration = Duration::from_secs(600);
/// Old work is looked for no more often.
const DAY: Duration = Duration::from_secs(86_400);
/// What these keep are commits of people's: of any age, and cheap.
const OF_OTHERS: [&str; 2] = ["refs/autoissue/keep/base-", "refs/autoissue/keep/fetched-"];

/// Joins those who use the mirror; the first tidies up.
pub(super) async fn enter(
    mirror: &Mirror,
    slots: &Path,
    pools: [&Pool; 2],
    retention: Retention,
) -> Result<Lock, RepositoryError> {
    let door = mirror.own().join("open");
    let io = |cause| failed("tidy up", cause);
    if let Some(alone) = Lock::take(&door).map_err(io)? {
        empty_trash(slots).map_err(io)?;
        look::forget(mirror).map_err(io)?;
        if let Some(most) = retention.ceiling {
            let (slots, [pool, checks]) = (slots.to_owned(), pools.map(Pool::clone));
            blocking("keep within worktree.maxDiskMb", move || {
                trim(&slots, [&pool, &checks], most)
            })
            .await?;
        }
        if let Some(before) = retention.before
            && let Err(cause) = homes::forget_old(slots, before)
        {
            tracing::warn!(%cause, "could not let go of old homes");
        }
        if let Some(before) = retention.before
            && let Err(cause) = forget(mirror, before).await
        {
            tracing::warn!(%cause, "could not let go of old work");
        }
        if let Err(cause) = mirror.tidy().await {
            tracing::warn!(%cause, "could not tidy up");
        }
        drop(alone);
    }
    Lock::wait_shared(&door, "the mirror", ANOTHER_TIDIES).await
}

/// Deletes what earlier processes had set aside.
fn empty_trash(slots: &Path) -> io::Result<()> {
    for entry in fs::read_dir(slots)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(PREFIX) {
            delete_later(entry.path());
        }
    }
    Ok(())
}

/// Lets go of commits of ours from before, once a day. Git removes them from the disk two weeks later.
async fn forget(mirror: &Mirror, before: SystemTime) -> Result<(), RepositoryError> {
    let action = "let go of old work";
    let stamp = mirror.own().join("tidied");
    let last = fs::metadata(&stamp).and_then(|stamp| stamp.modified());
    let is_recent = |last: SystemTime| last.elapsed().is_ok_and(|since| since < DAY);
    if last.is_ok_and(is_recent) {
        return Ok(());
    }
    let before = before
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs();
    let call = mirror.call("for-each-ref")?;
    let format = "--format=%(refname) %(objectname) %(committerdate:unix)";
    let said = call
        .args([format, "refs/autoissue/keep"])
        .run(action)
        .await?;
    let listing = String::from_utf8_lossy(&said.out);
    let is_old = |name: &str, date: &str| {
        let is_ours = !OF_OTHERS.iter().any(|prefix| name.starts_with(prefix));
        is_ours && date.parse().is_ok_and(|date: u64| date < before)
    };
    let mut orders = String::new();
    for (name, date) in listing.lines().filter_map(|line| line.rsplit_once(' ')) {
        if is_old(name, date) {
            orders.extend(["delete ", name, "\n"]);
        }
    }
    if !orders.is_empty() {
        let call = mirror.call("update-ref")?.args(["--stdin"]);
        call.input(orders).run(action).await?;
    }
    fs::write(&stamp, "").map_err(|cause| failed(action, cause))
}
