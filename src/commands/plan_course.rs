//! A session's way from a directive to its issues: planner, check, person, forge.

use crate::adapters::store::journal::SqliteJournal;
use crate::adapters::store::open::Store;
use crate::commands::dry_run::record;
use crate::commands::exec::short_of_grant;
use crate::commands::notify::teller;
use crate::commands::place::Place;
use crate::commands::plan::save;
use crate::commands::plan_ask::{Answer, ask};
use crate::commands::plan_map::map;
use crate::commands::plan_run::{Means, refused};
use crate::commands::plan_view::View;
use crate::commands::wire::Wiring;
use crate::engine::clock::SteadyClock;
use crate::engine::laying_out::LayOutError;
use crate::engine::planning::{Ground, PlanOpening, Planned, Planner};
use crate::error::{Error, Kind};
use crate::ports::{Journal, NoLeases, Ports, Reporter, Repository, Stop};
use crate::reporters::notify::reporter::NotifyReporter;
use crate::rules::exit::Exit;
use crate::rules::money::Usd;
use crate::rules::notice::planned::Awaited;
use crate::rules::plan::outlook::{Outlook, outlook};
use crate::rules::plan::progress::Purpose;
use crate::rules::plan::shape::Plan;
use crate::rules::plan::words;
use crate::rules::schedule::session::{Phase, Session};
use crate::rules::task::{ErrorClass, Failure};
use serde_json::json;
use std::path::Path;
use std::sync::Arc;

/// How far a session came.
pub enum Reached {
    /// Its issues are there, and can be worked on.
    Issues,
    /// It goes no further in this process.
    End(Exit),
}

/// A session on its way to its issues.
pub struct Course<'a> {
    /// Where the command runs.
    pub place: &'a Place,
    /// The project.
    pub wiring: &'a Wiring,
    /// Where sessions are kept.
    pub store: &'a Store,
    /// With what.
    pub means: &'a Means,
    /// What is to become of the plan.
    pub purpose: Purpose,
    /// Where it is to be written.
    pub save: Option<&'a Path>,
    /// Who is told of each step.
    pub told: &'a Arc<dyn Reporter>,
    /// Asked when a signal comes.
    pub stop: &'a Stop,
}

/// People who are being called.
struct Called(Option<NotifyReporter>);

impl Called {
    /// What is not told yet is, within the time that ends have.
    fn end(self) {
        if let Some(teller) = self.0 {
            teller.finish();
        }
    }
}

/// A session that goes no further, and how the process ends then.
type Ends = Option<Exit>;

