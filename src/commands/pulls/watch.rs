//! `watch`: open pulls are looked at, and led to their end.

use crate::adapters::git::repository::GitRepository;
use crate::adapters::github::forge::GitHub;
use crate::adapters::store::open::Store;
use crate::cli::pulls::WatchArgs;
use crate::commands::place::Place;
use crate::commands::pulls::acts::{held, now};
use crate::commands::pulls::round::{self, Work};
use crate::commands::pulls::show::Shown;
use crate::commands::signals::Signals;
use crate::commands::store::open;
use crate::commands::wire::Wiring;
use crate::commands::{preflight, resume};
use crate::engine::looking::{LookError, Looking, Unseen};
use crate::error::Error;
use crate::ports::{Agents, ForgeError};
use crate::rules::exit::Exit;
use crate::rules::feature::Feature;
use crate::rules::follow::next::{Next, next, sort};
use crate::rules::follow::shape::{Fate, SaidId, Seen};
use crate::rules::ids::{IssueNumber, PullNumber, Timestamp};
use crate::rules::issue::Selection;
use crate::rules::money::Usd;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

/// Looks that fail in a row before it is given up.
const MOST_FAILURES: u32 = 20;

/// What a watch has.
pub struct Watch<'a> {
    /// Where.
    pub place: &'a Place,
    /// The wiring.
    pub wiring: &'a Wiring,
    /// The store.
    pub store: &'a Store,
    /// The forge: one client for all, so that its limits are kept for all.
    pub github: Arc<GitHub>,
    /// The mirror.
    pub repository: Arc<GitRepository>,
    /// The agent.
    pub agents: Agents,
    /// What may be spent still.
    pub left: Usd,
    /// Pulls that another machine works on, and when that was seen.
    pub elsewhere: HashMap<PullNumber, Timestamp>,
    /// Merges that were refused, as the pulls stood: until something changes they are not tried again.
    pub refused: HashMap<PullNumber, Seen>,
    /// What was answered late, or what nobody may answer.
    pub settled: HashSet<(PullNumber, SaidId)>,
}

/// Runs the command.
pub async fn run(place: &Place, args: &WatchArgs) -> Result<Exit, Error> {
    let wiring = Wiring::new(place, &args.limits.overrides())?;
    let github = wiring.github("watch pull requests")?;
    wiring.contained().await?;
    preflight::check_run(&wiring, &[Feature::Checks]).await?;
    let agents = wiring.agents().await?;
    let store = open(&wiring.state)?;
    let key = wiring.project_key();
    let selection = Selection {
        follow_up: true,
        ..Selection::default()
    };
    let _alone = store.lock_selection(&key, &selection)?;
    let mut left = wiring.loaded.config.max_total_budget_usd.usd();
    if let Some(session) = store.unfinished(&key, &selection.name())? {
        let exit = resume::go_on(place, &wiring, &store, &session).await?;
        if exit == Exit::Interrupted {
            return Ok(exit);
        }
        left = left.minus(store.spent_by(&session)?);
    }
    let repository = Arc::new(wiring.tidied_repository(&store).await?);
    preflight::check_remote(&wiring, repository.as_ref()).await?;
    let mut watch = Watch {
        place,
        wiring: &wiring,
        store: &store,
        github,
        repository,
        agents,
        left,
        elsewhere: HashMap::new(),
        refused: HashMap::new(),
        settled: HashSet::new(),
    };
    watch.go(args).await
}

