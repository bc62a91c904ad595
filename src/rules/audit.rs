//! Who did what: the part of a journal that a person has to answer for. Read from events alone, so that whatever stands in
//! a journal stands here as well.

use crate::rules::event::{Command, Effect, Event, Fact, Recorded};
use crate::rules::ids::{IssueNumber, Timestamp};
use crate::rules::issue::Selection;
use crate::rules::money::Usd;
use crate::rules::plan::progress::Planning;
use crate::rules::printable::clip;
use crate::rules::sender::{Sender, Starter};
use crate::rules::settings::Settings;
use serde::{Deserialize, Serialize};

/// Kinds of events, as they are stored, that can hold a deed; others need not be read.
pub const KINDS: [&str; 10] = [
    "session_started",
    "session_resumed",
    "planning",
    "fact",
    "merged",
    "settled",
    "command_taken",
    "stop_requested",
    "session_interrupted",
    "session_finished",
];
/// Characters of a text at most.
const LONGEST: usize = 300;

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deed {
    /// A session was begun.
    Started,
    /// It went on in another process.
    Resumed,
    /// A person let a task, or a plan, go.
    Approved,
    /// A person did not, or left it out.
    Rejected,
    /// A person told a task's agent something, or let a failed one be tried again.
    Told,
    /// A branch was pushed.
    Pushed,
    /// A pull or an issue was opened.
    Opened,
    /// A pull was closed without being merged.
    Closed,
    /// Work came into its base.
    Merged,
    /// An agent was paid.
    Spent,
    /// Somebody asked a session to stop.
    Stopped,
    /// It stopped, with work left.
    Interrupted,
    /// It ended.
    Finished,
}

impl Deed {
    /// One word for it, the one that is stored.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Resumed => "resumed",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::Told => "told",
            Self::Pushed => "pushed",
            Self::Opened => "opened",
            Self::Closed => "closed",
            Self::Merged => "merged",
            Self::Spent => "spent",
            Self::Stopped => "stopped",
            Self::Interrupted => "interrupted",
            Self::Finished => "finished",
        }
    }
}

/// One deed. A stored format: fields are only ever added, each with a default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its place in its session's journal.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// Who; what a session does by itself it does for whoever let it run last. Nothing where no record says so.
    pub who: Option<Sender>,
    /// What.
    pub deed: Deed,
    /// What exactly, in one printable line.
    pub detail: String,
    /// For which issue.
    pub issue: Option<IssueNumber>,
    /// What it cost.
    pub amount: Option<Usd>,
}

/// The deeds of one session, in order: at most one an event.
#[must_use]
pub fn deeds<'a>(events: impl IntoIterator<Item = &'a Recorded>) -> Vec<Entry> {
    let mut starter: Option<Sender> = None;
    let mut entries = Vec::new();
    for recorded in events {
        if let Event::SessionStarted { settings, .. } | Event::SessionResumed { settings } =
            &recorded.event
        {
            starter = settings.starter.as_ref().map(|starter| starter.by.clone());
        }
        let Some((deed, detail, amount)) = deed(&recorded.event) else {
            continue;
        };
        let who = match &recorded.event {
            Event::CommandTaken { by, .. } => by.clone(),
            Event::StopRequested => None,
            _ => starter.clone(),
        };
        entries.push(Entry {
            seq: recorded.seq,
            at: recorded.at,
            who,
            deed,
            detail: clip(&detail, LONGEST),
            issue: recorded.event.issue().or(about(&recorded.event)),
            amount,
        });
    }
    entries
}

type Done = (Deed, String, Option<Usd>);

