//! The scheduler as a whole, against random sessions: money, conflicts, the breaker, endings and the fold.

use crate::instances::instance;
use crate::tasks::{Dice, settings, task};
use autoissue::rules::breaker::Breaker;
use autoissue::rules::classify::Domain;
use autoissue::rules::conflict::may_run_together;
use autoissue::rules::event::{Command, Event, Fact, Input, Recorded};
use autoissue::rules::ids::{
    AgentPlace, AttemptNumber, CommitId, ConversationId, IssueNumber, SessionId, Timestamp,
};
use autoissue::rules::issue::Selection;
use autoissue::rules::money::{Charge, Usd};
use autoissue::rules::rework::{Conflict, Touched};
use autoissue::rules::schedule::forecast::{as_expected, forecast};
use autoissue::rules::schedule::session::{Phase, Session};
use autoissue::rules::schedule::table::{Entry, State};
use autoissue::rules::settings::{Backup, Billing, Policy, Settings};
use autoissue::rules::tally::Tally;
use autoissue::rules::task::{Attempted, Ending, ErrorClass, Failure, Outcome, Stage, Start, Task};
use proptest::prelude::*;

/// A session played step by step, with every event kept.
struct Play {
    session: Session,
    journal: Vec<Recorded>,
    now: Timestamp,
}

impl Play {
    fn new(tasks: Vec<Task>, settings: &Settings) -> Self {
        let mut play = Self {
            session: Session::default(),
            journal: vec![],
            now: Timestamp(0),
        };
        play.put(&Input::Start {
            session: SessionId::new("s"),
            project: "p".into(),
            selection: Selection::default(),
            settings: Box::new(settings.clone()),
        });
        play.put(&Input::read(tasks));
        play
    }

    /// Puts an input in, and decides until nothing follows; checks every invariant after every event.
    fn put(&mut self, input: &Input) {
        let mut next = self.session.step(input, self.now);
        while !next.is_empty() {
            for event in next {
                let recorded = Recorded {
                    seq: self.session.seq + 1,
                    at: self.now,
                    event,
                };
                self.session.apply(&recorded);
                if let Event::Admitted { issue, .. } = &recorded.event {
                    self.check_admitted(*issue);
                }
                self.journal.push(recorded);
                self.check();
            }
            next = self.session.step(&Input::Tick, self.now);
        }
    }

    /// An attempt ends without a bill.
    fn end(&mut self, issue: u64, attempt: u32, result: Attempted) {
        self.put(&Input::Finished {
            issue: IssueNumber(issue),
            attempt: AttemptNumber(attempt),
            outcome: Outcome::free(result),
            dice: 0,
        });
    }

    fn fail(&mut self, issue: u64, attempt: u32, class: ErrorClass) {
        self.end(
            issue,
            attempt,
            Attempted::Failed(Failure::new(class, "no luck")),
        );
    }

    fn report(&mut self, issue: u64, attempt: u32, facts: Vec<Fact>) {
        for fact in facts {
            self.put(&Input::Reported {
                issue: IssueNumber(issue),
                attempt: AttemptNumber(attempt),
                fact,
            });
        }
    }

    /// Where the latest attempt was to start from.
    fn last_start(&self) -> Option<&Start> {
        self.journal
            .iter()
            .rev()
            .find_map(|recorded| match &recorded.event {
                Event::Admitted { start, .. } => Some(start),
                _ => None,
            })
    }

    fn running(&self) -> Vec<&Task> {
        self.session
            .table
            .running()
            .map(|place| self.session.table.at(place).task.as_ref())
            .collect()
    }

