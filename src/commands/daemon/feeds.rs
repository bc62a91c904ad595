//! Other sources of work than the forge: each is asked by its own pace beside the loop, and none holds another up.

use crate::adapters::store::findings::Whose;
use crate::adapters::store::open::Store;
use crate::commands::daemon::asking::{Heard, Look, look};
use crate::commands::daemon::hook::hook;
use crate::commands::daemon::project::Link;
use crate::commands::daemon::rounds::Daemon;
use crate::commands::daemon::telling;
use crate::config::sources::Feed;
use crate::ports::Clock as _;
use crate::rules::finding::FeedKind;
use crate::rules::ids::Timestamp;
use crate::rules::notice::shape::Notice;
use crate::rules::source::{Source, Turn};
use crate::serve::desk::{Receiver, SourceCard};
use secrecy::SecretString;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// One that does not end for so long has failed: it asks, and opens issues one by one.
const PATIENCE: Duration = Duration::from_secs(600);

/// All of them, by name.
pub(super) type Feeds = BTreeMap<String, Watched>;

/// One of them.
pub(super) struct Watched {
    feed: Feed,
    whose: Whose,
    source: Source,
    /// Did something happen there while it was looked at?
    is_stale: bool,
    /// When it was last asked.
    asked: Option<Timestamp>,
    /// Why what it found waits.
    trouble: Option<String>,
    /// How many of its findings have become issues.
    opened: u32,
}

impl Watched {
    fn wake(&mut self, now: Timestamp) {
        self.source.wake(now);
        self.is_stale = true;
    }

    fn dice(now: Timestamp) -> u32 {
        u32::try_from(now.0 % 1_000).unwrap_or_default()
    }

    /// Reads anew how many of its findings have become issues.
    fn count(&mut self, store: &Store) {
        match store.opened_since(&self.whose, Timestamp(0)) {
            Ok(opened) => self.opened = opened,
            Err(error) => tracing::warn!(%error, "what was found cannot be counted"),
        }
    }

    /// As it is shown.
    fn card(&self, name: &str) -> SourceCard {
        let trouble = self.source.reason().or(self.trouble.as_deref());
        SourceCard {
            name: name.to_owned(),
            kind: self.feed.kind,
            asked: self.asked,
            answered: self.source.answered(),
            next: self.source.next(),
            failures: self.source.failures(),
            is_disabled: self.source.is_disabled(),
            trouble: trouble.map(str::to_owned),
            opened: self.opened,
        }
    }

    /// Can it be asked at all, and is it time?
    fn is_due(&self, link: Option<&Arc<Link>>, now: Timestamp) -> bool {
        // CI stands on the forge itself; what others found waits in the store until the forge is there.
        let is_reachable = self.feed.kind != FeedKind::Ci || link.is_some();
        is_reachable && self.source.is_due(now)
    }
}

impl Daemon {
    /// Brings them up to date with what is configured: those that stay keep what is known of them.
    pub(super) fn list_feeds(&mut self) {
        let now = self.clock.now();
        let mut before = std::mem::take(&mut self.feeds);
        for feed in self.loaded.config.serve.sources.clone() {
            let name = feed.called().to_owned();
            let Some(project) = self.project_of(&feed) else {
                telling::lost(&self.place, &name);
                continue;
            };
            let interval = u64::from(feed.seconds.get()) * 1_000;
            let whose = Whose {
                project,
                feed: name.clone(),
            };
            let known = before
                .remove(&name)
                .filter(|known| known.feed == feed && known.whose == whose);
            let watched = known.unwrap_or_else(|| {
                let mut watched = Watched {
                    feed,
                    whose,
                    source: Source::new(interval, now),
                    is_stale: false,
                    asked: None,
                    trouble: None,
                    opened: 0,
                };
                watched.count(&self.store);
                watched
            });
            self.feeds.insert(name, watched);
        }
        self.let_in();
    }

    /// Who may send something by itself, from here on.
    pub(super) fn let_in(&self) {
        let receivers = self.feeds.values().filter_map(receiver).collect();
        let clicks = self.projects.values();
        let clicks = clicks.filter_map(|project| project.clicks.as_ref()?.0.clone());
        let hook = hook(&self.loaded, receivers, clicks.collect());
        self.desk.set_hook(hook);
    }

    /// The project that is meant: the one that is named, or the only one.
    fn project_of(&self, feed: &Feed) -> Option<String> {
        if let Some(name) = &feed.project {
            return self.projects.contains_key(name).then(|| name.clone());
        }
        let own = self
            .projects
            .iter()
            .filter(|(_, project)| !project.is_added);
        let own: Vec<&String> = own.map(|(name, _)| name).collect();
        match own[..] {
            [only] => Some(only.clone()),
            _ => None,
        }
    }

