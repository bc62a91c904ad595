//! What one connection may take of everybody: a place among few, and time for what it sends.

use crate::serve::problem::Problem;
use crate::serve::server::BODY_MAX;
use crate::serve::webhook::{SLOWEST, too_slow};
use axum::body::{Body, HttpBody as _, to_bytes};
use axum::extract::Request;
use axum::extract::connect_info::Connected;
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use axum_server::{AddrListener, Address, Server};
use std::future::Future as _;
use std::io::{Error, ErrorKind, IoSlice, Result};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep, sleep, timeout};

/// Connections at a time; who comes later waits until one of them ends.
const PLACES: usize = 256;
/// A connection on which nothing came or went for so long is over. What is watched says something every 15 seconds.
const IDLE: Duration = Duration::from_secs(60);

/// Who is at the other end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer(SocketAddr);

impl Address for Peer {
    type Stream = Held;
    type Listener = Places;
}

impl Connected<Peer> for SocketAddr {
    fn connect_info(peer: Peer) -> Self {
        peer.0
    }
}

/// Listens, and takes nobody in for whom there is no place.
#[derive(Debug)]
pub(super) struct Places {
    listener: TcpListener,
    free: Arc<Semaphore>,
}

impl Places {
    pub(super) fn new(listener: TcpListener) -> Self {
        let free = Arc::new(Semaphore::new(PLACES));
        Self { listener, free }
    }
}

impl AddrListener<Held, Peer> for Places {
    async fn bind_to(peer: Peer) -> Result<Self> {
        TcpListener::bind(peer.0).await.map(Self::new)
    }

    async fn accept_stream(&self) -> Result<(Held, Peer)> {
        let place = Arc::clone(&self.free).acquire_owned().await;
        let place = place.map_err(Error::other)?;
        let (stream, from) = self.listener.accept().await?;
        Ok((Held::new(stream, place), Peer(from)))
    }

    fn get_local_addr(&self) -> Result<Peer> {
        self.listener.local_addr().map(Peer)
    }
}

/// A connection that has its place until it ends.
#[derive(Debug)]
pub(super) struct Held {
    stream: TcpStream,
    /// When something last came or went.
    last: Instant,
    alarm: Pin<Box<Sleep>>,
    _place: OwnedSemaphorePermit,
}

impl Held {
    fn new(stream: TcpStream, place: OwnedSemaphorePermit) -> Self {
        Self {
            stream,
            last: Instant::now(),
            alarm: Box::pin(sleep(IDLE)),
            _place: place,
        }
    }

    /// What came of it, or that it is over.
    fn unless_idle<T>(&mut self, done: Poll<Result<T>>, context: &mut Context) -> Poll<Result<T>> {
        if done.is_ready() {
            self.last = Instant::now();
            return done;
        }
        while self.alarm.as_mut().poll(context).is_ready() {
            let end = self.last + IDLE;
            if end <= Instant::now() {
                return Poll::Ready(Err(ErrorKind::TimedOut.into()));
            }
            self.alarm.as_mut().reset(end);
        }
        Poll::Pending
    }
}

impl AsyncRead for Held {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        let done = Pin::new(&mut self.stream).poll_read(context, into);
        self.unless_idle(done, context)
    }
}

impl AsyncWrite for Held {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<Result<usize>> {
        let done = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.unless_idle(done, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        let done = Pin::new(&mut self.stream).poll_write_vectored(context, parts);
        self.unless_idle(done, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// The same server, which waits for nobody without end: neither for a first request, nor for the rest of a head.
pub(super) fn impatient<A>(mut server: Server<Peer, A>) -> Server<Peer, A> {
    let builder = server.http_builder();
    builder.http1().header_read_timeout(SLOWEST);
    let told = |from: Option<&Peer>, error: &Error| {
        tracing::debug!(?from, %error, "a connection was not taken");
    };
    server
        .first_request_timeout(SLOWEST)
        .accept_error_handler(told)
}

/// Reads what was sent along before anybody looks at it: who is slow with it is left.
pub(super) async fn whole_body(request: Request, next: Next) -> Response {
    let (head, body) = request.into_parts();
    if body.is_end_stream() {
        return next.run(Request::from_parts(head, body)).await;
    }
    match timeout(SLOWEST, to_bytes(body, BODY_MAX)).await {
        Ok(Ok(bytes)) => {
            let whole = Request::from_parts(head, Body::from(bytes));
            next.run(whole).await
        }
        Ok(Err(_)) => {
            let why = "a form or a question is no longer than 256 KiB";
            Problem::of(StatusCode::PAYLOAD_TOO_LARGE, why).into_response()
        }
        Err(_) => too_slow().into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    #[tokio::test(start_paused = true)]
    async fn a_connection_on_which_nothing_comes_or_goes_is_over() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let places = Places::new(listener);
        let address = places.get_local_addr().unwrap().0;
        let mut client = TcpStream::connect(address).await.unwrap();
        let (mut held, _) = places.accept_stream().await.unwrap();
        assert_eq!(places.free.available_permits(), PLACES - 1);
        for _ in 0..3 {
            // The control: what says something now and then stays.
            sleep(IDLE * 3 / 4).await;
            client.write_all(b"x").await.unwrap();
            assert_eq!(held.read_u8().await.unwrap(), b'x');
        }
        let since = Instant::now();
        let over = held.read_u8().await.unwrap_err();
        assert_eq!(over.kind(), ErrorKind::TimedOut);
        assert!(since.elapsed() >= IDLE);
        drop(held);
        assert_eq!(places.free.available_permits(), PLACES);
    }
}