    fn check(&self) {
        let budget = &self.session.budget;
        assert!(
            budget.spent() + budget.granted() <= budget.ceiling() + budget.overshoot(),
            "I13: {budget:?}"
        );
        let grants: Usd = self
            .session
            .table
            .entries()
            .iter()
            .filter_map(Entry::run)
            .map(|run| run.grant)
            .sum();
        assert_eq!(
            grants,
            budget.granted(),
            "I14: what is set aside belongs to what runs"
        );
        if self.session.settings.is_none() {
            return;
        }
        let (running, policy) = (self.running(), self.session.settings().policy);
        assert!(running.len() <= self.session.settings().slots as usize);
        for (at, first) in running.iter().enumerate() {
            for second in &running[at + 1..] {
                assert_eq!(
                    may_run_together(first, second, policy),
                    Ok(()),
                    "I34: {} and {}",
                    first.number(),
                    second.number()
                );
            }
        }
        let probes = self
            .session
            .table
            .entries()
            .iter()
            .filter_map(Entry::run)
            .filter(|run| run.probe);
        assert!(probes.count() <= 1, "I30");
    }

    /// Nobody is let in beside one that is known to change what it would change.
    fn check_admitted(&self, issue: IssueNumber) {
        let policy = self.session.settings().policy;
        let known = |issue| self.session.entry(issue).map(Entry::known).unwrap();
        for other in self.running().iter().map(|other| other.number()) {
            if other != issue {
                let may = may_run_together(known(issue), known(other), policy);
                assert_eq!(may, Ok(()), "I34: {issue} beside {other}");
            }
        }
    }

    /// An agent works, and is seen to have changed some files; some of it conflicts.
    fn look(&mut self, issue: IssueNumber, attempt: AttemptNumber, dice: &mut Dice) {
        let stage = Stage::Agent;
        self.report(issue.0, attempt.0, vec![Fact::Entered { stage }]);
        let running: Vec<IssueNumber> = self.running().iter().map(|task| task.number()).collect();
        let paths = (0..dice.below(4)).map(|_| format!("src/f{}.rs", dice.below(6)));
        let touched = vec![Touched {
            issue,
            attempt,
            paths: paths.collect(),
        }];
        let other = running[usize::try_from(dice.below(running.len() as u64)).unwrap_or(0)];
        let conflict = Conflict {
            issue,
            with: other,
            paths: vec!["f1".into()],
        };
        let conflicts = (other != issue && dice.below(2) == 0).then_some(conflict);
        self.put(&Input::Looked {
            touched,
            conflicts: conflicts.into_iter().collect(),
        });
    }

    /// One random thing happens.
    fn happen(&mut self, dice: &mut Dice) {
        let running: Vec<(IssueNumber, AttemptNumber, Usd)> = (self.session.table.entries().iter())
            .filter_map(|entry| {
                entry
                    .run()
                    .map(|run| (entry.task.number(), run.attempt, run.grant))
            })
            .collect();
        let unannounced: Vec<IssueNumber> = self.session.unannounced().collect();
        if let Some(issue) = unannounced.first() {
            return self.put(&Input::Announced {
                issue: *issue,
                ended: true,
                trouble: None,
            });
        }
        if running.is_empty() || dice.below(8) == 0 {
            let wake = self
                .session
                .next_wake(self.now)
                .unwrap_or(self.now.plus_millis(1_000));
            self.now = wake.max(self.now);
            return self.put(&Input::Tick);
        }
        self.now = self.now.plus_millis(dice.below(60_000));
        let (issue, attempt, grant) =
            running[usize::try_from(dice.below(running.len() as u64)).unwrap_or(0)];
        if dice.below(2) == 0 {
            return self.look(issue, attempt, dice);
        }
        let outcome = random_outcome(grant, dice);
        self.put(&Input::Finished {
            issue,
            attempt,
            outcome,
            dice: u32::try_from(dice.below(1000)).unwrap_or(0),
        });
    }
}

