//! The daemon: one loop over what is asked, what forges say, what errands come to and what time it is.

use crate::adapters::process::errand::{Ended, drain, interrupt};
use crate::adapters::store::open::Store;
use crate::adapters::store::runs::Run;
use crate::commands::daemon::asking::Heard;
use crate::commands::daemon::entry::Entry;
use crate::commands::daemon::feeds::Feeds;
use crate::commands::daemon::hook::clicks;
use crate::commands::daemon::intake::LookedFor;
use crate::commands::daemon::listing::{Projects, away, bring_up_to_date};
use crate::commands::daemon::project::Link;
use crate::commands::daemon::{health, telling};
use crate::commands::notify::service_teller;
use crate::commands::place::Place;
use crate::commands::signals::Signals;
use crate::config::loaded::{Loaded, Overrides};
use crate::engine::clock::SteadyClock;
use crate::error::{Error, Kind};
use crate::ports::{Clock as _, Reporter as _, Resources};
use crate::reporters::notify::reporter::NotifyReporter;
use crate::rules::ids::{SessionId, Timestamp};
use crate::rules::issue::Issue;
use crate::rules::notice::shape::Notice;
use crate::rules::shares::Shares;
use crate::serve::desk::{Asked, Card, Configured, Desk, Standing};
use crate::serve::settings::settings_of;
use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
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

/// A file, and when it was written.
type Written = (PathBuf, SystemTime);

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
    /// Issues that are looked for before somebody's word about them counts.
    pub(super) wanting: JoinSet<LookedFor>,
    /// Other sources of work than forges, and looks at them.
    pub(super) feeds: Feeds,
    /// Feeds that are looked at right now.
    pub(super) busy: BTreeSet<String>,
    pub(super) looking_around: JoinSet<(String, Heard)>,
    /// Did webhooks bring something that was not looked at yet?
    pub(super) has_arrivals: bool,
    /// Why nothing is begun.
    pub(super) pauses: Vec<String>,
    /// Plans of which others were told that they wait for too long.
    pub(super) late_plans_told: BTreeSet<SessionId>,
    /// Who tells people who do not watch.
    teller: Option<Arc<NotifyReporter>>,
    /// Who may come in, and with which certificate.
    entry: Entry,
    machine: Arc<dyn Resources>,
    looking: JoinSet<Vec<String>>,
    looked: Option<Timestamp>,
    /// The configuration's file as it was last read, with when it was written.
    file: Option<Written>,
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
            file: written(&place),
            late_plans_told: BTreeSet::new(),
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
            wanting: JoinSet::new(),
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
                Some((ask, answer)) = asked.recv() => self.take_ask(ask, answer),
                Some(Ok(looked)) = self.wanting.join_next() => self.take_looked(looked),
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

    /// Puts on the desk how things stand.
    pub(super) fn show(&self) {
        let projects = self.projects.iter();
        let projects = projects.map(|(name, project)| Card {
            sources: self.sources_of(name),
            ..project.card()
        });
        self.desk.show(Standing {
            projects: projects.collect(),
            problems: self.pauses.clone(),
            away: away(&self.projects, self.clock.now()),
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
            self.find_late_plans();
            for project in self.projects.values_mut() {
                project.find_due(now);
            }
        }
        for project in self.projects.values_mut() {
            project.hear_answers(&self.store, now);
        }
        if self.entry.is_outdated(&self.loaded) || written(&self.place) != self.file {
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
        self.file = written(&self.place);
        let read = self.place.load(&Overrides::default());
        let there = read.and_then(|loaded| self.there(loaded));
        let entered = there.and_then(|loaded| self.entry.renew(&loaded).map(|()| loaded));
        match entered {
            Ok(loaded) => {
                self.loaded = Arc::new(loaded);
                let teller = std::mem::replace(&mut self.teller, service_teller(&self.loaded));
                tokio::spawn(last_words(teller));
                // Its limits may be others.
                self.looked = None;
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

    /// A file that was there and is gone makes no sense, however well one can do without.
    fn there(&self, loaded: Loaded) -> Result<Loaded, Error> {
        let known = self.loaded.file.as_deref();
        match known.filter(|known| is_gone(known, loaded.file.as_deref())) {
            Some(known) => Err(Error::new(Kind::Config, "read the configuration anew")
                .cause(format!("{} is gone", known.display()))
                .hints(["put it back; to go on without one, start `serve` again"])),
            None => Ok(loaded),
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

    /// It is to end: at first once what runs has ended, then as soon as that can be gone on with, then at once.
    fn end(&mut self) {
        let now = self.clock.now();
        let (_, told) = self.ending.unwrap_or((now, 0));
        self.ending = Some((now, told + 1));
        self.asking.abort_all();
        self.looking_around.abort_all();
        telling::ending(&self.place, self.processes.len(), told);
        let ask = if told == 0 { drain } else { interrupt };
        self.processes.values().copied().for_each(ask);
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

/// The configuration's file that would be read now, and when it was last written.
fn written(place: &Place) -> Option<Written> {
    let file = place.config_file()?;
    let written = std::fs::metadata(&file).and_then(|file| file.modified());
    Some((file, written.ok()?))
}

/// Is the file that was read last there no more, by the one that is found now? One that lies nearer is another on purpose.
fn is_gone(known: &Path, found: Option<&Path>) -> bool {
    let directory = known.parent();
    let is_nearer = |found: &Path| directory.is_some_and(|directory| found.starts_with(directory));
    !found.is_some_and(is_nearer)
}

async fn heard(signal: &mut Option<tokio::signal::unix::Signal>) -> Option<()> {
    match signal {
        Some(signal) => signal.recv().await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_gone_where_only_one_farther_up_is_found() {
        let check = |known: &str, found: Option<&str>, expect| {
            assert_eq!(
                is_gone(Path::new(known), found.map(Path::new)),
                expect,
                "{known} {found:?}"
            );
        };
        check("/a/b/c.json", Some("/a/b/c.json"), false);
        check("/a/c.json", Some("/a/b/c.json"), false);
        check("/a/b/c.json", Some("/a/c.json"), true);
        check("/a/b/c.json", None, true);
    }
}
