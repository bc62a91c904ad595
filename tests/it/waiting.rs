//! Nobody waits without end: who was passed over too often is passed over no more.

use crate::instances::instance;
use crate::tasks::{Dice, settings, task};
use autoissue::rules::classify::Domain;
use autoissue::rules::conflict::may_run_together;
use autoissue::rules::event::{Event, Input, Recorded};
use autoissue::rules::ids::{IssueNumber, SessionId, Timestamp};
use autoissue::rules::issue::Selection;
use autoissue::rules::schedule::session::{Phase, Session};
use autoissue::rules::settings::{Policy, Settings};
use autoissue::rules::task::{Attempted, Outcome, Task};
use proptest::prelude::*;

/// So often others may get ahead.
const PATIENCE: u32 = 6;

/// A session on a virtual clock that remembers who lost patience, and when which task began.
struct Watch {
    session: Session,
    now: Timestamp,
    impatient: Vec<IssueNumber>,
    began: Vec<(IssueNumber, Timestamp)>,
}

impl Watch {
    fn new(tasks: Vec<Task>, settings: &Settings) -> Self {
        let mut watch = Self {
            session: Session::default(),
            now: Timestamp(0),
            impatient: vec![],
            began: vec![],
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
            assert_eq!(
                may_run_together(&own.task, &other.task, Policy::Footprint),
                Ok(()),
                "{issue} got ahead of {waiting}, which had lost patience"
            );
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

#[test]
fn who_wants_two_busy_files_gets_both_after_a_while() {
    let mut watch = Watch::new(two_busy_files(60), &settings(8));
    watch.play(|task| u64::from(task.estimate.minutes));
    assert_eq!(watch.session.phase, Phase::Finished);
    let began = watch
        .began
        .iter()
        .find(|(issue, _)| *issue == IssueNumber(1));
    let began = began.map(|(_, at)| at.0);
    // Without patience only after the last of the others: 300 minutes. With it after six that got ahead, and what ran.
    assert!(began >= Some(15 + 6 * 5) && began <= Some(80), "{began:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn nobody_gets_ahead_of_one_that_lost_patience(
        seed in any::<u64>(), count in 1_u64..60, pool in 1_u64..12, slots in 1_u32..20,
    ) {
        let mut dice = Dice::new(seed);
        let tasks = instance(count, pool, &mut dice);
        let mut watch = Watch::new(tasks, &settings(slots));
        watch.play(|task| 1 + task.number().0.wrapping_mul(seed | 1) % 17);
        prop_assert_eq!(watch.session.phase, Phase::Finished);
    }
}
