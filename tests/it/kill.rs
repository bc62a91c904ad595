//! The real binary is killed at every event of a session on the fake GitHub, resumed, and compared with a session
//! that nobody disturbed.

use crate::deaths::{Death, at_every_event};
use crate::fake_github::{Fault, Logged};
use crate::rig::{Ran, aloud, leftovers_in_the_end};
use crate::stage::Stage;
use serde_json::json;
use std::collections::BTreeMap;

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

fn stage() -> Stage {
    let mut stage = Stage::new(AGENT, Some(CHECK));
    stage.configure(&json!({
        "scheduling": { "dependencies": "stacked" },
        "github": { "assign": "self" },
        "pull": { "labels": ["agent"], "reviewers": ["a-maintainer"] },
    }));
    let fake = &stage.fake;
    fake.add_issue("[Backend] One", "Write one.txt", &["go"]);
    fake.add_issue("[Frontend] Two", "Write two.txt\n\ndepends on #1", &["go"]);
    fake.add_issue("[Docs] Three", "Write three.txt", &["go"]);
    fake.fail_when(is_open_pull, Fault::DroppedReply, 1);
    stage
}

fn is_open_pull(request: &Logged) -> bool {
    request.method == "POST" && request.path.ends_with("/pulls")
}

fn exec(stage: &Stage, extra: &[(&str, &str)]) -> Ran {
    let args = ["exec", "go", "--isolation", "none", "--format", "json"];
    let mut command = stage.command(&args);
    command.envs(extra.iter().copied());
    command.output().unwrap().into()
}

/// How a session without a kill ends.
fn undisturbed() -> BTreeMap<String, String> {
    let stage = stage();
    let ran = exec(&stage, &[]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let essence = stage.essence();
    let pulls = essence.keys().filter(|key| key.starts_with("pull"));
    assert_eq!(pulls.count(), 3, "{essence:#?}");
    essence
}

#[test]
fn a_kill_at_any_event_changes_nothing_in_the_end() {
    let expected = undisturbed();
    let kills = at_every_event(|at, side| killed_at(at, side, &expected));
    aloud(&format!(
        "killed {kills} times, before and after every event, and always resumed to the same end"
    ));
    assert!(kills > 160, "{kills}");
}

/// Kills a session at this event and lets it go on.
fn killed_at(at: usize, side: &str, expected: &BTreeMap<String, String>) -> Result<Death, String> {
    let stage = stage();
    let point = format!("{at}:{side}");
    let first = exec(&stage, &[("AUTOISSUE_CRASH_AT", &point)]);
    if first.code == Some(0) {
        return Ok(Death::NeverCame);
    }
    if first.code.is_some() {
        return Err(format!(
            "{point}: ended with {:?} instead of dying\n{}\n{}",
            first.code, first.stdout, first.stderr
        ));
    }
    let second = exec(&stage, &[]);
    let essence = stage.essence();
    let left = leftovers_in_the_end(&stage.marker());
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
    Ok(Death::Survived)
}

/// The control: the same kills, without a look before what is done anew. The fake takes no second pull from a branch,
/// as GitHub does not, and what it refuses is looked for; comments it takes as often as they are sent.
#[test]
fn without_looking_first_a_kill_makes_a_second_comment() {
    let stage = stage();
    let blind = ("AUTOISSUE_FAULT", "no-look");
    let ran = exec(&stage, &[blind]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let expected = stage.essence();
    assert_eq!(expected, undisturbed(), "without a kill nobody has to look");
    // From the beginning, where the comments are made.
    let doubled = (1..=ran.stdout.lines().count()).find(|at| {
        let stage = self::stage();
        let point = format!("{at}:before");
        let first = exec(&stage, &[blind, ("AUTOISSUE_CRASH_AT", &point)]);
        let second = exec(&stage, &[blind]);
        assert_eq!(
            (first.code.is_none(), second.code),
            (first.code != Some(0), Some(0))
        );
        let mut issues = stage.fake.issues().into_iter();
        let is_doubled = issues.any(|issue| issue.comments.len() > 1);
        assert!(
            !is_doubled || stage.essence() != expected,
            "the comparison notices it"
        );
        is_doubled
    });
    let at = doubled.expect("a comment that is sent twice");
    aloud(&format!(
        "without a look, a kill before event {at} is followed by a second comment"
    ));
}
