//! The engine against a world in memory, on paused time: the whole way of an issue, and every way to die on it.

use crate::tasks::settings;
use crate::world::{Act, Outside, World, duplicates, orders};
use autoissue::engine::intake;
use autoissue::engine::orders::Orders;
use autoissue::engine::session::{Opening, run};
use autoissue::ports::{Conversation, JournalError, Stop};
use autoissue::rules::event::{Command, Event, Fact, Recorded};
use autoissue::rules::ids::{BranchName, CommitId, IssueNumber, PullNumber};
use autoissue::rules::issue::Selection;
use autoissue::rules::money::{Basis, Usd};
use autoissue::rules::own::Classification;
use autoissue::rules::schedule::session::{Phase, Session};
use autoissue::rules::schedule::table::Entry;
use autoissue::rules::settings::{Settings, StateLabels};
use autoissue::rules::task::{Ending, ErrorClass, Pull};
use std::sync::Arc;
use std::time::Duration;

fn labelled() -> Settings {
    let mut settings = settings(3);
    settings.labels = StateLabels {
        selected_by: None,
        working: "working".into(),
        completed: "completed".into(),
        failed: "failed".into(),
        blocked: "blocked".into(),
        review: String::new(),
        remove_trigger: Some("go".into()),
    };
    settings
}

/// One life of the process: begins or resumes the session.
async fn live(
    world: &Arc<World>,
    orders: Orders,
    settings: &Settings,
    stop: &Stop,
) -> Result<Session, JournalError> {
    let ports = world.ports();
    let is_new = world.disk().journal.is_empty();
    let opening = if is_new {
        let selection = Selection {
            label: Some("go".into()),
            ..Selection::default()
        };
        let branches = world.outside().branches.keys().cloned().collect::<Vec<_>>();
        let issues = ports.forge.open_issues(&selection).await.unwrap();
        let tasks = intake::read(
            ports.forge.as_ref(),
            issues,
            settings,
            &Classification::default(),
            branches,
        )
        .await
        .expect("it can be read");
        Opening::New {
            project: "acme/shop".into(),
            selection,
            settings: Box::new(settings.clone()),
            tasks,
        }
    } else {
        Opening::Resumed {
            settings: Box::new(settings.clone()),
            tasks: None,
            elsewhere: Vec::new(),
        }
    };
    run(&ports, Arc::new(orders), opening, stop).await
}

async fn whole(world: &Arc<World>) -> Session {
    live(world, orders(), &labelled(), &Stop::new())
        .await
        .expect("the journal can be written")
}

fn ending(session: &Session, issue: u64) -> Option<Ending> {
    session.entry(IssueNumber(issue)).and_then(Entry::ending)
}

