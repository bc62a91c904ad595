//! Issues and pulls as Markdown files in the user's repository; no account, no network.

use crate::adapters::local_forge::folder::{Bad, Entry, Folder};
use crate::adapters::local_forge::front_matter::{Document, Malformed};
use crate::adapters::local_forge::{comments, files, issue, pull};
use crate::ports::{Forge, ForgeError, OwnComment, Tie, Tied, Tracker};
use crate::rules::ids::{BranchName, IssueNumber, PullNumber, Timestamp};
use crate::rules::issue::{Issue, IssueDraft, IssueState, Selection};
use crate::rules::prompt::first::Comment;
use crate::rules::task::{Pull, PullDraft};
use crate::rules::trust::Trust;
use async_trait::async_trait;
use std::borrow::Cow;
use std::cmp::Reverse;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::Mutex;

const HOME: &str = ".autoissue";
const PULLS: &str = "pulls";
const LOCK: &str = "forge.lock";
/// Closed issues at most.
const CLOSED: usize = 500;
/// A file that a person keeps saving is tried again so many times.
const TRIES: u32 = 5;

/// Where a local forge keeps its files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalForgeSettings {
    /// The user's repository.
    pub root: PathBuf,
    /// Where the issues are, from the root; `.autoissue/issues` by default.
    pub issues_dir: PathBuf,
    /// What the repository is called.
    pub project: String,
}

impl LocalForgeSettings {
    /// The usual places in this repository, named after its directory.
    #[must_use]
    pub fn of(root: &Path) -> Self {
        let name = root.file_name().map(|name| name.to_string_lossy());
        Self {
            root: root.to_owned(),
            issues_dir: Path::new(HOME).join("issues"),
            project: name.map_or_else(|| "local".to_owned(), Cow::into_owned),
        }
    }
}

/// The embedded forge. Reading changes nothing; the first change makes `.autoissue/` with a `.gitignore` of its own.
pub struct LocalForge {
    project: String,
    folders: Arc<Folders>,
    /// Keeps this process's own changes in line, so that only other processes have to be waited for by asking again.
    turn: Mutex<()>,
}

struct Folders {
    home: PathBuf,
    issues: Folder,
    pulls: Folder,
}

impl LocalForge {
    /// The forge of this repository; its directory has to exist.
    pub fn open(settings: &LocalForgeSettings) -> Result<Self, ForgeError> {
        let root = fs::canonicalize(&settings.root).map_err(|cause| ForgeError::Io {
            action: format!("open the repository {}", settings.root.display()),
            cause,
        })?;
        let home = root.join(HOME);
        Ok(Self {
            project: settings.project.clone(),
            folders: Arc::new(Folders {
                issues: Folder::new(root.join(&settings.issues_dir), &root),
                pulls: Folder::new(home.join(PULLS), &root),
                home,
            }),
            turn: Mutex::new(()),
        })
    }

    async fn look<T: Send + 'static>(
        &self,
        look: impl FnOnce(&Folders) -> Result<T, ForgeError> + Send + 'static,
    ) -> Result<T, ForgeError> {
        let folders = Arc::clone(&self.folders);
        let looked = tokio::task::spawn_blocking(move || look(&folders));
        looked.await.expect("looking at files does not panic")
    }

    async fn change<T: Send + 'static>(
        &self,
        change: impl FnOnce(&Folders) -> Result<T, ForgeError> + Send + 'static,
    ) -> Result<T, ForgeError> {
        let _turn = self.turn.lock().await;
        self.look(Folders::furnish).await?;
        let path = self.folders.home.join(LOCK);
        let lock = files::lock(&path).await.map_err(|cause| {
            let action = format!("lock {}", path.display());
            ForgeError::Io { action, cause }
        })?;
        self.look(move |folders| {
            // The lock moves in: whoever waits for us may give up, the change still ends under it.
            let _lock = lock;
            change(folders)
        })
        .await
    }
}

#[async_trait]
impl Forge for LocalForge {
    fn project(&self) -> &str {
        &self.project
    }

    async fn open_issues(&self, selection: &Selection) -> Result<Vec<Issue>, ForgeError> {
        let mut issues = self
            .look(|folders| folders.issues.all(|_| true, issue::read))
            .await?;
        issues.retain(|issue| selection.takes(issue));
        Ok(issues)
    }

    async fn issue(&self, number: IssueNumber) -> Result<Option<Issue>, ForgeError> {
        self.look(move |folders| {
            let entry = folders.issues.find(number.0)?;
            entry.map(|entry| folders.read_issue(&entry)).transpose()
        })
        .await
    }

    async fn closed_issues(&self) -> Result<Vec<Issue>, ForgeError> {
        let mut issues = self
            .look(|folders| folders.issues.all(|_| true, issue::read))
            .await?;
        issues.retain(|issue| issue.state == IssueState::Closed);
        issues.sort_by_key(|issue| Reverse(issue.number));
        issues.truncate(CLOSED);
        Ok(issues)
    }

