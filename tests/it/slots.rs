//! Fewer attempts run at a time while something is short: the rule against random readings, the engine before a machine
//! in memory, and the real binary where more is to be kept free than this machine has.

use crate::rig::{Ran, Rig};
use crate::stage::Stage;
use crate::tasks::{Dice, settings, task};
use crate::world::{Act, World, duplicates, orders};
use autoissue::engine::intake;
use autoissue::engine::session::{Opening, run};
use autoissue::ports::Stop;
use autoissue::rules::classify::Domain;
use autoissue::rules::event::{Event, Input, Recorded};
use autoissue::rules::ids::{AgentPlace, AttemptNumber, IssueNumber, SessionId, Timestamp};
use autoissue::rules::issue::Selection;
use autoissue::rules::own::Classification;
use autoissue::rules::room::{Quota, Reading, Reserve, Room, Shortage, SlotsReason};
use autoissue::rules::schedule::session::{Phase, Session};
use autoissue::rules::schedule::slots::Calm;
use autoissue::rules::schedule::table::Entry;
use autoissue::rules::settings::Settings;
use autoissue::rules::tally::Tally;
use autoissue::rules::task::{Attempted, Ending, ErrorClass, Failure, Outcome, Task};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

const MIB: u64 = 1 << 20;
/// How often the loop looks.
const LOOK: u64 = 10_000;

/// Keeps 1000 MiB of memory, takes an attempt to need 500, and a minute to be calm.
const RESERVE: Reserve = Reserve {
    memory: 1000 * MIB,
    memory_each: 500 * MIB,
    disk: 1000 * MIB,
    requests_each: 25,
    calm_millis: 60_000,
};

fn adaptive(slots: u32, reserve: Reserve) -> Settings {
    Settings {
        adaptive: Some(reserve),
        ..settings(slots)
    }
}

/// So many MiB of memory are left.
fn memory(mib: u64) -> Reading {
    let (free, total) = (mib * MIB, 64_000 * MIB);
    Reading {
        memory: Some(Room { free, total }),
        ..Reading::default()
    }
}

/// A session that is looked at every ten seconds; every invariant is checked after every event.
struct Play {
    session: Session,
    journal: Vec<Recorded>,
    calm: Calm,
    now: Timestamp,
}

impl Play {
    /// As many tasks as wanted, all of which may run together.
    fn new(tasks: u64, settings: &Settings) -> Self {
        let mut play = Self {
            session: Session::default(),
            journal: vec![],
            calm: Calm::default(),
            now: Timestamp(0),
        };
        play.put(&Input::Start {
            session: SessionId::new("s"),
            project: "p".into(),
            selection: Selection::default(),
            settings: Box::new(settings.clone()),
        });
        let tasks = (1..=tasks).map(|number| {
            let file = format!("file-{number}");
            task(number, Domain::Backend, &[file.as_str()], &[])
        });
        play.put(&Input::read(tasks.collect()));
        play
    }

    fn put(&mut self, input: &Input) {
        let mut next = self.session.step(input, self.now);
        loop {
            for event in next {
                self.apply(event);
            }
            next = self.session.step(&Input::Tick, self.now);
            if next.is_empty() {
                break;
            }
        }
    }

    fn apply(&mut self, event: Event) {
        let (before, running) = (self.session.clone(), self.running());
        let recorded = Recorded {
            seq: before.seq + 1,
            at: self.now,
            event,
        };
        self.session.apply(&recorded);
        match &recorded.event {
            Event::SlotsChanged { slots, .. } => {
                let most = self.session.settings().slots;
                assert!((1..=most).contains(slots), "{slots} of {most}");
                assert_eq!(self.session.slots_now(), *slots);
                assert_ne!(before.slots_now(), *slots, "no event without a change");
                assert_eq!(self.running(), running, "what runs is left alone");
            }
            Event::Admitted { .. } => {
                assert!(self.running().len() <= self.session.slots_now() as usize);
            }
            _ => {}
        }
        self.journal.push(recorded);
    }

    fn running(&self) -> Vec<(IssueNumber, AttemptNumber)> {
        let entries = self.session.table.entries().iter();
        let runs = |entry: &Entry| Some((entry.task.number(), entry.run()?.attempt));
        entries.filter_map(runs).collect()
    }

    /// Ten seconds later somebody looks.
    fn look(&mut self, reading: Reading) {
        self.now = self.now.plus_millis(LOOK);
        let input = self.calm.input(&self.session, reading, self.now);
        self.put(&input);
    }

