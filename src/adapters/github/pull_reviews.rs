//! What people said of a pull, and our answers.

use crate::adapters::github::forge::GitHub;
use crate::adapters::github::histories::WireActor;
use crate::adapters::github::limits::Kind;
use crate::adapters::github::pull_wire::{WireRemark, WireReview};
use crate::adapters::github::told::AddComment;
use crate::adapters::github::wire::WireUser;
use crate::ports::{Feedback, ForgeError};
use crate::rules::follow::shape::{Said, SaidId, Source};
use crate::rules::follow::words::answered;
use crate::rules::ids::PullNumber;
use crate::rules::trust::Trust;
use http::Method;
use std::collections::{BTreeMap, BTreeSet};

impl GitHub {
    pub(super) async fn read_feedback(
        &self,
        number: PullNumber,
        trust: Trust,
    ) -> Result<Feedback, ForgeError> {
        let lines = self
            .remarks(&format!("/pulls/{}/comments", number.0))
            .await?;
        let comments = self
            .remarks(&format!("/issues/{}/comments", number.0))
            .await?;
        let answered = self.answered(lines.iter().chain(&comments)).await?;
        let mut feedback = Feedback::default();
        for line in lines {
            let said = line_of(&line);
            self.hear(&mut feedback, trust, line.user.as_ref(), said)
                .await?;
        }
        self.hear_reviews(&mut feedback, number, trust).await?;
        let login = self.login().await?.to_owned();
        for comment in comments.into_iter().filter(|it| is_for_us(it, &login)) {
            let said = said(
                Source::Comment,
                comment.id,
                comment.user.as_ref(),
                comment.body.as_deref(),
            );
            self.hear(&mut feedback, trust, comment.user.as_ref(), said)
                .await?;
        }
        feedback.said.retain(|said| !answered.contains(&said.id));
        self.leave_out_resolved(&mut feedback, number).await?;
        Ok(feedback)
    }

    /// What is settled between people is nobody's task any more. Asked only where somebody waits for an answer.
    async fn leave_out_resolved(
        &self,
        feedback: &mut Feedback,
        number: PullNumber,
    ) -> Result<(), ForgeError> {
        let is_line = |said: &Said| said.id.source == Source::Line;
        if !feedback.said.iter().any(is_line) {
            return Ok(());
        }
        let resolved = self.read_resolved(number).await?;
        let thread = |said: &Said| said.thread.unwrap_or(said.id.number);
        feedback
            .said
            .retain(|said| !is_line(said) || !resolved.contains(&thread(said)));
        Ok(())
    }

    async fn remarks(&self, rest: &str) -> Result<Vec<WireRemark>, ForgeError> {
        let action = format!("read {} of {}", rest.trim_start_matches('/'), self.project);
        self.client.list(&action, &self.path(rest)).await
    }

    /// The latest word of each reviewer decides whether they object.
    async fn hear_reviews(
        &self,
        feedback: &mut Feedback,
        number: PullNumber,
        trust: Trust,
    ) -> Result<(), ForgeError> {
        let action = format!("read the reviews of {number}");
        let path = self.path(&format!("/pulls/{}/reviews", number.0));
        let reviews: Vec<WireReview> = self.client.list(&action, &path).await?;
        let mut objects: BTreeMap<String, bool> = BTreeMap::new();
        let mut approved = false;
        for review in reviews {
            let Some(user) = review.user.as_ref() else {
                continue;
            };
            if !self.is_heard(user, trust).await? {
                continue;
            }
            match review.state.as_str() {
                "CHANGES_REQUESTED" => drop(objects.insert(user.login.clone(), true)),
                "APPROVED" => {
                    objects.insert(user.login.clone(), false);
                    approved = true;
                }
                "DISMISSED" => {
                    objects.insert(user.login.clone(), false);
                    approved = false;
                }
                _ => {}
            }
            let has_words = review
                .body
                .as_deref()
                .is_some_and(|body| !body.trim().is_empty());
            if has_words && matches!(review.state.as_str(), "CHANGES_REQUESTED" | "COMMENTED") {
                let heard = said(
                    Source::Review,
                    review.id,
                    Some(user),
                    review.body.as_deref(),
                );
                feedback.said.push(heard);
            }
        }
        feedback.is_approved = approved && !objects.values().any(|objects| *objects);
        let objecting = objects.into_iter().filter(|(_, objects)| *objects);
        feedback.objections = objecting.map(|(login, _)| login).collect();
        Ok(())
    }

