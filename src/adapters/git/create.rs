//! Makes the mirror: whole, or not at all.

use super::fetch::{EVERYBODY_S, empty, fetch_call};
use super::lock::Lock;
use super::mirror::config;
use super::remote::Remote;
use super::run::{Git, failed};
use crate::ports::RepositoryError;
use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

/// How long another process may clone before we give up.
const PATIENCE: Duration = Duration::from_secs(3600);

/// Clones the remote; several processes may try at once.
pub(super) async fn create(path: &Path, git: &Git, remote: &Remote) -> Result<(), RepositoryError> {
    let action = "make the mirror";
    let io = |cause| failed(action, cause);
    let parent = path.parent().unwrap_or(path).to_owned();
    fs::create_dir_all(&parent).map_err(io)?;
    let name = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let lock = Lock::wait(&parent.join(format!("{name}.lock")), "the mirror", PATIENCE).await?;
    if path.join("HEAD").exists() {
        return Ok(());
    }
    let aside = parent.join(format!("{name}.new"));
    make_room(path, &aside).map_err(io)?;
    let sha256 = probe(git, &aside, remote).await?;
    let format = if sha256 { "sha256" } else { "sha1" };
    git.call(&aside, "init")
        .args([
            "--quiet",
            "--bare",
            "--template=",
            "--initial-branch=unused",
        ])
        .arg(format!("--object-format={format}"))
        .run(action)
        .await?;
    fs::write(aside.join("config"), config(sha256)).map_err(io)?;
    let call = git.call(&aside, "fetch").env("GIT_DIR", &aside);
    let call = fetch_call(call, &remote.url, &EVERYBODY_S)
        .holding(&lock)
        .map_err(io)?;
    let said = remote.ask(call, action).await?;
    remote.check_fetch(&aside, action, &said)?;
    fs::rename(&aside, path).map_err(io)
}

/// Makes the directory that the mirror is made in. What a killed process left of one goes; what is in the mirror's
/// place and is none is put by.
fn make_room(path: &Path, aside: &Path) -> io::Result<()> {
    match fs::remove_dir_all(aside) {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => return Err(cause),
        Ok(()) | Err(_) => {}
    }
    let mut count = 0_u64;
    while path.symlink_metadata().is_ok() {
        count += 1;
        let by = path.with_extension(format!("broken-{count}"));
        if by.symlink_metadata().is_err() {
            fs::rename(path, by)?;
        }
    }
    fs::create_dir(aside)
}

/// Has the remote any commit, and are its names SHA-256?
async fn probe(git: &Git, directory: &Path, remote: &Remote) -> Result<bool, RepositoryError> {
    let action = "look at the remote";
    let call = git
        .call(directory, "ls-remote")
        .args(["--heads", "--", &remote.url]);
    let said = remote.ask(call, action).await?;
    if said.code != Some(0) {
        return Err(remote.error(action, &said));
    }
    match said.text().split_once('\t') {
        Some((commit, _)) => Ok(commit.len() == 64),
        None => Err(empty()),
    }
}
