//! Issues for what was found, each exactly once: written down, looked for by its marker, opened, written down.

use crate::adapters::http::AskError;
use crate::adapters::store::findings::Due;
use crate::commands::daemon::asking::{Asked, Look, LookError, News};
use crate::commands::daemon::project::Link;
use crate::commands::place::variable;
use crate::config::values::Secret;
use crate::ports::ForgeError;
use crate::rules::finding::Finding;
use crate::rules::finding_text::{FOUND_LABEL, Go, draft, find};
use crate::rules::ids::{IssueNumber, Timestamp};
use crate::rules::issue::{Issue, IssueDraft};
use crate::rules::redact::Redactor;
use crate::rules::standing::Whereabouts;
use std::collections::BTreeSet;

const DAY: i64 = 86_400_000;

/// What a round of opening issues needs.
struct Round<'a> {
    look: &'a Look,
    link: &'a Link,
    asked: &'a Asked,
    /// All issues that were ever opened for findings.
    known: Vec<Issue>,
    labels: BTreeSet<String>,
    left: u32,
}

/// Opens an issue for all that waits for one, as far as a day's number reaches. Trouble of the forge is none of the
/// source's: what waits is tried again by the next look.
pub(super) async fn found(look: &Look, asked: &Asked) -> Result<News, LookError> {
    let mut news = News::default();
    let due = look.store.findings_due(&look.whose)?;
    let Some(link) = look.link.as_deref().filter(|_| !due.is_empty()) else {
        return Ok(news);
    };
    let since = Timestamp(look.at.0 - DAY);
    let opened = look.store.opened_since(&look.whose, since)?;
    // A control for the test of exactly-once; see tests/it/sources.rs.
    let is_blind = variable("AUTOISSUE_FAULT").as_deref() == Some("no-look");
    let known = match link.tracker.labelled(FOUND_LABEL).await {
        Ok(known) => known,
        Err(error) => {
            news.trouble = Some(error.to_string());
            return Ok(news);
        }
    };
    let mut round = Round {
        look,
        link,
        asked,
        known: if is_blind { Vec::new() } else { known },
        labels: BTreeSet::new(),
        left: look.feed.max_per_day.get().saturating_sub(opened),
    };
    for due in due {
        match round.take(due).await {
            Ok(opened) => news.opened.extend(opened),
            Err(LookError::Forge(error)) => {
                news.trouble = Some(error.to_string());
                break;
            }
            // What was opened is told all the same; the source itself says so again by the next look.
            Err(LookError::Source(AskError::Limited(_))) if !news.opened.is_empty() => break,
            Err(error) => return Err(error),
        }
    }
    Ok(news)
}

impl Round<'_> {
    /// One of them; tells the issue that was opened.
    async fn take(&mut self, due: Due) -> Result<Option<(IssueNumber, String)>, LookError> {
        let (store, whose) = (&self.look.store, &self.look.whose);
        let fingerprint = due.finding.fingerprint.clone();
        let mut episode = due.episode;
        if let Some(before) = due.before {
            let standing = self.link.forge.issue_standing(before).await?;
            if standing.whereabouts == Whereabouts::Open {
                store.finding_known(whose, &fingerprint)?;
                return Ok(None);
            }
            store.finding_anew(whose, &fingerprint)?;
            episode += 1;
        }
        let key = Finding::key(&whose.feed, &fingerprint);
        if let Some(issue) = find(&self.known, &key, episode) {
            store.finding_opened(whose, &fingerprint, issue, self.look.at)?;
            return Ok(None);
        }
        if self.left == 0 {
            return Ok(None);
        }
        let finding = self.asked.whole(due.finding).await?;
        let label = &self.look.label;
        let go = if self.look.feed.label {
            Go::Given(label)
        } else {
            Go::Withheld(label)
        };
        let draft = self.redacted(draft(self.look.feed.kind, &finding, (&key, episode), go));
        self.furnish(&draft).await?;
        self.left -= 1;
        self.look
            .store
            .intend_finding(&self.look.whose, &fingerprint, self.look.at)?;
        let issue = self.link.tracker.open_issue(&draft).await?;
        let (store, whose) = (&self.look.store, &self.look.whose);
        store.finding_opened(whose, &fingerprint, issue, self.look.at)?;
        Ok(Some((issue, draft.title)))
    }

    /// Makes sure that its labels are there.
    async fn furnish(&mut self, draft: &IssueDraft) -> Result<(), ForgeError> {
        for label in &draft.labels {
            if !self.labels.contains(label) {
                self.link.tracker.ensure_label(label).await?;
                self.labels.insert(label.clone());
            }
        }
        Ok(())
    }

    /// Without secrets: neither the project's, nor those that sources are asked with.
    fn redacted(&self, draft: IssueDraft) -> IssueDraft {
        let own = self.look.feed.secrets().map(Secret::expose);
        let own = Redactor::new(own.map(str::to_owned));
        let clean = |text: &str| {
            let text = self.link.redactor.clean(text);
            own.clean(&text).into_owned()
        };
        IssueDraft {
            title: clean(&draft.title),
            body: clean(&draft.body),
            ..draft
        }
    }
}
