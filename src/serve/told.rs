//! What a command would answer, answered to a program: as JSON, or as the lines that a person reads.

use crate::commands::answer::Answer;
use crate::rules::printable::clip;
use crate::rules::sender::Sender;
use crate::serve::server::House;
use axum::Json;
use axum::http::header::{ACCEPT, FROM};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse as _, Response};

/// Characters of a name, at most.
const NAME: usize = 60;

/// As text where that is asked for (RFC 9110, section 12.5.1), else as JSON.
pub(super) fn told(headers: &HeaderMap, answer: Answer) -> Response {
    if wants_text(headers) {
        answer.text.into_response()
    } else {
        Json(answer.event).into_response()
    }
}

/// Are lines for a person asked for, rather than JSON?
pub(super) fn wants_text(headers: &HeaderMap) -> bool {
    let accept = headers.get(ACCEPT).and_then(|value| value.to_str().ok());
    let accept = accept.unwrap_or_default();
    let text = quality(accept, "text/plain");
    text > 0.0 && text > quality(accept, "application/json")
}

/// How much a kind is wanted by its own name, from 0 to 1.
fn quality(accept: &str, kind: &str) -> f32 {
    let of = |wanted: &str| {
        let mut parts = wanted.split(';').map(str::trim);
        let is_it = parts
            .next()
            .is_some_and(|name| name.eq_ignore_ascii_case(kind));
        let given = parts.find_map(|part| part.strip_prefix("q="));
        is_it.then(|| given.map_or(1.0, |given| given.parse().unwrap_or(0.0)))
    };
    accept.split(',').filter_map(of).fold(0.0, f32::max)
}

/// Who wishes something: whoever may come in acts for the one that serves. On whose behalf that is, a program may say
/// (`From`, RFC 9110, section 10.1.2); nobody vouches for it.
pub(super) fn sender_of(house: &House, headers: &HeaderMap) -> Sender {
    let own = &*house.sender;
    let from = headers.get(FROM).map(HeaderValue::as_bytes);
    let from = from.map(|from| clip(&String::from_utf8_lossy(from), NAME));
    let from = from.filter(|from| !from.is_empty());
    Sender {
        who: own.who.clone(),
        actor: from
            .filter(|from| *from != own.who)
            .or_else(|| own.actor.clone()),
        through: "the API".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_for_whoever_asks_for_it() {
        let asks = |accept: &'static str| {
            let headers = [(ACCEPT, HeaderValue::from_static(accept))];
            wants_text(&headers.into_iter().collect())
        };
        assert!(asks("text/plain"));
        assert!(asks("application/json;q=0.1, text/plain;q=0.9"));
        assert!(asks("text/plain, */*"));
        assert!(!asks("text/plain;q=0"));
        assert!(!asks("application/json, text/plain"));
        assert!(!asks("*/*"));
        assert!(!asks("application/json"));
        assert!(!wants_text(&HeaderMap::new()));
    }
}
