//! The only way out of the sandbox: tunnels to hosts on a list. Whom it turns away is remembered.

use super::request::{self, LONGEST, Wanted};
use crate::rules::host::HostPattern;
use crate::rules::printable::clip;
use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream, UnixListener, lookup_host};
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;

/// Tunnels at a time.
const MOST: usize = 256;
/// So long a head may take, and a connection.
const PATIENCE: Duration = Duration::from_secs(15);
/// So many hosts that were refused are remembered.
const MOST_REFUSED: usize = 100;

/// Hosts that a program asked for and was kept from, as `name:port`, and how often.
pub type Refused = BTreeMap<String, u32>;

/// A proxy that runs until it is dropped.
#[derive(Debug)]
pub struct Proxy {
    refused: Arc<Mutex<Refused>>,
    task: JoinHandle<()>,
}

/// Where programs reach the proxy.
#[derive(Debug)]
pub enum Entrance {
    /// A socket in the file system.
    Unix(UnixListener),
    /// A port of this machine.
    Tcp(TcpListener),
}

struct Rules {
    hosts: Vec<HostPattern>,
    refused: Arc<Mutex<Refused>>,
}

impl Proxy {
    /// Serves this entrance.
    #[must_use]
    pub fn serve(entrance: Entrance, hosts: Vec<HostPattern>) -> Self {
        let refused = Arc::<Mutex<Refused>>::default();
        let rules = Arc::new(Rules {
            hosts,
            refused: Arc::clone(&refused),
        });
        let task = tokio::spawn(accept(entrance, rules));
        Self { refused, task }
    }

