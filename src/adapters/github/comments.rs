//! What people commented on issues, and whose comments count.

use crate::adapters::github::forge::GitHub;
use crate::adapters::github::histories::WireActor;
use crate::adapters::github::wire::{WireComment, WireUser};
use crate::ports::ForgeError;
use crate::rules::ids::IssueNumber;
use crate::rules::names::bears_marker;
use crate::rules::prompt::first::Comment;
use crate::rules::trust::Trust;

impl GitHub {
    /// The newest first. Our own are left out: they tell what agents did and said.
    pub(super) async fn read_comments(
        &self,
        issue: IssueNumber,
        trust: Trust,
    ) -> Result<Vec<Comment>, ForgeError> {
        let action = format!("read the comments on {issue}");
        let path = self.path(&format!("/issues/{}/comments", issue.0));
        let comments: Vec<WireComment> = self.client.list(&action, &path).await?;
        let mut heard = Vec::new();
        for comment in comments.into_iter().rev() {
            let (Some(user), Some(text)) = (comment.user, comment.body) else {
                continue;
            };
            if self.is_heard(&user, trust).await? {
                heard.push(Comment {
                    author: user.login,
                    text,
                });
            }
        }
        Ok(heard)
    }

    /// What was written after our own comment with this marker, the oldest first.
    pub(super) async fn read_replies(
        &self,
        issue: IssueNumber,
        marker: &str,
        trust: Trust,
    ) -> Result<Vec<Comment>, ForgeError> {
        // Whoever could write an hour ago may not any more.
        self.forget_writers();
        let action = format!("read the comments on {issue}");
        let path = self.path(&format!("/issues/{}/comments", issue.0));
        let comments: Vec<WireComment> = self.client.list(&action, &path).await?;
        let (mut is_below, mut replies) = (false, Vec::new());
        for comment in comments {
            let (Some(user), Some(text)) = (comment.user, comment.body) else {
                continue;
            };
            if is_below {
                if self.is_heard(&user, trust).await? || self.is_person(&user, &text).await? {
                    let author = user.login;
                    replies.push(Comment { author, text });
                }
            } else if text.contains(marker) {
                // Anybody can paste our marker; only our own account can sign it.
                is_below = self.is_own(Some(&WireActor::of(&user))).await?;
            }
        }
        Ok(replies)
    }

    /// Did a person write this with the account that we act as? What we say ourselves bears our marker; an app is nobody's
    /// account, and others may speak through it.
    async fn is_person(&self, user: &WireUser, text: &str) -> Result<bool, ForgeError> {
        let actor = WireActor::of(user);
        Ok(actor.kind == "User" && !bears_marker(text) && self.is_own(Some(&actor)).await?)
    }

    pub(super) async fn is_heard(&self, user: &WireUser, trust: Trust) -> Result<bool, ForgeError> {
        let actor = WireActor::of(user);
        if self.is_own(Some(&actor)).await? {
            return Ok(false);
        }
        match trust {
            Trust::Everyone => Ok(true),
            Trust::Writers => self.may_write(Some(&actor)).await,
        }
    }
}
