//! One project that is watched: what its forge said last, and what of it is due.

use crate::adapters::github::forge::GitHub;
use crate::adapters::store::open::Store;
use crate::adapters::store::runs::Run;
use crate::commands::daemon::hook::clicks_of;
use crate::commands::place::Place;
use crate::commands::wire::Wiring;
use crate::config::loaded::Overrides;
use crate::config::serving::Served;
use crate::config::telling::Labels;
use crate::config::values::Dollars;
use crate::error::Error;
use crate::ports::{Forge, Tracker};
use crate::rules::due::{Begun, Marks, due, meaning};
use crate::rules::errand::{Errand, PlanAnswer};
use crate::rules::ids::{ByIssue, IssueNumber, SessionId, Timestamp};
use crate::rules::issue::{Issue, Selection};
use crate::rules::money::Usd;
use crate::rules::redact::Redactor;
use crate::rules::source::Source;
use crate::serve::desk::{Card, Clicks, IssueCard, IssueState};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// Open pulls are looked after that often where no webhook tells, in milliseconds.
const LOOK_EVERY: u64 = 300_000;

/// A project that is watched.
pub(super) struct Project {
    /// As it is configured.
    pub served: Served,
    /// Was it added while serving?
    pub is_added: bool,
    /// What a person switched, before what the configuration says.
    pub switched: Option<bool>,
    /// Its checkout.
    pub place: Place,
    /// Its forge, as it answers.
    pub source: Source,
    /// Its errands, where they could not run.
    pub trouble: Source,
    /// How its forge is reached, where it answers.
    pub link: Option<Arc<Link>>,
    /// The forge's name for it, once it is known.
    pub key: Option<String>,
    /// Whose clicks in Slack are answers to it; nothing where that could not be found out yet.
    pub clicks: Option<Answering>,
    /// What the forge said last.
    pub issues: Vec<Issue>,
    /// Is it asked right now?
    pub is_asked: bool,
    /// Is it asked in a way that does not count any more?
    pub is_stale: bool,
    /// Issues that are begun now without being told to.
    pub due: Vec<IssueNumber>,
    /// Errands that were interrupted, and are taken up again.
    pub pending: VecDeque<Run>,
    /// Sessions that wait for a person, by their runs.
    pub resting: BTreeMap<i64, Resting>,
    /// What is known of its pulls.
    pub pulls: Pulls,
    /// Issues that a person wants to be worked on.
    pub wanted: Vec<IssueNumber>,
    /// Which of those came to nothing, in words.
    pub unreached: Option<String>,
    /// Sessions that a person wants to go on, with what was said of the plan that one waits with.
    pub continued: Vec<(SessionId, Option<PlanAnswer>)>,
    /// The errand that runs.
    pub running: Option<Timestamp>,
    /// As what its issues were begun.
    pub begun: ByIssue<Begun>,
}

/// Those whose clicks in Slack are answers, if there are such.
pub(super) struct Answering(pub Option<Clicks>);

/// A session that waits for a person: it is taken up again when one has answered, and now and then to see whether one did on the forge.
pub(super) struct Resting {
    /// Its errand.
    pub run: Run,
    /// The session.
    pub session: Option<SessionId>,
    /// When it is taken up again.
    pub source: Source,
}

/// What is known of a project's open pulls.
pub(super) struct Pulls {
    /// Did something happen to one?
    pub has_news: bool,
    /// Are there any of ours?
    pub are_open: bool,
    /// When they were last looked after.
    pub looked: Timestamp,
}

/// How a project's forge is reached.
pub(super) struct Link {
    /// The forge's name for it.
    pub key: String,
    /// Whose clicks in Slack are answers to it.
    pub clicks: Option<Clicks>,
    /// Labels that show where an issue stands.
    pub marks: Marks,
    /// Its own ceiling of a day.
    pub daily: Option<Usd>,
    /// Does its forge know of reviews and checks?
    has_reviews: bool,
    selection: Selection,
    /// Its base branch.
    pub base: String,
    /// The forge.
    pub forge: Arc<dyn Forge>,
    /// Where issues are opened there.
    pub tracker: Arc<dyn Tracker>,
    /// What only GitHub has, where it is there.
    pub github: Option<Arc<GitHub>>,
    /// Knows the project's secrets.
    pub redactor: Redactor,
}

