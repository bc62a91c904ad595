//! The server: its routes, the headers of every answer, and how it ends.

use crate::commands::sender::sender;
use crate::config::loaded::Loaded;
use crate::engine::clock::SteadyClock;
use crate::ports::Clock as _;
use crate::reporters::next::Calling;
use crate::rules::ids::{IssueNumber, Timestamp};
use crate::rules::sender::Sender;
use crate::serve::bounds::{Places, impatient, whole_body};
use crate::serve::desk::Desk;
use crate::serve::door::guard;
use crate::serve::doorway::Doorway;
use crate::serve::pages::{IssuePage, SaidPage, SessionPage, Shown};
use crate::serve::problem::Problem;
use crate::serve::settings::{Setting, settings_of};
use crate::serve::watched::Watched;
use crate::serve::{
    acts, api, budget, described, figures, graph, live, projects, prometheus, settings, story,
    timeline, webhook,
};
use askama::Template;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Path, Query, Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{Html, IntoResponse as _, Response};
use axum::routing::{get, post};
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use axum_server::{Handle, Server};
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Over TLS what is asked already is answered within this.
const LAST_ANSWERS: Duration = Duration::from_secs(1);
/// A form or a question is no longer.
pub(super) const BODY_MAX: usize = 256 << 10;
/// Nothing but what this server sends: no other site's script, style, picture or frame.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
     form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// All that answers are made from.
#[derive(Clone)]
pub struct House {
    /// What stands in the store.
    pub watched: Arc<Watched>,
    /// The configuration of whoever serves.
    pub(super) settings: Arc<[Setting]>,
    pub(super) clock: Arc<SteadyClock>,
    /// As whom wishes are sent: whoever may come in acts for the one that serves.
    pub(super) sender: Arc<Sender>,
    /// How this program is called where it serves.
    pub(super) calling: Calling,
    /// Streams end with the server.
    pub(super) ended: CancellationToken,
    /// Where projects are watched, if they are.
    pub(super) desk: Option<Arc<Desk>>,
}

impl House {
    /// One that tells what this knows.
    #[must_use]
    pub fn new(watched: Arc<Watched>) -> Self {
        Self {
            watched,
            settings: Arc::default(),
            clock: Arc::new(SteadyClock::start()),
            sender: Arc::new(Sender {
                through: "the dashboard".to_owned(),
                ..sender()
            }),
            calling: Calling::default(),
            ended: CancellationToken::new(),
            desk: None,
        }
    }

    /// The same, where projects are watched.
    #[must_use]
    pub fn with_desk(self, desk: Arc<Desk>) -> Self {
        let desk = Some(desk);
        Self { desk, ..self }
    }

    /// The same, where this program is called like this.
    #[must_use]
    pub fn called(self, calling: Calling) -> Self {
        Self { calling, ..self }
    }

