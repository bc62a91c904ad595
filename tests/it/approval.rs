//! Tasks that wait for a person, in the scheduler alone: asked at once, let in after an answer, and the first one counts.

use crate::tasks::{Dice, settings, task};
use autoissue::rules::approvals::{Late, Patience};
use autoissue::rules::classify::Domain;
use autoissue::rules::evaluate::background::Backgrounds;
use autoissue::rules::evaluate::judge::Judge;
use autoissue::rules::evaluate::routing::{Decision, Mode, Route, Routing};
use autoissue::rules::event::{Command, Consent, Event, Input, Recorded};
use autoissue::rules::ids::{IssueNumber, SessionId, Timestamp};
use autoissue::rules::issue::Selection;
use autoissue::rules::money::Usd;
use autoissue::rules::schedule::forecast::{as_expected, forecast};
use autoissue::rules::schedule::session::{Phase, Session};
use autoissue::rules::schedule::table::{Entry, State};
use autoissue::rules::settings::Settings;
use autoissue::rules::task::{Attempted, Ending, Outcome, Task};
use proptest::prelude::*;

/// A session and its journal.
struct Play {
    session: Session,
    journal: Vec<Recorded>,
    now: Timestamp,
    settings: Settings,
}

impl Play {
    fn new(tasks: Vec<Task>) -> Self {
        Self::under(settings(2), tasks)
    }

    fn under(settings: Settings, tasks: Vec<Task>) -> Self {
        let mut play = Self {
            session: Session::default(),
            journal: vec![],
            now: Timestamp(0),
            settings: settings.clone(),
        };
        play.put(&Input::Start {
            session: SessionId::new("s"),
            project: "p".into(),
            selection: Selection::default(),
            settings: Box::new(settings),
        });
        play.put(&Input::read(tasks));
        play
    }

    fn put(&mut self, input: &Input) {
        let now = self.now;
        let mut next = self.session.step(input, now);
        while !next.is_empty() {
            for event in next {
                if let Event::Admitted { issue, .. } = &event {
                    assert!(self.may_run(*issue), "{issue} was let in without an answer");
                }
                let recorded = Recorded {
                    seq: self.session.seq + 1,
                    at: now,
                    event,
                };
                self.session.apply(&recorded);
                self.journal.push(recorded);
            }
            next = self.session.step(&Input::Tick, now);
        }
    }

    /// Is it autonomous, or did a person say so?
    fn may_run(&self, issue: IssueNumber) -> bool {
        let entry = self.session.entry(issue).unwrap();
        let is_watched = entry
            .task
            .evaluation
            .as_ref()
            .is_some_and(|evaluation| evaluation.wants_approval());
        let wished = |recorded: &Recorded| match &recorded.event {
            Event::Consent {
                issue: other,
                consent: Consent::Given { .. },
            }
            | Event::CommandTaken {
                command: Command::Retry { issue: other },
                ..
            } => *other == issue,
            _ => false,
        };
        !is_watched || self.journal.iter().any(wished)
    }

    fn command(&mut self, command: Command) {
        self.put(&Input::Control { command, by: None });
    }

    /// It was looked for answers, and there is none.
    fn unanswered(&mut self) {
        let issues = self.session.unapproved().collect();
        self.put(&Input::Unanswered { issues });
    }

    fn announce(&mut self) {
        let unannounced: Vec<IssueNumber> = self.session.unannounced().collect();
        for issue in unannounced {
            let ended = self.session.entry(issue).unwrap().ending().is_some();
            self.put(&Input::Announced {
                issue,
                ended,
                trouble: None,
            });
        }
    }

    /// The first that runs ends.
    fn finish_one(&mut self) {
        let entries = self.session.table.entries().iter();
        let running = entries.filter_map(|entry| Some((entry.task.number(), entry.run()?.attempt)));
        let first = running.min();
        if let Some((issue, attempt)) = first {
            self.put(&Input::Finished {
                issue,
                attempt,
                outcome: Outcome::free(Attempted::Published),
                dice: 0,
            });
        }
    }

    fn state(&self, issue: u64) -> &State {
        &self.session.entry(IssueNumber(issue)).unwrap().state
    }

    fn ending(&self, issue: u64) -> Option<Ending> {
        self.session.entry(IssueNumber(issue)).unwrap().ending()
    }
}

