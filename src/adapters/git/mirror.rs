//! Our own bare mirror: made whole or not at all, its configuration ours at every call, one fetch for all who wait.

use super::lock::Lock;
use super::run::{Call, Git, blocking, failed};
use super::source::{Identity, Remote};
use crate::ports::RepositoryError;
use crate::rules::ids::{BranchName, CommitId};
use std::collections::{BTreeMap, HashMap};
use std::ffi::OsStr;
use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::Mutex;

/// How long another process may fetch before we give up.
const PATIENCE: Duration = Duration::from_secs(600);

/// Of how many commits the nested repositories are remembered.
const REMEMBERED: usize = 64;

/// What must not be in a git directory of ours, because git would read it.
const UNWANTED: [&str; 8] = [
    "hooks",
    "commondir",
    "config.worktree",
    "info/attributes",
    "info/exclude",
    "info/grafts",
    "objects/info/alternates",
    "objects/info/http-alternates",
];

/// Old commits and tags hold these harmless faults; all other faults of fetched objects are refused.
const HARMLESS: [&str; 9] = [
    "zeroPaddedFilemode",
    "badTimezone",
    "missingSpaceBeforeDate",
    "missingSpaceBeforeEmail",
    "missingNameBeforeEmail",
    "missingEmail",
    "badEmail",
    "missingTaggerEntry",
    "badTagName",
];

/// The mirror.
pub(super) struct Mirror {
    /// Its git directory.
    pub(super) path: PathBuf,
    /// Where it comes from.
    pub(super) remote: Remote,
    /// Who our commits are by.
    pub(super) identity: Identity,
    git: Git,
    config: String,
    begun: AtomicU64,
    last: Mutex<Option<(u64, Fetched)>>,
    refs: std::sync::Mutex<Option<Arc<Refs>>>,
    nested: std::sync::Mutex<HashMap<String, Vec<PathBuf>>>,
}

/// What one fetch brought, for all who waited for it.
type Fetched = Result<Arc<Refs>, Arc<RepositoryError>>;

/// The branches of the remote and its tags, as the mirror has them.
#[derive(Debug)]
pub(super) struct Refs {
    /// As git's own `packed-refs` file holds them.
    pub(super) packed: String,
    /// The remote's branches.
    heads: BTreeMap<String, CommitId>,
}

impl Mirror {
    /// Opens the mirror; makes it first where it is missing.
    pub(super) async fn open(
        path: &Path,
        git: Git,
        remote: Remote,
        identity: Identity,
    ) -> Result<Self, RepositoryError> {
        if !path.join("HEAD").exists() {
            create(path, &git, &remote).await?;
        }
        let action = "open the mirror";
        let own = path.join("autoissue");
        fs::create_dir_all(&own).map_err(|cause| failed(action, cause))?;
        let found =
            fs::read_to_string(path.join("config")).map_err(|cause| failed(action, cause))?;
        Ok(Self {
            path: path.to_owned(),
            remote,
            identity,
            git,
            config: config(found.contains("sha256")),
            begun: AtomicU64::new(0),
            last: Mutex::new(None),
            refs: std::sync::Mutex::new(None),
            nested: std::sync::Mutex::new(HashMap::new()),
        })
    }

    /// Our own directory within it.
    pub(super) fn own(&self) -> PathBuf {
        self.path.join("autoissue")
    }

    /// Does it name objects by SHA-256?
    pub(super) fn is_sha256(&self) -> bool {
        self.config.contains("sha256")
    }

    /// Packs what has gathered, where git finds that worth it. Nobody else may use the mirror meanwhile.
    pub(super) async fn tidy(&self) -> Result<(), RepositoryError> {
        let auto = [("gc.auto", "6700"), ("gc.autoDetach", "false")];
        self.call("gc")?
            .args(["--auto", "--quiet"])
            .settings(auto.map(|(key, value)| (key.to_owned(), value.to_owned())))
            .run("tidy up the mirror")
            .await
            .map(drop)
    }

    /// A call on the mirror, made safe first.
    pub(super) fn call(&self, subcommand: &str) -> Result<Call, RepositoryError> {
        self.guard()
            .map_err(|cause| failed("secure the mirror", cause))?;
        Ok(self
            .git
            .call(&self.path, subcommand)
            .env("GIT_DIR", &self.path))
    }

    /// A call on the mirror over files in `tree`, which must have been swept, with an index of our own.
    pub(super) fn call_over(
        &self,
        tree: &Path,
        index: &Path,
        subcommand: &str,
    ) -> Result<Call, RepositoryError> {
        self.guard()
            .map_err(|cause| failed("secure the mirror", cause))?;
        Ok(self
            .git
            .call(tree, subcommand)
            .env("GIT_DIR", &self.path)
            .env("GIT_WORK_TREE", tree)
            .env("GIT_INDEX_FILE", index))
    }

