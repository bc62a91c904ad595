//! `doctor --worktrees`: is each worktree sound, whose is it, and what helps where it is not?

use crate::adapters::git::inspect::{Fault, Found, Kind, inspect};
use crate::adapters::store::open::Store;
use crate::adapters::store::sessions::SessionState;
use crate::commands::doctor::{Finding, State};
use crate::commands::place::Place;
use crate::commands::store::look;
use crate::commands::wire::Wiring;
use crate::config::loaded::Overrides;
use crate::error::{Error, Kind as ErrorKind};
use crate::reporters::words::{plural, size};
use crate::rules::ids::IssueNumber;
use std::fmt::Write as _;
use std::path::Path;

const SUBJECT: &str = "worktree";

/// A finding for each, of all issues or of one.
pub fn findings(place: &Place, issue: Option<IssueNumber>) -> Result<Vec<Finding>, Error> {
    let wiring = Wiring::new(place, &Overrides::default())?;
    let git = wiring.git_place();
    let found = inspect(&git)
        .map_err(|cause| Error::new(ErrorKind::Files, "look at the worktrees").because(&cause))?;
    let store = look(&wiring.state)?;
    let mut findings = Vec::new();
    for found in &found {
        if issue.is_some() && found.issue != issue {
            continue;
        }
        let owner = owner(store.as_ref(), &wiring.project_key(), found)?;
        findings.push(finding(&git.slots, found, owner.as_ref()));
    }
    if findings.is_empty() {
        let what = issue.map_or("there is none".to_owned(), |issue| {
            format!("there is none for {issue}, nor anything else that it left")
        });
        let detail = format!("{what} in {}", git.slots.display());
        findings.push(Finding::new(SUBJECT, State::Good, detail));
    }
    Ok(findings)
}

/// The session that a worktree is for.
struct Owner {
    session: String,
    running: bool,
}

fn owner(store: Option<&Store>, project: &str, found: &Found) -> Result<Option<Owner>, Error> {
    let (Some(store), Some(issue)) = (store, found.issue) else {
        return Ok(None);
    };
    let tasks = store.worked_on(issue)?;
    let mut tasks = tasks.iter();
    let Some(task) = tasks.find(|task| task.project == project && !task.finished) else {
        return Ok(None);
    };
    let state = store.state_of(&task.session)?;
    Ok(Some(Owner {
        session: task.session.to_string(),
        running: matches!(state, SessionState::Running(_)),
    }))
}

fn finding(slots: &Path, found: &Found, owner: Option<&Owner>) -> Finding {
    let name = found.path.strip_prefix(slots).unwrap_or(&found.path);
    let takes = match found.bytes {
        bytes @ 0..0x10_0000 => format!("{} KiB", bytes.div_ceil(1024)),
        bytes => size(bytes),
    };
    let mut detail = format!("{}: {takes}", name.display());
    if let Some(branch) = &found.branch {
        let _ = write!(detail, ", branch {branch}");
    }
    if let Some(changed) = found.changed {
        let _ = match changed {
            0 => write!(detail, ", no file of the commit changed"),
            count => write!(
                detail,
                ", {} of the commit changed",
                plural(count as u64, "file")
            ),
        };
    }
    if let Some(fault) = found.faults.first() {
        let (what, mend) = broken(*fault, found);
        let _ = write!(detail, "; {what}");
        return Finding::new(SUBJECT, State::Warning, detail).mended_by(mend);
    }
    let clean = found
        .issue
        .map(|issue| format!("`autoissue clean --issue {}`", issue.0));
    let clean = clean.unwrap_or_else(|| "`autoissue clean`".to_owned());
    let (state, whose, mend) = standing(found, owner, &clean);
    let _ = write!(detail, "; {whose}");
    let finding = Finding::new(SUBJECT, state, detail);
    match mend {
        Some(mend) => finding.mended_by(mend),
        None => finding,
    }
}

/// Whose a sound one is.
fn standing(found: &Found, owner: Option<&Owner>, clean: &str) -> (State, String, Option<String>) {
    let good = |whose: &str| (State::Good, whose.to_owned(), None);
    match (&found.kind, owner) {
        (Kind::Issue, Some(Owner { session, .. })) if found.held => {
            (State::Good, format!("session {session} works in it"), None)
        }
        (Kind::Issue, _) if found.held => good("a process works in it"),
        (Kind::Issue, Some(Owner { session, running })) => {
            let resume = format!("`autoissue resume {session}` goes on with it");
            let mend = (!running).then_some(resume);
            (State::Note, format!("session {session} has left it"), mend)
        }
        (Kind::Issue, None) => (
            State::Note,
            "no session goes on with it".to_owned(),
            Some(format!(
                "{clean} keeps its files as a snapshot and removes it"
            )),
        ),
        (Kind::Spare, _) if found.held => good("in use"),
        (Kind::Spare, _) => good("waits for the next one"),
        (Kind::Home, Some(Owner { session, .. })) => (
            State::Good,
            format!("home of agents of session {session}"),
            None,
        ),
        (Kind::Home, None) => good("home of agents, with their conversations"),
        (Kind::PutBy, _) => (
            State::Warning,
            "put by, for nobody knew what it holds".to_owned(),
            Some(format!("look at it, then {clean} --force removes it")),
        ),
        (Kind::Missing, _) => (
            State::Note,
            "noted, and not there".to_owned(),
            Some("nothing is to be done: the next attempt lays it out anew".to_owned()),
        ),
        (Kind::Foreign, _) => (
            State::Note,
            "not of autoissue's making".to_owned(),
            Some("move it elsewhere: only worktrees belong here".to_owned()),
        ),
    }
}

/// What is wrong, and what helps.
fn broken(fault: Fault, found: &Found) -> (&'static str, String) {
    let number = found.issue.map_or(0, |issue| issue.0);
    let clean = match found.kind {
        Kind::Spare => {
            "`autoissue clean` removes it, and the next attempt makes a new one".to_owned()
        }
        Kind::Issue | Kind::Home | Kind::PutBy | Kind::Missing | Kind::Foreign => {
            format!(
                "`autoissue clean --issue {number}` keeps its files as a snapshot and removes it"
            )
        }
    };
    match fault {
        Fault::NoDirectory => (
            "it is a link or no directory",
            format!("look at what it is, then `autoissue clean --issue {number} --force`"),
        ),
        Fault::Unregistered => (
            "no note says what it holds",
            format!("look at it, then `autoissue clean --issue {number} --force`"),
        ),
        Fault::Unfinished => ("it was never laid out to its end", clean),
        Fault::NoGit => (
            "the agent's git directory is gone, or leads elsewhere",
            clean,
        ),
        Fault::OtherObjects => (
            "the agent's git directory looks for its objects elsewhere than in the mirror",
            clean,
        ),
        Fault::NoIndex => ("the index over it cannot be read", clean),
    }
}
