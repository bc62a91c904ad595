//! Asks a program one short question, and waits for the answer only so long.

use nix::unistd::{AccessFlags, access};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::AsyncReadExt as _;
use tokio::process::Command;

/// Longer than any healthy program needs to tell its version.
const LIMIT: Duration = Duration::from_secs(5);
/// More than any version is long.
const LONGEST_ANSWER: u64 = 4096;

/// What a program answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Probe {
    /// There is no such program.
    Missing,
    /// It ended well, and printed this line first.
    Said(String),
    /// It could not be started, or ended badly.
    Failed(String),
    /// It did not end in time, and was ended.
    Hung,
}

/// Runs a program without input and takes the first line that it prints.
pub async fn probe(program: &str, args: &[&str]) -> Probe {
    let child = Command::new(program)
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn();
    let mut child = match child {
        Ok(child) => child,
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Probe::Missing,
        Err(cause) => return Probe::Failed(cause.to_string()),
    };
    let answer = async {
        let mut text = Vec::new();
        if let Some(stdout) = child.stdout.take() {
            stdout.take(LONGEST_ANSWER).read_to_end(&mut text).await?;
        }
        Ok::<_, std::io::Error>((child.wait().await?, text))
    };
    match tokio::time::timeout(LIMIT, answer).await {
        Err(_) => Probe::Hung,
        Ok(Err(cause)) => Probe::Failed(cause.to_string()),
        Ok(Ok((status, text))) if status.success() => {
            let text = String::from_utf8_lossy(&text);
            Probe::Said(text.lines().next().unwrap_or_default().trim().to_owned())
        }
        Ok(Ok((status, _))) => Probe::Failed(status.to_string()),
    }
}

/// Is this a program: by its path, as seen from this directory, or by its name in `PATH`?
#[must_use]
pub fn is_program(program: &str, directory: &Path) -> bool {
    let is_executable = |path: &Path| path.is_file() && access(path, AccessFlags::X_OK).is_ok();
    if program.contains('/') {
        return is_executable(&directory.join(program));
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|directory| is_executable(&directory.join(program)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_way_to_answer_is_told_apart() {
        assert_eq!(probe("no-such-program-here", &[]).await, Probe::Missing);
        let said = probe("sh", &["-c", "echo one; echo two"]).await;
        assert_eq!(said, Probe::Said("one".into()));
        let failed = probe("sh", &["-c", "exit 3"]).await;
        assert_eq!(failed, Probe::Failed("exit status: 3".into()));
        let endless = probe("sh", &["-c", "exec cat /dev/zero"]).await;
        assert!(matches!(endless, Probe::Failed(_)), "{endless:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_program_that_hangs_is_ended() {
        assert_eq!(probe("sleep", &["60"]).await, Probe::Hung);
    }
}
