//! The API for this user's own programs: on a socket in the state directory, where whoever may open the directory may ask.

use crate::serve::api;
use crate::serve::server::{BODY_MAX, House, missing, not_done};
use axum::extract::DefaultBodyLimit;
use axum::{Router, serve};
use std::fs::{Permissions, remove_file, set_permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use tokio::net::UnixListener;
use tokio_util::sync::CancellationToken;

/// Listens there, in the place of one that is gone. Only who holds the lock of this directory may ask for it.
pub fn listen(socket: &Path) -> io::Result<UnixListener> {
    match remove_file(socket) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let listener = UnixListener::bind(socket)?;
    set_permissions(socket, Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// Answers until `ended` is.
pub async fn run(listener: UnixListener, house: House, ended: CancellationToken) -> io::Result<()> {
    serve(listener, router(house))
        .with_graceful_shutdown(ended.cancelled_owned())
        .await
}

fn router(house: House) -> Router {
    let (api, _) = api::routes().split_for_parts();
    api.with_state(house)
        .fallback(missing)
        .method_not_allowed_fallback(not_done)
        .layer(DefaultBodyLimit::max(BODY_MAX))
}
