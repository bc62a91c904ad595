//! Webhooks under attack: of what is sent, nine in ten are signed by somebody else. Asked of the real program by a client on
//! this machine; how many are answered a second, how long those of GitHub take, and how much memory it takes.
//!
//! `cargo bench --bench webhooks -- 60` sends for a minute; a few seconds where no number is given.

use autoissue::rules::signature::signature;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

const SECRET: &str = "a secret that nobody guesses";
const CLIENTS: u64 = 16;
/// One in so many is signed by us.
const GOOD: u64 = 10;

struct Server {
    child: Child,
    address: String,
    _place: tempfile::TempDir,
}

impl Server {
    fn start() -> Self {
        let place = tempfile::tempdir().expect("it works on this machine");
        let mut child = Command::new(env!("CARGO_BIN_EXE_autoissue"))
            .args(["serve", "--listen", "127.0.0.1:0", "--state-dir"])
            .arg(place.path().join("state"))
            .current_dir(place.path())
            .env("GITHUB_WEBHOOK_SECRET", SECRET)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it works on this machine");
        let mut said = BufReader::new(child.stderr.take().expect("it works on this machine"));
        let address = loop {
            let mut line = String::new();
            assert!(
                said.read_line(&mut line).expect("it works on this machine") > 0,
                "it ended"
            );
            if let Some(url) = line.trim().strip_prefix("Dashboard: http://") {
                break url.trim_end_matches('/').to_owned();
            }
        };
        // What it says later is nobody's to wait for.
        std::thread::spawn(move || std::io::copy(&mut said, &mut std::io::sink()));
        Self {
            child,
            address,
            _place: place,
        }
    }

    /// The most memory that it has taken so far, in KiB.
    fn peak(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let status = status.unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let digits = line.and_then(|line| line.split_whitespace().next());
        digits
            .and_then(|digits| digits.parse().ok())
            .unwrap_or_default()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn request(host: &str, number: u64, secret: &str) -> Vec<u8> {
    let body = format!(
        r#"{{"action":"labeled","repository":{{"full_name":"acme/shop"}},"label":{{"name":"go"}},"issue":{{"number":{},"updated_at":"2026-01-01T00:00:00Z","title":"{}"}}}}"#,
        number + 1,
        "x".repeat(600)
    );
    let signature = signature(secret.as_bytes(), body.as_bytes());
    let length = body.len();
    format!(
        "POST /webhook/github HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nX-GitHub-Event: issues\r\n\
         X-GitHub-Delivery: d-{number}\r\nX-Hub-Signature-256: {signature}\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// Reads one answer; gives its status.
fn answer(stream: &mut BufReader<TcpStream>) -> u16 {
    let mut line = String::new();
    stream
        .read_line(&mut line)
        .expect("it works on this machine");
    let status = line
        .split(' ')
        .nth(1)
        .expect("it works on this machine")
        .parse()
        .expect("it works on this machine");
    let mut length = 0;
    loop {
        line.clear();
        stream
            .read_line(&mut line)
            .expect("it works on this machine");
        let header = line.trim().to_ascii_lowercase();
        if header.is_empty() {
            break;
        }
        if let Some(value) = header.strip_prefix("content-length:") {
            length = value.trim().parse().expect("it works on this machine");
        }
    }
    let mut body = vec![0; length];
    stream
        .read_exact(&mut body)
        .expect("it works on this machine");
    status
}

/// Sends until the time is over; gives how long what GitHub sent took, and how many others were refused.
fn send(address: &str, numbers: &AtomicU64, until: Instant) -> (Vec<Duration>, u64) {
    let stream = TcpStream::connect(address).expect("it works on this machine");
    stream.set_nodelay(true).expect("it works on this machine");
    let mut stream = BufReader::new(stream);
    let (mut took, mut refused) = (Vec::new(), 0);
    while Instant::now() < until {
        let number = numbers.fetch_add(1, Ordering::Relaxed);
        let is_good = number.is_multiple_of(GOOD);
        let request = request(address, number, if is_good { SECRET } else { "another" });
        let sent = Instant::now();
        stream
            .get_mut()
            .write_all(&request)
            .expect("it works on this machine");
        let status = answer(&mut stream);
        if is_good {
            assert_eq!(status, 202);
            took.push(sent.elapsed());
        } else {
            assert_eq!(status, 401);
            refused += 1;
        }
    }
    (took, refused)
}

fn main() {
    let seconds = std::env::args().skip(1).find_map(|word| word.parse().ok());
    let server = Server::start();
    let (numbers, begun) = (AtomicU64::new(0), Instant::now());
    let until = begun + Duration::from_secs(seconds.unwrap_or(3));
    let (mut took, mut refused) = (Vec::new(), 0);
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|_| scope.spawn(|| send(&server.address, &numbers, until)))
            .collect();
        for client in clients {
            let (more, others) = client.join().expect("it works on this machine");
            took.extend(more);
            refused += others;
        }
    });
    let seconds = begun.elapsed().as_secs_f64();
    took.sort_unstable();
    let at = |share: usize| took[(took.len() - 1) * share / 1_000];
    let count = u32::try_from(took.len()).unwrap_or(u32::MAX);
    let others = u32::try_from(refused).unwrap_or(u32::MAX);
    let told = format!(
        "{count} of GitHub's taken, {refused} others refused in {seconds:.1} s\n\
         refused: {:.0} a second (goal 5,000)\n\
         taken: p50 {:.1?}, p99 {:.1?} (goal 50 ms), slowest {:.1?}\n\
         memory: {} MiB at most (goal 64)\n",
        f64::from(others) / seconds,
        at(500),
        at(990),
        at(1_000),
        server.peak() >> 10
    );
    let _ = std::io::stdout().write_all(told.as_bytes());
}