fn random_outcome(grant: Usd, dice: &mut Dice) -> Outcome {
    let classes = [
        ErrorClass::Crash,
        ErrorClass::CheckFailed,
        ErrorClass::Network,
        ErrorClass::RateLimit,
        ErrorClass::UsageLimit,
        ErrorClass::ContextTooLong,
        ErrorClass::Refusal,
        ErrorClass::Timeout,
    ];
    let class = classes[usize::try_from(dice.below(8)).unwrap_or(0)];
    let result = match dice.below(8) {
        0..=3 => Attempted::Published,
        4 => Attempted::Unchanged {
            said: "nothing to do".into(),
        },
        5 => Attempted::Lost,
        _ => Attempted::Failed(Failure::new(class, "no luck")),
    };
    let mut outcome = Outcome::free(result);
    outcome.charge = Charge {
        cost: grant.percent(dice.below(105)),
        ..Charge::default()
    };
    outcome
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn every_acyclic_session_ends_and_keeps_its_promises(
        seed in any::<u64>(), count in 1_u64..14, slots in 1_u32..6, ceiling in 0_u64..60, domain in any::<bool>(),
        others in 0_usize..3,
    ) {
        let mut dice = Dice::new(seed);
        let mut settings = settings(slots);
        settings.ceiling = Usd::from_micros(ceiling * 1_000_000);
        settings.policy = if domain { Policy::Domain } else { Policy::Footprint };
        settings.fallback = vec![backup(); others];
        let mut play = Play::new(instance(count, 6, &mut dice), &settings);
        for _ in 0..5_000 {
            if play.session.phase == Phase::Finished {
                break;
            }
            play.happen(&mut dice);
        }
        prop_assert_eq!(play.session.phase, Phase::Finished, "it ends");
        prop_assert_eq!(&Session::fold(&play.journal), &play.session, "I2: the fold of the journal is the live state");
        for entry in play.session.table.entries() {
            let failed_need = entry.task.needs.iter().any(|need| {
                let ending = play.session.entry(*need).and_then(Entry::ending);
                ending.is_some_and(|ending| !ending.satisfies_dependents())
            });
            let blocked = entry.ending() == Some(Ending::Blocked);
            prop_assert_eq!(blocked, failed_need, "I35: {}", entry.task.number());
        }
    }

    #[test]
    fn every_prefix_of_a_journal_folds_to_the_state_of_that_moment(seed in any::<u64>()) {
        let mut dice = Dice::new(seed);
        let mut play = Play::new(instance(6, 4, &mut dice), &settings(3));
        while play.session.phase != Phase::Finished && play.journal.len() < 200 {
            play.happen(&mut dice);
            prop_assert_eq!(&Session::fold(&play.journal), &play.session);
            let told = Tally::of(&play.journal).brewing;
            prop_assert_eq!(&told[..], play.session.brewing(), "what people see is what is decided upon");
        }
        for end in 0..play.journal.len() {
            let folded = Session::fold(&play.journal[..end]);
            prop_assert_eq!(folded.seq, end as u64);
        }
    }
}

fn backup() -> Backup {
    Backup {
        agent: "codex".into(),
        model: None,
        billing: Billing::Metered,
        cap: Usd::from_micros(5_000_000),
    }
}

/// So many tasks that have nothing in common, and one other agent.
fn with_backup(tasks: u64, slots: u32) -> Play {
    let tasks = (1..=tasks)
        .map(|number| task(number, Domain::Backend, &[&format!("f{number}")], &[]))
        .collect();
    let mut settings = settings(slots);
    settings.fallback = vec![backup()];
    Play::new(tasks, &settings)
}

/// Whose attempts run, by their issues.
fn whose(play: &Play) -> Vec<(u64, u8)> {
    let runs = play.session.table.entries().iter();
    runs.filter_map(|entry| Some((entry.number.0, entry.run()?.agent.0)))
        .collect()
}

