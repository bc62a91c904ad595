//! `serve`, and `--dashboard`: the pages of what stands in the store, on an address of this machine.

use crate::adapters::daemon_api;
use crate::adapters::machine::Machine;
use crate::adapters::store::open::Store;
use crate::adapters::systemd;
use crate::cli::serve::ServeArgs;
use crate::commands::daemon::entry::Entry;
use crate::commands::daemon::hook::hook;
use crate::commands::daemon::rounds::Daemon;
use crate::commands::place::Place;
use crate::commands::serve_door::{blank, door, is_plain, listen, tls};
use crate::commands::signals::Signals;
use crate::commands::store::open;
use crate::commands::wire::Wiring;
use crate::config::loaded::{Loaded, Overrides};
use crate::error::{Error, Kind};
use crate::reporters::shape::VERSION;
use crate::rules::exit::Exit;
use crate::serve::desk::{Configured, Desk};
use crate::serve::doorway::Doorway;
use crate::serve::server::{self, House};
use crate::serve::settings::settings_of;
use crate::serve::socket;
use crate::serve::watched::Watched;
use serde_json::json;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::UnixListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

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
    let mut signals = Signals::hear().ok_or_else(|| {
        Error::new(Kind::Files, "serve").cause("signals cannot be heard: it could not be ended")
    })?;
    let tls = tls(&loaded).await?;
    let (listener, address, note) = listen(&loaded, args.listen.as_deref()).await?;
    say(place, &loaded, address, note)?;
    let (desk, asked) = Desk::new(hook(&loaded, Vec::new(), Vec::new()));
    desk.configure(Configured {
        settings: settings_of(&loaded).into(),
        ..Configured::default()
    });
    let socket = by_socket(&state);
    let machine = Arc::new(Machine::new(vec![state]));
    let entry = Entry::new(&loaded, address, tls.clone());
    let doorway = entry.doorway();
    let daemon = Daemon::new(
        (place.clone(), Arc::clone(&loaded)),
        store.clone(),
        (Arc::clone(&desk), entry),
        machine,
    );
    let watched = Arc::new(Watched::new(store));
    let house = House::new(watched).called(place.calling());
    let house = house.with_desk(desk);
    let ended = CancellationToken::new();
    let here = socket.map(|socket| tokio::spawn(socket::run(socket, house.clone(), ended.clone())));
    let over = ended.clone().cancelled_owned();
    let serving = tokio::spawn(server::run((listener, tls), house, doorway, over));
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
    let house = House::new(Arc::new(Watched::new(store.clone()))).showing(&wiring.loaded);
    let over = ended.clone().cancelled_owned();
    let doorway = Doorway::new(door(&wiring.loaded));
    let serving = tokio::spawn(async move {
        if let Err(error) = server::run((listener, tls), house, doorway, over).await {
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
    let blank = blank().map(|name| format!("{name} is blank, which counts as not set"));
    for note in [note, plain, blank].into_iter().flatten() {
        let event = json!({ "v": VERSION, "event": "note", "about": "dashboard", "text": note });
        place.output.note(&format!("note: {note}\n"), &event)?;
    }
    let scheme = loaded.config.serve.tls.as_ref().map_or("http", |_| "https");
    let url = format!("{scheme}://{address}/");
    let event = json!({ "v": VERSION, "event": "serving", "url": url });
    place.output.note(&format!("Dashboard: {url}\n"), &event)
}
