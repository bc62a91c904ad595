//! `exec`, `resume`, `demo`: commands that run a session.

use crate::cli::help;
use crate::cli::values::{agent_kind, budget, issue_number, label};
use crate::config::filters::Filters;
use crate::config::loaded::Overrides;
use crate::config::work::AgentKind;
use crate::rules::evaluate::routing::Mode;
use crate::rules::filter::Filter;
use crate::rules::ids::IssueNumber;
use crate::rules::issue::Selection;
use crate::rules::money::Usd;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// Work on issues: those with a label, or some by number.
#[derive(Clone, Debug, Default, Args)]
#[command(after_help = help::EXEC)]
pub struct ExecArgs {
    /// The label of the issues to work on
    #[arg(value_parser = label)]
    pub label: Option<String>,
    /// Only this issue; without LABEL, naming it is what lets it run; may be repeated
    #[arg(long, value_name = "N", value_parser = issue_number, allow_negative_numbers = true)]
    pub issue: Vec<IssueNumber>,
    /// Leave issues with this label out; may be repeated
    #[arg(long, value_name = "LABEL", value_parser = label)]
    pub exclude_label: Vec<String>,
    /// Which of them.
    #[command(flatten)]
    pub only: Only,
    /// Classify, schedule and price, and touch nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Who works, and what becomes of it.
    #[command(flatten)]
    pub work: Work,
    /// What the evaluation of issues decides: nothing, who may run, or there is none
    #[arg(long, value_enum, value_name = "MODE")]
    pub routing: Option<RoutingMode>,
    /// How it runs and what it may spend.
    #[command(flatten)]
    pub limits: Limits,
}

/// Which of the issues; what is not said here is as the configuration says it.
#[derive(Clone, Debug, Default, Args)]
pub struct Only {
    /// Only issues that have this label as well; may be repeated
    #[arg(long, value_name = "LABEL", value_parser = label)]
    pub also: Vec<String>,
    /// Only issues that are assigned to this account; `none` for nobody, `*` for anybody
    #[arg(long, value_name = "LOGIN", value_parser = label)]
    pub assignee: Option<String>,
    /// Only issues of the milestone with this title; `none`, or `*` for any
    #[arg(long, value_name = "TITLE", value_parser = label)]
    pub milestone: Option<String>,
    /// Only issues that this account opened
    #[arg(long, value_name = "LOGIN", value_parser = label)]
    pub author: Option<String>,
}

/// What the evaluation of issues decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RoutingMode {
    /// Nothing: everything runs, and the evaluation is shown
    Advise,
    /// Supervised issues wait for `approve`; manual and unclear ones are not run
    Enforce,
    /// Issues are not evaluated
    Off,
}

impl RoutingMode {
    fn word(self) -> &'static str {
        match self {
            Self::Advise => Mode::Advise.word(),
            Self::Enforce => Mode::Enforce.word(),
            Self::Off => Mode::Off.word(),
        }
    }
}

/// Go on with a session that was interrupted.
#[derive(Clone, Debug, Default, Args)]
#[command(after_help = help::RESUME)]
pub struct ResumeArgs {
    /// The session, or the start of its name; the newest unfinished one if left out
    pub session: Option<String>,
    /// Carry its plan out without asking, where it makes one
    #[arg(long, short)]
    pub yes: bool,
    /// Drop its plan, where it waits with one: no issues are opened
    #[arg(long, conflicts_with = "yes")]
    pub no: bool,
    /// How it runs and what it may spend.
    #[command(flatten)]
    pub limits: Limits,
}

/// Who works, and what becomes of it.
#[derive(Clone, Debug, Default, Args)]
pub struct Work {
    /// Run what the budget covers, in order of priority, instead of refusing
    #[arg(long)]
    pub fit: bool,
    /// The coding agent
    #[arg(long, value_name = "KIND", value_parser = agent_kind())]
    pub agent: Option<AgentKind>,
    /// The model, by the agent's own name for it
    #[arg(long, value_name = "NAME")]
    pub model: Option<String>,
    /// Leave it at branches: open no pulls
    #[arg(long)]
    pub no_pr: bool,
    /// Open pulls as drafts
    #[arg(long, conflicts_with = "no_pr")]
    pub draft: bool,
}