    /// Brings it up to date by a fetch that begins after this call did, shared with all who wait meanwhile.
    pub(super) async fn fetch(&self) -> Result<Arc<Refs>, RepositoryError> {
        let needed = self.begun.load(Ordering::SeqCst) + 1;
        let mut last = self.last.lock().await;
        let fetched = match &*last {
            Some((number, fetched)) if *number >= needed => fetched.clone(),
            Some(_) | None => {
                let number = self.begun.fetch_add(1, Ordering::SeqCst) + 1;
                let specs = [
                    "+refs/heads/*:refs/remotes/origin/*",
                    "^refs/heads/autoissue/*",
                ];
                let fetched = self.fetch_now(&specs).await.map_err(Arc::new);
                last.insert((number, fetched)).1.clone()
            }
        };
        fetched.map_err(|shared| again(&shared))
    }

    /// Brings in one branch of our own naming, and says where it stands.
    pub(super) async fn fetch_own(&self, branch: &BranchName) -> Result<CommitId, RepositoryError> {
        let spec = format!("+refs/heads/{branch}:refs/remotes/origin/{branch}");
        let refs = self.fetch_now(&[&spec]).await?;
        refs.find(branch.as_str())
    }

    /// The refs as the last fetch left them.
    pub(super) async fn refs(&self) -> Result<Arc<Refs>, RepositoryError> {
        let known = self.refs.lock().expect("no panic under this lock").clone();
        match known {
            Some(refs) => Ok(refs),
            None => self.read_refs().await,
        }
    }

    /// The paths of nested repositories (submodules) in a commit; listed once per commit.
    pub(super) async fn nested(&self, commit: &str) -> Result<Vec<PathBuf>, RepositoryError> {
        let lock = || self.nested.lock().expect("no panic under this lock");
        let known = lock().get(commit).cloned();
        if let Some(paths) = known {
            return Ok(paths);
        }
        let said = self
            .call("ls-tree")?
            .args(["-r", "-z", commit])
            .run(&format!("list the files of {commit}"))
            .await?;
        let paths: Vec<PathBuf> = said
            .parts()
            .filter(|entry| entry.starts_with(b"160000 "))
            .filter_map(|entry| entry.splitn(2, |byte| *byte == b'\t').nth(1))
            .map(|path| PathBuf::from(OsStr::from_bytes(path)))
            .collect();
        let mut all = lock();
        if all.len() >= REMEMBERED {
            all.clear();
        }
        all.insert(commit.to_owned(), paths.clone());
        Ok(paths)
    }

    async fn fetch_now(&self, specs: &[&str]) -> Result<Arc<Refs>, RepositoryError> {
        let action = "fetch";
        let lock = Lock::wait(&self.own().join("fetch"), "the mirror", PATIENCE).await?;
        let mut said = self.fetch_once(specs, &lock, action).await?;
        if said.code != Some(0) && said.complaint.contains(".lock': File exists") {
            // We hold the only lock that counts, so what a killed git left behind may go.
            let path = self.path.clone();
            blocking(action, move || unlock(&path)).await?;
            said = self.fetch_once(specs, &lock, action).await?;
        }
        self.remote.check_fetch(&self.path, action, &said)?;
        self.read_refs().await
    }

    async fn fetch_once(
        &self,
        specs: &[&str],
        lock: &Lock,
        action: &str,
    ) -> Result<super::run::Said, RepositoryError> {
        let call = fetch_call(self.call("fetch")?, &self.remote.url, specs)
            .holding(lock)
            .map_err(|cause| failed(action, cause))?;
        self.remote.ask(call, action).await
    }

    async fn read_refs(&self) -> Result<Arc<Refs>, RepositoryError> {
        let format = "%(objectname) %(refname)%(if)%(*objectname)%(then)%0a^%(*objectname)%(end)";
        let said = self
            .call("for-each-ref")?
            .args(["--format", format, "refs/remotes/origin", "refs/tags"])
            .run("list the mirror's branches")
            .await?;
        let refs = Arc::new(Refs::parse(&String::from_utf8_lossy(&said.out)));
        *self.refs.lock().expect("no panic under this lock") = Some(Arc::clone(&refs));
        Ok(refs)
    }

    /// Puts configuration and all else that git obeys back to what it was when we made it.
    fn guard(&self) -> io::Result<()> {
        let path = self.path.join("config");
        if fs::read(&path).ok().as_deref() != Some(self.config.as_bytes()) {
            super::refs::write_whole(&path, self.config.as_bytes())?;
        }
        for name in UNWANTED {
            let unwanted = self.path.join(name);
            match unwanted.symlink_metadata() {
                Err(_) => {}
                Ok(found) if found.is_dir() => fs::remove_dir_all(unwanted)?,
                Ok(_) => fs::remove_file(unwanted)?,
            }
        }
        Ok(())
    }
}

