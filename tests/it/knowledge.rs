//! The index over real git histories: the same however it came about, and never in the way.

use crate::repos::{git, try_git, write};
use autoissue::adapters::git::archive::Archive;
use autoissue::adapters::knowledge::library::{Learned, Library};
use autoissue::ports::Knowledge;
use autoissue::rules::classify::Domain;
use autoissue::rules::evaluate::similar::{Precedent, Resolved};
use autoissue::rules::footprint::{Evidence, Footprint};
use autoissue::rules::ids::{IssueNumber, Timestamp};
use autoissue::rules::issue::{Issue, IssueState};
use std::fs;
use std::path::PathBuf;

/// A repository and a place for indexes.
struct Past {
    dir: tempfile::TempDir,
    minute: u32,
}

impl Past {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        git(dir.path(), &["init", "-q", "-b", "main", "repo"]);
        Self { dir, minute: 0 }
    }

    fn repo(&self) -> PathBuf {
        self.dir.path().join("repo")
    }

    /// Commits these files with these words.
    fn commit(&mut self, message: &str, files: &[(&str, &str)]) {
        for (path, content) in files {
            write(&self.repo(), path, content);
        }
        self.commit_all(message);
    }

    fn commit_all(&mut self, message: &str) {
        self.minute += 1;
        git(&self.repo(), &["add", "-A", "-f"]);
        let at = format!(
            "2026-01-01T{:02}:{:02}:00Z",
            self.minute / 60,
            self.minute % 60
        );
        let done = std::process::Command::new("git")
            .args([
                "-c",
                "user.name=Ada",
                "-c",
                "user.email=ada@example.com",
                "commit",
                "-q",
            ])
            .args(["--allow-empty", "--allow-empty-message", "-m", message])
            .env("GIT_COMMITTER_DATE", &at)
            .env("GIT_AUTHOR_DATE", &at)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .current_dir(self.repo())
            .status();
        assert!(done.unwrap().success());
    }

    async fn archive(&self) -> Archive {
        self.archive_of("repo").await
    }

    async fn archive_of(&self, name: &str) -> Archive {
        Archive::of(&self.dir.path().join(name), &self.dir.path().join("home"))
            .await
            .unwrap()
    }

    async fn open(&self, name: &str) -> Library {
        Library::open(&self.dir.path().join("index").join(name))
            .await
            .unwrap()
    }

    async fn learn(&self, library: &Library) -> Learned {
        self.learn_from(library, "repo").await
    }

    async fn learn_from(&self, library: &Library, repo: &str) -> Learned {
        let archive = self.archive_of(repo).await;
        let head = archive.commit("HEAD").await.unwrap().unwrap();
        library
            .bring_up_to_date(&archive, &head, &|_| {})
            .await
            .unwrap()
    }

    /// An index that has learned it all.
    async fn learned(&self) -> Library {
        let library = self.open(&format!("{}.db", self.minute)).await;
        self.learn(&library).await;
        library
    }
}

