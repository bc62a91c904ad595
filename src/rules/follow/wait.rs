//! What an open pull waits for, and in which words that is told.

use crate::rules::follow::shape::ByForge;
use crate::rules::ids::{CommitId, PullNumber, SessionId};

/// What an open pull waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Checks of the forge.
    Checks(Vec<String>),
    /// Checks that may begin still.
    Silence,
    /// Checks that fail on its base branch as well.
    OldFailures(Vec<String>),
    /// The base branch to be merged in again.
    Base,
    /// A session that works on its issue.
    Session(SessionId),
    /// A newer pull for the same issue.
    Newer(PullNumber),
    /// The pull below it.
    Below(PullNumber),
    /// A person: all rounds are used up.
    RoundsUsed(u32),
    /// A person: checks fail, and an agent could not mend them.
    Failing(Vec<String>),
    /// A person: it conflicts, and an agent could not solve that.
    Conflicts(Vec<String>),
    /// Those who asked for changes, which were made.
    Review(Vec<String>),
    /// A person who marks it as ready.
    Draft,
    /// A person: its branch was rewritten, and holds no longer what we pushed last.
    Rewritten(CommitId),
    /// The forge, which merges it, or a person where it does not.
    ByForge(ByForge),
    /// A person who merges it.
    Person,
}

impl Wait {
    /// In words that begin with "waits".
    #[must_use]
    pub fn words(&self) -> String {
        if let Self::ByForge(ByForge::Queued { position }) = self {
            return format!("waits in the merge queue, position {position}");
        }
        format!("waits for {}", self.whom())
    }

    fn whom(&self) -> String {
        match self {
            Self::Checks(names) => format!("checks that still run: {}", names.join(", ")),
            Self::OldFailures(names) => {
                format!("its base branch, where {} fails as well", names.join(", "))
            }
            Self::Base => {
                "the base branch to be merged in again: with other work it broke a check".to_owned()
            }
            Self::Silence => "checks that may begin still".to_owned(),
            Self::Session(session) => format!("session {session}, which works on its issue"),
            Self::Newer(pull) => format!("a person: {pull} is for the same issue"),
            Self::Below(pull) => format!("{pull}, which it stands on"),
            Self::RoundsUsed(rounds) => {
                format!("a person: {rounds} rounds were made, as many as are allowed")
            }
            Self::Failing(names) => {
                format!("a person: an agent could not mend {}", names.join(", "))
            }
            Self::Conflicts(paths) => format!(
                "a person: an agent could not solve its conflicts in {}",
                paths.join(", ")
            ),
            Self::Review(who) => format!("a new review by {}", who.join(", ")),
            Self::Draft => "a person who marks it as ready".to_owned(),
            Self::Rewritten(lost) => format!(
                "a person: its branch was rewritten by force, and holds no longer {lost}, which was pushed last"
            ),
            Self::ByForge(by_forge) => of_forge(by_forge),
            Self::Person => "a person to merge it".to_owned(),
        }
    }
}

fn of_forge(by_forge: &ByForge) -> String {
    match by_forge {
        ByForge::Armed | ByForge::Queued { .. } => "GitHub to merge it".to_owned(),
        ByForge::Unmergeable => {
            "a person: it stands in the merge queue, and cannot be merged as it is".to_owned()
        }
        ByForge::ThrownOut { reason } => {
            let why = reason.as_ref().map(|reason| format!(" ({reason})"));
            let why = why.unwrap_or_default();
            format!("a person, or a new commit: GitHub took it out of the merge queue{why}")
        }
    }
}