    /// Whom it turned away so far.
    #[must_use]
    pub fn refused(&self) -> Refused {
        let refused = self.refused.lock();
        refused.expect("nobody panics while holding it").clone()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(entrance: Entrance, rules: Arc<Rules>) {
    let places = Arc::new(Semaphore::new(MOST));
    // Dropped with this task, and all tunnels with it.
    let mut tunnels = JoinSet::new();
    loop {
        while tunnels.try_join_next().is_some() {}
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            return;
        };
        let rules = Arc::clone(&rules);
        let accepted = match &entrance {
            Entrance::Unix(listener) => listener.accept().await.map(|(stream, _)| {
                tunnels.spawn(async move {
                    serve(stream, &rules).await;
                    drop(place);
                });
            }),
            Entrance::Tcp(listener) => listener.accept().await.map(|(stream, _)| {
                tunnels.spawn(async move {
                    serve(stream, &rules).await;
                    drop(place);
                });
            }),
        };
        if let Err(error) = accepted {
            // Out of descriptors, say: those that end free some.
            tracing::debug!(%error, "the sandbox's proxy could not accept");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

async fn serve(mut inside: impl AsyncRead + AsyncWrite + Unpin, rules: &Rules) {
    let Ok(Some((head, rest))) = timeout(PATIENCE, read_head(&mut inside)).await else {
        return;
    };
    let Some(wanted) = request::read(&head) else {
        say(&mut inside, "400 Bad Request", "this is a proxy").await;
        return;
    };
    let Some(pattern) = rules.admitted(&wanted) else {
        rules.note(&wanted);
        let told = format!("{} is not on the list of hosts", shown(&wanted));
        say(&mut inside, "403 Forbidden", &told).await;
        return;
    };
    let outside = match timeout(PATIENCE, connect(pattern, &wanted)).await {
        Ok(Ok(outside)) => outside,
        Ok(Err(error)) => {
            say(&mut inside, "502 Bad Gateway", &error.to_string()).await;
            return;
        }
        Err(_) => {
            say(&mut inside, "504 Gateway Timeout", "no connection in time").await;
            return;
        }
    };
    let _ = tunnel(inside, outside, wanted.head, &rest).await;
}

async fn tunnel(
    mut inside: impl AsyncRead + AsyncWrite + Unpin,
    mut outside: TcpStream,
    head: Option<Vec<u8>>,
    rest: &[u8],
) -> io::Result<()> {
    match head {
        Some(head) => outside.write_all(&head).await?,
        None => {
            inside
                .write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")
                .await?;
        }
    }
    outside.write_all(rest).await?;
    copy_bidirectional(&mut inside, &mut outside)
        .await
        .map(drop)
}

/// The head up to its empty line, and what came with it already.
async fn read_head(stream: &mut (impl AsyncRead + Unpin)) -> Option<(Vec<u8>, Vec<u8>)> {
    const END: &[u8] = b"\r\n\r\n";
    let mut bytes = Vec::new();
    loop {
        let searched = bytes.len().saturating_sub(END.len());
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
        let found = bytes[searched..]
            .windows(END.len())
            .position(|four| four == END);
        if let Some(at) = found {
            let rest = bytes.split_off(searched + at + END.len());
            return Some((bytes, rest));
        }
        if bytes.len() > LONGEST {
            return None;
        }
    }
}

async fn connect(pattern: &HostPattern, wanted: &Wanted) -> io::Result<TcpStream> {
    let addresses = lookup_host((&*wanted.host, wanted.port)).await?;
    let mut problem = None;
    for address in addresses {
        if !pattern.may_lead_to(address.ip()) {
            tracing::info!(host = %shown(wanted), %address, "a name leads where it may not");
            continue;
        }
        match TcpStream::connect(address).await {
            Ok(stream) => {
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Err(error) => problem = Some(error),
        }
    }
    Err(problem.unwrap_or_else(|| io::Error::other("it has no address that may be reached")))
}

async fn say(inside: &mut (impl AsyncWrite + Unpin), status: &str, text: &str) {
    let text = format!("autoissue: {text}\n");
    let length = text.len();
    let answer = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{text}"
    );
    let _ = inside.write_all(answer.as_bytes()).await;
    let _ = inside.shutdown().await;
}

impl Rules {
    fn admitted(&self, wanted: &Wanted) -> Option<&HostPattern> {
        let mut hosts = self.hosts.iter();
        hosts.find(|pattern| pattern.means(&wanted.host, wanted.port))
    }

    fn note(&self, wanted: &Wanted) {
        let name = shown(wanted);
        let mut refused = self.refused.lock().expect("nobody panics while holding it");
        if refused.len() >= MOST_REFUSED && !refused.contains_key(&name) {
            return;
        }
        let times = refused.entry(name.clone()).or_default();
        *times = times.saturating_add(1);
        if *times == 1 {
            tracing::info!(host = %name, "a program in the sandbox was kept from a host");
        }
    }
}

fn shown(wanted: &Wanted) -> String {
    format!("{}:{}", clip(&wanted.host, 100), wanted.port)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn ask(hosts: &[&str], head: &str) -> (String, Refused) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let hosts = hosts.iter().map(|host| host.parse().unwrap()).collect();
        let proxy = Proxy::serve(Entrance::Tcp(listener), hosts);
        let mut stream = TcpStream::connect(at).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer).await;
        (answer, proxy.refused())
    }

    #[tokio::test]
    async fn hosts_on_the_list_are_reached_and_others_are_not() {
        let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = server.local_addr().unwrap().port();
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = server.accept().await.unwrap();
                let mut head = [0; 500];
                let count = stream.read(&mut head).await.unwrap();
                stream.write_all(b"heard ").await.unwrap();
                stream.write_all(&head[..count.min(5)]).await.unwrap();
            }
        });
        let listed = format!("127.0.0.1:{port}");
        let tunnel = format!("CONNECT {listed} HTTP/1.1\r\n\r\nhello");
        let (answer, refused) = ask(&[&listed], &tunnel).await;
        assert!(answer.ends_with("\r\n\r\nheard hello"), "{answer}");
        assert!(refused.is_empty());
        let (answer, refused) = ask(&["a.b"], &tunnel).await;
        assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
        assert_eq!(refused, Refused::from([(listed.clone(), 1)]));
        let (answer, _) = ask(
            &[&listed],
            &format!("GET http://{listed}/ HTTP/1.1\r\n\r\n"),
        )
        .await;
        assert_eq!(answer, "heard GET /");
    }

    #[tokio::test]
    async fn a_name_on_the_list_that_leads_to_this_machine_is_not_reached() {
        // It resolves to this machine everywhere, and the pattern is a name like any other.
        let hosts = ["*.localhost:1"];
        let (answer, _) = ask(&hosts, "CONNECT a.localhost:1 HTTP/1.1\r\n\r\n").await;
        assert!(answer.starts_with("HTTP/1.1 502 "), "{answer}");
    }
}