/// Tasks on files of their own; those with an even number are supervised.
fn tasks(count: u64, needs: &[(u64, u64)]) -> Vec<Task> {
    let row = |route| Decision {
        suitability: None,
        confidence: None,
        risk: None,
        route,
    };
    let judge = |route| Judge {
        routing: Routing {
            mode: Mode::Enforce,
            rules: vec![],
            decisions: vec![row(route)],
            ..Routing::default()
        },
    };
    let make = |number| {
        let needs: Vec<u64> = needs
            .iter()
            .filter(|(task, _)| *task == number)
            .map(|(_, need)| *need)
            .collect();
        let mut task = task(number, Domain::Backend, &[&format!("f{number}")], &needs);
        task.issue.body = "It should be so, and it has to be tested in its own file.".into();
        let route = if number % 2 == 0 {
            Route::Supervised
        } else {
            Route::Autonomous
        };
        judge(route).route(std::slice::from_mut(&mut task), &Backgrounds::new(), None);
        task
    };
    (1..=count).map(make).collect()
}

const TWO: IssueNumber = IssueNumber(2);

#[test]
fn a_supervised_task_waits_and_holds_no_slot() {
    let mut play = Play::new(tasks(4, &[]));
    assert_eq!(play.state(2), &State::Unapproved);
    assert_eq!(play.state(4), &State::Unapproved);
    assert!(matches!(play.state(1), State::Running(_)));
    assert!(matches!(play.state(3), State::Running(_)));
    play.command(Command::Approve { issue: TWO });
    assert_eq!(play.state(2), &State::Ready, "as soon as there is a slot");
    play.finish_one();
    assert!(matches!(play.state(2), State::Running(_)));
}

#[test]
fn a_session_that_only_waits_for_people_is_interrupted_and_goes_on() {
    let mut play = Play::new(tasks(2, &[]));
    play.finish_one();
    assert_eq!(
        play.session.phase,
        Phase::Running,
        "its end is still to be announced"
    );
    play.announce();
    assert_eq!(play.session.phase, Phase::Interrupted);
    let settings = Box::new(settings(2));
    play.put(&Input::Resume {
        settings: settings.clone(),
    });
    assert_eq!(
        play.session.phase,
        Phase::Interrupted,
        "still nobody answered"
    );
    let at = Timestamp(0);
    for event in play.session.step(&Input::Resume { settings }, at) {
        let seq = play.session.seq + 1;
        play.session.apply(&Recorded { seq, at, event });
    }
    play.command(Command::Approve { issue: TWO });
    assert!(matches!(play.state(2), State::Running(_)));
    play.finish_one();
    play.announce();
    assert_eq!(play.session.phase, Phase::Finished);
}

#[test]
fn a_rejected_task_is_left_out_and_blocks_its_dependents() {
    let mut play = Play::new(tasks(3, &[(3, 2)]));
    let reason = Some("not now".to_owned());
    play.command(Command::Reject { issue: TWO, reason });
    assert_eq!(play.ending(2), Some(Ending::Skipped));
    let State::Ended { reason, .. } = play.state(2) else {
        panic!("{:?}", play.state(2));
    };
    assert_eq!(reason.as_deref(), Some("a person rejected it: not now"));
    assert_eq!(play.ending(3), Some(Ending::Blocked));
}

#[test]
fn the_first_answer_counts() {
    let mut play = Play::new(tasks(2, &[]));
    let instructions = "use the cache".to_owned();
    play.command(Command::Modify {
        issue: TWO,
        instructions,
    });
    play.command(Command::Reject {
        issue: TWO,
        reason: None,
    });
    play.command(Command::Approve { issue: TWO });
    assert!(matches!(play.state(2), State::Running(_)));
    let entry = play.session.entry(TWO).unwrap();
    assert_eq!(entry.approval.instructions(), Some("use the cache"));
}

#[test]
fn an_answer_before_its_needs_are_met_is_kept() {
    let mut play = Play::new(tasks(2, &[(2, 1)]));
    assert_eq!(play.state(2), &State::Waiting { needs: 1 });
    play.command(Command::Approve { issue: TWO });
    assert_eq!(play.state(2), &State::Waiting { needs: 1 });
    play.finish_one();
    assert!(matches!(play.state(2), State::Running(_)));
    let mut late = Play::new(tasks(2, &[(2, 1)]));
    late.finish_one();
    assert_eq!(late.state(2), &State::Unapproved);
}

