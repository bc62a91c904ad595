//! The paid part of an attempt: the agent works, its files are taken in and checked, and what a check says goes back
//! to it, all within one grant.

use crate::engine::attempt::Attempt;
use crate::engine::halt::{Halt, check_failure};
use crate::engine::orders::Check;
use crate::engine::words::{Telling, first_words};
use crate::ports::{
    AgentEnd, AgentOrder, AgentReport, AgentTask, Capture, Conversation, Workspace,
};
use crate::rules::event::Fact;
use crate::rules::follow::words::told;
use crate::rules::ids::ConversationId;
use crate::rules::money::{Basis, Usd};
use crate::rules::prompt::again::{Feedback, feedback_prompt};
use crate::rules::prompt::surroundings::{Surroundings, Wanted};
use crate::rules::settings::Billing;
use crate::rules::task::{CheckReport, Commit, ErrorClass, Failure, Stage, Start};

/// Where the base was not asked.
static NOTHING: Surroundings = Surroundings {
    commit: None,
    guides: Vec::new(),
    snippets: Vec::new(),
    tests: Vec::new(),
    configs: Vec::new(),
    commits: Vec::new(),
};
/// Less than this is not worth another round.
const LEAST_ROUND: Usd = Usd::from_micros(10_000);

/// A commit with what the checks said of it, or what stops it.
type Judged = Result<(Commit, Vec<CheckReport>), Failure>;

pub(super) struct Rounds<'a, 'b> {
    attempt: &'a mut Attempt<'b>,
    workspace: &'a Workspace,
    denied: Vec<String>,
}

impl<'a, 'b> Rounds<'a, 'b> {
    pub(super) fn new(attempt: &'a mut Attempt<'b>, workspace: &'a Workspace) -> Self {
        Self {
            attempt,
            workspace,
            denied: Vec::new(),
        }
    }

    /// Runs rounds until a commit passes its checks, or nothing more can be done within the attempt.
    pub(super) async fn run(&mut self) -> Result<(Commit, Vec<CheckReport>), Halt> {
        let (mut prompt, mut conversation) = self.first_words().await?;
        let mut rounds_left = self.attempt.work.settings.check_rounds;
        loop {
            let (report, capture) = self.agent_round(prompt, conversation.clone()).await?;
            let mut failure = match self.judge(&capture).await? {
                Ok(good) => return Ok(good),
                Err(failure) => failure,
            };
            if rounds_left == 0 || self.is_short() || failure.class != ErrorClass::CheckFailed {
                if !self.denied.is_empty() {
                    failure.message = format!(
                        "{}\n(denied tools: {})",
                        failure.message,
                        self.denied.join(", ")
                    );
                }
                return Err(Halt::Failed(failure));
            }
            rounds_left -= 1;
            (prompt, conversation) = self
                .next_words(&failure.message, report.conversation)
                .await?;
        }
    }

    /// Makes the files a commit that passes its checks, or says what stops it.
    async fn judge(&mut self, capture: &Capture) -> Result<Judged, Halt> {
        if let Some(failure) = self.attempt.left_unsolved(capture).await? {
            return Ok(Err(failure));
        }
        let commit = self.commit(capture).await?;
        let reports = self.attempt.check(&commit).await?;
        Ok(check_failure(&reports).map_or(Ok((commit, reports)), Err))
    }

    async fn agent_round(
        &mut self,
        prompt: String,
        conversation: Conversation,
    ) -> Result<(AgentReport, Capture), Halt> {
        let attempt = &mut *self.attempt;
        if attempt.stop.is_asked() {
            return Err(Halt::Stopped);
        }
        attempt
            .link
            .report(Fact::Entered {
                stage: Stage::Agent,
            })
            .await?;
        // Under another name than its own it could not be resumed.
        let named = conversation.known(attempt.agent().capabilities());
        let order = order(attempt, self.workspace, prompt, conversation);
        let watch = attempt.link.watch(Stage::Agent, named, attempt.charge.cost);
        attempt.holds_untaken = true;
        let mut report = attempt.agent().run(&order, &watch, attempt.stop).await;
        if report.charge.basis == Basis::Assumed {
            report.charge.cost = report
                .charge
                .cost
                .max(attempt.work.run.grant.minus(attempt.charge.cost));
        }
        attempt.charge = if attempt.charge.cost == Usd::ZERO {
            report.charge
        } else {
            attempt.charge.plus(report.charge)
        };
        attempt.dearest = attempt.dearest.max(report.dearest);
        attempt.summary = attempt
            .work
            .orders
            .redactor
            .clean(&report.summary)
            .into_owned();
        if report.model.is_some() {
            attempt.model.clone_from(&report.model);
        }
        self.denied.extend(report.denied.iter().cloned());
        let capture = self.take_in(&report).await?;
        match &report.end {
            AgentEnd::Done => Ok((report, capture)),
            AgentEnd::Failed(failure) => Err(Halt::Failed(failure.clone())),
            AgentEnd::Stopped => Err(Halt::Stopped),
        }
    }

