//! `serve`, and `--dashboard`: the pages of what stands in the store, on an address of this machine.

use crate::adapters::daemon_api;
use crate::adapters::machine::Machine;
use crate::adapters::store::open::Store;
use crate::adapters::systemd;
use crate::cli::serve::ServeArgs;
use crate::commands::daemon::hook::hook;
use crate::commands::daemon::rounds::Daemon;
use crate::commands::place::{Place, variable};
use crate::commands::signals::Signals;
use crate::commands::store::open;
use crate::commands::wire::Wiring;
use crate::config::layers::Source;
use crate::config::loaded::{Loaded, Overrides};
use crate::config::telling::{AuthKind, DashboardAuth};
use crate::config::values::Secret;
use crate::config::variables::{DASHBOARD_PASSWORD, DASHBOARD_TOKEN, is_reference};
use crate::error::{Error, Kind};
use crate::reporters::shape::VERSION;
use crate::rules::exit::Exit;
use crate::serve::desk::{Configured, Desk};
use crate::serve::door::{Door, Keys, Password};
use crate::serve::server::{self, House};
use crate::serve::settings::settings_of;
use crate::serve::socket;
use crate::serve::watched::Watched;
use axum_server::tls_rustls::RustlsConfig;
use serde_json::json;
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, UnixListener};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Ports that are tried where the usual one is taken.
const NEXT_PORTS: u16 = 20;

/// Who comes in with a password of the environment, where the configuration names nobody.
pub const USUAL_NAME: &str = "autoissue";

/// Who watches is waited for so long at the end.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Watches the projects, and serves what stands in the store, until it is asked to end.
pub async fn run(place: &Place, args: &ServeArgs) -> Result<Exit, Error> {
    let loaded = Arc::new(place.load(&Overrides::default())?);
    let state = place.state_dir()?;
    let store = open(&state)?;
    // Of two that watch, each would begin what the other has begun already.
    let _alone = store.lock_serving()?;
    place.open_log(&loaded, &state);
    // Outside of a checkout the sessions themselves tell which repository is meant.
    let project = Wiring::new(place, &Overrides::default()).map(|wiring| wiring.project_key());
    let mut signals = Signals::hear().ok_or_else(|| {
        Error::new(Kind::Files, "serve").cause("signals cannot be heard: it could not be ended")
    })?;
    let tls = tls(&loaded).await?;
    let (listener, address, note) = listen(&loaded, args.listen).await?;
    say(place, &loaded, address, note)?;
    let (desk, asked) = Desk::new(hook(&loaded, Vec::new(), Vec::new()));
    desk.configure(Configured {
        settings: settings_of(&loaded).into(),
        ..Configured::default()
    });
    let socket = by_socket(&state);
    let machine = Arc::new(Machine::new(vec![state]));
    let door = door(&loaded);
    let daemon = Daemon::new(
        (place.clone(), Arc::clone(&loaded)),
        store.clone(),
        Arc::clone(&desk),
        machine,
    );
    let watched = Arc::new(Watched::new(store));
    let house = House::new(watched, project.ok().as_deref()).called(place.calling());
    let house = house.with_desk(desk);
    let ended = CancellationToken::new();
    let here = socket.map(|socket| tokio::spawn(socket::run(socket, house.clone(), ended.clone())));
    let over = ended.clone().cancelled_owned();
    let serving = tokio::spawn(server::run((listener, tls), house, door, over));
    systemd::say(systemd::Says::Ready);
    Box::pin(daemon.run(asked, &mut signals)).await;
    systemd::say(systemd::Says::Ending);
    ended.cancel();
    if let Ok(Ok(served)) = tokio::time::timeout(LAST_WORDS, serving).await {
        served.map_err(|cause| Error::new(Kind::Files, "serve").because(&cause))?;
    } else {
        tracing::debug!("somebody who watches takes too long");
    }
    here.iter().for_each(JoinHandle::abort);
    Ok(Exit::Done)
}

