//! One try at one task: prepare, agent, commit, check, publish.

use crate::engine::halt::{Halt, check_failure, unpublished};
use crate::engine::leases;
use crate::engine::link::Link;
use crate::engine::orders::Orders;
use crate::engine::publish::Publisher;
use crate::engine::rounds::Rounds;
use crate::engine::verify::{BaseVerdicts, Verification};
use crate::ports::{
    Agent, Capture, Clash, CommandEnd, CommandOrder, Ports, Stop, Workspace, WorkspaceOrder, saving,
};
use crate::rules::event::Fact;
use crate::rules::follow::words;
use crate::rules::ids::{BranchName, CommitId, SessionId, SlotNumber};
use crate::rules::money::{Charge, Usd};
use crate::rules::names;
use crate::rules::offer::message::commit_message;
use crate::rules::offer::pull::Offer;
use crate::rules::prompt::first::Comment;
use crate::rules::prompt::others::Other;
use crate::rules::prompt::question;
use crate::rules::prompt::surroundings::Surroundings;
use crate::rules::rework::Rework;
use crate::rules::schedule::table::{Entry, Run};
use crate::rules::settings::Settings;
use crate::rules::stack::Below;
use crate::rules::task::{
    Attempted, CheckReport, Commit, ErrorClass, Failure, Outcome, Stage, Start, Task,
};
use std::sync::Arc;

/// All that one attempt needs to know.
#[derive(Clone)]
pub struct Work {
    /// The session.
    pub session: SessionId,
    /// What its decisions rest on.
    pub settings: Arc<Settings>,
    /// How attempts are made.
    pub orders: Arc<Orders>,
    /// What checks say of base commits.
    pub bases: Arc<BaseVerdicts>,
    /// The task, and what earlier attempts found out.
    pub entry: Entry,
    /// The attempt.
    pub run: Run,
    /// What agents may spend in it by their own reckoning: the grant less the slack.
    pub limit: Usd,
    /// What other tasks do as it begins.
    pub others: Vec<Other>,
}

/// What is known of the work so far; starts with what earlier attempts left.
pub(super) struct Attempt<'a> {
    pub(super) ports: &'a Ports,
    pub(super) work: &'a Work,
    pub(super) link: &'a Link,
    pub(super) stop: &'a Stop,
    pub(super) charge: Charge,
    pub(super) dearest: Usd,
    pub(super) model: Option<String>,
    pub(super) summary: String,
    /// The slot whose ports are its own.
    pub(super) place: SlotNumber,
    /// Does the worktree hold an agent's files that are in no durable snapshot yet?
    pub(super) holds_untaken: bool,
    /// What does not fit onto the work below it, and so is its task as well.
    pub(super) clash: Option<Clash>,
    /// Where the base branch of the pull that it goes on with stands.
    pub(super) tip: Option<CommitId>,
    /// What the base says of the task, once it was asked.
    pub(super) surroundings: Option<Surroundings>,
    /// What people commented on the issue, as it was when the base was asked.
    pub(super) comments: Vec<Comment>,
}

/// Makes the attempt. Never fails as such: whatever goes wrong is in the outcome.
pub async fn run(ports: &Ports, work: &Work, link: &Link, stop: &Stop) -> Outcome {
    let record = &work.entry.record;
    let mut attempt = Attempt {
        ports,
        work,
        link,
        stop,
        charge: Charge::default(),
        dearest: Usd::ZERO,
        model: None,
        summary: record.summary.clone(),
        place: work.run.slot,
        holds_untaken: false,
        clash: None,
        tip: None,
        surroundings: None,
        comments: Vec::new(),
    };
    let result = match attempt.go().await {
        Ok(()) => Attempted::Published,
        Err(Halt::Failed(mut failure)) => {
            failure.message =
                names::printable_block(&work.orders.redactor.clean(&failure.message), MOST_WORDS);
            Attempted::Failed(failure)
        }
        Err(Halt::NeedsHuman(reason)) => Attempted::NeedsHuman { reason },
        Err(Halt::Unchanged(said)) => Attempted::Unchanged { said },
        Err(Halt::Withdrawn(reason)) => Attempted::Withdrawn { reason },
        Err(Halt::Asked(question)) => match attempt.ask(&question).await {
            Ok(()) => Attempted::Asked { question },
            Err(_) => Attempted::Stopped,
        },
        Err(Halt::Stopped) => Attempted::Stopped,
    };
    Outcome {
        result,
        charge: attempt.charge,
        dearest: attempt.dearest,
        model: attempt.model,
    }
}

