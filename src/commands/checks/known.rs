//! The checks of a session: those that are configured, else those that the base branch speaks for.

use crate::commands::checks::source::{self, Base};
use crate::commands::probe::is_program;
use crate::commands::project::{Home, Project};
use crate::config::checking::Check as Configured;
use crate::config::shape::Config;
use crate::engine::orders::{Check, Reach};
use crate::error::Error;
use crate::ports::Probe;
use crate::rules::checks::detect::detect;
use crate::rules::checks::shape::{CheckKind, DetectedCheck, Detection, Need};
use crate::rules::printable::printable;
use std::path::Path;
use std::time::Duration;

/// A detected check is ended, and counts as failed, when it runs longer.
const LIMIT: Duration = Duration::from_secs(20 * 60);
/// So many names are told in one line.
const NAMES: usize = 8;
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
        kind: check.kind.unwrap_or(if check.answers.is_some() {
            CheckKind::Smoke
        } else {
            CheckKind::default()
        }),
        argv: check.run.words().to_vec(),
        prepare: prepare.unwrap_or_default(),
        directory: check.directory.clone().unwrap_or_default(),
        reach: Reach::Everything,
        answers: check.answers.as_ref().map(|answers| Probe {
            url: answers.url.clone(),
            within: Duration::from_secs(answers.seconds.get().into()),
        }),
        wall: check.timeout_minutes.minutes(),
    }
}

fn used(found: &Found, top: &Path) -> Known {
    let checks = found.detection.checks.iter();
    let able: Vec<&DetectedCheck> = checks
        .filter(|check| missing(check, top).is_empty())
        .collect();
    let mut notes = Vec::new();
    if !able.is_empty() {
        let names: Vec<&str> = able.iter().map(|check| check.name.as_str()).collect();
        let base = found.base.words();
        let names = some(&names);
        notes.push(format!(
            "no checks are configured; those of {base} are used: {names}"
        ));
    }
    let left_out = left_out(found, top);
    notes.extend(left_out.map(|(why, names)| format!("left out: {names} ({why})")));
    let faults = found.detection.faults.iter().map(|fault| {
        let note = format!("{} says nothing of checks: {}", fault.file, fault.problem);
        printable(&note)
    });
    notes.extend(faults);
    let checks = able.into_iter().map(as_order).collect();
    Known { checks, notes }
}

/// What is missing, and the checks that are left out for it; each reason once.
pub fn left_out(found: &Found, top: &Path) -> impl Iterator<Item = (String, String)> {
    let mut reasons: Vec<(String, Vec<&str>)> = Vec::new();
    for check in &found.detection.checks {
        let why = missing(check, top).join("; ");
        if why.is_empty() {
            continue;
        }
        match reasons.iter_mut().find(|(known, _)| *known == why) {
            Some((_, names)) => names.push(&check.name),
            None => reasons.push((why, vec![&check.name])),
        }
    }
    reasons.into_iter().map(|(why, names)| (why, some(&names)))
}

/// The first of many names, and how many there are besides.
fn some(names: &[&str]) -> String {
    let shown = printable(&names[..names.len().min(NAMES)].join(", "));
    match names.len().saturating_sub(NAMES) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

fn as_order(check: &DetectedCheck) -> Check {
    Check {
        name: check.name.clone(),
        kind: check.kind,
        argv: check.argv.clone(),
        prepare: check.prepare.clone(),
        directory: check.directory.clone().into(),
        reach: Reach::Nearby,
        answers: None,
        wall: LIMIT,
    }
}
