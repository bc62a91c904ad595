//! Runs git: by argument vector, in a fixed environment, with bounded output.

use super::lock::Lock;
use crate::ports::RepositoryError;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};

/// The most that one answer of git may hold; a listing of a million paths stays below it.
const ANSWER_BYTES: usize = 256 << 20;
/// How much of what git complains about is kept: its end.
const COMPLAINT_BYTES: usize = 64 << 10;
/// How much of a complaint becomes part of an error.
const DETAIL_CHARS: usize = 600;

/// Variables of our own environment that git may need to reach the network or to find itself.
const PASSED_ON: [&str; 14] = [
    "PATH",
    "TMPDIR",
    "TZ",
    "http_proxy",
    "https_proxy",
    "HTTPS_PROXY",
    "all_proxy",
    "ALL_PROXY",
    "no_proxy",
    "NO_PROXY",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "GIT_SSL_CAINFO",
    "GIT_SSL_CAPATH",
];

/// Settings that hold for every call, whatever a configuration file says.
const ALWAYS: [(&str, &str); 22] = [
    ("core.hooksPath", "/dev/null"),
    ("core.fsmonitor", "false"),
    ("core.excludesFile", "/dev/null"),
    ("core.attributesFile", "/dev/null"),
    ("core.askPass", ""),
    // What an agent was paid for is on the disk before we say that we have it.
    ("core.fsync", "committed"),
    ("core.untrackedCache", "false"),
    ("core.splitIndex", "false"),
    ("core.sparseCheckout", "false"),
    ("core.protectNTFS", "true"),
    ("core.protectHFS", "true"),
    ("core.autocrlf", "false"),
    ("core.quotePath", "false"),
    ("credential.helper", ""),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    ("safe.bareRepository", "explicit"),
    ("submodule.recurse", "false"),
    ("commit.gpgSign", "false"),
    ("push.gpgSign", "false"),
    ("push.recurseSubmodules", "no"),
    ("log.showSignature", "false"),
];

/// How git is started.
#[derive(Clone, Debug)]
pub(super) struct Git {
    /// A whole path: with a name, to be found in a changed `PATH`, each start would copy our own page tables.
    program: PathBuf,
    environment: Vec<(OsString, OsString)>,
}

impl Git {
    /// Finds git. `home` is an empty directory of ours, in place of the user's with its configuration and `.netrc`.
    pub(super) fn find(home: &Path) -> Result<Self, RepositoryError> {
        let program = which_git().ok_or_else(|| RepositoryError::Unusable {
            problem: "git is not installed".to_owned(),
            hint: format!("install git {}.{} or newer", LEAST.0, LEAST.1),
        })?;
        let mut environment: Vec<(OsString, OsString)> = PASSED_ON
            .iter()
            .filter_map(|name| Some((name.into(), std::env::var_os(name)?)))
            .collect();
        for (name, value) in [
            ("LC_ALL", "C"),
            ("GIT_TERMINAL_PROMPT", "0"),
            ("GIT_NO_REPLACE_OBJECTS", "1"),
            ("GIT_NO_LAZY_FETCH", "1"),
            ("GIT_CONFIG_NOSYSTEM", "1"),
            ("GIT_CONFIG_GLOBAL", "/dev/null"),
            ("GIT_ATTR_NOSYSTEM", "1"),
            ("GIT_OPTIONAL_LOCKS", "0"),
            ("GIT_DEFAULT_REF_FORMAT", "files"),
            ("GIT_ALLOW_PROTOCOL", "https:http:file"),
            ("GIT_PAGER", "cat"),
        ] {
            environment.push((name.into(), value.into()));
        }
        environment.push(("HOME".into(), home.into()));
        Ok(Self {
            program,
            environment,
        })
    }

    /// Where we run as root, in a container say, a repository of this user is no stranger's: the user's own git, with
    /// the user's own settings, has looked at it before. Git takes the word of `sudo` for whom root stands in.
    pub(super) fn trusting(mut self, owner: Option<u32>) -> Self {
        let owner = owner.map(|owner| ("SUDO_UID".into(), owner.to_string().into()));
        self.environment.extend(owner);
        self
    }

    /// A call in `directory`, in whose parents no repository is looked for.
    pub(super) fn call(&self, directory: &Path, subcommand: &str) -> Call {
        let mut command = plain(&self.program, directory);
        command
            .arg(subcommand)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .env(
                "GIT_CEILING_DIRECTORIES",
                directory.parent().unwrap_or(directory),
            );
        Call {
            command,
            settings: Vec::new(),
            input: None,
            held: None,
        }
    }
}

/// A program that knows nothing of our environment yet.
fn plain(program: &Path, directory: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .current_dir(directory)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // A group of its own, so that a Ctrl-C meant for us does not take git down half-way.
        .process_group(0)
        .kill_on_drop(true);
    command
}

/// One call of git.
pub(super) struct Call {
    command: Command,
    settings: Vec<(String, String)>,
    input: Option<Vec<u8>>,
    held: Option<File>,
}

