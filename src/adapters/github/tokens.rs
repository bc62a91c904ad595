//! The token to use now: a fixed one, or an app's, which is renewed before it ends.

use crate::adapters::github::app::{App, AppSettings, Installed, Minted};
use crate::ports::ForgeError;
use async_trait::async_trait;
use secrecy::{ExposeSecret, SecretString};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// A token is good for so long at least when it is given out; GitHub's last for an hour.
const AHEAD: Duration = Duration::from_secs(300);
/// Where a new one cannot be had, and the old one is still good, it is tried again after so long.
const AGAIN: Duration = Duration::from_secs(30);

/// Gives the token to use; all that speak to one GitHub share it. Cheap to clone.
#[derive(Clone)]
pub struct Tokens(Arc<Kind>);

enum Kind {
    Fixed(SecretString),
    Renewed(Box<Renewed>),
}

struct Renewed {
    maker: Box<dyn Maker>,
    renewal: Renewal,
    held: Mutex<Option<Held>>,
}

/// Makes tokens.
#[async_trait]
pub(super) trait Maker: Send + Sync {
    /// A new one.
    async fn mint(&self) -> Result<Minted, ForgeError>;
    /// The name in addresses of whose they are.
    async fn slug(&self) -> Result<String, ForgeError>;
}

/// Are tokens of apps renewed?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Renewal {
    /// Before they end, and when they are refused.
    Ahead,
    /// Never: a control for tests.
    Never,
}

/// A token that GitHub made for us.
struct Held {
    token: SecretString,
    permissions: BTreeMap<String, String>,
    /// From then on a new one is wanted.
    renew: Instant,
    /// From then on it is not good any more.
    end: Instant,
}

impl Tokens {
    /// Always this one.
    #[must_use]
    pub fn fixed(token: SecretString) -> Self {
        Self(Arc::new(Kind::Fixed(token)))
    }

    /// Tokens of an app's installation. Sends nothing yet. Needs a running tokio runtime.
    pub fn app(settings: AppSettings, renewal: Renewal) -> Result<Self, ForgeError> {
        Ok(Self::made_by(Box::new(App::new(settings)?), renewal))
    }

    fn made_by(maker: Box<dyn Maker>, renewal: Renewal) -> Self {
        Self(Arc::new(Kind::Renewed(Box::new(Renewed {
            maker,
            renewal,
            held: Mutex::default(),
        }))))
    }

    /// The token to use for what is sent now. Asks GitHub for one where that is needed, once for all who wait.
    pub async fn current(&self) -> Result<SecretString, ForgeError> {
        match &*self.0 {
            Kind::Fixed(token) => Ok(token.clone()),
            Kind::Renewed(renewed) => renewed.current().await,
        }
    }

    /// This one was refused, and what it was sent with was not done: is there another one now?
    pub async fn renew(&self, refused: &SecretString) -> Result<bool, ForgeError> {
        match &*self.0 {
            Kind::Fixed(_) => Ok(false),
            Kind::Renewed(renewed) => renewed.renew(refused).await,
        }
    }

    /// The token, where it is always the same.
    #[must_use]
    pub fn known(&self) -> Option<&SecretString> {
        match &*self.0 {
            Kind::Fixed(token) => Some(token),
            Kind::Renewed(_) => None,
        }
    }

    /// What an app's token may do; none for a token that is no app's of ours. Asks for a token where there is none yet.
    pub async fn granted(&self) -> Result<Option<BTreeMap<String, String>>, ForgeError> {
        match &*self.0 {
            Kind::Fixed(_) => Ok(None),
            Kind::Renewed(renewed) => {
                renewed.current().await?;
                let held = renewed.held.lock().await;
                Ok(held.as_ref().map(|held| held.permissions.clone()))
            }
        }
    }

    /// The app, and what its token may do; none for a token that is no app's of ours.
    pub async fn installed(&self) -> Result<Option<Installed>, ForgeError> {
        match &*self.0 {
            Kind::Fixed(_) => Ok(None),
            Kind::Renewed(renewed) => Ok(Some(Installed {
                permissions: self.granted().await?.unwrap_or_default(),
                slug: renewed.maker.slug().await?,
            })),
        }
    }
}

impl Renewed {
    async fn current(&self) -> Result<SecretString, ForgeError> {
        let mut held = self.held.lock().await;
        let now = Instant::now();
        let wants = match (&*held, self.renewal) {
            (Some(held), Renewal::Ahead) => now >= held.renew,
            (Some(_), Renewal::Never) => false,
            (None, Renewal::Ahead | Renewal::Never) => true,
        };
        if wants {
            match self.maker.mint().await {
                Ok(minted) => *held = Some(Held::new(minted)),
                Err(cause) => match held.as_mut().filter(|held| now < held.end) {
                    None => return Err(cause),
                    Some(good) => {
                        tracing::warn!(%cause, "could not renew the app's token, which is good for a while yet");
                        good.renew = now + AGAIN;
                    }
                },
            }
        }
        let held = held.as_ref().expect("one was there, or was made");
        Ok(held.token.clone())
    }

