//! What a run costs beside raw git: the real program and a shell script over equal repositories, by turns.
//!
//! Both take the same issues through the same agent to as many branches on a repository of the same machine. CPU is
//! user and system time of all processes, so that what else the machine does changes little; the agent's own share is
//! measured alone and taken from both sides.

use nix::sys::prctl::set_child_subreaper;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::wait::wait;
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Issues in a run, and how often it is repeated.
const RUNS: [(u32, usize); 2] = [(20, 5), (100, 3)];
/// No further round is begun after this.
const LONGEST: Duration = Duration::from_secs(75);
const FILES: u32 = 100;
const SLOTS: [&str; 2] = ["3", "8"];

const AGENT: &str =
    "#!/bin/sh\necho done > \"work-$AUTOISSUE_ISSUE.txt\"\necho '{\"cost_usd\": 0}'\n";
/// What a person would write: a worktree, the agent, a commit and a push for each issue.
const RAW: &str = r#"set -e
git clone -q --bare repo remote.git
cd repo
git remote add origin ../remote.git
i=1
while [ $i -le "$1" ]; do
  git worktree add -q -b "raw/$i" "../tree-$i" main
  cd "../tree-$i"
  AUTOISSUE_ISSUE=$i ../agent < /dev/null > /dev/null
  git add --all
  git commit -q -m "Write $i"
  git push -q origin "raw/$i"
  cd ../repo
  git worktree remove --force "../tree-$i"
  i=$((i + 1))
done
"#;
const AGENTS: &str = "i=1; while [ $i -le \"$1\" ]; do AUTOISSUE_ISSUE=$i ./agent < /dev/null > /dev/null; i=$((i + 1)); done";

fn main() {
    // What a program leaves behind is waited for, too, and so is on its bill.
    set_child_subreaper(true).expect("a subreaper");
    let begin = Instant::now();
    let mut out = std::io::stdout();
    for slots in SLOTS {
        for (issues, rounds) in RUNS {
            let mut figures = Figures::default();
            while figures.raw.len() < rounds && begin.elapsed() < LONGEST {
                figures.round(issues, slots);
            }
            if !figures.raw.is_empty() {
                figures
                    .tell(issues, slots, &mut out)
                    .expect("a place to print to");
            }
        }
    }
}

/// CPU milliseconds for each issue, by round, and the program's peak memory in KiB.
#[derive(Default)]
struct Figures {
    own: Vec<f64>,
    raw: Vec<f64>,
    agent: Vec<f64>,
    memory: Vec<f64>,
}

impl Figures {
    fn round(&mut self, issues: u32, slots: &str) {
        let place = Place::new(issues);
        let (raw, _) = measure(&mut place.script(RAW, issues));
        let place = Place::new(issues);
        let (own, memory) = measure(&mut place.autoissue(slots));
        place.check(issues);
        let (agent, _) = measure(&mut place.script(AGENTS, issues));
        let each = |cpu: Duration| cpu.as_secs_f64() * 1000.0 / f64::from(issues);
        self.raw.push(each(raw));
        self.own.push(each(own));
        self.agent.push(each(agent));
        self.memory.push(memory);
    }

    fn tell(self, issues: u32, slots: &str, out: &mut impl Write) -> std::io::Result<()> {
        let rounds = self.raw.len();
        let (own, raw, agent) = (median(self.own), median(self.raw), median(self.agent));
        writeln!(
            out,
            "{issues} issues, {slots} slots, {rounds} rounds: CPU for an issue {own:.1} ms, raw git {raw:.1} ms, of each \
             {agent:.1} ms the agent; ratio without the agent {:.2} (goal 0.50), with it {:.2}; peak memory {:.1} MiB \
             (goal 24)",
            (own - agent) / (raw - agent),
            own / raw,
            median(self.memory) / 1024.0
        )
    }
}

/// A repository with issues, and all that a run needs, in memory where the machine has a place for that.
struct Place {
    root: TempDir,
}

