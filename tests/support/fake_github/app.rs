//! A GitHub App: signed in by a signature that is verified, with tokens that end.

use super::answer::{Answer, Ask, refusal, shown};
use super::show::moment;
use super::state::State;
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::KeyPair as _;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use octocrab::jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// An app, and where it is installed.
#[derive(Clone, Debug)]
pub(crate) struct FakeApp {
    /// Its number.
    pub(crate) id: u64,
    /// Its name in addresses.
    pub(crate) slug: &'static str,
    /// The number of its only installation.
    pub(crate) installation: u64,
    /// Is it installed on the repository?
    pub(crate) is_installed: bool,
    /// What its tokens may do.
    pub(crate) permissions: BTreeMap<&'static str, &'static str>,
    /// How long a token is good, in seconds.
    pub(crate) lifetime: i64,
    /// Verifies what it signs.
    pub(crate) public_key: Vec<u8>,
    /// Its tokens, and when each ends.
    pub(crate) tokens: Vec<(String, i64)>,
}

/// A key pair.
#[derive(Clone, Debug)]
pub(crate) struct AppKey {
    /// As GitHub gives it out: PKCS #1 in PEM.
    pub(crate) pem: String,
    /// The same in the newer form, PKCS #8.
    pub(crate) pkcs8: String,
    /// What verifies.
    pub(crate) public: Vec<u8>,
}

impl AppKey {
    /// A new one.
    pub(crate) fn new() -> Self {
        let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
        let der: Pkcs8V1Der<'_> = pair.as_der().unwrap();
        let der = der.as_ref();
        Self {
            // Before the key itself stands what kind of key it is: 26 bytes at this size.
            pem: pem("RSA PRIVATE KEY", &der[26..]),
            pkcs8: pem("PRIVATE KEY", der),
            public: pair.public_key().as_ref().to_vec(),
        }
    }
}

fn pem(name: &str, der: &[u8]) -> String {
    let text = BASE64_STANDARD.encode(der);
    let lines: Vec<&str> = (0..text.len())
        .step_by(64)
        .map(|at| &text[at..text.len().min(at + 64)])
        .collect();
    let lines = lines.join("\n");
    format!("-----BEGIN {name}-----\n{lines}\n-----END {name}-----\n")
}

impl FakeApp {
    /// One that may do all that it should.
    pub(crate) fn new(key: &AppKey) -> Self {
        let write = ["contents", "issues", "pull_requests"].map(|name| (name, "write"));
        let read = ["actions", "checks", "metadata", "statuses"].map(|name| (name, "read"));
        Self {
            id: 4711,
            slug: "shop-bot",
            installation: 77_001,
            is_installed: true,
            permissions: write.into_iter().chain(read).collect(),
            lifetime: 3600,
            public_key: key.public.clone(),
            tokens: Vec::new(),
        }
    }

    /// Is this a token of its, and good?
    pub(crate) fn knows(&self, token: &str) -> bool {
        let is_it = |(own, end): &(String, i64)| own == token && now() < *end;
        self.tokens.iter().any(is_it)
    }

    /// Why this is no signature of its; GitHub's words.
    fn refuse(&self, signed: &str) -> Option<Answer> {
        let key = DecodingKey::from_rsa_der(&self.public_key);
        let mut rules = Validation::new(Algorithm::RS256);
        rules.leeway = 0;
        let Ok(claims) = decode::<Value>(signed, &key, &rules) else {
            return Some(refusal(401, "A JSON web token could not be decoded"));
        };
        let number = |name: &str| claims.claims[name].as_i64().unwrap_or(i64::MAX);
        if number("exp") > now() + 600 {
            let words = "'Expiration time' claim ('exp') is too far in the future";
            return Some(refusal(401, words));
        }
        if number("iat") > now() {
            let words = "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued";
            return Some(refusal(401, words));
        }
        let is_own = claims.claims["iss"].as_u64() == Some(self.id);
        (!is_own).then(|| refusal(404, "Integration not found"))
    }
}

/// Does only the app itself ask this?
pub(crate) fn is_signed(path: &str) -> bool {
    path == "/app" || path.starts_with("/app/") || path.ends_with("/installation")
}

/// What only the app itself may ask.
pub(crate) fn answer_app(state: &mut State, ask: &Ask<'_>, signed: &str) -> Answer {
    let Some(app) = state.app.clone() else {
        return refusal(401, "A JSON web token could not be decoded");
    };
    if let Some(refused) = app.refuse(signed) {
        return refused;
    }
    let path: Vec<&str> = ask.path.iter().map(String::as_str).collect();
    match (ask.method, path.as_slice()) {
        ("GET", ["app"]) => shown(state, ask, 200, |show| {
            json!({
                "id": app.id, "slug": app.slug, "node_id": "A_1", "owner": show.user("octo"), "name": "Shop Bot",
                "description": null, "external_url": "https://example.com", "html_url": format!("{}/apps/{}", ask.api, app.slug),
                "created_at": moment(0), "updated_at": moment(0), "permissions": app.permissions, "events": [],
            })
        }),
        ("GET", ["repos", owner, name, "installation"]) => {
            let project = format!("{owner}/{name}");
            if app.is_installed && project.eq_ignore_ascii_case(&state.project) {
                shown(state, ask, 200, |show| {
                    installation(&app, ask.api, &show.user("octo"))
                })
            } else {
                refusal(404, "Not Found")
            }
        }
        ("POST", ["app", "installations", number, "access_tokens"]) => {
            if *number == app.installation.to_string() {
                make_token(state, ask)
            } else {
                refusal(404, "Not Found")
            }
        }
        _ => super::answer::unknown(),
    }
}

fn installation(app: &FakeApp, api: &str, account: &Value) -> Value {
    let own = format!("{api}/app/installations/{}", app.installation);
    json!({
        "id": app.installation, "app_id": app.id, "app_slug": app.slug, "target_id": 1, "target_type": "Organization",
        "single_file_name": null, "repository_selection": "selected", "access_tokens_url": format!("{own}/access_tokens"),
        "html_url": own, "repositories_url": format!("{api}/installation/repositories"), "events": [],
        "account": account, "permissions": app.permissions, "created_at": moment(0), "updated_at": moment(0),
        "suspended_by": null, "suspended_at": null,
    })
}

fn make_token(state: &mut State, ask: &Ask<'_>) -> Answer {
    let own = state.project.split('/').next_back().unwrap().to_owned();
    let wanted = ask.body["repositories"].as_array().into_iter().flatten();
    let mut wanted = wanted.filter_map(Value::as_str);
    if !wanted.all(|name| name.eq_ignore_ascii_case(&own)) {
        let words = "There is at least one repository that does not exist or is not accessible to the parent installation.";
        return refusal(422, words);
    }
    let app = state.app.as_mut().unwrap();
    let end = now() + app.lifetime;
    let token = format!("ghs_{:036}", app.tokens.len() + 1);
    app.tokens.push((token.clone(), end));
    let permissions = app.permissions.clone();
    shown(state, ask, 201, |show| {
        json!({
            "token": token, "expires_at": moment(end), "permissions": permissions, "repository_selection": "selected",
            "repositories": [show.repository()],
        })
    })
}

fn now() -> i64 {
    chrono::Utc::now().timestamp()
}