impl Refs {
    /// Where a branch of the remote stands.
    pub(super) fn find(&self, branch: &str) -> Result<CommitId, RepositoryError> {
        if let Some(commit) = self.heads.get(branch) {
            return Ok(commit.clone());
        }
        if self.heads.is_empty() {
            return Err(empty());
        }
        let known: Vec<String> = self
            .heads
            .keys()
            .take(5)
            .map(|name| format!("`{name}`"))
            .collect();
        Err(RepositoryError::Unusable {
            problem: format!("the remote has no branch `{branch}`"),
            hint: format!(
                "set project.baseBranch to one of its branches: {}",
                known.join(", ")
            ),
        })
    }

    fn parse(listing: &str) -> Self {
        let heads = listing
            .lines()
            .filter_map(|line| line.split_once(" refs/remotes/origin/"))
            .map(|(commit, name)| (name.to_owned(), CommitId::new(commit)))
            .collect();
        Self {
            packed: format!("# pack-refs with: peeled fully-peeled sorted \n{listing}"),
            heads,
        }
    }
}

async fn create(path: &Path, git: &Git, remote: &Remote) -> Result<(), RepositoryError> {
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
    for stale in [&aside, path] {
        match fs::remove_dir_all(stale) {
            Err(cause) if cause.kind() != ErrorKind::NotFound => return Err(io(cause)),
            Ok(()) | Err(_) => {}
        }
    }
    fs::create_dir(&aside).map_err(io)?;
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
    let specs = [
        "+refs/heads/*:refs/remotes/origin/*",
        "^refs/heads/autoissue/*",
    ];
    let call = fetch_call(call, &remote.url, &specs)
        .holding(&lock)
        .map_err(io)?;
    let said = remote.ask(call, action).await?;
    remote.check_fetch(&aside, action, &said)?;
    fs::rename(&aside, path).map_err(io)
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

fn fetch_call(call: Call, url: &str, specs: &[&str]) -> Call {
    let fsck = HARMLESS.map(|fault| (format!("fetch.fsck.{fault}"), "warn".to_owned()));
    call.args([
        "--quiet",
        "--prune",
        "--no-tags",
        "--no-write-fetch-head",
        "--no-auto-maintenance",
        "--no-recurse-submodules",
        "--no-show-forced-updates",
        "--",
        url,
        "+refs/tags/*:refs/tags/*",
    ])
    .args(specs)
    .settings([("fetch.fsckObjects".to_owned(), "true".to_owned())])
    .settings(fsck)
}

/// Removes the lock files of gits that were killed.
fn unlock(mirror: &Path) -> io::Result<()> {
    let mut stack = vec![mirror.join("refs/remotes"), mirror.join("refs/tags")];
    for name in ["packed-refs.lock", "shallow.lock"] {
        remove_file(&mirror.join(name))?;
    }
    while let Some(directory) = stack.pop() {
        let listing = match fs::read_dir(&directory) {
            Err(cause) if cause.kind() == ErrorKind::NotFound => continue,
            listing => listing?,
        };
        for entry in listing {
            let entry = entry?;
            let path = entry.path();
            if entry.file_type()?.is_dir() {
                stack.push(path);
            } else if path.extension().is_some_and(|end| end == "lock") {
                remove_file(&path)?;
            }
        }
    }
    Ok(())
}

/// Removes a file that may be gone already.
pub(super) fn remove_file(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(cause) if cause.kind() != ErrorKind::NotFound => Err(cause),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn config(sha256: bool) -> String {
    let mut text =
        "[core]\n\tbare = true\n\tfilemode = true\n\tlogAllRefUpdates = false\n".to_owned();
    text.push_str(if sha256 {
        "\trepositoryformatversion = 1\n[extensions]\n\tobjectformat = sha256\n"
    } else {
        "\trepositoryformatversion = 0\n"
    });
    text
}

fn empty() -> RepositoryError {
    RepositoryError::Unusable {
        problem: "the repository has no commits".to_owned(),
        hint: "make a first commit and push it".to_owned(),
    }
}

/// The same error for another who waited for the same fetch.
fn again(error: &RepositoryError) -> RepositoryError {
    match error {
        RepositoryError::Remote {
            action,
            detail,
            auth,
        } => RepositoryError::Remote {
            action: action.clone(),
            detail: detail.clone(),
            auth: *auth,
        },
        RepositoryError::Unusable { problem, hint } => RepositoryError::Unusable {
            problem: problem.clone(),
            hint: hint.clone(),
        },
        RepositoryError::Busy { what, holder } => RepositoryError::Busy {
            what: what.clone(),
            holder: holder.clone(),
        },
        RepositoryError::Git { action, detail } => RepositoryError::Git {
            action: action.clone(),
            detail: detail.clone(),
        },
        RepositoryError::Io { action, cause } => {
            failed(action, io::Error::new(cause.kind(), cause.to_string()))
        }
        RepositoryError::Foreign { branch, found } => RepositoryError::Foreign {
            branch: branch.clone(),
            found: found.clone(),
        },
    }
}
