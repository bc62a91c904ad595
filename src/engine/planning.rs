//! From a directive to a checked plan: one paid run of the planner, its answer read, and asked once more where it does
//! not fit.

use crate::engine::link::Message;
use crate::engine::orders::Orders;
use crate::engine::turn::Live;
use crate::ports::{
    Activity, AgentEnd, AgentOrder, AgentReport, AgentTask, Conversation, Interrupted,
    JournalError, Ports, Stop, Watch,
};
use crate::rules::event::{Event, Input, ProcessIdentity, Recorded};
use crate::rules::ids::{AttemptNumber, ConversationId};
use crate::rules::money::{Basis, Charge, Usd};
use crate::rules::plan::check::{Fault, faults};
use crate::rules::plan::progress::{PlanOrder, Planning};
use crate::rules::plan::read;
use crate::rules::plan::shape::{Plan, answer_schema};
use crate::rules::plan::words;
use crate::rules::schedule::session::Session;
use crate::rules::settings::Settings;
use crate::rules::task::{Attempted, ErrorClass, Failure, Outcome};
use async_trait::async_trait;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};

/// How a session with a plan begins in this process.
pub enum PlanOpening {
    /// For the first time: the input that says what it is, and the plan, where somebody wrote it.
    New(Vec<Input>),
    /// From its journal.
    Resumed(Box<Settings>),
}

/// What came of planning.
#[derive(Debug)]
pub enum Planned {
    /// A plan that nothing is wrong with.
    Plan(Box<Plan>),
    /// None, and why; what was paid is in the journal.
    Failed(Failure),
    /// We were told to stop.
    Stopped,
}

/// A session on its way from a directive to issues.
pub struct Planner<'a> {
    pub(super) live: Live<'a>,
    pub(super) orders: &'a Orders,
}

/// Where the planner works, and what it is told of the place.
pub struct Ground<'a> {
    /// The files of the base branch.
    pub directory: &'a Path,
    /// The first prompt.
    pub prompt: String,
}

/// Times that the planner is asked within one run.
const ROUNDS: u32 = 2;
/// Less than this is not worth another round.
const LEAST_ROUND: Usd = Usd::from_micros(10_000);

impl<'a> Planner<'a> {
    /// The session as its journal has it, opened in this process; what a dead one left is settled first.
    pub async fn open(
        ports: &'a Ports,
        orders: &'a Orders,
        opening: PlanOpening,
    ) -> Result<Self, JournalError> {
        let session = Session::fold(&ports.journal.events().await?);
        let live = Live { ports, session };
        let mut this = Self { live, orders };
        match opening {
            PlanOpening::New(inputs) => this.turn(&inputs).await?,
            PlanOpening::Resumed(settings) => {
                let mut inputs = this.lost_run().await;
                inputs.push(Input::Resume { settings });
                this.turn(&inputs).await?
            }
        };
        Ok(this)
    }

    /// The session as it stands.
    #[must_use]
    pub fn session(&self) -> &Session {
        &self.live.session
    }

    /// Runs the planner, unless there is a plan already.
    pub async fn plan(
        &mut self,
        ground: &Ground<'_>,
        stop: &Stop,
    ) -> Result<Planned, JournalError> {
        if let Some(plan) = &self.live.session.plan.plan {
            return Ok(Planned::Plan(plan.clone()));
        }
        let (run, grant) = match self.grant().await? {
            Ok(granted) => granted,
            Err(failure) => return Ok(Planned::Failed(failure)),
        };
        let mut paid = Paid::default();
        let planned = self.rounds(ground, grant, &mut paid, stop).await?;
        let result = match &planned {
            Planned::Plan(plan) => {
                // Before the bill: whoever dies in between has the plan, and pays for no other.
                let plan = plan.clone();
                self.note(Planning::Checked { plan }).await?;
                let said = format!("{} items", self.items());
                Attempted::Unchanged { said }
            }
            Planned::Failed(failure) => Attempted::Failed(failure.clone()),
            Planned::Stopped => Attempted::Stopped,
        };
        let outcome = paid.outcome(result);
        let settled = Planning::Settled {
            run,
            grant,
            outcome,
        };
        self.note(settled).await?;
        Ok(planned)
    }

