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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::store::database;
    use crate::adapters::store::error::StoreError;
    use crate::adapters::store::presence::{Company, Opened, Purpose, enter};
    use std::sync::mpsc;
    use tempfile::TempDir;

    struct Place {
        writer: Writer,
        _opened: Opened,
        state: TempDir,
    }

    impl Place {
        fn new() -> Self {
            let state = tempfile::tempdir().unwrap();
            let opened = enter(state.path(), Purpose::Write).unwrap();
            let db = database::open_for_writing(state.path(), Company::Alone).unwrap();
            let notes = database::open_for_notes(state.path()).unwrap();
            Self {
                writer: Writer::start(db, notes, state.path()).unwrap(),
                _opened: opened,
                state,
            }
        }

        fn count(&self) -> i64 {
            count(&database::open_for_reading(self.state.path()).unwrap())
        }
    }

    fn put(db: &Connection, size: usize) -> Result<(), StoreError> {
        db.execute(
            "INSERT INTO control (project, command, created) VALUES (?, '', 0)",
            ["x".repeat(size)],
        )
        .tried("put")?;
        Ok(())
    }

    fn count(db: &Connection) -> i64 {
        db.query_row("SELECT count(*) FROM control", [], |row| row.get(0))
            .unwrap()
    }

    fn failure(code: i32) -> StoreError {
        StoreError::Sql {
            action: "put",
            cause: rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), None),
        }
    }

    #[test]
    fn what_waits_together_shares_a_transaction_and_a_refusal_undoes_itself_alone() {
        const ERRANDS: i64 = 10;
        let place = Place::new();
        let (open_gate, gate) = mpsc::channel();
        place.writer.submit(
            move |_| {
                gate.recv().unwrap();
                Ok(())
            },
            |answer| answer.unwrap(),
        );
        let (tell, told) = mpsc::channel();
        for errand in 0..ERRANDS {
            let tell = tell.clone();
            let path = place.state.path().to_owned();
            place.writer.submit(
                move |db| {
                    put(db, 1)?;
                    if errand == 3 {
                        return Err(failure(rusqlite::ffi::SQLITE_CONSTRAINT));
                    }
                    let outside = count(&database::open_for_reading(&path)?);
                    Ok((count(db), outside))
                },
                move |answer| tell.send((errand, answer)).unwrap(),
            );
        }
        open_gate.send("open").unwrap();
        for _ in 0..ERRANDS {
            let (errand, answer) = told.recv().unwrap();
            assert_eq!(answer.is_err(), errand == 3);
            let inside = if errand < 3 { errand + 1 } else { errand };
            let counts = answer.unwrap_or((inside, 0));
            assert_eq!(counts, (inside, 0), "nobody outside sees it yet");
        }
        assert_eq!(place.count(), ERRANDS - 1);
    }

    #[test]
    fn a_full_disk_refuses_the_transaction_gives_the_reserve_back_and_goes_on() {
        let place = Place::new();
        let reserve = place.state.path().join("reserve");
        Reserve::of(place.state.path()).fill().unwrap();
        let bound = |pages: i64| {
            place.writer.write_blocking(move |db| {
                db.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))
                    .tried("bound the database")
            })
        };
        bound(1).unwrap();
        let refused = place
            .writer
            .write_blocking(|db| put(db, 1 << 20))
            .unwrap_err();
        assert!(matches!(refused, StoreError::Full { .. }), "{refused}");
        assert!(!reserve.exists());
        assert_eq!(place.count(), 0);
        bound(1 << 20).unwrap();
        place.writer.write_blocking(|db| put(db, 1 << 20)).unwrap();
        assert_eq!(place.count(), 1);
    }

    #[test]
    fn after_an_io_error_nothing_is_written_any_more() {
        let place = Place::new();
        let torn = place.writer.write_blocking(|db| {
            put(db, 1)?;
            Err::<(), _>(failure(rusqlite::ffi::SQLITE_IOERR_FSYNC))
        });
        assert!(matches!(torn, Err(StoreError::Broken { .. })));
        let later = place.writer.write_blocking(|db| put(db, 1)).unwrap_err();
        assert!(matches!(later, StoreError::Broken { .. }), "{later}");
        assert_eq!(place.count(), 0);
    }
}
