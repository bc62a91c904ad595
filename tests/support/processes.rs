//! What tests of running programs share: who watches, who listens, and who still runs.

use async_trait::async_trait;
use autoissue::adapters::process::environment::{self, Variables};
use autoissue::adapters::process::lines::Line;
use autoissue::adapters::process::run::Processes;
use autoissue::adapters::process::spec::{Heard, LineSink, ProcessSpec, Streams};
use autoissue::ports::{Activity, Interrupted, Stop, Watch};
use autoissue::rules::event::ProcessIdentity;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// The real supervisor.
pub(crate) fn processes() -> Processes {
    Processes::new(PathBuf::from(env!("CARGO_BIN_EXE_autoissue")))
}

/// A file of `tests/support`.
pub(crate) fn support(name: &str) -> String {
    format!("{}/tests/support/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// A mark for the process list that no other test has.
pub(crate) fn token() -> String {
    format!("token-{}", uuid::Uuid::new_v4())
}

/// Runs a Python program given as text.
pub(crate) fn python(code: &str) -> ProcessSpec {
    spec(&["python3", "-c", code])
}

/// Runs one of `stubborn.py`'s programs.
pub(crate) fn stubborn(how: &str, token: &str) -> ProcessSpec {
    spec(&["python3", &support("stubborn.py"), how, token])
}

pub(crate) fn spec(argv: &[&str]) -> ProcessSpec {
    ProcessSpec {
        argv: argv.iter().map(ToString::to_string).collect(),
        directory: "/".into(),
        env: variables(),
        input: Vec::new(),
        streams: Streams::Apart,
        wall: Duration::from_secs(60),
        idle: Duration::from_secs(60),
        grace: Duration::from_millis(500),
        keep: None,
        reach: None,
    }
}

pub(crate) fn variables() -> Variables {
    environment::inherited(&[])
}

/// Whose command line holds the token, by now.
pub(crate) fn alive(token: &str) -> Vec<i32> {
    let listing = std::fs::read_dir("/proc").unwrap();
    let numbers = listing.filter_map(|item| item.ok()?.file_name().to_str()?.parse::<i32>().ok());
    numbers
        .filter(|pid| {
            let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            String::from_utf8_lossy(&line).contains(token)
        })
        .collect()
}

/// Waits until nobody's command line holds the token, at most so long; says who is left.
pub(crate) async fn left_after(token: &str, most: Duration) -> Vec<i32> {
    let end = Instant::now() + most;
    while !alive(token).is_empty() && Instant::now() < end {
        tokio::task::yield_now().await;
    }
    alive(token)
}

/// Watches, remembers what it was told, and may refuse.
#[derive(Default)]
pub(crate) struct Watcher {
    pub(crate) refuses: bool,
    pub(crate) spawned: Mutex<Vec<ProcessIdentity>>,
    pub(crate) activities: Mutex<Vec<Activity>>,
}

impl Watcher {
    pub(crate) fn supervisor(&self) -> ProcessIdentity {
        self.spawned.lock().unwrap().last().unwrap().clone()
    }
}

#[async_trait]
impl Watch for Watcher {
    async fn spawned(&self, process: ProcessIdentity) -> Result<(), Interrupted> {
        self.spawned.lock().unwrap().push(process);
        if self.refuses {
            Err(Interrupted)
        } else {
            Ok(())
        }
    }

    fn activity(&self, activity: Activity) {
        self.activities.lock().unwrap().push(activity);
    }
}

/// Remembers lines, and asks to stop when it hears `ready`.
#[derive(Default)]
pub(crate) struct Ear {
    pub(crate) lines: Vec<String>,
    pub(crate) on_ready: Option<(Stop, Asking)>,
    pub(crate) noise: bool,
}

/// How it asks.
#[derive(Clone, Copy)]
pub(crate) enum Asking {
    Gently,
    Hard,
}

impl LineSink for Ear {
    fn line(&mut self, line: Line<'_>) -> Heard {
        self.lines
            .push(String::from_utf8_lossy(line.text).into_owned());
        if line.text == b"ready" {
            match &self.on_ready {
                Some((stop, Asking::Gently)) => stop.ask(),
                Some((stop, Asking::Hard)) => stop.insist(),
                None => {}
            }
        }
        if self.noise {
            Heard::Noise
        } else {
            Heard::Life
        }
    }
}