impl Place {
    fn new(issues: u32) -> Self {
        let memory = Path::new("/dev/shm");
        let root = tempfile::tempdir_in(memory).or_else(|_| tempfile::tempdir());
        let place = Self {
            root: root.expect("a temporary directory"),
        };
        for number in 0..FILES {
            let text = format!("{number}\n").repeat(50);
            place.write(&format!("repo/room{}/file{number}.txt", number % 10), &text);
        }
        place.write(
            "home/.gitconfig",
            "[user]\n\tname = Bench\n\temail = bench@localhost\n",
        );
        let setup =
            "git init -q -b main repo && cd repo && git add --all && git commit -q -m begin";
        finish(&mut place.script(setup, 0));
        for number in 1..=issues {
            let text = format!(
                "---\ntitle: \"[backend] Write {number}\"\nlabels: [go]\nstate: open\n---\n\nWrite `work-{number}.txt`.\n"
            );
            place.write(&format!("repo/.autoissue/issues/{number}.md"), &text);
        }
        let agent = place.write("agent", AGENT);
        fs::set_permissions(&agent, fs::Permissions::from_mode(0o755)).expect("an executable");
        let config = format!(
            r#"{{"version": 1, "forge": {{"kind": "local"}}, "agent": {{"kind": "command", "command": ["{}"]}}}}"#,
            agent.display()
        );
        place.write("repo/autoissue.config.json", &config);
        place
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.root.path().join(name);
        fs::create_dir_all(path.parent().expect("it has a parent")).expect("a directory");
        fs::write(&path, text).expect("a file");
        path
    }

    fn script(&self, text: &str, issues: u32) -> Command {
        let mut command = self.clean("sh");
        command.args(["-c", text, "sh"]).arg(issues.to_string());
        command.current_dir(self.root.path());
        command
    }

    fn autoissue(&self, slots: &str) -> Command {
        let mut command = self.clean(env!("CARGO_BIN_EXE_autoissue"));
        command
            .args([
                "exec",
                "go",
                "--headless",
                "--budget",
                "1000000",
                "--max-parallel",
                slots,
            ])
            .arg("--state-dir")
            .arg(self.root.path().join("state"))
            .current_dir(self.root.path().join("repo"));
        command
    }

    fn clean(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        let home = self.root.path().join("home");
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").expect("a PATH"))
            .env("HOME", home)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    }

    /// Did every issue get its branch?
    fn check(&self, issues: u32) {
        let count = format!(
            "test \"$(git -C repo for-each-ref refs/heads/autoissue | wc -l)\" -eq {issues}"
        );
        finish(&mut self.script(&count, issues));
    }
}

fn finish(command: &mut Command) {
    assert!(
        command.status().expect("it starts").success(),
        "{command:?}"
    );
}

/// The CPU time of a command and all that it starts, and the peak memory of itself alone.
fn measure(command: &mut Command) -> (Duration, f64) {
    let before = cpu();
    let child = command.spawn().expect("it starts");
    let status = format!("/proc/{}/status", child.id());
    let (tell, told) = channel();
    let waiter = thread::spawn(move || tell.send(child.wait_with_output()));
    // What the system says of its peak goes with it, so that is asked again and again.
    let mut memory = 0.0_f64;
    let ended = loop {
        match told.recv_timeout(Duration::from_millis(5)) {
            Ok(ended) => break ended.expect("it ends"),
            Err(_) => memory = memory.max(peak(&status).unwrap_or(0.0)),
        }
    };
    assert!(ended.status.success(), "{command:?}");
    waiter.join().expect("no panic").expect("somebody listens");
    while wait().is_ok() {}
    (cpu().saturating_sub(before), memory)
}

/// Of all that has been waited for.
fn cpu() -> Duration {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).expect("a usage");
    [usage.user_time(), usage.system_time()]
        .into_iter()
        .map(|time| {
            let micros = time.tv_sec() * 1_000_000 + time.tv_usec();
            Duration::from_micros(u64::try_from(micros).unwrap_or(0))
        })
        .sum()
}

/// In KiB, so far.
fn peak(status: &str) -> Option<f64> {
    let text = fs::read_to_string(status).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}
