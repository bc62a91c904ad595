//! Runs one program under a supervisor: its output in bounded memory, its time limited, its end certain.

use crate::adapters::process::attendance::attend;
use crate::adapters::process::order::{self, Order};
use crate::adapters::process::spec::{Cause, LineSink, ProcessEnd, ProcessSpec, Streams};
use crate::adapters::process::transcript::Transcript;
use crate::adapters::process::{identity, leftover};
use crate::adapters::sandbox::enter::{Company, Entered, Wish};
use crate::adapters::sandbox::proxy::Refused;
use crate::adapters::sandbox::shape::{Ceilings, Sandbox, Workplace};
use crate::ports::{Stop, Watch};
use crate::rules::event::ProcessIdentity;
use dashmap::DashMap;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::UnixStream;
use tokio::net::unix::pipe;
use tokio::process::{Child, Command};
use tokio::time::{Instant, timeout};

/// What a supervisor may take beyond the grace that it gives.
pub(super) const MARGIN: Duration = Duration::from_secs(2);
const LARGEST_FILE: u64 = 64 << 30;

/// Runs programs. Cheap to clone; all clones know the same running programs.
#[derive(Clone, Debug)]
pub struct Processes {
    supervisor: PathBuf,
    sandbox: Option<Arc<Sandbox>>,
    live: Arc<DashMap<u32, ProcessIdentity>>,
}

impl Processes {
    /// With the program that supervises when it is called with `__exec`: our own executable, absolute.
    #[must_use]
    pub fn new(supervisor: PathBuf) -> Self {
        Self {
            supervisor,
            sandbox: None,
            live: Arc::default(),
        }
    }

    /// The same, in a sandbox: all that says what it may reach runs there.
    #[must_use]
    pub fn contained(&self, sandbox: Arc<Sandbox>) -> Self {
        Self {
            sandbox: Some(sandbox),
            ..self.clone()
        }
    }

    /// What keeps programs apart from the machine, in the configuration's word.
    #[must_use]
    pub fn isolation(&self) -> &'static str {
        let sandbox = self.sandbox.as_ref();
        sandbox.map_or("none", |sandbox| sandbox.isolation.word())
    }

    /// Is there a sandbox?
    #[must_use]
    pub fn are_contained(&self) -> bool {
        self.sandbox.is_some()
    }

    /// The supervisors that live at this moment.
    #[must_use]
    pub fn live(&self) -> Vec<ProcessIdentity> {
        self.live
            .iter()
            .map(|entry| entry.value().clone())
            .collect()
    }

    /// What stands for the home of programs that run in this directory; nothing where there is no sandbox.
    #[must_use]
    pub fn home_in(&self, directory: &Path) -> Option<PathBuf> {
        let sandbox = self.sandbox.as_ref()?;
        Workplace::of(&sandbox.slots, directory).map(|place| place.home)
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
        let entered = self.enter(spec).await;
        let started = match &entered {
            Ok(entered) => self.start(spec, entered, watch, stop).await,
            Err(error) => Err(not_started("make the sandbox ready", error)),
        };
        let mut end = match started {
            Ok(running) => attend(running, spec, sink, stop).await,
            Err(cause) => ProcessEnd {
                cause,
                code: None,
                complaints: Vec::new(),
                took: Duration::ZERO,
                refused: Refused::default(),
            },
        };
        end.took = began.elapsed();
        end.refused = entered
            .map(|entered| entered.company.refused())
            .unwrap_or_default();
        if !end.refused.is_empty() {
            watch.kept_from(end.refused.keys().cloned().collect()).await;
        }
        end
    }

    /// Ends what an earlier process of ours left behind; a process that merely has the same number is left alone.
    pub async fn end_leftover(&self, supervisor: &ProcessIdentity) {
        leftover::end(supervisor).await;
    }

    /// Into the sandbox, where there is one and the program is for it.
    async fn enter(&self, spec: &ProcessSpec) -> io::Result<Entered> {
        match (&self.sandbox, &spec.reach) {
            (Some(sandbox), Some(reach)) => {
                let wish = Wish {
                    argv: &spec.argv,
                    env: &spec.env,
                    directory: &spec.directory,
                    reach,
                };
                sandbox.enter(wish).await
            }
            (None, _) | (_, None) => Ok(Entered {
                argv: spec.argv.clone(),
                env: spec.env.clone(),
                is_wrapped: false,
                ceilings: Ceilings::default(),
                company: Company::default(),
            }),
        }
    }

    async fn start(
        &self,
        spec: &ProcessSpec,
        entered: &Entered,
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
                    .map_err(|error| not_started("keep its output", &error))?,
            ),
            None => None,
        };
        let mut running = self
            .spawn(spec.streams, transcript)
            .map_err(|error| not_started("start its supervisor", &error))?;
        // The guard takes it off the list however this ends, also when the future is dropped.
        self.live
            .insert(running.identity.pid, running.identity.clone());
        running.listed = Some(Listed {
            live: Arc::clone(&self.live),
            pid: running.identity.pid,
        });
        if watch.spawned(running.identity.clone()).await.is_err() || stop.is_asked() {
            drop(running.lifeline);
            let _ = timeout(MARGIN, running.child.wait()).await;
            return Err(Cause::Refused);
        }
        let order = Order {
            argv: entered.argv.clone(),
            directory: spec.directory.clone(),
            env: entered.env.clone().into_iter().collect(),
            grace_millis: u64::try_from(spec.grace.as_millis()).unwrap_or(u64::MAX),
            largest_file: LARGEST_FILE,
            is_wrapped: entered.is_wrapped,
            ceilings: entered.ceilings,
        };
        let bytes = order::encode(&order, &spec.input)
            .map_err(|error| not_started("hand over its order", &error))?;
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

fn not_started(action: &str, error: &io::Error) -> Cause {
    Cause::NotStarted {
        missing: false,
        detail: format!("{action}: {error}"),
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
