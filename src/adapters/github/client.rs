//! Requests and answers: one way out for all that we send to GitHub, behind the governor.

use crate::adapters::github::address::{graphql, origin};
use crate::adapters::github::cache::{Cache, Kept};
use crate::adapters::github::escapes::mended;
use crate::adapters::github::governor::{Governor, Heard, Held};
use crate::adapters::github::limits::{Errand, Kind};
use crate::adapters::github::reply::{Reply, refusal, unknown};
use crate::adapters::github::tokens::Tokens;
use crate::adapters::github::transport::{Manners, Transport};
use crate::adapters::retry::{Repeats, repeat_read};
use crate::ports::{ForgeError, urgency};
use crate::rules::ids::Timestamp;
use crate::rules::quota::Api;
use http::header::IF_NONE_MATCH;
use http::{Method, StatusCode};
use secrecy::SecretString;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

const CACHE: usize = 64 << 20;
/// The most that GitHub gives on one page.
const PAGE: usize = 100;
/// A hundred thousand issues.
const MOST_PAGES: usize = 1000;
const MOST_HOPS: u32 = 5;

/// What a client needs to know.
pub(super) struct ClientSettings {
    /// Checked by [`api_base`](super::address::api_base).
    pub(super) api: String,
    pub(super) tokens: Tokens,
    pub(super) manners: Manners,
    pub(super) repeats: Repeats,
}

/// The way out.
pub(super) struct Client {
    transport: Transport,
    settings: ClientSettings,
    governor: Governor,
    cache: Mutex<Cache>,
    /// The database numbers of repositories, by address.
    pub(super) homes: Mutex<HashMap<String, u64>>,
    is_led: AtomicBool,
}

/// One request, to be sent as often as redirects and limits want it.
pub(super) struct Outgoing<'a> {
    kind: Kind,
    method: Method,
    url: String,
    body: Option<&'a Value>,
    etag: Option<&'a str>,
    api: Api,
    patience: Duration,
}

impl Client {
    /// Needs a running tokio runtime.
    pub(super) fn new(settings: ClientSettings, governor: Governor) -> Result<Self, ForgeError> {
        Ok(Self {
            transport: Transport::new(settings.manners.clone())?,
            settings,
            governor,
            cache: Mutex::new(Cache::new(CACHE)),
            homes: Mutex::default(),
            is_led: AtomicBool::new(false),
        })
    }

    pub(super) fn tokens(&self) -> &Tokens {
        &self.settings.tokens
    }

    pub(super) fn governor(&self) -> &Governor {
        &self.governor
    }

    /// Did any answer lead elsewhere yet? Something is called otherwise then.
    pub(super) fn is_led(&self) -> bool {
        self.is_led.load(Ordering::Relaxed)
    }

