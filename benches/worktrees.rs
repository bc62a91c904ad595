//! A worktree made ready in a repository of 50,000 files: sparse, from the pool, and by git alone.

use autoissue::adapters::git::repository::{GitRepository, open};
use autoissue::adapters::git::source::{Habits, Place, Source, nobody};
use autoissue::ports::{Repository, WorkspaceOrder};
use autoissue::rules::ids::{BranchName, CommitId, IssueNumber, SlotNumber};
use nix::sys::resource::{UsageWho, getrusage};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const PACKAGES: usize = 100;
const FILES_EACH: usize = 500;

/// So soon the first worktree of a scope is to be ready.
const READY: Duration = Duration::from_millis(100);
/// So much of what git takes for one, a used one with all files may take.
const SHARE: f64 = 0.5;

/// What something took: time on the wall, and CPU of ours and of git's.
#[derive(Clone, Copy)]
struct Cost {
    wall: Duration,
    cpu: Duration,
}

/// What each way took, round by round.
#[derive(Default)]
struct Costs {
    by_git: Vec<Cost>,
    whole: Vec<Cost>,
    sparse: Vec<Cost>,
    first: Vec<Cost>,
    next: Vec<Cost>,
}

fn main() {
    let is_short = std::env::args().any(|arg| arg == "--test");
    let (files_each, rounds) = if is_short { (10, 2) } else { (FILES_EACH, 7) };
    let root = tempfile::tempdir().expect("a temporary directory");
    let origin = root.path().join("origin.git");
    make(&origin, files_each);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let costs = runtime.block_on(measure(root.path(), &origin, rounds));
    tell(&costs, PACKAGES * files_each);
}

async fn measure(root: &Path, origin: &Path, rounds: usize) -> Costs {
    let mut costs = Costs::default();
    let whole = repository(root, origin, "whole", &[]).await;
    let some = repository(root, origin, "some", &["pkg01"]).await;
    costs.first.push(round(&some, 0, "pkg01").await);
    // Each of a scope that is new, in a slot that is new.
    for number in 2..7 {
        let name = format!("pkg{number:02}");
        let other = repository(root, origin, "some", &[&name]).await;
        costs.first.push(round(&other, 10 + number, &name).await);
    }
    for slot in 1..6 {
        costs.next.push(round(&some, slot, "pkg01").await);
    }
    round(&whole, 0, "pkg01").await;
    // By turns, so that whatever else the machine does meets all of them.
    for number in 0..rounds {
        let mirror = root.join("whole/mirror.git");
        costs.by_git.push(by_git(&mirror, root, number));
        costs.whole.push(round(&whole, 0, "pkg01").await);
        costs.sparse.push(round(&some, 0, "pkg01").await);
    }
    costs
}

fn tell(costs: &Costs, files: usize) {
    let mut out = std::io::stdout();
    let mut told = |what: &str, costs: &[Cost]| {
        let cost = median(costs);
        writeln!(out, "{what}: {:.1?} wall, {:.1?} CPU", cost.wall, cost.cpu).expect("told");
        cost
    };
    let by_git = told(
        &format!("git worktree add + remove, {files} files"),
        &costs.by_git,
    );
    let reset = told(
        "a used worktree of the pool made ready again, all files",
        &costs.whole,
    );
    let made = told(
        "the first sparse worktree, 1 directory of 100",
        &costs.first,
    );
    told(
        "the first sparse worktree of each further slot",
        &costs.next,
    );
    let again = told("a used sparse worktree made ready again", &costs.sparse);
    let ratio = |part: Cost| {
        (
            part.wall.as_secs_f64() / by_git.wall.as_secs_f64(),
            part.cpu.as_secs_f64() / by_git.cpu.as_secs_f64(),
        )
    };
    let is_met = |is_met| if is_met { "met" } else { "missed" };
    let first_goal = is_met(made.wall < READY);
    let pool_goal = is_met(ratio(reset).0 <= SHARE);
    for (what, cost) in [("the pool", reset), ("sparse", again)] {
        let (wall, cpu) = ratio(cost);
        writeln!(
            out,
            "{what} to git: {wall:.3} of the wall time, {cpu:.3} of the CPU"
        )
        .expect("told");
    }
    writeln!(
        out,
        "ready in less than {READY:?}: {first_goal}; {SHARE} of git's wall time: {pool_goal}"
    )
    .expect("told");
}

