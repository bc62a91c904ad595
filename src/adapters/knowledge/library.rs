//! The knowledge port: an index on disk, brought up to date from a git history.

use crate::adapters::git::archive::{Archive, TreeFile};
use crate::adapters::knowledge::index::{Index, Outcome};
use crate::ports::{Knowledge, KnowledgeError};
use crate::rules::classify::Domain;
use crate::rules::evaluate::background::Background;
use crate::rules::evaluate::similar::Resolved;
use crate::rules::footprint::Footprint;
use crate::rules::footprint::model::Weights;
use crate::rules::ids::CommitId;
use crate::rules::issue::Issue;
use crate::rules::own::Classification;
use async_trait::async_trait;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Commits, and files, that are learned at a time.
const COMMITS: usize = 256;
const FILES: usize = 64;

/// The index of one repository, shared by those who ask.
#[derive(Clone)]
pub struct Library {
    index: Arc<Mutex<Index>>,
    /// For objects that git makes while past merges are done over again.
    scratch: PathBuf,
    weights: Weights,
    own: Arc<Classification>,
}

/// How far it has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// So many of so many commits were read.
    Commits(u64, u64),
    /// So many of so many files were read.
    Files(u64, u64),
}

/// What bringing it up to date came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Learned {
    /// Commits that were new.
    pub commits: u64,
    /// Files whose content was new.
    pub files: u64,
    /// Was everything learned anew, because there was nothing, or another history?
    pub anew: bool,
}

impl Library {
    /// Opens the index at this path, and makes it where there is none that can be used. It knows nothing yet.
    pub async fn open(path: &Path) -> Result<Self, KnowledgeError> {
        let scratch = path.with_extension(format!("{}.objects", std::process::id()));
        let path = path.to_owned();
        let index = blocking("open the index", move || {
            if let Some(directory) = path.parent() {
                std::fs::create_dir_all(directory)
                    .map_err(|cause| rusqlite::Error::ToSqlConversionFailure(Box::new(cause)))?;
            }
            Index::open(&path)
        })
        .await?;
        Ok(Self::of(index, scratch))
    }

    /// Opens it as the last run left it, for looking only.
    pub async fn look(path: PathBuf) -> Result<Self, KnowledgeError> {
        let scratch = path.with_extension("objects");
        let index = blocking("open the index", move || Index::open_to_look(&path)).await?;
        Ok(Self::of(index, scratch))
    }

    /// One that knows nothing, for where there is none: our own record is still compared.
    pub async fn empty() -> Result<Self, KnowledgeError> {
        let index = blocking("make an index in memory", Index::in_memory).await?;
        Ok(Self::of(index, PathBuf::new()))
    }

    fn of(index: Index, scratch: PathBuf) -> Self {
        Self {
            index: Arc::new(Mutex::new(index)),
            scratch,
            weights: Weights::default(),
            own: Arc::default(),
        }
    }

    /// The same, with other weights.
    #[must_use]
    pub fn with_weights(mut self, weights: Weights) -> Self {
        self.weights = weights;
        self
    }

    /// The same, with the project's own rules.
    #[must_use]
    pub fn with_rules(mut self, own: &Classification) -> Self {
        self.own = Arc::new(own.clone());
        self
    }

    /// Learns what the history up to this commit has that it does not know: all of it or, on an error, nothing.
    pub async fn bring_up_to_date(
        &self,
        archive: &Archive,
        base: &CommitId,
        tell: &(dyn Fn(Step) + Send + Sync),
    ) -> Result<Learned, KnowledgeError> {
        // Whoever comes second waits here, and finds it done.
        self.with("begin", |index| {
            index.db.execute_batch("BEGIN IMMEDIATE")?;
            index.reload()
        })
        .await?;
        let learned = self.learn(archive, base, tell).await;
        let end = if learned.is_ok() {
            "COMMIT"
        } else {
            "ROLLBACK"
        };
        self.with("write the index", move |index| {
            index.db.execute_batch(end)?;
            if end == "ROLLBACK" {
                index.reload()
            } else {
                Ok(())
            }
        })
        .await?;
        learned
    }

    async fn learn(
        &self,
        archive: &Archive,
        base: &CommitId,
        tell: &(dyn Fn(Step) + Send + Sync),
    ) -> Result<Learned, KnowledgeError> {
        let head = self.with("read the index", |index| index.head()).await?;
        if head.as_ref() == Some(base) {
            return Ok(Learned::default());
        }
        let known = match head {
            Some(head) if archive.is_ancestor(&head, base).await? => Some(head),
            Some(_) | None => None,
        };
        if known.is_none() {
            self.with("clear the index", Index::forget).await?;
        }
        let commits = self
            .learn_history(archive, known.as_ref(), base, tell)
            .await?;
        let files = self.learn_files(archive, base, tell).await?;
        self.learn_meetings(archive, known.as_ref(), base).await?;
        let head = base.to_string();
        self.with("write the index", move |index| index.note("head", &head))
            .await?;
        Ok(Learned {
            commits,
            files,
            anew: known.is_none(),
        })
    }

