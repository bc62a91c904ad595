//! `exec`: issues of a label become pull requests.

use crate::adapters::git::repository::GitRepository;
use crate::adapters::store::open::Store;
use crate::cli::run::ExecArgs;
use crate::commands::footprint::known::foresee;
use crate::commands::hold::Taking;
use crate::commands::place::Place;
use crate::commands::session::{self, Prepared};
use crate::commands::store::open;
use crate::commands::taken::taken;
use crate::commands::wire::Wiring;
use crate::commands::{assigning, dry_run, nothing, preflight, resume};
use crate::engine::session::Opening;
use crate::error::{Error, Kind};
use crate::ports::{Forge, Repository};
use crate::rules::budget::Budget;
use crate::rules::exit::Exit;
use crate::rules::ids::{BranchName, SessionId, Timestamp};
use crate::rules::issue::Selection;
use crate::rules::money::Usd;
use crate::rules::past::Record;
use crate::rules::schedule::order;
use crate::rules::settings::Settings;
use crate::rules::task::Task;
use std::sync::Arc;

/// Runs the command.
pub async fn run(place: &Place, args: &ExecArgs) -> Result<Exit, Error> {
    let wiring = Wiring::new(place, &args.overrides())?;
    let selection = args.selection(&wiring.loaded.config.filter);
    if args.dry_run {
        return dry_run::run(place, &wiring, &selection, args.work.fit).await;
    }
    wiring.contained().await?;
    preflight::check_run(&wiring, &[]).await?;
    let forge = wiring.forge()?;
    let agents = wiring.agents().await?;
    let store = open(&wiring.state)?;
    let key = wiring.project_key();
    let _alone = store.lock_selection(&key, &selection)?;
    if let Some(session) = store.unfinished(&key, &selection.name())? {
        return resume::go_on(place, &wiring, &store, &session).await;
    }
    let settings = Settings {
        priority_first: args.work.fit,
        ..wiring.settings(selection.label.as_deref(), Some(&store))
    };
    let mut issues = forge.open_issues(&selection).await?;
    nothing::tell_named(place, forge.as_ref(), &selection, &mut issues).await?;
    if issues.is_empty() {
        return nothing::say(place, &wiring, &selection);
    }
    let repository = Arc::new(wiring.tidied_repository(&store).await?);
    preflight::check_remote(&wiring, repository.as_ref()).await?;
    let branches = branches(repository.as_ref()).await?;
    let found = (issues, &selection);
    let tasks = taken(&wiring, forge.as_ref(), found, &settings, branches).await?;
    check_order(&tasks)?;
    let means = (forge.as_ref(), repository.as_ref());
    let mut tasks = read_up_on(place, (&wiring, &store), means, &selection, tasks).await?;
    check_budget(&tasks, &settings, args)?;
    let id = SessionId::new(ulid::Ulid::generate().to_string());
    let journal = store.begin(id.clone(), &key, &selection)?;
    let taking = Taking {
        place: (&wiring, &store, &repository),
        forge: forge.as_ref(),
        session: &id,
        selection: &selection,
    };
    let leases = taking.take(&mut tasks).await?;
    let opening = Opening::New {
        project: key,
        selection,
        settings: Box::new(settings),
        tasks,
    };
    let prepared = Prepared {
        journal: journal.into(),
        forge,
        repository,
        leases,
        agents,
        opening,
        console: None,
    };
    session::run(place, &wiring, &store, prepared).await
}

/// The remote's branches of earlier runs.
pub async fn branches(repository: &dyn Repository) -> Result<Vec<BranchName>, Error> {
    let branches = repository.remote_branches().await?;
    Ok(branches.into_iter().map(|(branch, _)| branch).collect())
}

/// The tasks with all that is known of them: likely files, evaluation, and estimates by what past attempts at tasks like
/// them took. Who cannot be assigned to them is told.
pub async fn read_up_on(
    place: &Place,
    (wiring, store): (&Wiring, &Store),
    (forge, repository): (&dyn Forge, &GitRepository),
    selection: &Selection,
    mut tasks: Vec<Task>,
) -> Result<Vec<Task>, Error> {
    assigning::tell(place, wiring, forge).await?;
    let known = foresee(place, (wiring, store), forge, repository, &mut tasks).await?;
    let mut tasks = wiring.routed(tasks, &known, selection);
    Record::of(&store.past(&wiring.project_key())?).estimate(&mut tasks);
    Ok(tasks)
}

/// Refuses tasks that wait for each other.
pub fn check_order(tasks: &[Task]) -> Result<(), Error> {
    order::check(tasks).map_err(|cycle| {
        Error::new(Kind::Project, "find an order for the issues")
            .cause(format!("they wait for each other: {cycle}"))
            .hints(["take one `depends on` line out of one of them, or name the issues to run with --issue"])
    })
}

fn check_budget(tasks: &[Task], settings: &Settings, args: &ExecArgs) -> Result<(), Error> {
    if !args.work.fit {
        check_money(tasks, settings)?;
    }
    check_grant(tasks, settings)
}

/// Refuses what the budget will likely not cover.
pub fn check_money(tasks: &[Task], settings: &Settings) -> Result<(), Error> {
    let costs = tasks
        .iter()
        .filter(|task| task.obstacle.is_none())
        .map(|task| task.estimate.cost);
    let budget = Budget::new(settings.ceiling, settings.daily_ceiling);
    budget.precheck(costs, Timestamp(0)).map_err(|refusal| {
        Error::new(Kind::Budget, "start the session")
            .because(&refusal)
            .hints([
                raise(refusal.estimated.max(grant(settings))),
                "run what the budget covers, the most urgent first: --fit".to_owned(),
                LOWER.to_owned(),
            ])
    })
}

/// Refuses a budget that not even one attempt can be granted from.
fn check_grant(tasks: &[Task], settings: &Settings) -> Result<(), Error> {
    if tasks.iter().all(|task| task.obstacle.is_some()) {
        return Ok(());
    }
    short_of_grant(settings).map_or(Ok(()), |cause| {
        Err(Error::new(Kind::Budget, "start the session")
            .cause(cause)
            .hints([raise(grant(settings)), LOWER.to_owned()]))
    })
}

/// Why not even one attempt can be granted, where that is so.
#[must_use]
pub fn short_of_grant(settings: &Settings) -> Option<String> {
    let (grant, ceiling) = (grant(settings), settings.ceiling);
    let budget = settings
        .daily_ceiling
        .map_or(ceiling, |today| today.min(ceiling));
    (grant > budget).then(|| {
        format!(
            "one attempt sets {grant} aside, its cap of {} and some for its last response, and the budget is {budget}",
            settings.cap
        )
    })
}

fn grant(settings: &Settings) -> Usd {
    settings.cap + settings.slack(Usd::ZERO)
}

const LOWER: &str = "lower the cap of one attempt: agent.maxBudgetUsd";

fn raise(to: Usd) -> String {
    format!("raise the budget: --budget {}", to.decimal())
}
