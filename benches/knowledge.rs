//! How long does it take to learn a history of 50,000 commits, how much memory, and how long is an answer?
//!
//! `cargo bench --bench knowledge [-- <commits>]`

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench that cannot go on has failed, and prints"
)]

use autoissue::adapters::git::archive::Archive;
use autoissue::adapters::knowledge::library::Library;
use autoissue::ports::Knowledge as _;
use autoissue::rules::classify::Domain;
use autoissue::rules::ids::{IssueNumber, Timestamp};
use autoissue::rules::issue::{Issue, IssueState};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

/// Files of the generated repository.
const FILES: usize = 5000;
const WORDS: [&str; 16] = [
    "cart", "price", "mail", "stock", "login", "search", "report", "export", "image", "cache",
    "queue", "theme", "invoice", "refund", "coupon", "address",
];

#[tokio::main]
async fn main() {
    let commits: usize = std::env::args()
        .skip(1)
        .find_map(|word| word.parse().ok())
        .unwrap_or(50_000);
    let dir = tempfile::tempdir().unwrap();
    let repo = dir.path().join("repo.git");
    generate(&repo, commits);
    let archive = Archive::of(&repo, &dir.path().join("home")).await.unwrap();
    let library = Library::open(&dir.path().join("index.db")).await.unwrap();
    let head = archive.commit("refs/heads/main").await.unwrap().unwrap();
    let before = archive.commit("refs/heads/main~10").await.unwrap().unwrap();
    let start = Instant::now();
    let learned = library
        .bring_up_to_date(&archive, &before, &|_| {})
        .await
        .unwrap();
    println!(
        "{} commits and {} files learned in {:.1} s",
        learned.commits,
        learned.files,
        start.elapsed().as_secs_f64()
    );
    let start = Instant::now();
    let learned = library
        .bring_up_to_date(&archive, &head, &|_| {})
        .await
        .unwrap();
    println!(
        "{} more in {:.2} s",
        learned.commits,
        start.elapsed().as_secs_f64()
    );
    let start = Instant::now();
    for word in WORDS {
        let issue = issue(&format!(
            "The {word} of room 12 is wrong since the update, see `item_{word}_3`"
        ));
        assert!(
            library
                .footprint(&issue, Domain::Unknown)
                .await
                .unwrap()
                .is_known()
        );
    }
    println!(
        "{} ms an issue",
        start.elapsed().as_millis() / WORDS.len() as u128
    );
    println!("peak memory of this process {}", peak());
    println!(
        "index {} MiB",
        std::fs::metadata(dir.path().join("index.db"))
            .unwrap()
            .len()
            >> 20
    );
}

/// Commits that change one to four files each, with words that go with them; by `git fast-import`.
fn generate(repo: &Path, commits: usize) {
    let path = repo.to_str().unwrap();
    assert!(
        Command::new("git")
            .args(["init", "-q", "--bare", "-b", "main", path])
            .status()
            .unwrap()
            .success()
    );
    let mut import = Command::new("git")
        .args(["-C", path, "fast-import", "--quiet"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut to = std::io::BufWriter::new(import.stdin.take().unwrap());
    let mut state: u64 = 7;
    for number in 0..commits {
        let mut next = |most: usize| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(state >> 33).unwrap() % most
        };
        let room = next(FILES / WORDS.len());
        let word = WORDS[next(WORDS.len())];
        let message = format!(
            "{word}: mend room {room}, {} of {}",
            WORDS[next(16)],
            WORDS[next(16)]
        );
        let mut changes = String::new();
        for file in 0..=next(4) {
            let content =
                format!("fn item_{word}_{file}() {{ step_{room}_{number}(); }}\n").repeat(20);
            let path = format!(
                "src/{word}/room{:04}.rs",
                (room + file) % (FILES / WORDS.len())
            );
            let _ = write!(
                changes,
                "M 100644 inline {path}\ndata {}\n{content}\n",
                content.len()
            );
        }
        let at = 1_500_000_000 + number * 600;
        write!(
            to,
            "commit refs/heads/main\ncommitter A <a@example.com> {at} +0000\ndata {}\n{message}\n{changes}",
            message.len()
        )
        .unwrap();
    }
    to.flush().unwrap();
    drop(to);
    assert!(import.wait().unwrap().success());
}

fn issue(title: &str) -> Issue {
    Issue {
        number: IssueNumber(1),
        title: title.to_owned(),
        body: String::new(),
        labels: vec![],
        state: IssueState::Open,
        author: None,
        created_at: Timestamp(0),
        updated_at: Timestamp(0),
        url: None,
        depends_on: vec![],
        assignees: Vec::new(),
        milestone: None,
        parts: Vec::new(),
        pulls: Vec::new(),
    }
}

/// As the kernel has it.
fn peak() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.map_or_else(|| "unknown".to_owned(), |peak| peak.trim().to_owned())
}