impl Call {
    /// One more argument.
    pub(super) fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.command.arg(argument);
        self
    }

    /// More arguments.
    pub(super) fn args<I: IntoIterator<Item = S>, S: AsRef<OsStr>>(mut self, arguments: I) -> Self {
        self.command.args(arguments);
        self
    }

    /// One more variable.
    pub(super) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// More settings; they travel in the environment, which other users cannot read, unlike arguments.
    pub(super) fn settings(mut self, settings: impl IntoIterator<Item = (String, String)>) -> Self {
        self.settings.extend(settings);
        self
    }

    /// What it reads from its standard input.
    pub(super) fn input(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.input = Some(bytes.into());
        self.command.stdin(Stdio::piped());
        self
    }

    /// Where nobody waits for it any more, it is not killed but ends by itself: a kill would leave its lock files.
    pub(super) fn left_alone(mut self) -> Self {
        self.command.kill_on_drop(false);
        self
    }

    /// It reads what another one writes.
    pub(super) fn reading(mut self, pipe: Stdio) -> Self {
        self.command.stdin(pipe);
        self
    }

    /// Keeps the lock until git has ended, even if we are killed before: git inherits it as its standard input.
    pub(super) fn holding(mut self, lock: &Lock) -> io::Result<Self> {
        self.command.stdin(lock.inherited()?);
        self.held = Some(lock.shared()?);
        Ok(self)
    }

    /// The same call, to be made once more. Of what it reads only a lock is kept.
    pub(super) fn twin(&self) -> io::Result<Self> {
        let own = self.command.as_std();
        let directory = own.get_current_dir().unwrap_or(Path::new("/"));
        let mut command = plain(Path::new(own.get_program()), directory);
        let variables = own.get_envs();
        command.args(own.get_args());
        command.envs(variables.filter_map(|(name, value)| Some((name, value?))));
        let again = || self.held.as_ref().map(File::try_clone).transpose();
        if let Some(lock) = again()? {
            command.stdin(lock);
        }
        Ok(Self {
            command,
            settings: self.settings.clone(),
            input: None,
            held: again()?,
        })
    }

    /// Runs it; anything but exit code 0 is an error.
    pub(super) async fn run(self, action: &str) -> Result<Said, RepositoryError> {
        let said = self.ask(action).await?;
        if said.code == Some(0) {
            return Ok(said);
        }
        Err(RepositoryError::Git {
            action: action.to_owned(),
            detail: said.detail(),
        })
    }

    /// Starts it, to be asked question after question; it ends with its standard input.
    pub(super) fn start(mut self, action: &str) -> Result<Child, RepositoryError> {
        self.command.stdin(Stdio::piped()).stderr(Stdio::null());
        self.spawn(action)
    }

    /// Runs it; its exit code is part of the answer.
    pub(super) async fn ask(mut self, action: &str) -> Result<Said, RepositoryError> {
        let child = self.spawn(action)?;
        let said = finish(child, self.input.unwrap_or_default())
            .await
            .map_err(|cause| failed(action, cause))?;
        tracing::trace!(action, code = said.code, "git");
        Ok(said)
    }

    fn spawn(&mut self, action: &str) -> Result<Child, RepositoryError> {
        let always = ALWAYS.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let mut count = 0_usize;
        let settings = std::mem::take(&mut self.settings);
        for (key, value) in always.into_iter().chain(settings) {
            self.command.env(format!("GIT_CONFIG_KEY_{count}"), key);
            self.command.env(format!("GIT_CONFIG_VALUE_{count}"), value);
            count += 1;
        }
        self.command.env("GIT_CONFIG_COUNT", count.to_string());
        self.command.spawn().map_err(|cause| failed(action, cause))
    }
}

/// What git said.
#[derive(Clone, Debug)]
pub(super) struct Said {
    /// Its exit code; none if a signal ended it.
    pub(super) code: Option<i32>,
    /// Its whole answer.
    pub(super) out: Vec<u8>,
    /// The end of its complaints.
    pub(super) complaint: String,
}

impl Said {
    /// All went well.
    pub(super) fn nothing() -> Self {
        Self {
            code: Some(0),
            out: Vec::new(),
            complaint: String::new(),
        }
    }

    /// The answer as text, without blanks around it.
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.out).trim().to_owned()
    }

    /// The parts of an answer that was asked for with `-z`.
    pub(super) fn parts(&self) -> impl Iterator<Item = &[u8]> {
        self.out.split(|b| *b == 0).filter(|part| !part.is_empty())
    }

    /// The end of the complaints, printable and on one line, for an error.
    pub(super) fn detail(&self) -> String {
        let line = self
            .complaint
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ");
        let printable: Vec<char> = line.chars().filter(|c| !c.is_control()).collect();
        let from = printable.len().saturating_sub(DETAIL_CHARS);
        let end: String = printable[from..].iter().collect();
        match (end.is_empty(), self.code) {
            (false, _) => end,
            (true, Some(code)) => format!("git ended with code {code}"),
            (true, None) => "git was killed".to_owned(),
        }
    }
}