    /// Reads one thing. Repeated when it passes: no reply, a broken one, a server's error.
    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        action: &str,
        path: &str,
    ) -> Result<T, ForgeError> {
        let page = self.page(action, &self.url(path), |_| false).await?;
        Ok(page.items)
    }

    /// Reads a list to its end, in the largest pages there are, by the links that they carry.
    pub(super) async fn list<T: DeserializeOwned>(
        &self,
        action: &str,
        path: &str,
    ) -> Result<Vec<T>, ForgeError> {
        let mut all = Vec::new();
        let mut seen = HashSet::new();
        let separator = if path.contains('?') { '&' } else { '?' };
        let mut next = Some(self.url(&format!("{path}{separator}per_page={PAGE}")));
        while let Some(url) = next {
            if seen.len() == MOST_PAGES || !seen.insert(url.clone()) {
                return Err(unknown(action, "its pages have no end"));
            }
            let is_full = |items: &Vec<T>| items.len() >= PAGE;
            let page = self.page(action, &url, is_full).await?;
            all.extend(page.items);
            next = page.next;
        }
        Ok(all)
    }

    /// Reads one thing with its headers, past the cache.
    pub(super) async fn get_fresh(&self, action: &str, path: &str) -> Result<Reply, ForgeError> {
        let url = self.url(path);
        repeat_read(self.settings.repeats, passes, || async {
            self.taken(action, Outgoing::read(&url, None)).await
        })
        .await
    }

    /// Asks by GraphQL, which is a POST that changes nothing. `variables` is an object, or nothing.
    pub(super) async fn query<T: DeserializeOwned>(
        &self,
        action: &str,
        query: &str,
        variables: &Value,
    ) -> Result<T, ForgeError> {
        self.query_within(action, query, variables, Duration::MAX)
            .await
    }

    /// The same, given up where it would have to wait longer than this.
    pub(super) async fn query_within<T: DeserializeOwned>(
        &self,
        action: &str,
        query: &str,
        variables: &Value,
        patience: Duration,
    ) -> Result<T, ForgeError> {
        let body = json!({ "query": query, "variables": variables });
        repeat_read(self.settings.repeats, passes, || async {
            let outgoing = Outgoing {
                kind: Kind::Read,
                method: Method::POST,
                url: graphql(&self.settings.api),
                body: Some(&body),
                etag: None,
                api: Api::Graphql,
                patience,
            };
            parse(action, &self.taken(action, outgoing).await?.body)
        })
        .await
    }

    /// Changes something by GraphQL. Sent once.
    pub(super) async fn mutate<T: DeserializeOwned>(
        &self,
        action: &str,
        mutation: &str,
    ) -> Result<T, ForgeError> {
        let body = json!({ "query": mutation });
        let outgoing = Outgoing {
            kind: Kind::Change,
            method: Method::POST,
            url: graphql(&self.settings.api),
            body: Some(&body),
            etag: None,
            api: Api::Graphql,
            patience: Duration::MAX,
        };
        parse(action, &self.taken(action, outgoing).await?.body)
    }

    /// Reads a text that may lie on another server: that one is told no token.
    pub(super) async fn text(&self, action: &str, path: &str) -> Result<String, ForgeError> {
        let url = self.url(path);
        let reply = repeat_read(self.settings.repeats, passes, || async {
            let reply = self.send_once(action, &Outgoing::read(&url, None)).await?;
            match reply.redirect() {
                Some(location) => self.exchange_plainly(action, &self.join(&location)).await,
                None => Ok(reply),
            }
        })
        .await?;
        if !reply.status.is_success() {
            return Err(refusal(action, &reply));
        }
        Ok(String::from_utf8_lossy(&reply.body).into_owned())
    }

    /// Writes once. Limits are waited out, for what they refuse was not done; anything else that is no clear answer is
    /// [`ForgeError::Unknown`].
    pub(super) async fn write(
        &self,
        action: &str,
        kind: Kind,
        method: Method,
        path: &str,
        body: Option<&(impl Serialize + Sync)>,
    ) -> Result<Reply, ForgeError> {
        let body = body.map(|body| serde_json::to_value(body).expect("our own types are JSON"));
        let outgoing = Outgoing {
            kind,
            method,
            url: self.url(path),
            body: body.as_ref(),
            etag: None,
            api: Api::Rest,
            patience: Duration::MAX,
        };
        self.taken(action, outgoing).await
    }

    async fn page<T: DeserializeOwned>(
        &self,
        action: &str,
        url: &str,
        is_full: impl Fn(&T) -> bool,
    ) -> Result<Page<T>, ForgeError> {
        repeat_read(self.settings.repeats, passes, || {
            self.page_once(action, url, &is_full)
        })
        .await
    }

    async fn page_once<T: DeserializeOwned>(
        &self,
        action: &str,
        url: &str,
        is_full: impl Fn(&T) -> bool,
    ) -> Result<Page<T>, ForgeError> {
        let kept = self.cache().get(url);
        let etag = kept.as_ref().map(|kept| kept.etag.as_str());
        let reply = self.send(action, Outgoing::read(url, etag)).await?;
        if reply.status == StatusCode::NOT_MODIFIED
            && let Some(kept) = kept
        {
            return Ok(Page {
                items: parse(action, &kept.body)?,
                next: kept.next.clone(),
            });
        }
        if !reply.status.is_success() {
            return Err(refusal(action, &reply));
        }
        let items = parse(action, &reply.body)?;
        let next = reply.next_page();
        // A full last page may get a successor without changing itself, which "not modified" would hide.
        let may_grow = next.is_none() && is_full(&items);
        if let Some(etag) = reply.etag().filter(|_| !may_grow) {
            let kept = Kept {
                etag,
                next: next.clone(),
                body: reply.body,
            };
            self.cache().put(url, kept);
        }
        Ok(Page { items, next })
    }

    /// Sends a request, and wants it to succeed.
    async fn taken(&self, action: &str, outgoing: Outgoing<'_>) -> Result<Reply, ForgeError> {
        let reply = self.send(action, outgoing).await?;
        if reply.status.is_success() {
            Ok(reply)
        } else {
            Err(refusal(action, &reply))
        }
    }

    /// Sends a request until it is taken or refused for good: verbatim through redirects.
    pub(super) async fn send(
        &self,
        action: &str,
        mut outgoing: Outgoing<'_>,
    ) -> Result<Reply, ForgeError> {
        for _ in 0..=MOST_HOPS {
            let reply = self.send_once(action, &outgoing).await?;
            let Some(location) = reply.redirect() else {
                return Ok(reply);
            };
            self.is_led.store(true, Ordering::Relaxed);
            let target = self.join(&location);
            let is_read = outgoing.kind == Kind::Read;
            if !is_read && !self.is_at_home(action, &outgoing.url, &target).await? {
                return Err(refused(action, "it was moved to another repository"));
            }
            outgoing.url = target;
        }
        Err(refused(action, "redirected in a circle"))
    }

    /// Sends a request until it is answered: through limits, and once more with another token where one was refused.
    /// Neither was done.
    async fn send_once(&self, action: &str, outgoing: &Outgoing<'_>) -> Result<Reply, ForgeError> {
        let limited = |held: Held| limited(action, held);
        let tokens = &self.settings.tokens;
        let mut turn = self.governor.turn(outgoing.errand());
        let mut renewed = false;
        loop {
            turn.ready().await.map_err(limited)?;
            let token = tokens.current().await?;
            let reply = self.exchange(action, outgoing, &token).await?;
            let heard = turn.heard(
                reply.status.as_u16(),
                &reply.headers,
                &reply.limit_words(outgoing.api),
            );
            match heard.map_err(limited)? {
                Heard::Again => continue,
                Heard::Answer => {}
            }
            let is_refused = reply.status == StatusCode::UNAUTHORIZED;
            if is_refused && !renewed && tokens.renew(&token).await? {
                renewed = true;
                continue;
            }
            return Ok(reply);
        }
    }

    /// One request, one answer.
    async fn exchange(
        &self,
        action: &str,
        outgoing: &Outgoing<'_>,
        token: &SecretString,
    ) -> Result<Reply, ForgeError> {
        self.check_origin(action, &outgoing.url)?;
        let method = &outgoing.method;
        let mut request = self
            .transport
            .request(action, method, &outgoing.url, Some(token))?;
        if let Some(etag) = outgoing.etag {
            request = request.header(IF_NONE_MATCH, etag);
        }
        self.transport.send(action, request, outgoing.body).await
    }

    /// One request without a token, by https unless to the API's own server.
    async fn exchange_plainly(&self, action: &str, url: &str) -> Result<Reply, ForgeError> {
        if !url.starts_with("https://") && origin(url) != origin(&self.settings.api) {
            return Err(refused(
                action,
                "the answer leads to another server, unencrypted",
            ));
        }
        let request = self.transport.request(action, &Method::GET, url, None)?;
        self.transport.send(action, request, None).await
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.settings.api)
    }

    /// A redirect's target, which may leave out the origin.
    fn join(&self, location: &str) -> String {
        match (location.starts_with('/'), origin(&self.settings.api)) {
            (true, Some((scheme, authority))) => format!("{scheme}://{authority}{location}"),
            _ => location.to_owned(),
        }
    }

    /// Links and redirects lead wherever an answer says; the token goes only where it belongs.
    fn check_origin(&self, action: &str, url: &str) -> Result<(), ForgeError> {
        if origin(url) == origin(&self.settings.api) {
            return Ok(());
        }
        Err(refused(action, "the answer leads to another server"))
    }

    fn cache(&self) -> std::sync::MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("api", &self.settings.api)
            .finish_non_exhaustive()
    }
}

