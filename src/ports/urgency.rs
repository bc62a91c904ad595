//! How much what is done at this moment matters, for ports that serve the most urgent first.

use crate::rules::issue::Priority;
use crate::rules::quota::Urgency;

tokio::task_local! {
    static URGENCY: Urgency;
}

/// Runs something whose requests matter so much.
pub async fn with_urgency<F: Future>(urgency: Urgency, run: F) -> F::Output {
    URGENCY.scope(urgency, run).await
}

/// Runs something that saves the finished work of a task of this priority.
pub async fn saving<F: Future>(priority: Priority, run: F) -> F::Output {
    with_urgency(Urgency::Saving(priority), run).await
}

/// How much a request matters that is made here and now; looking, where nobody said.
#[must_use]
pub fn urgency() -> Urgency {
    URGENCY.try_with(|urgency| *urgency).unwrap_or_default()
}