/// Where commands of this user ask the daemon. Without one they use the state directory, which comes to the same.
fn by_socket(state: &Path) -> Option<UnixListener> {
    match socket::listen(&daemon_api::socket(state)) {
        Ok(listener) => Some(listener),
        Err(error) => {
            tracing::warn!(%error, "commands cannot ask by the socket of this state directory");
            None
        }
    }
}

/// A dashboard beside a session.
pub struct Beside {
    ended: CancellationToken,
    serving: JoinHandle<()>,
}

impl Beside {
    /// Tells those who watch the last of it, and ends.
    pub async fn end(self) {
        self.ended.cancel();
        let ended = tokio::time::timeout(LAST_WORDS, self.serving).await;
        if ended.is_err() {
            tracing::debug!("somebody who watches the dashboard takes too long");
        }
    }
}

/// Serves as long as a session runs, where that is wanted. One that cannot be served is told, and holds nothing up.
pub async fn beside(
    place: &Place,
    wiring: &Wiring,
    store: &Store,
) -> Result<Option<Beside>, Error> {
    if !wiring.loaded.config.dashboard.enabled {
        return Ok(None);
    }
    let ready = async {
        Ok((
            tls(&wiring.loaded).await?,
            listen(&wiring.loaded, None).await?,
        ))
    };
    let (tls, (listener, address, note)) = match ready.await {
        Ok(ready) => ready,
        Err(error) => {
            let error: Error = error;
            place.output.error(&error)?;
            return Ok(None);
        }
    };
    say(place, &wiring.loaded, address, note)?;
    let ended = CancellationToken::new();
    let house = House::new(
        Arc::new(Watched::new(store.clone())),
        Some(&wiring.project_key()),
    )
    .showing(&wiring.loaded);
    let over = ended.clone().cancelled_owned();
    let door = door(&wiring.loaded);
    let serving = tokio::spawn(async move {
        if let Err(error) = server::run((listener, tls), house, door, over).await {
            tracing::warn!(%error, "the dashboard ended");
        }
    });
    Ok(Some(Beside { ended, serving }))
}

fn say(
    place: &Place,
    loaded: &Loaded,
    address: SocketAddr,
    note: Option<String>,
) -> Result<(), Error> {
    let plain = is_plain(loaded).then(|| {
        "dashboard.auth.password stands in the configuration as itself; `autoissue config hash-password` makes a passwordHash, and \
         AUTOISSUE_DASHBOARD_PASSWORD is read as well"
            .to_owned()
    });
    for note in [note, plain].into_iter().flatten() {
        let event = json!({ "v": VERSION, "event": "note", "about": "dashboard", "text": note });
        place.output.note(&format!("note: {note}\n"), &event)?;
    }
    let scheme = loaded.config.serve.tls.as_ref().map_or("http", |_| "https");
    let url = format!("{scheme}://{address}/");
    let event = json!({ "v": VERSION, "event": "serving", "url": url });
    place.output.note(&format!("Dashboard: {url}\n"), &event)
}

/// The certificate of the configuration, where there is one.
async fn tls(loaded: &Loaded) -> Result<Option<RustlsConfig>, Error> {
    let Some(tls) = &loaded.config.serve.tls else {
        return Ok(None);
    };
    let (cert, key) = (loaded.resolve(&tls.cert), loaded.resolve(&tls.key));
    let read = RustlsConfig::from_pem_file(&cert, &key).await;
    read.map(Some).map_err(|cause| {
        let files = format!("{} and {}", cert.display(), key.display());
        Error::new(Kind::Config, format!("serve over TLS with {files}"))
            .because(&cause)
            .hints(["serve.tls names a chain of certificates (cert) and its private key (key), both as PEM"])
    })
}

type Listening = (TcpListener, SocketAddr, Option<String>);

