//! The way into the sandbox for one port: we listen on it outside, and whoever waits inside leads on.

use std::io;
use std::net::Ipv4Addr;
use std::path::Path;
use tokio::io::{AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// Those that wait inside at a time; one is enough.
const WAITING: usize = 4;

/// A door that stays open until it is dropped.
#[derive(Debug)]
pub struct Door {
    tasks: [JoinHandle<()>; 2],
}

impl Door {
    /// Opens it: connections to this port go to whoever waits at the socket.
    pub async fn open(socket: &Path, port: u16) -> io::Result<Self> {
        let inside = UnixListener::bind(socket)?;
        let outside = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let (wait, mut waiting) = mpsc::channel::<UnixStream>(WAITING);
        let let_in = tokio::spawn(async move {
            while let Ok((stream, _)) = inside.accept().await {
                if wait.send(stream).await.is_err() {
                    return;
                }
            }
        });
        let lead = tokio::spawn(async move {
            while let Ok((stream, _)) = outside.accept().await {
                let Some(waiting) = waiting.recv().await else {
                    return;
                };
                tokio::spawn(join(stream, waiting));
            }
        });
        Ok(Self {
            tasks: [let_in, lead],
        })
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

async fn join(mut outside: TcpStream, mut inside: UnixStream) -> io::Result<()> {
    inside.write_all(b"!").await?;
    copy_bidirectional(&mut outside, &mut inside)
        .await
        .map(drop)
}