impl Watch<'_> {
    async fn go(&mut self, args: &WatchArgs) -> Result<Exit, Error> {
        let (github, repository) = (Arc::clone(&self.github), Arc::clone(&self.repository));
        let trust = self.wiring.loaded.config.security.trust;
        let mut looking = Looking::new(github.as_ref(), repository.as_ref(), trust);
        let mut shown = Shown::default();
        let pause = Duration::from_secs(u64::from(self.wiring.loaded.config.watch.seconds.get()));
        let (mut failures, mut exit) = (0, Exit::Done);
        let mut signals = Signals::hear();
        loop {
            let looked = tokio::select! {
                looked = self.look(&mut looking, &mut shown, args) => looked,
                () = heard(&mut signals) => return shown.stopped(self.place),
            };
            match looked {
                Ok(Looked::Nothing) => return Ok(exit),
                Ok(Looked::Waits) => failures = 0,
                Ok(Looked::Finds(works)) => {
                    failures = 0;
                    // It hears signals itself.
                    match round::run(self, works).await {
                        Ok(Exit::Interrupted) => return Ok(Exit::Interrupted),
                        Ok(ended) => exit = ended,
                        Err(Trouble::Look(error)) if !args.once => {
                            shown.trouble(self.place, &error)?;
                        }
                        Err(error) => return Err(error.into()),
                    }
                }
                Err(error) if args.once || failures == MOST_FAILURES || is_final(&error) => {
                    return Err(error.into());
                }
                Err(Trouble::Other(error)) => return Err(error),
                Err(Trouble::Look(error)) => {
                    failures += 1;
                    shown.trouble(self.place, &error)?;
                }
            }
            if args.once {
                return Ok(exit);
            }
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = heard(&mut signals) => return shown.stopped(self.place),
            }
        }
    }

    /// Looks at the pulls, with all that the store knows of them.
    async fn see(&self, looking: &mut Looking<'_>) -> Result<(Vec<Seen>, Vec<Unseen>), Trouble> {
        let (key, store) = (self.wiring.project_key(), self.store);
        let known = store.unsettled(&key).map_err(Error::from)?;
        looking.learn(store.landed(&key).map_err(Error::from)?);
        let pushed = store.pushed(&key, known.values().copied());
        looking.expect(pushed.map_err(Error::from)?);
        Ok(looking.look(&known).await?)
    }

    /// Looks once, and does all that no session is needed for.
    async fn look(
        &mut self,
        looking: &mut Looking<'_>,
        shown: &mut Shown,
        args: &WatchArgs,
    ) -> Result<Looked, Trouble> {
        let key = self.wiring.project_key();
        let certificates = self.store.certificates(&key).map_err(Error::from)?;
        let (mut seen, unseen) = self.see(looking).await?;
        for unseen in &unseen {
            shown.pull_trouble(self.place, unseen.pull, &unseen.error)?;
        }
        sort(&mut seen, &certificates);
        let is_wanted = |issue: IssueNumber| args.issue.is_empty() || args.issue.contains(&issue);
        let claimed = self.store.claimed(&key).map_err(Error::from)?;
        let fates = self.store.fates(&key).map_err(Error::from)?;
        let purse = self.purse()?;
        let mut works = Vec::new();
        // One at a time: after it the others stand on another base, and are tried with that first.
        let mut has_merged = false;
        for one in &seen {
            let known = self.known(one, &fates, &certificates)?;
            let held = held(one, &seen, &claimed);
            let is_free = one.fate == Fate::Open && held.is_none();
            let next = match held {
                Some(wait) => Next::Wait(wait),
                None => next(one, &known, self.policy(), now()),
            };
            let is_late = has_merged && next == Next::Merge;
            if one.fate == Fate::Open && (!is_wanted(one.issue) || is_late) {
                continue;
            }
            shown.tell(self.place, one, &next)?;
            if is_free {
                self.answer_late(one, &known, shown).await?;
            }
            match self.act(one, &seen, &next, shown).await {
                Ok(merged) => has_merged |= merged,
                Err(Trouble::Look(error)) => {
                    shown.pull_trouble(self.place, one.pull.number, &error)?;
                }
                Err(error) => return Err(error),
            }
            if self.is_elsewhere(one.pull.number) {
                continue;
            }
            works.extend(Work::of(one, next, &known, self.policy().max_rounds));
        }
        purse.keep(&mut works, shown, self.place)?;
        if !works.is_empty() {
            return Ok(Looked::Finds(works));
        }
        let is_open = |seen: &Seen| seen.fate == Fate::Open && is_wanted(seen.issue);
        if unseen.iter().any(|it| is_wanted(it.issue)) || seen.iter().any(is_open) {
            return Ok(Looked::Waits);
        }
        shown.nothing(self.place, &args.issue)?;
        Ok(Looked::Nothing)
    }
}

/// What a look came to.
enum Looked {
    /// No pull of ours is open.
    Nothing,
    /// Nothing had to be done that a session does.
    Waits,
    /// These are for a session.
    Finds(Vec<Work>),
}

/// Why a look failed.
pub enum Trouble {
    /// The forge or git said no; it may pass.
    Look(LookError),
    /// It cannot go on.
    Other(Error),
}

impl From<LookError> for Trouble {
    fn from(error: LookError) -> Self {
        Self::Look(error)
    }
}

impl From<ForgeError> for Trouble {
    fn from(error: ForgeError) -> Self {
        Self::Look(error.into())
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self::Other(error)
    }
}

impl From<Trouble> for Error {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Look(LookError::Forge(error)) => error.into(),
            Trouble::Look(LookError::Repository(error)) => error.into(),
            Trouble::Other(error) => error,
        }
    }
}

fn is_final(trouble: &Trouble) -> bool {
    matches!(
        trouble,
        Trouble::Other(_) | Trouble::Look(LookError::Forge(ForgeError::Auth { .. }))
    )
}

/// Somebody wants it to end.
async fn heard(signals: &mut Option<Signals>) {
    match signals {
        Some(signals) => signals.any().await,
        None => std::future::pending().await,
    }
}
