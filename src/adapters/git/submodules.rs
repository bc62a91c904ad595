//! Submodules: each is fetched into a mirror of its own, and its files are laid out where the commit wants them.
//!
//! No git directory comes with them, so that nothing of theirs is obeyed, and they are never committed.

use super::fetch::fetch_commit;
use super::join::has;
use super::listing::{Listing, name_of_digest};
use super::mirror::Mirror;
use super::remote::Remote;
use super::run::{Git, failed};
use super::source::{Credentials, Identity, Source, nobody};
use super::sparse::Scope;
use super::sweep::is_directory;
use crate::ports::RepositoryError;
use crate::rules::ids::CommitId;
use crate::rules::redact::Redactor;
use crate::rules::submodule::{is_same_server, url};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Submodules within submodules are followed no deeper.
const DEEPEST: u32 = 4;

/// The submodules of one repository.
pub(super) struct Submodules {
    /// Where their mirrors are.
    pub(super) place: PathBuf,
    /// How git is started.
    pub(super) git: Git,
    /// Who commits of ours would be by; there are none here.
    pub(super) identity: Identity,
    /// Where the repository itself comes from.
    pub(super) source: Source,
    /// Their mirrors, by where they come from.
    pub(super) known: tokio::sync::Mutex<HashMap<String, Arc<Mirror>>>,
}

impl Submodules {
    /// Lays the files of all submodules of a commit out below `tree`, which holds the commit's own files of this scope.
    pub(super) async fn lay_out(
        &self,
        mirror: &Mirror,
        commit: &str,
        tree: &Path,
        scope: &Scope,
    ) -> Result<(), RepositoryError> {
        let listing = mirror.listing(commit, scope).await?;
        self.below(mirror, (commit, &self.source.url), tree, (&listing, 0))
            .await
    }

    async fn below(
        &self,
        mirror: &Mirror,
        (commit, from): (&str, &str),
        tree: &Path,
        (listing, depth): (&Listing, u32),
    ) -> Result<(), RepositoryError> {
        if listing.nested.is_empty() || depth >= DEEPEST {
            return Ok(());
        }
        let told = told(mirror, commit).await?;
        for (path, wanted) in &listing.nested {
            let place = tree.join(path);
            // Outside of a sparse scope there is no directory; what nobody tells of is no submodule.
            let entry = told.get(path.to_string_lossy().as_ref());
            let Some((name, written)) = entry.filter(|_| is_directory(&place)) else {
                continue;
            };
            let whence =
                whence(from, name, written).map_err(|problem| refused(path, written, &problem))?;
            let own = self
                .mirror_of(&whence)
                .await
                .map_err(|cause| in_submodule(path, cause))?;
            self.bring(&own, wanted)
                .await
                .map_err(|cause| in_submodule(path, cause))?;
            unpack(&own, wanted, &place).await?;
            let commit = wanted.as_str();
            let listing = own.listing(commit, &Scope::default()).await?;
            let further = (&*listing, depth + 1);
            Box::pin(self.below(&own, (commit, &whence), &place, further)).await?;
        }
        Ok(())
    }

    async fn mirror_of(&self, whence: &str) -> Result<Arc<Mirror>, RepositoryError> {
        let mut known = self.known.lock().await;
        if let Some(mirror) = known.get(whence) {
            return Ok(Arc::clone(mirror));
        }
        let credential: Credentials = if is_same_server(&self.source.url, whence) {
            Arc::clone(&self.source.credential)
        } else {
            nobody()
        };
        let source = Source {
            url: whence.to_owned(),
            credential,
            checkout: self.source.checkout.clone(),
        };
        let (remote, _) = Remote::new(&source).await?;
        let name = name_of_digest(&Sha256::digest(whence)) + ".git";
        let mirror = Mirror::open(
            &self.place.join(name),
            self.git.clone(),
            remote,
            self.identity.clone(),
            Redactor::default(),
        )
        .await?;
        let mirror = Arc::new(mirror);
        known.insert(whence.to_owned(), Arc::clone(&mirror));
        Ok(mirror)
    }

