//! This program as a process of its own, for `serve`: a session that dies takes nothing with it, and one that runs outlives
//! whoever began it.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tokio::process::{Child, Command};

/// Of what an errand said, so much of the end is read.
const TAIL: u64 = 8 << 10;
/// What an errand is not told: it is none of its business, or holds for whoever began it alone.
const KEPT: [&str; 5] = [
    "GITHUB_WEBHOOK_SECRET",
    "AUTOISSUE_DASHBOARD_TOKEN",
    "AUTOISSUE_DASHBOARD_PASSWORD",
    "NOTIFY_SOCKET",
    "WATCHDOG_USEC",
];

/// What is called, where, and with what.
#[derive(Clone, Debug)]
pub struct Call {
    /// The program, absolute.
    pub program: PathBuf,
    /// Its words.
    pub words: Vec<String>,
    /// Where it runs.
    pub directory: PathBuf,
    /// Variables on top of this process's own.
    pub env: Vec<(&'static str, String)>,
    /// Where what it says goes.
    pub log: PathBuf,
}

/// An errand that runs.
#[derive(Debug)]
pub struct Running {
    child: Child,
    log: PathBuf,
}

/// How it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// With which code; nothing where a signal ended it.
    pub exit: Option<u8>,
    /// What went wrong, as it said itself.
    pub words: Option<String>,
}

impl Call {
    /// Begins it, in a group of its own: a Ctrl-C at the terminal is for whoever began it, who passes it on.
    pub fn begin(&self) -> io::Result<Running> {
        let log = log_file(&self.log)?;
        let mut command = Command::new(&self.program);
        command
            .args(&self.words)
            .current_dir(&self.directory)
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .process_group(0);
        for name in KEPT {
            command.env_remove(name);
        }
        let child = command.spawn()?;
        Ok(Running {
            child,
            log: self.log.clone(),
        })
    }
}

impl Running {
    /// Its process; nothing where it ended.
    #[must_use]
    pub fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Waits for its end.
    pub async fn ended(mut self) -> Ended {
        let status = self.child.wait().await;
        let code = status.ok().and_then(|status| status.code());
        Ended {
            exit: code.and_then(|code| u8::try_from(code).ok()),
            words: last_error(&self.log),
        }
    }
}

/// Asks the process to begin nothing more, and to end once what it has begun has ended.
pub fn drain(process: u32) {
    send(process, Signal::SIGUSR1);
}

/// Asks the process to end in good order, as Ctrl-C does; asked again, it hurries.
pub fn interrupt(process: u32) {
    send(process, Signal::SIGINT);
}

fn send(process: u32, signal: Signal) {
    if let Ok(process) = i32::try_from(process)
        && let Err(error) = kill(Pid::from_raw(process), signal)
    {
        tracing::debug!(%error, process, "it cannot be asked to end");
    }
}

fn log_file(path: &Path) -> io::Result<File> {
    if let Some(directory) = path.parent() {
        std::fs::create_dir_all(directory)?;
    }
    let mut options = OpenOptions::new();
    options.create(true).write(true).truncate(true);
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// The last error that it told: from `error:` on, with the lines that belong to it.
fn last_error(log: &Path) -> Option<String> {
    let mut file = File::open(log).ok()?;
    let length = file.metadata().ok()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL)))
        .ok()?;
    let mut bytes = Vec::new();
    file.take(TAIL).read_to_end(&mut bytes).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    let from = text.rfind("error: ")? + "error: ".len();
    let lines = text[from..]
        .lines()
        .take_while(|line| !line.trim().is_empty());
    let words: Vec<&str> = lines.map(str::trim).collect();
    Some(words.join(" ")).filter(|words| !words.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(place: &Path, script: &str) -> Call {
        Call {
            program: PathBuf::from("/bin/sh"),
            words: vec!["-c".to_owned(), script.to_owned()],
            directory: place.to_owned(),
            env: vec![("GIVEN", "yes".to_owned())],
            log: place.join("deep/log"),
        }
    }

    #[tokio::test]
    async fn what_it_says_last_of_an_error_is_told() {
        let place = tempfile::tempdir().unwrap();
        let script = "echo fine; echo \"error: could not run: $GIVEN\" >&2; echo '  hint: do that' >&2; exit 4";
        let ended = call(place.path(), script).begin().unwrap().ended().await;
        let words = Some("could not run: yes hint: do that".to_owned());
        assert_eq!(
            ended,
            Ended {
                exit: Some(4),
                words
            }
        );
        let ended = call(place.path(), "echo fine")
            .begin()
            .unwrap()
            .ended()
            .await;
        assert_eq!((ended.exit, ended.words), (Some(0), None));
    }

    #[tokio::test]
    async fn it_can_be_interrupted() {
        let place = tempfile::tempdir().unwrap();
        let running = call(place.path(), "exec sleep 60").begin().unwrap();
        interrupt(running.id().unwrap());
        assert_eq!(running.ended().await.exit, None);
    }
}
