//! Carries a plan from wherever its session stands to the end: planner, person, issues, work.

use crate::adapters::git::repository::GitRepository;
use crate::adapters::store::journal::SqliteJournal;
use crate::adapters::store::open::Store;
use crate::cli::args::Format;
use crate::commands::exec::{branches, check_order, read_up_on};
use crate::commands::hold::Taking;
use crate::commands::place::Place;
use crate::commands::plan::is_answered;
use crate::commands::plan_course::{Course, Reached};
use crate::commands::preflight;
use crate::commands::session::{self, Prepared};
use crate::commands::signals::Signals;
use crate::commands::wire::Wiring;
use crate::engine::intake;
use crate::engine::planning::PlanOpening;
use crate::engine::session::Opening;
use crate::error::{Error, Kind};
use crate::ports::{Agents, Forge, Journal, Reporter, Stop, Tracker};
use crate::reporters::json::JsonReporter;
use crate::reporters::planning::PlanReporter;
use crate::rules::budget::Budget;
use crate::rules::exit::Exit;
use crate::rules::feature::Feature;
use crate::rules::ids::{IssueNumber, Timestamp};
use crate::rules::issue::Selection;
use crate::rules::money::Usd;
use crate::rules::plan::outlook::Outlook;
use crate::rules::plan::progress::{PlanOrder, Purpose};
use crate::rules::plan::shape::Plan;
use crate::rules::schedule::session::Session;
use crate::rules::settings::Settings;
use crate::rules::task::Task;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// What a plan is carried out with.
pub struct Means {
    /// Where issues and pulls live.
    pub forge: Arc<dyn Forge>,
    /// Where issues are opened.
    pub tracker: Arc<dyn Tracker>,
    /// The mirror and its worktrees.
    pub repository: Arc<GitRepository>,
    /// Planner, and worker.
    pub agents: Agents,
}

/// A session with a plan, and what is to become of it in this process.
pub struct Carrying<'a> {
    /// Where the command runs.
    pub place: &'a Place,
    /// The project.
    pub wiring: &'a Wiring,
    /// Where sessions are kept.
    pub store: &'a Store,
    /// With what.
    pub means: Means,
    /// The session's journal, held by this process.
    pub journal: SqliteJournal,
    /// How it begins here.
    pub opening: PlanOpening,
    /// What this command wants done with the plan.
    pub purpose: Purpose,
    /// Where the plan is to be written.
    pub save: Option<&'a Path>,
}

/// Finds everything out that could keep a plan from being carried out, before its session exists.
pub async fn means(wiring: &Wiring) -> Result<Means, Error> {
    let (forge, tracker) = wiring.forges()?;
    preflight::check_access(wiring, &[Feature::Labels]).await?;
    let agents = wiring.agents().await?;
    let repository = Arc::new(wiring.git_repository().await?);
    preflight::check_remote(wiring, repository.as_ref()).await?;
    Ok(Means {
        forge,
        tracker,
        repository,
        agents,
    })
}

/// Why the budget will likely not reach, if it will not; `spent` is gone already.
#[must_use]
pub fn refused(outlook: &Outlook, settings: &Settings, spent: Usd) -> Option<String> {
    let left = settings.ceiling.minus(spent);
    let budget = Budget::new(left, settings.daily_ceiling);
    let costs = outlook.costs.iter().map(|likely| likely.1);
    let refusal = budget.precheck(costs, Timestamp(0)).err();
    refusal.map(|refusal| refusal.to_string())
}

