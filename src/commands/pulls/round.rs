//! A session that goes on with open pulls.

use crate::commands::hold::Taking;
use crate::commands::pulls::acts::now;
use crate::commands::pulls::watch::{Trouble, Watch};
use crate::commands::session::{self, Prepared};
use crate::engine::intake;
use crate::engine::session::Opening;
use crate::error::Error;
use crate::ports::{Forge as _, Journal as _};
use crate::rules::exit::Exit;
use crate::rules::follow::next::{Before, Next};
use crate::rules::follow::shape::{FollowUp, Said, Seen};
use crate::rules::ids::SessionId;
use crate::rules::issue::{Issue, IssueState, Selection};
use crate::rules::settings::Settings;
use crate::rules::stack::Together;
use crate::rules::tally::Tally;
use crate::rules::task::Task;
use crate::rules::trust::Trust;
use std::sync::Arc;

/// What is to be done about one pull.
pub struct Work {
    /// The pull.
    pub seen: Seen,
    /// What is answered.
    pub said: Vec<Said>,
    /// What conflicts with the base.
    pub conflicts: Vec<String>,
    /// Which round it is.
    pub round: u32,
    /// May an agent be paid for it?
    pub may_pay: bool,
}

impl Work {
    /// What a session has to do about a pull, if anything.
    #[must_use]
    pub fn of(seen: &Seen, next: Next, before: &Before, max_rounds: u32) -> Option<Self> {
        let (said, conflicts) = match next {
            Next::Work { said, conflicts } => (said, conflicts),
            Next::Update => (Vec::new(), Vec::new()),
            Next::CleanUp | Next::Reject | Next::Merge | Next::Wait(_) => return None,
        };
        Some(Self {
            seen: seen.clone(),
            said,
            conflicts,
            round: before.rounds + 1,
            may_pay: before.rounds < max_rounds,
        })
    }

    /// Does an agent have to work?
    #[must_use]
    pub fn is_paid(&self) -> bool {
        !self.said.is_empty() || !self.conflicts.is_empty()
    }
}

/// Runs one session for all of them.
pub async fn run(watch: &mut Watch<'_>, works: Vec<Work>) -> Result<Exit, Trouble> {
    let (wiring, store) = (watch.wiring, watch.store);
    let key = wiring.project_key();
    let settings = settings(watch);
    let mut tasks = Vec::new();
    for work in works {
        tasks.extend(task(watch, &settings, work).await?);
    }
    if tasks.is_empty() {
        return Ok(Exit::Done);
    }
    let selection = Selection {
        numbers: tasks.iter().map(Task::number).collect(),
        follow_up: true,
        ..Selection::default()
    };
    let id = SessionId::new(ulid::Ulid::generate().to_string());
    let journal = store
        .begin(id.clone(), &key, &selection)
        .map_err(Error::from)?;
    let taking = Taking {
        place: (wiring, store, &watch.repository),
        forge: watch.github.as_ref(),
        session: &id,
        selection: &selection,
    };
    let leases = taking.take(&mut tasks).await?;
    let others = tasks.iter().filter(|task| task.obstacle.is_some());
    let others = others.filter_map(|task| task.follow_up.as_deref());
    for follow in others {
        watch.elsewhere.insert(follow.pull.number, now());
    }
    let journal = Arc::new(journal);
    let prepared = Prepared {
        journal: Arc::clone(&journal),
        forge: Arc::clone(&watch.github) as _,
        repository: Arc::clone(&watch.repository) as _,
        leases,
        agents: watch.agents.clone(),
        opening: Opening::New {
            project: key,
            selection,
            settings: Box::new(settings),
            tasks,
        },
        console: None,
    };
    let exit = session::run(watch.place, wiring, store, prepared).await?;
    let events = journal.events().await.map_err(Error::from)?;
    watch.left = watch.left.minus(Tally::of(&events).spent);
    Ok(exit)
}

/// All rounds share what the watch may spend.
fn settings(watch: &Watch<'_>) -> Settings {
    let settings = watch.wiring.settings(None, Some(watch.store));
    let ceiling = settings.ceiling.min(watch.left);
    apart(Settings {
        ceiling,
        ..settings
    })
}

/// Each pull stands for itself: nothing is tried together.
#[must_use]
pub fn apart(settings: Settings) -> Settings {
    Settings {
        together: Together::default(),
        ..settings
    }
}

/// `None` where the issue is gone or closed: a person has decided.
async fn task(watch: &Watch<'_>, settings: &Settings, work: Work) -> Result<Option<Task>, Trouble> {
    let key = watch.wiring.project_key();
    let Work {
        seen,
        said,
        conflicts,
        round,
        may_pay,
    } = work;
    let Some(issue) = watch.github.issue(seen.issue).await? else {
        return Ok(None);
    };
    if issue.state != IssueState::Open {
        return Ok(None);
    }
    let store = watch.store;
    let follow = FollowUp {
        conversation: store.conversation(&key, seen.issue).map_err(Error::from)?,
        pull: seen.pull,
        head: seen.head,
        round,
        may_pay,
        said,
        conflicts,
        landed: store.landed(&key).map_err(Error::from)?,
    };
    let original = store
        .task_of(&key, follow.pull.number)
        .map_err(Error::from)?;
    let known = original.as_ref().map(|task| task.issue.clone());
    let issue = trusted(watch, issue, known);
    let mut task = intake::follow_up(issue, settings, watch.wiring.own(), follow);
    if let Some(original) = original {
        (task.footprint, task.domain) = (original.footprint, original.domain);
    }
    Ok(Some(task))
}

/// The issue in the words that were let run: they may have been changed since.
fn trusted(watch: &Watch<'_>, now: Issue, then: Option<Issue>) -> Issue {
    match (watch.wiring.loaded.config.security.trust, then) {
        (Trust::Everyone, _) => now,
        (Trust::Writers, Some(then)) => then,
        (Trust::Writers, None) => Issue {
            title: format!("The issue {}", now.number),
            body: String::new(),
            ..now
        },
    }
}
