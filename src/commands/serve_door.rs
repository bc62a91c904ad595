//! Where `serve` listens, with which certificate, and what it asks of whoever comes in.

use crate::commands::place::variable;
use crate::config::layers::Source;
use crate::config::loaded::Loaded;
use crate::config::telling::{AuthKind, DashboardAuth};
use crate::config::values::Secret;
use crate::config::variables::{DASHBOARD_PASSWORD, DASHBOARD_TOKEN, is_reference};
use crate::error::{Error, Kind};
use crate::serve::door::{Door, Keys, Password};
use axum_server::tls_rustls::RustlsConfig;
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use tokio::net::TcpListener;

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
pub(super) async fn listen(
    loaded: &Loaded,
    wanted: Option<SocketAddr>,
) -> Result<Listening, Error> {
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
pub(super) fn door(loaded: &Loaded) -> Door {
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
pub(super) fn is_plain(loaded: &Loaded) -> bool {
    let auth = &loaded.config.dashboard.auth;
    let values = loaded.values();
    let written = values.iter().find(|it| it.key == "dashboard.auth.password");
    auth.enabled
        && auth.password_hash.is_none()
        && auth.kind != AuthKind::Token
        && written.is_some_and(|it| it.source == Source::File && !is_reference(&it.value))
}