/// Bytes that a failure may take in the journal and in the next prompt.
const MOST_WORDS: usize = 6_000;

impl Attempt<'_> {
    async fn go(&mut self) -> Result<(), Halt> {
        let record = &self.work.entry.record;
        let (commit, reports) = match &self.work.entry.start {
            Start::Verified => {
                let lost = || {
                    Halt::Failed(Failure::new(
                        ErrorClass::Workspace,
                        "the verified commit is not known any more",
                    ))
                };
                (
                    record.commit.as_deref().cloned().ok_or_else(lost)?,
                    record.reports.clone(),
                )
            }
            Start::Captured { snapshot } => {
                let base = self.known_base()?;
                self.join_below().await?;
                let capture = self.ports.repository.reopen(snapshot, &base).await?;
                if let Some(failure) = self.left_unsolved(&capture).await? {
                    return Err(Halt::Failed(failure));
                }
                let commit = self.commit(&capture, &base).await?;
                let reports = self.check(&commit).await?;
                if let Some(failure) = check_failure(&reports) {
                    return Err(Halt::Failed(failure));
                }
                (commit, reports)
            }
            Start::Joined => self.with_base_merged_in().await?,
            Start::Base | Start::Snapshot { .. } => self.with_workspace().await?,
        };
        saving(self.task().priority, self.publish(&commit, &reports)).await
    }

    async fn with_workspace(&mut self) -> Result<(Commit, Vec<CheckReport>), Halt> {
        self.link
            .report(Fact::Entered {
                stage: Stage::Prepare,
            })
            .await?;
        self.is_still_wanted().await?;
        self.show_working().await?;
        let workspace = self.lay_out().await?;
        // Another process may use the one that the scheduler thought of.
        self.place = workspace.slot;
        let made = self.make(&workspace).await;
        if self.holds_untaken {
            // The files were paid for and no event names them: whoever is next finds them where they are.
            self.ports.repository.leave(workspace).await;
            return made;
        }
        let released = self.ports.repository.release(workspace).await;
        let made = made?;
        released?;
        Ok(made)
    }

    async fn make(&mut self, workspace: &Workspace) -> Result<(Commit, Vec<CheckReport>), Halt> {
        self.set_up(workspace).await?;
        Rounds::new(self, workspace).run().await
    }

    async fn lay_out(&mut self) -> Result<Workspace, Halt> {
        let base = if let Some(joined) = self.join_below().await? {
            joined
        } else {
            let branch = &self.work.settings.base_branch;
            self.ports.repository.fetch(branch).await?
        };
        // An earlier attempt's files move to the base of today; where they conflict with it, they stay on theirs.
        let start = match &self.work.entry.start {
            Start::Snapshot { snapshot, .. } => snapshot.clone(),
            Start::Base | Start::Joined | Start::Captured { .. } | Start::Verified => self
                .clash
                .as_ref()
                .map_or_else(|| base.clone(), |clash| clash.start.clone()),
        };
        let order = WorkspaceOrder {
            slot: self.work.run.slot,
            issue: self.link.issue,
            branch: self.branch().clone(),
            base,
            start,
        };
        Ok(self.ports.repository.prepare(&order).await?)
    }

    /// The unmerged work that this one stands on, in one commit; `None` where that is the base branch alone.
    async fn join_below(&mut self) -> Result<Option<CommitId>, Halt> {
        if self.follow_up().is_some() {
            return self.join_pull().await.map(Some);
        }
        let below = &self.work.entry.record.below;
        let rework = self.rework();
        let mut commits: Vec<CommitId> = below.iter().map(|below| below.commit.clone()).collect();
        if below.is_empty() && rework.is_none() {
            return Ok(None);
        }
        if below.is_empty() {
            // The base branch has moved on, and the work conflicts with that.
            let branch = &self.work.settings.base_branch;
            commits.push(self.ports.repository.fetch(branch).await?);
        }
        commits.extend(rework.map(|rework| rework.own.id.clone()));
        let joined = self.ports.repository.join(&commits).await?;
        if rework.is_some() && joined.clashes.is_empty() {
            return Err(Halt::Unchanged("it fits by now".to_owned()));
        }
        let mut clashes = joined.clashes.into_iter();
        self.clash = clashes.next();
        if clashes.next().is_some() {
            let which: Vec<String> = below.iter().map(Below::words).collect();
            return Err(Halt::NeedsHuman(format!(
                "the work that it stands on conflicts in more than one way: {}",
                which.join(", ")
            )));
        }
        Ok(Some(joined.base))
    }

    /// Conflicts that were its task and are in the files still.
    pub(super) async fn left_unsolved(&self, capture: &Capture) -> Result<Option<Failure>, Halt> {
        let Some(clash) = &self.clash else {
            return Ok(None);
        };
        let repository = &self.ports.repository;
        let marked = repository.marked(&capture.tree, &clash.paths).await?;
        Ok((!marked.is_empty()).then(|| {
            Failure::new(
                ErrorClass::CheckFailed,
                format!("markers of conflicts are left in {}", marked.join(", ")),
            )
        }))
    }

    async fn set_up(&self, workspace: &Workspace) -> Result<(), Halt> {
        if let Some(setup) = &self.work.orders.setup {
            let mut env = self.env();
            env.push((
                "AUTOISSUE_WORKTREE".to_owned(),
                workspace.path.display().to_string(),
            ));
            let order = CommandOrder {
                argv: setup.argv.clone(),
                directory: workspace.path.clone(),
                wall: setup.wall,
                env,
                probe: None,
            };
            let watch = self.link.watch(Stage::Prepare, None, Usd::ZERO);
            let report = self.ports.commands.run(&order, &watch, self.stop).await;
            let what = match report.end {
                CommandEnd::Exited(0) => None,
                CommandEnd::Stopped => return Err(Halt::Stopped),
                CommandEnd::Exited(code) => Some(format!("exited with {code}")),
                CommandEnd::TimedOut => Some("took too long".to_owned()),
                CommandEnd::NotStarted => Some("could not be started".to_owned()),
            };
            if let Some(what) = what {
                let (command, output) = (setup.argv.join(" "), report.output);
                let output = output.trim();
                let last = output.lines().last().unwrap_or("it said nothing");
                let whole = if last == output { "" } else { output };
                return Err(Halt::Failed(Failure::new(
                    ErrorClass::Setup,
                    format!("`{command}` {what}: {last}\n{whole}").trim_end(),
                )));
            }
            // Where there is no setup, all that lies there is known already.
            self.ports.repository.seal(workspace).await?;
        }
        Ok(())
    }

    pub(super) async fn commit(
        &mut self,
        capture: &Capture,
        base: &CommitId,
    ) -> Result<Commit, Halt> {
        self.link
            .report(Fact::Entered {
                stage: Stage::Commit,
            })
            .await?;
        // What cannot be committed is no change of the commit, and work all the same.
        if let Some(concern) = &capture.concern {
            return Err(Halt::NeedsHuman(concern.clone()));
        }
        if capture.diff.files == 0 {
            if let Some(question) = question::asked(&self.summary) {
                return Err(Halt::Asked(question));
            }
            return Err(Halt::Unchanged(self.summary.clone()));
        }
        self.pass_gate(capture).await?;
        let template = self.work.orders.offering.templates.commit.as_deref();
        let mut message = match self.follow_up() {
            Some(follow) => words::commit_message(self.task(), follow, &self.summary),
            None => commit_message(self.task(), &self.summary, template),
        };
        for words in [&mut message.subject, &mut message.body] {
            *words = self.work.orders.redactor.clean(words).into_owned();
        }
        let mut parents = vec![base.clone()];
        parents.extend(self.clash.as_ref().map(|clash| clash.commit.clone()));
        let commit = self
            .ports
            .repository
            .commit(capture, &parents, &message)
            .await?;
        self.link
            .report(Fact::Committed {
                commit: commit.clone(),
            })
            .await?;
        Ok(commit)
    }

    /// Checks a commit; where nothing stops it, says so in the journal.
    pub(super) async fn check(&mut self, commit: &Commit) -> Result<Vec<CheckReport>, Halt> {
        self.link
            .report(Fact::Entered {
                stage: Stage::Check,
            })
            .await?;
        let watch = self.link.watch(Stage::Check, None, Usd::ZERO);
        let verification = Verification {
            ports: self.ports,
            orders: &self.work.orders,
            bases: &self.work.bases,
            env: self.env(),
            watch: &watch,
            stop: self.stop,
        };
        let judged = self.as_judged(commit).await?;
        let reports = verification
            .run_with_proof(&judged)
            .await?
            .ok_or(Halt::Stopped)?;
        self.link
            .report(Fact::Checked {
                reports: reports.clone(),
            })
            .await?;
        if check_failure(&reports).is_none() {
            self.link.report(Fact::Verified).await?;
        }
        Ok(reports)
    }

    async fn publish(&mut self, commit: &Commit, reports: &[CheckReport]) -> Result<(), Halt> {
        if self.stop.is_asked() {
            return Err(Halt::Stopped);
        }
        self.link
            .report(Fact::Entered {
                stage: Stage::Publish,
            })
            .await?;
        leases::make_sure(self.ports, &self.work.session, self.link).await?;
        if self.follow_up().is_some() {
            return self.grow(commit).await;
        }
        self.may_still_be_offered(commit).await?;
        let charge = self.work.entry.spent.plus(self.charge);
        let template = self.house_template().await;
        let default_branch = self.ports.forge.default_branch().await.ok().flatten();
        let offer = Offer {
            task: self.task(),
            session: &self.work.session,
            branch: self.branch(),
            settings: &self.work.settings,
            commit,
            below: &self.work.entry.record.below,
            checks: reports,
            summary: &self.summary,
            charge,
            attempts: self.work.run.attempt.0,
            agent: self.work.run.agent,
            model: self
                .model
                .as_deref()
                .or(self.work.entry.record.model.as_deref()),
            offering: &self.work.orders.offering,
            template: template.as_deref(),
            default_branch: default_branch.as_deref(),
        };
        let mut publisher = self.publisher();
        let opened = publisher.offer(&offer).await;
        let corrected = match (opened, self.rework()) {
            (Ok(Some(_)), Some(_)) => publisher.correct(&offer).await,
            (opened, _) => opened.map(drop),
        };
        corrected.map_err(|error| unpublished(&error))
    }

    /// The repository's own template for pulls, as the base branch has it; one that cannot be read keeps no work back.
    async fn house_template(&self) -> Option<Arc<str>> {
        let offering = &self.work.orders.offering;
        if !offering.fills_in || offering.templates.body.is_some() {
            return None;
        }
        let branch = &self.work.settings.base_branch;
        match self.ports.repository.house(branch).await {
            Ok(house) => house.template,
            Err(error) => {
                tracing::debug!(%error, "no template for pulls is read");
                None
            }
        }
    }

    pub(super) fn publisher(&self) -> Publisher<'_> {
        Publisher {
            ports: self.ports,
            orders: &self.work.orders,
            settings: &self.work.settings,
            session: &self.work.session,
            link: self.link,
            record: self.work.entry.record.clone(),
        }
    }

    /// Whoever works in it.
    pub(super) fn agent(&self) -> &dyn Agent {
        self.ports.agents.at(self.work.run.agent).as_ref()
    }

    fn known_base(&self) -> Result<CommitId, Halt> {
        let lost = || {
            Halt::Failed(Failure::new(
                ErrorClass::Conflict,
                "the base of the earlier work is not known any more",
            ))
        };
        self.work.entry.record.base.clone().ok_or_else(lost)
    }

    /// The work that this attempt brings onto what it conflicts with, where it is such an attempt.
    pub(super) fn rework(&self) -> Option<&Rework> {
        let rework = self.work.entry.rework.as_deref();
        rework.filter(|rework| rework.is_open)
    }

    pub(super) fn task(&self) -> &Task {
        &self.work.entry.task
    }

    pub(super) fn branch(&self) -> &BranchName {
        &self.work.entry.branch
    }

    /// What every process of the attempt may know.
    pub(super) fn env(&self) -> Vec<(String, String)> {
        let pairs = [
            ("AUTOISSUE_ISSUE", self.link.issue.0.to_string()),
            ("AUTOISSUE_SESSION", self.work.session.to_string()),
            ("AUTOISSUE_ATTEMPT", self.link.attempt.to_string()),
            ("AUTOISSUE_BRANCH", self.branch().to_string()),
        ];
        let ports = self.work.orders.ports.variables(self.place.0);
        pairs
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .chain(ports)
            .collect()
    }
}
