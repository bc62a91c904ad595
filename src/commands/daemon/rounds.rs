//! The daemon: one loop over what is asked, what forges say, what errands come to and what time it is.

use crate::adapters::process::errand::{Ended, interrupt};
use crate::adapters::store::open::Store;
use crate::adapters::store::runs::Run;
use crate::commands::daemon::asking::Heard;
use crate::commands::daemon::entry::Entry;
use crate::commands::daemon::feeds::Feeds;
use crate::commands::daemon::hook::clicks;
use crate::commands::daemon::listing::{Projects, bring_up_to_date};
use crate::commands::daemon::project::Link;
use crate::commands::daemon::{health, telling};
use crate::commands::notify::service_teller;
use crate::commands::place::Place;
use crate::commands::signals::Signals;
use crate::config::loaded::{Loaded, Overrides};
use crate::engine::clock::SteadyClock;
use crate::ports::{Clock as _, Reporter as _, Resources};
use crate::reporters::notify::reporter::NotifyReporter;
use crate::rules::ids::Timestamp;
use crate::rules::issue::Issue;
use crate::rules::notice::shape::Notice;
use crate::rules::shares::Shares;
use crate::serve::desk::{Asked, Card, Configured, Desk, Standing};
use crate::serve::settings::settings_of;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

/// What is due is looked for that often.
const TICK: Duration = Duration::from_millis(250);
/// The machine is looked at that often, in milliseconds.
const LOOK_AT_MACHINE: u64 = 60_000;
/// After the second request to end, errands have so long.
const HURRY: u64 = 10_000;

/// What a forge said: how it is reached from here on, and the issues.
pub(super) type Said = (String, Result<(Arc<Link>, Vec<Issue>), String>);

/// All that the loop knows.
pub struct Daemon {
    pub(super) place: Place,
    pub(super) loaded: Arc<Loaded>,
    pub(super) store: Store,
    pub(super) desk: Arc<Desk>,
    pub(super) projects: Projects,
    pub(super) shares: Shares,
    pub(super) errands: JoinSet<(Run, Ended)>,
    pub(super) processes: HashMap<i64, u32>,
    pub(super) clock: SteadyClock,
    pub(super) asking: JoinSet<Said>,
    /// Other sources of work than forges, and looks at them.
    pub(super) feeds: Feeds,
    /// Feeds that are looked at right now.
    pub(super) busy: BTreeSet<String>,
    pub(super) looking_around: JoinSet<(String, Heard)>,
    /// Did webhooks bring something that was not looked at yet?
    pub(super) has_arrivals: bool,
    /// Why nothing is begun.
    pub(super) pauses: Vec<String>,
    /// Who tells people who do not watch.
    teller: Option<Arc<NotifyReporter>>,
    /// Who may come in, and with which certificate.
    entry: Entry,
    machine: Arc<dyn Resources>,
    looking: JoinSet<Vec<String>>,
    looked: Option<Timestamp>,
    file: Option<SystemTime>,
    /// Since when it is to end, and how often it was told to.
    ending: Option<(Timestamp, u32)>,
}

impl Daemon {
    /// One that knows what is configured and what was begun before.
    pub fn new(
        (place, loaded): (Place, Arc<Loaded>),
        store: Store,
        (desk, entry): (Arc<Desk>, Entry),
        machine: Arc<dyn Resources>,
    ) -> Self {
        let mut daemon = Self {
            file: written(&loaded),
            teller: service_teller(&loaded),
            place,
            loaded,
            store,
            desk,
            projects: Projects::new(),
            shares: Shares::default(),
            errands: JoinSet::new(),
            processes: HashMap::new(),
            clock: SteadyClock::start(),
            asking: JoinSet::new(),
            feeds: Feeds::new(),
            busy: BTreeSet::new(),
            looking_around: JoinSet::new(),
            has_arrivals: true,
            pauses: Vec::new(),
            entry,
            machine,
            looking: JoinSet::new(),
            looked: None,
            ending: None,
        };
        daemon.list_projects();
        daemon.take_up();
        daemon.show();
        daemon
    }

