//! A machine around a sandbox: files, servers and a process that nobody inside may reach, and the sandbox itself.

use autoissue::adapters::sandbox::bwrap::{self, Run};
use autoissue::adapters::sandbox::find;
use autoissue::adapters::sandbox::shape::{
    Ceilings, Isolation, Network, Reach, Sandbox, Workplace,
};
use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, UdpSocket};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;

/// What nobody inside may ever see.
pub(crate) const CANARY: &str = "canary-7f3a";

/// The machine outside.
pub(crate) struct Outside {
    top: tempfile::TempDir,
    tcp: u16,
    all: u16,
    udp: u16,
    abstract_name: String,
    victim: Child,
    address: u64,
    queue: i32,
}

impl Outside {
    pub(crate) fn new() -> Self {
        let top = tempfile::tempdir().unwrap();
        let at = |path: &str| top.path().canonicalize().unwrap().join(path);
        for directory in [
            "home/.ssh",
            "home/.config/gh",
            "home/.claude",
            "home/.cargo/bin",
            "home/bin",
            "slots/issue-7",
            "mirror/objects",
            "mirror/hooks",
            "checkout/.git/hooks",
            "other",
            "state",
        ] {
            fs::create_dir_all(at(directory)).unwrap();
        }
        for file in [
            "home/.netrc",
            "home/.ssh/id_ed25519",
            "home/.config/gh/hosts.yml",
            "home/.gitconfig",
            "home/.claude/settings.json",
            "home/.cargo/credentials.toml",
            "home/.bashrc",
            "mirror/objects/own",
            "mirror/config",
            "checkout/.git/config",
            "checkout/file",
            "other/private",
            "state/autoissue.db",
            "home/rename",
        ] {
            fs::write(at(file), CANARY).unwrap();
        }
        let unix = UnixListener::bind(at("state/socket")).unwrap();
        thread::spawn(move || unix.incoming().count());
        let abstract_name = format!("autoissue-test-{}", uuid::Uuid::new_v4());
        let name = SocketAddr::from_abstract_name(&abstract_name).unwrap();
        let listener = UnixListener::bind_addr(&name).unwrap();
        thread::spawn(move || listener.incoming().count());
        let (victim, address, queue) = victim(&at("other"));
        Self {
            tcp: serve("127.0.0.1"),
            all: serve("0.0.0.0"),
            udp: answer(),
            abstract_name,
            victim,
            address,
            queue,
            top,
        }
    }

    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.top.path().canonicalize().unwrap().join(below)
    }

    pub(crate) fn worktree(&self) -> PathBuf {
        self.path("slots/issue-7")
    }

    pub(crate) fn tcp(&self) -> u16 {
        self.tcp
    }

    /// What `escape.py` is told of the machine.
    pub(crate) fn targets(&self, careful: bool) -> Value {
        let at = |path: &str| self.path(path);
        json!({
            "careful": careful,
            "worktree": self.worktree(),
            "read": {
                "netrc": at("home/.netrc"), "ssh": at("home/.ssh/id_ed25519"),
                "gh": at("home/.config/gh/hosts.yml"), "cargo": at("home/.cargo/credentials.toml"),
                "other": at("other/private"), "state": at("state/autoissue.db"),
                "checkout": at("checkout/file"), "mirror": at("mirror/config"), "shadow": "/etc/shadow",
            },
            "write": {
                "bashrc": at("home/.bashrc"), "gitconfig": at("home/.gitconfig"),
                "settings": at("home/.claude/settings.json"), "objects": at("mirror/objects/own"),
                "mirror": at("mirror/config"), "checkout": at("checkout/.git/config"),
                "state": at("state/autoissue.db"),
            },
            "make": {
                "program": at("home/.cargo/bin"), "object": at("mirror/objects"), "hook": at("mirror/hooks"),
                "own hook": at("checkout/.git/hooks"), "file beside": at("other"),
            },
            "rename": at("home/rename"),
            "program": env!("CARGO_BIN_EXE_autoissue"),
            "pid": self.victim.id(),
            "address": self.address,
            "tcp": self.tcp,
            "tcp_all": self.all,
            "udp": self.udp,
            "unix": at("state/socket"),
            "abstract": self.abstract_name,
            "queue": self.queue,
            "key": CANARY,
            "hostname": fs::read_to_string("/proc/sys/kernel/hostname").unwrap().trim(),
        })
    }

    /// The command line that runs this in the best sandbox.
    pub(crate) fn wrapped(&self, argv: &[String]) -> Vec<String> {
        let sandbox = sandbox(self);
        let Isolation::Bubblewrap { program, .. } = &sandbox.isolation else {
            panic!("{:?}", sandbox.isolation);
        };
        let workplace = Workplace::of(&sandbox.slots, &self.worktree()).unwrap();
        workplace.make().unwrap();
        let env = [("PATH".to_owned(), std::env::var("PATH").unwrap())].into();
        let run = Run {
            argv,
            env: &env,
            directory: &self.worktree(),
            workplace: &workplace,
            reach: &Reach::default(),
            sockets: None,
        };
        bwrap::argv(program, true, &sandbox, &run)
    }

    /// What was changed or planted from inside.
    pub(crate) fn changed(&self) -> Vec<String> {
        let targets = self.targets(true);
        let paths = |kind: &str| targets[kind].as_object().unwrap().clone().into_iter();
        let written = paths("write")
            .filter(|(_, path)| fs::read_to_string(path.as_str().unwrap()).unwrap() != CANARY);
        let made = paths("make")
            .filter(|(_, path)| Path::new(path.as_str().unwrap()).join("planted").exists());
        let moved = (!self.path("home/rename").exists()).then(|| "rename".to_owned());
        written
            .chain(made)
            .map(|(name, _)| name)
            .chain(moved)
            .collect()
    }
}