    /// The plan is to be carried out.
    pub async fn approve(&mut self) -> Result<(), JournalError> {
        if self.live.session.plan.approved {
            return Ok(());
        }
        self.note(Planning::Approved).await
    }

    /// It is not, or there is none: the session ends here.
    pub async fn decline(&mut self, reason: &str) -> Result<(), JournalError> {
        let reason = self.orders.redactor.clean(reason).into_owned();
        self.note(Planning::Declined { reason }).await
    }

    /// The session stops here, and can go on.
    pub async fn interrupt(&mut self) -> Result<(), JournalError> {
        self.turn(&[Input::Stop]).await.map(drop)
    }

    pub(super) async fn note(&mut self, fact: Planning) -> Result<(), JournalError> {
        self.turn(&[Input::Planned { fact }]).await.map(drop)
    }

    async fn turn(&mut self, inputs: &[Input]) -> Result<Vec<Recorded>, JournalError> {
        let decided = self.live.turn(inputs).await?;
        for recorded in &decided {
            for reporter in self.live.ports.reporters.iter() {
                reporter.event(recorded);
            }
        }
        Ok(decided)
    }

    fn items(&self) -> usize {
        let plan = self.live.session.plan.plan.as_ref();
        plan.map_or(0, |plan| plan.items.len())
    }

    /// What was asked for.
    #[must_use]
    pub fn order(&self) -> PlanOrder {
        let planned = self.live.session.selection.planned.as_deref();
        planned.cloned().unwrap_or_default()
    }

    /// Money for one run, set aside like an attempt's.
    async fn grant(&mut self) -> Result<Result<(AttemptNumber, Usd), Failure>, JournalError> {
        let want = wanted(self.order().cap, self.live.session.settings());
        let mut inputs = Vec::new();
        if self.live.session.settings().daily_ceiling.is_some() {
            let day = self.live.ports.clock.now().day();
            let today = self.live.ports.journal.spent_elsewhere(day).await?;
            inputs.push(Input::SpentElsewhere { today });
        }
        inputs.push(Input::PlannerWanted { want, least: want });
        let decided = self.turn(&inputs).await?;
        let granted = decided.iter().find_map(|recorded| {
            let Event::Planning { fact } = &recorded.event else {
                return None;
            };
            let Planning::Granted { run, grant } = fact else {
                return None;
            };
            Some((*run, *grant))
        });
        let budget = &self.live.session.budget;
        let left = budget.ceiling().minus(budget.spent());
        let short = || {
            let message = format!(
                "the planner sets {want} aside, and {left} of {} is left{}",
                budget.ceiling(),
                if want > left { "" } else { ", or less today" }
            );
            Failure::new(ErrorClass::Budget, message)
        };
        Ok(granted.ok_or_else(short))
    }

    async fn rounds(
        &mut self,
        ground: &Ground<'_>,
        grant: Usd,
        paid: &mut Paid,
        stop: &Stop,
    ) -> Result<Planned, JournalError> {
        let slack = self
            .live
            .session
            .settings()
            .slack(self.live.session.budget.dearest());
        let limit = grant.minus(slack);
        let mut prompt = ground.prompt.clone();
        let mut conversation =
            Conversation::New(ConversationId::new(uuid::Uuid::new_v4().to_string()));
        for round in 1..=ROUNDS {
            let cap = limit.minus(paid.charge.cost);
            let order = self.agent_order(ground.directory, prompt, conversation, cap);
            let report = self.run(&order, stop).await?;
            paid.add(&report, grant);
            match &report.end {
                AgentEnd::Done => {}
                AgentEnd::Failed(failure) => return Ok(Planned::Failed(self.clean(failure))),
                AgentEnd::Stopped => return Ok(Planned::Stopped),
            }
            let wrong = match self.read(&report) {
                Ok(plan) => return Ok(Planned::Plan(Box::new(plan))),
                Err(wrong) => wrong,
            };
            let told: Vec<String> = wrong.iter().map(ToString::to_string).collect();
            let too_dear = limit.minus(paid.charge.cost) < LEAST_ROUND;
            if round == ROUNDS || too_dear || stop.is_asked() {
                return Ok(Planned::Failed(self.clean(&unfit(&told))));
            }
            let charge = paid.charge;
            let faults = told.clone();
            self.note(Planning::Refused { faults, charge }).await?;
            (prompt, conversation) = self.next_words(ground, &told, report.conversation);
        }
        Ok(Planned::Failed(unfit(&[])))
    }

