//! A file that keeps a program's raw output, up to a size.

use std::io;
use std::path::{Path, PathBuf};
use tokio::fs::{self, File, OpenOptions};
use tokio::io::AsyncWriteExt;

/// The largest transcript, in bytes; what comes after is only counted.
pub const LARGEST: u64 = 256 << 20;

/// A transcript that is being written.
#[derive(Debug)]
pub struct Transcript {
    file: File,
    room: u64,
}

impl Transcript {
    /// Opens it for appending, readable by its owner alone, and begins a new line with the header.
    pub async fn open(path: &Path, header: &str) -> io::Result<Self> {
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).await?;
        }
        let file = OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .open(path)
            .await?;
        let length = file.metadata().await?.len();
        let mut transcript = Self {
            file,
            room: LARGEST.saturating_sub(length),
        };
        // A killed run may have left half a line; the header must stand on its own even where the room is used up.
        let header = format!("{}{header}\n", if length == 0 { "" } else { "\n" });
        transcript.file.write_all(header.as_bytes()).await?;
        transcript.file.flush().await?;
        Ok(transcript)
    }

    /// Appends what fits.
    pub async fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let fits = usize::try_from(self.room).map_or(bytes.len(), |room| room.min(bytes.len()));
        self.room -= fits as u64;
        self.file.write_all(&bytes[..fits]).await?;
        // Without it the bytes wait in this process, and die with it.
        self.file.flush().await
    }
}

/// What keeps a run's output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keep {
    /// The file.
    pub path: PathBuf,
    /// The line that this run begins with in it.
    pub header: String,
}