fn deed(event: &Event) -> Option<Done> {
    let plain = |deed, detail: String| Some((deed, detail, None));
    match event {
        Event::SessionStarted {
            project,
            selection,
            settings,
            ..
        } => plain(Deed::Started, begun(project, selection, settings)),
        Event::SessionResumed { settings } => plain(Deed::Resumed, terms(settings)),
        Event::Planning { fact } => planning(fact),
        Event::Fact { fact, .. } => fact_done(fact),
        Event::Merged { .. } => plain(Deed::Merged, "its work is in the base branch".to_owned()),
        Event::Settled { outcome, .. } => {
            let on = outcome.model.as_deref().unwrap_or("an agent");
            let cost = outcome.charge.cost;
            (cost > Usd::ZERO).then(|| (Deed::Spent, format!("on {on}"), Some(cost)))
        }
        Event::CommandTaken { command, .. } => Some(commanded(command)),
        Event::StopRequested => plain(Deed::Stopped, "by a signal to its process".to_owned()),
        Event::SessionInterrupted => plain(Deed::Interrupted, "work is left".to_owned()),
        Event::SessionFinished => plain(Deed::Finished, String::new()),
        Event::TasksRead { .. }
        | Event::Held { .. }
        | Event::Due { .. }
        | Event::Consent { .. }
        | Event::Admitted { .. }
        | Event::RetryScheduled { .. }
        | Event::Parked { .. }
        | Event::Requeued { .. }
        | Event::DispatchPaused { .. }
        | Event::BreakerOpened { .. }
        | Event::BreakerClosed { .. }
        | Event::DispatchStopped { .. }
        | Event::TaskEnded { .. }
        | Event::LeaseLost { .. }
        | Event::Announced { .. }
        | Event::TestMerged { .. }
        | Event::Looked { .. }
        | Event::TriedOnBase { .. }
        | Event::ReworkOffered { .. }
        | Event::ReworkGivenUp { .. }
        | Event::Certifying { .. }
        | Event::Certified { .. }
        | Event::CertificateTold { .. }
        | Event::SlotsChanged { .. }
        | Event::QuotaHeard { .. }
        | Event::PullsCounted { .. }
        | Event::SpentElsewhere { .. } => None,
    }
}

fn begun(project: &str, selection: &Selection, settings: &Settings) -> String {
    format!("{} of {project}; {}", selection.name(), terms(settings))
}

/// Under which terms: isolation, money, and what no file says.
fn terms(settings: &Settings) -> String {
    let mut terms = format!("budget {}", settings.ceiling);
    if let Some(starter) = &settings.starter {
        let Starter {
            isolation,
            overridden,
            ..
        } = &**starter;
        terms = format!("isolation {isolation}, {terms}");
        if !overridden.is_empty() {
            terms.push_str("; overridden: ");
            terms.push_str(&overridden.join("; "));
        }
    }
    terms
}

fn planning(fact: &Planning) -> Option<Done> {
    match fact {
        Planning::Settled { outcome, .. } => {
            let cost = outcome.charge.cost;
            Some((Deed::Spent, "on the planner".to_owned(), Some(cost)))
        }
        Planning::Approved => Some((Deed::Approved, "the plan".to_owned(), None)),
        Planning::Declined { reason } => {
            Some((Deed::Rejected, format!("the plan: {reason}"), None))
        }
        Planning::Did { issue: Some(_), .. } => {
            Some((Deed::Opened, "an issue of the plan".to_owned(), None))
        }
        Planning::Granted { .. }
        | Planning::Spawned { .. }
        | Planning::Refused { .. }
        | Planning::Checked { .. }
        | Planning::Intends { .. }
        | Planning::Did { issue: None, .. } => None,
    }
}

fn about(event: &Event) -> Option<IssueNumber> {
    match event {
        Event::CommandTaken { command, .. } => command.issue(),
        Event::Planning {
            fact: Planning::Did { issue, .. },
        } => *issue,
        _ => None,
    }
}

