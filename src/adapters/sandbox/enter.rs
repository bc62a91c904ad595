//! Makes a program ready to run in the sandbox: its home, its way out, and the command line that puts it there.

use super::bridge::{DOOR, PROXY, PROXY_PORT};
use super::bwrap::{self, Run};
use super::confine::{self, Confinement};
use super::door::Door;
use super::proxy::{Entrance, Proxy, Refused};
use super::seatbelt;
use super::shape::{Ceilings, Isolation, Network, Reach, Sandbox, Workplace};
use std::collections::BTreeMap;
use std::io;
use std::net::Ipv4Addr;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::net::{TcpListener, UnixListener};

/// The variables of a program.
type Variables = BTreeMap<String, String>;

/// Variables by which programs find a proxy.
const PROXIES: [&str; 6] = [
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
];
/// How directories of sockets begin.
const PREFIX: &str = "autoissue-sockets-";
const DAY: Duration = Duration::from_secs(86_400);
/// The user's own settings of agents, which are not there.
const SETTINGS: [&str; 5] = [
    "CLAUDE_CONFIG_DIR",
    "CODEX_HOME",
    "GEMINI_CLI_HOME",
    "OPENCODE_CONFIG",
    "OPENCODE_CONFIG_DIR",
];
const NOT_BY_PROXY: [&str; 2] = ["NO_PROXY", "no_proxy"];

/// A program that is ready to run in the sandbox.
#[derive(Debug)]
pub struct Entered {
    /// Program and arguments, with all that is around them.
    pub argv: Vec<String>,
    /// Its environment.
    pub env: Variables,
    /// Is the first program only what is around the one that is meant? Then a gentle stop is not for it.
    pub is_wrapped: bool,
    /// What it may take.
    pub ceilings: Ceilings,
    /// What has to last as long as it runs.
    pub company: Company,
}

/// What serves a running program; it ends when this is dropped.
#[derive(Debug, Default)]
pub struct Company {
    proxy: Option<Proxy>,
    sockets: Option<Sockets>,
    door: Option<Door>,
}

impl Company {
    /// The hosts that it was kept from.
    #[must_use]
    pub fn refused(&self) -> Refused {
        self.proxy.as_ref().map(Proxy::refused).unwrap_or_default()
    }
}

/// What is to be run, and where.
#[derive(Clone, Copy, Debug)]
pub struct Wish<'a> {
    /// Program and arguments.
    pub argv: &'a [String],
    /// Its environment, outside of any sandbox.
    pub env: &'a Variables,
    /// Where it runs.
    pub directory: &'a Path,
    /// What it may reach besides what its sandbox gives to all.
    pub reach: &'a Reach,
}

impl Sandbox {
    /// Makes everything ready. Nothing runs yet.
    pub async fn enter(&self, wish: Wish<'_>) -> io::Result<Entered> {
        let workplace = Workplace::of(&self.slots, wish.directory).ok_or_else(|| {
            let directory = wish.directory.display();
            io::Error::other(format!(
                "{directory} is no worktree, and nothing runs in the sandbox elsewhere"
            ))
        })?;
        workplace.make()?;
        match &self.isolation {
            Isolation::Bubblewrap {
                program,
                keeps_namespaces,
            } => {
                self.wrap((program, *keeps_namespaces), wish, &workplace)
                    .await
            }
            Isolation::Landlock | Isolation::Seatbelt => self.confine(wish, &workplace).await,
        }
    }