impl Drop for Outside {
    fn drop(&mut self) {
        let _ = self.victim.kill();
        let _ = self.victim.wait();
    }
}

/// A server that greets; its port.
fn serve(address: &str) -> u16 {
    let listener = TcpListener::bind((address, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.write_all(b"welcome");
        }
    });
    port
}

/// One that answers datagrams; its port.
fn answer() -> u16 {
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = udp.local_addr().unwrap().port();
    thread::spawn(move || {
        let mut bytes = [0; 10];
        while let Ok((_, from)) = udp.recv_from(&mut bytes) {
            let _ = udp.send_to(b"heard", from);
        }
    });
    port
}

/// A process of the same user with a secret in its environment, an address in its memory, a queue.
fn victim(directory: &Path) -> (Child, u64, i32) {
    let program = "import ctypes, sys\nlibc = ctypes.CDLL(None)\nb = ctypes.create_string_buffer(b'canary')\n\
        queue = 0x40000000 | (id(b) & 0xffff)\nlibc.msgget(queue, 0o1600)\n\
        print(ctypes.addressof(b), queue, flush=True)\nsys.stdin.read()\nlibc.msgctl(libc.msgget(queue, 0), 0, None)";
    let mut victim = Command::new("python3")
        .args(["-c", program])
        .env("SECRET", CANARY)
        .current_dir(directory)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(victim.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let mut words = line.split_whitespace();
    let address = words.next().unwrap().parse().unwrap();
    (victim, address, words.next().unwrap().parse().unwrap())
}

fn with(outside: &Outside, isolation: Isolation) -> Sandbox {
    Sandbox {
        isolation,
        network: Network::Listed,
        slots: outside.path("slots"),
        readable: vec![
            outside.path("mirror/objects"),
            Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support"),
        ],
        writable: Vec::new(),
        hosts: Vec::new(),
        ceilings: Ceilings::default(),
        home: outside.path("home"),
        own_program: env!("CARGO_BIN_EXE_autoissue").into(),
    }
}

/// The best sandbox; a machine without it runs none of these tests, and says so.
pub(crate) fn sandbox(outside: &Outside) -> Sandbox {
    let own = Path::new(env!("CARGO_BIN_EXE_autoissue"));
    with(outside, find::bubblewrap(own).unwrap())
}

/// The second best.
pub(crate) fn landlock(outside: &Outside) -> Sandbox {
    let own = Path::new(env!("CARGO_BIN_EXE_autoissue"));
    with(outside, find::landlock(own).unwrap())
}