    /// Fetches the commit where the mirror does not have it yet.
    async fn bring(&self, mirror: &Mirror, wanted: &CommitId) -> Result<(), RepositoryError> {
        if has(mirror, wanted).await? {
            return Ok(());
        }
        fetch_commit(mirror, wanted).await
    }
}

/// A repository on this machine has its submodules in its own git directory, as its user fetched them.
fn whence(from: &str, name: &str, written: &str) -> Result<String, String> {
    if from.contains("://") && !from.starts_with("file://") {
        return url(from, written).map_err(|why| why.words().to_owned());
    }
    let is_plain = |part: &str| !matches!(part, "" | "." | "..");
    let root = Path::new(from.strip_prefix("file://").unwrap_or(from));
    let modules = [root.join(".git"), root.to_owned()].map(|git| git.join("modules").join(name));
    let mut there = modules.iter().filter(|path| path.join("HEAD").is_file());
    match there.next().filter(|_| name.split('/').all(is_plain)) {
        Some(path) => Ok(path.display().to_string()),
        None => Err("the checkout does not have it: run `git submodule update --init`".to_owned()),
    }
}

/// Lays one commit's files out in an empty directory.
async fn unpack(mirror: &Mirror, commit: &CommitId, place: &Path) -> Result<(), RepositoryError> {
    let action = "lay out a submodule";
    let name = name_of_digest(&Sha256::digest(place.as_os_str().as_encoded_bytes()));
    let index = mirror.own().join(format!("index-{name}"));
    let forget = || super::refs::remove_file(&index).map_err(|cause| failed(action, cause));
    forget()?;
    let call = mirror.call_over(place, &index, "read-tree")?;
    let call = call.args(["-u", "--reset", commit.as_str()]);
    call.run(action).await?;
    forget()
}

/// The submodules that a commit tells of, by path: name and URL.
async fn told(
    mirror: &Mirror,
    commit: &str,
) -> Result<BTreeMap<String, (String, String)>, RepositoryError> {
    let blob = format!("{commit}:.gitmodules");
    let call = mirror.call("config")?;
    let said = call
        .args(["--blob", &blob, "--list", "-z"])
        .ask("read .gitmodules")
        .await?;
    let text = String::from_utf8_lossy(&said.out);
    let mut paths: BTreeMap<&str, &str> = BTreeMap::new();
    let mut urls: BTreeMap<&str, &str> = BTreeMap::new();
    for entry in text.split('\0') {
        let Some((key, value)) = entry.split_once('\n') else {
            continue;
        };
        let named = key
            .strip_prefix("submodule.")
            .and_then(|key| key.rsplit_once('.'));
        match named {
            Some((name, "path")) => drop(paths.insert(name, value)),
            Some((name, "url")) => drop(urls.insert(name, value)),
            Some(_) | None => {}
        }
    }
    let both = |(name, path): (&str, &str)| {
        let url = urls.get(name)?;
        Some((
            path.trim_end_matches('/').to_owned(),
            (name.to_owned(), (*url).to_owned()),
        ))
    };
    Ok(paths.into_iter().filter_map(both).collect())
}

const WAY_OUT: &str =
    "set worktree.submodules to false to leave the directories of submodules empty";

fn refused(path: &Path, written: &str, problem: &str) -> RepositoryError {
    RepositoryError::Unusable {
        problem: format!("submodule {} at `{written}`: {problem}", path.display()),
        hint: WAY_OUT.to_owned(),
    }
}

fn in_submodule(path: &Path, cause: RepositoryError) -> RepositoryError {
    match cause {
        RepositoryError::Remote {
            action,
            detail,
            auth,
        } => RepositoryError::Remote {
            action: format!("{action} (submodule {})", path.display()),
            detail,
            auth,
        },
        RepositoryError::Git { action, detail } => RepositoryError::Git {
            action: format!("{action} (submodule {})", path.display()),
            detail,
        },
        RepositoryError::Unusable { problem, .. } => RepositoryError::Unusable {
            problem: format!("submodule {}: {problem}", path.display()),
            hint: WAY_OUT.to_owned(),
        },
        other => other,
    }
}
