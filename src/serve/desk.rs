//! The desk between the front doors and whoever watches the projects: what stands there is shown, what is asked for is
//! handed on. Nothing is decided here.

use crate::adapters::store::findings::Whose;
use crate::config::serving::Served;
use crate::config::sources::Feed;
use crate::rules::address_range::AddressRange;
use crate::rules::errand::PlanAnswer;
use crate::rules::finding::FeedKind;
use crate::rules::ids::{IssueNumber, SessionId, Timestamp};
use crate::serve::problem::Problem;
use crate::serve::settings::Setting;
use axum::http::StatusCode;
use secrecy::SecretString;
use std::sync::{Arc, PoisonError, RwLock};
use tokio::sync::{mpsc, oneshot};

/// What is asked of whoever watches the projects.
#[derive(Debug)]
pub enum Ask {
    /// A webhook brought something.
    Arrived,
    /// Another source of work sent something by itself: the one of this name.
    Sent(String),
    /// Ask the forge for this project's issues now.
    Sync(String),
    /// Work on these issues, whatever their labels are; on all that wait where there is none.
    Start(String, Vec<IssueNumber>),
    /// Go on with this session, of the project that the forge calls this, and with what was said of its plan.
    Resume(String, SessionId, Option<PlanAnswer>),
    /// Start issues without being told to, or no longer.
    Switch(String, bool),
    /// Watch this project as well, or as it is said now.
    Put(Box<Served>),
    /// Watch it no longer.
    Drop(String),
}

/// Where the answer to an ask goes: why it is not done, where it is not.
pub type Answer = oneshot::Sender<Result<(), Refused>>;

/// An ask with that.
pub type Asked = (Ask, Answer);

/// Why something is not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It cannot be as things stand.
    Conflict(String),
    /// It makes no sense as a project.
    NoProject(String),
    /// There is no such issue.
    NoIssue(String),
}

impl From<String> for Refused {
    fn from(why: String) -> Self {
        Self::Conflict(why)
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Conflict(why) => Self::refused(why),
            Refused::NoProject(why) => Self::no_project(&why),
            Refused::NoIssue(why) => {
                Self::told(StatusCode::NOT_FOUND, "there is no such issue", &why)
            }
        }
    }
}

/// Where an issue of a project stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IssueState {
    /// It was not begun yet.
    Waiting,
    /// It was begun: sessions say what came of it.
    Begun,
    /// It is done, or a person's.
    Over,
}

/// One issue of a project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssueCard {
    /// Its number.
    pub number: IssueNumber,
    /// Its title, as its author wrote it.
    pub title: String,
    /// Its labels.
    pub labels: Vec<String>,
    /// Where a person can read it.
    pub url: Option<String>,
    /// Where it stands.
    pub state: IssueState,
}

/// Another source of work of a project, as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceCard {
    /// What it is called.
    pub name: String,
    /// What it is.
    pub kind: FeedKind,
    /// When it was last asked by this process.
    pub asked: Option<Timestamp>,
    /// When it last answered.
    pub answered: Option<Timestamp>,
    /// When it is asked next.
    pub next: Timestamp,
    /// Failures since it last answered.
    pub failures: u32,
    /// Is it hardly asked any more?
    pub is_disabled: bool,
    /// Why it failed last, or why what it found waits.
    pub trouble: Option<String>,
    /// How many of its findings have become issues.
    pub opened: u32,
}

impl SourceCard {
    /// Does it answer? Nothing where nobody knows yet.
    #[must_use]
    pub fn is_up(&self) -> Option<bool> {
        (self.answered.is_some() || self.failures > 0).then_some(self.failures == 0)
    }
}

/// A project as it is shown.
#[derive(Clone, Debug)]
pub struct Card {
    /// What it is called here.
    pub name: String,
    /// The forge's name for it, once it is known.
    pub key: Option<String>,
    /// As it is configured.
    pub served: Served,
    /// Was it added while serving, and not by the configuration?
    pub is_added: bool,
    /// Are its issues started without being told to?
    pub is_on: bool,
    /// When the forge last answered.
    pub synced: Option<Timestamp>,
    /// When it is asked next.
    pub next: Timestamp,
    /// Failures in a row, and why the last one.
    pub failures: u32,
    /// Is it hardly asked any more?
    pub is_disabled: bool,
    /// What went wrong.
    pub trouble: Option<String>,
    /// Does an errand run, and since when?
    pub running: Option<Timestamp>,
    /// Other sources of its work than the forge.
    pub sources: Vec<SourceCard>,
    /// Its issues.
    pub issues: Vec<IssueCard>,
}

