//! Runs one program under a supervisor: its output in bounded memory, its time limited, its end certain.

use crate::adapters::process::attendance::attend;
use crate::adapters::process::environment::Variables;
use crate::adapters::process::lines::Line;
use crate::adapters::process::order::{self, Order};
use crate::adapters::process::transcript::{Keep, Transcript};
use crate::adapters::process::{identity, leftover};
use crate::ports::{Stop, Watch};
use crate::rules::event::ProcessIdentity;
use dashmap::DashMap;
use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::UnixStream;
use tokio::net::unix::pipe;
use tokio::process::{Child, Command};
use tokio::time::{Instant, timeout};

/// How long a gentle stop may take before the kill.
pub const GRACE: Duration = Duration::from_secs(10);
/// What a supervisor may take beyond the grace that it gives.
pub(super) const MARGIN: Duration = Duration::from_secs(2);
const LARGEST_FILE: u64 = 64 << 30;

/// What to run, and within what.
#[derive(Clone, Debug)]
pub struct ProcessSpec {
    /// Program and arguments; no secret may stand in them.
    pub argv: Vec<String>,
    /// Where it runs.
    pub directory: PathBuf,
    /// All of its environment.
    pub env: Variables,
    /// What it reads from stdin; at most 64 MiB.
    pub input: Vec<u8>,
    /// How its two outputs are taken.
    pub streams: Streams,
    /// Stopped when it runs longer.
    pub wall: Duration,
    /// Stopped when nothing that counts as life is heard for longer.
    pub idle: Duration,
    /// What it has between a gentle stop and the kill; `GRACE` but in tests.
    pub grace: Duration,
    /// Where its raw stdout is kept.
    pub keep: Option<Keep>,
}

/// How a program's two outputs are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Streams {
    /// Lines from stdout; of stderr only the end is kept.
    Apart,
    /// Lines from both, in the order in which they were written.
    Merged,
}

/// Hears a program's lines.
pub trait LineSink: Send {
    /// One line; says what it means for the program.
    fn line(&mut self, line: Line<'_>) -> Heard;
}

/// What a line means for the program that wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// It lives.
    Life,
    /// It says nothing of use: the idle limit goes on counting.
    Noise,
    /// It has to stop.
    Enough,
}

/// How a program's run ended; nothing of it runs any more.
#[derive(Debug)]
pub struct ProcessEnd {
    /// What ended it.
    pub cause: Cause,
    /// Its exit code, or 128 and the signal that ended it; `None` where it did not run, or nobody saw its end.
    pub code: Option<i32>,
    /// The end of what it wrote to stderr, at most 64 kB.
    pub complaints: Vec<u8>,
    /// How long it took.
    pub took: Duration,
}

/// What ended a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Nothing of ours.
    Itself,
    /// The wall-clock limit.
    Wall,
    /// The idle limit.
    Idle,
    /// Whoever heard its lines.
    Sink,
    /// Somebody asked us to stop.
    Stopped,
    /// It never ran, since the session took nothing more.
    Refused,
    /// It never ran.
    NotStarted {
        /// Is it that there is no such program?
        missing: bool,
        /// Why not.
        detail: String,
    },
    /// Its supervisor was killed; so was all that it left behind.
    Lost,
}

/// Runs programs. Cheap to clone; all clones know the same running programs.
#[derive(Clone, Debug)]
pub struct Processes {
    supervisor: PathBuf,
    live: Arc<DashMap<u32, ProcessIdentity>>,
}

impl Processes {
    /// With the program that supervises when it is called with `__exec`: our own executable, absolute.
    #[must_use]
    pub fn new(supervisor: PathBuf) -> Self {
        Self {
            supervisor,
            live: Arc::default(),
        }
    }

    /// The supervisors that live at this moment.
    #[must_use]
    pub fn live(&self) -> Vec<ProcessIdentity> {
        self.live
            .iter()
            .map(|entry| entry.value().clone())
            .collect()
    }