    async fn learn_history(
        &self,
        archive: &Archive,
        known: Option<&CommitId>,
        base: &CommitId,
        tell: &(dyn Fn(Step) + Send + Sync),
    ) -> Result<u64, KnowledgeError> {
        let all = archive.count(known, base).await?;
        let mut history = archive.history(known, base)?;
        let mut done = 0;
        loop {
            let mut some = Vec::with_capacity(COMMITS);
            while some.len() < COMMITS
                && let Some(commit) = history.next().await?
            {
                some.push(commit);
            }
            if some.is_empty() {
                return Ok(done);
            }
            done += some.len() as u64;
            self.with("learn from the history", move |index| {
                some.iter().try_for_each(|commit| index.learn(commit))
            })
            .await?;
            tell(Step::Commits(done, all));
        }
    }

    /// The files are those of the commit itself; of those that changed the names are read.
    async fn learn_files(
        &self,
        archive: &Archive,
        base: &CommitId,
        tell: &(dyn Fn(Step) + Send + Sync),
    ) -> Result<u64, KnowledgeError> {
        let files = archive.files(base).await?;
        let pairs: Vec<(String, String)> = files
            .iter()
            .map(|file| (file.path.clone(), file.blob.clone()))
            .collect();
        let unread = self
            .with("list the files", move |index| index.settle(&pairs))
            .await?;
        let unread: Vec<&TreeFile> = unread.into_iter().map(|place| &files[place]).collect();
        let mut contents = archive.contents()?;
        let mut done = 0;
        for some in unread.chunks(FILES) {
            let readable: Vec<&TreeFile> = some
                .iter()
                .copied()
                .filter(|file| file.is_readable())
                .collect();
            let blobs: Vec<&str> = readable.iter().map(|file| file.blob.as_str()).collect();
            let read = contents.read(&blobs).await?;
            let names: Vec<(String, Vec<u8>)> = readable
                .iter()
                .zip(read)
                .map(|(file, content)| (file.path.clone(), content.unwrap_or_default()))
                .collect();
            let noted: Vec<(String, String)> = some
                .iter()
                .map(|file| (file.path.clone(), file.blob.clone()))
                .collect();
            self.with("learn the names of the files", move |index| {
                for (path, content) in &names {
                    index.learn_names(path, content)?;
                    index.note_owners(path, content)?;
                }
                noted
                    .iter()
                    .try_for_each(|(path, blob)| index.note_read(path, blob))
            })
            .await?;
            done += some.len() as u64;
            tell(Step::Files(done, unread.len() as u64));
        }
        Ok(done)
    }

    /// What went wrong with merges of the past is no reason to know nothing.
    async fn learn_meetings(
        &self,
        archive: &Archive,
        known: Option<&CommitId>,
        base: &CommitId,
    ) -> Result<(), KnowledgeError> {
        let meetings = match archive.meetings(known, base, &self.scratch).await {
            Ok(meetings) => meetings,
            Err(error) => {
                tracing::debug!(%error, "past merges tell nothing");
                return Ok(());
            }
        };
        self.with("learn from past merges", move |index| {
            let mut meetings = meetings.iter();
            meetings.try_for_each(|meeting| index.learn_meeting(&meeting.path, meeting.conflicted))
        })
        .await
    }

    async fn with<T: Send + 'static>(
        &self,
        action: &str,
        work: impl FnOnce(&mut Index) -> Outcome<T> + Send + 'static,
    ) -> Result<T, KnowledgeError> {
        let index = Arc::clone(&self.index);
        blocking(action, move || {
            work(&mut index.lock().unwrap_or_else(PoisonError::into_inner))
        })
        .await
    }
}

#[async_trait]
impl Knowledge for Library {
    async fn footprint(&self, issue: &Issue, domain: Domain) -> Result<Footprint, KnowledgeError> {
        let (issue, weights, own) = (issue.clone(), self.weights, Arc::clone(&self.own));
        self.with("ask the index", move |index| {
            let pile = index.evidence(&issue, domain, &weights, &own)?;
            let mut footprint = weights.combine(&pile);
            for file in &mut footprint.files {
                file.friction = index.friction(&file.path)?;
            }
            Ok(footprint)
        })
        .await
    }

    async fn background(
        &self,
        issue: &Issue,
        footprint: &Footprint,
        record: &[Resolved],
    ) -> Result<Background, KnowledgeError> {
        let (issue, footprint, record) = (issue.clone(), footprint.clone(), record.to_vec());
        self.with("ask the index", move |index| {
            index.background(&issue, &footprint, &record)
        })
        .await
    }
}

/// Runs what uses the database on a thread where that harms nobody.
pub(super) async fn blocking<T: Send + 'static>(
    action: &str,
    work: impl FnOnce() -> Outcome<T> + Send + 'static,
) -> Result<T, KnowledgeError> {
    let failed = |detail: String| KnowledgeError::Index {
        action: action.to_owned(),
        detail,
    };
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done.map_err(|error| failed(error.to_string())),
        Err(lost) => Err(failed(lost.to_string())),
    }
}