impl Link {
    /// Finds the project's forge by its own configuration. It runs git, and so blocks.
    pub(super) fn find(place: &Place, label: &str) -> Result<Self, Error> {
        let wiring = Wiring::new(place, &Overrides::default())?;
        let config = &wiring.loaded.config;
        let github = wiring.is_github().then(|| wiring.github("look at checks"));
        let github = github.transpose()?;
        let (forge, tracker) = match &github {
            Some(github) => (
                Arc::clone(github) as Arc<dyn Forge>,
                Arc::clone(github) as Arc<dyn Tracker>,
            ),
            None => wiring.forges()?,
        };
        Ok(Self {
            key: wiring.project_key(),
            clicks: clicks_of(&wiring),
            marks: marks(&config.labels),
            daily: config.max_daily_budget_usd.map(Dollars::usd),
            has_reviews: wiring.is_github(),
            selection: config.filter.of_label(Some(label)),
            base: wiring.project.base_branch.clone(),
            forge,
            tracker,
            github,
            redactor: wiring.redactor(),
        })
    }

    /// Its open issues.
    pub(super) async fn issues(&self) -> Result<Vec<Issue>, Error> {
        Ok(self.forge.open_issues(&self.selection).await?)
    }
}

fn marks(labels: &Labels) -> Marks {
    let used = |labels: [&String; 4]| -> Vec<String> {
        let used = labels.into_iter().filter(|label| !label.is_empty());
        used.cloned().collect()
    };
    let over = [&labels.completed, &labels.failed];
    Marks {
        all: used([
            &labels.working,
            &labels.completed,
            &labels.failed,
            &labels.blocked,
        ]),
        over: over
            .into_iter()
            .filter(|label| !label.is_empty())
            .cloned()
            .collect(),
        blocked: labels.blocked.clone(),
    }
}

impl Project {
    /// One that nothing is known of yet.
    pub(super) fn new(served: Served, place: Place, interval: u64, now: Timestamp) -> Self {
        Self {
            served,
            is_added: false,
            switched: None,
            place,
            source: Source::new(interval, now),
            trouble: Source::new(interval, now),
            link: None,
            key: None,
            clicks: None,
            due: Vec::new(),
            pending: VecDeque::new(),
            resting: BTreeMap::new(),
            issues: Vec::new(),
            is_asked: false,
            is_stale: false,
            pulls: Pulls {
                has_news: false,
                are_open: false,
                looked: now,
            },
            wanted: Vec::new(),
            unreached: None,
            continued: Vec::new(),
            running: None,
            begun: ByIssue::default(),
        }
    }

    /// Are its issues started without being told to?
    pub(super) fn is_on(&self) -> bool {
        self.switched.unwrap_or(self.served.auto_start)
    }

    /// Its configuration may be another one by now: it is read again, and what is being asked by the old one is not heard.
    pub(super) fn look_anew(&mut self, now: Timestamp) {
        (self.link, self.unreached) = (None, None);
        self.is_stale = self.is_asked;
        self.source.wake(now);
    }

    /// Are its pulls for this branch? Nobody knows before its forge has answered.
    pub(super) fn is_base(&self, branch: &str) -> bool {
        self.link.as_ref().is_some_and(|link| link.base == branch)
    }

    /// Is it time to ask its forge?
    pub(super) fn is_to_be_asked(&self, now: Timestamp) -> bool {
        !self.is_asked
            && self.source.is_due(now)
            && (self.served.auto_sync || self.source.answered().is_none())
    }

    /// Finds out what is begun now without being told to.
    pub(super) fn find_due(&mut self, now: Timestamp) {
        self.due = match self.link.as_ref().filter(|_| self.is_on()) {
            Some(link) => due(&self.issues, &link.marks, &self.begun, now),
            None => Vec::new(),
        };
    }

    /// What is done next for it, if anything. `batch` issues at most are begun at a time.
    pub(super) fn next(&self, batch: usize, now: Timestamp) -> Option<Errand> {
        if let Some((session, plan)) = self.continued.first().cloned() {
            return Some(Errand::Resume { session, plan });
        }
        if !self.wanted.is_empty() {
            let issues = self.wanted.clone();
            return Some(Errand::Work {
                label: None,
                issues,
            });
        }
        if !self.due.is_empty() {
            let label = Some(self.served.label.clone());
            let issues = self.due.iter().copied().take(batch).collect();
            return Some(Errand::Work { label, issues });
        }
        let is_time = self.pulls.has_news || now.millis_since(self.pulls.looked) >= LOOK_EVERY;
        let can_look = self.link.as_ref().is_some_and(|link| link.has_reviews);
        let is_wanted = self.is_on() && can_look && self.pulls.are_open && is_time;
        is_wanted.then_some(Errand::Watch)
    }