/// Listens where it was said, else on the configured port of this machine, else on one of the next.
async fn listen(loaded: &Loaded, wanted: Option<SocketAddr>) -> Result<Listening, Error> {
    let config = &loaded.config.dashboard;
    let usual = u16::try_from(config.port.get()).unwrap_or(3030);
    let is_set = wanted.is_some() || loaded.is_set("dashboard.port");
    let first = wanted.unwrap_or_else(|| SocketAddr::from((Ipv4Addr::LOCALHOST, usual)));
    if !is_here(first.ip()) && !is_locked(&config.auth) {
        return Err(Error::new(Kind::Config, format!("serve on {first}"))
            .cause("others can reach it there, and it asks for no credentials")
            .hints([
                "set dashboard.auth (enabled, type, and username with passwordHash, or token)",
                "or serve on 127.0.0.1",
            ]));
    }
    let last = if is_set || first.port() == 0 {
        0
    } else {
        NEXT_PORTS
    };
    for more in 0..=last {
        let address = SocketAddr::new(first.ip(), first.port().saturating_add(more));
        match TcpListener::bind(address).await {
            Ok(listener) => {
                let bound = listener.local_addr().unwrap_or(address);
                let note = (more > 0).then(|| format!("port {} is in use", first.port()));
                return Ok((listener, bound, note));
            }
            Err(cause) if cause.kind() == ErrorKind::AddrInUse && more < last => {}
            Err(cause) => return Err(taken(address, &cause)),
        }
    }
    unreachable!("the last of them returns")
}

fn taken(address: SocketAddr, cause: &std::io::Error) -> Error {
    let hint = if cause.kind() == ErrorKind::AddrInUse {
        "another program has that port; choose one with --listen or dashboard.port (0 takes any)"
    } else {
        "choose an address of this machine with --listen"
    };
    Error::new(Kind::Files, format!("listen on {address}"))
        .because(cause)
        .hints([hint])
}

fn is_here(address: IpAddr) -> bool {
    address.is_loopback()
}

/// Credentials of the environment count by themselves: who sets them does not mean everybody to come in.
fn is_locked(auth: &DashboardAuth) -> bool {
    auth.enabled || own(DASHBOARD_TOKEN).is_some() || own(DASHBOARD_PASSWORD).is_some()
}

fn own(name: &str) -> Option<String> {
    variable(name).filter(|value| !value.is_empty())
}

/// Asks for what the configuration says, and for what the environment holds.
fn door(loaded: &Loaded) -> Door {
    let auth = &loaded.config.dashboard.auth;
    let keys = is_locked(auth).then(|| keys(auth));
    Door::new(keys, loaded.config.dashboard.hosts.clone())
}

/// The environment goes before the hash, and the hash before a password that stands in the file.
fn keys(auth: &DashboardAuth) -> Keys {
    let has = |kinds: [AuthKind; 2]| auth.enabled && kinds.contains(&auth.kind);
    let by_variable = own(DASHBOARD_PASSWORD).is_some();
    let hash = auth.password_hash.as_ref().filter(|_| !by_variable);
    let hash = hash.map(|hash| Password::Hashed(hash.expose().to_owned()));
    let password = hash.or_else(|| auth.password.clone().map(Password::Plain));
    let password = password.filter(|_| by_variable || has([AuthKind::Basic, AuthKind::Both]));
    let name = auth.username.as_deref().unwrap_or(USUAL_NAME);
    let by_variable = own(DASHBOARD_TOKEN).is_some();
    let token = auth.token.as_ref().map(Secret::expose);
    let token = token.filter(|_| by_variable || has([AuthKind::Token, AuthKind::Both]));
    Keys::new(password.map(|password| (name, password)), token)
}

/// Does a password stand in the file as itself, and is it used?
fn is_plain(loaded: &Loaded) -> bool {
    let auth = &loaded.config.dashboard.auth;
    let values = loaded.values();
    let written = values.iter().find(|it| it.key == "dashboard.auth.password");
    auth.enabled
        && auth.password_hash.is_none()
        && auth.kind != AuthKind::Token
        && written.is_some_and(|it| it.source == Source::File && !is_reference(&it.value))
}