fn issue(title: &str, body: &str) -> Issue {
    Issue {
        number: IssueNumber(1),
        title: title.to_owned(),
        body: body.to_owned(),
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

async fn ask(library: &Library, title: &str) -> Footprint {
    library
        .footprint(&issue(title, ""), Domain::Unknown)
        .await
        .unwrap()
}

/// How strongly this kind speaks for the file.
fn weight(footprint: &Footprint, path: &str, kind: Evidence) -> f64 {
    let file = footprint.files.iter().find(|file| file.path == path);
    let reason = file.and_then(|file| file.evidence.iter().find(|reason| reason.kind == kind));
    reason.map_or(0.0, |reason| reason.weight)
}

/// A shop of three parts; work on each touches its own files.
fn shop() -> Past {
    let mut past = Past::new();
    past.commit(
        "begin",
        &[
            ("src/cart.rs", "pub fn add_item() {}"),
            ("src/price.rs", "pub fn total_price() {}"),
            ("src/mail.rs", "pub fn send_receipt() {}"),
            ("README.md", "shop"),
        ],
    );
    for n in 0..6 {
        let text = format!("pub fn add_item() {{ {n} }}");
        past.commit(
            "basket: keep quantities when an article is repeated",
            &[("src/cart.rs", &text)],
        );
        let text = format!("pub fn total_price() {{ {n} }}");
        past.commit(
            "discounts are rounded to cents",
            &[("src/price.rs", &text), ("src/mail.rs", &text)],
        );
    }
    past
}

#[tokio::test]
async fn past_work_names_and_companions_are_found() {
    let library = shop().learned().await;
    let footprint = ask(&library, "Articles in the basket lose their quantities").await;
    assert_eq!(footprint.by_probability()[0].path, "src/cart.rs");
    assert!(weight(&footprint, "src/cart.rs", Evidence::SimilarWork) > 0.3);
    let footprint = ask(&library, "total_price is wrong").await;
    assert!(weight(&footprint, "src/price.rs", Evidence::Symbol) > 0.5);
    assert!(weight(&footprint, "src/mail.rs", Evidence::CoChange) > 0.1);
    assert!(footprint.is_known());
}

#[tokio::test]
async fn an_index_brought_up_to_date_says_what_a_new_one_says() {
    let mut past = shop();
    let grown = past.open("grown.db").await;
    let first = past.learn(&grown).await;
    assert!(
        first.anew && first.commits == 13 && first.files == 4,
        "{first:?}"
    );
    git(&past.repo(), &["mv", "src/cart.rs", "src/basket.rs"]);
    past.commit_all("rename the cart");
    past.learn(&grown).await;
    past.commit(
        "vouchers",
        &[
            ("src/voucher.rs", "fn redeem() {}"),
            ("src/basket.rs", "fn add_item() { redeem() }"),
        ],
    );
    fs::remove_file(past.repo().join("src/mail.rs")).unwrap();
    past.commit_all("no more mail");
    let more = past.learn(&grown).await;
    assert_eq!((more.commits, more.anew), (2, false));
    let fresh = past.learned().await;
    for title in [
        "basket quantities",
        "redeem vouchers",
        "rounded discounts",
        "mail",
        "add_item",
        "nothing at all",
    ] {
        assert_eq!(
            ask(&grown, title).await,
            ask(&fresh, title).await,
            "{title}"
        );
    }
    assert_eq!(
        past.learn(&grown).await,
        Learned::default(),
        "there is nothing new"
    );
}

#[tokio::test]
async fn what_was_learned_of_a_file_moves_with_it() {
    let mut past = shop();
    git(&past.repo(), &["mv", "src/cart.rs", "src/basket.rs"]);
    past.commit_all("rename the cart");
    let library = past.learned().await;
    let footprint = ask(&library, "Articles in the basket lose their quantities").await;
    assert!(weight(&footprint, "src/basket.rs", Evidence::SimilarWork) > 0.3);
    assert!(
        footprint
            .files
            .iter()
            .all(|file| file.path != "src/cart.rs")
    );
}

#[tokio::test]
async fn a_rewritten_history_is_learned_anew() {
    let mut past = shop();
    let library = past.open("one.db").await;
    past.learn(&library).await;
    git(&past.repo(), &["reset", "-q", "--hard", "HEAD~2"]);
    past.commit(
        "the receipt has a greeting",
        &[("src/mail.rs", "pub fn send_receipt() { 9 }")],
    );
    let again = past.learn(&library).await;
    assert!(again.anew, "{again:?}");
    assert_eq!(
        ask(&library, "greeting").await,
        ask(&past.learned().await, "greeting").await
    );
}

#[tokio::test]
async fn one_commit_and_none_with_words_are_enough() {
    let mut past = Past::new();
    past.commit(
        "",
        &[
            ("a.rs", "fn lonely() {}"),
            ("logo.png", "\u{0}fn hidden_name() {}"),
        ],
    );
    let library = past.learned().await;
    assert!(
        weight(
            &ask(&library, "`lonely` is wrong").await,
            "a.rs",
            Evidence::Symbol
        ) > 0.5
    );
    assert!(
        weight(
            &ask(&library, "`hidden_name`").await,
            "logo.png",
            Evidence::Symbol
        ) < 0.01
    );
    past.commit_all("");
    let more = past.open("1.db").await;
    assert_eq!(past.learn(&more).await.commits, 1);
}

#[tokio::test]
async fn a_shallow_clone_is_learned_as_far_as_it_goes() {
    let past = shop();
    let url = format!("file://{}", past.repo().display());
    git(
        past.dir.path(),
        &["clone", "-q", "--depth", "3", &url, "shallow"],
    );
    assert!(past.archive_of("shallow").await.is_shallow());
    assert!(!past.archive().await.is_shallow());
    let library = past.open("shallow.db").await;
    assert_eq!(past.learn_from(&library, "shallow").await.commits, 3);
    assert_eq!(
        ask(&library, "basket quantities in the cart")
            .await
            .by_probability()[0]
            .path,
        "src/cart.rs"
    );
}

#[tokio::test]
async fn odd_paths_and_words_are_only_data() {
    let mut past = Past::new();
    past.commit(
        "begin",
        &[
            ("a b\nc.rs", "fn odd_name() {}"),
            (":x", "1"),
            ("ü.rs", "fn umlaut_name() {}"),
        ],
    );
    past.commit(
        "\u{1}\u{2} \" OR NEAR( : * 0123456789012345678901234567890123456789",
        &[(":x", "2")],
    );
    std::os::unix::fs::symlink("ü.rs", past.repo().join("link.rs")).unwrap();
    past.commit_all("a link");
    let library = past.learned().await;
    for title in [
        "\" OR NEAR( : *",
        "`odd_name`",
        "'; DROP TABLE files; --",
        "\u{0}",
        &"x".repeat(100_000),
    ] {
        ask(&library, title).await;
    }
    assert!(
        weight(
            &ask(&library, "`umlaut_name`").await,
            "ü.rs",
            Evidence::Symbol
        ) > 0.5
    );
    assert!(
        weight(
            &ask(&library, "`odd_name`").await,
            "a b\nc.rs",
            Evidence::Symbol
        ) > 0.5
    );
}

#[tokio::test]
async fn merged_branches_are_learned_once_and_with_the_words_of_their_merge() {
    let mut past = shop();
    git(&past.repo(), &["checkout", "-q", "-b", "side"]);
    past.commit(
        "wip",
        &[
            ("src/stock.rs", "fn count() {}"),
            ("src/cart.rs", "fn add_item() { 77 }"),
        ],
    );
    git(&past.repo(), &["checkout", "-q", "main"]);
    past.commit("unrelated", &[("README.md", "more")]);
    git(
        &past.repo(),
        &[
            "merge",
            "-q",
            "--no-ff",
            "-m",
            "Merge pull request #7: warehouse levels",
            "side",
        ],
    );
    let library = past.open("merged.db").await;
    assert_eq!(past.learn(&library).await.commits, 16);
    let footprint = ask(&library, "warehouse levels").await;
    assert!(weight(&footprint, "src/stock.rs", Evidence::SimilarWork) > 0.3);
    assert!(weight(&footprint, "README.md", Evidence::SimilarWork) < 0.01);
}

#[tokio::test]
async fn a_damaged_index_is_made_anew() {
    let past = shop();
    let path = past.dir.path().join("index").join("bad.db");
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(
        &path,
        "this is no database, and long enough to be read as one".repeat(100),
    )
    .unwrap();
    assert!(Library::look(path.clone()).await.is_err());
    let library = past.open("bad.db").await;
    assert!(past.learn(&library).await.anew);
    drop(library);
    let looked = Library::look(path).await.unwrap();
    assert_eq!(
        ask(&looked, "basket quantities").await.by_probability()[0].path,
        "src/cart.rs"
    );
}

#[tokio::test]
async fn an_issue_that_names_five_hundred_files_keeps_them_all() {
    let past = shop();
    let library = past.learned().await;
    let names: Vec<String> = (0..700).map(|n| format!("- `src/made/f{n}.rs`")).collect();
    let issue = issue("Everything", &format!("## Files\n{}", names.join("\n")));
    let footprint = library.footprint(&issue, Domain::Unknown).await.unwrap();
    assert_eq!(footprint.files.len(), 500);
}

#[tokio::test]
async fn two_that_learn_at_a_time_end_alike() {
    let past = shop();
    let (one, other) = (past.open("shared.db").await, past.open("shared.db").await);
    let (first, second) = tokio::join!(past.learn(&one), past.learn(&other));
    assert_eq!(first.commits + second.commits, 13, "{first:?} {second:?}");
    let title = "basket quantities";
    assert_eq!(ask(&one, title).await, ask(&other, title).await);
}

/// Both sides of three merges add to the list, at its two ends, and change one line of the source.
fn merged() -> Past {
    let list: String = (0..20).map(|n| n.to_string() + "\n").collect();
    let mut past = Past::new();
    let files = [
        ("CHANGELOG.md", list.as_str()),
        ("src/hot.rs", "0"),
        ("src/calm.rs", "0"),
    ];
    past.commit("begin", &files);
    for round in 0..3 {
        let side = format!("side{round}");
        git(&past.repo(), &["checkout", "-q", "-b", &side]);
        let text = fs::read_to_string(past.repo().join("CHANGELOG.md")).unwrap();
        let below = format!("{text}below {round}\n");
        past.commit("below", &[("CHANGELOG.md", &below), ("src/hot.rs", &side)]);
        git(&past.repo(), &["checkout", "-q", "main"]);
        let above = format!("above {round}\n{text}");
        past.commit("above", &[("CHANGELOG.md", &above), ("src/hot.rs", "main")]);
        let merge = ["merge", "-q", "--no-ff", "-m", "merge", &side];
        assert!(
            !try_git(&past.repo(), &merge).status.success(),
            "one file conflicts"
        );
        past.commit("merge", &[("src/hot.rs", &format!("both {round}"))]);
    }
    past
}

#[tokio::test]
async fn past_merges_tell_which_files_really_conflict() {
    let past = merged();
    let library = past.learned().await;
    let footprint = ask(&library, "CHANGELOG.md and src/hot.rs and src/calm.rs").await;
    let friction = |path: &str| {
        let file = footprint.files.iter().find(|file| file.path == path);
        file.map_or(f64::NAN, |file| (file.friction * 100.0).round())
    };
    // (0 + 2 x 0.5) / (3 + 2), (3 + 2) / (3 + 2), and nothing known.
    let found = ["CHANGELOG.md", "src/hot.rs", "src/calm.rs"].map(friction);
    assert_eq!(
        found.map(|percent| format!("{percent}")),
        ["20", "100", "100"]
    );
    let left = fs::read_dir(past.dir.path().join("index")).unwrap();
    let left: Vec<_> = left
        .filter_map(|entry| entry.unwrap().file_name().into_string().ok())
        .collect();
    assert!(
        !left.iter().any(|name| name.ends_with(".objects")),
        "{left:?}"
    );
}

/// Numbers and likenesses of the precedents of an issue numbered 1.
async fn precedents(library: &Library, title: &str, record: &[Resolved]) -> Vec<(u64, f64, bool)> {
    let (issue, nothing) = (issue(title, ""), Footprint::default());
    let background = library.background(&issue, &nothing, record).await.unwrap();
    let of = |it: &Precedent| (it.issue.0, it.likeness.number(), it.succeeded);
    background.precedents.iter().map(of).collect()
}

#[tokio::test]
async fn work_that_reads_like_an_issue_is_a_precedent_by_the_number_that_it_names() {
    let mut past = shop();
    past.commit(
        "mail: keep the quantities of receipts (#7)",
        &[("src/mail.rs", "1")],
    );
    past.commit("mail: send receipts at night", &[("src/mail.rs", "2")]);
    past.commit(
        "Revert \"mail: keep the quantities of receipts (#7)\"",
        &[("src/mail.rs", "3")],
    );
    past.commit(
        "price: round the quantities\n\nFixes #8",
        &[("src/price.rs", "4")],
    );
    past.commit(
        "mail: keep the quantities of receipts (#1)",
        &[("src/mail.rs", "5")],
    );
    let library = past.learned().await;
    let title = "Keep the quantities of receipts in the mail";
    let found = precedents(&library, title, &[]).await;
    assert_eq!(
        found.len(),
        1,
        "only what names a number, and not itself: {found:?}"
    );
    assert_eq!((found[0].0, found[0].2), (7, true));
    assert!(found[0].1 >= 0.9, "{found:?}");
    let failed = Resolved {
        issue: IssueNumber(7),
        title: "Mail: quantities of receipts".to_owned(),
        succeeded: false,
    };
    let found = precedents(&library, title, std::slice::from_ref(&failed)).await;
    assert_eq!(
        (found[0].0, found[0].2),
        (7, false),
        "our own record counts first: {found:?}"
    );
    let nothing = Library::empty().await.unwrap();
    let found = precedents(&nothing, title, &[failed]).await;
    assert_eq!(
        found.len(),
        1,
        "our own record counts without an index: {found:?}"
    );
    assert_eq!(precedents(&library, "Paint the shop", &[]).await, []);
}

#[tokio::test]
async fn files_that_nobody_owns_are_told_where_there_are_owners_at_all() {
    let mut past = shop();
    let ask = async |past: &Past| {
        let library = past.learned().await;
        let issue = issue(
            "It",
            "In `src/cart.rs`, `src/mail.rs`, `src/new.rs` and `src/`.",
        );
        let files = library.footprint(&issue, Domain::Unknown).await.unwrap();
        let found = library.background(&issue, &files, &[]).await.unwrap();
        let mut unowned = found.unowned;
        // It changes with the others.
        unowned.retain(|path| path != "src/price.rs");
        unowned.sort();
        unowned
    };
    assert_eq!(ask(&past).await, [""; 0], "there are no owners");
    let owners = "src/cart.rs @ada\n/src/new.rs\n";
    past.commit("owners", &[("docs/CODEOWNERS", owners)]);
    assert_eq!(ask(&past).await, ["src/mail.rs", "src/new.rs"]);
    past.commit("everybody's", &[(".github/CODEOWNERS", "* @all\n")]);
    assert_eq!(ask(&past).await, [""; 0], "the first place counts");
    fs::remove_file(past.repo().join(".github/CODEOWNERS")).unwrap();
    fs::remove_file(past.repo().join("docs/CODEOWNERS")).unwrap();
    past.commit_all("nobody's");
    assert_eq!(ask(&past).await, [""; 0], "there are none any more");
}
