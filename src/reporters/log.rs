//! The structured log: one JSON object a line, one file a day, old files removed; and log lines for people on `-v`.

use crate::ports::Reporter;
use crate::reporters::out::{self, Plain, Queue};
use crate::reporters::shape;
use crate::reporters::time::rfc3339;
use crate::rules::event::{Progress, Recorded};
use crate::rules::printable::plain_json;
use crate::rules::tally::Tally;
use serde_json::json;
use std::fmt;
use std::fs::DirBuilder;
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing_appender::rolling::{InitError, RollingFileAppender, Rotation};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Layer, SubscriberExt};

/// A disk that takes nothing for so long at the end is not waited for.
const PATIENCE: Duration = Duration::from_secs(2);

/// Why there is no log.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    /// The folder cannot be made.
    #[error("make the folder {}", path.display())]
    Folder {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// The file of today cannot be opened.
    #[error("open a log file in {}", path.display())]
    File {
        /// The folder.
        path: PathBuf,
        /// Why.
        #[source]
        cause: InitError,
    },
    /// The log runs already.
    #[error("start the log a second time")]
    Started,
}

/// Keeps the log open; writes out what waits when dropped. Hold it until the end of the process.
pub struct LogGuard {
    file: Arc<Queue>,
}

impl fmt::Debug for LogGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogGuard").finish_non_exhaustive()
    }
}

/// Starts the log in this folder (made for its owner alone where it is missing): `autoissue.2026-09-21.log` and so on,
/// by UTC days, of which the last `keep` stay, and at most one more. On standard error people see warnings; with `verbosity` 1 what
/// happens, 2 how, 3 everything.
pub fn start(dir: &Path, keep: usize, verbosity: u8) -> Result<LogGuard, LogError> {
    let guard = LogGuard::open(dir, keep)?;
    let subscriber = subscriber(&guard, out::stderr(), verbosity);
    tracing::subscriber::set_global_default(subscriber).map_err(|_| LogError::Started)?;
    Ok(guard)
}

/// Writes every event into the log, in the shape of `reporters::shape`.
pub struct LogReporter {
    tally: Mutex<Tally>,
    file: Arc<Queue>,
}

impl LogReporter {
    /// Writes into this log.
    #[must_use]
    pub fn new(guard: &LogGuard) -> Self {
        Self {
            tally: Mutex::default(),
            file: Arc::clone(&guard.file),
        }
    }
}

impl Reporter for LogReporter {
    fn event(&self, recorded: &Recorded) {
        let mut tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
        tally.apply(recorded);
        let envelope = json!({
            "timestamp": rfc3339(recorded.at),
            "level": "INFO",
            "target": "autoissue::event",
            "seq": recorded.seq,
        });
        let line = shape::with(envelope, shape::event(&tally, recorded));
        self.file.line(plain_json(line.to_string()));
    }

    fn progress(&self, _: &Progress) {}

    fn finish(&self) {
        self.file.flush(PATIENCE);
    }
}

impl LogGuard {
    fn open(dir: &Path, keep: usize) -> Result<Self, LogError> {
        let path = dir.to_owned();
        let made = DirBuilder::new().recursive(true).mode(0o700).create(dir);
        made.map_err(|cause| LogError::Folder {
            path: path.clone(),
            cause,
        })?;
        let appender = RollingFileAppender::builder()
            .rotation(Rotation::DAILY)
            .filename_prefix("autoissue")
            .filename_suffix("log")
            // It makes room for a new file even where today's is there already.
            .max_log_files(keep.max(1) + 1)
            .build(dir)
            .map_err(|cause| LogError::File { path, cause })?;
        let file = Arc::new(Queue::start(Box::new(Plain(appender))));
        Ok(Self { file })
    }
}

impl Drop for LogGuard {
    fn drop(&mut self) {
        self.file.flush(PATIENCE);
    }
}

fn subscriber(
    guard: &LogGuard,
    people: &'static Queue,
    verbosity: u8,
) -> impl Subscriber + Send + Sync {
    let file = Arc::clone(&guard.file);
    let programs = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_writer(move || Lines(Arc::clone(&file)))
        .with_filter(levels(verbosity.max(1)));
    let readable = tracing_subscriber::fmt::layer()
        .without_time()
        .with_target(false)
        .with_ansi(false)
        .with_writer(move || Lines(people))
        .with_filter(levels(verbosity));
    tracing_subscriber::registry().with(programs).with(readable)
}

