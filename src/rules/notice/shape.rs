//! A notice: what people who do not watch are told of a session.

use crate::rules::ids::{IssueNumber, SessionId};
use crate::rules::money::Usd;
use crate::rules::printable::{clip, printable};
use crate::rules::redact::Redactor;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What happened where an issue waits to be let go.
pub const APPROVAL_AWAITED: &str = "approval_awaited";
/// The event of a notice that says that nobody has answered in time.
pub const APPROVAL_OVERDUE: &str = "approval_overdue";
/// A plan has waited for a person for too long.
pub const PLAN_OVERDUE: &str = "plan_overdue";
/// A plan waits for a person.
pub const PLAN_AWAITED: &str = "plan_awaited";
/// Characters of a line about `serve` itself.
const LINE: usize = 400;

/// What a notice is about; the words are those of `notify.*.events`.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, JsonSchema,
)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub enum NoticeKind {
    /// A session started, or goes on.
    Started,
    /// A task was completed.
    Completed,
    /// A task failed, is blocked, changed nothing, or was not reached by the money.
    Failed,
    /// A person is needed: a question, an approval, work that is held back, agents that cannot go on.
    NeedsPerson,
    /// Most of the budget is spent.
    Budget,
    /// A provider's limit was reached.
    Limit,
    /// Too many failures in a row: nothing starts for a while.
    Breaker,
    /// A session ended.
    Summary,
    /// `serve` itself: a source is disabled, or the machine is short of memory or disk.
    Service,
}

/// One notice. Its texts are printable, and none is longer than a few hundred characters.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    /// What it is about.
    pub kind: NoticeKind,
    /// What happened, for programs: `task_completed`, ...
    pub event: &'static str,
    /// The session.
    pub session: Option<SessionId>,
    /// The repository, as the forge names it.
    pub project: String,
    /// The issue and its title, where it is about one; the title is somebody else's.
    pub about: Option<(IssueNumber, String)>,
    /// Why, where there is something to say.
    pub reason: Option<String>,
    /// What it has cost.
    pub cost: Option<Usd>,
    /// Where a person can read more: the pull, or the issue.
    pub link: Option<String>,
    /// All of it in one line.
    pub line: String,
    /// Is the line all that people are told? The cost and the link are not added then.
    pub is_whole: bool,
    /// The session's sums, for programs, where it ended.
    pub summary: Option<Value>,
    /// What a plan comes to, for programs, where one waits.
    pub plan: Option<Value>,
}

impl NoticeKind {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Started,
        Self::Completed,
        Self::Failed,
        Self::NeedsPerson,
        Self::Budget,
        Self::Limit,
        Self::Breaker,
        Self::Summary,
        Self::Service,
    ];

    /// What it is called in the configuration.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::NeedsPerson => "needsPerson",
            Self::Budget => "budget",
            Self::Limit => "limit",
            Self::Breaker => "breaker",
            Self::Summary => "summary",
            Self::Service => "service",
        }
    }
}

impl Notice {
    /// Does somebody have to do something before it goes on?
    #[must_use]
    pub fn is_urgent(&self) -> bool {
        self.kind == NoticeKind::NeedsPerson
    }

    /// The issue that it asks to be let go or left out, with the session that waits for it; without an issue, its plan,
    /// where a yes is enough for that.
    #[must_use]
    pub fn asks_for(&self) -> Option<(&SessionId, Option<IssueNumber>)> {
        let session = self.session.as_ref()?;
        if [PLAN_AWAITED, PLAN_OVERDUE].contains(&self.event) && self.reason.is_none() {
            return Some((session, None));
        }
        let (issue, _) = self.about.as_ref()?;
        [APPROVAL_AWAITED, APPROVAL_OVERDUE]
            .contains(&self.event)
            .then_some((session, Some(*issue)))
    }

    /// Is it worth a message at once, also where others are gathered?
    #[must_use]
    pub fn is_hurry(&self) -> bool {
        self.is_urgent() || self.kind == NoticeKind::Summary
    }

    /// Something about `serve` itself, in one line.
    #[must_use]
    pub fn service(event: &'static str, project: &str, line: &str) -> Self {
        Self {
            kind: NoticeKind::Service,
            event,
            line: clip(&printable(line), LINE),
            ..Self::bare(project)
        }
    }

    /// The one that shows that a channel works.
    #[must_use]
    pub fn test(project: &str) -> Self {
        let whose = if project.is_empty() {
            String::new()
        } else {
            format!("{project}: ")
        };
        Self {
            line: format!("{whose}this is a test, notifications of autoissue arrive here"),
            ..Self::bare(project)
        }
    }

    /// One of this project that says nothing yet.
    #[must_use]
    pub fn bare(project: &str) -> Self {
        Self {
            kind: NoticeKind::Summary,
            event: "test",
            session: None,
            project: project.to_owned(),
            about: None,
            reason: None,
            cost: None,
            link: None,
            line: String::new(),
            is_whole: false,
            summary: None,
            plan: None,
        }
    }

    /// The same without the secrets that are known.
    #[must_use]
    pub fn redacted(mut self, redactor: &Redactor) -> Self {
        let clean = |text: &mut String| *text = redactor.clean(text).into_owned();
        clean(&mut self.line);
        let title = self.about.as_mut().map(|(_, title)| title);
        let rest = [self.reason.as_mut(), self.link.as_mut(), title];
        rest.into_iter().flatten().for_each(clean);
        if let Some(summary) = &self.summary {
            let text = summary.to_string();
            self.summary = serde_json::from_str(&redactor.clean(&text)).ok();
        }
        self
    }

    /// As programs get it; `text` is what is shown to people.
    #[must_use]
    pub fn json(&self, text: &str) -> Value {
        let mut json = json!({
            "event": self.event,
            "session": self.session,
            "project": self.project,
        });
        if let Some((issue, title)) = &self.about {
            json["issue"] = json!(issue);
            json["title"] = json!(title);
            json["reason"] = json!(self.reason.as_deref().unwrap_or_default());
        }
        json["text"] = json!(text);
        if let Some(cost) = self.cost {
            json["cost_usd"] = json!(cost.decimal());
        }
        if let Some(link) = &self.link {
            json["url"] = json!(link);
        }
        if let Some(summary) = &self.summary {
            json["summary"] = summary.clone();
        }
        if let Some(plan) = &self.plan {
            json["plan"] = plan.clone();
        }
        json
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_are_those_of_the_configuration() {
        for kind in NoticeKind::ALL {
            assert_eq!(json!(kind), json!(kind.word()));
        }
    }
}
