//! Fetches the content of large files, by Git LFS's batch API and its basic transfer, each proven before it is kept.

use super::lfs::unusable;
use super::lfs_draft::{Draft, whole};
use super::remote::Remote;
use super::run::failed;
use super::source::Credential;
use crate::ports::RepositoryError;
use crate::rules::lfs::{Pointer, endpoint, is_allowed, shows_token};
use crate::rules::printable::clip;
use reqwest::{Certificate, Method, Proxy, RequestBuilder, Response};
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::json;
use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::time::Duration;

/// Objects that are asked for at once.
const AT_ONCE: usize = 100;
/// The longest answer about so many.
const ANSWER_BYTES: usize = 4 << 20;
/// So long may a server stay silent.
const PATIENCE: Duration = Duration::from_secs(60);
/// How much of a server's words becomes part of an error.
const WORDS: usize = 200;
const MEDIA: &str = "application/vnd.git-lfs+json";
const ACTION: &str = "fetch files of Git LFS";

/// Where large files are fetched from.
pub(super) struct Client<'a> {
    /// The repository's.
    pub(super) remote: &'a Remote,
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    transfer: Option<String>,
    objects: Vec<Object>,
}

#[derive(Deserialize)]
struct Object {
    oid: String,
    #[serde(default)]
    authenticated: bool,
    #[serde(default)]
    actions: Option<Actions>,
    #[serde(default)]
    error: Option<Refusal>,
}

#[derive(Deserialize)]
struct Actions {
    download: Option<Action>,
}

#[derive(Deserialize)]
struct Action {
    href: String,
    #[serde(default)]
    header: HashMap<String, String>,
}

#[derive(Deserialize)]
struct Refusal {
    code: u16,
    #[serde(default)]
    message: String,
}

impl Client<'_> {
    /// Fetches these objects, each named by a path that wants it, and puts them where `place` says.
    pub(super) async fn fetch(
        &self,
        wanted: &BTreeMap<&Pointer, &str>,
        place: &(dyn Fn(&Pointer) -> PathBuf + Sync),
    ) -> Result<(), RepositoryError> {
        if let Some(git) = self.remote.local_git_dir() {
            for (pointer, path) in wanted {
                let (one, two) = (&pointer.oid[..2], &pointer.oid[2..4]);
                let from = git
                    .join("lfs/objects")
                    .join(one)
                    .join(two)
                    .join(&pointer.oid);
                let draft = Draft::new(place(pointer), pointer);
                draft
                    .take(&from)
                    .await
                    .map_err(|problem| named(path, pointer, &problem))?;
            }
            return Ok(());
        }
        let http = self.http()?;
        let all: Vec<(&Pointer, &str)> = wanted.iter().map(|(one, path)| (*one, *path)).collect();
        for some in all.chunks(AT_ONCE) {
            let (answer, credential) = self.ask(&http, some).await?;
            for (pointer, path) in some {
                let object = answer
                    .objects
                    .iter()
                    .find(|object| object.oid == pointer.oid);
                let request = object
                    .ok_or_else(|| "the server does not speak of it".to_owned())
                    .and_then(|object| self.request(&http, object, credential.as_ref()))
                    .map_err(|problem| named(path, pointer, &problem))?;
                let draft = Draft::new(place(pointer), pointer);
                draft
                    .receive(request)
                    .await
                    .map_err(|problem| named(path, pointer, &problem))?;
            }
        }
        Ok(())
    }

    fn http(&self) -> Result<reqwest::Client, RepositoryError> {
        let wrong = |cause: reqwest::Error| failed(ACTION, std::io::Error::other(cause));
        let mut builder = reqwest::Client::builder()
            .connect_timeout(PATIENCE)
            .read_timeout(PATIENCE)
            .user_agent(concat!("autoissue/", env!("CARGO_PKG_VERSION")))
            // A redirect would carry what the server gave us for one place to another.
            .redirect(reqwest::redirect::Policy::none());
        if self.remote.url.starts_with("http://") {
            builder = builder.no_proxy();
        }
        for (key, value) in self.remote.carried() {
            let Some(name) = applies(key, &self.remote.url).filter(|_| !value.is_empty()) else {
                continue;
            };
            if name == "proxy" {
                builder = builder.proxy(Proxy::all(value).map_err(wrong)?);
            } else {
                let bundle = std::fs::read(value).map_err(|cause| failed(ACTION, cause))?;
                let own = Certificate::from_pem_bundle(&bundle).map_err(wrong)?;
                builder = builder.tls_certs_merge(own);
            }
        }
        builder.build().map_err(wrong)
    }

    /// Where the server has the objects; once more with another credential where one was refused.
    async fn ask(
        &self,
        http: &reqwest::Client,
        some: &[(&Pointer, &str)],
    ) -> Result<(Answer, Option<Credential>), RepositoryError> {
        let shown = self.remote.shown(None).await?;
        let response = self.post(http, some, shown.as_ref()).await?;
        if response.status() != 401 || shown.is_none() {
            return Ok((read(response).await?, shown));
        }
        let other = self.remote.shown(shown).await?;
        if other.is_none() {
            return Err(refused(response).await);
        }
        let response = self.post(http, some, other.as_ref()).await?;
        Ok((read(response).await?, other))
    }

    async fn post(
        &self,
        http: &reqwest::Client,
        some: &[(&Pointer, &str)],
        credential: Option<&Credential>,
    ) -> Result<Response, RepositoryError> {
        let objects: Vec<_> = some
            .iter()
            .map(|(pointer, _)| json!({ "oid": pointer.oid, "size": pointer.size }))
            .collect();
        let body = json!({ "operation": "download", "transfers": ["basic"], "hash_algo": "sha256", "objects": objects });
        let request = http
            .request(Method::POST, endpoint(&self.remote.url))
            .header("Accept", MEDIA)
            .body(body.to_string())
            .header("Content-Type", MEDIA);
        let sent = showing(request, credential).send().await;
        sent.map_err(|cause| unreached(&cause))
    }

    /// What fetches one object.
    fn request(
        &self,
        http: &reqwest::Client,
        object: &Object,
        credential: Option<&Credential>,
    ) -> Result<RequestBuilder, String> {
        if let Some(refusal) = &object.error {
            let words = clip(&refusal.message, WORDS);
            return Err(match refusal.code {
                404 | 410 => format!("the server does not have it ({words})"),
                code => format!("the server says {code} ({words})"),
            });
        }
        let actions = object.actions.as_ref();
        let action = actions.and_then(|actions| actions.download.as_ref());
        let action = action.ok_or("the server does not have it")?;
        let url = &self.remote.url;
        if !is_allowed(url, &action.href) {
            return Err("the server leads to where nothing is fetched from".to_owned());
        }
        let gives = |name: &String| name.eq_ignore_ascii_case("authorization");
        let is_authenticated = object.authenticated || action.header.keys().any(gives);
        let mut request = http.get(&action.href);
        for (name, value) in &action.header {
            request = request.header(name, value);
        }
        let shown = credential.filter(|_| shows_token(url, &action.href, is_authenticated));
        Ok(showing(request, shown))
    }
}

