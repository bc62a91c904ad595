//! What comes in: issues of forges, deliveries of webhooks, and what people ask for.

use crate::commands::daemon::listing::may_be_watched;
use crate::commands::daemon::project::{Answering, Link};
use crate::commands::daemon::rounds::{Daemon, Said};
use crate::commands::daemon::telling::{self, numbers};
use crate::config::serving::{Served, is_name};
use crate::ports::{Clock as _, Forge};
use crate::rules::delivery::{Delivery, What};
use crate::rules::errand::PlanSaid;
use crate::rules::finding::FeedKind;
use crate::rules::ids::{IssueNumber, SessionId};
use crate::rules::issue::IssueState;
use crate::rules::notice::shape::Notice;
use crate::rules::source::Turn;
use crate::serve::desk::{Answer, Ask, Refused};
use std::sync::Arc;
use std::time::Duration;

/// A forge that does not answer for so long has failed.
const PATIENCE: Duration = Duration::from_secs(120);
/// Whoever wants an issue to be begun waits so long at most until it was looked for.
const GLANCE: Duration = Duration::from_secs(10);

/// What is asked for about an issue, and whether that is there.
pub(super) type LookedFor = (Ask, Answer, bool);

impl Daemon {
    /// Asks those forges whose time it is, each beside the others.
    pub(super) fn ask_forges(&mut self) {
        let now = self.clock.now();
        for (name, project) in &mut self.projects {
            if !project.is_to_be_asked(now) {
                continue;
            }
            project.is_asked = true;
            let (name, link) = (name.clone(), project.link.clone());
            let (place, label) = (project.place.clone(), project.served.label.clone());
            self.asking.spawn(async move {
                let look = async {
                    let link = match link {
                        Some(link) => link,
                        None => Arc::new(found(place, label).await?),
                    };
                    let issues = link.issues().await.map_err(|error| error.reason())?;
                    Ok((link, issues))
                };
                let said = tokio::time::timeout(PATIENCE, look).await;
                let said = said.unwrap_or_else(|_| Err("the forge does not answer".to_owned()));
                (name, said)
            });
        }
    }

    /// Takes in what a forge said.
    pub(super) fn hear(&mut self, (name, said): Said) {
        let now = self.clock.now();
        let Some(project) = self.projects.get_mut(&name) else {
            return;
        };
        project.is_asked = false;
        if std::mem::take(&mut project.is_stale) {
            project.source.wake(now);
            return;
        }
        let mut was_away = false;
        let turn = match said {
            Ok((link, issues)) => {
                let is_new = issues != project.issues;
                project.key = Some(link.key.clone());
                was_away = project.link.is_none();
                if was_away || project.clicks.is_none() {
                    project.clicks = Some(Answering(link.clicks.clone()));
                }
                (project.link, project.issues) = (Some(link), issues);
                project.recall(&self.store);
                project.find_due(now);
                project.source.told(is_new, now)
            }
            Err(reason) => {
                project.link = None;
                project.due.clear();
                let dice = u32::try_from(now.0 % 1_000).unwrap_or_default();
                project.source.failed(reason, dice, now)
            }
        };
        if let Some(turn) = turn {
            telling::source(&self.place, &name, turn, project.source.reason());
        } else if let Some(reason) = project.source.reason() {
            tracing::warn!(project = name, reason, "the forge cannot be asked");
        }
        if matches!(turn, Some(Turn::Disabled)) {
            let reason = project.source.reason().unwrap_or("it fails");
            let line = format!("{name}: the forge failed five times in a row: {reason}");
            self.announce(Notice::service("source_disabled", &name, &line));
        }
        if was_away {
            self.let_in();
            self.find_late_plans();
            // What was found meanwhile waits for it.
            self.wake_feeds(&name, None);
        }
    }

