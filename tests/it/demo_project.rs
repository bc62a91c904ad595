//! The demo's project is a real one, and its agent does what the demo is to show.

use autoissue::adapters::local_forge::forge::{LocalForge, LocalForgeSettings};
use autoissue::commands::demo::agent::play;
use autoissue::commands::demo::check::check;
use autoissue::commands::demo::material::HISTORY;
use autoissue::commands::demo::project::{DemoError, lay_out};
use autoissue::commands::demo::script::{SCRIPTS, Script, script_of};
use autoissue::ports::Forge;
use autoissue::rules::issue::Selection;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

fn shop() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (path, text) in HISTORY.iter().flat_map(|(_, files)| *files) {
        let path = directory.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    directory
}

/// One run of the agent: exit code and what it printed.
async fn run(issue: u64, prompt: &str, directory: &Path) -> (u8, String) {
    let mut out = Vec::new();
    let script: &Script = script_of(issue).unwrap();
    let code = play(script, prompt, directory, &mut out, &mut std::io::sink()).await;
    (code, String::from_utf8(out).unwrap())
}

fn texts(root: &Path) -> BTreeMap<String, String> {
    let mut texts = BTreeMap::new();
    for (path, _) in HISTORY.iter().flat_map(|(_, files)| *files) {
        let text = fs::read_to_string(root.join(path)).unwrap();
        texts.insert((*path).to_owned(), text);
    }
    texts
}

#[tokio::test]
async fn the_project_is_a_clean_repository_with_a_backlog() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("shop");
    let project = lay_out(&root, Path::new("/opt/auto issue")).unwrap();
    let git = |arguments: &[&str]| {
        let mut git = Command::new("git");
        let run = git
            .args(arguments)
            .current_dir(&project.root)
            .output()
            .unwrap();
        assert!(run.status.success(), "{run:?}");
        String::from_utf8(run.stdout).unwrap()
    };
    assert_eq!(git(&["status", "--porcelain"]), "");
    assert_eq!(git(&["rev-parse", "--abbrev-ref", "HEAD"]).trim(), "main");
    assert_eq!(
        git(&["log", "--oneline"]).lines().count(),
        HISTORY.len() + 1
    );
    assert_eq!(
        git(&["config", "--local", "user.email"]).trim(),
        "shop@example.invalid"
    );
    assert_eq!(check(&project.root).unwrap().breaches, [""; 0]);
    let config = fs::read_to_string(&project.config).unwrap();
    let config: serde_json::Value = serde_json::from_str(&config).unwrap();
    assert_eq!(config["agent"]["command"][0], "/opt/auto issue");

    let forge = LocalForge::open(&LocalForgeSettings::of(&project.root)).unwrap();
    let selection = Selection {
        label: Some(project.label.into()),
        ..Selection::default()
    };
    let issues = forge.open_issues(&selection).await.unwrap();
    let numbers: Vec<u64> = issues.iter().map(|issue| issue.number.0).collect();
    let scripted: Vec<u64> = SCRIPTS.iter().map(|script| script.issue).collect();
    assert_eq!(numbers, scripted);
    assert!(matches!(
        lay_out(&root, Path::new("x")),
        Err(DemoError::NotEmpty(_))
    ));
}

#[tokio::test(start_paused = true)]
async fn most_issues_succeed_at_once() {
    for script in SCRIPTS.iter().filter(|script| script.again.is_none()) {
        let shop = shop();
        let before = texts(shop.path());
        let (code, said) = run(script.issue, "", shop.path()).await;
        assert_eq!(code, 0, "{said}");
        let last: serde_json::Value = serde_json::from_str(said.lines().last().unwrap()).unwrap();
        assert!(last["cost_usd"].as_f64().unwrap() > 0.0, "{last}");
        assert_eq!(last["summary"], script.summary);
        let created = shop.path().join("db/0002_orders_by_customer.sql").exists();
        let changed = created || texts(shop.path()) != before;
        assert_eq!(changed, script.issue != 10, "#{}", script.issue);
        assert_eq!(
            check(shop.path()).unwrap().breaches,
            [""; 0],
            "#{}",
            script.issue
        );
    }
}

#[tokio::test(start_paused = true)]
async fn the_refund_passes_once_it_has_a_test() {
    let shop = shop();
    assert_eq!(run(4, "", shop.path()).await.0, 0);
    let breaches = check(shop.path()).unwrap().breaches;
    assert_eq!(breaches.len(), 1);
    assert!(
        breaches[0].contains("add `test_refund_order`"),
        "{breaches:?}"
    );
    assert_eq!(run(4, &breaches[0], shop.path()).await.0, 0);
    assert_eq!(check(shop.path()).unwrap().breaches, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn the_greeting_crashes_once_and_goes_on_from_its_snapshot_or_from_the_base() {
    let shop_with_snapshot = shop();
    let (code, said) = run(11, "", shop_with_snapshot.path()).await;
    assert_eq!(code, 1);
    assert!(said.contains("connection to the model was lost"), "{said}");
    let fresh = shop();
    for (directory, prompt) in [(&shop_with_snapshot, ""), (&fresh, said.as_str())] {
        assert_eq!(run(11, prompt, directory.path()).await.0, 0);
        let greetings = fs::read_to_string(directory.path().join("api/greetings.py")).unwrap();
        assert!(
            greetings.ends_with(
                "def greet_again(name):\n    return f\"Good to see you again, {name}!\"\n"
            )
        );
    }
}

#[tokio::test(start_paused = true)]
async fn doing_it_twice_changes_nothing_more() {
    let shop = shop();
    for script in &SCRIPTS {
        run(script.issue, "", shop.path()).await;
        run(script.issue, "", shop.path()).await;
    }
    let once = texts(shop.path());
    for script in &SCRIPTS {
        assert_eq!(run(script.issue, "", shop.path()).await.0, 0);
    }
    assert_eq!(texts(shop.path()), once);
    assert_eq!(check(shop.path()).unwrap().breaches, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn the_whole_backlog_takes_a_few_seconds_of_thought() {
    let start = tokio::time::Instant::now();
    let shop = shop();
    for script in &SCRIPTS {
        run(script.issue, "", shop.path()).await;
        if script.again.is_some() {
            run(script.issue, "", shop.path()).await;
        }
    }
    let thought = start.elapsed().as_millis();
    assert!((2_000..6_000).contains(&thought), "{thought} ms");
}