    /// Asks those whose time it is, each beside the others.
    pub(super) fn ask_feeds(&mut self) {
        let now = self.clock.now();
        for (name, watched) in &mut self.feeds {
            let Some(project) = self.projects.get(&watched.whose.project) else {
                continue;
            };
            // Two looks at one, also as it was configured before, could open an issue twice.
            let is_free = !self.busy.contains(name);
            if !is_free || !watched.is_due(project.link.as_ref(), now) {
                continue;
            }
            self.busy.insert(name.clone());
            watched.is_stale = false;
            watched.asked = Some(now);
            let asked = Look {
                feed: watched.feed.clone(),
                whose: watched.whose.clone(),
                link: project.link.clone(),
                label: project.served.label.clone(),
                store: self.store.clone(),
                at: now,
            };
            let name = name.clone();
            self.looking_around.spawn(async move {
                let looked = tokio::time::timeout(PATIENCE, look(asked)).await;
                let late = || Heard::Failed("it does not answer in time".to_owned());
                (name, looked.unwrap_or_else(|_| late()))
            });
        }
    }

    /// Takes in what one said.
    pub(super) fn hear_feed(&mut self, (name, heard): (String, Heard)) {
        let now = self.clock.now();
        self.busy.remove(&name);
        let Some(watched) = self.feeds.get_mut(&name) else {
            return;
        };
        let project = watched.whose.project.clone();
        let turn = match heard {
            Heard::Answered(news) => {
                for (issue, title) in &news.opened {
                    telling::found(&self.place, &watched.whose, *issue, title);
                }
                if let Some(reason) = &news.trouble {
                    tracing::warn!(
                        source = name,
                        reason,
                        "what was found waits: no issue can be opened"
                    );
                }
                if !news.opened.is_empty() {
                    watched.count(&self.store);
                }
                watched.trouble.clone_from(&news.trouble);
                let project = self.projects.get_mut(&project);
                if let Some(project) = project.filter(|_| !news.opened.is_empty()) {
                    project.source.wake(now);
                }
                // What waits for the forge is tried again soon.
                watched
                    .source
                    .told(news.is_new || news.trouble.is_some(), now)
            }
            Heard::Rests(wait) => {
                let millis = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
                watched.source.rest(millis, now);
                tracing::info!(source = name, millis, "it wants to be left alone");
                None
            }
            Heard::Failed(reason) => watched.source.failed(reason, Watched::dice(now), now),
        };
        if std::mem::take(&mut watched.is_stale) {
            watched.source.wake(now);
        }
        let reason = watched.source.reason().unwrap_or("it fails").to_owned();
        if let Some(turn) = turn {
            telling::feed(&self.place, &watched.whose, turn, &reason);
        } else if watched.source.failures() > 0 {
            tracing::warn!(source = name, reason, "it cannot be asked");
        }
        if matches!(turn, Some(Turn::Disabled)) {
            let project = watched.whose.project.clone();
            let line = format!("{project}: {name} failed five times in a row: {reason}");
            self.announce(Notice::service("source_disabled", &project, &line));
        }
    }

    /// Those of a project, as they are shown.
    pub(super) fn sources_of(&self, project: &str) -> Vec<SourceCard> {
        let own = (self.feeds.iter()).filter(|(_, watched)| watched.whose.project == project);
        own.map(|(name, watched)| watched.card(name)).collect()
    }

    /// Asks the feeds of a project at once; `kind` says which of them.
    pub(super) fn wake_feeds(&mut self, project: &str, kind: Option<FeedKind>) {
        let now = self.clock.now();
        let is_meant = |watched: &&mut Watched| {
            watched.whose.project == project && kind.is_none_or(|kind| watched.feed.kind == kind)
        };
        for watched in self.feeds.values_mut().filter(is_meant) {
            watched.wake(now);
        }
    }

    /// The feed sent something by itself: it waits in the store.
    pub(super) fn wake_feed(&mut self, name: &str) {
        let now = self.clock.now();
        if let Some(watched) = self.feeds.get_mut(name) {
            watched.wake(now);
        }
    }
}

/// Who lets it in, where it sends something by itself.
fn receiver(watched: &Watched) -> Option<Receiver> {
    let token = watched.feed.webhook_token.as_ref()?;
    Some(Receiver {
        whose: watched.whose.clone(),
        feed: watched.feed.clone(),
        token: SecretString::from(token.expose().to_owned()),
    })
}