    /// What goes back to a planner whose answer cannot be used.
    fn next_words(
        &self,
        ground: &Ground<'_>,
        told: &[String],
        conversation: Option<ConversationId>,
    ) -> (String, Conversation) {
        let feedback = words::feedback(told);
        match conversation {
            Some(id) if self.live.ports.agents.first().capabilities().resumes => {
                (feedback, Conversation::Resumed(id))
            }
            Some(_) | None => {
                let fresh = ConversationId::new(uuid::Uuid::new_v4().to_string());
                let prompt = format!("{}\n\n{feedback}", ground.prompt);
                (prompt, Conversation::New(fresh))
            }
        }
    }

    fn agent_order(
        &self,
        directory: &Path,
        prompt: String,
        conversation: Conversation,
        cap: Usd,
    ) -> AgentOrder {
        let session = self.live.ports.journal.session().to_string();
        let env = [
            ("AUTOISSUE_TASK", "plan".to_owned()),
            ("AUTOISSUE_SESSION", session),
        ];
        AgentOrder {
            prompt,
            directory: directory.to_owned(),
            conversation,
            model: self.order().model,
            cap,
            max_turns: self.orders.max_turns,
            max_tokens: Some(self.orders.max_tokens),
            wall: self.orders.wall,
            idle: self.orders.idle,
            transcript: self.transcript(self.live.session.plan.runs),
            env: env.map(|(name, value)| (name.to_owned(), value)).to_vec(),
            task: AgentTask::Answer {
                schema: answer_schema().to_string(),
            },
        }
    }

    fn transcript(&self, run: u32) -> PathBuf {
        self.orders.transcripts.join(format!("plan-{run}.jsonl"))
    }

    fn read(&self, report: &AgentReport) -> Result<Plan, Vec<Fault>> {
        let asked = self.order();
        let answer = self.orders.redactor.clean(&report.answer);
        let plan = read::answer(&answer, &asked.directive)?;
        let wrong = faults(&plan, asked.most_items);
        if wrong.is_empty() {
            Ok(plan)
        } else {
            Err(wrong)
        }
    }

    fn clean(&self, failure: &Failure) -> Failure {
        let message = self.orders.redactor.clean(&failure.message).into_owned();
        Failure {
            message,
            ..failure.clone()
        }
    }

    /// Runs the agent; what its watch reports is made durable on the way.
    async fn run(&mut self, order: &AgentOrder, stop: &Stop) -> Result<AgentReport, JournalError> {
        let (sender, mut inbox) = mpsc::channel(8);
        let watch = PlannerWatch {
            sender,
            conversation: order.conversation.clone(),
            ports: self.live.ports.clone(),
        };
        let agent = Arc::clone(self.live.ports.agents.first());
        let running = agent.run(order, &watch, stop);
        tokio::pin!(running);
        loop {
            // Both arms are cancel-safe: the run is pinned outside of the loop, and a channel loses nothing.
            tokio::select! {
                report = &mut running => return Ok(report),
                Some(message) = inbox.recv() => {
                    let Message { input, durable } = message;
                    self.turn(&[input]).await?;
                    if durable.is_some_and(|waiting| waiting.send(()).is_err()) {
                        tracing::trace!("whoever reported this has ended");
                    }
                }
            }
        }
    }

