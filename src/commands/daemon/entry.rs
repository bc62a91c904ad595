//! The way into a running `serve`: credentials, names and certificate are taken up anew with the configuration, or not at all.

use crate::commands::serve_door::{check_locked, door, tls};
use crate::config::loaded::Loaded;
use crate::error::Error;
use crate::serve::doorway::Doorway;
use axum_server::tls_rustls::RustlsConfig;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::SystemTime;
use tokio::runtime::Handle;
use tokio::task::block_in_place;

/// What stands between the server and whoever comes.
pub struct Entry {
    address: SocketAddr,
    tls: Option<RustlsConfig>,
    doorway: Arc<Doorway>,
    files: Files,
}

/// When the certificate and its key were last written.
type Files = [Option<SystemTime>; 2];

impl Entry {
    /// The one that this configuration makes, where the server listens there.
    #[must_use]
    pub fn new(loaded: &Loaded, address: SocketAddr, tls: Option<RustlsConfig>) -> Self {
        Self {
            address,
            tls,
            doorway: Doorway::new(door(loaded)),
            files: written(loaded),
        }
    }

    /// Where its door is, for the server.
    #[must_use]
    pub fn doorway(&self) -> Arc<Doorway> {
        Arc::clone(&self.doorway)
    }

    /// Were the files of the certificate written since this was last asked?
    pub(super) fn is_outdated(&mut self, loaded: &Loaded) -> bool {
        let before = std::mem::replace(&mut self.files, written(loaded));
        before != self.files
    }

    /// Takes up what this configuration says; one that would let everybody in, or has no sound certificate, changes nothing.
    pub(super) fn renew(&mut self, loaded: &Loaded) -> Result<(), Error> {
        check_locked(self.address, loaded)?;
        // Whether it serves over TLS at all was decided at the start.
        if let Some(own) = &self.tls {
            let files = written(loaded);
            let read = block_in_place(|| Handle::current().block_on(tls(loaded)))?;
            if let Some(read) = read {
                own.reload_from_config(read.get_inner());
                self.files = files;
            }
        }
        self.doorway.exchange(door(loaded));
        Ok(())
    }
}

fn written(loaded: &Loaded) -> Files {
    let tls = loaded.config.serve.tls.as_ref();
    let files = tls.map(|tls| [&tls.cert, &tls.key]);
    let written = |file| std::fs::metadata(loaded.resolve(file)).and_then(|it| it.modified());
    files.map_or([None, None], |files| files.map(|file| written(file).ok()))
}