impl<'a> Outgoing<'a> {
    pub(super) fn read(url: &str, etag: Option<&'a str>) -> Self {
        Self {
            kind: Kind::Read,
            method: Method::GET,
            url: url.to_owned(),
            body: None,
            etag,
            api: Api::Rest,
            patience: Duration::MAX,
        }
    }

    fn errand(&self) -> Errand {
        Errand {
            patience: self.patience,
            ..Errand::new(self.kind, self.api, urgency())
        }
    }
}

/// A part of a list, and where the next one is.
struct Page<T> {
    items: T,
    next: Option<String>,
}

/// Reads an answer's body. What cannot be read may have been cut off: an unknown.
pub(super) fn parse<T: DeserializeOwned>(action: &str, body: &[u8]) -> Result<T, ForgeError> {
    serde_json::from_slice(body)
        .or_else(|cause| match mended(body) {
            Some(body) => serde_json::from_slice(&body),
            None => Err(cause),
        })
        .map_err(|cause| unknown(action, &cause.to_string()))
}

fn refused(action: &str, detail: &str) -> ForgeError {
    ForgeError::Refused {
        action: action.to_owned(),
        detail: detail.to_owned(),
    }
}

/// Worth asking again?
fn passes(error: &ForgeError) -> bool {
    matches!(error, ForgeError::Unknown { .. })
}

fn limited(action: &str, held: Held) -> ForgeError {
    let wait = held.until.saturating_duration_since(Instant::now());
    let millis = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
    ForgeError::Limited {
        action: action.to_owned(),
        until: Some(Timestamp(chrono::Utc::now().timestamp_millis()).plus_millis(millis)),
    }
}