/// How much of our own is said, and how much of the libraries below.
fn levels(verbosity: u8) -> Targets {
    let (own, others) = match verbosity {
        0 => (LevelFilter::WARN, LevelFilter::ERROR),
        1 => (LevelFilter::INFO, LevelFilter::WARN),
        2 => (LevelFilter::DEBUG, LevelFilter::WARN),
        3.. => (LevelFilter::TRACE, LevelFilter::INFO),
    };
    Targets::new()
        .with_default(others)
        .with_target("autoissue", own)
}

/// Puts each formatted event into a queue; the formatter writes one at a time.
struct Lines<Q>(Q);

impl<Q: std::ops::Deref<Target = Queue>> Write for Lines<Q> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        self.0.line(text.trim_end().to_owned());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::script::{self, NASTY, Script};
    use serde_json::Value;
    use std::io::Read;

    fn logged(dir: &Path) -> Vec<Value> {
        let mut lines = Vec::new();
        for entry in std::fs::read_dir(dir).unwrap() {
            let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
            lines.extend(text.lines().map(|line| serde_json::from_str(line).unwrap()));
        }
        lines
    }

    fn pipe() -> (io::PipeReader, &'static Queue) {
        let (reader, writer) = io::pipe().unwrap();
        let queue = Box::leak(Box::new(Queue::start(Box::new(Plain(writer)))));
        (reader, queue)
    }

    #[test]
    fn every_event_is_a_line_in_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let guard = LogGuard::open(dir.path(), 7).unwrap();
        let reporter = LogReporter::new(&guard);
        let task = script::titled(21, NASTY, "unknown", &[]);
        let script = Script::begun(&[task]);
        for recorded in &script.events {
            reporter.event(recorded);
        }
        reporter.finish();
        let lines = logged(dir.path());
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[0]["event"], "session_started");
        assert_eq!(lines[0]["level"], "INFO");
        assert_eq!(lines[1]["tasks"][0]["title"], NASTY);
    }

    #[test]
    fn people_see_warnings_and_the_file_sees_more() {
        let dir = tempfile::tempdir().unwrap();
        let guard = LogGuard::open(dir.path(), 7).unwrap();
        let (mut reader, people) = pipe();
        tracing::subscriber::with_default(subscriber(&guard, people, 0), || {
            tracing::warn!(hook = "x", "could not be told");
            tracing::info!("fetched");
            tracing::debug!("nobody asked for this");
        });
        assert!(people.flush(PATIENCE));
        drop(guard);
        let mut seen = [0; 200];
        let count = reader.read(&mut seen).unwrap();
        let seen = String::from_utf8_lossy(&seen[..count]);
        assert_eq!(seen, " WARN could not be told hook=\"x\"\n");
        let said: Vec<Value> = logged(dir.path());
        let said: Vec<&str> = said
            .iter()
            .filter_map(|line| line["message"].as_str())
            .collect();
        assert_eq!(said, ["could not be told", "fetched"]);
    }

    #[test]
    fn only_the_last_days_stay() {
        let dir = tempfile::tempdir().unwrap();
        for day in 1..=9 {
            let name = format!("autoissue.2020-01-0{day}.log");
            std::fs::write(dir.path().join(name), "{}\n").unwrap();
        }
        std::fs::write(dir.path().join("someone-elses.txt"), "kept").unwrap();
        drop(LogGuard::open(dir.path(), 3).unwrap());
        let names = std::fs::read_dir(dir.path()).unwrap();
        let names: Vec<String> = names
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        let logs = names.iter().filter(|name| name.starts_with("autoissue."));
        assert!(logs.count() <= 4, "{names:?}");
        assert!(names.contains(&"someone-elses.txt".to_owned()));
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        std::fs::write(&file, "").unwrap();
        let error = LogGuard::open(&file.join("logs"), 3).err().unwrap();
        assert!(error.to_string().ends_with("file/logs"), "{error}");
    }

    #[test]
    fn more_verbosity_never_says_less() {
        for verbosity in 0..5 {
            let (less, more) = (levels(verbosity), levels(verbosity + 1));
            for level in [
                tracing::Level::WARN,
                tracing::Level::INFO,
                tracing::Level::DEBUG,
            ] {
                let shown = less.would_enable("autoissue", &level);
                assert!(!shown || more.would_enable("autoissue", &level));
            }
        }
        assert!(!levels(0).would_enable("autoissue", &tracing::Level::INFO));
    }
}