#[test]
fn a_used_up_window_hands_its_tasks_to_the_next_agent_and_takes_new_ones_when_it_opens() {
    let mut play = with_backup(4, 2);
    let talk = |name: &str| ConversationId::new(name);
    let snapshot = |name: &str| Fact::Snapshot {
        commit: CommitId::new(name),
        base: CommitId::new("base"),
    };
    let conversed = |name| Fact::Conversed {
        conversation: talk(name),
    };
    play.report(1, 1, vec![conversed("first's"), snapshot("half")]);
    let mut used_up = Failure::new(ErrorClass::UsageLimit, "the window is used up");
    used_up.until = Some(play.now.plus_millis(3_600_000));
    play.end(1, 1, Attempted::Failed(used_up));
    assert_eq!(whose(&play), [(1, 1), (2, 0)], "who runs goes on");
    let goes_on = Start::Snapshot {
        snapshot: CommitId::new("half"),
        conversation: None,
        feedback: None,
    };
    assert_eq!(play.last_start(), Some(&goes_on), "the files, not the talk");
    let entry = play.session.entry(IssueNumber(1)).unwrap();
    assert_eq!((entry.failures, entry.limits), (0, 0), "nobody failed");

    // Its own talk is gone on with, and a short limit is waited out.
    play.report(1, 2, vec![conversed("second's"), snapshot("more")]);
    play.fail(1, 2, ErrorClass::RateLimit);
    let until = play.session.entry(IssueNumber(1)).unwrap().state.clone();
    assert!(matches!(until, State::Parked { .. }), "{until:?}");
    play.end(2, 1, Attempted::Published);
    assert_eq!(whose(&play), [], "neither may be asked");
    play.now = play.session.next_wake(play.now).unwrap();
    play.put(&Input::Tick);
    assert_eq!(whose(&play), [(1, 1), (3, 1)]);
    let Some(Start::Snapshot { conversation, .. }) =
        play.session.entry(IssueNumber(1)).map(|entry| &entry.start)
    else {
        panic!("it goes on");
    };
    assert_eq!(conversation.as_ref(), Some(&talk("second's")));

    play.now = play.now.plus_millis(3_600_000);
    play.end(3, 1, Attempted::Published);
    assert_eq!(whose(&play), [(1, 1), (4, 0)], "its window is open again");
}

#[test]
fn what_one_agent_fails_at_for_good_the_next_one_tries_with_a_clean_slate() {
    let mut play = with_backup(1, 1);
    for attempt in 1..=3 {
        assert_eq!(whose(&play), [(1, 0)]);
        play.fail(1, attempt, ErrorClass::Crash);
        play.now = play.now.plus_millis(200_000);
        play.put(&Input::Tick);
    }
    for attempt in 4..=6 {
        assert_eq!(whose(&play), [(1, 1)]);
        play.fail(1, attempt, ErrorClass::CheckFailed);
        play.now = play.now.plus_millis(200_000);
        play.put(&Input::Tick);
    }
    let ending = play.session.entry(IssueNumber(1)).and_then(Entry::ending);
    assert_eq!(ending, Some(Ending::Failed), "nobody is left");
    // What is not an agent's doing is no other agent's either.
    let mut play = with_backup(1, 1);
    play.fail(1, 1, ErrorClass::Validation);
    let ending = play.session.entry(IssueNumber(1)).and_then(Entry::ending);
    assert_eq!(ending, Some(Ending::Failed));
}

#[test]
fn an_agent_without_credentials_is_left_out_and_the_session_stops_with_the_last() {
    let mut play = with_backup(3, 2);
    play.fail(1, 1, ErrorClass::Auth);
    assert_eq!(whose(&play), [(1, 1), (2, 0)]);
    play.fail(2, 1, ErrorClass::Auth);
    assert_eq!(whose(&play), [(1, 1), (2, 1)]);
    assert_eq!(Tally::of(&play.journal).stopped_because, None);
    play.fail(1, 2, ErrorClass::Billing);
    play.fail(2, 2, ErrorClass::Billing);
    assert_eq!(play.session.phase, Phase::Interrupted);
    let told = Tally::of(&play.journal).stopped_because.unwrap();
    assert!(told.starts_with("codex: billing"), "{told}");
    // A token that the forge refuses is nobody's: no agent is asked in vain.
    let mut play = with_backup(1, 1);
    let stage = Stage::Publish;
    play.report(1, 1, vec![Fact::Entered { stage }]);
    play.fail(1, 1, ErrorClass::Auth);
    assert_eq!(play.session.phase, Phase::Interrupted);
}