    /// Can something be begun for it now, and is there anything?
    pub(super) fn is_ready(&self, batch: usize, now: Timestamp) -> bool {
        // Its own ceiling of a day is known once its configuration was read.
        let is_known = self.link.is_some();
        let is_idle = is_known && self.running.is_none() && self.trouble.is_due(now);
        let goes_on = || !self.pending.is_empty() || self.rested(now).is_some();
        is_idle && (goes_on() || self.next(batch, now).is_some())
    }

    /// A session that is looked after again.
    pub(super) fn rested(&self, now: Timestamp) -> Option<i64> {
        let due = self
            .resting
            .iter()
            .find(|(_, resting)| resting.source.is_due(now));
        due.map(|(run, _)| *run)
    }

    /// The session that an errand began.
    pub(super) fn session(&self, store: &Store, errand: &Errand) -> Option<SessionId> {
        let (label, issues) = match errand {
            Errand::Work { label, issues } => (label, issues),
            Errand::Resume { session, .. } => return Some(session.clone()),
            Errand::Watch => return None,
        };
        let selection = Selection {
            label: label.clone(),
            numbers: issues.clone(),
            ..self.link.as_ref()?.selection.clone()
        };
        let found = store.unfinished(self.key.as_ref()?, &selection.name());
        found.ok().flatten()
    }

    /// Has somebody answered one that waits for it? Then it goes on at once.
    pub(super) fn hear_answers(&mut self, store: &Store, now: Timestamp) {
        for resting in self.resting.values_mut() {
            let session = resting.session.as_ref();
            let wishes = session.and_then(|session| store.waiting(session).ok());
            if wishes.is_some_and(|wishes| !wishes.is_empty()) {
                resting.source.wake(now);
            }
        }
    }

    /// As what these issues are begun.
    pub(super) fn meanings(&self, numbers: &[IssueNumber]) -> Vec<(IssueNumber, String)> {
        let Some(link) = &self.link else {
            return Vec::new();
        };
        let these = self
            .issues
            .iter()
            .filter(|issue| numbers.contains(&issue.number));
        these
            .map(|issue| (issue.number, meaning(issue, &link.marks)))
            .collect()
    }

    /// Reads anew what was begun.
    pub(super) fn recall(&mut self, store: &Store) {
        match store.begun(&self.served.called()) {
            Ok(begun) => self.begun = begun,
            Err(error) => tracing::warn!(%error, "what was begun cannot be read"),
        }
        let pulls = self.key.as_ref().map(|key| store.unsettled(key));
        self.pulls.are_open = matches!(pulls, Some(Ok(pulls)) if !pulls.is_empty());
    }

    /// As it is shown, but for its other sources.
    pub(super) fn card(&self) -> Card {
        let trouble = self.source.reason().or(self.trouble.reason());
        let trouble = trouble.or(self.unreached.as_deref());
        Card {
            name: self.served.called(),
            key: self.key.clone(),
            served: self.served.clone(),
            is_added: self.is_added,
            is_on: self.is_on(),
            synced: self.source.answered(),
            next: self.source.next(),
            failures: self.source.failures(),
            is_disabled: self.source.is_disabled(),
            trouble: trouble.map(str::to_owned),
            running: self.running,
            sources: Vec::new(),
            issues: self.issues.iter().map(|issue| self.issue(issue)).collect(),
        }
    }

    fn issue(&self, issue: &Issue) -> IssueCard {
        let over = self.link.as_ref().map(|link| &link.marks.over);
        let is_over = over.is_some_and(|over| over.iter().any(|label| issue.has_label(label)));
        let state = if is_over {
            IssueState::Over
        } else if self.begun.contains_key(&issue.number) {
            IssueState::Begun
        } else {
            IssueState::Waiting
        };
        IssueCard {
            number: issue.number,
            title: issue.title.clone(),
            labels: issue.labels.clone(),
            url: issue.url.clone(),
            state,
        }
    }
}