    async fn open_pulls(&self) -> Result<Vec<Pull>, ForgeError> {
        let mut pulls = self
            .look(|folders| folders.pulls.all(|_| true, pull::read))
            .await?;
        pulls.retain(|pull| pull.open);
        Ok(pulls)
    }

    async fn pulls_from(&self, head: &BranchName) -> Result<Vec<Pull>, ForgeError> {
        let head = head.clone();
        self.look(move |folders| folders.pulls_from(&head)).await
    }

    async fn open_pull(&self, draft: &PullDraft) -> Result<Pull, ForgeError> {
        let draft = draft.clone();
        let at = now();
        self.change(move |folders| folders.open_pull(&draft, at))
            .await
    }

    async fn correct_pull(&self, number: PullNumber, draft: &PullDraft) -> Result<(), ForgeError> {
        let draft = draft.clone();
        self.change(move |folders| folders.correct_pull(number, &draft))
            .await
    }

    async fn describe_pull(&self, number: PullNumber, body: &str) -> Result<(), ForgeError> {
        let body = body.to_owned();
        self.change(move |folders| {
            folders.change_pull(number, |document| pull::put_body(document, &body))
        })
        .await
    }

    /// Whoever can write to the folder may write to the repository.
    async fn replies(
        &self,
        issue: IssueNumber,
        marker: &str,
        _: Trust,
    ) -> Result<Vec<Comment>, ForgeError> {
        let marker = marker.to_owned();
        self.look(move |folders| {
            let entry = folders.issues.find(issue.0)?;
            let texts = entry.map(|entry| comments::below(entry.document.body(), &marker));
            let author = "a person".to_owned();
            let comment = |text| Comment {
                author: author.clone(),
                text,
            };
            Ok(texts.into_iter().flatten().map(comment).collect())
        })
        .await
    }

    async fn own_comment(
        &self,
        issue: IssueNumber,
        marker: &str,
    ) -> Result<Option<OwnComment>, ForgeError> {
        let marker = marker.to_owned();
        self.look(move |folders| {
            let entry = folders.issues.find(issue.0)?;
            let body = entry.and_then(|entry| comments::own(entry.document.body(), &marker));
            let id = 0;
            Ok(body.map(|body| OwnComment { id, marker, body }))
        })
        .await
    }

    async fn edit_comment(
        &self,
        issue: IssueNumber,
        comment: &OwnComment,
        body: &str,
    ) -> Result<(), ForgeError> {
        let (marker, body) = (comment.marker.clone(), body.to_owned());
        self.edit_issue(issue, "change our comment on", move |document| {
            Ok(comments::replace(document, &marker, &body))
        })
        .await
    }

    async fn comment(&self, issue: IssueNumber, body: &str) -> Result<(), ForgeError> {
        let body = body.to_owned();
        let at = now();
        self.edit_issue(issue, "comment on", move |document| {
            comments::append(document, at, &body);
            Ok(true)
        })
        .await
    }

    async fn add_label(&self, issue: IssueNumber, label: &str) -> Result<(), ForgeError> {
        let label = label.to_owned();
        self.edit_issue(issue, "label", move |document| {
            issue::add_label(document, &label)
        })
        .await
    }

    async fn remove_label(&self, issue: IssueNumber, label: &str) -> Result<(), ForgeError> {
        let label = label.to_owned();
        self.edit_issue(issue, "take a label off", move |document| {
            issue::remove_label(document, &label)
        })
        .await
    }
}

#[async_trait]
impl Tracker for LocalForge {
    /// Labels need no place of their own here.
    async fn ensure_label(&self, _: &str) -> Result<(), ForgeError> {
        Ok(())
    }

    async fn labelled(&self, label: &str) -> Result<Vec<Issue>, ForgeError> {
        let mut issues = self
            .look(|folders| folders.issues.all(|_| true, issue::read))
            .await?;
        issues.retain(|issue| issue.has_label(label));
        Ok(issues)
    }

    async fn open_issue(&self, draft: &IssueDraft) -> Result<IssueNumber, ForgeError> {
        let draft = draft.clone();
        let at = now();
        self.change(move |folders| folders.open_issue(&draft, at))
            .await
    }

    async fn rewrite(&self, issue: IssueNumber, body: &str) -> Result<(), ForgeError> {
        let body = body.to_owned();
        self.edit_issue(issue, "rewrite", move |document| {
            Ok(issue::rewrite(document, &body))
        })
        .await
    }

    async fn tie(&self, tie: Tie) -> Result<Tied, ForgeError> {
        match tie {
            Tie::Blocks { first, then } => {
                let edit = move |document: &mut Document| issue::add_need(document, first);
                self.edit_issue(then, "tie", edit).await?;
                Ok(Tied::Natively)
            }
            Tie::PartOf { .. } => Ok(Tied::InTextOnly),
        }
    }
}

impl LocalForge {
    async fn edit_issue(
        &self,
        number: IssueNumber,
        verb: &str,
        edit: impl Fn(&mut Document) -> Result<bool, Malformed> + Send + 'static,
    ) -> Result<(), ForgeError> {
        let action = format!("{verb} issue {number}");
        self.change(move |folders| edit_file(&folders.issues, number.0, &action, edit))
            .await
    }
}