    /// One of those that run ends.
    fn end_one(&mut self, result: Attempted) {
        let (issue, attempt) = self.running()[0];
        let outcome = Outcome::free(result);
        self.put(&Input::Finished {
            issue,
            attempt,
            outcome,
            dice: 0,
        });
        self.put(&Input::Announced {
            issue,
            ended: true,
            trouble: None,
        });
    }

    fn changes(&self) -> Vec<(u32, SlotsReason)> {
        changes(&self.journal)
    }
}

fn changes(journal: &[Recorded]) -> Vec<(u32, SlotsReason)> {
    let change = |recorded: &Recorded| match &recorded.event {
        Event::SlotsChanged { slots, reason } => Some((*slots, *reason)),
        _ => None,
    };
    journal.iter().filter_map(change).collect()
}

fn numbers(play: &Play) -> Vec<u32> {
    play.changes().iter().map(|(slots, _)| *slots).collect()
}

fn any_reading() -> impl Strategy<Value = Reading> {
    let room = |most: u64| {
        prop::option::of((0..most).prop_map(move |free| Room {
            free: free * MIB,
            total: most * MIB,
        }))
    };
    let quota = prop::option::of(
        (0_u64..400, 0_i64..2_000_000).prop_map(|(left, until)| Quota {
            left,
            until: Timestamp(until),
        }),
    );
    (room(6_000), room(3_000), quota).prop_map(|(memory, disk, quota)| Reading {
        memory,
        disk,
        quota,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_read_slots_stay_within_bounds_and_what_runs_goes_on(
        readings in prop::collection::vec((any_reading(), 0_u64..4), 1..60), slots in 1_u32..9, seed in any::<u64>(),
    ) {
        let (mut play, mut dice) = (Play::new(40, &adaptive(slots, RESERVE)), Dice::new(seed));
        for (reading, ends) in readings {
            play.look(reading);
            prop_assert_eq!(&Session::fold(&play.journal), &play.session, "I2");
            for _ in 0..ends.min(play.running().len() as u64) {
                let limit = Failure::new(ErrorClass::RateLimit, "slow down");
                let limited = dice.below(8) == 0;
                play.end_one(if limited { Attempted::Failed(limit) } else { Attempted::Published });
            }
            prop_assert!(play.session.slots_now() >= 1);
        }
        // Whatever came before: with room again, all slots come back and all tasks end.
        for _ in 0..2_000 {
            if play.session.table.all_ended() {
                break;
            }
            play.look(memory(64_000));
            if !play.running().is_empty() && dice.below(3) == 0 {
                play.end_one(Attempted::Published);
            }
        }
        prop_assert!(play.session.table.all_ended(), "{:?}", play.session.phase);
        prop_assert_eq!(&Session::fold(&play.journal), &play.session, "I2");
        prop_assert_eq!(Tally::of(&play.journal).slots().0, play.session.slots_now());
    }

    #[test]
    fn a_reading_that_stays_the_same_soon_changes_nothing_more(
        reading in any_reading(), slots in 1_u32..9, tasks in 1_u64..12,
    ) {
        let mut play = Play::new(tasks, &adaptive(slots, RESERVE));
        // Its quota is used up for good, or given back once.
        for _ in 0..300 {
            play.look(reading);
        }
        let settled = play.changes().len();
        let all: Vec<u32> = std::iter::once(slots).chain(numbers(&play)).collect();
        let turns = all.windows(3).filter(|three| (three[0] < three[1]) != (three[1] < three[2]));
        prop_assert!(turns.count() <= 1, "{all:?}");
        for _ in 0..100 {
            play.look(reading);
        }
        prop_assert_eq!(play.changes().len(), settled);
    }
}

/// Memory that goes up and down every ten seconds, between too little and plenty.
fn swinging(reserve: Reserve) -> Play {
    let mut play = Play::new(20, &adaptive(4, reserve));
    for round in 0..60 {
        play.look(memory(if round % 2 == 0 { 100 } else { 9_000 }));
    }
    play
}

#[test]
fn a_reading_that_swings_lessens_once_and_changes_nothing_more() {
    let play = swinging(RESERVE);
    assert_eq!(numbers(&play), [2], "four run, and two less would fit");
    // The control: were there no need for calm, every swing would be a change.
    let play = swinging(Reserve {
        calm_millis: 0,
        ..RESERVE
    });
    assert!(numbers(&play).len() >= 30, "{:?}", numbers(&play));
}

#[test]
fn room_that_is_just_enough_is_not_enough_for_more() {
    let mut play = Play::new(20, &adaptive(4, RESERVE));
    play.look(memory(600));
    assert_eq!(numbers(&play), [3]);
    play.end_one(Attempted::Published);
    for _ in 0..60 {
        play.look(memory(1_500));
    }
    assert_eq!(
        numbers(&play),
        [3],
        "three run, and a fourth would just fit"
    );
    for _ in 0..60 {
        play.look(memory(1_800));
    }
    assert_eq!(numbers(&play), [3, 4]);
}

#[test]
fn slots_go_at_once_and_come_back_one_by_one_after_a_calm_minute_each() {
    let mut play = Play::new(20, &adaptive(4, RESERVE));
    let began = play.now;
    play.look(memory(100));
    let first = play.changes()[0];
    let room = memory(100).memory.unwrap();
    assert_eq!(first, (2, SlotsReason::Short(Shortage::Memory(room))));
    assert_eq!(play.running().len(), 4, "what runs goes on");
    play.end_one(Attempted::Published);
    play.end_one(Attempted::Published);
    assert_eq!(play.running().len(), 2, "nobody takes their places");
    for _ in 0..30 {
        play.look(memory(9_000));
    }
    assert_eq!(numbers(&play), [2, 3, 4]);
    let times = play.journal.iter().filter_map(|recorded| {
        let is_change = matches!(recorded.event, Event::SlotsChanged { .. });
        is_change.then(|| recorded.at.millis_since(began) / 1_000)
    });
    assert_eq!(times.collect::<Vec<_>>(), [10, 80, 150]);
}

#[test]
fn before_anybody_is_let_in_as_many_are_taken_as_fit() {
    let mut session = Play::new(0, &adaptive(8, RESERVE));
    session.session = Session::default();
    session.journal.clear();
    session.put(&Input::Start {
        session: SessionId::new("s"),
        project: "p".into(),
        selection: Selection::default(),
        settings: Box::new(adaptive(8, RESERVE)),
    });
    // What a machine of 4 GB has left.
    session.put(&Input::Resources {
        reading: memory(3_400),
        calm_millis: 0,
    });
    let tasks = (1..=8).map(|number| {
        let file = format!("file-{number}");
        task(number, Domain::Backend, &[file.as_str()], &[])
    });
    session.put(&Input::read(tasks.collect()));
    assert_eq!(session.running().len(), 4);
}

#[test]
fn a_full_disk_and_few_requests_leave_fewer_slots() {
    let mut play = Play::new(20, &adaptive(4, RESERVE));
    let (free, total) = (999 * MIB, 9_000 * MIB);
    let disk = Some(Room { free, total });
    play.look(Reading {
        disk,
        ..Reading::default()
    });
    assert_eq!(numbers(&play), [1]);

    let mut play = Play::new(20, &adaptive(4, RESERVE));
    let until = Timestamp(400_000);
    let quota = Some(Quota { left: 60, until });
    let reading = Reading {
        quota,
        ..Reading::default()
    };
    while play.now < until {
        play.look(reading);
    }
    assert_eq!(numbers(&play), [2], "until they are all there again");
    for _ in 0..30 {
        play.look(reading);
    }
    assert_eq!(numbers(&play), [2, 3, 4]);
}

#[test]
fn a_limit_of_the_agent_s_provider_halves_the_slots_once() {
    let limited = || Attempted::Failed(Failure::new(ErrorClass::RateLimit, "slow down"));
    let mut play = Play::new(20, &adaptive(8, RESERVE));
    for _ in 0..8 {
        play.end_one(limited());
    }
    assert_eq!(numbers(&play), [4], "they all met the same limit");
    let until = play
        .session
        .chain
        .at(AgentPlace::default())
        .pause
        .clone()
        .unwrap()
        .until;
    while play.now < until {
        play.look(Reading::default());
    }
    assert_eq!(numbers(&play), [4], "a pause is no calm");
    assert_eq!(play.running().len(), 4);
    for _ in 0..30 {
        play.look(Reading::default());
    }
    assert_eq!(numbers(&play), [4, 5, 6, 7, 8]);
    // The control: switched off, the number of slots stays as it is.
    let mut play = Play::new(20, &settings(8));
    play.end_one(limited());
    play.look(memory(1));
    assert_eq!(numbers(&play), [0; 0]);
}

#[test]
fn a_resumed_session_looks_anew_and_remembers_a_limit_that_is_not_over() {
    let settings = adaptive(4, RESERVE);
    let mut play = Play::new(20, &settings);
    let resumed = |settings: &Settings| Input::Resume {
        settings: Box::new(settings.clone()),
    };
    play.look(memory(100));
    assert_eq!(play.session.slots_now(), 2);
    play.put(&resumed(&settings));
    assert_eq!(play.session.slots_now(), 4);

    let limit = Failure::new(ErrorClass::RateLimit, "slow down");
    play.end_one(Attempted::Failed(limit));
    assert_eq!(play.session.slots_now(), 2);
    play.put(&resumed(&settings));
    assert_eq!(play.session.slots_now(), 2);
    play.now = play
        .session
        .chain
        .at(AgentPlace::default())
        .pause
        .clone()
        .unwrap()
        .until;
    play.put(&resumed(&settings));
    assert_eq!(play.session.slots_now(), 4);
    assert_eq!(Tally::of(&play.journal).slots(), (4, 4));
    assert_eq!(Session::fold(&play.journal), play.session, "I2");
}

/// A world with so many issues, and a machine with so many MiB left, by the minute; it stays as it is last.
fn machine(issues: u64, memory: &'static [u64]) -> Arc<World> {
    let world = World::new();
    for number in 1..=issues {
        world.issue(number, "", &[Act::Writes("done")]);
    }
    world.script().memory = self::memory(memory[0]).memory;
    let nature = Arc::clone(&world);
    tokio::spawn(async move {
        for mib in memory {
            nature.script().memory = self::memory(*mib).memory;
            tokio::time::sleep(Duration::from_secs(60)).await;
        }
    });
    world
}

/// Runs a session with four slots over its issues, or goes on with it.
async fn live(world: &Arc<World>, reserve: Option<Reserve>) -> Session {
    let settings = Settings {
        adaptive: reserve,
        ..settings(4)
    };
    let ports = world.ports();
    let settings = Box::new(settings);
    let opening = if world.disk().journal.is_empty() {
        let tasks = disjoint(world, &settings).await;
        Opening::New {
            project: "acme/shop".into(),
            selection: Selection::default(),
            settings,
            tasks,
        }
    } else {
        let tasks = None;
        Opening::Resumed {
            settings,
            tasks,
            elsewhere: Vec::new(),
        }
    };
    run(&ports, Arc::new(orders()), opening, &Stop::new())
        .await
        .unwrap()
}

/// The issues as tasks, each with a file of its own.
async fn disjoint(world: &Arc<World>, settings: &Settings) -> Vec<Task> {
    let forge = world.ports().forge;
    let selection = Selection {
        label: Some("go".into()),
        ..Selection::default()
    };
    let issues = forge.open_issues(&selection).await.unwrap();
    let read = intake::read(
        forge.as_ref(),
        issues,
        settings,
        &Classification::default(),
        [],
    )
    .await;
    let mut tasks = read.unwrap();
    for each in &mut tasks {
        let file = format!("file-{}", each.number());
        each.footprint = task(1, Domain::Backend, &[file.as_str()], &[]).footprint;
    }
    tasks
}

/// How many ran at this second.
fn running_at(journal: &[Recorded], second: u64) -> usize {
    let until = journal[0].at.plus_millis(second * 1_000);
    let before = journal.iter().filter(|recorded| recorded.at <= until);
    before.fold(0, |running, recorded| match recorded.event {
        Event::Admitted { .. } => running + 1,
        Event::Settled { .. } => running - 1,
        _ => running,
    })
}

#[tokio::test(start_paused = true)]
async fn memory_runs_short_and_comes_back_and_all_tasks_end() {
    // By the minute; an attempt takes one. Four begin, and four more before anybody looks again.
    let memory = &[9_000, 100, 100, 9_000];
    let world = machine(30, memory);
    let session = live(&world, Some(RESERVE)).await;
    let journal = world.disk().journal.clone();
    assert_eq!(session.phase, Phase::Finished);
    for entry in session.table.entries() {
        assert_eq!(entry.ending(), Some(Ending::Completed));
    }
    assert_eq!(Session::fold(&journal), session, "I2");
    let slots: Vec<u32> = changes(&journal).iter().map(|(slots, _)| *slots).collect();
    assert_eq!(slots, [2, 1, 2, 3, 4]);
    let running = [100, 150, 200, 420].map(|second| running_at(&journal, second));
    assert_eq!(running, [4, 2, 1, 4]);
    // The control: with nothing kept free the same machine changes nothing, and nobody looks.
    let world = machine(30, memory);
    live(&world, None).await;
    let journal = world.disk().journal.clone();
    assert_eq!(changes(&journal), []);
    assert_eq!(running_at(&journal, 150), 4);
    assert_eq!(world.script().looked, 0);
}

#[tokio::test(start_paused = true)]
async fn the_machine_is_looked_at_every_ten_seconds_of_work() {
    let world = machine(30, &[9_000]);
    let session = live(&world, Some(RESERVE)).await;
    assert_eq!(session.phase, Phase::Finished);
    assert_eq!(changes(&world.disk().journal), []);
    let journal = world.disk().journal.clone();
    let (first, last) = (journal[0].at, journal[journal.len() - 1].at);
    let tens = usize::try_from(last.millis_since(first) / LOOK).unwrap();
    let looked = world.script().looked;
    assert!((tens..=tens + 2).contains(&looked), "{looked} in {tens}0 s");
}

#[tokio::test(start_paused = true)]
async fn a_death_at_any_append_while_memory_is_short_loses_no_task_and_no_slot() {
    let memory = &[9_000, 100, 9_000];
    let undisturbed = machine(6, memory);
    live(&undisturbed, Some(RESERVE)).await;
    let appends = undisturbed.script().appends;
    let (mut deaths, mut lessened) = (0, 0);
    for death in 1..=appends {
        for after in [false, true] {
            let world = machine(6, memory);
            world.script().dies_at = Some((death, after));
            // How much shares an append differs from run to run: the last may not be reached.
            tokio::select! {
                _ = live(&world, Some(RESERVE)) => {}
                () = world.died.notified() => deaths += 1,
            }
            world.script().dies_at = None;
            let session = live(&world, Some(RESERVE)).await;
            let journal = world.disk().journal.clone();
            assert_eq!(session.phase, Phase::Finished, "{death} {after}");
            assert_eq!(Session::fold(&journal), session, "{death} {after}");
            assert!(
                session
                    .table
                    .entries()
                    .iter()
                    .all(|entry| entry.ending() == Some(Ending::Completed))
            );
            assert_eq!(duplicates(&world.outside()), [""; 0]);
            lessened += usize::from(!changes(&journal).is_empty());
        }
    }
    assert!(deaths > appends, "{deaths} deaths at {appends} appends");
    assert!(lessened > appends, "{lessened} of {}", 2 * appends);
}

#[test]
fn where_github_takes_few_more_requests_fewer_run() {
    let mut stage = Stage::with_issues(4);
    let keys = json!({ "adaptive": true, "minFreeMemoryMb": 0, "memoryPerAttemptMb": 1, "minFreeDiskMb": 0 });
    stage.configure(&json!({ "executor": { "maxParallel": 4 }, "scheduling": keys }));
    // Enough for all that is sent, and by the reckoning for two or three at a time: a hundred are spared.
    stage.fake.set_rate(190, 3_600);
    let ran = stage.exec("go", &[]);
    assert_eq!((ran.code, ran.count("completed")), (Some(0), 4), "{ran:?}");
    let change = ran.event("slots_changed");
    assert_eq!(change["reason"], "forge_limit");
    let left = change["requests_left"].as_u64().unwrap();
    assert!((50..90).contains(&left), "{change}");
    assert_eq!(change["slots"].as_u64(), Some(left / 25), "{change}");
    assert!(most_running(&ran) <= 3, "{ran:?}");
    let asked = stage.fake.requests();
    assert!(
        !asked
            .iter()
            .any(|request| request.path.contains("rate_limit")),
        "nothing is asked for it"
    );
    stage.assert_lawful();
}

/// Three issues that may run together; `keys` go into `scheduling`, and the agent does as it is told before all else.
fn narrow(before: &str, keys: &Value) -> Rig {
    let work =
        "echo \"$AUTOISSUE_ISSUE\" > \"file-$AUTOISSUE_ISSUE.txt\"\necho '{\"cost_usd\": 0.25}'";
    let rig = Rig::local(
        &format!("{before}\n{work}"),
        &json!({ "executor": { "maxParallel": 3 }, "scheduling": keys }),
    );
    for number in 1..=3 {
        let body = format!("Write `file-{number}.txt`.");
        rig.issue(number, &format!("Thing {number}"), &body);
    }
    rig
}

fn a_terabyte_kept_free() -> Value {
    json!({ "adaptive": true, "minFreeMemoryMb": 1_048_576 })
}

/// The most attempts that ran at a time, by the printed events.
fn most_running(ran: &Ran) -> usize {
    let (mut running, mut most): (usize, usize) = (0, 0);
    for event in ran.events() {
        match event["event"].as_str() {
            Some("attempt_admitted") => running += 1,
            Some("attempt_settled") => running -= 1,
            _ => {}
        }
        most = most.max(running);
    }
    most
}

#[test]
fn a_machine_without_the_memory_that_is_to_be_kept_free_runs_one_at_a_time() {
    let rig = narrow("", &a_terabyte_kept_free());
    let ran = rig.go();
    assert_eq!(ran.code, Some(0), "{}", ran.said());
    assert_eq!(ran.count("completed"), 3);
    assert_eq!(most_running(&ran), 1);
    let change = ran.event("slots_changed");
    assert_eq!(
        (&change["slots"], &change["configured"], &change["reason"]),
        (&json!(1), &json!(3), &json!("memory"))
    );
    assert!(change["free_bytes"].as_u64() < change["total_bytes"].as_u64());
    let changes = ran.events().into_iter();
    let changes = changes.filter(|event| event["event"] == "slots_changed");
    assert_eq!(changes.count(), 1, "told once");

    // The control: the same with nothing to be kept free.
    let keys = json!({ "adaptive": true, "minFreeMemoryMb": 0, "memoryPerAttemptMb": 1, "minFreeDiskMb": 0 });
    let ran = narrow("", &keys).go();
    assert_eq!(ran.code, Some(0), "{}", ran.said());
    assert_eq!(most_running(&ran), 3);
    assert!(!ran.stdout.contains("slots_changed"), "{}", ran.stdout);
}

#[test]
fn a_task_that_waits_says_that_memory_is_short() {
    let pipes = tempfile::tempdir().unwrap();
    let pipe = |name: &str| pipes.path().join(name);
    let made = Command::new("mkfifo")
        .args([pipe("started"), pipe("go")])
        .status();
    assert!(made.unwrap().success());
    let before = "echo \"$AUTOISSUE_ISSUE\" > PIPES/started\nread -r _ < PIPES/go";
    let before = before.replace("PIPES", pipes.path().to_str().unwrap());
    let rig = narrow(&before, &a_terabyte_kept_free());
    let mut exec = rig.autoissue(&["exec", "go", "--headless"]);
    let exec = exec
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let started = || std::fs::read_to_string(pipe("started")).unwrap();
    let first: u64 = started().trim().parse().unwrap();
    let other = if first == 1 { "2" } else { "1" };

    let why = rig.run(&["why", other]).stdout;
    let told = "waits for a slot: 1 of 3 are used while memory is short";
    let told_behind = "waits for a slot, behind 1 task: 1 of 3 are used while memory is short";
    assert!(why.contains(told) || why.contains(told_behind), "{why}");
    let wait = rig.run(&["why", other, "--format", "json"]).last_json()["waits_for"][0].clone();
    assert_eq!(
        (
            &wait["kind"],
            &wait["slots"],
            &wait["configured"],
            &wait["short"]
        ),
        (&json!("slot"), &json!(1), &json!(3), &json!("memory"))
    );
    let status = rig.run(&["status"]).stdout;
    assert!(status.contains("1 of 3 slots: memory is short"), "{status}");
    let slots = rig.run(&["status", "--format", "json"]).last_json()["slots"].clone();
    assert_eq!(
        slots,
        json!({ "now": 1, "configured": 3, "short": "memory", "recovers": false })
    );

    for turn in 1..=3 {
        std::fs::write(pipe("go"), "go\n").unwrap();
        if turn < 3 {
            started();
        }
    }
    let ran = Ran::from(exec.wait_with_output().unwrap());
    assert_eq!(ran.code, Some(0), "{}", ran.said());
    let line = "1 of 3 slots: memory is short (";
    assert_eq!(ran.said().matches(line).count(), 1, "{}", ran.said());
}

#[test]
fn what_is_foreseen_counts_the_slots_that_are_configured() {
    let foreseen = |keys: &Value| {
        let rig = narrow("", keys);
        let args = [
            "simulate", "--label", "go", "--runs", "20", "--format", "json",
        ];
        rig.run(&args).last_json()["settings"].clone()
    };
    let short = foreseen(&a_terabyte_kept_free());
    assert!(
        short[0]["minutes"]["p50"].as_u64() > short[1]["minutes"]["p50"].as_u64(),
        "{short}"
    );
    assert_eq!(short, foreseen(&json!({ "adaptive": false })));
}