#[test]
fn a_task_that_only_the_limited_agent_has_not_failed_at_keeps_nobody_waiting() {
    let mut play = with_backup(2, 1);
    play.fail(1, 1, ErrorClass::Refusal);
    assert_eq!(whose(&play), [(1, 1)]);
    let mut used_up = Failure::new(ErrorClass::UsageLimit, "the window is used up");
    used_up.until = Some(play.now.plus_millis(3_600_000));
    play.end(1, 2, Attempted::Failed(used_up));
    assert_eq!(whose(&play), [(2, 0)]);
    play.end(2, 1, Attempted::Published);
    play.now = play.session.next_wake(play.now).unwrap();
    play.put(&Input::Tick);
    assert_eq!(whose(&play), [(1, 1)]);
}

#[test]
fn too_long_a_conversation_is_begun_anew_once_with_the_files_and_with_less() {
    let mut play = Play::new(vec![task(1, Domain::Backend, &["f"], &[])], &settings(1));
    let snapshot = Fact::Snapshot {
        commit: CommitId::new("half"),
        base: CommitId::new("base"),
    };
    let conversation = ConversationId::new("long");
    play.report(1, 1, vec![Fact::Conversed { conversation }, snapshot]);
    play.fail(1, 1, ErrorClass::ContextTooLong);
    play.now = play.now.plus_millis(200_000);
    play.put(&Input::Tick);
    let entry = play.session.entry(IssueNumber(1)).unwrap();
    assert!(entry.cramped && entry.run().is_some());
    let Some(Start::Snapshot { conversation, .. }) = play.last_start() else {
        panic!("what was done stays");
    };
    assert_eq!(*conversation, None);
    play.fail(1, 2, ErrorClass::ContextTooLong);
    let ending = play.session.entry(IssueNumber(1)).and_then(Entry::ending);
    assert_eq!(ending, Some(Ending::Failed), "once is enough");
}

#[test]
fn an_open_breaker_lets_one_probe_in_and_fails_nobody() {
    let tasks = (1..=8)
        .map(|number| task(number, Domain::Backend, &[&format!("f{number}")], &[]))
        .collect();
    let mut play = Play::new(tasks, &settings(5));
    for number in 1..=5 {
        let outcome = Outcome::free(Attempted::Failed(Failure::new(
            ErrorClass::Network,
            "unreachable",
        )));
        play.put(&Input::Finished {
            issue: IssueNumber(number),
            attempt: AttemptNumber(1),
            outcome,
            dice: 0,
        });
    }
    assert!(
        matches!(
            play.session.chain.at(AgentPlace::default()).breaker,
            Breaker::Open { .. }
        ),
        "{:?}",
        play.session.chain.at(AgentPlace::default()).breaker
    );
    let before = play.running().len();
    play.now = play.now.plus_millis(59_999);
    play.put(&Input::Tick);
    assert_eq!(
        play.running().len(),
        before,
        "nobody is let in while it is open"
    );
    play.now = play.now.plus_millis(1);
    play.put(&Input::Tick);
    assert_eq!(play.running().len(), before + 1, "then one probe");
    assert!(matches!(
        play.session.chain.at(AgentPlace::default()).breaker,
        Breaker::HalfOpen { .. }
    ));
    assert!(
        play.session
            .table
            .entries()
            .iter()
            .all(|entry| entry.ending().is_none()),
        "nobody failed for it"
    );
}