    async fn hear(
        &self,
        feedback: &mut Feedback,
        trust: Trust,
        user: Option<&WireUser>,
        said: Said,
    ) -> Result<(), ForgeError> {
        if let Some(user) = user
            && self.is_heard(user, trust).await?
        {
            feedback.said.push(said);
        }
        Ok(())
    }

    /// What has an answer of our own. Others' markers count for nothing.
    async fn answered(
        &self,
        remarks: impl Iterator<Item = &WireRemark>,
    ) -> Result<BTreeSet<SaidId>, ForgeError> {
        let mut found = BTreeSet::new();
        for remark in remarks {
            let user = remark.user.as_ref().map(WireActor::of);
            let marked = remark.body.as_deref().and_then(answered);
            if let Some(id) = marked
                && self.is_own(user.as_ref()).await?
            {
                found.insert(id);
            }
        }
        Ok(found)
    }

    pub(super) async fn read_has_answer(
        &self,
        pull: PullNumber,
        said: &Said,
    ) -> Result<bool, ForgeError> {
        let rest = match said.id.source {
            Source::Line => format!("/pulls/{}/comments", pull.0),
            Source::Review | Source::Comment | Source::Check => {
                format!("/issues/{}/comments", pull.0)
            }
        };
        let remarks = self.remarks(&rest).await?;
        Ok(self.answered(remarks.iter()).await?.contains(&said.id))
    }

    pub(super) async fn write_answer(
        &self,
        pull: PullNumber,
        said: &Said,
        body: &str,
    ) -> Result<(), ForgeError> {
        let action = format!("answer {} on {pull}", said.by);
        let path = match said.id.source {
            // GitHub takes replies to the first comment of a thread only.
            Source::Line => self.path(&format!(
                "/pulls/{}/comments/{}/replies",
                pull.0,
                said.thread.unwrap_or(said.id.number)
            )),
            Source::Review | Source::Comment | Source::Check => {
                self.path(&format!("/issues/{}/comments", pull.0))
            }
        };
        let body = AddComment { body };
        self.client
            .write(&action, Kind::Creation, Method::POST, &path, Some(&body))
            .await
            .map(drop)
    }
}

/// A comment below a pull is people's talk, unless it speaks to us.
fn is_for_us(comment: &WireRemark, login: &str) -> bool {
    let body = comment.body.as_deref().unwrap_or_default().to_lowercase();
    let name = login.trim_end_matches("[bot]").to_lowercase();
    let goes_on = |rest: &str| {
        let next = rest.chars().next();
        next.is_some_and(|next| next.is_ascii_alphanumeric() || next == '-')
    };
    let at = format!("@{name}");
    let mut mentions = body.match_indices(&at);
    body.trim_start().starts_with("/autoissue")
        || mentions.any(|(start, _)| !goes_on(&body[start + at.len()..]))
}

fn line_of(remark: &WireRemark) -> Said {
    let mut said = said(
        Source::Line,
        remark.id,
        remark.user.as_ref(),
        remark.body.as_deref(),
    );
    said.thread = remark.in_reply_to_id;
    let line = remark.line.or(remark.original_line);
    said.at = remark.path.as_ref().map(|path| match line {
        Some(line) => format!("{path}:{line}"),
        None => path.clone(),
    });
    said
}

fn said(source: Source, number: u64, user: Option<&WireUser>, body: Option<&str>) -> Said {
    Said {
        id: SaidId { source, number },
        thread: None,
        by: user.map_or_else(String::new, |user| user.login.clone()),
        at: None,
        text: body.unwrap_or_default().to_owned(),
    }
}