#[test]
fn an_answer_that_nobody_waits_for_changes_nothing() {
    let mut play = Play::new(tasks(1, &[]));
    let before = play.session.table.clone();
    play.command(Command::Reject {
        issue: IssueNumber(1),
        reason: None,
    });
    play.command(Command::Approve {
        issue: IssueNumber(9),
    });
    assert_eq!(play.session.table, before);
}

/// With so many hours for an answer.
fn patient(hours: u32, then: Late) -> Settings {
    let mut settings = settings(2);
    settings.approvals.patience = Some(Patience { hours, then });
    settings
}

const HOUR: u64 = 3_600_000;

#[test]
fn nobody_is_waited_for_longer_than_was_said() {
    let mut play = Play::under(patient(2, Late::Expire), tasks(2, &[]));
    let due = Timestamp(0).plus_millis(2 * HOUR);
    play.now = Timestamp(due.0 - 1);
    play.unanswered();
    assert_eq!(play.ending(2), None, "the control: not yet");
    play.now = due;
    play.put(&Input::Tick);
    assert_eq!(play.ending(2), None, "nobody has looked for an answer");
    play.unanswered();
    assert_eq!(play.ending(2), Some(Ending::Skipped));
    play.command(Command::Approve { issue: TWO });
    assert_eq!(play.ending(2), Some(Ending::Skipped), "that was too late");
}

#[test]
fn others_are_told_once_and_it_waits_on() {
    let mut play = Play::under(patient(2, Late::Escalate), tasks(2, &[]));
    let overdue = |play: &Play| {
        let told = play.journal.iter().filter(|recorded| {
            let consent = Consent::Overdue { hours: 2 };
            recorded.event
                == Event::Consent {
                    issue: TWO,
                    consent,
                }
        });
        told.count()
    };
    for (hours, expect) in [(1, 0), (2, 1), (4, 1), (100, 1)] {
        play.now = Timestamp(0).plus_millis(hours * HOUR);
        play.unanswered();
        assert_eq!(overdue(&play), expect);
    }
    play.command(Command::Approve { issue: TWO });
    assert!(matches!(play.state(2), State::Running(_)));
}

#[test]
fn an_ending_is_announced_though_it_came_while_the_asking_was() {
    let mut play = Play::new(tasks(2, &[]));
    play.command(Command::Reject {
        issue: TWO,
        reason: None,
    });
    let announced = |ended| Input::Announced {
        issue: TWO,
        ended,
        trouble: None,
    };
    play.put(&announced(false));
    let waits = |play: &Play| play.session.unannounced().any(|issue| issue == TWO);
    assert!(waits(&play), "its ending was not told yet");
    play.put(&announced(true));
    assert!(!waits(&play));
}

#[test]
fn a_forecast_plays_as_if_people_had_answered() {
    let played = forecast(
        tasks(4, &[]),
        &settings(2),
        |_| 60_000,
        |task, _| as_expected(task),
    );
    let played = played.unwrap();
    assert_eq!(
        (played.attempts.len(), played.session.phase),
        (4, Phase::Finished)
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn whatever_people_answer_the_journal_folds_to_the_live_state(seed in any::<u64>(), count in 1_u64..8) {
        let mut dice = Dice::new(seed);
        let needs: Vec<(u64, u64)> = (2..=count).filter(|_| dice.below(3) == 0).map(|task| (task, task - 1)).collect();
        let then = if seed % 2 == 0 { Late::Expire } else { Late::Escalate };
        let mut play = Play::under(patient(3, then), tasks(count, &needs));
        for _ in 0..60 {
            let issue = IssueNumber(1 + dice.below(count));
            match dice.below(9) {
                0 => play.command(Command::Approve { issue }),
                1 => play.command(Command::Reject { issue, reason: None }),
                2 => play.command(Command::Modify { issue, instructions: "so".into() }),
                3 => play.command(Command::Skip { issue }),
                4 => play.command(Command::Retry { issue }),
                5 => play.announce(),
                6 => play.put(&Input::Resume { settings: Box::new(play.settings.clone()) }),
                7 => {
                    play.now = play.now.plus_millis(HOUR);
                    play.unanswered();
                }
                _ => play.finish_one(),
            }
            prop_assert_eq!(&Session::fold(&play.journal), &play.session);
        }
        for entry in play.session.table.entries() {
            let grant = entry.run().map(|run| run.grant);
            prop_assert!(grant.is_none_or(|grant| grant > Usd::ZERO), "{:?}", Entry::ending(entry));
        }
    }
}