    /// One that shows this configuration as well.
    #[must_use]
    pub fn showing(mut self, loaded: &Loaded) -> Self {
        self.settings = settings_of(loaded).into();
        self
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

/// Serves until `ended` is; then what is asked already is answered. Over TLS where there is a certificate.
pub async fn run(
    (listener, tls): (TcpListener, Option<RustlsConfig>),
    house: House,
    doorway: Arc<Doorway>,
    ended: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let looking = tokio::spawn(live::look(house.clone()));
    let last = house.clone();
    let service = router(house, doorway).into_make_service_with_connect_info::<SocketAddr>();
    let over = async move {
        ended.await;
        looking.abort();
        live::last_words(last).await;
    };
    let handle = Handle::new();
    let (ending, last) = (handle.clone(), tls.is_some().then_some(LAST_ANSWERS));
    tokio::spawn(async move {
        over.await;
        ending.graceful_shutdown(last);
    });
    let server = impatient(Server::from_listener(Places::new(listener))).handle(handle);
    match tls {
        None => server.serve(service).await,
        Some(tls) => {
            let server = server.acceptor(RustlsAcceptor::new(tls));
            server.serve(service).await
        }
    }
}

/// Everything that can be asked.
pub fn router(house: House, doorway: Arc<Doorway>) -> Router {
    let hooks = house
        .desk
        .as_ref()
        .map(|desk| webhook::routes(Arc::clone(desk), house.watched.store().clone()));
    let (api, description) = api::routes().split_for_parts();
    let description = Arc::new(described::document(&description));
    let pages = Router::new()
        .route("/", get(overview))
        .route("/sessions/{session}", get(session))
        .route("/sessions/{session}/issues/{issue}", get(issue))
        .route("/timeline", get(timeline::timeline))
        .route("/budget", get(budget::budget))
        .route("/settings", get(settings::settings))
        .route("/graph", get(graph::graph))
        .route("/figures", get(figures::show))
        .route("/figures.csv", get(figures::csv))
        .route("/figures.json", get(figures::json))
        .route("/metrics", get(prometheus::scrape))
        .route("/act", post(acts::act))
        .route("/projects", get(projects::all).post(projects::act))
        .route("/projects/{name}", get(projects::one))
        .route("/live", get(live::changes))
        .route("/api/docs", get(api::viewer))
        .route("/api/openapi.json", get(api::description))
        .layer(axum::Extension(description))
        .merge(api)
        .with_state(house);
    let assets = Router::new()
        .route(
            "/assets/page.css",
            get(async || asset("text/css", include_str!("assets/page.css"))),
        )
        .route(
            "/assets/live.js",
            get(async || asset("text/javascript", include_str!("assets/live.js"))),
        )
        .route("/health", get(|| async { "ok\n" }));
    pages
        .merge(assets)
        .fallback(missing)
        .method_not_allowed_fallback(not_done)
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .layer(from_fn(whole_body))
        .layer(from_fn_with_state(doorway, guard))
        // A webhook has no credentials and any name: its signature is what lets it in.
        .merge(hooks.unwrap_or_default())
        .layer(from_fn(with_headers))
}

/// Nobody asks for it like this.
pub(super) async fn not_done() -> Problem {
    let why = "that is not done with it";
    Problem::of(StatusCode::METHOD_NOT_ALLOWED, why)
}

/// Nothing is there: told to programs as any other problem.
pub(super) async fn missing(request: Request) -> Response {
    let path = request.uri().path();
    if path == "/api" || path.starts_with("/api/") {
        return Problem::not_found().into_response();
    }
    let said = SaidPage {
        title: "There is no such page".to_owned(),
        words: "It may have been of a session whose events were removed, because it is old."
            .to_owned(),
    };
    (StatusCode::NOT_FOUND, page(&said)).into_response()
}

/// What every answer says to browsers.
async fn with_headers(request: Request, next: Next) -> Response {
    let mut answer = next.run(request).await;
    let headers = answer.headers_mut();
    let fixed = [
        (HeaderName::from_static("content-security-policy"), POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // Without any a browser says of no form where it comes from (`Origin: null`), and none of ours would be taken.
        (HeaderName::from_static("referrer-policy"), "same-origin"),
        (HeaderName::from_static("x-frame-options"), "DENY"),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers
        .entry(CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    answer
}

fn asset(kind: &'static str, text: &'static str) -> Response {
    let kind =
        HeaderValue::from_str(&format!("{kind}; charset=utf-8")).expect("a kind is a header");
    let cached = HeaderValue::from_static("max-age=300");
    ([(CONTENT_TYPE, kind), (CACHE_CONTROL, cached)], text).into_response()
}

/// A page, as its template makes it.
pub(super) fn page(template: &impl Template) -> Response {
    match template.render() {
        Ok(html) => Html(html).into_response(),
        Err(error) => {
            tracing::error!(%error, "a page could not be made");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

async fn overview(
    State(house): State<House>,
    Query(shown): Query<Shown>,
) -> Result<Response, Problem> {
    blocking(house, move |house| {
        let rows = house.watched.sessions()?;
        let newest = rows.iter().find(|row| !row.pruned);
        let now = house.now();
        let made = match newest {
            Some(row) => house
                .watched
                .look(row, |seen| SessionPage::new(Some(seen), &rows, &shown, now))?,
            None => SessionPage::new(None, &rows, &shown, now),
        };
        Ok(page(&made))
    })
    .await
}

async fn session(
    State(house): State<House>,
    Path(name): Path<String>,
    Query(shown): Query<Shown>,
) -> Result<Response, Problem> {
    blocking(house, move |house| {
        let row = house.found(&name)?;
        let now = house.now();
        let made = house
            .watched
            .look(&row, |seen| SessionPage::new(Some(seen), &[], &shown, now))?;
        Ok(page(&made))
    })
    .await
}

async fn issue(
    State(house): State<House>,
    Path((name, number)): Path<(String, u64)>,
) -> Result<Response, Problem> {
    let issue = IssueNumber(number);
    let found = blocking(house.clone(), move |house| {
        let row = house.found(&name)?;
        let told = story::told(&house.watched, &row, issue)?;
        Ok((row, told))
    });
    let (row, told) = found.await?;
    let store = house.watched.store().clone();
    let said = story::conversation(store, row.id.clone(), issue).await;
    blocking(house, move |house| {
        let now = house.now();
        let made = house
            .watched
            .look(&row, |seen| IssuePage::new(seen, issue, told, said, now))?;
        made.map(|made| page(&made)).ok_or_else(Problem::not_found)
    })
    .await
}

/// The store is read where it holds nobody up.
pub(super) async fn blocking<T: Send + 'static>(
    house: House,
    work: impl FnOnce(&House) -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    let done = tokio::task::spawn_blocking(move || work(&house)).await;
    done.unwrap_or_else(|_| Err(Problem::internal("an answer could not be made")))
}

impl House {
    /// The session of this name; one whose events are gone is there no more.
    pub(super) fn found(
        &self,
        name: &str,
    ) -> Result<crate::adapters::store::sessions::SessionRow, Problem> {
        let row = self.watched.session(name)?;
        row.filter(|row| !row.pruned).ok_or_else(Problem::not_found)
    }
}