    /// What has to be decided about a run whose process died: its processes are ended, and what its captured output
    /// proves is used.
    async fn lost_run(&self) -> Vec<Input> {
        let progress = &self.live.session.plan;
        let Some(lost) = progress.running.clone() else {
            return Vec::new();
        };
        if let Some(process) = &lost.process {
            self.live.ports.commands.end_leftover(process).await;
        }
        let agent = self.live.ports.agents.first();
        let proof = lost
            .started
            .then(|| agent.evidence(&self.transcript(lost.run.0)));
        let proof = proof.flatten();
        let mut paid = Paid {
            charge: lost.charge,
            ..Paid::default()
        };
        match &proof {
            Some(report) => paid.add(report, lost.grant),
            None if lost.started => paid.charge = Charge::assumed(lost.grant),
            None => {}
        }
        let mut inputs = Vec::new();
        let answered = proof.filter(|report| report.end == AgentEnd::Done);
        let plan = answered.and_then(|report| self.read(&report).ok());
        if let (Some(plan), None) = (plan, &progress.plan) {
            let plan = Box::new(plan);
            inputs.push(Planning::Checked { plan });
        }
        inputs.push(Planning::Settled {
            run: lost.run,
            grant: lost.grant,
            outcome: paid.outcome(Attempted::Lost),
        });
        inputs
            .into_iter()
            .map(|fact| Input::Planned { fact })
            .collect()
    }
}

/// What a run of the planner has set aside: its cap, and slack for its last response.
#[must_use]
pub fn wanted(cap: Usd, settings: &Settings) -> Usd {
    let planner = Settings {
        cap,
        ..settings.clone()
    };
    cap + planner.slack(Usd::ZERO)
}

fn unfit(told: &[String]) -> Failure {
    let message = format!(
        "its answer is no plan that can be carried out:\n{}",
        told.join("\n")
    );
    Failure::new(ErrorClass::Validation, message)
}

/// What a run of the planner has cost so far.
#[derive(Default)]
struct Paid {
    charge: Charge,
    dearest: Usd,
    model: Option<String>,
}

impl Paid {
    fn add(&mut self, report: &AgentReport, grant: Usd) {
        let mut charge = report.charge;
        if charge.basis == Basis::Assumed {
            charge.cost = charge.cost.max(grant.minus(self.charge.cost));
        }
        self.charge = if self.charge == Charge::default() {
            charge
        } else {
            self.charge.plus(charge)
        };
        self.dearest = self.dearest.max(report.dearest);
        if report.model.is_some() {
            self.model.clone_from(&report.model);
        }
    }

    fn outcome(self, result: Attempted) -> Outcome {
        Outcome {
            result,
            charge: self.charge,
            dearest: self.dearest,
            model: self.model,
        }
    }
}

/// Tells of the planner's process before it does anything.
struct PlannerWatch {
    sender: mpsc::Sender<Message>,
    conversation: Conversation,
    ports: Ports,
}

#[async_trait]
impl Watch for PlannerWatch {
    async fn spawned(&self, process: ProcessIdentity) -> Result<(), Interrupted> {
        let capabilities = self.ports.agents.first().capabilities();
        let conversation = self.conversation.known(capabilities);
        let fact = Planning::Spawned {
            process,
            conversation,
        };
        let (durable, done) = oneshot::channel();
        let message = Message {
            input: Input::Planned { fact },
            durable: Some(durable),
        };
        self.sender.send(message).await.map_err(|_| Interrupted)?;
        done.await.map_err(|_| Interrupted)
    }

    fn activity(&self, activity: Activity) {
        let progress = crate::rules::event::Progress {
            issue: crate::rules::ids::IssueNumber(0),
            attempt: AttemptNumber(0),
            at: self.ports.clock.now(),
            activity: activity.line,
            pid: None,
            messages: activity.messages,
            cost: activity.cost,
            tokens: activity.tokens,
        };
        for reporter in self.ports.reporters.iter() {
            reporter.progress(&progress);
        }
    }
}
