//! The one thread that writes: what waits at the same time shares a transaction, and is answered once that is durable.

use crate::adapters::store::error::{StoreError, Tried};
use crate::adapters::store::files::Reserve;
use crate::adapters::store::progress::Pad;
use crate::rules::event::Progress;
use rusqlite::{Connection, TransactionBehavior};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Instant;
use tokio::sync::oneshot;

/// Errands that may wait; each caller waits for its own, so that more than one each never do.
const QUEUE: usize = 1024;
/// Errands that share one transaction at most.
const BATCH: usize = 64;

/// The writing thread's near end.
pub(super) struct Writer {
    jobs: Option<SyncSender<Job>>,
    thread: Option<JoinHandle<()>>,
    pad: Arc<Pad>,
}

enum Job {
    Errand(Box<dyn Errand>),
    Progress,
}

impl Writer {
    /// Starts the thread over this connection.
    pub(super) fn start(
        db: Connection,
        notes: Connection,
        state: &Path,
    ) -> Result<Self, StoreError> {
        let (jobs, inbox) = sync_channel(QUEUE);
        let pad = Arc::new(Pad::default());
        let desk = Desk {
            db,
            notes,
            state: state.into(),
            inbox,
            pad: Arc::clone(&pad),
            broken: None,
            progress_due: None,
        };
        let thread = std::thread::Builder::new()
            .name("store".into())
            .spawn(move || desk.serve())
            .map_err(|cause| StoreError::Io {
                action: "start the thread that writes the journal".into(),
                cause,
            })?;
        Ok(Self {
            jobs: Some(jobs),
            thread: Some(thread),
            pad,
        })
    }