    async fn wrap(
        &self,
        (program, keeps_namespaces): (&Path, bool),
        wish: Wish<'_>,
        workplace: &Workplace,
    ) -> io::Result<Entered> {
        let mut company = Company::default();
        let mut env = self.variables(wish.env, &self.home, Path::new("/tmp"));
        if self.network == Network::Listed {
            let sockets = Sockets::make()?;
            let listener = UnixListener::bind(sockets.0.join(PROXY))?;
            company.proxy = Some(Proxy::serve(
                Entrance::Unix(listener),
                self.hosts(wish.reach),
            ));
            if let Some(port) = wish.reach.answers {
                company.door = Some(Door::open(&sockets.0.join(DOOR), port).await?);
            }
            company.sockets = Some(sockets);
            by_proxy(&mut env, PROXY_PORT);
        }
        let argv = bwrap::argv(
            program,
            keeps_namespaces,
            self,
            &Run {
                argv: wish.argv,
                env: &env,
                directory: wish.directory,
                workplace,
                reach: wish.reach,
                sockets: company.sockets.as_ref().map(|sockets| &*sockets.0),
            },
        );
        Ok(Entered {
            argv,
            env,
            is_wrapped: true,
            ceilings: self.ceilings,
            company,
        })
    }

    async fn confine(&self, wish: Wish<'_>, workplace: &Workplace) -> io::Result<Entered> {
        let mut company = Company::default();
        let mut env = self.variables(wish.env, &workplace.home, &workplace.temporary);
        confine::point_at_toolchains(&mut env, &self.home);
        let mut ports = None;
        if self.network == Network::Listed {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
            let port = listener.local_addr()?.port();
            company.proxy = Some(Proxy::serve(
                Entrance::Tcp(listener),
                self.hosts(wish.reach),
            ));
            by_proxy(&mut env, port);
            ports = Some([vec![port], bwrap::ports(self, wish.reach)].concat());
        }
        let confinement = Confinement::of(self, wish, workplace, ports);
        Ok(Entered {
            argv: match self.isolation {
                Isolation::Seatbelt => seatbelt::argv(&confinement, wish.argv),
                Isolation::Landlock | Isolation::Bubblewrap { .. } => {
                    confinement.argv(&self.own_program, wish.argv)
                }
            },
            env,
            is_wrapped: false,
            ceilings: self.ceilings,
            company,
        })
    }

    fn hosts(&self, reach: &Reach) -> Vec<crate::rules::host::HostPattern> {
        self.hosts.iter().chain(&reach.hosts).cloned().collect()
    }

    /// What it sees of the variables: those that lead to places which are not there are left out.
    fn variables(&self, outside: &Variables, home: &Path, temporary: &Path) -> Variables {
        let leads_away = |name: &str, value: &str| {
            SETTINGS.contains(&name)
                || name.starts_with("XDG_")
                    && !(home == self.home && Path::new(value).starts_with(home))
        };
        let kept = outside
            .iter()
            .filter(|(name, value)| !leads_away(name, value));
        let mut env: Variables = kept
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        env.insert("HOME".to_owned(), home.to_string_lossy().into_owned());
        env.insert(
            "TMPDIR".to_owned(),
            temporary.to_string_lossy().into_owned(),
        );
        env
    }
}

fn by_proxy(env: &mut Variables, port: u16) {
    for name in PROXIES {
        env.insert(name.to_owned(), format!("http://127.0.0.1:{port}"));
    }
    for name in NOT_BY_PROXY {
        env.insert(name.to_owned(), "localhost,127.0.0.1,::1".to_owned());
    }
    // Node heeds these variables only where it is told to.
    env.insert("NODE_USE_ENV_PROXY".to_owned(), "1".to_owned());
}

/// Removes the directories of sockets that killed processes left; no program runs for a day.
pub fn sweep() {
    let listing = std::fs::read_dir(std::env::temp_dir());
    for entry in listing.into_iter().flatten().flatten() {
        let is_ours = entry.file_name().to_string_lossy().starts_with(PREFIX);
        let made = entry.metadata().and_then(|found| found.modified());
        let is_old = made.is_ok_and(|made| made.elapsed().is_ok_and(|age| age > DAY));
        if is_ours && is_old {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

/// A directory of sockets that only this user may enter; its path is short, as paths of sockets have to be.
#[derive(Debug)]
struct Sockets(PathBuf);

impl Sockets {
    fn make() -> io::Result<Self> {
        let name = format!("{PREFIX}{}", ulid::Ulid::generate());
        let path = std::env::temp_dir().join(name);
        std::fs::DirBuilder::new().mode(0o700).create(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Sockets {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