    /// Runs until it is told to end, and its errands have ended.
    pub async fn run(mut self, mut asked: UnboundedReceiver<Asked>, signals: &mut Signals) {
        let mut hangup = signal(SignalKind::hangup()).ok();
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            self.step();
            if self.is_over() {
                return last_words(self.teller).await;
            }
            tokio::select! {
                Some((ask, answer)) = asked.recv() => {
                    let done = self.answer(ask);
                    // Who asked sees what came of it.
                    self.show();
                    drop(answer.send(done));
                }
                Some(Ok(said)) = self.asking.join_next() => self.hear(said),
                Some(Ok(said)) = self.looking_around.join_next() => self.hear_feed(said),
                Some(Ok((run, ended))) = self.errands.join_next() => self.ended(&run, ended),
                Some(Ok(pauses)) = self.looking.join_next() => self.pause(pauses),
                Some(()) = heard(&mut hangup) => self.reload(),
                () = signals.next() => self.end(),
                _ = ticks.tick() => self.tick(),
            }
        }
    }

    fn step(&mut self) {
        if self.ending.is_none() {
            self.ask_forges();
            self.ask_feeds();
            self.begin_errands();
        }
        self.show();
    }

    fn show(&self) {
        let projects = self.projects.iter();
        let projects = projects.map(|(name, project)| Card {
            sources: self.sources_of(name),
            ..project.card()
        });
        let projects = projects.collect();
        let mut problems = self.pauses.clone();
        if !self.projects.is_empty()
            && self
                .projects
                .values()
                .all(|project| project.source.is_disabled())
        {
            problems.push("no forge can be reached".to_owned());
        }
        self.desk.show(Standing {
            projects,
            problems,
            is_draining: self.ending.is_some(),
        });
    }

    fn tick(&mut self) {
        let now = self.clock.now();
        if std::mem::take(&mut self.has_arrivals) {
            self.take_arrivals();
        }
        if self.looking.is_empty()
            && self
                .looked
                .is_none_or(|at| now.millis_since(at) >= LOOK_AT_MACHINE)
        {
            self.looked = Some(now);
            let (machine, store) = (Arc::clone(&self.machine), self.store.clone());
            let limits = self.loaded.config.serve.clone();
            self.looking.spawn(health::problems(machine, store, limits));
            for project in self.projects.values_mut() {
                project.find_due(now);
            }
        }
        for project in self.projects.values_mut() {
            project.hear_answers(&self.store, now);
        }
        if self.entry.is_outdated(&self.loaded) || written(&self.loaded) != self.file {
            self.reload();
        }
        let Some((since, told)) = self.ending else {
            return;
        };
        let limit = u64::from(self.loaded.config.serve.drain_seconds.get()) * 1_000;
        if told == 1 && now.millis_since(since) >= limit {
            self.end();
        }
    }

    /// What is short changed: it is told, and counts.
    fn pause(&mut self, pauses: Vec<String>) {
        if pauses != self.pauses {
            telling::paused(&self.place, &pauses);
            if !pauses.is_empty() {
                let line = format!("nothing is begun: {}", pauses.join("; "));
                self.announce(Notice::service("admission_paused", "", &line));
            }
            self.pauses = pauses;
        }
    }

    /// Tells people who do not watch, beside the loop.
    pub(super) fn announce(&self, notice: Notice) {
        if let Some(teller) = &self.teller {
            teller.tell(notice);
        }
    }

    /// Reads the configuration anew; one that makes no sense changes nothing, and is told.
    pub(super) fn reload(&mut self) {
        self.file = written(&self.loaded);
        let read = self.place.load(&Overrides::default());
        let entered = read.and_then(|loaded| self.entry.renew(&loaded).map(|()| loaded));
        match entered {
            Ok(loaded) => {
                self.loaded = Arc::new(loaded);
                let teller = std::mem::replace(&mut self.teller, service_teller(&self.loaded));
                tokio::spawn(last_words(teller));
                self.file = written(&self.loaded);
                self.list_projects();
                self.desk.configure(Configured {
                    settings: settings_of(&self.loaded).into(),
                    reloaded: Some(self.clock.now()),
                    refused: None,
                });
                telling::reloaded(&self.place, None);
            }
            Err(error) => {
                self.desk.refuse(error.reason());
                telling::reloaded(&self.place, Some(&error));
            }
        }
    }

    pub(super) fn list_projects(&mut self) {
        let now = self.clock.now();
        let known = (&self.place, &*self.loaded, &self.store);
        bring_up_to_date(&mut self.projects, known, now);
        for project in self.projects.values_mut() {
            project.look_anew(now);
            project.recall(&self.store);
            // Before the forge is heard: what it says may have been asked for by the configuration of before.
            project.clicks = clicks(&project.place);
        }
        self.list_feeds();
    }

    /// It is to end: at first in good order, then soon.
    fn end(&mut self) {
        let now = self.clock.now();
        let (_, told) = self.ending.unwrap_or((now, 0));
        self.ending = Some((now, told + 1));
        self.asking.abort_all();
        self.looking_around.abort_all();
        telling::ending(&self.place, self.processes.len(), told);
        for process in self.processes.values() {
            interrupt(*process);
        }
    }

    fn is_over(&self) -> bool {
        let Some((since, told)) = self.ending else {
            return false;
        };
        let is_late = told > 1 && self.clock.now().millis_since(since) >= HURRY;
        self.errands.is_empty() || is_late
    }

    /// Is it to end?
    pub(super) fn is_ending(&self) -> bool {
        self.ending.is_some()
    }
}

/// Tells what is still to be told, beside the loop and within a limit.
async fn last_words(teller: Option<Arc<NotifyReporter>>) {
    let Some(teller) = teller else { return };
    let told = tokio::task::spawn_blocking(move || teller.finish()).await;
    if let Err(error) = told {
        tracing::warn!(%error, "not all was told");
    }
}

/// When the configuration was last written.
fn written(loaded: &Loaded) -> Option<SystemTime> {
    let file = loaded.file.as_ref()?;
    std::fs::metadata(file)
        .and_then(|file| file.modified())
        .ok()
}

async fn heard(signal: &mut Option<tokio::signal::unix::Signal>) -> Option<()> {
    match signal {
        Some(signal) => signal.recv().await,
        None => std::future::pending().await,
    }
}