impl Course<'_> {
    /// Goes on from wherever the journal ends until the issues are there.
    pub async fn run(
        &self,
        journal: Arc<SqliteJournal>,
        opening: PlanOpening,
    ) -> Result<Reached, Error> {
        let orders = self.wiring.orders(self.store, journal.session())?;
        for recorded in journal.events().await? {
            self.told.event(&recorded);
        }
        let ports = Ports {
            forge: Arc::clone(&self.means.forge),
            repository: Arc::clone(&self.means.repository) as Arc<dyn Repository>,
            // Nobody else knows of issues that are not opened yet.
            leases: Arc::new(NoLeases),
            agents: self.means.agents.clone(),
            commands: self.wiring.commands().await?,
            resources: self.wiring.machine(),
            journal,
            clock: Arc::new(SteadyClock::start()),
            reporters: Arc::new([Arc::clone(self.told)]),
        };
        let mut planner = Planner::open(&ports, &orders, opening).await?;
        if planner.session().phase == Phase::Finished {
            return Ok(Reached::End(Exit::Done));
        }
        if self.purpose == Purpose::Drop {
            return self.drop(&mut planner).await;
        }
        let plan = match self.plan(&mut planner).await? {
            Ok(plan) => plan,
            Err(exit) => return Ok(Reached::End(exit)),
        };
        if !planner.session().plan.approved
            && let Some(exit) = self.decide(&mut planner, &plan).await?
        {
            return Ok(Reached::End(exit));
        }
        let ends = self.lay_out(&mut planner).await?;
        Ok(ends.map_or(Reached::Issues, Reached::End))
    }

    async fn lay_out(&self, planner: &mut Planner<'_>) -> Result<Ends, Error> {
        let tracker = self.means.tracker.as_ref();
        match planner.lay_out(tracker, self.stop).await {
            Ok(()) => Ok(None),
            Err(LayOutError::Journal(error)) => Err(error.into()),
            Err(LayOutError::Stopped) => self.interrupted(planner).await.map(Some),
            Err(LayOutError::Forge(error)) => {
                planner.interrupt().await?;
                let resume = self.resume(planner.session());
                Err(Error::from(error).hints([format!("`{resume}` goes on where it stopped")]))
            }
        }
    }

    /// The plan: a written one, the one that the journal has, or the planner's.
    async fn plan(&self, planner: &mut Planner<'_>) -> Result<Result<Plan, Exit>, Error> {
        if let Some(plan) = &planner.session().plan.plan {
            return Ok(Ok((**plan).clone()));
        }
        if planner.order().is_written {
            planner
                .decline("its plan was lost with its process")
                .await?;
            return Err(Error::new(Kind::Journal, "go on with the plan")
                .cause("its process died before the plan was stored, and nothing was opened")
                .hints(["run it again: autoissue plan --from FILE"]));
        }
        let repository = &self.means.repository;
        let branch = &self.wiring.project.base_branch;
        let base = repository.fetch(branch).await?;
        let checkout = repository.checkout(&base).await?;
        let map = map(checkout.path(), self.means.forge.as_ref(), branch).await?;
        let order = planner.order();
        let ground = Ground {
            directory: checkout.path(),
            prompt: words::first(&order.directive, &map, order.most_items),
        };
        match planner.plan(&ground, self.stop).await? {
            Planned::Plan(plan) => Ok(Ok(*plan)),
            Planned::Stopped => self.interrupted(planner).await.map(Err),
            Planned::Failed(failure) => {
                planner.decline(&failure.message).await?;
                Err(unplanned(planner.session(), &failure))
            }
        }
    }

    /// Shows the plan, and has somebody say yes; an exit where nobody does.
    async fn decide(&self, planner: &mut Planner<'_>, plan: &Plan) -> Result<Ends, Error> {
        let (outlook, refused) = self.show(planner.session(), plan)?;
        if let Some(path) = self.save {
            save(&self.place.cwd.join(path), plan)?;
        }
        if self.purpose == Purpose::Show {
            planner.decline("it was only to be shown").await?;
            let exit = refused.map_or(Exit::Done, |_| Exit::Budget);
            return Ok(Some(exit));
        }
        if let Some(refused) = refused {
            planner.interrupt().await?;
            self.call(planner.session(), &outlook, Some(&refused)).end();
            return Err(self.too_dear(planner.session(), &refused));
        }
        let order = planner.order();
        let answer = match self.purpose {
            Purpose::Show | Purpose::CarryOut => Answer::Yes,
            Purpose::Drop => Answer::No,
            Purpose::Later => {
                self.call(planner.session(), &outlook, None).end();
                return self.left(planner).await.map(Some);
            }
            Purpose::Ask => {
                let called = self.call(planner.session(), &outlook, None);
                let answer = ask(plan.items.len(), &order.labels, self.stop).await;
                called.end();
                answer
            }
        };
        match answer {
            Answer::Yes => planner.approve().await?,
            Answer::No => return self.declined(planner).await.map(Some),
            Answer::Stopped => return self.interrupted(planner).await.map(Some),
        }
        Ok(None)
    }

    /// Somebody said no, and that is the end of it.
    async fn declined(&self, planner: &mut Planner<'_>) -> Result<Exit, Error> {
        planner.decline("somebody said no").await?;
        let event = json!({ "v": 1, "event": "plan_not_carried_out" });
        let output = &self.place.output;
        output.result("No issues were opened.\n", &event)?;
        Ok(Exit::Done)
    }

    /// Nothing more is paid for a plan that is dropped; one whose issues are being opened is none any more.
    async fn drop(&self, planner: &mut Planner<'_>) -> Result<Reached, Error> {
        if !planner.session().plan.approved {
            return self.declined(planner).await.map(Reached::End);
        }
        planner.interrupt().await?;
        Err(Error::new(Kind::Usage, "drop the plan")
            .cause("it was approved, and its issues are being opened")
            .hints(["close the issues that are not wanted, then resume"]))
    }

    /// It waits for a person, however long that takes.
    async fn left(&self, planner: &mut Planner<'_>) -> Result<Exit, Error> {
        planner.interrupt().await?;
        self.told.finish();
        let resume = self.resume(planner.session());
        let session = planner.session();
        let event = json!({ "v": 1, "event": "plan_left", "session": session.id });
        let text = format!(
            "The plan waits: `{resume} --yes` carries it out, `--no` in its place drops it; so does the dashboard.\n"
        );
        self.place.output.note(&text, &event)?;
        Ok(Exit::Interrupted)
    }

    /// Tells people who do not watch that the plan waits for one of them.
    fn call(&self, session: &Session, outlook: &Outlook, refused: Option<&str>) -> Called {
        let resume = self.resume(session);
        let next = match refused {
            Some(_) => format!("`{resume} --budget USD` goes on with more money"),
            None if self.purpose == Purpose::Later => {
                format!("`{resume} --yes` carries it out, `--no` in its place drops it")
            }
            None => format!("say yes where it asks; once it asks no more, `{resume} --yes`"),
        };
        let waits = Awaited {
            session: session.id.as_ref(),
            project: &session.project,
            issues: outlook.costs.len(),
            p50: outlook.p50,
            p90: outlook.p90,
            refused,
            next: &next,
        };
        let teller = teller(&self.wiring.loaded, &self.wiring.redactor(), &[]);
        if let Some(teller) = &teller {
            teller.tell(waits.notice());
        }
        Called(teller)
    }

    /// Shows it, with how it would go; says why the budget would refuse it, if it would.
    fn show(&self, session: &Session, plan: &Plan) -> Result<(Outlook, Option<String>), Error> {
        let (settings, spent) = (session.settings(), session.budget.spent());
        let record = record(self.wiring, Some(self.store));
        let outlook = outlook(plan, settings, &record, &self.wiring.judge());
        let refused = refused(&outlook, settings, spent)
            .filter(|_| !settings.priority_first)
            .or_else(|| short_of_grant(settings));
        let view = View {
            plan,
            outlook: &outlook,
            slots: settings.slots,
            knows_costs: record.is_known(),
            planner: (session.plan.runs > 0).then_some(spent),
            refused: refused.as_deref(),
        };
        let (name, end) = match self.purpose {
            Purpose::Show => ("plan_dry_run", "No issues were opened.\n"),
            Purpose::Ask | Purpose::CarryOut | Purpose::Later | Purpose::Drop => ("plan", ""),
        };
        let text = format!("{}{end}", view.text());
        self.place.output.result(&text, &view.json(name))?;
        Ok((outlook, refused))
    }

    fn too_dear(&self, session: &Session, refused: &str) -> Error {
        let resume = self.resume(session);
        Error::new(Kind::Budget, "carry the plan out")
            .cause(refused)
            .hints([
                format!(
                    "`{resume} --budget USD` goes on with more money, and pays for no other plan"
                ),
                "let it run what the budget covers, the most urgent first: plan --fit".to_owned(),
            ])
    }

    async fn interrupted(&self, planner: &mut Planner<'_>) -> Result<Exit, Error> {
        planner.interrupt().await?;
        self.told.finish();
        let session = planner.session();
        let event = json!({ "v": 1, "event": "plan_interrupted", "session": session.id });
        let text = format!("Interrupted; `{}` goes on.\n", self.resume(session));
        self.place.output.note(&text, &event)?;
        Ok(Exit::Interrupted)
    }

    fn resume(&self, session: &Session) -> String {
        let id = session.id.as_ref().map_or("", |id| id.as_str());
        self.place.calling().line(&format!("resume {id}"))
    }
}

/// Why there is no plan, and what its planner has cost all the same.
fn unplanned(session: &Session, failure: &Failure) -> Error {
    let is_dear = failure.class == ErrorClass::Budget;
    let is_late = matches!(failure.class, ErrorClass::Timeout | ErrorClass::Stalled);
    let kind = if is_dear { Kind::Budget } else { Kind::Agent };
    let cause = format!("{}: {}", failure.class.words(), failure.message);
    let mut error = Error::new(kind, "make a plan").cause(cause);
    let spent = session.budget.spent();
    if spent > Usd::ZERO {
        error = error.cause(format!("the planner has cost {spent} all the same"));
    }
    error.hints([if is_dear {
        "raise planner.maxBudgetUsd, or --budget"
    } else if is_late {
        "raise executor.timeoutMinutes, or ask for less at a time"
    } else {
        "say it in other words, or write the plan yourself and run it: --from plan.json"
    }])
}
