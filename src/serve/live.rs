//! What happens, as it happens: server-sent events for pages and programs.
//!
//! After WHATWG HTML, "Server-sent events".

use crate::serve::server::House;
use crate::serve::watched::News;
use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures::{Stream, StreamExt as _};
use std::convert::Infallible;
use std::time::Duration;
use tokio_stream::wrappers::BroadcastStream;

/// How often it is looked whether something happened.
const PACE: Duration = Duration::from_millis(500);
/// How long pages may ask for how it ended.
const LAST_LOOK: Duration = Duration::from_millis(900);
/// A connection that is silent for longer is taken for dead by what stands between.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Tells pages that they are out of date.
pub(super) async fn changes(
    State(house): State<House>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let news = BroadcastStream::new(house.watched.listen());
    let stream = news.filter_map(|news| async move {
        match news {
            Ok(News::Event(_)) => None,
            // Whoever missed some has to look anew as well.
            Ok(News::Changed) | Err(_) => Some(Ok(Event::default().event("changed").data("."))),
        }
    });
    let last = futures::stream::iter([Ok(Event::default().event("ended").data("."))]);
    let stream = stream.take_until(house.ended.cancelled_owned());
    Sse::new(stream.chain(last)).keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
}

/// Tells programs every event from here on, in the shape of `--format json`.
#[utoipa::path(get, path = "/api/events", tag = "events", responses(
    (status = 200, description = "Every event from here on, one `data` line of JSON each, in the shape of `--format json`", content_type = "text/event-stream"),
))]
pub(super) async fn events(
    State(house): State<House>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let news = BroadcastStream::new(house.watched.listen());
    let stream = news.filter_map(|news| async move {
        match news {
            Ok(News::Event(line)) => Some(Ok(Event::default().data(&*line))),
            Ok(News::Changed) => None,
            Err(_) => Some(Ok(Event::default()
                .event("missed")
                .data("some events were missed"))),
        }
    });
    Sse::new(stream.take_until(house.ended.cancelled_owned()))
        .keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
}

/// Tells what is left to tell, and ends the streams.
pub(super) async fn last_words(house: House) {
    let watched = std::sync::Arc::clone(&house.watched);
    let told = tokio::task::spawn_blocking(move || watched.tell()).await;
    if !matches!(told, Ok(Ok(()))) {
        tracing::debug!("the last of it is not told on the dashboard");
    }
    // What was told is on its way before the streams end, and whoever watches has the time to ask for the last of it.
    tokio::time::sleep(PACE / 5).await;
    let is_watched = house.watched.has_listeners();
    house.ended.cancel();
    if is_watched {
        tokio::time::sleep(LAST_LOOK).await;
    }
}

/// Looks for news as long as the server runs.
pub(super) async fn look(house: House) {
    loop {
        tokio::time::sleep(PACE).await;
        let watched = std::sync::Arc::clone(&house.watched);
        match tokio::task::spawn_blocking(move || watched.tell()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the dashboard cannot see what happens"),
            Err(_) => return,
        }
    }
}
