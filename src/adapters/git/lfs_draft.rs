//! A large file on its way into the store: it is kept once it is what its pointer says.

use super::lfs::{copied, hex};
use crate::rules::lfs::Pointer;
use crate::rules::printable::clip;
use reqwest::RequestBuilder;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::path::{Path, PathBuf};
use tokio::io::AsyncWriteExt;

/// How much of what went wrong is told.
const WORDS: usize = 200;

/// An object on its way into the store.
pub(super) struct Draft<'a> {
    to: PathBuf,
    at: PathBuf,
    pointer: &'a Pointer,
}

impl<'a> Draft<'a> {
    /// Nothing of it is there yet; `to` is where it is kept.
    pub(super) fn new(to: PathBuf, pointer: &'a Pointer) -> Self {
        let at = to.with_extension(uuid::Uuid::new_v4().simple().to_string());
        Self { to, at, pointer }
    }

    /// Copies it from a store on this machine.
    pub(super) async fn take(&self, from: &Path) -> Result<(), String> {
        let (from, draft) = (from.to_owned(), self.at.clone());
        let most = self.pointer.size + 1;
        let copying = tokio::task::spawn_blocking(move || {
            let missing = |_| "the checkout does not have it: run `git lfs fetch --all`".to_owned();
            let from = File::open(from).map_err(missing)?;
            let copying = File::create_new(draft).and_then(|mut to| copied(from, &mut to, most));
            copying.map_err(|cause| cause.to_string())
        });
        let oid = copying.await.map_err(|cause| cause.to_string())??;
        self.end(&oid).await
    }

    /// Fetches it.
    pub(super) async fn receive(&self, request: RequestBuilder) -> Result<(), String> {
        let mut response = request.send().await.map_err(|cause| whole(&cause))?;
        if response.status() != 200 {
            return Err(format!("the store says {}", response.status()));
        }
        let mut draft = self.begin().await?;
        let (mut digest, mut count) = (Sha256::new(), 0);
        while let Some(chunk) = response.chunk().await.map_err(|cause| whole(&cause))? {
            count += chunk.len() as u64;
            if count > self.pointer.size {
                return Err("it is longer than its pointer says".to_owned());
            }
            digest.update(&chunk);
            draft
                .write_all(&chunk)
                .await
                .map_err(|cause| cause.to_string())?;
        }
        draft.flush().await.map_err(|cause| cause.to_string())?;
        drop(draft);
        self.end(&hex(&digest.finalize())).await
    }

    async fn begin(&self) -> Result<tokio::fs::File, String> {
        let made = tokio::fs::File::create_new(&self.at).await;
        made.map_err(|cause| cause.to_string())
    }

    async fn end(&self, oid: &str) -> Result<(), String> {
        if oid != self.pointer.oid {
            return Err("what came is not what its pointer says".to_owned());
        }
        let moved = tokio::fs::rename(&self.at, &self.to).await;
        moved.map_err(|cause| cause.to_string())
    }
}

impl Drop for Draft<'_> {
    fn drop(&mut self) {
        // Once it is kept there is no draft any more.
        let _ = std::fs::remove_file(&self.at);
    }
}

/// What went wrong, and below it; without the URL, which may hold what lets whoever has it in.
pub(super) fn whole(cause: &reqwest::Error) -> String {
    let mut words = if cause.is_timeout() {
        "no answer in time"
    } else {
        "the connection failed"
    }
    .to_owned();
    let mut next = std::error::Error::source(cause);
    while let Some(cause) = next {
        words = format!("{words}: {cause}");
        next = cause.source();
    }
    clip(&words, WORDS)
}