/// All that is shown.
#[derive(Clone, Debug, Default)]
pub struct Standing {
    /// The projects, by name.
    pub projects: Vec<Card>,
    /// Why nothing is started.
    pub problems: Vec<String>,
    /// Whose forges do not answer.
    pub away: Vec<String>,
    /// Is it about to end?
    pub is_draining: bool,
}

/// Who may send webhooks.
#[derive(Debug, Default)]
pub struct Hook {
    /// What they are signed with; without one none is taken.
    pub secret: Option<SecretString>,
    /// Where they may come from; from anywhere where it is empty.
    pub allow_from: Vec<AddressRange>,
    /// Whose word counts about where they come from.
    pub proxies: Vec<AddressRange>,
    /// Other sources of work that send something by themselves.
    pub receivers: Vec<Receiver>,
    /// Whose clicks in Slack are answers, project by project.
    pub clicks: Vec<Clicks>,
}

/// The people whose clicks answer what waits in a project.
#[derive(Clone, Debug)]
pub struct Clicks {
    /// The project, as the forge calls it.
    pub project: String,
    /// What Slack signs them with.
    pub secret: SecretString,
    /// Their ids.
    pub approvers: Vec<String>,
    /// The server of Slack's interface.
    pub api: String,
}

/// One that sends something by itself.
#[derive(Debug)]
pub struct Receiver {
    /// Whose findings it sends.
    pub whose: Whose,
    /// As it is configured.
    pub feed: Feed,
    /// What it shows.
    pub token: SecretString,
}

/// The configuration as it is used.
#[derive(Clone, Debug, Default)]
pub struct Configured {
    /// Each value with who said so.
    pub settings: Arc<[Setting]>,
    /// When it was read anew while serving, if it was.
    pub reloaded: Option<Timestamp>,
    /// Why a newer one is not used, where there is such.
    pub refused: Option<String>,
}

/// The desk.
#[derive(Debug)]
pub struct Desk {
    standing: RwLock<Arc<Standing>>,
    configured: RwLock<Arc<Configured>>,
    hook: RwLock<Arc<Hook>>,
    asks: mpsc::UnboundedSender<Asked>,
}

impl Desk {
    /// A desk, and what is asked there.
    #[must_use]
    pub fn new(hook: Hook) -> (Arc<Self>, mpsc::UnboundedReceiver<Asked>) {
        let (asks, asked) = mpsc::unbounded_channel();
        let desk = Self {
            standing: RwLock::default(),
            configured: RwLock::default(),
            hook: RwLock::new(Arc::new(hook)),
            asks,
        };
        (Arc::new(desk), asked)
    }

    /// What stands there.
    #[must_use]
    pub fn standing(&self) -> Arc<Standing> {
        let standing = self.standing.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&standing)
    }

    /// Shows this from here on.
    pub fn show(&self, standing: Standing) {
        let mut shown = self
            .standing
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        *shown = Arc::new(standing);
    }

    /// The configuration as it is used.
    #[must_use]
    pub fn configured(&self) -> Arc<Configured> {
        let known = self.configured.read();
        Arc::clone(&known.unwrap_or_else(PoisonError::into_inner))
    }

    /// This is used from here on.
    pub fn configure(&self, configured: Configured) {
        let known = self.configured.write();
        *known.unwrap_or_else(PoisonError::into_inner) = Arc::new(configured);
    }

    /// What was used is used still: the newer one makes no sense, and why.
    pub fn refuse(&self, reason: String) {
        let refused = Some(reason);
        let configured = (*self.configured()).clone();
        self.configure(Configured {
            refused,
            ..configured
        });
    }

    /// Who may send webhooks.
    #[must_use]
    pub fn hook(&self) -> Arc<Hook> {
        let hook = self.hook.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&hook)
    }

    /// Takes webhooks from these from here on.
    pub fn set_hook(&self, hook: Hook) {
        let mut known = self.hook.write().unwrap_or_else(PoisonError::into_inner);
        *known = Arc::new(hook);
    }

    /// Hands something on, and waits until it is done.
    pub(super) async fn ask(&self, ask: Ask) -> Result<(), Problem> {
        let (answer, answered) = oneshot::channel();
        let ended = || Problem::refused("it is about to end".to_owned());
        self.asks.send((ask, answer)).map_err(|_| ended())?;
        let answer = answered.await.map_err(|_| ended())?;
        answer.map_err(Problem::from)
    }

    /// Hands something on.
    pub(super) fn tell(&self, ask: Ask) {
        let (answer, _) = oneshot::channel();
        // Whoever watches may be gone already; what arrived is stored.
        let _ = self.asks.send((ask, answer));
    }
}