#[test]
fn two_tasks_on_one_file_never_overlap_and_two_on_others_do() {
    let tasks = vec![
        task(1, Domain::Backend, &["src/a.rs"], &[]),
        task(2, Domain::Backend, &["src/a.rs"], &[]),
        task(3, Domain::Backend, &["src/b.rs"], &[]),
    ];
    let play = Play::new(tasks, &settings(3));
    let running: Vec<IssueNumber> = play.running().iter().map(|task| task.number()).collect();
    assert_eq!(running, [IssueNumber(1), IssueNumber(3)]);
    let held = &play
        .session
        .entry(IssueNumber(2))
        .expect("it is there")
        .state;
    assert_eq!(
        *held,
        State::Held {
            by: IssueNumber(1),
            over: "src/a.rs".into()
        }
    );
}

#[test]
fn a_failed_task_blocks_its_dependents_and_nobody_else() {
    let tasks = vec![
        task(1, Domain::Backend, &["a"], &[]),
        task(2, Domain::Backend, &["b"], &[1]),
        task(3, Domain::Backend, &["c"], &[2]),
        task(4, Domain::Backend, &["d"], &[]),
    ];
    let mut play = Play::new(tasks, &settings(2));
    let refusal = Outcome::free(Attempted::Failed(Failure::new(ErrorClass::Refusal, "no")));
    play.put(&Input::Finished {
        issue: IssueNumber(1),
        attempt: AttemptNumber(1),
        outcome: refusal,
        dice: 0,
    });
    let ending = |number| {
        play.session
            .entry(IssueNumber(number))
            .and_then(Entry::ending)
    };
    assert_eq!(
        [ending(2), ending(3), ending(4)],
        [Some(Ending::Blocked), Some(Ending::Blocked), None]
    );
    play.put(&Input::Control {
        command: Command::Retry {
            issue: IssueNumber(1),
        },
        by: None,
    });
    let state = |number| {
        play.session
            .entry(IssueNumber(number))
            .map(|entry| entry.state.clone())
    };
    assert!(
        matches!(state(1), Some(State::Running(_))),
        "a person's retry runs it again: {:?}",
        state(1)
    );
    assert_eq!(
        state(3),
        Some(State::Waiting { needs: 1 }),
        "and those it had blocked wait again"
    );
}

#[test]
fn refused_credentials_stop_dispatch_and_leave_everything_for_resume() {
    let tasks = (1..=4)
        .map(|number| task(number, Domain::Backend, &[&format!("f{number}")], &[]))
        .collect();
    let mut play = Play::new(tasks, &settings(1));
    let refused = Outcome::free(Attempted::Failed(Failure::new(
        ErrorClass::Auth,
        "invalid key",
    )));
    play.put(&Input::Finished {
        issue: IssueNumber(1),
        attempt: AttemptNumber(1),
        outcome: refused,
        dice: 0,
    });
    assert_eq!(play.session.phase, Phase::Interrupted);
    assert!(
        play.session
            .table
            .entries()
            .iter()
            .all(|entry| entry.ending().is_none())
    );
    play.put(&Input::Resume {
        settings: Box::new(settings(1)),
    });
    assert_eq!(play.running().len(), 1);
}

#[test]
fn ten_thousand_tasks_on_one_file_are_looked_at_a_few_times_each() {
    let tasks: Vec<Task> = (1..=10_000)
        .map(|number| task(number, Domain::Backend, &["hot.rs"], &[]))
        .collect();
    let forecast =
        forecast(tasks, &settings(8), |_| 60_000, |task, _| as_expected(task)).expect("acyclic");
    assert_eq!(forecast.attempts.len(), 10_000);
    assert_eq!(
        forecast.makespan_millis,
        10_000 * 60_000,
        "one after the other"
    );
    assert!(
        forecast.session.seq < 80_000,
        "{} events",
        forecast.session.seq
    );
    assert!(
        forecast.session.journal_is_settled(),
        "{:?}",
        forecast.session.phase
    );
}

trait Settled {
    fn journal_is_settled(&self) -> bool;
}

