//! The checks of a session: those that are configured, else those that the base branch speaks for.

use crate::commands::checks::source::{self, Base};
use crate::commands::probe::is_program;
use crate::commands::project::{Home, Project};
use crate::config::shape::Config;
use crate::config::work::Check as Configured;
use crate::engine::orders::{Check, Reach};
use crate::error::Error;
use crate::rules::checks::detect::detect;
use crate::rules::checks::shape::{DetectedCheck, Detection, Need};
use crate::rules::printable::printable;
use std::path::Path;
use std::time::Duration;

/// A detected check is ended, and counts as failed, when it runs longer.
const LIMIT: Duration = Duration::from_secs(20 * 60);
/// As much of a commit's name as people read.
const SHORT: usize = 8;

/// The checks of a session, and what a person should know of how they were found.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// What judges a commit, in this order.
    pub checks: Vec<Check>,
    /// One line each.
    pub notes: Vec<String>,
}

/// What was found, and where.
#[derive(Clone, Debug)]
pub struct Found {
    /// Whose files were read.
    pub base: Base,
    /// What they speak for.
    pub detection: Detection,
}

/// Finds them. What cannot be read is told, and stops nobody.
#[must_use]
pub fn known(config: &Config, project: &Project) -> Known {
    if !config.checks.is_empty() || !config.detect_checks {
        let checks = config.checks.iter().map(configured).collect();
        let notes = Vec::new();
        return Known { checks, notes };
    }
    match found(project) {
        Ok(found) => used(&found, &project.top),
        Err(error) => Known {
            checks: Vec::new(),
            notes: vec![format!("no checks are detected: {}", error.reason())],
        },
    }
}

/// What the base branch speaks for, as the user's checkout knows it. Its files that are not committed do not count.
pub fn found(project: &Project) -> Result<Found, Error> {
    let is_github = matches!(project.home, Home::Github { .. });
    let base = source::base(&project.top, &project.base_branch, is_github)?;
    let files = source::of_commit(&project.top, &base.commit)?;
    let detection = detect(&files);
    Ok(Found { base, detection })
}

/// What is missing for a check to run, for a person; empty where nothing is.
#[must_use]
pub fn missing(check: &DetectedCheck, top: &Path) -> Vec<String> {
    let lacks = |need: &Need| match need {
        Need::Program(program) if is_program(program, top) => None,
        Need::Program(program) => Some(format!("there is no program `{program}`")),
        Need::GitDirectory => {
            Some("it needs a git directory, and checks run without one".to_owned())
        }
    };
    check.needs.iter().filter_map(lacks).collect()
}

impl Base {
    /// The branch and the beginning of its commit's name.
    #[must_use]
    pub fn words(&self) -> String {
        let short = self.commit.get(..SHORT).unwrap_or(&self.commit);
        format!("{} at {short}", printable(&self.name))
    }
}

fn configured(check: &Configured) -> Check {
    let prepare = check.prepare.as_ref().map(|argv| argv.words().to_vec());
    Check {
        name: check.name.clone(),
        argv: check.run.words().to_vec(),
        prepare: prepare.unwrap_or_default(),
        directory: check.directory.clone().unwrap_or_default(),
        reach: Reach::Everything,
        wall: check.timeout_minutes.minutes(),
    }
}

fn used(found: &Found, top: &Path) -> Known {
    let mut known = Known::default();
    let mut names = Vec::new();
    for check in &found.detection.checks {
        let missing = missing(check, top);
        if missing.is_empty() {
            names.push(check.name.as_str());
            known.checks.push(as_order(check));
        } else {
            let why = missing.join("; ");
            let note = format!("the check `{}` is left out: {why}", check.name);
            known.notes.push(printable(&note));
        }
    }
    if !names.is_empty() {
        let (names, base) = (printable(&names.join(", ")), found.base.words());
        let note = format!("no checks are configured; those of {base} are used: {names}");
        known.notes.insert(0, note);
    }
    let faults = found.detection.faults.iter().map(|fault| {
        let note = format!("{} says nothing of checks: {}", fault.file, fault.problem);
        printable(&note)
    });
    known.notes.extend(faults);
    known
}

fn as_order(check: &DetectedCheck) -> Check {
    Check {
        name: check.name.clone(),
        argv: check.argv.clone(),
        prepare: check.prepare.clone(),
        directory: check.directory.clone().into(),
        reach: Reach::Nearby,
        wall: LIMIT,
    }
}
