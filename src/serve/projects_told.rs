//! Projects as programs read them: the shapes of what is told, which the description is made of.

use crate::reporters::time::rfc3339;
use crate::serve::desk::{Card, IssueState, SourceCard};
use serde::Serialize;
use utoipa::ToSchema;

/// A project as programs read it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "programs have always read it so"
)]
pub(super) struct Told {
    /// What it is called here.
    id: String,
    /// Where its checkout is.
    path: String,
    label: String,
    #[serde(rename = "autoSync")]
    auto_sync: bool,
    #[serde(rename = "autoStart")]
    auto_start: bool,
    weight: u32,
    /// The forge's name for it, once it is known.
    repo: Option<String>,
    /// Does it stand in the configuration?
    configured: bool,
    /// Are its issues started without being told to?
    running: bool,
    /// Since when an errand of it runs.
    session_since: Option<String>,
    issues: CountsTold,
    /// The forge.
    source: ForgeTold,
    /// Other sources of its work: Sentry, Jira, Alertmanager, CI.
    sources: Vec<SourceTold>,
    /// What went wrong.
    trouble: Option<String>,
}

/// How many of its issues stand where.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct CountsTold {
    waiting: usize,
    begun: usize,
    over: usize,
}

/// How the forge answers.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct ForgeTold {
    /// When it last answered.
    synced: Option<String>,
    /// When it is asked next.
    next: String,
    failures: u32,
    /// Is it hardly asked any more?
    disabled: bool,
}

/// Another source of work.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct SourceTold {
    /// What it is called.
    name: String,
    /// `sentry`, `jira`, `alertmanager` or `ci`.
    kind: &'static str,
    /// Did it answer when it was last asked? Nothing before.
    up: Option<bool>,
    /// When it was last asked by this process.
    asked: Option<String>,
    /// When it last answered.
    answered: Option<String>,
    /// When it is asked next.
    next: String,
    /// Failures since it last answered.
    failures: u32,
    /// Is it hardly asked any more?
    disabled: bool,
    /// Why it failed last, or why what it found waits.
    trouble: Option<String>,
    /// How many of its findings have become issues.
    opened: u32,
}

impl Told {
    /// As it is shown.
    pub(super) fn of(card: &Card) -> Self {
        let count = |state| {
            let issues = card.issues.iter();
            issues.filter(|issue| issue.state == state).count()
        };
        let served = &card.served;
        Self {
            id: served.called(),
            path: served.path.display().to_string(),
            label: served.label.clone(),
            auto_sync: served.auto_sync,
            auto_start: served.auto_start,
            weight: served.weight.get(),
            repo: card.key.clone(),
            configured: !card.is_added,
            running: card.is_on,
            session_since: card.running.map(rfc3339),
            issues: CountsTold {
                waiting: count(IssueState::Waiting),
                begun: count(IssueState::Begun),
                over: count(IssueState::Over),
            },
            source: ForgeTold {
                synced: card.synced.map(rfc3339),
                next: rfc3339(card.next),
                failures: card.failures,
                disabled: card.is_disabled,
            },
            sources: card.sources.iter().map(SourceTold::of).collect(),
            trouble: card.trouble.clone(),
        }
    }
}

impl SourceTold {
    fn of(source: &SourceCard) -> Self {
        Self {
            name: source.name.clone(),
            kind: source.kind.word(),
            up: source.is_up(),
            asked: source.asked.map(rfc3339),
            answered: source.answered.map(rfc3339),
            next: rfc3339(source.next),
            failures: source.failures,
            disabled: source.is_disabled,
            trouble: source.trouble.clone(),
            opened: source.opened,
        }
    }
}