impl Settled for Session {
    fn journal_is_settled(&self) -> bool {
        self.phase == Phase::Finished
            && self
                .table
                .entries()
                .iter()
                .all(|entry| entry.ending() == Some(Ending::Completed))
    }
}

#[test]
fn a_session_without_tasks_is_finished_at_once() {
    let play = Play::new(vec![], &settings(1));
    assert_eq!(play.session.phase, Phase::Finished);
    let last = play.journal.last().map(|recorded| &recorded.event);
    assert_eq!(last, Some(&Event::SessionFinished));
}

#[test]
fn a_late_failure_of_an_attempt_from_before_makes_no_second_probe() {
    let tasks = (1..=8)
        .map(|number| task(number, Domain::Backend, &[&format!("f{number}")], &[]))
        .collect();
    let mut play = Play::new(tasks, &settings(6));
    (1..=5).for_each(|number| play.fail(number, 1, ErrorClass::Network));
    play.now = play.now.plus_millis(60_000);
    play.put(&Input::Tick);
    let half_open = play.session.chain.at(AgentPlace::default()).breaker;
    assert!(matches!(half_open, Breaker::HalfOpen { .. }));
    play.fail(6, 1, ErrorClass::Network);
    assert_eq!(
        play.session.chain.at(AgentPlace::default()).breaker,
        half_open,
        "only the probe tells"
    );
    play.now = play.now.plus_millis(60_000);
    play.put(&Input::Tick);
}

#[test]
fn a_person_s_retry_under_another_failed_need_is_blocked_again_and_the_session_ends() {
    for retried in [1, 3] {
        let tasks = vec![
            task(1, Domain::Backend, &["a"], &[]),
            task(2, Domain::Backend, &["b"], &[]),
            task(3, Domain::Backend, &["c"], &[1, 2]),
            task(4, Domain::Backend, &["d"], &[1, 3]),
            task(5, Domain::Backend, &["e"], &[]),
        ];
        let mut play = Play::new(tasks, &settings(3));
        play.fail(1, 1, ErrorClass::Refusal);
        play.fail(2, 1, ErrorClass::Refusal);
        play.put(&Input::Control {
            command: Command::Retry {
                issue: IssueNumber(retried),
            },
            by: None,
        });
        play.end(1, 2, Attempted::Published);
        play.end(5, 1, Attempted::Published);
        let ended: Vec<IssueNumber> = play.session.unannounced().collect();
        for issue in ended {
            play.put(&Input::Announced {
                issue,
                ended: true,
                trouble: None,
            });
        }
        let ending = |number| {
            play.session
                .entry(IssueNumber(number))
                .and_then(Entry::ending)
        };
        assert_eq!(
            [ending(3), ending(4)],
            [Some(Ending::Blocked); 2],
            "after a retry of {retried}"
        );
        assert_eq!(play.session.phase, Phase::Finished);
    }
}

#[test]
fn a_dependent_of_two_that_wait_again_waits_with_them() {
    let tasks = vec![
        task(1, Domain::Backend, &["a"], &[]),
        task(2, Domain::Backend, &["b"], &[1]),
        task(3, Domain::Backend, &["c"], &[1, 2]),
    ];
    let mut play = Play::new(tasks, &settings(3));
    play.fail(1, 1, ErrorClass::Refusal);
    play.put(&Input::Control {
        command: Command::Retry {
            issue: IssueNumber(1),
        },
        by: None,
    });
    for number in 1..=3 {
        let attempt = if number == 1 { 2 } else { 1 };
        play.end(number, attempt, Attempted::Published);
        let ending = play
            .session
            .entry(IssueNumber(number))
            .and_then(Entry::ending);
        assert_eq!(ending, Some(Ending::Completed), "#{number}");
    }
}