#[tokio::test(start_paused = true)]
async fn an_issue_becomes_a_pull_with_its_labels_and_one_comment() {
    let world = World::new();
    world.issue(1, "", &[Act::Writes("one")]);
    let session = whole(&world).await;
    assert_eq!(session.phase, Phase::Finished);
    let outside = world.outside();
    assert_eq!(outside.pulls.len(), 1);
    assert_eq!(
        outside.branches[&BranchName::new(outside.pulls[0].head.clone())],
        CommitId::new("commit:tree:one")
    );
    assert_eq!(outside.issues[&IssueNumber(1)].labels, ["completed"]);
    assert_eq!(outside.comments[&IssueNumber(1)].len(), 1);
    assert_eq!(session.budget.spent(), Usd::from_micros(100_000));
    assert_eq!(session.budget.granted(), Usd::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_failed_check_goes_back_to_the_same_conversation() {
    let world = World::new();
    world.issue(1, "", &[Act::Writes("bad"), Act::Writes("good")]);
    let session = whole(&world).await;
    assert_eq!(ending(&session, 1), Some(Ending::Completed));
    let script = world.script();
    let [first, second] = script.prompts.as_slice() else {
        panic!("two rounds: {:?}", script.prompts)
    };
    let (Conversation::New(named), Conversation::Resumed(resumed)) = (&first.2, &second.2) else {
        panic!("{second:?}")
    };
    assert_eq!(named, resumed);
    assert!(second.1.contains("test output"), "{}", second.1);
    assert_eq!(
        session.entry(IssueNumber(1)).map(|entry| entry.attempts),
        Some(1),
        "one attempt, one grant"
    );
}

#[tokio::test(start_paused = true)]
async fn a_crash_is_tried_again_over_its_own_files() {
    let world = World::new();
    world.issue(
        1,
        "",
        &[Act::Fails(ErrorClass::Crash, "half"), Act::Nothing],
    );
    let session = whole(&world).await;
    assert_eq!(
        ending(&session, 1),
        Some(Ending::Completed),
        "the half that was written is kept"
    );
    assert_eq!(
        world.outside().branches.values().next(),
        Some(&CommitId::new("commit:tree:half"))
    );
    assert_eq!(
        session.budget.spent(),
        Usd::from_micros(200_000),
        "the failed attempt is charged too"
    );
}

#[tokio::test(start_paused = true)]
async fn three_failures_are_the_end_and_say_so() {
    let world = World::new();
    world.issue(1, "", &[Act::Fails(ErrorClass::Crash, "")]);
    world.issue(2, "depends on #1", &[Act::Writes("two")]);
    world.issue(3, "", &[Act::Nothing]);
    let session = whole(&world).await;
    assert_eq!(ending(&session, 1), Some(Ending::Failed));
    assert_eq!(ending(&session, 2), Some(Ending::Blocked));
    assert_eq!(ending(&session, 3), Some(Ending::NoChange));
    assert_eq!(
        session.entry(IssueNumber(1)).map(|entry| entry.attempts),
        Some(3)
    );
    let outside = world.outside();
    assert!(outside.pulls.is_empty());
    assert_eq!(outside.issues[&IssueNumber(1)].labels, ["go", "failed"]);
    assert_eq!(outside.issues[&IssueNumber(2)].labels, ["go", "blocked"]);
}

#[tokio::test(start_paused = true)]
async fn a_lost_reply_leads_to_a_second_look_and_no_second_pull() {
    let world = World::new();
    world.issue(1, "", &[Act::Writes("one")]);
    world.script().drop_pull_replies = 1;
    world.script().drop_comment_replies = 1;
    let session = whole(&world).await;
    assert_eq!(ending(&session, 1), Some(Ending::Completed));
    assert_eq!(duplicates(&world.outside()), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_stopped_session_is_interrupted_keeps_its_work_and_goes_on() {
    let world = World::new();
    world.issue(1, "", &[Act::Hangs, Act::Writes("done")]);
    world.issue(2, "depends on #1", &[Act::Writes("two")]);
    let stop = Stop::new();
    let asker = stop.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(90)).await;
        asker.ask();
    });
    let session = live(&world, orders(), &labelled(), &stop)
        .await
        .expect("it stops in order");
    assert_eq!(session.phase, Phase::Interrupted);
    let session = whole(&world).await;
    assert_eq!(
        (ending(&session, 1), ending(&session, 2)),
        (Some(Ending::Completed), Some(Ending::Completed))
    );
    let writes = world.script().appends;
    whole(&world).await;
    assert_eq!(
        world.script().appends,
        writes,
        "I4: resuming a finished session writes nothing"
    );
}

#[tokio::test(start_paused = true)]
async fn a_base_that_was_not_judged_to_the_end_excuses_nothing() {
    let world = World::new();
    world.issue(1, "", &[Act::Writes("bad"), Act::Writes("good")]);
    let stop = Stop::new();
    let asker = stop.clone();
    tokio::spawn(async move {
        // The agent takes a minute, the check of its work a second, the check of the base the next.
        tokio::time::sleep(Duration::from_millis(61_500)).await;
        asker.ask();
    });
    let session = live(&world, orders(), &labelled(), &stop)
        .await
        .expect("it stops in order");
    assert_eq!(session.phase, Phase::Interrupted);
    assert_eq!(
        session
            .entry(IssueNumber(1))
            .map(|entry| entry.record.verified),
        Some(false)
    );
    let session = whole(&world).await;
    assert_eq!(ending(&session, 1), Some(Ending::Completed));
    assert_eq!(
        world.outside().branches.values().next(),
        Some(&CommitId::new("commit:tree:good"))
    );
}

#[tokio::test(start_paused = true)]
async fn a_person_s_retry_that_succeeds_takes_the_mark_of_the_failure_away() {
    let world = World::new();
    world.issue(
        1,
        "",
        &[Act::Fails(ErrorClass::Refusal, ""), Act::Writes("good")],
    );
    world.issue(
        2,
        "",
        &[Act::Fails(ErrorClass::Crash, ""), Act::Writes("two")],
    );
    let later = Arc::clone(&world);
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(70)).await;
        let labels = later.outside().issues[&IssueNumber(1)].labels.clone();
        assert_eq!(labels, ["go", "failed"], "the control");
        later.disk().commands.push(Command::Retry {
            issue: IssueNumber(1),
        });
    });
    let session = whole(&world).await;
    assert_eq!(ending(&session, 1), Some(Ending::Completed));
    assert_eq!(
        world.outside().issues[&IssueNumber(1)].labels,
        ["completed"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_person_may_skip_a_running_task() {
    let world = World::new();
    world.issue(1, "", &[Act::Hangs]);
    world.disk().commands.push(Command::Skip {
        issue: IssueNumber(1),
    });
    let session = whole(&world).await;
    assert_eq!(ending(&session, 1), Some(Ending::Skipped));
}

#[tokio::test(start_paused = true)]
async fn an_issue_with_an_open_pull_is_left_alone_and_one_with_a_closed_pull_gets_a_new_branch() {
    let world = World::new();
    world.issue(1, "", &[Act::Writes("one")]);
    world.issue(2, "", &[Act::Writes("two")]);
    let pull = |number, head: &str, open| Pull {
        number: PullNumber(number),
        url: String::new(),
        head: head.into(),
        base: "main".into(),
        open,
        body: String::new(),
    };
    world
        .outside()
        .pulls
        .push(pull(10, "autoissue/1-some-older-title", true));
    world
        .outside()
        .pulls
        .push(pull(11, "autoissue/2-backend-issue-2", false));
    let session = whole(&world).await;
    assert_eq!(ending(&session, 1), Some(Ending::Skipped));
    assert_eq!(ending(&session, 2), Some(Ending::Completed));
    let outside = world.outside();
    let heads: Vec<&str> = outside
        .pulls
        .iter()
        .map(|pull| pull.head.as_str())
        .collect();
    assert_eq!(
        heads.last(),
        Some(&"autoissue/2-backend-issue-2-2"),
        "{heads:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn two_sessions_share_a_daily_ceiling() {
    let world = World::new();
    world.issue(1, "", &[Act::Writes("one")]);
    let mut settings = labelled();
    settings.daily_ceiling = Some(Usd::from_micros(10_000_000));
    world.disk().elsewhere = Usd::from_micros(9_000_000);
    let session = live(&world, orders(), &settings, &Stop::new())
        .await
        .expect("it ends in order");
    assert_eq!(ending(&session, 1), Some(Ending::Budget));
    assert!(world.script().prompts.is_empty(), "no agent ran");
}

fn small_world() -> Arc<World> {
    let world = World::new();
    world.issue(
        1,
        "",
        &[
            Act::Fails(ErrorClass::Crash, "one"),
            Act::Writes("one, done"),
        ],
    );
    world.issue(
        2,
        "depends on #1",
        &[Act::Writes("bad"), Act::Writes("two")],
    );
    world.issue(3, "", &[Act::Writes("three")]);
    world.script().drop_pull_replies = 1;
    world
}

/// Lives until the process dies as told, then again until the session is finished.
async fn live_and_die(world: &Arc<World>, deaths: &[(usize, bool)], look_first: bool) -> Session {
    for death in deaths {
        let appends = world.script().appends;
        world.script().dies_at = Some((appends + death.0, death.1));
        let mut orders = orders();
        orders.look_first = look_first;
        let (settings, stop) = (labelled(), Stop::new());
        tokio::select! {
            session = live(world, orders, &settings, &stop) => return session.expect("the journal can be written"),
            () = world.died.notified() => {}
        }
    }
    world.script().dies_at = None;
    let mut orders = orders();
    orders.look_first = look_first;
    live(world, orders, &labelled(), &Stop::new())
        .await
        .expect("the journal can be written")
}

/// What must be the same however often the process died: everything but the numbers of pulls.
fn essence(outside: &Outside) -> Vec<String> {
    let mut lines = duplicates(outside);
    let mut pulls: Vec<String> = outside
        .pulls
        .iter()
        .map(|pull| format!("pull {} {}", pull.head, pull.base))
        .collect();
    pulls.sort();
    lines.extend(pulls);
    lines.extend(
        outside
            .branches
            .iter()
            .map(|(branch, commit)| format!("{branch} {commit}")),
    );
    lines.extend(outside.issues.values().map(|issue| {
        let mut labels = issue.labels.clone();
        labels.sort();
        format!(
            "{} {labels:?} {}",
            issue.number,
            outside.comments.get(&issue.number).map_or(0, Vec::len)
        )
    }));
    lines
}

#[tokio::test(start_paused = true)]
async fn a_death_at_any_append_changes_nothing_in_the_end() {
    let undisturbed = small_world();
    let session = live_and_die(&undisturbed, &[], true).await;
    assert_eq!(session.phase, Phase::Finished);
    let is_look = |recorded: &Recorded| matches!(recorded.event, Event::Looked { .. });
    assert!(
        undisturbed.disk().journal.iter().any(is_look),
        "running work is looked at as well"
    );
    let (expected, appends) = (
        essence(&undisturbed.outside()),
        undisturbed.script().appends,
    );
    let mut deaths = 0;
    for first in 1..=appends {
        for second in [None, Some(1), Some(2), Some(5)] {
            for after in [false, true] {
                let world = small_world();
                let mut ways = vec![(first, after)];
                ways.extend(second.map(|second| (second, !after)));
                let session = live_and_die(&world, &ways, true).await;
                deaths += ways.len();
                assert_eq!(session.phase, Phase::Finished, "{ways:?}");
                assert_eq!(essence(&world.outside()), expected, "{ways:?}");
                assert_eq!(session, Session::fold(&world.disk().journal), "{ways:?}");
            }
        }
    }
    crate::rig::aloud(&format!(
        "{deaths} deaths over {appends} appends in memory, all resumed to the same end"
    ));
    assert!(deaths > 200);
}

#[tokio::test(start_paused = true)]
async fn without_looking_first_a_death_makes_duplicates() {
    let undisturbed = small_world();
    undisturbed.script().drop_pull_replies = 0;
    live_and_die(&undisturbed, &[], false).await;
    let appends = undisturbed.script().appends;
    let mut found = 0;
    for first in 1..=appends {
        let world = small_world();
        world.script().drop_pull_replies = 0;
        live_and_die(&world, &[(first, false)], false).await;
        found += duplicates(&world.outside()).len();
    }
    assert!(
        found > 0,
        "the control: without the look there would be duplicates"
    );
}

/// Dies when the agent has ended and no event says so yet.
async fn killed_behind_its_agent() -> Arc<World> {
    let world = World::new();
    world.issue(1, "", &[Act::Writes("one")]);
    world.script().dies_at = Some((9, false));
    let (settings, stop) = (labelled(), Stop::new());
    tokio::select! {
        session = live(&world, orders(), &settings, &stop) => panic!("it dies first: {session:?}"),
        () = world.died.notified() => {}
    }
    world.script().dies_at = None;
    let disk = world.disk();
    let is_told = |event: &Event| {
        let Event::Fact { fact, .. } = event else {
            return false;
        };
        matches!(fact, Fact::AgentDone { .. })
    };
    assert!(!disk.journal.iter().any(|recorded| is_told(&recorded.event)));
    assert_eq!(disk.transcripts.len(), 1, "its output is there");
    drop(disk);
    world
}

#[tokio::test(start_paused = true)]
async fn a_lost_attempt_whose_output_tells_no_cost_is_charged_in_full() {
    for basis in [Basis::Reported, Basis::Assumed] {
        let world = killed_behind_its_agent().await;
        for report in world.disk().transcripts.values_mut() {
            report.charge.basis = basis;
        }
        let session = whole(&world).await;
        assert_eq!(ending(&session, 1), Some(Ending::Completed));
        let expected = match basis {
            Basis::Assumed => settings(1).cap + settings(1).slack(Usd::ZERO),
            Basis::Reported | Basis::Table | Basis::Subscription => Usd::from_micros(100_000),
        };
        assert_eq!(session.budget.spent(), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_worktree_that_cannot_be_taken_in_is_left_and_its_slot_is_free() {
    let world = killed_behind_its_agent().await;
    world.script().fail_captures = 1;
    let session = whole(&world).await;
    assert_eq!(ending(&session, 1), Some(Ending::Completed));
}

#[tokio::test(start_paused = true)]
async fn every_grant_is_settled_and_events_are_told_in_order() {
    let world = small_world();
    whole(&world).await;
    let disk = world.disk();
    let count = |wanted: fn(&Event) -> bool| {
        disk.journal
            .iter()
            .filter(|recorded| wanted(&recorded.event))
            .count()
    };
    let admitted = count(|event| matches!(event, Event::Admitted { .. }));
    assert_eq!(
        admitted,
        count(|event| matches!(event, Event::Settled { .. })),
        "I14"
    );
    assert_eq!(admitted, 4, "three tasks and one retry");
}

#[tokio::test(start_paused = true)]
async fn a_check_that_hangs_on_the_base_as_well_is_not_charged_to_the_agent() {
    let world = World::new();
    world.issue(1, "", &[Act::Writes("good")]);
    world.script().checks_hang = true;
    whole(&world).await;
    assert_eq!(world.outside().pulls.len(), 1);
    assert_eq!(world.script().runs[&IssueNumber(1)], 1);
}

fn asking_world() -> Arc<World> {
    let world = World::new();
    let asks = Act::Asks("I looked.\nNEEDS INPUT: which one?");
    world.issue(1, "", &[asks, Act::Writes("the second")]);
    world.issue(2, "", &[Act::Writes("two")]);
    world
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_asks_waits_for_its_answer_and_goes_on_in_the_same_conversation() {
    let world = asking_world();
    let session = whole(&world).await;
    assert_eq!(
        session.phase,
        Phase::Interrupted,
        "nothing but the answer is left"
    );
    assert_eq!(ending(&session, 2), Some(Ending::Completed));
    let asked = world.outside().comments[&IssueNumber(1)].clone();
    let [status, question] = asked.as_slice() else {
        panic!("{asked:?}")
    };
    assert!(
        status.starts_with("The work on this waits for an answer"),
        "{status}"
    );
    assert!(
        question.contains("> which one?") && question.contains("kind=input-1"),
        "{question}"
    );
    // Resumed without an answer it waits on, and asks nobody again.
    let session = whole(&world).await;
    assert_eq!(session.phase, Phase::Interrupted);
    assert_eq!(world.script().runs[&IssueNumber(1)], 1);
    assert_eq!(world.outside().comments[&IssueNumber(1)].len(), 2);

    world
        .outside()
        .replies
        .insert(IssueNumber(1), "The second.".into());
    let session = whole(&world).await;
    assert_eq!(ending(&session, 1), Some(Ending::Completed));
    assert_eq!(session, Session::fold(&world.disk().journal));
    let script = world.script();
    let mine: Vec<_> = script
        .prompts
        .iter()
        .filter(|(issue, ..)| issue.0 == 1)
        .collect();
    let [
        (_, _, Conversation::New(first)),
        (_, words, Conversation::Resumed(second)),
    ] = mine.as_slice()
    else {
        panic!("{mine:?}")
    };
    assert_eq!(first, second);
    assert!(
        words.contains("which one?") && words.contains("The second."),
        "{words}"
    );
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_asks_again_and_again_is_left_to_a_person() {
    let world = World::new();
    world.issue(1, "", &[Act::Asks("NEEDS INPUT: and now?")]);
    world
        .outside()
        .replies
        .insert(IssueNumber(1), "Go on.".into());
    let mut session = whole(&world).await;
    for _ in 0..3 {
        assert_eq!(ending(&session, 1), None);
        session = whole(&world).await;
    }
    assert_eq!(ending(&session, 1), Some(Ending::NeedsHuman));
    assert_eq!(world.script().runs[&IssueNumber(1)], 4);
    let comments = world.outside().comments[&IssueNumber(1)].clone();
    let asked = comments.iter().filter(|text| text.contains("kind=input-"));
    assert_eq!(asked.count(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_death_at_any_append_asks_once_and_loses_no_answer() {
    let play = async |deaths: &[(usize, bool)]| {
        let world = asking_world();
        let reply = "The second.".to_owned();
        world.outside().replies.insert(IssueNumber(1), reply);
        world.script().drop_comment_replies = 1;
        let mut session = live_and_die(&world, deaths, true).await;
        if session.phase == Phase::Interrupted {
            session = whole(&world).await;
        }
        assert_eq!(session.phase, Phase::Finished, "{deaths:?}");
        assert_eq!(session, Session::fold(&world.disk().journal), "{deaths:?}");
        world
    };
    let undisturbed = play(&[]).await;
    let (expected, appends) = (
        undisturbed.outside().pulls.len(),
        undisturbed.script().appends,
    );
    let mut asked = 0;
    for first in 1..=appends {
        for after in [false, true] {
            let world = play(&[(first, after)]).await;
            let outside = world.outside();
            assert_eq!(outside.pulls.len(), expected, "{first} {after}");
            let comments = outside.comments[&IssueNumber(1)].iter();
            let questions = comments.filter(|text| text.contains("kind=input-")).count();
            // An agent that dies before it was heard may decide otherwise the next time.
            assert!(questions <= 1, "{first} {after}");
            asked += questions;
        }
    }
    assert!(asked > appends, "most of them ask: {asked}");
}
