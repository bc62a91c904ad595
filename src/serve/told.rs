//! What a command would answer, answered to a program: as JSON, or as the lines that a person reads.

use crate::commands::answer::Answer;
use crate::rules::printable::clip;
use crate::rules::sender::Sender;
use crate::serve::server::House;
use axum::Json;
use axum::http::HeaderMap;
use axum::http::header::{ACCEPT, FROM};
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

/// Are lines for a person asked for?
pub(super) fn wants_text(headers: &HeaderMap) -> bool {
    let wanted = headers.get(ACCEPT).and_then(|value| value.to_str().ok());
    let mut kinds = wanted.unwrap_or_default().split(',');
    kinds.any(|kind| {
        kind.split(';')
            .next()
            .is_some_and(|kind| kind.trim() == "text/plain")
    })
}

/// Who wishes something: whoever may come in acts for the one that serves. On whose behalf that is, a program may say
/// (`From`, RFC 9110, section 10.1.2); nobody vouches for it.
pub(super) fn sender_of(house: &House, headers: &HeaderMap) -> Sender {
    let own = &*house.sender;
    let from = headers.get(FROM).and_then(|value| value.to_str().ok());
    let from = from
        .map(|from| clip(from, NAME))
        .filter(|from| !from.is_empty());
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
    use axum::http::HeaderValue;

    #[test]
    fn text_is_for_whoever_asks_for_it() {
        let asks = |accept: &'static str| {
            let headers = [(ACCEPT, HeaderValue::from_static(accept))];
            wants_text(&headers.into_iter().collect())
        };
        assert!(asks("text/plain"));
        assert!(asks("application/json;q=0.1, text/plain;q=0.9"));
        assert!(!asks("*/*"));
        assert!(!asks("application/json"));
        assert!(!wants_text(&HeaderMap::new()));
    }
}