/// Made ready, worked in by an agent that changes five files and leaves one, and given back. What is measured is the first.
async fn round(repository: &GitRepository, slot: u32, place: &str) -> Cost {
    let base = repository.fetch("main").await.expect("a base");
    let order = order(slot, &base);
    let begin = Instant::now();
    let before = cpu();
    let workspace = repository.prepare(&order).await.expect("a place");
    let cost = Cost {
        wall: begin.elapsed(),
        cpu: cpu().saturating_sub(before),
    };
    for number in 0..5 {
        let path = workspace.path.join(format!("{place}/f{number}.txt"));
        fs::write(path, "changed\n").expect("a changed file");
    }
    fs::write(workspace.path.join("left.txt"), "left\n").expect("a new file");
    repository.release(workspace).await.expect("given back");
    cost
}

fn by_git(mirror: &Path, root: &Path, number: usize) -> Cost {
    let path = root.join(format!("raw-{number}"));
    let begin = Instant::now();
    let before = cpu();
    git(
        mirror,
        &[
            "worktree",
            "add",
            "--quiet",
            "--detach",
            &path.display().to_string(),
            "refs/remotes/origin/main",
        ],
    );
    git(
        mirror,
        &["worktree", "remove", "--force", &path.display().to_string()],
    );
    Cost {
        wall: begin.elapsed(),
        cpu: cpu().saturating_sub(before),
    }
}

async fn repository(root: &Path, origin: &Path, name: &str, sparse: &[&str]) -> GitRepository {
    let place = Place {
        mirror: root.join(name).join("mirror.git"),
        slots: root.join(name).join("slots"),
    };
    fs::create_dir_all(root.join(name)).expect("a place");
    let source = Source {
        url: origin.display().to_string(),
        credential: nobody(),
        checkout: None,
    };
    let habits = Habits {
        sparse: sparse.iter().map(ToString::to_string).collect(),
        ..Habits::default()
    };
    open(place, source, habits).await.expect("a repository")
}

fn order(slot: u32, base: &CommitId) -> WorkspaceOrder {
    WorkspaceOrder {
        slot: SlotNumber(slot),
        issue: IssueNumber(u64::from(slot) + 1),
        branch: BranchName::new("autoissue/1-a-thing"),
        base: base.clone(),
        start: base.clone(),
    }
}

/// A bare repository of one commit.
fn make(origin: &PathBuf, files_each: usize) {
    git(
        Path::new("/"),
        &[
            "init",
            "--quiet",
            "--bare",
            "--initial-branch=main",
            &origin.display().to_string(),
        ],
    );
    let mut child = Command::new("git")
        .args(["fast-import", "--quiet"])
        .current_dir(origin)
        .stdin(Stdio::piped())
        .spawn()
        .expect("git starts");
    let mut input = std::io::BufWriter::new(child.stdin.take().expect("a pipe"));
    let begin = "commit refs/heads/main\ncommitter A <a@example.com> 0 +0000\ndata 1\nx\n";
    input.write_all(begin.as_bytes()).expect("written");
    for package in 0..PACKAGES {
        for number in 0..files_each {
            let text = format!("file {number} of {package}\n").repeat(20);
            let length = text.len();
            write!(
                input,
                "M 100644 inline pkg{package:02}/f{number}.txt\ndata {length}\n{text}\n"
            )
            .expect("written");
        }
    }
    input.flush().expect("written");
    drop(input);
    assert!(child.wait().expect("git ends").success());
}

fn git(directory: &Path, args: &[&str]) {
    let ran = Command::new("git")
        .args(args)
        .current_dir(directory)
        .output()
        .expect("git runs");
    assert!(
        ran.status.success(),
        "{}",
        String::from_utf8_lossy(&ran.stderr)
    );
}

/// Of our own and of all children that have ended.
fn cpu() -> Duration {
    let used = |who: UsageWho| {
        let usage = getrusage(who).expect("what was used");
        let parts = [usage.user_time(), usage.system_time()];
        let micros = parts.map(|part| part.tv_sec() * 1_000_000 + part.tv_usec());
        Duration::from_micros(micros.iter().sum::<i64>().unsigned_abs())
    };
    used(UsageWho::RUSAGE_SELF) + used(UsageWho::RUSAGE_CHILDREN)
}

fn median(costs: &[Cost]) -> Cost {
    let middle = |mut all: Vec<Duration>| {
        all.sort();
        all[all.len() / 2]
    };
    Cost {
        wall: middle(costs.iter().map(|cost| cost.wall).collect()),
        cpu: middle(costs.iter().map(|cost| cost.cpu).collect()),
    }
}