    /// Runs a program to its end, by itself or by a limit. It does nothing before `watch.spawned` has returned, and
    /// nothing at all where that is an error. When this future is dropped, the program is stopped gently.
    pub async fn run(
        &self,
        spec: &ProcessSpec,
        sink: &mut impl LineSink,
        watch: &dyn Watch,
        stop: &Stop,
    ) -> ProcessEnd {
        let began = Instant::now();
        let mut end = match self.start(spec, watch, stop).await {
            Ok(running) => attend(running, spec, sink, stop).await,
            Err(cause) => ProcessEnd {
                cause,
                code: None,
                complaints: Vec::new(),
                took: Duration::ZERO,
            },
        };
        end.took = began.elapsed();
        end
    }

    /// Ends what an earlier process of ours left behind; a process that merely has the same number is left alone.
    pub async fn end_leftover(&self, supervisor: &ProcessIdentity) {
        leftover::end(supervisor).await;
    }

    async fn start(
        &self,
        spec: &ProcessSpec,
        watch: &dyn Watch,
        stop: &Stop,
    ) -> Result<Running, Cause> {
        if stop.is_asked() {
            return Err(Cause::Stopped);
        }
        let transcript = match &spec.keep {
            Some(keep) => Some(
                Transcript::open(&keep.path, &keep.header)
                    .await
                    .map_err(|error| not_started(&error))?,
            ),
            None => None,
        };
        let mut running = self
            .spawn(spec.streams, transcript)
            .map_err(|error| not_started(&error))?;
        // The guard takes it off the list however this ends, also when the future is dropped.
        self.live
            .insert(running.identity.pid, running.identity.clone());
        running.listed = Some(Listed {
            live: Arc::clone(&self.live),
            pid: running.identity.pid,
        });
        if watch.spawned(running.identity.clone()).await.is_err() {
            drop(running.lifeline);
            let _ = timeout(MARGIN, running.child.wait()).await;
            return Err(Cause::Refused);
        }
        let order = Order {
            argv: spec.argv.clone(),
            directory: spec.directory.clone(),
            env: spec.env.clone().into_iter().collect(),
            grace_millis: u64::try_from(spec.grace.as_millis()).unwrap_or(u64::MAX),
            largest_file: LARGEST_FILE,
        };
        let bytes = order::encode(&order, &spec.input).map_err(|error| not_started(&error))?;
        // A supervisor that died meanwhile is noticed by the silence of its lifeline.
        let _ = running.lifeline.write_all(&bytes).await;
        Ok(running)
    }

    fn spawn(&self, streams: Streams, transcript: Option<Transcript>) -> io::Result<Running> {
        let (ours, theirs) = std::os::unix::net::UnixStream::pair()?;
        ours.set_nonblocking(true)?;
        let (stdout, output) = io::pipe()?;
        let (stderr, complaints) = match streams {
            Streams::Merged => (None, output.try_clone()?),
            Streams::Apart => {
                let (stderr, complaints) = io::pipe()?;
                (Some(stderr), complaints)
            }
        };
        // Cleared here already, since another program of the same user can read a supervisor's environment.
        let child = Command::new(&self.supervisor)
            .arg("__exec")
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(output)
            .stderr(complaints)
            .spawn()?;
        let identity = child
            .id()
            .and_then(identity::identify)
            .ok_or_else(|| io::Error::other("it ended at once"))?;
        Ok(Running {
            child,
            identity,
            listed: None,
            lifeline: UnixStream::from_std(ours)?,
            stdout: Some(pipe::Receiver::from_owned_fd(stdout.into())?),
            stderr: stderr
                .map(|pipe| pipe::Receiver::from_owned_fd(pipe.into()))
                .transpose()?,
            transcript,
        })
    }
}

fn not_started(error: &io::Error) -> Cause {
    Cause::NotStarted {
        missing: false,
        detail: error.to_string(),
    }
}

/// A supervisor that has its order.
pub(super) struct Running {
    pub(super) child: Child,
    pub(super) identity: ProcessIdentity,
    pub(super) listed: Option<Listed>,
    pub(super) lifeline: UnixStream,
    pub(super) stdout: Option<pipe::Receiver>,
    pub(super) stderr: Option<pipe::Receiver>,
    pub(super) transcript: Option<Transcript>,
}

/// Keeps a supervisor on the list of the living.
pub(super) struct Listed {
    live: Arc<DashMap<u32, ProcessIdentity>>,
    pid: u32,
}

impl Drop for Listed {
    fn drop(&mut self) {
        self.live.remove(&self.pid);
    }
}
