//! Where `serve` listens, with which certificate, and what it asks of whoever comes in.

use crate::commands::place::variable;
use crate::config::containing::{Isolation, Network};
use crate::config::layers::Source;
use crate::config::loaded::Loaded;
use crate::config::serving::Range;
use crate::config::telling::{AuthKind, DashboardAuth};
use crate::config::values::Secret;
use crate::config::variables::{DASHBOARD_PASSWORD, DASHBOARD_TOKEN, is_reference};
use crate::error::{Error, Kind};
use crate::serve::door::{Door, Keys, Password};
use axum_server::tls_rustls::RustlsConfig;
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use tokio::net::{TcpListener, lookup_host};

/// Ports that are tried where the usual one is taken.
const NEXT_PORTS: u16 = 20;

/// Who comes in with a password of the environment, where the configuration names nobody.
pub const USUAL_NAME: &str = "autoissue";

/// The certificate of the configuration, where there is one.
pub(super) async fn tls(loaded: &Loaded) -> Result<Option<RustlsConfig>, Error> {
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

pub(super) type Listening = (TcpListener, SocketAddr, Option<String>);

/// Listens where it was said, else on the configured port of this machine, else on one of the next.
pub(super) async fn listen(loaded: &Loaded, wanted: Option<&str>) -> Result<Listening, Error> {
    let config = &loaded.config.dashboard;
    let usual = u16::try_from(config.port.get()).unwrap_or(3030);
    let last = if loaded.is_set("dashboard.port") {
        0
    } else {
        NEXT_PORTS
    };
    let of_this_machine = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let addresses: Vec<SocketAddr> = match wanted {
        Some(wanted) => resolved(wanted).await?,
        None => (0..=last)
            .map(|more| of_this_machine(usual.saturating_add(more)))
            .collect(),
    };
    for address in &addresses {
        check_locked(*address, loaded)?;
    }
    let mut refused = None;
    for (at, address) in addresses.iter().enumerate() {
        match TcpListener::bind(address).await {
            Ok(listener) => {
                let bound = listener.local_addr().unwrap_or(*address);
                let note = (at > 0 && wanted.is_none()).then(|| format!("port {usual} is in use"));
                return Ok((listener, bound, note));
            }
            Err(cause) => {
                // Of one's own ports the next is tried where one is taken; of a name's addresses in any case.
                let is_over = wanted.is_none() && cause.kind() != ErrorKind::AddrInUse;
                refused = Some(taken(*address, &cause));
                if is_over {
                    break;
                }
            }
        }
    }
    Err(refused.unwrap_or_else(|| Error::new(Kind::Files, "listen")))
}

/// All addresses of a name, in order; an address is itself.
async fn resolved(wanted: &str) -> Result<Vec<SocketAddr>, Error> {
    let unknown = || {
        Error::new(Kind::Files, format!("listen on {wanted}"))
            .hints(["name an address of this machine with --listen, such as 127.0.0.1:3030"])
    };
    let found = lookup_host(wanted).await;
    let found: Vec<SocketAddr> = found.map_err(|cause| unknown().because(&cause))?.collect();
    if found.is_empty() {
        return Err(unknown().cause("that name has no address"));
    }
    Ok(found)
}

/// Where others can reach it, or agents that are to stay in their box, it asks for credentials.
pub(super) fn check_locked(address: SocketAddr, loaded: &Loaded) -> Result<(), Error> {
    let sandbox = &loaded.config.sandbox;
    let is_reached_by_agents =
        sandbox.network == Network::Open && sandbox.isolation != Isolation::None;
    let is_here = is_here(address.ip());
    if is_locked(&loaded.config.dashboard.auth) || (is_here && !is_reached_by_agents) {
        return Ok(());
    }
    let (cause, other) = if is_here {
        (
            "agents can reach it there (sandbox.network is open), and it asks for no credentials",
            "or leave sandbox.network at `proxy`, with sandbox.hosts",
        )
    } else {
        (
            "others can reach it there, and it asks for no credentials",
            "or serve on 127.0.0.1",
        )
    };
    let blank = blank().map(|name| format!("{name} is blank, which counts as not set"));
    let hints = blank.into_iter().chain([
        "set dashboard.auth (enabled, type, and username with passwordHash, or token)".to_owned(),
        other.to_owned(),
    ]);
    Err(Error::new(Kind::Config, format!("serve on {address}"))
        .cause(cause)
        .hints(hints))
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
    address.to_canonical().is_loopback()
}

/// Credentials of the environment count by themselves: who sets them does not mean everybody to come in.
fn is_locked(auth: &DashboardAuth) -> bool {
    auth.enabled || own(DASHBOARD_TOKEN).is_some() || own(DASHBOARD_PASSWORD).is_some()
}

/// What a variable holds; blanks alone are nothing that anybody could be asked for.
fn own(name: &str) -> Option<String> {
    variable(name).filter(|value| !value.trim().is_empty())
}

/// Which of the variables holds blanks alone, where one does.
pub(super) fn blank() -> Option<&'static str> {
    let is_blank = |name: &&str| {
        variable(name).is_some_and(|value| !value.is_empty() && value.trim().is_empty())
    };
    [DASHBOARD_TOKEN, DASHBOARD_PASSWORD]
        .into_iter()
        .find(is_blank)
}

/// Asks for what the configuration says, and for what the environment holds.
pub(super) fn door(loaded: &Loaded) -> Door {
    let auth = &loaded.config.dashboard.auth;
    let keys = is_locked(auth).then(|| keys(auth));
    let proxies = loaded.config.serve.trusted_proxies.iter();
    let proxies = proxies.map(Range::addresses).collect();
    Door::new(keys, loaded.config.dashboard.hosts.clone()).behind(proxies)
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
pub(super) fn is_plain(loaded: &Loaded) -> bool {
    let auth = &loaded.config.dashboard.auth;
    let values = loaded.values();
    let written = values.iter().find(|it| it.key == "dashboard.auth.password");
    auth.enabled
        && auth.password_hash.is_none()
        && auth.kind != AuthKind::Token
        && written.is_some_and(|it| it.source == Source::File && !is_reference(&it.value))
}