    /// Acts upon what webhooks brought. Each says where to look; what stands there, the forge is asked.
    pub(super) fn take_arrivals(&mut self) {
        let arrivals = match self.store.arrivals() {
            Ok(arrivals) => arrivals,
            Err(error) => {
                tracing::warn!(%error, "what webhooks brought cannot be read");
                return;
            }
        };
        if arrivals.is_empty() {
            return;
        }
        for arrival in &arrivals {
            self.take(&arrival.delivery);
        }
        // There may be more of them than are taken at a time.
        self.has_arrivals = true;
        let ids = arrivals.iter().map(|arrival| arrival.id).collect();
        if let Err(error) = self.store.take_arrivals(ids) {
            tracing::warn!(%error, "what webhooks brought will be looked at again");
        }
    }

    fn take(&mut self, delivery: &Delivery) {
        let now = self.clock.now();
        let Some(repo) = &delivery.repo else {
            return;
        };
        let mut turned = Vec::new();
        for (name, project) in &mut self.projects {
            // One that has not answered yet may be the one that is meant.
            let is_meant = project
                .key
                .as_ref()
                .is_none_or(|key| key.eq_ignore_ascii_case(repo));
            if !is_meant {
                continue;
            }
            match &delivery.what {
                What::Issue { .. } => {
                    project.source.wake(now);
                    // It may be an answer.
                    for resting in project.resting.values_mut() {
                        resting.source.wake(now);
                    }
                }
                What::Pull { .. } => project.pulls.has_news = true,
                What::Run(run) => {
                    project.pulls.has_news |= !run.pulls.is_empty();
                    let branch = run.branch.as_ref();
                    if branch.is_some_and(|branch| project.is_base(branch)) {
                        turned.push(name.clone());
                    }
                }
                // What is merged may be what others stand on, and open pulls stand on another base.
                What::Push { branch } if project.is_base(branch) => {
                    project.pulls.has_news = true;
                    turned.push(name.clone());
                }
                What::Push { .. } | What::Other => {}
            }
        }
        for name in turned {
            self.wake_feeds(&name, Some(FeedKind::Ci));
        }
    }

    /// Does what was asked for. An issue that nobody knows is looked for first, beside the loop.
    pub(super) fn take_ask(&mut self, ask: Ask, answer: Answer) {
        let Some((forge, issue)) = self.unknown(&ask) else {
            let done = self.answer(ask);
            return self.reply(answer, done);
        };
        self.wanting.spawn(async move {
            let found = tokio::time::timeout(GLANCE, forge.issue(issue)).await;
            let is_there = match found {
                Ok(Ok(found)) => found.is_some_and(|issue| issue.state == IssueState::Open),
                // Nobody knows: its errand will find out.
                Ok(Err(_)) | Err(_) => true,
            };
            (ask, answer, is_there)
        });
    }

    /// An issue was looked for.
    pub(super) fn take_looked(&mut self, (ask, answer, is_there): LookedFor) {
        let done = match &ask {
            Ask::Start(name, issues) if !is_there => {
                let why = format!("{name} has no open issue {}", numbers(issues));
                Err(Refused::NoIssue(why))
            }
            _ => self.answer(ask),
        };
        self.reply(answer, done);
    }

    fn reply(&self, answer: Answer, done: Result<(), Refused>) {
        // Who asked sees what came of it.
        self.show();
        drop(answer.send(done));
    }

    /// The one issue that is to be begun, where the forge did not list it: it may be there without the label.
    fn unknown(&self, ask: &Ask) -> Option<(Arc<dyn Forge>, IssueNumber)> {
        let Ask::Start(name, issues) = ask else {
            return None;
        };
        let [issue] = issues[..] else {
            return None;
        };
        let project = self.projects.get(name)?;
        let is_listed = project.issues.iter().any(|known| known.number == issue);
        let link = project.link.as_ref().filter(|_| !is_listed)?;
        Some((Arc::clone(&link.forge), issue))
    }

