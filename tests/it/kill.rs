//! The real binary is killed at every event of a session on the fake GitHub, resumed, and compared with a session
//! that nobody disturbed.

use crate::fake_github::{FakeGitHub, FakeOptions, Fault};
use crate::rig::{Rig, config_for, leftovers};
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Works on three issues: the first one's first attempt crashes, the second one's first round fails its check.
const AGENT: &str = r#"#!/bin/sh
cat > /dev/null
case $AUTOISSUE_ISSUE in
  1) [ -e tried.txt ] || { echo once > tried.txt; exit 1; }
     echo one > one.txt ;;
  2) if [ -e two.txt ]; then echo good > two.txt; else echo bad > two.txt; fi ;;
  *) echo three > three.txt ;;
esac
echo '{"cost_usd": 0.01, "summary": "did it"}'
"#;

const CHECK: &str = "#!/bin/sh\n! grep -q bad two.txt 2>/dev/null\n";

struct Stage {
    fake: FakeGitHub,
    rig: Rig,
}

impl Stage {
    fn new() -> Self {
        let fake = FakeGitHub::start(&FakeOptions::default());
        fake.add_issue("[Backend] One", "Write one.txt", &["go"]);
        fake.add_issue("[Frontend] Two", "Write two.txt\n\ndepends on #1", &["go"]);
        fake.add_issue("[Docs] Three", "Write three.txt", &["go"]);
        let is_pull = |request: &crate::fake_github::Logged| {
            request.method == "POST" && request.path.ends_with("/pulls")
        };
        fake.fail_when(is_pull, Fault::DroppedReply, 1);
        let rig = Rig::new();
        let (agent, check) = (rig.script("agent", AGENT), rig.script("check", CHECK));
        rig.config(&config_for(
            &fake.api_url(),
            &fake.git_url(),
            &agent,
            Some(&check),
        ));
        Self { fake, rig }
    }

    fn exec(&self, extra: &[(&str, &str)]) -> crate::rig::Ran {
        let mut command =
            self.rig
                .autoissue(&["exec", "go", "--isolation", "none", "--format", "json"]);
        command
            .env("GITHUB_TOKEN", self.fake.token())
            .env("CANARY", self.marker())
            .envs(extra.iter().copied());
        command.output().unwrap().into()
    }

    /// Stands in the environment of every process that belongs to this stage alone.
    fn marker(&self) -> String {
        self.rig.path("state").display().to_string()
    }

    /// What must be the same in the end.
    fn essence(&self) -> BTreeMap<String, String> {
        let mut essence = BTreeMap::new();
        for pull in self.fake.pulls() {
            let part = pull.pull.as_ref().unwrap();
            let tree = self.fake.tree_of(&part.head);
            let twin = essence.insert(
                format!("pull {}", part.head),
                format!("{} {} {tree:?}", pull.title, part.base),
            );
            assert_eq!(twin, None, "two pulls from {}", part.head);
        }
        for issue in self.fake.issues() {
            let mut labels = self.fake.labels(issue.number);
            labels.sort();
            let comments = self.fake.comments(issue.number).len();
            essence.insert(
                format!("issue {}", issue.number),
                format!("{labels:?} {comments} comments"),
            );
        }
        for branch in self.fake.branches().keys() {
            essence.insert(format!("branch {branch}"), String::new());
        }
        essence
    }
}

#[test]
fn a_kill_at_any_event_changes_nothing_in_the_end() {
    let undisturbed = Stage::new();
    let ran = undisturbed.exec(&[]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let expected = undisturbed.essence();
    assert_eq!(
        expected
            .keys()
            .filter(|key| key.starts_with("pull"))
            .count(),
        3,
        "{expected:#?}"
    );
    let (next, kills) = (AtomicUsize::new(1), AtomicUsize::new(0));
    let last = AtomicUsize::new(usize::MAX);
    let failures = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    if at > last.load(Ordering::Relaxed) {
                        return;
                    }
                    for side in ["before", "after"] {
                        match killed_at(at, side, &expected) {
                            Ok(true) => drop(kills.fetch_add(1, Ordering::Relaxed)),
                            Ok(false) => drop(last.fetch_min(at, Ordering::Relaxed)),
                            Err(problem) => failures.lock().unwrap().push(problem),
                        }
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap();
    assert!(
        failures.is_empty(),
        "{} of them:\n{}",
        failures.len(),
        failures.join("\n")
    );
    println!(
        "killed {} times, before and after every event, and always resumed to the same end",
        kills.load(Ordering::Relaxed)
    );
    assert!(kills.load(Ordering::Relaxed) > 80);
}

/// Kills a session at this event and lets it go on; says whether it came that far.
fn killed_at(at: usize, side: &str, expected: &BTreeMap<String, String>) -> Result<bool, String> {
    let stage = Stage::new();
    let point = format!("{at}:{side}");
    let first = stage.exec(&[("AUTOISSUE_CRASH_AT", &point)]);
    if first.code == Some(0) {
        return Ok(false);
    }
    if first.code.is_some() {
        return Err(format!(
            "{point}: ended with {:?} instead of dying\n{}\n{}",
            first.code, first.stdout, first.stderr
        ));
    }
    let second = stage.exec(&[]);
    let essence = stage.essence();
    let left = leftovers(&stage.marker());
    if second.code != Some(0) || essence != *expected || !left.is_empty() {
        return Err(format!(
            "{point}: {:?} {essence:#?}\nleft: {left:?}\n{}\n{}",
            second.code, second.stdout, second.stderr
        ));
    }
    let violations = stage.fake.violations();
    if !violations.is_empty() {
        return Err(format!("{point}: {violations:?}"));
    }
    Ok(true)
}
