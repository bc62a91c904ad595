//! The project's repository: where it is kept, how it is opened, and what of it goes by its age.

use crate::adapters::git::repository::{self, GitRepository};
use crate::adapters::git::source::{Habits, Place as GitPlace, Retention, Source, nobody};
use crate::adapters::store::open::Store;
use crate::commands::identity::credentials;
use crate::commands::place::{names, whereabouts};
use crate::commands::project::Home;
use crate::commands::wire::Wiring;
use crate::config::trees::Lfs;
use crate::error::Error;
use crate::ports::Repository;
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

impl Wiring {
    /// The repository; its mirror is cloned first where there is none yet.
    pub async fn repository(&self) -> Result<Arc<dyn Repository>, Error> {
        Ok(Arc::new(self.git_repository().await?))
    }

    /// The same, by its own name.
    pub async fn git_repository(&self) -> Result<GitRepository, Error> {
        self.open_repository(Retention::default()).await
    }

    /// The same for a new session, once what is old was let go of.
    pub async fn tidied_repository(&self, store: &Store) -> Result<GitRepository, Error> {
        let (days, last) = self.loaded.config.retention.limits();
        store.strip_old(days, last)?;
        let before = store.needless_before(days)?;
        let since_epoch = Duration::from_millis(u64::try_from(before.0).unwrap_or(0));
        let ceiling = self.loaded.config.worktree.max_disk_mb;
        let retention = Retention {
            before: Some(SystemTime::UNIX_EPOCH + since_epoch),
            ceiling: ceiling.map(|megabytes| u64::from(megabytes.get()) << 20),
        };
        self.open_repository(retention).await
    }

    async fn open_repository(&self, retention: Retention) -> Result<GitRepository, Error> {
        let config = &self.loaded.config;
        let (url, tokens) = match &self.project.home {
            Home::Github { git_url, .. } => (git_url.clone(), self.tokens()),
            Home::Local { .. } => (self.project.top.display().to_string(), None),
        };
        let habits = Habits {
            author: config
                .author
                .as_ref()
                .map(|author| (author.name.clone(), author.email.clone())),
            copy: names(&config.worktree.copy),
            sparse: names(&config.worktree.sparse),
            retention,
            submodules: config.worktree.submodules,
            lfs: config.worktree.lfs == Lfs::Fetch,
            secrets: self.unpublishable(),
            keep_ignored: config.worktree.keep_ignored,
        };
        let source = Source {
            url,
            credential: tokens.map_or_else(nobody, credentials),
            checkout: Some(self.project.top.clone()),
        };
        Ok(repository::open(self.git_place(), source, habits).await?)
    }

    /// Where the mirror and the worktrees of this project are.
    #[must_use]
    pub fn git_place(&self) -> GitPlace {
        let digest = Sha256::digest(self.project_key());
        let digits =
            u64::from_be_bytes(digest[..8].try_into().expect("a digest has eight bytes")) >> 16;
        let name = format!(
            "{}-{digits:012x}",
            self.project.name().replace(['/', ' '], "-")
        );
        let root = self.loaded.config.worktree.root.as_ref();
        let slots = root.map_or_else(
            || self.state.join("worktrees"),
            |root| whereabouts(&self.loaded.resolve(root)),
        );
        GitPlace {
            mirror: self.state.join("mirrors").join(format!("{name}.git")),
            slots: slots.join(name),
        }
    }
}