    /// Does the work within a transaction; its answer comes when that is durable. An error undoes this work alone.
    pub(super) fn submit<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
        reply: impl FnOnce(Result<T, StoreError>) + Send + 'static,
    ) {
        let errand = Task {
            work: Some(work),
            answer: None,
            reply,
        };
        let jobs = self.jobs.as_ref().expect("open until it is dropped");
        // Only a thread that panicked is gone; its callers see their replies dropped.
        let _ = jobs.send(Job::Errand(Box::new(errand)));
    }

    /// As `submit`, waiting without blocking the thread.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.submit(work, |result| drop(reply.send(result)));
        answer.await.unwrap_or_else(|_| Err(gone()))
    }

    /// As `submit`, blocking the thread for a transaction's time.
    pub(super) fn write_blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = sync_channel(1);
        self.submit(work, move |result| drop(reply.send(result)));
        answer.recv().unwrap_or_else(|_| Err(gone()))
    }

    /// Notes progress, to be written within a second or so; never waits.
    pub(super) fn note(&self, session: i64, progress: &Progress) {
        if self.pad.note(session, progress)
            && let Some(jobs) = &self.jobs
        {
            let _ = jobs.try_send(Job::Progress);
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.jobs.take();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn gone() -> StoreError {
    StoreError::Broken {
        detail: "the thread that writes is gone".into(),
    }
}

trait Errand: Send {
    fn run(&mut self, db: &Connection) -> Ran;
    fn tell(self: Box<Self>, fate: &Fate);
}

enum Ran {
    Well,
    /// Only this errand is undone.
    Refused,
    /// The whole transaction is.
    Failed(StoreError),
}

struct Task<T, W, R> {
    work: Option<W>,
    answer: Option<Result<T, StoreError>>,
    reply: R,
}

impl<T, W, R> Errand for Task<T, W, R>
where
    T: Send,
    W: FnOnce(&Connection) -> Result<T, StoreError> + Send,
    R: FnOnce(Result<T, StoreError>) + Send,
{
    fn run(&mut self, db: &Connection) -> Ran {
        let work = self.work.take().expect("an errand runs once");
        match work(db) {
            Err(error) if error.is_full() || error.is_fatal() => Ran::Failed(error),
            answer => {
                let ran = if answer.is_ok() {
                    Ran::Well
                } else {
                    Ran::Refused
                };
                self.answer = Some(answer);
                ran
            }
        }
    }

    fn tell(self: Box<Self>, fate: &Fate) {
        let answer = match (self.answer, fate.error()) {
            (Some(answer), None) | (Some(answer @ Err(_)), Some(_)) => answer,
            (Some(Ok(_)) | None, Some(error)) => Err(error),
            (None, None) => unreachable!("a transaction is kept only when all errands ran"),
        };
        (self.reply)(answer);
    }
}

/// What became of a transaction.
enum Fate {
    Kept,
    Full(PathBuf),
    Busy(&'static str),
    Broken(String),
}

impl Fate {
    fn error(&self) -> Option<StoreError> {
        match self {
            Self::Kept => None,
            Self::Full(path) => Some(StoreError::Full { path: path.clone() }),
            Self::Busy(action) => Some(StoreError::Busy { action }),
            Self::Broken(detail) => Some(StoreError::Broken {
                detail: detail.clone(),
            }),
        }
    }
}

/// The writing thread's own side.
struct Desk {
    db: Connection,
    /// For progress: it does not wait for the disk.
    notes: Connection,
    state: PathBuf,
    inbox: Receiver<Job>,
    pad: Arc<Pad>,
    broken: Option<String>,
    progress_due: Option<Instant>,
}

impl Desk {
    fn serve(mut self) {
        loop {
            match self.next() {
                Ok(Job::Errand(errand)) => self.turn(errand),
                Ok(Job::Progress) | Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if self.progress_due.is_none() && !self.pad.is_empty() {
                self.progress_due = Some(Instant::now() + Pad::PACE);
            }
            if self.progress_due.is_some_and(|due| due <= Instant::now()) {
                self.write_progress();
            }
        }
        self.write_progress();
    }

    fn next(&self) -> Result<Job, RecvTimeoutError> {
        match self.progress_due {
            None => Ok(self.inbox.recv()?),
            Some(due) => self
                .inbox
                .recv_timeout(due.saturating_duration_since(Instant::now())),
        }
    }

    fn write_progress(&mut self) {
        self.progress_due = None;
        if self.broken.is_none() {
            // May be lost: the next one follows within seconds.
            let _ = self.pad.write(&mut self.notes);
        }
    }

    fn turn(&mut self, first: Box<dyn Errand>) {
        let mut errands = vec![first];
        while errands.len() < BATCH
            && let Ok(job) = self.inbox.try_recv()
        {
            if let Job::Errand(errand) = job {
                errands.push(errand);
            }
        }
        let fate = self.settle(&mut errands);
        for errand in errands {
            errand.tell(&fate);
        }
    }

    fn settle(&mut self, errands: &mut [Box<dyn Errand>]) -> Fate {
        if let Some(detail) = &self.broken {
            return Fate::Broken(detail.clone());
        }
        match transact(&mut self.db, errands) {
            Ok(()) => Fate::Kept,
            Err(error) if error.is_full() => {
                Reserve::of(&self.state).release();
                Fate::Full(self.state.clone())
            }
            Err(StoreError::Busy { action }) => Fate::Busy(action),
            Err(error) => {
                let detail = error.line();
                self.broken = Some(detail.clone());
                Fate::Broken(detail)
            }
        }
    }
}

fn transact(db: &mut Connection, errands: &mut [Box<dyn Errand>]) -> Result<(), StoreError> {
    let transaction = db
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .tried("begin a transaction")?;
    let alone = errands.len() == 1;
    for errand in errands {
        if !alone {
            run(&transaction, "SAVEPOINT errand")?;
        }
        match errand.run(&transaction) {
            Ran::Well if alone => {}
            Ran::Well => run(&transaction, "RELEASE errand")?,
            Ran::Refused if alone => return transaction.rollback().tried("undo a transaction"),
            Ran::Refused => {
                run(&transaction, "ROLLBACK TO errand")?;
                run(&transaction, "RELEASE errand")?;
            }
            Ran::Failed(error) => return Err(error),
        }
    }
    transaction.commit().tried("commit a transaction")
}

fn run(db: &Connection, sql: &str) -> Result<(), StoreError> {
    db.prepare_cached(sql)
        .and_then(|mut statement| statement.execute([]))
        .tried("write a transaction")?;
    Ok(())
}