impl Folders {
    /// Makes the directories, and keeps them out of the user's commits unless a `.gitignore` there says otherwise.
    fn furnish(&self) -> Result<(), ForgeError> {
        let told = |cause: io::Error| ForgeError::Io {
            action: format!("prepare {}", self.home.display()),
            cause,
        };
        fs::create_dir_all(self.pulls.path()).map_err(told)?;
        match fs::File::create_new(self.home.join(".gitignore")) {
            Ok(mut file) => io::Write::write_all(&mut file, b"*\n").map_err(told),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            Err(error) => Err(told(error)),
        }
    }

    fn read_issue(&self, entry: &Entry) -> Result<Issue, ForgeError> {
        issue::read(entry)
            .map_err(|problem| self.issues.refusal(&[Bad::new(&entry.path, &problem)]))
    }

    fn pulls_from(&self, head: &BranchName) -> Result<Vec<Pull>, ForgeError> {
        let head = head.as_str();
        let mut pulls = self
            .pulls
            .all(|name| pull::may_be_from(name, head), pull::read)?;
        pulls.retain(|pull| pull.head == head);
        pulls.reverse();
        Ok(pulls)
    }

    fn open_pull(&self, draft: &PullDraft, at: Timestamp) -> Result<Pull, ForgeError> {
        let action = format!("open a pull from {}", draft.head);
        if let Some(other) = self.pulls_from(&draft.head)?.iter().find(|pull| pull.open) {
            let detail = format!("{} from this branch is still open", other.number);
            return Err(ForgeError::Refused { action, detail });
        }
        let number = PullNumber(self.issues.highest()?.max(self.pulls.highest()?) + 1);
        let path = self
            .pulls
            .path()
            .join(pull::file_name(number, draft.head.as_str()));
        let document = pull::new(number, draft, at);
        files::create(&path, &document.render()).map_err(|cause| not_done(action, cause))?;
        self.read_pull(&self.pulls.at(&path)?)
    }

    fn open_issue(&self, draft: &IssueDraft, at: Timestamp) -> Result<IssueNumber, ForgeError> {
        let action = format!("open an issue in {}", self.issues.shown(self.issues.path()));
        let told = |cause| not_done(action.clone(), cause);
        fs::create_dir_all(self.issues.path()).map_err(told)?;
        let number = IssueNumber(self.issues.highest()?.max(self.pulls.highest()?) + 1);
        let path = self
            .issues
            .path()
            .join(issue::file_name(number, &draft.title));
        files::create(&path, &issue::new(draft, at).render()).map_err(told)?;
        Ok(number)
    }

    fn correct_pull(&self, number: PullNumber, draft: &PullDraft) -> Result<(), ForgeError> {
        self.change_pull(number, |document| pull::correct(document, draft))
    }

    fn change_pull(
        &self,
        number: PullNumber,
        change: impl Fn(&mut Document),
    ) -> Result<(), ForgeError> {
        let action = format!("correct pull {number}");
        let found = self.pulls.find(number.0)?;
        let entry = found.ok_or_else(|| ForgeError::NotFound {
            action: action.clone(),
        })?;
        if !self.read_pull(&entry)?.open {
            let detail = "it is not open any more".to_owned();
            return Err(ForgeError::Refused { action, detail });
        }
        edit_file(&self.pulls, number.0, &action, |document| {
            change(document);
            Ok(true)
        })
    }

    fn read_pull(&self, entry: &Entry) -> Result<Pull, ForgeError> {
        pull::read(entry).map_err(|problem| self.pulls.refusal(&[Bad::new(&entry.path, &problem)]))
    }
}

/// Changes one file; an `edit` that answers `false` has nothing to change. The caller holds the lock.
fn edit_file(
    folder: &Folder,
    number: u64,
    action: &str,
    edit: impl Fn(&mut Document) -> Result<bool, Malformed>,
) -> Result<(), ForgeError> {
    for _ in 0..TRIES {
        let found = folder.find(number)?;
        let mut entry = found.ok_or_else(|| ForgeError::NotFound {
            action: action.to_owned(),
        })?;
        let changed = edit(&mut entry.document)
            .map_err(|problem| folder.refusal(&[Bad::new(&entry.path, &problem)]))?;
        if !changed {
            return Ok(());
        }
        let text = entry.document.render();
        let done = files::replace(&entry.path, &entry.snapshot, &text)
            .map_err(|cause| not_done(action.to_owned(), cause))?;
        if done {
            return Ok(());
        }
    }
    Err(ForgeError::Refused {
        action: action.to_owned(),
        detail: "somebody else keeps changing its file".to_owned(),
    })
}

fn not_done(action: String, cause: io::Error) -> ForgeError {
    if cause.kind() == io::ErrorKind::InvalidData {
        let detail = format!("its file {cause}");
        ForgeError::Refused { action, detail }
    } else {
        ForgeError::Io { action, cause }
    }
}

fn now() -> Timestamp {
    Timestamp(chrono::Utc::now().timestamp_millis())
}