    /// Does what was asked for, or says why not.
    pub(super) fn answer(&mut self, ask: Ask) -> Result<(), Refused> {
        let now = self.clock.now();
        if self.is_ending() && !matches!(ask, Ask::Arrived | Ask::Sent(_)) {
            return Err("it is about to end".to_owned().into());
        }
        match ask {
            // Those that arrive together are looked at together.
            Ask::Arrived => self.has_arrivals = true,
            Ask::Sent(name) => self.wake_feed(&name),
            Ask::Sync(name) => {
                let project = self.project(&name)?;
                project.look_anew(now);
                self.wake_feeds(&name, None);
            }
            Ask::Start(name, issues) => self.want(&name, issues)?,
            Ask::Resume(key, session, plan) => self.go_on(&key, session, plan)?,
            Ask::Switch(name, is_on) => {
                self.project(&name)?;
                let stored = self.store.set_automation(&name, is_on);
                stored.map_err(|error| error.to_string())?;
                let project = self.project(&name)?;
                project.switched = Some(is_on);
                project.source.wake(now);
                project.find_due(now);
            }
            Ask::Put(served) => self.put(&served)?,
            Ask::Drop(name) => {
                let is_added = self.project(&name)?.is_added;
                if !is_added {
                    let why = format!("{name} stands in the configuration; take it out there");
                    return Err(why.into());
                }
                let dropped = self.store.drop_project(&name);
                dropped.map_err(|error| error.to_string())?;
                self.list_projects();
            }
        }
        Ok(())
    }

    fn go_on(
        &mut self,
        key: &str,
        session: SessionId,
        plan: Option<PlanSaid>,
    ) -> Result<(), String> {
        let is_new = self.projects.values().any(|project| project.key.is_none());
        let mut projects = self.projects.values_mut();
        let project = projects.find(|project| project.key.as_deref() == Some(key));
        let project = project.ok_or_else(|| {
            if is_new {
                "not every project has answered yet; try again in a moment".to_owned()
            } else {
                format!("{key} is not watched here")
            }
        })?;
        // What was said last counts, as long as it was not begun.
        project.continued.retain(|(other, _)| *other != session);
        project.continued.push((session, plan));
        Ok(())
    }

    fn want(&mut self, name: &str, issues: Vec<IssueNumber>) -> Result<(), String> {
        let project = self.project(name)?;
        let wanted = if issues.is_empty() {
            let waiting = project.card().issues.into_iter();
            let waiting =
                waiting.filter(|issue| issue.state == crate::serve::desk::IssueState::Waiting);
            waiting.map(|issue| issue.number).collect()
        } else {
            issues
        };
        if wanted.is_empty() {
            return Err(format!("no issue of {name} waits"));
        }
        for issue in wanted {
            if !project.wanted.contains(&issue) {
                project.wanted.push(issue);
            }
        }
        Ok(())
    }

    fn put(&mut self, served: &Served) -> Result<(), Refused> {
        let name = served.called();
        if !is_name(&name) {
            let why = format!("{name:?} is no name of letters, digits, `.`, `-` and `_`");
            return Err(Refused::NoProject(why));
        }
        let state = self.place.state_dir().map_err(|error| error.reason())?;
        may_be_watched(&self.projects, (&name, &served.path), &state)?;
        let settings = serde_json::to_string(served).expect("a project is JSON");
        let stored = self.store.put_project(&name, settings);
        stored.map_err(|error| error.to_string())?;
        self.list_projects();
        Ok(())
    }

    fn project(&mut self, name: &str) -> Result<&mut super::project::Project, String> {
        let project = self.projects.get_mut(name);
        project.ok_or_else(|| format!("there is no project {name}"))
    }
}

async fn found(place: crate::commands::place::Place, label: String) -> Result<Link, String> {
    let found = tokio::task::spawn_blocking(move || Link::find(&place, &label)).await;
    match found {
        Ok(found) => found.map_err(|error| error.reason()),
        Err(_) => Err("the project cannot be looked at".to_owned()),
    }
}