#[test]
fn a_session_that_waits_for_its_last_attempts_is_woken_by_no_timer() {
    let tasks = vec![
        task(1, Domain::Backend, &["a"], &[]),
        task(2, Domain::Backend, &["b"], &[]),
    ];
    let mut play = Play::new(tasks, &settings(2));
    play.fail(1, 1, ErrorClass::Crash);
    assert!(play.session.next_wake(play.now).is_some(), "the control");
    play.put(&Input::Stop);
    play.now = play.now.plus_millis(5_000);
    play.put(&Input::Tick);
    assert_eq!(play.session.phase, Phase::Stopping);
    assert_eq!(play.session.next_wake(play.now), None);
}

fn agent_wrote(commit: &str) -> Vec<Fact> {
    vec![
        Fact::Entered {
            stage: Stage::Agent,
        },
        Fact::AgentDone {
            conversation: None,
            summary: String::new(),
            charge: Charge::default(),
        },
        Fact::Snapshot {
            commit: CommitId::new(commit),
            base: CommitId::new("base"),
        },
    ]
}

#[test]
fn an_attempt_that_is_lost_before_its_agent_starts_again_where_it_was_to_start() {
    for lost in [Attempted::Lost, Attempted::Stopped] {
        let tasks = vec![task(1, Domain::Backend, &["a"], &[])];
        let mut play = Play::new(tasks, &settings(1));
        play.report(1, 1, agent_wrote("half"));
        play.fail(1, 1, ErrorClass::CheckFailed);
        play.now = play.now.plus_millis(5_000);
        play.put(&Input::Tick);
        play.report(
            1,
            2,
            vec![Fact::Entered {
                stage: Stage::Prepare,
            }],
        );
        let meant = Start::Snapshot {
            snapshot: CommitId::new("half"),
            conversation: None,
            feedback: Some("no luck".into()),
        };
        assert_eq!(play.last_start(), Some(&meant), "the control");
        play.end(1, 2, lost);
        assert_eq!(play.last_start(), Some(&meant), "what went wrong is known");
        assert_eq!(play.running().len(), 1);
    }
}

#[test]
fn work_that_was_paid_for_is_not_paid_again_where_git_or_the_disk_failed() {
    let snapshot = CommitId::new("done");
    for (verified, start) in [
        (true, Start::Verified),
        (false, Start::Captured { snapshot }),
    ] {
        let tasks = vec![task(1, Domain::Backend, &["a"], &[])];
        let mut play = Play::new(tasks, &settings(1));
        play.report(1, 1, agent_wrote("done"));
        if verified {
            play.report(1, 1, vec![Fact::Verified]);
        }
        play.fail(1, 1, ErrorClass::Workspace);
        play.now = play.now.plus_millis(5_000);
        play.put(&Input::Tick);
        assert_eq!(play.last_start(), Some(&start));
    }
}

#[test]
fn finished_work_is_published_while_the_provider_is_away() {
    let tasks = vec![
        task(1, Domain::Backend, &["a"], &[]),
        task(2, Domain::Backend, &["b"], &[]),
        task(3, Domain::Backend, &["c"], &[]),
    ];
    let mut play = Play::new(tasks, &settings(3));
    let finish = |issue, result| Input::Finished {
        issue: IssueNumber(issue),
        attempt: AttemptNumber(1),
        outcome: Outcome::free(result),
        dice: 0,
    };
    play.put(&Input::Reported {
        issue: IssueNumber(2),
        attempt: AttemptNumber(1),
        fact: Fact::Verified,
    });
    let mut limit = Failure::new(ErrorClass::UsageLimit, "window used up");
    limit.until = Some(play.now.plus_millis(3_600_000));
    play.put(&finish(3, Attempted::Failed(limit)));
    play.put(&finish(1, Attempted::Lost));
    let unpublished = Failure::new(ErrorClass::Publish, "502");
    play.put(&finish(2, Attempted::Failed(unpublished)));
    play.now = play.now.plus_millis(2_000);
    play.put(&Input::Tick);
    let running: Vec<IssueNumber> = play.running().iter().map(|task| task.number()).collect();
    assert_eq!(running, [IssueNumber(2)], "#1 goes before it, and waits");
}