    /// Whatever the agent did is kept before anything else happens to it, also where it failed.
    async fn take_in(&mut self, report: &AgentReport) -> Result<Capture, Halt> {
        let attempt = &mut *self.attempt;
        if report.end == AgentEnd::Done {
            let conversation = report.conversation.clone();
            let (summary, charge) = (attempt.summary.clone(), attempt.charge);
            attempt
                .link
                .report(Fact::AgentDone {
                    conversation,
                    summary,
                    charge,
                })
                .await?;
        } else if let Some(conversation) = report.conversation.clone() {
            attempt
                .link
                .report(Fact::Conversed { conversation })
                .await?;
        }
        let repository = &attempt.ports.repository;
        let capture = repository
            .capture(self.workspace, attempt.link.issue, attempt.link.attempt)
            .await?;
        let (commit, base) = (capture.snapshot.clone(), self.workspace.base.clone());
        attempt.link.report(Fact::Snapshot { commit, base }).await?;
        attempt.holds_untaken = false;
        Ok(capture)
    }

    async fn commit(&mut self, capture: &Capture) -> Result<Commit, Halt> {
        let denied = self.denied.join(", ");
        if !denied.is_empty() && (capture.diff.files == 0 || self.attempt.work.orders.yolo) {
            let message = format!("the agent was not allowed to use: {denied}");
            return Err(Halt::Failed(Failure::new(
                ErrorClass::PermissionDenied,
                message,
            )));
        }
        self.attempt.commit(capture, &self.workspace.base).await
    }

    async fn first_words(&mut self) -> Result<(String, Conversation), Halt> {
        let resumes = self.attempt.agent().capabilities().resumes;
        match &self.attempt.work.entry.start {
            Start::Snapshot {
                conversation: Some(conversation),
                feedback,
                ..
            } if resumes => {
                // It may have been interrupted before it heard what was said of its pull.
                let news = self.news(feedback.as_deref());
                let words = match self.attempt.follow_up() {
                    Some(_) => format!("{}\n\n{news}", self.pull_words()),
                    None => news,
                };
                Ok((words, Conversation::Resumed(conversation.clone())))
            }
            Start::Snapshot { feedback, .. } => {
                let feedback = self.inherited(feedback.as_deref());
                let words = format!("{}\n\n{feedback}", self.task_words().await?);
                Ok((words, new_conversation()))
            }
            Start::Base | Start::Joined | Start::Captured { .. } | Start::Verified => {
                match self.earlier_conversation() {
                    Some(conversation) if resumes => {
                        Ok((self.pull_words(), Conversation::Resumed(conversation)))
                    }
                    Some(_) | None => Ok((self.task_words().await?, new_conversation())),
                }
            }
        }
    }

    /// The same for one that begins anew, in files that it knows nothing of.
    fn inherited(&self, feedback: Option<&str>) -> String {
        let exchange = self.attempt.work.entry.exchange.as_deref();
        match exchange.and_then(|exchange| exchange.news()) {
            Some(_) => self.news(feedback),
            None => feedback_prompt(&Feedback::Begun(feedback)),
        }
    }

    /// What has happened since the agent ended: an answer to what it asked, or what went wrong.
    fn news(&self, feedback: Option<&str>) -> String {
        let exchange = self.attempt.work.entry.exchange.as_deref();
        let answer = exchange.and_then(|exchange| Some((exchange, exchange.news()?)));
        let Some((exchange, answer)) = answer else {
            return feedback_words(feedback);
        };
        let question = exchange.question.as_str();
        let answered = feedback_prompt(&Feedback::Answered { question, answer });
        match feedback {
            Some(_) => format!("{}\n\n{answered}", feedback_words(feedback)),
            None => answered,
        }
    }

    /// The conversation that an open pull came from, as long as it was not found to be of no use.
    fn earlier_conversation(&self) -> Option<ConversationId> {
        let follow = self.attempt.follow_up()?;
        let is_first = self.attempt.work.entry.failures == 0;
        // Whoever takes over was not part of it.
        let is_its_own = self.attempt.work.run.agent.is_first();
        follow
            .conversation
            .clone()
            .filter(|_| is_first && is_its_own)
    }

    /// What was said of the pull that the attempt goes on with, if it is one.
    fn pull_words(&self) -> String {
        let attempt = &self.attempt;
        let clash = attempt.clash.as_ref();
        let conflicts = clash.map_or(&[][..], |clash| clash.paths.as_slice());
        let follow = attempt.follow_up();
        follow.map_or_else(String::new, |follow| told(follow, conflicts))
    }

