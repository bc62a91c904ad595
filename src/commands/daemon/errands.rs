//! Errands: written down, begun as processes of their own, and seen to their end.

use crate::adapters::process::errand::{Call, Ended};
use crate::adapters::store::runs::Run;
use crate::commands::daemon::project::{Project, Resting};
use crate::commands::daemon::rounds::Daemon;
use crate::commands::daemon::telling;
use crate::commands::wire::own_program;
use crate::config::values::Dollars;
use crate::ports::Clock as _;
use crate::rules::errand::Errand;
use crate::rules::exit::Exit;
use crate::rules::ids::{IssueNumber, Timestamp};
use crate::rules::interrupted::{Left, left};
use crate::rules::source::Source;

impl Daemon {
    /// What was begun and did not end is taken up again, before anything new is begun.
    pub(super) fn take_up(&mut self) {
        let runs = self.store.unfinished_runs().unwrap_or_else(|error| {
            tracing::warn!(%error, "what was begun cannot be read");
            Vec::new()
        });
        for run in runs {
            if let Some(project) = self.projects.get_mut(&run.project) {
                project.pending.push_back(run);
            }
        }
    }

    /// Begins what there is to do, as far as there is room: whose turn it is, the shares say.
    pub(super) fn begin_errands(&mut self) {
        let room = self.loaded.config.serve.max_sessions.get() as usize;
        let batch = self.loaded.config.serve.batch.get() as usize;
        while self.pauses.is_empty() && self.processes.len() < room {
            let now = self.clock.now();
            let ready = self
                .projects
                .iter()
                .filter(|(_, project)| project.is_ready(batch, now));
            let Some(name) = self.shares.next(ready.map(|(name, _)| name.as_str())) else {
                return;
            };
            let name = name.to_owned();
            self.begin(&name, batch, now);
        }
    }

    fn begin(&mut self, name: &str, batch: usize, now: Timestamp) {
        let project = self
            .projects
            .get_mut(name)
            .expect("one that is ready is there");
        let rested = project
            .rested(now)
            .map(|run| project.resting[&run].run.clone());
        let run = match project.pending.pop_front().or(rested) {
            Some(run) => run,
            None => match write_down(&self.store, project, batch, now) {
                Ok(run) => run,
                Err(error) => {
                    tracing::error!(%error, "nothing is begun that cannot be written down");
                    project.trouble.failed(error.to_string(), 0, now);
                    return;
                }
            },
        };
        let work = run.errand.issues().len().max(1) as u64;
        self.shares.charge(name, project.served.weight.get(), work);
        project.running = Some(now);
        project.recall(&self.store);
        project.find_due(now);
        if run.errand == Errand::Watch {
            (project.pulls.has_news, project.pulls.looked) = (false, now);
        }
        let call = self.call(&run);
        let began = call.and_then(|call| call.begin().map_err(|error| error.to_string()));
        match began {
            Ok(running) => {
                telling::begun(&self.place, &run);
                self.processes
                    .extend(running.id().map(|process| (run.id, process)));
                self.errands
                    .spawn(async move { (run, running.ended().await) });
            }
            Err(words) => {
                let words = Some(words);
                let exit = Some(Exit::CouldNotRun.code());
                self.ended(&run, Ended { exit, words });
            }
        }
    }

    fn call(&self, run: &Run) -> Result<Call, String> {
        let project = &self.projects[&run.project];
        let reason = |error: crate::error::Error| error.reason();
        let state = self.place.state_dir().map_err(reason)?;
        let mut words = vec!["--state-dir".to_owned(), state.display().to_string()];
        words.push("--headless".to_owned());
        if let Some(config) = &project.place.globals.config {
            let config = project.place.cwd.join(config);
            words.extend(["--config".to_owned(), config.display().to_string()]);
        }
        words.extend(run.errand.words());
        let own = self.loaded.config.max_daily_budget_usd.map(Dollars::usd);
        let theirs = project.link.as_ref().and_then(|link| link.daily);
        let daily = own.map(|own| theirs.map_or(own, |theirs| own.min(theirs)));
        let daily = daily.map(|most| ("AUTOISSUE_MAX_DAILY_BUDGET", most.decimal()));
        Ok(Call {
            program: own_program().map_err(reason)?,
            words,
            directory: project.place.cwd.clone(),
            env: daily.into_iter().collect(),
            log: state.join("serve").join(format!("{}.log", run.project)),
        })
    }

