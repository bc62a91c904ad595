//! Inside of the sandbox: the first program there, which gives up system calls for good, and then runs the one that is
//! meant and gives it a way to our proxy.
//!
//! It is `autoissue __inside <plan> <program> ...`. A network of its own has no port that leads anywhere; so it listens
//! on some, and passes what comes there on to a socket in the file system, behind which we decide.

use nix::sys::signal::{SigSet, Signal};
use process_wrap::std::{CommandWrap, ResetSigmask};
use serde::{Deserialize, Serialize};
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt as _;
use std::thread;
use std::time::Duration;

/// Where this program is in the sandbox.
pub const PROGRAM: &str = "/run/autoissue/program";
/// The directory of the sockets, in the sandbox.
pub const SOCKETS: &str = "/run/autoissue/sockets";
/// The socket of the proxy.
pub const PROXY: &str = "proxy";
/// The socket at which we wait to be let in.
pub const DOOR: &str = "door";
/// The proxy's port in the sandbox.
pub const PROXY_PORT: u16 = 3128;
/// What programs exit with where the sandbox is not ready.
const NOT_READY: u8 = 125;

/// What leads out, and in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Is there a proxy to lead to?
    pub proxy: bool,
    /// Ports of the machine outside that are reached here by the same number.
    pub ports: Vec<u16>,
    /// A port here that is reached from outside.
    pub answers: Option<u16>,
}

/// What `autoissue __inside` does, to its exit code: the program's, or 128 and the signal that ended it.
pub fn run(arguments: &[String]) -> u8 {
    match start(arguments) {
        Ok(code) => code,
        Err(error) => {
            let _ = writeln!(io::stderr(), "autoissue: the sandbox is not ready: {error}");
            NOT_READY
        }
    }
}

fn start(arguments: &[String]) -> io::Result<u8> {
    let [plan, program, rest @ ..] = arguments else {
        return Err(io::Error::other("no program is named"));
    };
    let plan: Plan = serde_json::from_str(plan)?;
    // A gentle stop is for the program; we end with it.
    let patience = SigSet::from_iter([Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP]);
    patience.thread_block()?;
    give_up().map_err(|error| io::Error::other(error.to_string()))?;
    if plan.proxy {
        listen(PROXY_PORT, None)?;
    }
    for port in plan.ports {
        listen(port, Some(port))?;
    }
    if let Some(port) = plan.answers {
        thread::spawn(move || open(port));
    }
    let mut child = CommandWrap::with_new(program, |command| {
        command.args(rest);
    })
    .wrap(ResetSigmask)
    .spawn();
    if let Err(error) = &child
        && error.kind() == io::ErrorKind::NotFound
    {
        let _ = writeln!(
            io::stderr(),
            "autoissue: there is no program {program} in the sandbox"
        );
        return Ok(127);
    }
    let status = child
        .as_mut()
        .map_err(|error| io::Error::new(error.kind(), error.to_string()))?
        .wait()?;
    let code = status.code().or(status.signal().map(|signal| 128 + signal));
    Ok(code
        .and_then(|code| u8::try_from(code).ok())
        .unwrap_or(u8::MAX))
}

#[cfg(target_os = "linux")]
fn give_up() -> Result<(), Box<dyn std::error::Error>> {
    use super::seccomp::{Sockets, apply};
    apply(Sockets::All)
}

#[cfg(not(target_os = "linux"))]
fn give_up() -> Result<(), Box<dyn std::error::Error>> {
    Err("bubblewrap is for Linux".into())
}

/// Listens on a port of the sandbox's own network; what comes goes to the proxy, for `outside` as a tunnel to there.
fn listen(port: u16, outside: Option<u16>) -> io::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
    thread::spawn(move || {
        for inside in listener.incoming().flatten() {
            thread::spawn(move || {
                let _ = lead_out(inside, outside);
            });
        }
    });
    Ok(())
}

fn lead_out(inside: TcpStream, outside: Option<u16>) -> io::Result<()> {
    let mut proxy = UnixStream::connect(format!("{SOCKETS}/{PROXY}"))?;
    if let Some(port) = outside {
        write!(proxy, "CONNECT 127.0.0.1:{port} HTTP/1.1\r\n\r\n")?;
        skip_head(&mut proxy)?;
    }
    both_ways(inside, proxy)
}

/// Reads an answer up to its empty line, byte by byte, for what follows is not ours; an error where it is a refusal.
fn skip_head(proxy: &mut UnixStream) -> io::Result<()> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && head.len() < 4096 {
        proxy.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    if head.starts_with(b"HTTP/1.1 200 ") {
        Ok(())
    } else {
        Err(io::Error::other("refused"))
    }
}

/// Waits at the door, again and again: who comes in from outside is led to the port.
fn open(port: u16) {
    loop {
        let Ok(mut door) = UnixStream::connect(format!("{SOCKETS}/{DOOR}")) else {
            return;
        };
        let mut knock = [0];
        if door.read_exact(&mut knock).is_err() {
            thread::park_timeout(Duration::from_millis(20));
            continue;
        }
        thread::spawn(move || {
            let server = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
            both_ways(server, door)
        });
    }
}

fn both_ways(tcp: TcpStream, unix: UnixStream) -> io::Result<()> {
    let (mut from_tcp, mut to_unix) = (tcp.try_clone()?, unix.try_clone()?);
    let there = thread::spawn(move || {
        let _ = io::copy(&mut from_tcp, &mut to_unix);
        let _ = to_unix.shutdown(Shutdown::Write);
    });
    let (mut from_unix, mut to_tcp) = (unix, tcp);
    let _ = io::copy(&mut from_unix, &mut to_tcp);
    let _ = to_tcp.shutdown(Shutdown::Write);
    let _ = there.join();
    Ok(())
}
