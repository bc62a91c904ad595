//! `watch`: open pulls are looked at, and led to their end.

use crate::adapters::git::repository::GitRepository;
use crate::adapters::github::forge::GitHub;
use crate::adapters::store::open::Store;
use crate::cli::pulls::WatchArgs;
use crate::commands::exec::check_isolation;
use crate::commands::place::Place;
use crate::commands::pulls::round::{self, Work};
use crate::commands::pulls::show::Shown;
use crate::commands::signals::Signals;
use crate::commands::store::open;
use crate::commands::wire::Wiring;
use crate::commands::{preflight, resume};
use crate::engine::ending::CleanUp;
use crate::engine::looking::{LookError, Looking};
use crate::error::Error;
use crate::ports::{Agent, ForgeError, Merging, Pulls as _};
use crate::rules::exit::Exit;
use crate::rules::follow::next::{MergePolicy, Next, Policy, next};
use crate::rules::follow::shape::{Fate, Seen};
use crate::rules::ids::Timestamp;
use crate::rules::issue::Selection;
use crate::rules::money::Usd;
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
    pub agent: Arc<dyn Agent>,
    /// What may be spent still.
    pub left: Usd,
}

/// Runs the command.
pub async fn run(place: &Place, args: &WatchArgs) -> Result<Exit, Error> {
    let wiring = Wiring::new(place, &args.limits.overrides())?;
    let github = wiring.github("watch pull requests")?;
    check_isolation(&wiring, args.limits.isolation)?;
    preflight::check(&wiring)?;
    let agent = wiring.agent().await?;
    let store = open(&wiring.state)?;
    let key = wiring.project_key();
    let selection = Selection {
        follow_up: true,
        ..Selection::default()
    };
    let _alone = store.lock_selection(&key, &selection)?;
    if let Some(session) = store.unfinished(&key, &selection.name())? {
        let exit = resume::go_on(place, &wiring, &store, &session).await?;
        if exit == Exit::Interrupted {
            return Ok(exit);
        }
    }
    let repository = Arc::new(wiring.git_repository().await?);
    preflight::check_remote(&wiring, repository.as_ref()).await?;
    let mut watch = Watch {
        place,
        wiring: &wiring,
        store: &store,
        github,
        repository,
        agent,
        left: wiring.loaded.config.max_total_budget_usd.usd(),
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
                    exit = round::run(self, works).await?;
                    if exit == Exit::Interrupted {
                        return Ok(exit);
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

    /// Looks once, and does all that no session is needed for.
    async fn look(
        &mut self,
        looking: &mut Looking<'_>,
        shown: &mut Shown,
        args: &WatchArgs,
    ) -> Result<Looked, Trouble> {
        let key = self.wiring.project_key();
        let known = self.store.unsettled(&key).map_err(Error::from)?;
        let mut seen = looking.look(&known).await?;
        if !args.issue.is_empty() {
            seen.retain(|seen| args.issue.contains(&seen.issue));
        }
        let policy = self.policy();
        let now = Timestamp(chrono::Utc::now().timestamp_millis());
        let mut works = Vec::new();
        // One at a time: after it the others stand on another base, and are tried with that first.
        let mut has_merged = false;
        for one in &seen {
            let before = self
                .store
                .before(&key, one.pull.number)
                .map_err(Error::from)?;
            let todo = next(one, &before, policy, now);
            shown.tell(self.place, one, &todo)?;
            match todo {
                Next::CleanUp => self.clean_up(one, &seen).await?,
                Next::Reject => self.note(one, Fate::Rejected)?,
                Next::Merge if !has_merged => {
                    has_merged = self.merge(one, shown, policy.merge).await?;
                }
                Next::Work { said, conflicts } => works.push(Work {
                    seen: one.clone(),
                    said,
                    conflicts,
                    round: before.rounds + 1,
                }),
                Next::Update => works.push(Work {
                    seen: one.clone(),
                    said: Vec::new(),
                    conflicts: Vec::new(),
                    round: before.rounds,
                }),
                Next::Merge | Next::Wait(_) => {}
            }
        }
        self.afford(&mut works, shown)?;
        if !works.is_empty() {
            return Ok(Looked::Finds(works));
        }
        if seen.iter().any(|seen| seen.fate == Fate::Open) {
            return Ok(Looked::Waits);
        }
        shown.nothing(self.place)?;
        Ok(Looked::Nothing)
    }

    /// Where the money does not reach for one more attempt, only what costs nothing is done.
    fn afford(&self, works: &mut Vec<Work>, shown: &mut Shown) -> Result<(), Error> {
        let settings = self.wiring.settings(None, None);
        if round::covers(self.left, &settings) || !works.iter().any(Work::is_paid) {
            return Ok(());
        }
        works.retain(|work| !work.is_paid());
        shown.unaffordable(self.place, self.left)
    }

    fn policy(&self) -> Policy {
        let config = &self.wiring.loaded.config;
        config.watch.policy(config.merge.policy)
    }

    async fn clean_up(&self, merged: &Seen, seen: &[Seen]) -> Result<(), Trouble> {
        let settings = self.wiring.settings(None, None);
        let clean_up = CleanUp {
            forge: self.github.as_ref(),
            pulls: self.github.as_ref(),
            repository: self.repository.as_ref(),
            labels: &settings.labels,
            base: &settings.base_branch,
        };
        clean_up.run(merged, seen).await?;
        self.note(merged, Fate::Merged)
    }

    fn note(&self, seen: &Seen, fate: Fate) -> Result<(), Trouble> {
        let about = (seen.pull.number, seen.issue);
        let key = self.wiring.project_key();
        let noted = self.store.note_fate(&key, about, fate);
        Ok(noted.map_err(Error::from)?)
    }

    /// Merges it as it was seen; says whether it is merged now.
    async fn merge(
        &self,
        seen: &Seen,
        shown: &mut Shown,
        policy: MergePolicy,
    ) -> Result<bool, Trouble> {
        let how = (policy, self.wiring.loaded.config.merge.method);
        let number = seen.pull.number;
        let merging = self.github.merge(number, &seen.head, how).await?;
        shown.merging(self.place, seen, &merging)?;
        Ok(merging == Merging::Done)
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
        Some(signals) => signals.next().await,
        None => std::future::pending().await,
    }
}
