//! Where issues and pulls live.

use crate::rules::follow::shape::Said;
use crate::rules::ids::{BranchName, IssueNumber, PullNumber, Timestamp};
use crate::rules::issue::{Issue, Selection};
use crate::rules::offer::offering::Details;
use crate::rules::offer::reviewers::{Reviewers, Reviewing};
use crate::rules::prompt::first::Comment;
use crate::rules::quota::Allowance;
use crate::rules::room::Quota;
use crate::rules::standing::Standing;
use crate::rules::task::{Pull, PullDraft};
use crate::rules::trust::{Provenance, Trust};
use async_trait::async_trait;

/// Why a forge did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ForgeError {
    /// The credentials are missing, wrong or too weak.
    #[error("{action}: {detail}")]
    Auth {
        /// What was tried.
        action: String,
        /// What the forge said.
        detail: String,
    },
    /// The app that we act as cannot be used.
    #[error("sign in as the GitHub App: {problem}")]
    App {
        /// What is wrong with it.
        problem: String,
        /// What helps.
        hint: String,
    },
    /// There is no such thing, or it is hidden from us.
    #[error("{action}: not found")]
    NotFound {
        /// What was tried.
        action: String,
    },
    /// It understood, and refuses.
    #[error("{action}: {detail}")]
    Refused {
        /// What was tried.
        action: String,
        /// What the forge said.
        detail: String,
    },
    /// A limit holds us off, and waiting within the call took too long.
    #[error("{action}: rate limited until {until:?}")]
    Limited {
        /// What was tried.
        action: String,
        /// Until then, where that is known.
        until: Option<Timestamp>,
    },
    /// It may or may not have been done: no reply came, or one that cannot be read. Look before trying again.
    #[error("{action}: no usable reply: {detail}")]
    Unknown {
        /// What was tried.
        action: String,
        /// What happened instead.
        detail: String,
    },
    /// The local forge's files cannot be read or written.
    #[error("{action}")]
    Io {
        /// What was tried.
        action: String,
        /// Why it failed.
        #[source]
        cause: std::io::Error,
    },
}

/// A comment of our own, to be changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnComment {
    /// What the forge calls it, where it has names for comments.
    pub id: u64,
    /// The marker that it was found by.
    pub marker: String,
    /// What it says.
    pub body: String,
}

