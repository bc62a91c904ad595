//! The local forge on real files, edited by hand in between.

use autoissue::adapters::local_forge::forge::{LocalForge, LocalForgeSettings};
use autoissue::ports::{Forge, ForgeError};
use autoissue::rules::ids::{BranchName, IssueNumber, PullNumber, Timestamp};
use autoissue::rules::issue::{Issue, IssueState, Selection};
use autoissue::rules::task::PullDraft;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;

struct Place {
    directory: TempDir,
}

impl Place {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        Self { directory }
    }

    fn with(files: &[(&str, &str)]) -> Self {
        let place = Self::new();
        for (name, text) in files {
            place.write(&format!("issues/{name}"), text);
        }
        place
    }

    fn root(&self) -> &Path {
        self.directory.path()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root().join(".autoissue").join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        fs::write(self.path(name), text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    fn forge(&self) -> LocalForge {
        LocalForge::open(&LocalForgeSettings::of(self.root())).unwrap()
    }

    async fn issues(&self) -> Result<Vec<Issue>, ForgeError> {
        self.forge().open_issues(&Selection::default()).await
    }

    async fn issue(&self, number: u64) -> Issue {
        let issue = self.forge().issue(IssueNumber(number)).await;
        issue.unwrap().unwrap()
    }
}

fn draft(head: &str, title: &str, body: &str) -> PullDraft {
    PullDraft {
        issue: IssueNumber(1),
        head: BranchName::new(head),
        base: "main".into(),
        title: title.into(),
        body: body.into(),
        draft: false,
    }
}

fn detail(error: ForgeError) -> String {
    match error {
        ForgeError::Refused { detail, .. } => detail,
        other => panic!("expected a refusal, got {other:?}"),
    }
}

#[tokio::test]
async fn files_written_by_hand_are_issues() {
    let place = Place::with(&[
        (
            "3-login.md",
            "---\ntitle: \"[Backend] Say \\\"no\\\"\"\nlabels: [auto, P1]\nstate: open\ndepends_on: [1, '#2']\nauthor: ada\ncreated: 2026-11-20\n---\n\nThe body.\n",
        ),
        ("1.md", "# From the heading\n\nText.\n"),
        (
            "notes on x.md",
            "---\nnumber: 12\ntitle: Named inside\n---\n",
        ),
        ("2-done.md", "---\ntitle: Done\nstate: Closed\n---\n"),
        ("README.md", "Not an issue."),
    ]);
    let issues = place.issues().await.unwrap();
    let numbers: Vec<u64> = issues.iter().map(|issue| issue.number.0).collect();
    assert_eq!(numbers, [1, 3, 12]);
    assert_eq!(issues[0].title, "From the heading");
    let login = &issues[1];
    assert_eq!(login.title, "[Backend] Say \"no\"");
    assert_eq!(login.body, "The body.");
    assert_eq!(login.labels, ["auto", "P1"]);
    assert_eq!(login.author.as_deref(), Some("ada"));
    assert_eq!(login.depends_on, [IssueNumber(1), IssueNumber(2)]);
    assert_eq!(login.created_at, Timestamp(1_795_132_800_000));
    let url = login.url.clone().unwrap();
    assert!(
        url.starts_with("file:///") && url.ends_with("/3-login.md"),
        "{url}"
    );
    assert_eq!(place.issue(2).await.state, IssueState::Closed);
    assert_eq!(place.forge().issue(IssueNumber(9)).await.unwrap(), None);
}

#[tokio::test]
async fn a_selection_takes_labels_and_numbers() {
    let place = Place::with(&[
        ("1.md", "---\ntitle: a\nlabels: auto\n---\n"),
        ("2.md", "---\ntitle: b\nlabels: [AUTO, later]\n---\n"),
        ("3.md", "---\ntitle: c\n---\n"),
    ]);
    let selection = Selection {
        planned: None,
        follow_up: false,
        label: Some("auto".into()),
        numbers: Vec::new(),
        exclude_labels: vec!["later".into()],
        filter: autoissue::rules::filter::Filter::default(),
    };
    let taken = place.forge().open_issues(&selection).await.unwrap();
    assert_eq!(taken.len(), 1);
    assert_eq!(taken[0].number, IssueNumber(1));
}

#[tokio::test]
async fn reading_changes_nothing() {
    let place = Place::new();
    let forge = place.forge();
    assert!(place.issues().await.unwrap().is_empty());
    assert!(forge.open_pulls().await.unwrap().is_empty());
    assert!(!forge.has_comment(IssueNumber(1), "m").await.unwrap());
    assert_eq!(fs::read_dir(place.root()).unwrap().count(), 0);
}

#[tokio::test]
async fn one_error_names_every_bad_file_and_line() {
    let place = Place::with(&[
        ("1-good.md", "---\ntitle: good\n---\n"),
        ("2-open.md", "---\ntitle: x\n"),
        ("3-state.md", "---\ntitle: x\nother: y\nstate: maybe\n---\n"),
        ("4-needs.md", "---\ntitle: x\ndepends_on: [one]\n---\n"),
        ("5-untitled.md", "no heading here\n"),
        ("6-a.md", "# a\n"),
        ("6-b.md", "# b\n"),
        ("7-other.md", "---\nnumber: 8\ntitle: x\n---\n"),
        ("nameless.md", "# who am I\n"),
        ("9-date.md", "---\ntitle: x\ncreated: soon\n---\n"),
    ]);
    std::os::unix::fs::symlink("/etc/passwd", place.path("issues/10-link.md")).unwrap();
    let detail = detail(place.issues().await.unwrap_err());
    let lines: Vec<&str> = detail.lines().map(str::trim).collect();
    let expect = [
        ("10-link.md", "is a symbolic link"),
        (
            "2-open.md",
            "line 1: the front matter that starts here has no closing",
        ),
        ("3-state.md", "line 4: `state: maybe` is neither"),
        ("4-needs.md", "line 3: `depends_on` has `one`"),
        ("5-untitled.md", "has no title"),
        ("6-b.md", "number 6 is taken by .autoissue/issues/6-a.md"),
        ("7-other.md", "line 2: `number: 8` is not the 7 of its name"),
        ("9-date.md", "line 3: `created: soon` is no date"),
        ("nameless.md", "has no number"),
    ];
    assert_eq!(lines.len(), expect.len(), "{detail}");
    for (line, (name, problem)) in lines.iter().zip(expect) {
        let place = format!(".autoissue/issues/{name}: ");
        assert!(line.starts_with(&place) && line.contains(problem), "{line}");
    }
    assert_eq!(
        place.issue(1).await.title,
        "good",
        "the good one can be had alone"
    );
    let alone = place.forge().issue(IssueNumber(6)).await;
    assert!(alone.is_err(), "nobody knows which of the two is meant");
}

#[tokio::test]
async fn large_and_foreign_texts_come_through() {
    let body = "Ä line of text.\r\n".repeat(64 * 1024 / 18);
    let text = format!("\u{feff}---\r\ntitle: 'CRLF'\r\nlabels:\r\n  - a\r\n---\r\n{body}");
    let place = Place::with(&[("1.md", &text)]);
    let issue = place.issue(1).await;
    assert_eq!(issue.title, "CRLF");
    assert_eq!(issue.body, body.replace("\r\n", "\n").trim_end());
    let forge = place.forge();
    forge.add_label(IssueNumber(1), "b").await.unwrap();
    forge.comment(IssueNumber(1), "one\ntwo").await.unwrap();
    let now = place.read("issues/1.md");
    let expect = text.replace("  - a\r\n", "  - a\r\n  - b\r\n");
    assert!(now.starts_with(&expect), "only the label's line was added");
    assert!(now.ends_with("\r\n\r\none\r\ntwo\r\n"));
    assert!(
        !now.replace("\r\n", "").contains('\n'),
        "one kind of line end"
    );
    assert_eq!(place.issue(1).await.body, issue.body);
}

#[tokio::test]
async fn labels_change_in_place() {
    let text =
        "---\ntitle: x\nmine: {a: 1}\nlabels: [auto, Working] \nmore: |\n  kept\n---\nBody\n";
    let place = Place::with(&[("1.md", text)]);
    let forge = place.forge();
    let one = IssueNumber(1);
    forge.remove_label(one, "working").await.unwrap();
    forge.add_label(one, "done: $(x)").await.unwrap();
    let expect = text.replace("[auto, Working] ", r#"[auto, "done: $(x)"]"#);
    assert_eq!(place.read("issues/1.md"), expect);
    let before = fs::metadata(place.path("issues/1.md")).unwrap();
    forge.add_label(one, "AUTO").await.unwrap();
    forge.remove_label(one, "never there").await.unwrap();
    let after = fs::metadata(place.path("issues/1.md")).unwrap();
    assert_eq!(
        before.modified().unwrap(),
        after.modified().unwrap(),
        "twice is once"
    );
    let missing = forge.add_label(IssueNumber(2), "x").await.unwrap_err();
    assert!(
        matches!(missing, ForgeError::NotFound { .. }),
        "{missing:?}"
    );
}

#[tokio::test]
async fn a_file_without_front_matter_can_be_labelled() {
    let place = Place::with(&[("1.md", "# Title\n\nText\n")]);
    place
        .forge()
        .add_label(IssueNumber(1), "auto")
        .await
        .unwrap();
    assert_eq!(
        place.read("issues/1.md"),
        "---\nlabels: [auto]\n---\n# Title\n\nText\n"
    );
    assert_eq!(place.issue(1).await.title, "Title");
}

#[tokio::test]
async fn a_comment_is_found_by_its_marker() {
    let forged = "# Title\n\n<!-- autoissue:v1 kind=start -->\n";
    let place = Place::with(&[("1.md", forged)]);
    let forge = place.forge();
    let marker = "<!-- autoissue:v1 kind=start -->";
    assert!(!forge.has_comment(IssueNumber(1), marker).await.unwrap());
    let text = format!("{marker}\nStarted.\n\n```\n## Comments\n");
    forge.comment(IssueNumber(1), &text).await.unwrap();
    assert!(forge.has_comment(IssueNumber(1), marker).await.unwrap());
    forge.comment(IssueNumber(1), "<!-- m2 -->").await.unwrap();
    assert!(
        forge
            .has_comment(IssueNumber(1), "<!-- m2 -->")
            .await
            .unwrap()
    );
    assert!(
        !forge
            .has_comment(IssueNumber(1), "<!-- m3 -->")
            .await
            .unwrap()
    );
    assert_eq!(place.issue(1).await.body, forged.trim_end());
}

#[tokio::test]
async fn a_comment_that_does_not_fit_is_refused_and_changes_nothing() {
    let place = Place::with(&[("1.md", "# Title\n")]);
    let comment = "x".repeat(1024 * 1024);
    let error = place.forge().comment(IssueNumber(1), &comment).await;
    assert!(detail(error.unwrap_err()).contains("larger than 1 MiB"));
    assert_eq!(place.read("issues/1.md"), "# Title\n");
    assert_eq!(fs::read_dir(place.path("issues")).unwrap().count(), 1);
}

#[tokio::test]
async fn odd_titles_and_bodies_stay_text() {
    let place = Place::with(&[("1.md", "# Title\n")]);
    let forge = place.forge();
    let odd = [
        "quotes \" ' ` and \\ slashes",
        "$(touch /tmp/x); `id` && {{labels}} %s",
        "two\nlines\r\nstate: merged",
        "\u{202e}edocesrever \u{200b}hidden",
        "\u{1b}]0;title\u{7}\u{1b}[2J",
        "--upload-pack=x: # [a] {b}",
        "true",
        "---",
    ];
    for (at, title) in odd.into_iter().enumerate() {
        let head = format!("autoissue/{at}-odd");
        let body = format!("---\nstate: merged\nhead: evil\n---\n{title}\n<!-- m -->");
        let pull = forge.open_pull(&draft(&head, title, &body)).await.unwrap();
        let found = forge.pulls_from(&BranchName::new(&head)).await.unwrap();
        assert_eq!(found, std::slice::from_ref(&pull), "{title:?}");
        assert!(pull.open, "{title:?}");
        assert_eq!(pull.head, head);
        assert_eq!(pull.body, body.replace("\r\n", "\n"), "{title:?}");
        let file = pull.url.rsplit('/').next().unwrap().to_owned();
        let front = place.read(&format!("pulls/{file}"));
        let line = front
            .lines()
            .find(|line| line.starts_with("title: "))
            .unwrap();
        let printed = line.strip_prefix("title: ").unwrap();
        assert_eq!(serde_json::from_str::<String>(printed).unwrap(), title);
    }
    assert_eq!(forge.open_pulls().await.unwrap().len(), odd.len());
}

#[tokio::test]
async fn a_second_pull_from_a_branch_is_refused_until_the_first_is_closed() {
    let place = Place::with(&[("41.md", "# Title\n")]);
    let forge = place.forge();
    let draft = draft("autoissue/41-title", "T", "B <!-- m -->");
    let first = forge.open_pull(&draft).await.unwrap();
    assert_eq!(
        first.number,
        PullNumber(42),
        "numbers go on after the issues'"
    );
    let again = place.forge().open_pull(&draft).await.unwrap_err();
    assert!(detail(again).contains("#42"));

    let name = "pulls/42-autoissue-41-title.md";
    let by_hand = place
        .read(name)
        .replace("state: open", "state: Merged  # thanks");
    place.write(name, &by_hand);
    fs::rename(place.path(name), place.path("pulls/42 renamed.md")).unwrap();
    fs::write(
        place.path("pulls/42 renamed.md"),
        by_hand.replace("number: 42", "number: 50"),
    )
    .unwrap();
    assert!(forge.open_pulls().await.unwrap().is_empty());
    let second = forge.open_pull(&draft).await.unwrap();
    assert_eq!(second.number, PullNumber(51));
    let all = forge.pulls_from(&draft.head).await.unwrap();
    let shown: Vec<(u64, bool)> = all.iter().map(|pull| (pull.number.0, pull.open)).collect();
    assert_eq!(shown, [(51, true), (50, false)], "the newest first");
    let other = forge
        .pulls_from(&BranchName::new("autoissue/41-title-2"))
        .await;
    assert!(other.unwrap().is_empty());
}

#[tokio::test]
async fn a_pull_is_corrected_where_it_is_open() {
    let place = Place::new();
    let forge = place.forge();
    let first = draft("autoissue/1-x", "T", "B");
    let pull = forge.open_pull(&first).await.unwrap();
    let mut better = draft("autoissue/1-x", "Better: \"T\"", "C\n\nD");
    better.base = "release".into();
    forge.correct_pull(pull.number, &better).await.unwrap();
    let now = &forge.pulls_from(&first.head).await.unwrap()[0];
    assert_eq!(
        (now.base.as_str(), now.body.as_str()),
        ("release", "C\n\nD")
    );
    let file = "pulls/1-autoissue-1-x.md";
    let closed = place.read(file).replace("state: open", "state: closed");
    place.write(file, &closed);
    let refused = forge.correct_pull(pull.number, &first).await.unwrap_err();
    assert!(detail(refused).contains("not open"));
    assert_eq!(place.read(file), closed);
    let missing = forge.correct_pull(PullNumber(9), &first).await;
    assert!(matches!(missing.unwrap_err(), ForgeError::NotFound { .. }));
}

#[tokio::test]
async fn a_pulls_file_without_its_branch_is_named() {
    let place = Place::new();
    place.write("pulls/3-mine.md", "---\nstate: open\nbase: main\n---\n");
    let error = place.forge().open_pulls().await.unwrap_err();
    assert!(detail(error).contains(".autoissue/pulls/3-mine.md: line 1: has no `head:`"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn writers_at_the_same_time_lose_nothing() {
    let place = Place::with(&[("1.md", "# Title\n")]);
    let writers: Vec<_> = (0..4)
        .map(|writer| {
            // A forge of its own each: they meet at the lock file only, like processes.
            let forge = place.forge();
            tokio::spawn(async move {
                for at in 0..6 {
                    let text = format!("<!-- {writer}.{at} -->");
                    forge.comment(IssueNumber(1), &text).await.unwrap();
                    let label = format!("l{writer}.{at}");
                    forge.add_label(IssueNumber(1), &label).await.unwrap();
                    let head = format!("autoissue/{writer}-{at}");
                    forge.open_pull(&draft(&head, "t", "b")).await.unwrap();
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    let forge = place.forge();
    for writer in 0..4 {
        for at in 0..6 {
            let marker = format!("<!-- {writer}.{at} -->");
            assert!(forge.has_comment(IssueNumber(1), &marker).await.unwrap());
        }
    }
    assert_eq!(place.issue(1).await.labels.len(), 24);
    let mut numbers: Vec<u64> = forge
        .open_pulls()
        .await
        .unwrap()
        .iter()
        .map(|pull| pull.number.0)
        .collect();
    numbers.dedup();
    assert_eq!(numbers, (2..26).collect::<Vec<u64>>(), "each number once");
}

#[tokio::test]
async fn without_the_lock_a_writer_would_be_lost() {
    let place = Place::with(&[("1.md", "# Title\n")]);
    let forge = place.forge();
    forge.add_label(IssueNumber(1), "first").await.unwrap();
    let lock = fs::File::open(place.path("forge.lock")).unwrap();
    lock.lock().unwrap();
    let ours = forge.comment(IssueNumber(1), "<!-- ours -->");
    let waited = tokio::time::timeout(Duration::from_millis(60), ours).await;
    assert!(waited.is_err(), "the lock is held, so nothing may happen");
    // Another process, between reading and writing: ours would be gone, had it not waited.
    let theirs = place.read("issues/1.md") + "\n## Comments\n\n<!-- theirs -->\n";
    assert!(!theirs.contains("ours"));
    place.write("issues/1.md", &theirs);
    lock.unlock().unwrap();
    forge
        .comment(IssueNumber(1), "<!-- ours -->")
        .await
        .unwrap();
    for marker in ["<!-- ours -->", "<!-- theirs -->"] {
        assert!(
            forge.has_comment(IssueNumber(1), marker).await.unwrap(),
            "{marker}"
        );
    }
}

#[tokio::test]
async fn the_forges_files_do_not_dirty_the_checkout() {
    let place = Place::new();
    let git = |args: &[&str]| {
        let run = Command::new("git")
            .args(args)
            .current_dir(place.root())
            .output()
            .unwrap();
        assert!(run.status.success(), "{run:?}");
        String::from_utf8(run.stdout).unwrap()
    };
    git(&["init", "-q"]);
    let forge = place.forge();
    forge
        .open_pull(&draft("autoissue/1-x", "T", "B"))
        .await
        .unwrap();
    assert_eq!(git(&["status", "--porcelain"]), "");
    // The control, and a person's own choice, which stays.
    place.write(".gitignore", "pulls\n");
    forge
        .open_pull(&draft("autoissue/2-x", "T", "B"))
        .await
        .unwrap();
    assert_eq!(place.read(".gitignore"), "pulls\n");
    assert_eq!(git(&["status", "--porcelain"]), "?? .autoissue/\n");
}

#[tokio::test]
async fn a_forge_is_called_what_it_is_told() {
    let place = Place::new();
    let mut settings = LocalForgeSettings::of(place.root());
    settings.project = "owner/name".into();
    settings.issues_dir = "docs/issues".into();
    fs::create_dir_all(place.root().join("docs/issues")).unwrap();
    fs::write(place.root().join("docs/issues/5-x.md"), "# Elsewhere\n").unwrap();
    let forge = LocalForge::open(&settings).unwrap();
    assert_eq!(forge.project(), "owner/name");
    let issues = forge.open_issues(&Selection::default()).await.unwrap();
    assert_eq!(issues[0].title, "Elsewhere");
    settings.root = place.root().join("nowhere");
    assert!(matches!(
        LocalForge::open(&settings),
        Err(ForgeError::Io { .. })
    ));
}