    async fn renew(&self, refused: &SecretString) -> Result<bool, ForgeError> {
        if self.renewal == Renewal::Never {
            return Ok(false);
        }
        let mut held = self.held.lock().await;
        let is_it = held
            .as_ref()
            .is_some_and(|held| held.token.expose_secret() == refused.expose_secret());
        // Whoever was refused at the same time has made a new one already.
        if is_it {
            *held = Some(Held::new(self.maker.mint().await?));
        }
        Ok(true)
    }
}

impl Held {
    fn new(minted: Minted) -> Self {
        let Minted {
            token,
            permissions,
            asked,
            life,
        } = minted;
        // Told in whole seconds, of which the last has begun already.
        let life = life.saturating_sub(Duration::from_secs(1));
        Self {
            token,
            permissions,
            renew: asked + life - AHEAD.min(life / 2),
            end: asked + life,
        }
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &*self.0 {
            Kind::Fixed(_) => "Tokens(fixed)",
            Kind::Renewed(_) => "Tokens(app)",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::future::join_all;
    use std::sync::atomic::{AtomicU32, Ordering};
    use tokio::time::{advance, sleep};

    const MINUTE: Duration = Duration::from_secs(60);

    /// Makes numbered tokens for an hour; the numbers from `broken` on cannot be made.
    struct Numbered {
        made: Arc<AtomicU32>,
        broken: u32,
    }

    #[async_trait]
    impl Maker for Numbered {
        async fn mint(&self) -> Result<Minted, ForgeError> {
            let asked = Instant::now();
            sleep(Duration::from_secs(1)).await;
            let number = self.made.fetch_add(1, Ordering::Relaxed);
            if number >= self.broken {
                return Err(ForgeError::NotFound {
                    action: "make one".into(),
                });
            }
            Ok(Minted {
                token: number.to_string().into(),
                permissions: BTreeMap::new(),
                asked,
                life: MINUTE * 60,
            })
        }

        async fn slug(&self) -> Result<String, ForgeError> {
            Ok("shop".into())
        }
    }

    fn numbered(broken: u32, renewal: Renewal) -> (Tokens, Arc<AtomicU32>) {
        let made = Arc::new(AtomicU32::new(0));
        let maker = Numbered {
            made: Arc::clone(&made),
            broken,
        };
        (Tokens::made_by(Box::new(maker), renewal), made)
    }

    async fn now(tokens: &Tokens) -> Result<String, ForgeError> {
        let token = tokens.current().await?;
        Ok(token.expose_secret().to_owned())
    }

    #[tokio::test(start_paused = true)]
    async fn one_is_made_for_all_who_wait_and_a_new_one_before_its_end() {
        let (tokens, made) = numbered(9, Renewal::Ahead);
        let all = join_all((0..20).map(|_| now(&tokens))).await;
        assert!(all.into_iter().all(|token| token.unwrap() == "0"));
        advance(MINUTE * 54).await;
        assert_eq!(now(&tokens).await.unwrap(), "0");
        advance(MINUTE).await;
        assert_eq!(now(&tokens).await.unwrap(), "1");
        assert_eq!(made.load(Ordering::Relaxed), 2);
        // The control: without renewing it is used beyond its end.
        let (tokens, _) = numbered(9, Renewal::Never);
        assert_eq!(now(&tokens).await.unwrap(), "0");
        advance(MINUTE * 90).await;
        assert_eq!(now(&tokens).await.unwrap(), "0");
        assert!(!tokens.renew(&"0".to_owned().into()).await.unwrap());
    }

    #[tokio::test(start_paused = true)]
    async fn where_no_new_one_is_to_be_had_the_old_one_is_used_to_its_end() {
        let (tokens, made) = numbered(1, Renewal::Ahead);
        assert_eq!(now(&tokens).await.unwrap(), "0");
        advance(MINUTE * 56).await;
        for _ in 0..20 {
            assert_eq!(now(&tokens).await.unwrap(), "0");
        }
        assert_eq!(
            made.load(Ordering::Relaxed),
            2,
            "asked once for all of them"
        );
        advance(MINUTE * 4).await;
        assert!(now(&tokens).await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_is_refused_is_replaced_once() {
        let (tokens, made) = numbered(9, Renewal::Ahead);
        let first = tokens.current().await.unwrap();
        let renewed = join_all((0..5).map(|_| tokens.renew(&first))).await;
        assert!(renewed.into_iter().all(|renewed| renewed.unwrap()));
        assert_eq!(now(&tokens).await.unwrap(), "1");
        assert_eq!(made.load(Ordering::Relaxed), 2);
        let fixed = Tokens::fixed("x".to_owned().into());
        assert!(!fixed.renew(&first).await.unwrap());
    }
}
