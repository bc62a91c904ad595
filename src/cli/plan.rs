//! `plan`: a directive, or a plan that is written already.

use crate::cli::help;
use crate::cli::run::{Limits, Work};
use crate::cli::values::label;
use crate::config::loaded::Overrides;
use crate::rules::plan::progress::Purpose;
use clap::Args;
use std::path::PathBuf;

/// The label that issues of plans get where no other is named.
const LABEL: &str = "autoissue";

/// Turn a directive into a plan, the plan into issues, and work on them.
#[derive(Clone, Debug, Default, Args)]
#[command(after_help = help::PLAN)]
pub struct PlanArgs {
    /// What is wanted, in a sentence or a paragraph
    #[arg(value_parser = directive, required_unless_present_any = ["from", "schema"], conflicts_with_all = ["from", "schema"])]
    pub directive: Option<String>,
    /// What becomes of it.
    #[command(flatten)]
    pub then: Then,
    /// Use the plan in this file, and pay no planner
    #[arg(long, value_name = "FILE")]
    pub from: Option<PathBuf>,
    /// Write the plan into this new file
    #[arg(long, value_name = "FILE")]
    pub save: Option<PathBuf>,
    /// The label that every issue of the plan gets, besides its own
    #[arg(long, value_name = "LABEL", value_parser = new_label, default_value = LABEL)]
    pub label: String,
    /// Issues at most, 1 to 100
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100), default_value_t = 30)]
    pub max_issues: u32,
    /// Print the JSON Schema of a plan file
    #[arg(long)]
    pub schema: bool,
    /// Who works, and what becomes of it.
    #[command(flatten)]
    pub work: Work,
    /// How it runs and what it may spend.
    #[command(flatten)]
    pub limits: Limits,
}

/// What becomes of a plan; a person is asked where none of these is said.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct Then {
    /// Show the plan and how it would go; open no issues
    #[arg(long)]
    pub dry_run: bool,
    /// Carry the plan out without asking
    #[arg(long, short, conflicts_with = "dry_run")]
    pub yes: bool,
    /// Make the plan, tell whom `notify` names, and leave it: `resume --yes` or the dashboard carries it out
    #[arg(long, conflicts_with_all = ["dry_run", "yes"])]
    pub later: bool,
}

impl PlanArgs {
    /// What is to become of the plan.
    #[must_use]
    pub fn purpose(&self) -> Purpose {
        if self.then.dry_run {
            Purpose::Show
        } else if self.then.yes {
            Purpose::CarryOut
        } else if self.then.later {
            Purpose::Later
        } else {
            Purpose::Ask
        }
    }

    /// The directive; nothing where a file has it.
    #[must_use]
    pub fn asked(&self) -> String {
        self.directive.clone().unwrap_or_default()
    }

    /// Items at most.
    #[must_use]
    pub fn most(&self) -> usize {
        self.max_issues as usize
    }

    /// What the flags change in the configuration.
    #[must_use]
    pub fn overrides(&self) -> Overrides {
        self.work.overrides(&self.limits)
    }
}

/// A label that may have to be created first; GitHub takes 50 characters.
fn new_label(text: &str) -> Result<String, &'static str> {
    let label = label(text)?;
    let is_short = label.chars().count() <= 50 && !label.contains(',');
    is_short
        .then_some(label)
        .ok_or("a new label has at most 50 characters, and no comma")
}

/// A directive says something, and not a book.
fn directive(text: &str) -> Result<String, &'static str> {
    let text = text.trim();
    if text.is_empty() {
        return Err("a directive says what is wanted");
    }
    (text.len() <= 20_000)
        .then(|| text.to_owned())
        .ok_or("a directive has at most 20000 bytes")
}
