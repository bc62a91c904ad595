//! One answer of GitHub's: what it leads to, and what it means when it is a refusal.

use crate::ports::ForgeError;
use crate::rules::quota::Api;
use http::header::{ETAG, HeaderMap, LINK, LOCATION};
use http::{HeaderName, StatusCode};
use serde::Deserialize;

/// Of what a server says, so much is passed on.
const LONGEST_DETAIL: usize = 400;
const BAD_TOKEN: &str = "(is the token right, and not expired?)";

/// An answer that came to its end.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

impl Reply {
    /// What it says about a refusal; nothing for what is none.
    pub(super) fn message(&self) -> String {
        if self.status.is_success() || self.status.is_redirection() {
            return String::new();
        }
        serde_json::from_slice::<WireRefusal>(&self.body)
            .map(|refusal| refusal.text())
            .unwrap_or_default()
    }

    /// The words that may speak of a limit. GraphQL puts those into an answer like any other.
    pub(super) fn limit_words(&self, api: Api) -> String {
        match api {
            Api::Graphql if self.status.is_success() => {
                serde_json::from_slice::<WireErrors>(&self.body)
                    .map(|answer| answer.limit_words())
                    .unwrap_or_default()
            }
            Api::Graphql | Api::Rest => self.message(),
        }
    }

    /// Where to send the request instead. GitHub's documentation: verbatim, whatever the method.
    pub(super) fn redirect(&self) -> Option<String> {
        match self.status.as_u16() {
            301 | 302 | 307 | 308 => self.text(&LOCATION),
            _ => None,
        }
    }

    pub(super) fn etag(&self) -> Option<String> {
        self.text(&ETAG)
    }

    /// The page after this one.
    pub(super) fn next_page(&self) -> Option<String> {
        next_link(&self.text(&LINK)?)
    }

    /// The scopes of a classic token; other tokens have none.
    pub(super) fn scopes(&self) -> Option<Vec<String>> {
        let scopes = self.text(&HeaderName::from_static("x-oauth-scopes"))?;
        let scopes = scopes.split(',').map(str::trim);
        Some(
            scopes
                .filter(|scope| !scope.is_empty())
                .map(str::to_owned)
                .collect(),
        )
    }

    /// The permissions that a refused request would have taken: `issues=write`, more behind commas, others behind `;`.
    fn wanted(&self) -> Option<String> {
        let wanted = self.text(&HeaderName::from_static("x-accepted-github-permissions"))?;
        let wanted = wanted.replace('=', ": ").replace(';', " or");
        Some(printable(&wanted)).filter(|wanted| !wanted.is_empty())
    }

    fn text(&self, name: &HeaderName) -> Option<String> {
        Some(self.headers.get(name)?.to_str().ok()?.to_owned())
    }
}

/// What a refusal means to whoever asked.
pub(super) fn refusal(action: &str, reply: &Reply) -> ForgeError {
    let action = action.to_owned();
    let said = match reply.message() {
        said if said.is_empty() => reply.status.to_string(),
        said => printable(&said),
    };
    match reply.status.as_u16() {
        401 => ForgeError::Auth {
            action,
            detail: format!("{said} {BAD_TOKEN}"),
        },
        403 if is_about_rights(&said) => ForgeError::Auth {
            action,
            detail: match reply.wanted() {
                Some(wanted) => format!("{said} (it takes {wanted})"),
                None => said,
            },
        },
        404 => ForgeError::NotFound { action },
        400..=499 => ForgeError::Refused {
            action,
            detail: said,
        },
        _ => ForgeError::Unknown {
            action,
            detail: format!("{}: {said}", reply.status.as_u16()),
        },
    }
}

/// Was it the token itself that was refused, so that nothing else will be taken either?
pub(super) fn is_bad_token(error: &ForgeError) -> bool {
    match error {
        ForgeError::Auth { detail, .. } => detail.ends_with(BAD_TOKEN),
        ForgeError::App { .. } => true,
        ForgeError::NotFound { .. }
        | ForgeError::Refused { .. }
        | ForgeError::Limited { .. }
        | ForgeError::Unknown { .. }
        | ForgeError::Io { .. } => false,
    }
}

/// It may or may not have been done.
pub(super) fn unknown(action: &str, detail: &str) -> ForgeError {
    ForgeError::Unknown {
        action: action.to_owned(),
        detail: printable(detail),
    }
}

/// What is wrong with an answer to a question.
#[derive(Debug, Default, Deserialize)]
struct WireErrors {
    #[serde(default)]
    errors: Vec<WireError>,
}

#[derive(Debug, Deserialize)]
struct WireError {
    #[serde(default, rename = "type")]
    kind: Option<String>,
    #[serde(default)]
    message: String,
}

impl WireErrors {
    /// Those that say that a limit was hit.
    fn limit_words(&self) -> String {
        let is_limit = |error: &&WireError| {
            let words = error.message.to_ascii_lowercase();
            error.kind.as_deref() == Some("RATE_LIMITED") || words.contains("secondary rate limit")
        };
        let found = self.errors.iter().find(is_limit);
        found.map_or_else(String::new, |error| {
            format!("rate limit: {}", error.message)
        })
    }
}