/// Goes on from wherever the session stands.
pub async fn carry(carrying: Carrying<'_>) -> Result<Exit, Error> {
    let told = console(carrying.place, carrying.purpose);
    let stop = Stop::new();
    let obeying = Signals::hear().map(|signals| tokio::spawn(signals.obey(stop.clone())));
    carrying.place.has_begun.store(true, Ordering::SeqCst);
    let journal = Arc::new(carrying.journal);
    let (place, wiring, store) = (carrying.place, carrying.wiring, carrying.store);
    let course = Course {
        place,
        wiring,
        store,
        means: &carrying.means,
        purpose: carrying.purpose,
        save: carrying.save,
        told: &told,
        stop: &stop,
    };
    let reached = course.run(Arc::clone(&journal), carrying.opening).await;
    if let Some(obeying) = obeying {
        obeying.abort();
    }
    if !matches!(reached, Ok(Reached::Issues)) {
        told.finish();
    }
    match reached? {
        Reached::End(exit) => Ok(exit),
        // They are there, and the next who goes on works on them.
        Reached::Issues if stop.is_draining() => Ok(Exit::Interrupted),
        Reached::Issues => {
            let console = (place.globals.format == Format::Json).then_some(told);
            work((place, wiring, store), carrying.means, journal, console).await
        }
    }
}

/// Whom the steps are told: programs all events, people a line each. What is only shown is one object.
fn console(place: &Place, purpose: Purpose) -> Arc<dyn Reporter> {
    match (place.globals.format, purpose) {
        (Format::Json, Purpose::Show) => Arc::new(PlanReporter::silent()),
        (Format::Json, Purpose::Ask | Purpose::CarryOut | Purpose::Later | Purpose::Drop) => {
            Arc::new(JsonReporter::stdout())
        }
        (Format::Text, _) => Arc::new(PlanReporter::start(place.live(), place.output.colour())),
    }
}

/// The issues are there: they are read and worked on like any others.
async fn work(
    (place, wiring, store): (&Place, &Wiring, &Store),
    means: Means,
    journal: Arc<SqliteJournal>,
    console: Option<Arc<dyn Reporter>>,
) -> Result<Exit, Error> {
    let session = Session::fold(&journal.events().await?);
    let numbers: Vec<IssueNumber> = session.plan.numbers.values().copied().collect();
    let taken = Selection {
        numbers: numbers.clone(),
        ..session.selection.clone()
    };
    let issues = means.forge.open_issues(&taken).await?;
    let branches = branches(means.repository.as_ref()).await?;
    let settings = session.settings();
    let tasks = intake::read(
        means.forge.as_ref(),
        issues,
        settings,
        wiring.own(),
        branches,
    )
    .await?;
    check_order(&tasks)?;
    let with = (means.forge.as_ref(), means.repository.as_ref());
    let selection = &session.selection;
    let mut tasks = read_up_on(place, (wiring, store), with, selection, tasks).await?;
    estimate(
        &mut tasks,
        session.plan.plan.as_deref(),
        &session.plan.numbers,
    );
    let taking = Taking {
        place: (wiring, store, &means.repository),
        forge: means.forge.as_ref(),
        session: journal.session(),
        selection: &taken,
    };
    let leases = taking.take(&mut tasks).await?;
    let prepared = Prepared {
        journal,
        forge: means.forge,
        repository: means.repository,
        leases,
        agents: means.agents,
        opening: Opening::Planned { tasks },
        console,
    };
    session::run(place, wiring, store, prepared).await
}

/// The plan knows better than history how long its items take.
fn estimate(tasks: &mut [Task], plan: Option<&Plan>, numbers: &BTreeMap<String, IssueNumber>) {
    for item in plan.iter().flat_map(|plan| &plan.items) {
        let number = numbers.get(&item.key);
        let task = tasks.iter_mut().find(|task| Some(&task.number()) == number);
        if let Some(task) = task {
            task.estimate.minutes = item.estimate_minutes;
        }
    }
}

/// What is to become of a plan whose session goes on: what was said first counts, unless somebody was to be asked.
pub fn purpose_of(order: &PlanOrder, wanted: Purpose, approved: bool) -> Result<Purpose, Error> {
    match (order.purpose, wanted) {
        (Purpose::Ask, Purpose::Ask) if !approved && !is_answered() => Err(Error::new(
            Kind::Usage,
            "ask whether the plan is to be carried out",
        )
        .cause("there is no terminal to ask on")
        .hints(["add --yes to carry it out unasked, or --no to drop it"])),
        (Purpose::Ask, wanted) => Ok(wanted),
        (_, Purpose::Drop) => Ok(Purpose::Drop),
        (first, _) => Ok(first),
    }
}
