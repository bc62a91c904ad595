//! Work that many wait for is done once: for all who asked before it began.

use super::run::failed;
use crate::ports::RepositoryError;
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::Mutex;

/// The result of the last such work.
type Last<T> = Option<(u64, Result<T, Arc<RepositoryError>>)>;

/// Work whose result is shared. What anybody gets was begun after they asked for it.
pub(super) struct Flight<T> {
    begun: AtomicU64,
    last: Mutex<Last<T>>,
}

impl<T: Clone> Flight<T> {
    /// Nobody has asked yet.
    pub(super) fn new() -> Self {
        Self {
            begun: AtomicU64::new(0),
            last: Mutex::new(None),
        }
    }

    /// Waits for work that begins from now on; does it if nobody else has.
    pub(super) async fn join<F>(&self, work: impl FnOnce() -> F) -> Result<T, RepositoryError>
    where
        F: Future<Output = Result<T, RepositoryError>>,
    {
        let needed = self.begun.load(Ordering::SeqCst) + 1;
        let mut last = self.last.lock().await;
        let result = match &*last {
            Some((number, result)) if *number >= needed => result.clone(),
            Some(_) | None => {
                let number = self.begun.fetch_add(1, Ordering::SeqCst) + 1;
                let result = work().await.map_err(Arc::new);
                last.insert((number, result)).1.clone()
            }
        };
        result.map_err(|shared| again(&shared))
    }
}

/// The same error for another who waited.
pub(super) fn again(error: &RepositoryError) -> RepositoryError {
    match error {
        RepositoryError::Remote {
            action,
            detail,
            auth,
        } => RepositoryError::Remote {
            action: action.clone(),
            detail: detail.clone(),
            auth: *auth,
        },
        RepositoryError::Unusable { problem, hint } => RepositoryError::Unusable {
            problem: problem.clone(),
            hint: hint.clone(),
        },
        RepositoryError::Busy { what, holder } => RepositoryError::Busy {
            what: what.clone(),
            holder: holder.clone(),
        },
        RepositoryError::Git { action, detail } => RepositoryError::Git {
            action: action.clone(),
            detail: detail.clone(),
        },
        RepositoryError::Io { action, cause } => {
            failed(action, io::Error::new(cause.kind(), cause.to_string()))
        }
        RepositoryError::Declined {
            branch,
            commit,
            reason,
            hint,
        } => RepositoryError::Declined {
            branch: branch.clone(),
            commit: commit.clone(),
            reason: reason.clone(),
            hint: hint.clone(),
        },
        RepositoryError::Foreign { branch, found } => RepositoryError::Foreign {
            branch: branch.clone(),
            found: found.clone(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::future::join_all;
    use std::cell::Cell;

    #[tokio::test]
    async fn those_who_wait_share_and_those_who_come_later_do_not() {
        let (flight, count) = (Flight::new(), Cell::new(0));
        let ask = || {
            flight.join(|| async {
                tokio::task::yield_now().await;
                count.set(count.get() + 1);
                Ok(count.get())
            })
        };
        let all = join_all((0..10).map(|_| ask())).await;
        let results: Vec<i32> = all.into_iter().map(Result::unwrap).collect();
        // The first does it; the others come while it runs, and share the next.
        assert_eq!(results, [1, 2, 2, 2, 2, 2, 2, 2, 2, 2]);
        assert_eq!(ask().await.unwrap(), 3);
    }

    #[tokio::test]
    async fn an_error_is_shared_as_well() {
        let flight = Flight::<()>::new();
        let fail = || async {
            tokio::task::yield_now().await;
            Err(RepositoryError::Remote {
                action: "fetch".to_owned(),
                detail: "no route".to_owned(),
                auth: false,
            })
        };
        let all = join_all((0..3).map(|_| flight.join(fail))).await;
        assert!(
            all.into_iter()
                .all(|result| result.unwrap_err().to_string() == "fetch: no route")
        );
    }
}
