//! One look at another source of work: what is there is kept, and then becomes issues.

use crate::adapters::github::forge::GitHub;
use crate::adapters::http::{AskError, Credential, Server};
use crate::adapters::sources::alertmanager::Alertmanager;
use crate::adapters::sources::jira::Jira;
use crate::adapters::sources::sentry::{Part, Sentry};
use crate::adapters::store::error::StoreError;
use crate::adapters::store::findings::{Goes, Whose};
use crate::adapters::store::open::Store;
use crate::commands::daemon::founding::found;
use crate::commands::daemon::project::Link;
use crate::config::sources::Feed;
use crate::config::values::Secret;
use crate::ports::ForgeError;
use crate::rules::finding::{FeedKind, Finding};
use crate::rules::finding_ci::{Colour, colour};
use crate::rules::ids::{IssueNumber, Timestamp};
use secrecy::SecretString;
use std::sync::Arc;
use std::time::Duration;

/// Pages of one look at most; the next look goes on behind them.
const PAGES: usize = 10;

/// What a look needs.
pub(super) struct Look {
    pub(super) feed: Feed,
    pub(super) whose: Whose,
    /// How the forge is reached, where it answers.
    pub(super) link: Option<Arc<Link>>,
    /// The label that lets an issue of the project run.
    pub(super) label: String,
    pub(super) store: Store,
    pub(super) at: Timestamp,
}

/// What came of a look.
pub(super) enum Heard {
    /// It answered.
    Answered(News),
    /// It wants to be left alone so long.
    Rests(Duration),
    /// It failed, and why.
    Failed(String),
}

/// What was new.
#[derive(Default)]
pub(super) struct News {
    /// Was anything?
    pub(super) is_new: bool,
    /// Issues that were opened, and their titles.
    pub(super) opened: Vec<(IssueNumber, String)>,
    /// Why some could not be.
    pub(super) trouble: Option<String>,
}

/// Why nothing came of a look.
#[derive(Debug, thiserror::Error)]
pub(super) enum LookError {
    /// The source.
    #[error(transparent)]
    Source(#[from] AskError),
    /// The forge's checks.
    #[error(transparent)]
    Forge(#[from] ForgeError),
    /// Our store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A source that can be asked.
pub(super) enum Asked {
    Sentry(Sentry),
    Jira(Jira),
    /// One without an address sends what there is.
    Alertmanager(Option<Alertmanager>),
    Ci(Arc<GitHub>, String),
}

/// Asks, keeps what is there, and opens issues for what is new.
pub(super) async fn look(look: Look) -> Heard {
    let looked = async {
        let asked = Asked::of(&look)?;
        let is_new = asked.list(&look).await?;
        let mut news = found(&look, &asked).await?;
        news.is_new |= is_new;
        Ok::<_, LookError>(news)
    };
    match looked.await {
        Ok(news) => Heard::Answered(news),
        Err(LookError::Source(AskError::Limited(wait))) => Heard::Rests(wait),
        Err(error) => Heard::Failed(error.to_string()),
    }
}

impl Asked {
    fn of(look: &Look) -> Result<Self, AskError> {
        let feed = &look.feed;
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let server = |address: &str| Server::new(address, credential(feed));
        let address = feed.address();
        let unusable = |why: &str| AskError::Unusable(why.to_owned());
        Ok(match feed.kind {
            FeedKind::Sentry => Self::Sentry(Sentry::new(
                server(address.unwrap_or_default())?,
                &text(&feed.organization),
                &text(&feed.sentry_project),
            )),
            FeedKind::Jira => {
                let address = address.unwrap_or_default();
                Self::Jira(Jira::new(server(address)?, address, &text(&feed.jql)))
            }
            FeedKind::Alertmanager => {
                let server = address.map(server).transpose()?;
                Self::Alertmanager(server.map(Alertmanager::new))
            }
            FeedKind::Ci => {
                let link = look
                    .link
                    .as_ref()
                    .ok_or_else(|| unusable("the forge does not answer"))?;
                let github = link.github.as_ref().ok_or_else(|| {
                    unusable(
                        "the issues of this project are files, and nothing checks commits there",
                    )
                })?;
                Self::Ci(Arc::clone(github), link.base.clone())
            }
        })
    }

    /// Keeps what is there; tells whether anything is new.
    async fn list(&self, look: &Look) -> Result<bool, LookError> {
        let keep = |findings: Vec<Finding>, goes| {
            let taken = findings
                .into_iter()
                .filter(|finding| look.feed.takes(finding.level));
            look.store
                .listed(&look.whose, taken.collect(), goes, look.at)
        };
        match self {
            Self::Sentry(_) | Self::Jira(_) => return self.pages(look, keep).await,
            Self::Alertmanager(None) => {}
            Self::Alertmanager(Some(alertmanager)) => {
                return Ok(keep(alertmanager.alerts().await?, Goes::Over)?);
            }
            Self::Ci(github, base) => {
                let (commit, checks) = github.branch_checks(base).await?;
                match colour(base, &commit, &checks) {
                    Colour::Red(finding) => return Ok(keep(vec![*finding], Goes::Over)?),
                    Colour::Green => return Ok(keep(Vec::new(), Goes::Over)?),
                    Colour::Unknown => {}
                }
            }
        }
        Ok(false)
    }

    /// Reads on where the last look ended.
    async fn pages(
        &self,
        look: &Look,
        keep: impl Fn(Vec<Finding>, Goes) -> Result<bool, StoreError>,
    ) -> Result<bool, LookError> {
        let mut cursor = look.store.cursor(&look.whose)?;
        let mut is_new = false;
        for _ in 0..PAGES {
            let part = match self.part(cursor.as_deref()).await {
                // What was good yesterday may be none any more: the listing begins anew.
                Err(error @ AskError::Refused { .. }) if cursor.is_some() => {
                    keep(Vec::new(), Goes::Anew)?;
                    return Err(error.into());
                }
                part => part?,
            };
            let goes = match &part.next {
                Some(next) => Goes::On(next.clone()),
                None => Goes::Over,
            };
            is_new |= keep(part.findings, goes)?;
            match part.next {
                Some(next) => cursor = Some(next),
                None => break,
            }
        }
        Ok(is_new)
    }

    async fn part(&self, cursor: Option<&str>) -> Result<Part, AskError> {
        match self {
            Self::Sentry(sentry) => sentry.part(cursor).await,
            Self::Jira(jira) => jira.part(cursor).await,
            Self::Alertmanager(_) | Self::Ci(..) => Ok(Part {
                findings: Vec::new(),
                next: None,
            }),
        }
    }

    /// The finding with all that there is. What is told by no listing may be gone already: then it goes without.
    pub(super) async fn whole(&self, finding: Finding) -> Result<Finding, AskError> {
        let Self::Sentry(sentry) = self else {
            return Ok(finding);
        };
        match sentry.whole(finding.clone()).await {
            Ok(whole) => Ok(whole),
            Err(limited @ AskError::Limited(_)) => Err(limited),
            Err(error) => {
                tracing::info!(%error, "its latest event cannot be read");
                Ok(finding)
            }
        }
    }
}

fn credential(feed: &Feed) -> Credential {
    let secret = |token: &Secret| SecretString::from(token.expose().to_owned());
    match (&feed.user, &feed.token) {
        (_, None) => Credential::None,
        (None, Some(token)) => Credential::Bearer(secret(token)),
        (Some(user), Some(token)) => Credential::Basic(user.clone(), secret(token)),
    }
}