/// Limits that a run can be given, and a resumed one anew.
#[derive(Clone, Debug, Default, Args)]
pub struct Limits {
    /// The most that the session may spend, in dollars
    #[arg(long, value_name = "USD", value_parser = budget, allow_negative_numbers = true)]
    pub budget: Option<Usd>,
    /// Attempts that run at a time, 1 to 64
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=64), allow_negative_numbers = true)]
    pub max_parallel: Option<u32>,
    /// What keeps agents, setup and checks apart from this machine
    #[arg(long, value_enum, value_name = "KIND")]
    pub isolation: Option<Isolation>,
    /// Show the run as a page on this machine, as long as it lasts
    #[arg(long)]
    pub dashboard: bool,
}

/// What keeps agents apart from this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Isolation {
    /// The best that works here, else nothing runs
    Auto,
    /// bubblewrap: files, processes and network of their own
    Bwrap,
    /// Landlock and seccomp: lists of files and ports
    Landlock,
    /// Nothing: agents can do what you can do
    None,
}

impl Isolation {
    const fn word(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Bwrap => "bwrap",
            Self::Landlock => "landlock",
            Self::None => "none",
        }
    }
}

/// Try it out: a small project and a scripted agent, offline, in seconds.
#[derive(Clone, Debug, Default, Args)]
pub struct DemoArgs {
    /// Make the project here, in a directory that is empty or new, in place of a temporary one
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
}

impl ExecArgs {
    /// Which issues are wanted, where the configuration wants these.
    #[must_use]
    pub fn selection(&self, usual: &Filters) -> Selection {
        let or = |own: &[String], usual: &[String]| match own {
            [] => usual.to_vec(),
            own => own.to_vec(),
        };
        let only = &self.only;
        let usual_filter = usual.filter();
        Selection {
            label: self.label.clone(),
            numbers: self.issue.clone(),
            exclude_labels: or(&self.exclude_label, &usual.exclude_labels),
            filter: Filter {
                labels: or(&only.also, &usual_filter.labels),
                assignee: only.assignee.clone().or(usual_filter.assignee),
                milestone: only.milestone.clone().or(usual_filter.milestone),
                author: only.author.clone().or(usual_filter.author),
            },
            planned: None,
            follow_up: false,
        }
    }

    /// What the flags change in the configuration.
    #[must_use]
    pub fn overrides(&self) -> Overrides {
        self.work.overrides(&self.limits).with(
            "--routing",
            "routing.mode",
            self.routing.map(RoutingMode::word),
        )
    }
}

impl Work {
    /// What the flags change in the configuration, together with those of limits.
    #[must_use]
    pub fn overrides(&self, limits: &Limits) -> Overrides {
        limits
            .overrides()
            .with("--agent", "agent.kind", self.agent.map(AgentKind::name))
            .with("--model", "agent.model", self.model.as_deref())
            .with("--no-pr", "executor.createPr", self.no_pr.then_some(false))
            .with("--draft", "executor.prDraft", self.draft.then_some(true))
    }
}

impl Limits {
    /// What the flags change in the configuration.
    #[must_use]
    pub fn overrides(&self) -> Overrides {
        Overrides::default()
            .with(
                "--budget",
                "maxTotalBudgetUsd",
                self.budget.map(Usd::dollars),
            )
            .with("--max-parallel", "executor.maxParallel", self.max_parallel)
            .with(
                "--dashboard",
                "dashboard.enabled",
                self.dashboard.then_some(true),
            )
            .with(
                "--isolation",
                "sandbox.isolation",
                self.isolation.map(Isolation::word),
            )
    }
}