/// `proxy` or `sslcainfo`, where a setting of the user's holds for this URL.
fn applies<'a>(key: &'a str, url: &str) -> Option<&'a str> {
    let name = key.strip_prefix("http.")?;
    match name.rsplit_once('.') {
        Some((scope, name)) => url.starts_with(scope).then_some(name),
        None => Some(name),
    }
}

fn showing(request: RequestBuilder, credential: Option<&Credential>) -> RequestBuilder {
    match credential {
        Some(known) => request.basic_auth(&known.user, Some(known.secret.expose_secret())),
        None => request,
    }
}

async fn read(response: Response) -> Result<Answer, RepositoryError> {
    if response.status() != 200 {
        return Err(refused(response).await);
    }
    let bytes = body(response).await?;
    let answer: Answer = serde_json::from_slice(&bytes)
        .map_err(|cause| unusable(format!("the server's answer about Git LFS: {cause}")))?;
    match answer.transfer.as_deref() {
        None | Some("basic") => Ok(answer),
        Some(other) => {
            let other = clip(other, WORDS);
            Err(unusable(format!(
                "the server transfers files of Git LFS by `{other}` only"
            )))
        }
    }
}

async fn body(mut response: Response) -> Result<Vec<u8>, RepositoryError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|cause| unreached(&cause))? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > ANSWER_BYTES {
            return Err(unusable(
                "the server's answer about Git LFS is too long".to_owned(),
            ));
        }
    }
    Ok(bytes)
}

async fn refused(response: Response) -> RepositoryError {
    let status = response.status();
    if status == 404 {
        return unusable("the server has no files of Git LFS for this repository".to_owned());
    }
    let bytes = body(response).await.unwrap_or_default();
    let told: serde_json::Value = serde_json::from_slice(&bytes).unwrap_or_default();
    let words = clip(told["message"].as_str().unwrap_or_default(), WORDS);
    RepositoryError::Remote {
        action: ACTION.to_owned(),
        detail: format!("{status} {words}").trim_end().to_owned(),
        auth: matches!(status.as_u16(), 401 | 403),
    }
}

fn unreached(cause: &reqwest::Error) -> RepositoryError {
    RepositoryError::Remote {
        action: ACTION.to_owned(),
        detail: whole(cause),
        auth: false,
    }
}

fn named(path: &str, pointer: &Pointer, problem: &str) -> RepositoryError {
    let path = clip(path, WORDS);
    unusable(format!("`{path}` of Git LFS ({}): {problem}", pointer.oid))
}