fn fact_done(fact: &Fact) -> Option<Done> {
    let Fact::Did { effect, pull } = fact else {
        return None;
    };
    match (effect, pull) {
        (Effect::Push { branch, commit }, _) => {
            let commit = commit.as_str().get(..12).unwrap_or(commit.as_str());
            Some((Deed::Pushed, format!("{branch} at {commit}"), None))
        }
        (Effect::OpenPull { branch }, Some(pull)) => {
            let detail = format!("pull {} from {branch}", pull.number);
            Some((Deed::Opened, detail, None))
        }
        _ => None,
    }
}

fn commanded(command: &Command) -> Done {
    let told = |deed, detail: &str| (deed, detail.to_owned(), None);
    match command {
        Command::Approve { .. } => told(Deed::Approved, ""),
        Command::Modify { instructions, .. } => {
            (Deed::Approved, format!("with: {instructions}"), None)
        }
        Command::Reject { reason, .. } => told(Deed::Rejected, reason.as_deref().unwrap_or("")),
        Command::Skip { .. } => told(Deed::Rejected, "left out"),
        Command::Answer { answer, .. } => (Deed::Told, format!("an answer: {answer}"), None),
        Command::Retry { .. } => told(Deed::Told, "to be tried again"),
        Command::ResetBreaker => told(Deed::Told, "the breaker to close"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::script::{self, Script};
    use crate::rules::task::Attempted;

    fn ann(through: &str) -> Sender {
        Sender {
            who: "ann@laptop".to_owned(),
            actor: None,
            through: through.to_owned(),
        }
    }

    #[test]
    fn deeds_are_told_with_who_is_behind_them() {
        let mut script = Script::begun(&[script::task(12, "backend", &[])]);
        script.admit(12, 1, 0);
        script.settle(12, 1, 6_000_000, Attempted::Published);
        script.push(Event::CommandTaken {
            command: Command::Reject {
                issue: IssueNumber(13),
                reason: Some("not now\u{1b}[2J".to_owned()),
            },
            by: Some(ann("autoissue reject 13")),
        });
        let mut settings = script::settings();
        settings.starter = Some(Box::new(Starter {
            by: ann("autoissue resume"),
            isolation: "none".to_owned(),
            overridden: vec!["sandbox.isolation = none, by --isolation".to_owned()],
            version: "1".to_owned(),
        }));
        script.push(Event::SessionResumed {
            settings: Box::new(settings),
        });
        script.push(Event::StopRequested);
        script.push(Event::SessionFinished);
        let told: Vec<String> = deeds(&script.events)
            .iter()
            .map(|entry| {
                let who = entry.who.as_ref().map(ToString::to_string);
                format!(
                    "{} {} {:?} {} {}",
                    who.unwrap_or_else(|| "-".to_owned()),
                    entry.deed.word(),
                    entry.detail,
                    entry
                        .issue
                        .map_or("-".to_owned(), |issue| issue.to_string()),
                    entry.amount.unwrap_or_default(),
                )
            })
            .collect();
        insta::assert_snapshot!(told.join("\n"), @r#"
        - started "label bug of acme/shop; budget $50.00" - $0.00
        - spent "on claude-sonnet-4-5" #12 $6.00
        ann@laptop rejected "not now" #13 $0.00
        ann@laptop resumed "isolation none, budget $50.00; overridden: sandbox.isolation = none, by --isolation" - $0.00
        - stopped "by a signal to its process" - $0.00
        ann@laptop finished "" - $0.00
        "#);
    }

    #[test]
    fn every_deed_stands_in_a_kind_that_is_read() {
        // A kind that is missing in `KINDS` would be lost without a word.
        for event in [
            Event::StopRequested,
            Event::SessionInterrupted,
            Event::SessionFinished,
            Event::Merged {
                issue: IssueNumber(1),
            },
            Event::CommandTaken {
                command: Command::ResetBreaker,
                by: None,
            },
            Event::Planning {
                fact: Planning::Approved,
            },
        ] {
            assert!(deed(&event).is_some());
            let json = serde_json::to_value(&event).unwrap();
            assert!(KINDS.contains(&json["event"].as_str().unwrap()), "{json}");
        }
    }
}
