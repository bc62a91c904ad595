//! Nobody waits without end: who was passed over too often is passed over no more.

use crate::instances::instance;
use crate::tasks::{Dice, settings, task};
use autoissue::rules::classify::Domain;
use autoissue::rules::conflict::may_run_together;
use autoissue::rules::event::{Event, Input, Recorded};
use autoissue::rules::ids::{IssueNumber, SessionId, Timestamp};
use autoissue::rules::issue::Selection;
use autoissue::rules::schedule::session::{Phase, Session};
use autoissue::rules::settings::{PATIENCE, Policy, Settings};
use autoissue::rules::task::{Attempted, Outcome, Task};
use proptest::prelude::*;

/// A session on a virtual clock that remembers who lost patience, and when which task began.
struct Watch {
    session: Session,
    now: Timestamp,
    impatient: Vec<IssueNumber>,
    began: Vec<(IssueNumber, Timestamp)>,
    /// Who began before one that had lost patience, and was in its way.
    overtook: Vec<(IssueNumber, IssueNumber)>,
}

impl Watch {
    fn new(tasks: Vec<Task>, settings: &Settings) -> Self {
        let mut watch = Self {
            session: Session::default(),
            now: Timestamp(0),
            impatient: vec![],
            began: vec![],
            overtook: vec![],
        };
        watch.put(&Input::Start {
            session: SessionId::new("s"),
            project: "p".into(),
            selection: Selection::default(),
            settings: Box::new(settings.clone()),
        });
        watch.put(&Input::read(tasks));
        watch
    }

    fn put(&mut self, input: &Input) {
        let mut next = self.session.step(input, self.now);
        while !next.is_empty() {
            for event in next {
                if let Event::Admitted { issue, .. } = &event {
                    self.admitted(*issue);
                }
                let recorded = Recorded {
                    seq: self.session.seq + 1,
                    at: self.now,
                    event,
                };
                self.session.apply(&recorded);
                if let Event::Held { issue, .. } = recorded.event {
                    self.held(issue);
                }
            }
            next = self.session.step(&Input::Tick, self.now);
        }
    }

    fn held(&mut self, issue: IssueNumber) {
        let patience = self.session.entry(issue).map(|entry| entry.passed_over);
        if patience >= Some(PATIENCE) && !self.impatient.contains(&issue) {
            self.impatient.push(issue);
        }
    }

    fn admitted(&mut self, issue: IssueNumber) {
        self.began.push((issue, self.now));
        let own = self.session.entry(issue).expect("it is there");
        for waiting in self.impatient.iter().take_while(|other| **other != issue) {
            let other = self.session.entry(*waiting).expect("it is there");
            if may_run_together(&own.task, &other.task, Policy::Footprint).is_err() {
                self.overtook.push((issue, *waiting));
            }
        }
        self.impatient.retain(|other| *other != issue);
    }

    /// Plays it to the end: attempts take as long as `minutes` says.
    fn play(&mut self, minutes: impl Fn(&Task) -> u64) {
        while self.session.phase == Phase::Running {
            let ended = self.session.unannounced().next();
            if let Some(issue) = ended {
                self.put(&Input::Announced {
                    issue,
                    ended: true,
                    trouble: None,
                });
                continue;
            }
            let ends = self.session.table.entries().iter().filter_map(|entry| {
                let run = entry.run()?;
                let end = run.since.plus_millis(minutes(&entry.task));
                Some((end, entry.task.number(), run.attempt))
            });
            let (end, issue, attempt) = ends.min().expect("it goes on");
            self.now = end;
            self.put(&Input::Finished {
                issue,
                attempt,
                outcome: Outcome::free(Attempted::Published),
                dice: 0,
            });
        }
    }
}

/// #1 wants two files, each of which many others use in turn, so that one of them is always taken.
fn two_busy_files(others: u64) -> Vec<Task> {
    let mut both = task(1, Domain::Backend, &["a", "b"], &[2, 3]);
    both.estimate.minutes = 1_000;
    let mut tasks = vec![both];
    for number in 2..2 + others {
        let file = if number % 2 == 0 { "a" } else { "b" };
        let mut own = task(number, Domain::Backend, &[file], &[]);
        own.estimate.minutes = if number == 3 { 15 } else { 10 };
        tasks.push(own);
    }
    tasks
}

/// As it is without this defence.
fn patient(settings: Settings) -> Settings {
    Settings {
        patience: u32::MAX,
        ..settings
    }
}

#[test]
fn who_wants_two_busy_files_gets_both_after_a_while() {
    let began = |settings: &Settings| {
        let mut watch = Watch::new(two_busy_files(60), settings);
        watch.play(|task| u64::from(task.estimate.minutes));
        assert_eq!(watch.session.phase, Phase::Finished);
        let mut began = watch.began.iter();
        let began = began.find(|(issue, _)| *issue == IssueNumber(1));
        began.map(|(_, at)| at.0)
    };
    // After six that got ahead, and what ran.
    let soon = began(&settings(8));
    assert!(soon >= Some(15 + 6 * 5) && soon <= Some(80), "{soon:?}");
    let late = began(&patient(settings(8)));
    assert!(late >= Some(300), "the control: after all others: {late:?}");
}

/// A random session, played to its end.
fn played(seed: u64, count: u64, pool: u64, settings: &Settings) -> Watch {
    let tasks = instance(count, pool, &mut Dice::new(seed));
    let mut watch = Watch::new(tasks, settings);
    watch.play(|task| 1 + task.number().0.wrapping_mul(seed | 1) % 17);
    watch
}

/// The control: the same generator, with nothing that loses patience.
#[test]
fn without_that_some_are_overtaken_again_and_again() {
    let overtaken = |settings: &Settings| {
        let all = (0..60).map(|seed| played(seed, 60, 1 + seed % 11, settings).overtook.len());
        all.filter(|count| *count > 0).count()
    };
    assert_eq!(overtaken(&settings(8)), 0);
    let without = overtaken(&patient(settings(8)));
    assert!(
        without > 0,
        "nobody was ever overtaken more than {PATIENCE} times"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn nobody_gets_ahead_of_one_that_lost_patience(
        seed in any::<u64>(), count in 1_u64..60, pool in 1_u64..12, slots in 1_u32..20,
    ) {
        let watch = played(seed, count, pool, &settings(slots));
        prop_assert_eq!(watch.session.phase, Phase::Finished);
        prop_assert_eq!(watch.overtook, vec![]);
    }
}
