//! The real binary is killed at every event of a session that makes a plan of three items on the fake GitHub, and
//! resumed: no issue is ever opened twice, and a plan that was paid for is used.

use crate::deaths::{Death, at_every_event};
use crate::fake_github::Fault;
use crate::plan_github::{AGENT, is_open_issue, make, three};
use crate::rig::{Ran, aloud, leftovers_in_the_end};
use crate::stage::Stage;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

fn stage() -> Stage {
    let stage = Stage::new(AGENT, None);
    stage.rig.write("answer", &three().to_string());
    // The second issue is opened, and its reply gets lost.
    let seen = AtomicUsize::new(0);
    let is_second =
        move |request: &_| is_open_issue(request) && seen.fetch_add(1, Ordering::Relaxed) == 1;
    stage.fake.fail_when(is_second, Fault::DroppedReply, 1);
    stage
}

fn resume(stage: &Stage, env: &[(&str, &str)]) -> Ran {
    let args = ["resume", "--isolation", "none", "--format", "json"];
    let mut command = stage.command(&args);
    command.envs(env.iter().copied());
    command.output().unwrap().into()
}

/// What people see in the end: every issue by its title, with labels, ties and comments, and every pull.
fn essence(stage: &Stage) -> BTreeMap<String, String> {
    let mut essence = BTreeMap::new();
    let issues = stage.fake.issues();
    let title = |number: &u64| {
        let found = issues.iter().find(|issue| issue.number == *number);
        found.map_or_else(String::new, |issue| issue.title.clone())
    };
    for issue in &issues {
        let mut labels: Vec<&str> = issue
            .labels
            .iter()
            .map(|label| label.split(':').next().unwrap())
            .collect();
        labels.sort_unstable();
        let mut parts: Vec<String> = issue.parts.iter().map(title).collect();
        parts.sort();
        let needs: Vec<String> = issue.blocked_by.iter().map(title).collect();
        let words = format!("{labels:?} {parts:?} {needs:?} {}", issue.comments.len());
        let twin = essence.insert(issue.title.clone(), words);
        if twin.is_some() {
            essence.insert(format!("{} twice", issue.title), String::new());
        }
    }
    for pull in stage.fake.pulls() {
        let part = pull.pull.as_ref().unwrap();
        let twin = essence.insert(format!("pull {}", part.head), part.base.clone());
        assert_eq!(twin, None, "two pulls from {}", part.head);
    }
    essence
}

/// How a session without a kill ends, and at which event its issues are all there.
fn undisturbed() -> (BTreeMap<String, String>, usize) {
    let stage = stage();
    let ran = make(&stage, &["--yes"], &[]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let essence = essence(&stage);
    assert_eq!(essence.len(), 4 + 3, "{essence:#?}");
    let events = ran.events();
    let read = events
        .iter()
        .filter(|event| event["event"] != "plan")
        .position(|event| event["event"] == "tasks_read");
    (essence, read.unwrap() + 1)
}

#[test]
fn a_kill_at_any_event_of_planning_opens_no_issue_twice() {
    let (expected, read) = undisturbed();
    let kills = at_every_event(|at, side| {
        // From there on both sides are the matter of `kill`.
        if at > read && side == "before" {
            return Ok(Death::LeftOut);
        }
        killed_at(at, side, &expected)
    });
    aloud(&format!(
        "killed a plan {kills} times, at every event, and always resumed to the same end"
    ));
    assert!(kills > 100, "{kills}");
}

/// Kills a session at this event and lets it go on.
fn killed_at(at: usize, side: &str, expected: &BTreeMap<String, String>) -> Result<Death, String> {
    let stage = stage();
    let point = format!("{at}:{side}");
    let first = make(&stage, &["--yes"], &[("AUTOISSUE_CRASH_AT", &point)]);
    if first.code == Some(0) {
        return Ok(Death::NeverCame);
    }
    if first.code.is_some() {
        return Err(format!(
            "{point}: ended with {:?} instead of dying\n{first:?}",
            first.code
        ));
    }
    // Before the first event is durable there is nothing to resume.
    let second = if point == "1:before" {
        make(&stage, &["--yes"], &[])
    } else {
        resume(&stage, &[])
    };
    let essence = essence(&stage);
    let left = leftovers_in_the_end(&stage.marker());
    if second.code != Some(0) || essence != *expected || !left.is_empty() {
        return Err(format!("{point}: {essence:#?}\nleft: {left:?}\n{second:?}"));
    }
    let had_plan = first.stdout.contains("\"plan_checked\"");
    let asked = std::fs::read_to_string(stage.rig.path("planned")).unwrap_or_default();
    if had_plan && asked.lines().count() != 1 {
        return Err(format!("{point}: a plan was paid for twice"));
    }
    let violations = stage.fake.violations();
    if !violations.is_empty() {
        return Err(format!("{point}: {violations:?}"));
    }
    within_budget(&second).map_err(|problem| format!("{point}: {problem}"))?;
    Ok(Death::Survived)
}

/// What is spent and set aside never passes the ceiling, at no event.
fn within_budget(ran: &Ran) -> Result<(), String> {
    let micros = |event: &Value, key: &str| {
        let text = event[key].as_str().unwrap_or("0");
        autoissue::rules::money::Usd::parse(text)
            .unwrap_or_default()
            .micros()
    };
    let (mut spent, mut granted) = (0, 0_u64);
    for event in ran.events() {
        match event["event"].as_str().unwrap_or_default() {
            "planner_granted" | "attempt_admitted" => granted += micros(&event, "grant_usd"),
            "planner_settled" | "attempt_settled" => {
                granted = granted
                    .checked_sub(micros(&event, "grant_usd"))
                    .ok_or("settled twice")?;
                spent += micros(&event, "cost_usd");
            }
            _ => {}
        }
        if spent + granted > 50_000_000 {
            return Err(format!("{spent} + {granted} at {event}"));
        }
    }
    if granted > 0 {
        return Err("a grant was never settled".to_owned());
    }
    Ok(())
}

/// The control: the same kills, without a look before an issue is opened anew.
#[test]
fn without_looking_first_a_kill_opens_an_issue_twice() {
    let stage = stage();
    let blind = ("AUTOISSUE_FAULT", "no-look");
    let ran = make(&stage, &["--yes"], &[blind]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let expected = essence(&stage);
    assert_eq!(
        expected,
        undisturbed().0,
        "without a kill nobody has to look"
    );
    let events = ran.events();
    let names: Vec<&str> = events
        .iter()
        .filter_map(|event| event["event"].as_str())
        .collect();
    // The loss of an issue's number: it is opened, and its event is not yet durable.
    let done = names
        .iter()
        .position(|name| *name == "plan_effect_done")
        .unwrap()
        + 1;
    let doubled = (done.saturating_sub(2)..done + 3).find(|at| {
        let stage = self::stage();
        let point = format!("{at}:before");
        let first = make(&stage, &["--yes"], &[blind, ("AUTOISSUE_CRASH_AT", &point)]);
        let second = resume(&stage, &[blind]);
        assert_eq!(
            (first.code, second.code),
            (None, Some(0)),
            "{point}: {second:?}"
        );
        let is_doubled = stage.fake.issues().len() > 4;
        assert!(
            !is_doubled || essence(&stage) != expected,
            "the comparison notices it"
        );
        is_doubled
    });
    let at = doubled.expect("an issue that is opened twice");
    aloud(&format!(
        "without a look, a kill before event {at} is followed by a second issue"
    ));
}