/// Where issues and pulls live. Reads may repeat themselves; a write is sent once, and its caller looks first.
#[async_trait]
pub trait Forge: Send + Sync {
    /// The repository's name there: `owner/name`, or the local directory's name.
    fn project(&self) -> &str;
    /// Its limits, as far as it told last; asks nothing.
    fn allowances(&self) -> Vec<Allowance> {
        Vec::new()
    }
    /// How many more requests of ordinary work it takes, as far as it told last; asks nothing.
    fn quota(&self) -> Option<Quota> {
        None
    }
    /// Open issues that the selection takes, pull requests left out, all pages, by number.
    async fn open_issues(&self, selection: &Selection) -> Result<Vec<Issue>, ForgeError>;
    /// One issue in any state; `None` where there is none, or it is a pull request.
    async fn issue(&self, number: IssueNumber) -> Result<Option<Issue>, ForgeError>;
    /// How these issues came by the label and by their words. Nothing where whoever can change an issue may write to the
    /// repository as well.
    async fn provenance(
        &self,
        _issues: &[IssueNumber],
        _label: &str,
    ) -> Result<Vec<Provenance>, ForgeError> {
        Ok(Vec::new())
    }
    /// What people whose word counts commented on the issue, the newest first; never what we commented ourselves. Nothing
    /// where comments stand in the issue's own text.
    async fn comments(
        &self,
        _issue: IssueNumber,
        _trust: Trust,
    ) -> Result<Vec<Comment>, ForgeError> {
        Ok(Vec::new())
    }
    /// What people whose word counts wrote below our comment with this marker, the oldest first.
    async fn replies(
        &self,
        _issue: IssueNumber,
        _marker: &str,
        _trust: Trust,
    ) -> Result<Vec<Comment>, ForgeError> {
        Ok(Vec::new())
    }
    /// Where an issue stands at this moment; it is looked at anew each time.
    async fn issue_standing(&self, number: IssueNumber) -> Result<Standing, ForgeError> {
        Ok(Standing::of(self.issue(number).await?.as_ref()))
    }
    /// The branch on which closing keywords work; `None` where there is no such thing.
    async fn default_branch(&self) -> Result<Option<String>, ForgeError> {
        Ok(None)
    }
    /// What a pull carries besides its words. Nothing where pulls carry nothing else.
    async fn details(&self, _pull: PullNumber) -> Result<Details, ForgeError> {
        Ok(Details::default())
    }
    /// Gives a pull these and no others.
    async fn set_details(&self, _pull: PullNumber, _details: &Details) -> Result<(), ForgeError> {
        Ok(())
    }
    /// Who reviews a pull.
    async fn reviewing(&self, _pull: PullNumber) -> Result<Reviewing, ForgeError> {
        Ok(Reviewing::default())
    }
    /// Asks for reviews of a pull. Sent once; refused as a whole where one of them cannot be asked.
    async fn ask_review(
        &self,
        _pull: PullNumber,
        _reviewers: &Reviewers,
    ) -> Result<(), ForgeError> {
        Ok(())
    }
    /// Issues that were closed as done, the latest first, as many as cost next to nothing: some hundreds at most.
    async fn closed_issues(&self) -> Result<Vec<Issue>, ForgeError>;
    /// All open pulls.
    async fn open_pulls(&self) -> Result<Vec<Pull>, ForgeError>;
    /// Every pull from this branch of this repository: any base, any state, the newest first.
    async fn pulls_from(&self, head: &BranchName) -> Result<Vec<Pull>, ForgeError>;
    /// Opens a pull. Sent once.
    async fn open_pull(&self, draft: &PullDraft) -> Result<Pull, ForgeError>;
    /// Gives an open pull this draft's base, title and body.
    async fn correct_pull(&self, number: PullNumber, draft: &PullDraft) -> Result<(), ForgeError>;
    /// Gives an open pull this body, and leaves all else as it is.
    async fn describe_pull(&self, number: PullNumber, body: &str) -> Result<(), ForgeError>;
    /// Our own comment with this marker on the issue.
    async fn own_comment(
        &self,
        issue: IssueNumber,
        marker: &str,
    ) -> Result<Option<OwnComment>, ForgeError>;
    /// Is there a comment of our own with this marker on the issue?
    async fn has_comment(&self, issue: IssueNumber, marker: &str) -> Result<bool, ForgeError> {
        Ok(self.own_comment(issue, marker).await?.is_some())
    }
    /// Comments on the issue. Sent once.
    async fn comment(&self, issue: IssueNumber, body: &str) -> Result<(), ForgeError>;
    /// Gives a comment of our own other words, with the same marker; nobody is notified. Sent once.
    async fn edit_comment(
        &self,
        issue: IssueNumber,
        comment: &OwnComment,
        body: &str,
    ) -> Result<(), ForgeError>;
    /// Is there an answer of our own with this marker to what was said of the pull?
    async fn has_answer(
        &self,
        pull: PullNumber,
        _said: &Said,
        marker: &str,
    ) -> Result<bool, ForgeError> {
        self.has_comment(IssueNumber(pull.0), marker).await
    }
    /// Answers what was said of the pull, where it was said. Sent once.
    async fn answer(&self, pull: PullNumber, _said: &Said, body: &str) -> Result<(), ForgeError> {
        self.comment(IssueNumber(pull.0), body).await
    }
    /// Puts a label on the issue, creating it in the repository where it is missing; twice is once.
    async fn add_label(&self, issue: IssueNumber, label: &str) -> Result<(), ForgeError>;
    /// Takes a label off the issue; one that is not there is fine.
    async fn remove_label(&self, issue: IssueNumber, label: &str) -> Result<(), ForgeError>;
}