    async fn next_words(
        &mut self,
        feedback: &str,
        conversation: Option<ConversationId>,
    ) -> Result<(String, Conversation), Halt> {
        match conversation {
            Some(conversation) if self.attempt.agent().capabilities().resumes => {
                Ok((feedback.to_owned(), Conversation::Resumed(conversation)))
            }
            Some(_) | None => Ok((
                format!("{}\n\n{feedback}", self.task_words().await?),
                new_conversation(),
            )),
        }
    }

    async fn task_words(&mut self) -> Result<String, Halt> {
        self.look_around().await;
        let attempt = &self.attempt;
        let checks: Vec<String> = attempt
            .work
            .orders
            .checks
            .iter()
            .map(Check::words)
            .collect();
        let clash = attempt.clash.as_ref();
        let telling = Telling {
            task: attempt.task(),
            comments: &attempt.comments,
            repository: attempt.ports.forge.project(),
            base_branch: &attempt.work.settings.base_branch,
            branch: attempt.branch(),
            checks: &checks,
            instructions: attempt.work.entry.approval.instructions(),
            surroundings: attempt.surroundings.as_ref().unwrap_or(&NOTHING),
            others: &attempt.work.others,
            below: &attempt.work.entry.record.below,
            // Of a pull's conflicts the words about the pull tell.
            conflicts: clash
                .filter(|_| attempt.follow_up().is_none())
                .map_or(&[], |clash| clash.paths.as_slice()),
            is_brief: attempt.work.entry.cramped,
            is_rework: attempt.rework().is_some(),
        };
        let mut words = first_words(&attempt.work.orders.wording, &telling).map_err(|error| {
            Halt::Failed(Failure::new(
                ErrorClass::Validation,
                format!("the prompt template cannot be used: {error}"),
            ))
        })?;
        if !words.missing.is_empty() {
            tracing::info!(issue = %attempt.link.issue, missing = ?words.missing, "the prompt was cut");
        }
        let pull = self.pull_words();
        if !pull.is_empty() {
            words.text = format!("{}\n\n{pull}", words.text);
        }
        Ok(words.text)
    }

    /// Asks once what the base says of the task, and people. Work goes on without that where they say nothing.
    async fn look_around(&mut self) {
        let attempt = &mut *self.attempt;
        if attempt.surroundings.is_some() {
            return;
        }
        let task = attempt.task();
        let wanted = Wanted::of(&task.issue, &task.footprint);
        let branch = &attempt.work.settings.base_branch;
        let found = attempt.ports.repository.surroundings(branch, &wanted);
        let found = found.await.unwrap_or_else(|error| {
            tracing::warn!(issue = %attempt.link.issue, %error, "the prompt tells nothing of the base");
            Surroundings::default()
        });
        let heard = attempt
            .ports
            .forge
            .comments(task.number(), attempt.work.orders.trust);
        let heard = heard.await.unwrap_or_else(|error| {
            tracing::warn!(issue = %attempt.link.issue, %error, "the prompt tells no comments");
            Vec::new()
        });
        (attempt.surroundings, attempt.comments) = (Some(found), heard);
    }

    /// Is there too little money for another round? A subscription is not paid by rounds.
    fn is_short(&self) -> bool {
        let work = self.attempt.work;
        let is_metered = work.settings.billing_of(work.run.agent) == Billing::Metered;
        is_metered && self.left() < LEAST_ROUND
    }

    fn left(&self) -> Usd {
        self.attempt.work.limit.minus(self.attempt.charge.cost)
    }
}

fn order(
    attempt: &Attempt<'_>,
    workspace: &Workspace,
    prompt: String,
    conversation: Conversation,
) -> AgentOrder {
    let orders = &attempt.work.orders;
    let mut env = attempt.env();
    env.push((
        "AUTOISSUE_WORKTREE".to_owned(),
        workspace.path.display().to_string(),
    ));
    let (issue, number) = (attempt.link.issue.0, attempt.link.attempt);
    AgentOrder {
        prompt,
        directory: workspace.path.clone(),
        conversation,
        model: attempt
            .work
            .settings
            .model_for(attempt.task(), attempt.work.run.agent),
        cap: attempt.work.limit.minus(attempt.charge.cost),
        max_turns: orders.max_turns,
        max_tokens: Some(orders.max_tokens),
        wall: orders.wall,
        idle: orders.idle,
        transcript: orders.transcripts.join(format!("{issue}-{number}.jsonl")),
        env,
        task: AgentTask::Work,
    }
}

fn feedback_words(feedback: Option<&str>) -> String {
    feedback_prompt(&feedback.map_or(Feedback::Interrupted, Feedback::Failed))
}

fn new_conversation() -> Conversation {
    Conversation::New(ConversationId::new(uuid::Uuid::new_v4().to_string()))
}