    /// Its session has work left. Where it waits for a person it is looked after again later, and at once when one answers;
    /// where a person stopped it, that is heeded. Says whether either is so.
    fn rests(&mut self, run: &Run, ended: &Ended, now: Timestamp) -> bool {
        let interval = u64::from(self.loaded.config.serve.poll_seconds.get()) * 1_000;
        let Some(project) = self.projects.get_mut(&run.project) else {
            return false;
        };
        let session = project.session(&self.store, &run.errand);
        let events = session
            .as_ref()
            .and_then(|session| self.store.events(session).ok());
        match left(&events.unwrap_or_default()) {
            Left::GaveUp => return false,
            Left::Stopped => {
                project.resting.remove(&run.id);
                telling::stopped(&self.place, run);
                let how = (ended.exit, Some("somebody stopped it".to_owned()));
                if let Err(error) = self.store.end_run(run.id, how, Vec::new()) {
                    tracing::error!(%error, "the end of an errand cannot be written down");
                }
                project.recall(&self.store);
                project.find_due(now);
                return true;
            }
            Left::Waits => {}
        }
        let resting = project.resting.entry(run.id).or_insert_with(|| Resting {
            run: run.clone(),
            session: None,
            source: Source::new(interval, now),
        });
        resting.session = session;
        resting.source.told(false, now);
        project.recall(&self.store);
        project.find_due(now);
        true
    }

    /// What came of it: what was not reached is begun again later; what was interrupted is taken up again.
    pub(super) fn ended(&mut self, run: &Run, ended: Ended) {
        let now = self.clock.now();
        self.processes.remove(&run.id);
        let is_ending = self.is_ending();
        telling::ended(&self.place, run, &ended, is_ending);
        let Some(project) = self.projects.get_mut(&run.project) else {
            return;
        };
        project.running = None;
        project.source.wake(now);
        let goes_on = |exit| {
            [Exit::Interrupted, Exit::Held]
                .map(Exit::code)
                .contains(&exit)
        };
        let is_interrupted = ended.exit == Some(Exit::Interrupted.code()) && !is_ending;
        if is_interrupted && self.rests(run, &ended, now) {
            return;
        }
        let Some(project) = self.projects.get_mut(&run.project) else {
            return;
        };
        project.resting.remove(&run.id);
        if ended.exit.is_none_or(goes_on) {
            if !is_ending {
                let why = ended
                    .words
                    .unwrap_or_else(|| "it was interrupted".to_owned());
                project.trouble.failed(why, 0, now);
                project.pending.push_back(run.clone());
            }
            return;
        }
        self.settle(run, ended, now);
    }

    /// It ran, or could not: what was not reached is begun again later.
    fn settle(&mut self, run: &Run, ended: Ended, now: Timestamp) {
        let Some(project) = self.projects.get_mut(&run.project) else {
            return;
        };
        let is_done = |exit| {
            [Exit::Done, Exit::Unfinished]
                .map(Exit::code)
                .contains(&exit)
        };
        let mut unreached = Vec::new();
        if ended.exit.is_some_and(is_done) {
            project.trouble.told(true, now);
            project.trouble.wake(now);
            if let Errand::Work { label: None, .. } = run.errand {
                let missing = unreached_of(&self.store, project, run);
                project.unreached = (!missing.is_empty()).then(|| telling::unreached(&missing));
            }
        } else {
            unreached = unreached_of(&self.store, project, run);
            let why = ended
                .words
                .clone()
                .unwrap_or_else(|| "it could not run".to_owned());
            project.trouble.failed(why, 0, now);
        }
        if let Err(error) = self
            .store
            .end_run(run.id, (ended.exit, ended.words), unreached)
        {
            tracing::error!(%error, "the end of an errand cannot be written down; it will be looked at again");
        }
        project.recall(&self.store);
        project.find_due(now);
    }
}

/// The issues of an errand of which no session has heard.
fn unreached_of(
    store: &crate::adapters::store::open::Store,
    project: &Project,
    run: &Run,
) -> Vec<IssueNumber> {
    let reached = project
        .key
        .as_ref()
        .map(|key| store.reached(key, run.begun));
    let reached = reached.transpose().ok().flatten().unwrap_or_default();
    let issues = run.errand.issues().iter().copied();
    issues.filter(|issue| !reached.contains(issue)).collect()
}

fn write_down(
    store: &crate::adapters::store::open::Store,
    project: &mut Project,
    batch: usize,
    now: Timestamp,
) -> Result<Run, crate::adapters::store::error::StoreError> {
    let errand = project
        .next(batch, now)
        .expect("one that is ready has something to do");
    let name = project.served.called();
    let meanings = project.meanings(errand.issues());
    let id = store.begin_run(&name, &errand, meanings)?;
    match &errand {
        Errand::Resume { session, .. } => {
            project.continued.retain(|(other, _)| other != session);
        }
        Errand::Work { label: None, .. } => project.wanted.clear(),
        Errand::Work { .. } | Errand::Watch => {}
    }
    Ok(Run {
        id,
        project: name,
        errand,
        begun: now,
        ended: None,
        exit: None,
        words: None,
    })
}
