//! Our own bare mirror, whose configuration is ours at every call.

use super::archive::Archive;
use super::cone;
use super::create::create;
use super::fetch::{Heads, Refs};
use super::flight::Flight;
use super::listing::Listing;
use super::objects::Objects;
use super::push::Queue;
use super::refs::{remove_file, write_whole};
use super::remote::Remote;
use super::run::{Call, Git, failed};
use super::source::Identity;
use super::sparse::Scope;
use crate::ports::RepositoryError;
use crate::rules::redact::Redactor;
use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// Of how many commits and scopes the nested repositories are remembered.
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

/// The mirror.
pub(super) struct Mirror {
    /// Its git directory.
    pub(super) path: PathBuf,
    /// Where it comes from.
    pub(super) remote: Remote,
    /// Who our commits are by.
    pub(super) identity: Identity,
    /// Knows the secrets that no change may bring.
    pub(super) secrets: Redactor,
    /// Reads and writes single objects.
    pub(super) objects: Objects,
    /// Looks at the remote.
    pub(super) looks: Flight<Arc<Heads>>,
    /// Fetches from the remote.
    pub(super) fetches: Flight<Arc<Refs>>,
    /// The refs as the last fetch left them.
    pub(super) refs: Mutex<Option<Arc<Refs>>>,
    /// Held while branches are made in a repository nearby.
    pub(super) making: Arc<tokio::sync::Mutex<()>>,
    /// What is to be pushed.
    pub(super) queue: Queue,
    git: Git,
    config: String,
    listings: Mutex<HashMap<(String, String), Arc<Listing>>>,
}

impl Mirror {
    /// Opens the mirror; makes it first where it is missing.
    pub(super) async fn open(
        path: &Path,
        git: Git,
        remote: Remote,
        identity: Identity,
        secrets: Redactor,
    ) -> Result<Self, RepositoryError> {
        if !path.join("HEAD").exists() {
            create(path, &git, &remote).await?;
        }
        let io = |cause| failed("open the mirror", cause);
        fs::create_dir_all(path.join("autoissue")).map_err(io)?;
        let found = fs::read_to_string(path.join("config")).map_err(io)?;
        Ok(Self {
            path: path.to_owned(),
            remote,
            identity,
            secrets,
            git,
            objects: Objects::new(),
            looks: Flight::new(),
            fetches: Flight::new(),
            refs: Mutex::new(None),
            making: Arc::default(),
            queue: Queue::new(),
            config: config(found.contains("sha256")),
            listings: Mutex::new(HashMap::new()),
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

    /// Its history, to be read.
    pub(super) fn archive(&self) -> Result<Archive, RepositoryError> {
        self.guard()
            .map_err(|cause| failed("secure the mirror", cause))?;
        Ok(Archive::of_mirror(self.git.clone(), self.path.clone()))
    }

    /// A call on the mirror over files in `tree`, which must have been swept, with an index of our own that nobody
    /// else uses meanwhile.
    pub(super) fn call_over(
        &self,
        tree: &Path,
        index: &Path,
        subcommand: &str,
    ) -> Result<Call, RepositoryError> {
        // A git that was killed leaves its lock.
        let lock = index.with_extension("lock");
        self.guard()
            .and_then(|()| remove_file(&lock))
            .map_err(|cause| failed("secure the mirror", cause))?;
        Ok(self
            .git
            .call(tree, subcommand)
            .env("GIT_DIR", &self.path)
            .env("GIT_WORK_TREE", tree)
            .env("GIT_INDEX_FILE", index))
    }

    /// What worktrees of a scope have to know of a commit; listed once per commit.
    pub(super) async fn listing(
        &self,
        commit: &str,
        scope: &Scope,
    ) -> Result<Arc<Listing>, RepositoryError> {
        let lock = || self.listings.lock().expect("no panic under this lock");
        let key = (commit.to_owned(), scope.patterns().to_owned());
        let known = lock().get(&key).cloned();
        if let Some(listing) = known {
            return Ok(listing);
        }
        let listing = if scope.is_whole() {
            let call = self.call("ls-tree")?.args(["-r", "-z", commit]);
            let said = call.run(&format!("list the files of {commit}")).await?;
            Listing::read(said.parts())
        } else {
            let entries = cone::entries(self, commit, scope).await?;
            Listing::read(entries.iter().map(Vec::as_slice))
        };
        let listing = Arc::new(listing);
        let mut all = lock();
        if all.len() >= REMEMBERED {
            all.clear();
        }
        all.insert(key, Arc::clone(&listing));
        Ok(listing)
    }

    /// Puts configuration and all else that git obeys back to what it was when we made it.
    fn guard(&self) -> io::Result<()> {
        let path = self.path.join("config");
        if fs::read(&path).ok().as_deref() != Some(self.config.as_bytes()) {
            write_whole(&path, self.config.as_bytes())?;
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

/// The whole configuration of a mirror.
pub(super) fn config(sha256: bool) -> String {
    let mut text =
        "[core]\n\tbare = true\n\tfilemode = true\n\tlogAllRefUpdates = false\n".to_owned();
    text.push_str(if sha256 {
        "\trepositoryformatversion = 1\n[extensions]\n\tobjectformat = sha256\n"
    } else {
        "\trepositoryformatversion = 0\n"
    });
    text
}