/// An error of the file system while doing `action`.
pub(super) fn failed(action: &str, cause: io::Error) -> RepositoryError {
    RepositoryError::Io {
        action: action.to_owned(),
        cause,
    }
}

/// Runs what touches many files on a thread where that harms nobody.
pub(super) async fn blocking<T: Send + 'static>(
    action: &str,
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, RepositoryError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done.map_err(|cause| failed(action, cause)),
        Err(lost) => Err(failed(action, io::Error::other(lost))),
    }
}

/// The least version of git that does all that is asked of it here.
const LEAST: (u32, u32) = (2, 40);

/// Is a git there that is new enough?
pub(super) async fn check_version(git: &Git, directory: &Path) -> Result<(), RepositoryError> {
    let said = git
        .call(directory, "--version")
        .run("ask git for its version")
        .await?;
    let text = said.text();
    if parse_version(&text).is_some_and(|version| version >= LEAST) {
        return Ok(());
    }
    Err(RepositoryError::Unusable {
        problem: format!("`{text}` is too old"),
        hint: format!("install git {}.{} or newer", LEAST.0, LEAST.1),
    })
}

/// `git version 2.47.3 (Apple Git-1)` -> (2, 47)
fn parse_version(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.strip_prefix("git version ")?.split(['.', ' ', '-']);
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

fn which_git() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .filter(|directory| directory.is_absolute())
        .map(|directory| directory.join("git"))
        .find(|program| program.is_file())
}

/// Git and all that it started, such as what speaks to the remote; killed where nobody waits for it any more.
struct Group(Option<Pid>);

impl Group {
    fn of(child: &Child) -> Self {
        let pid = child.id().and_then(|pid| i32::try_from(pid).ok());
        Self(pid.map(Pid::from_raw))
    }

    fn has_ended(&mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(leader) = self.0 {
            // It may have ended by itself by now.
            let _ = killpg(leader, Signal::SIGKILL);
        }
    }
}

async fn finish(mut child: Child, input: Vec<u8>) -> io::Result<Said> {
    let mut group = Group::of(&child);
    let (pipe, out, complaint) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let feed = async move {
        if let Some(mut pipe) = pipe {
            // Git that ends before it has read all says why by its exit code.
            let _ = pipe.write_all(&input).await;
        }
    };
    let ((), out, complaint, status) =
        tokio::join!(feed, whole(out), tail(complaint), child.wait());
    group.has_ended();
    Ok(Said {
        code: status?.code(),
        out: out?,
        complaint: String::from_utf8_lossy(&complaint?).into_owned(),
    })
}

async fn whole(pipe: Option<impl AsyncRead + Unpin>) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(mut pipe) = pipe {
        (&mut pipe)
            .take(ANSWER_BYTES as u64)
            .read_to_end(&mut bytes)
            .await?;
        if tokio::io::copy(&mut pipe, &mut tokio::io::sink()).await? > 0 {
            return Err(io::Error::other("git answered with more than 256 MiB"));
        }
    }
    Ok(bytes)
}

async fn tail(pipe: Option<impl AsyncRead + Unpin>) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(mut pipe) = pipe {
        while pipe.read_buf(&mut bytes).await? > 0 {
            if bytes.len() > 2 * COMPLAINT_BYTES {
                bytes.drain(..bytes.len() - COMPLAINT_BYTES);
            }
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_what_every_vendor_prints() {
        let check = |text, expect| assert_eq!(parse_version(text), expect, "{text}");
        check("git version 2.47.3", Some((2, 47)));
        check("git version 2.39.5 (Apple Git-154)", Some((2, 39)));
        check("git version 2.54.0.rc1.windows.1", Some((2, 54)));
        check("hub version 2.14", None);
        assert!((2, 39) < LEAST && (3, 0) > LEAST);
    }

    #[tokio::test]
    async fn the_environment_of_the_caller_does_not_reach_git() {
        let home = tempfile::tempdir().unwrap();
        let git = Git::find(home.path()).unwrap();
        let said = git
            .call(home.path(), "-c")
            .args(["alias.environment=!env", "environment"])
            .run("list")
            .await
            .unwrap();
        let text = said.text();
        assert!(text.contains("GIT_TERMINAL_PROMPT=0"), "{text}");
        assert!(text.contains("GIT_CONFIG_KEY_0=core.hooksPath"), "{text}");
        // Cargo sets this one for every test, so a leaking environment would show it.
        assert!(std::env::var_os("CARGO_MANIFEST_DIR").is_some());
        assert!(!text.contains("CARGO_MANIFEST_DIR"), "{text}");
    }

    #[test]
    fn complaints_become_one_printable_line() {
        let said = Said {
            code: Some(128),
            out: Vec::new(),
            complaint: "fatal: \u{1b}[31mno\n\n such  thing\n".to_owned(),
        };
        assert_eq!(said.detail(), "fatal: [31mno such thing");
    }
}