/// What GitHub says when it refuses.
#[derive(Debug, Default, Deserialize)]
struct WireRefusal {
    #[serde(default)]
    message: String,
    #[serde(default)]
    errors: Vec<WireReason>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum WireReason {
    Text(String),
    Fields {
        #[serde(default)]
        message: Option<String>,
        #[serde(default)]
        field: Option<String>,
        #[serde(default)]
        code: Option<String>,
    },
}

impl WireRefusal {
    /// All of it in one line.
    fn text(&self) -> String {
        std::iter::once(self.message.clone())
            .chain(self.errors.iter().map(WireReason::text))
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join(": ")
    }
}

impl WireReason {
    fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Fields {
                message: Some(message),
                ..
            } => message.clone(),
            Self::Fields {
                message: None,
                field,
                code,
            } => [field, code]
                .into_iter()
                .flatten()
                .map(String::as_str)
                .collect::<Vec<_>>()
                .join(" "),
        }
    }
}

/// A 403 is about the token's rights, or about the thing itself (archived, locked).
fn is_about_rights(said: &str) -> bool {
    let said = said.to_ascii_lowercase();
    [
        "not accessible",
        "must have",
        "saml",
        "credential",
        "permission",
        "scope",
        "token",
        "two-factor",
    ]
    .iter()
    .any(|word| said.contains(word))
}

fn printable(text: &str) -> String {
    text.chars()
        .map(|char| if char.is_control() { ' ' } else { char })
        .take(LONGEST_DETAIL)
        .collect()
}

/// Reads a `Link` header (RFC 8288) for the address whose relation is `next`.
fn next_link(header: &str) -> Option<String> {
    let mut rest = header;
    while let Some((_, after)) = rest.split_once('<') {
        let (url, after) = after.split_once('>')?;
        let (parameters, following) = after.split_once(',').map_or((after, ""), |parts| parts);
        let is_next = parameters
            .split(';')
            .any(|parameter| matches!(parameter.trim(), "rel=\"next\"" | "rel=next"));
        if is_next {
            return Some(url.to_owned());
        }
        rest = following;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_where_the_link_says() {
        let check = |header: &str, expect: Option<&str>| {
            assert_eq!(next_link(header).as_deref(), expect, "{header}");
        };
        check(
            r#"<https://h/issues?page=1>; rel="prev", <https://h/issues?a=b,c&page=3>; rel="next", <https://h/issues?page=9>; rel="last""#,
            Some("https://h/issues?a=b,c&page=3"),
        );
        check(r#"<https://h/issues?page=1>; rel="first""#, None);
        check("<https://h/2>; title=x; rel=next", Some("https://h/2"));
        check("<https://h/2", None);
        check("", None);
    }

    #[test]
    fn a_status_says_what_kind_of_refusal_it_is() {
        let check = |status: u16, body: &str, expect: &str| {
            let reply = Reply {
                status: StatusCode::from_u16(status).expect("a status"),
                headers: HeaderMap::new(),
                body: body.as_bytes().to_vec(),
            };
            let error = refusal("comment on #1", &reply);
            let kind = match &error {
                ForgeError::Auth { .. } => "auth",
                ForgeError::NotFound { .. } => "not found",
                ForgeError::Refused { .. } => "refused",
                ForgeError::Unknown { .. } => "unknown",
                other => panic!("{other}"),
            };
            assert_eq!(format!("{kind}: {error}"), expect);
        };
        check(
            401,
            r#"{"message": "Bad credentials"}"#,
            "auth: comment on #1: Bad credentials (is the token right, and not expired?)",
        );
        check(
            403,
            r#"{"message": "Resource not accessible by personal access token"}"#,
            "auth: comment on #1: Resource not accessible by personal access token",
        );
        check(
            403,
            r#"{"message": "Repository was archived so is read-only."}"#,
            "refused: comment on #1: Repository was archived so is read-only.",
        );
        check(404, "", "not found: comment on #1: not found");
        check(
            410,
            r#"{"message": "Issues are disabled for this repo"}"#,
            "refused: comment on #1: Issues are disabled for this repo",
        );
        check(
            422,
            "\u{1b}[31m",
            "refused: comment on #1: 422 Unprocessable Entity",
        );
        check(
            502,
            "<html>",
            "unknown: comment on #1: no usable reply: 502: 502 Bad Gateway",
        );
        check(
            304,
            "",
            "unknown: comment on #1: no usable reply: 304: 304 Not Modified",
        );
    }

    #[test]
    fn a_refusal_tells_which_permission_it_would_take() {
        let name = "x-accepted-github-permissions";
        let value = http::HeaderValue::from_static("issues=write; pull_requests=write");
        let reply = Reply {
            status: StatusCode::FORBIDDEN,
            headers: HeaderMap::from_iter([(HeaderName::from_static(name), value)]),
            body: br#"{"message": "Resource not accessible by personal access token"}"#.to_vec(),
        };
        assert_eq!(
            refusal("comment on #1", &reply).to_string(),
            "comment on #1: Resource not accessible by personal access token (it takes issues: write or pull_requests: write)"
        );
    }

    #[test]
    fn a_refusal_is_one_line() {
        let check = |json: &str, expect: &str| {
            let refusal: WireRefusal = serde_json::from_str(json).expect("a refusal");
            assert_eq!(refusal.text(), expect);
        };
        check(r#"{"message": "Not Found"}"#, "Not Found");
        check(
            r#"{"message": "Validation Failed", "errors": [{"message": "A pull request already exists for o:b."}]}"#,
            "Validation Failed: A pull request already exists for o:b.",
        );
        check(
            r#"{"message": "Validation Failed", "errors": [{"resource": "PullRequest", "field": "head", "code": "invalid"}, "more"]}"#,
            "Validation Failed: head invalid: more",
        );
    }
}
