//! Sessions, tasks and events to store.

use autoissue::adapters::store::journal::SqliteJournal;
use autoissue::adapters::store::open::Store;
use autoissue::ports::{Journal, JournalError};
use autoissue::rules::certificate::{Certificate, LeftOut, Part, Proof, Why};
use autoissue::rules::checks::shape::CheckKind;
use autoissue::rules::classify::{Classified, Domain};
use autoissue::rules::event::{Command, Consent, Effect, Event, Fact, ProcessIdentity, Recorded};
use autoissue::rules::footprint::{Evidence, Footprint, LikelyFile};
use autoissue::rules::ids::{
    AgentPlace, AttemptNumber, BranchName, CommitId, ConversationId, IssueNumber, PullNumber,
    SessionId, SlotNumber, Timestamp, TreeId,
};
use autoissue::rules::issue::{Issue, IssueState, Priority, Selection};
use autoissue::rules::money::{Charge, Usd};
use autoissue::rules::quota::{Allowance, Api};
use autoissue::rules::rework::{Conflict, Outdated, Touched};
use autoissue::rules::room::{Quota, Room, Shortage, SlotsReason};
use autoissue::rules::schedule::predict::Prediction;
use autoissue::rules::sender::Sender;
use autoissue::rules::settings::{PATIENCE, Policy, Settings, StateLabels};
use autoissue::rules::stack::{Below, Dependents, Together};
use autoissue::rules::task::{
    Attempted, CheckReport, Commit, DiffStat, Ending, ErrorClass, Estimate, Failure, Outcome, Pull,
    Stage, Start, Task, Verdict,
};
use std::sync::Arc;

pub(crate) const PROJECT: &str = "owner/name";
/// 2026-11-20, 12:00 UTC.
pub(crate) const NOON: Timestamp = Timestamp(1_795_176_000_000);

pub(crate) fn dollars(dollars: u64) -> Usd {
    Usd::from_micros(dollars * 1_000_000)
}

pub(crate) fn selection(label: &str) -> Selection {
    Selection {
        label: Some(label.into()),
        ..Selection::default()
    }
}

pub(crate) fn settings(daily_ceiling: Option<Usd>) -> Box<Settings> {
    Box::new(Settings {
        slots: 3,
        adaptive: None,
        ceiling: dollars(50),
        daily_ceiling,
        cap: dollars(5),
        typical: None,
        priority_first: false,
        max_retries: 2,
        check_rounds: 1,
        breaker_failures: 5,
        breaker_cooldown_millis: 60_000,
        policy: Policy::Footprint,
        patience: PATIENCE,
        agent: "claude".into(),
        models: autoissue::rules::models::Models::default(),
        billing: autoissue::rules::settings::Billing::default(),
        fallback: Vec::new(),
        model: Some("sonnet".into()),
        base_branch: "main".into(),
        create_pr: true,
        dependents: Dependents::Stacked,
        starter: None,
        max_open_pulls: None,
        open_pulls: 0,
        assign: autoissue::rules::assigning::Assign::Never,
        approvals: autoissue::rules::approvals::Approvals::default(),
        together: Together::default(),
        draft: false,
        labels: StateLabels::default(),
    })
}

pub(crate) fn task(number: u64, domain: Domain) -> Task {
    Task {
        issue: Issue {
            number: IssueNumber(number),
            title: format!("Make page {number} \u{1b}[31mred"),
            body: "It is grey.\u{202e}".into(),
            labels: vec!["ready".into()],
            state: IssueState::Open,
            author: Some("octocat".into()),
            created_at: NOON,
            updated_at: NOON,
            url: None,
            depends_on: vec![],
            assignees: Vec::new(),
            milestone: None,
            parts: Vec::new(),
            pulls: Vec::new(),
        },
        domain: Classified {
            domain,
            confidence: 0.9,
            reasons: vec!["label".into()],
        },
        footprint: Footprint {
            files: vec![
                LikelyFile::new("src/page.rs", 0.9, Evidence::NamedInText),
                LikelyFile::new("src/style.css", 0.3, Evidence::SimilarWork),
            ],
        },
        needs: vec![],
        obstacle: None,
        follow_up: None,
        evaluation: None,
        priority: Priority::Medium,
        estimate: Estimate {
            cost: dollars(5),
            minutes: 10,
        },
        branch: branch(number),
    }
}

pub(crate) fn branch(number: u64) -> BranchName {
    BranchName::new(format!("autoissue/{number}-page"))
}

pub(crate) fn admitted(issue: u64, attempt: u32, grant: Usd) -> Event {
    Event::Admitted {
        agent: AgentPlace::default(),
        issue: IssueNumber(issue),
        attempt: AttemptNumber(attempt),
        slot: SlotNumber(0),
        grant,
        probe: false,
        branch: branch(issue),
        start: Start::Base,
        below: vec![Below {
            issue: IssueNumber(8),
            commit: snapshot(),
            branch: branch(8),
            pull: Some(PullNumber(80)),
        }],
    }
}

pub(crate) fn settled(issue: u64, attempt: u32, grant: Usd, cost: Usd) -> Event {
    Event::Settled {
        issue: IssueNumber(issue),
        attempt: AttemptNumber(attempt),
        grant,
        outcome: Outcome {
            result: Attempted::Published,
            charge: Charge {
                cost,
                ..Charge::default()
            },
            dearest: Usd::ZERO,
            model: Some("sonnet".into()),
        },
    }
}

pub(crate) fn fact(issue: u64, fact: Fact) -> Event {
    Event::Fact {
        issue: IssueNumber(issue),
        attempt: AttemptNumber(1),
        fact,
    }
}

pub(crate) fn committed(issue: u64, files: u64) -> Event {
    fact(
        issue,
        Fact::Committed {
            commit: Commit {
                id: CommitId::new("c".repeat(40)),
                tree: TreeId::new("d".repeat(40)),
                base: CommitId::new("e".repeat(40)),
                diff: DiffStat {
                    paths: vec!["src/page.rs".into()],
                    files,
                    added: 10 * files,
                    removed: files,
                },
            },
        },
    )
}

pub(crate) fn pushed(issue: u64) -> Event {
    fact(
        issue,
        Fact::Did {
            effect: Effect::Push {
                branch: branch(issue),
                commit: snapshot(),
            },
            pull: None,
        },
    )
}

pub(crate) fn opened(issue: u64, pull: u64) -> Event {
    fact(
        issue,
        Fact::Did {
            effect: Effect::OpenPull {
                branch: branch(issue),
            },
            pull: Some(Pull {
                number: PullNumber(pull),
                url: format!("https://example.com/{pull}"),
                head: branch(issue).to_string(),
                base: "main".into(),
                open: true,
                body: String::new(),
            }),
        },
    )
}

pub(crate) fn ended(issue: u64, ending: Ending) -> Event {
    Event::TaskEnded {
        issue: IssueNumber(issue),
        ending,
        reason: None,
    }
}

pub(crate) fn started(session: &SessionId, daily_ceiling: Option<Usd>) -> Event {
    Event::SessionStarted {
        session: session.clone(),
        project: PROJECT.into(),
        selection: selection("ready"),
        settings: settings(daily_ceiling),
    }
}

/// Events with their places, the first at `seq`.
pub(crate) fn place(seq: u64, events: Vec<Event>) -> Vec<Recorded> {
    (seq..)
        .zip(events)
        .map(|(seq, event)| Recorded {
            seq,
            at: NOON.plus_millis(seq * 1000),
            event,
        })
        .collect()
}

/// The issues were read, and what is expected of them with it.
fn read() -> Event {
    Event::TasksRead {
        tasks: [(7, Domain::Frontend), (8, Domain::Backend)]
            .map(|(number, domain)| Arc::new(task(number, domain)))
            .into(),
        prediction: Some(Box::new(Prediction {
            order: vec![IssueNumber(8), IssueNumber(7)],
            makespan_minutes: 20,
            lower_bound_minutes: 10,
            orders_tried: 1,
        })),
    }
}

/// One of every kind of event and fact.
pub(crate) fn one_of_each(session: &SessionId) -> Vec<Event> {
    let mut events = vec![
        started(session, None),
        Event::tasks_read(vec![task(7, Domain::Frontend)]),
        read(),
        admitted(7, 1, dollars(5)),
    ];
    events.extend(facts().map(|each| fact(7, each)));
    events.extend([
        committed(7, 1),
        opened(7, 70),
        settled(7, 1, dollars(5), dollars(2)),
        ended(7, Ending::Completed),
    ]);
    events.extend(questions());
    events.extend(waits());
    events.extend(agents_out());
    events.extend(together());
    events.extend(slots());
    events.extend(ends());
    events
}

fn facts() -> [Fact; 10] {
    let effect = Effect::Push {
        branch: branch(7),
        commit: snapshot(),
    };
    let report = CheckReport {
        name: "test".into(),
        kind: CheckKind::Test,
        verdict: Verdict::Passed,
        millis: 9,
        output: "ok".into(),
    };
    [
        Fact::Entered {
            stage: Stage::Agent,
        },
        Fact::Spawned {
            stage: Stage::Agent,
            process: ProcessIdentity {
                pid: 4,
                started: 5,
                boot: "b".into(),
            },
            conversation: None,
        },
        Fact::AgentDone {
            conversation: None,
            summary: "done".into(),
            charge: Charge::default(),
        },
        Fact::Snapshot {
            commit: snapshot(),
            base: snapshot(),
        },
        Fact::Checked {
            reports: vec![report],
        },
        Fact::KeptFrom {
            hosts: vec!["example.com:443".into()],
        },
        Fact::Verified,
        Fact::BranchChosen { branch: branch(7) },
        Fact::Intends {
            effect: effect.clone(),
        },
        Fact::Did { effect, pull: None },
    ]
}

fn questions() -> [Event; 2] {
    let issue = IssueNumber(7);
    let question = "which \u{202e} one?".into();
    let answer = "the first".into();
    [Consent::Asked { question }, Consent::Answered { answer }]
        .map(|consent| Event::Consent { issue, consent })
}

fn agents_out() -> [Event; 4] {
    let until = NOON.plus_millis(5_000);
    [
        Event::DispatchPaused {
            agent: AgentPlace::default(),
            hands_over: true,
            until,
            reason: "limit".into(),
        },
        Event::BreakerOpened {
            agent: AgentPlace::default(),
            until,
            failures: 5,
            reason: "overloaded".into(),
        },
        Event::BreakerClosed {
            agent: AgentPlace::default(),
        },
        Event::DispatchStopped {
            agent: Some(AgentPlace(1)),
            reason: "the key is wrong".into(),
        },
    ]
}

fn waits() -> [Event; 7] {
    let failure = Failure::new(ErrorClass::Network, "no route \u{fffd}");
    let (issue, until) = (IssueNumber(7), NOON.plus_millis(5_000));
    let start = Start::Snapshot {
        snapshot: snapshot(),
        conversation: Some(ConversationId::new("x")),
        feedback: Some("the tests fail".into()),
    };
    [
        Event::Held {
            issue,
            by: IssueNumber(8),
            over: "src/".into(),
        },
        Event::Due { issue },
        Event::Consent {
            issue,
            consent: Consent::Awaited {
                reason: "medium suitability".into(),
            },
        },
        Event::Consent {
            issue,
            consent: Consent::Given {
                instructions: Some("use \u{1b}[31m the cache".into()),
            },
        },
        Event::RetryScheduled {
            agent: AgentPlace::default(),
            issue,
            until,
            failure: failure.clone(),
            start: start.clone(),
        },
        Event::Parked {
            issue,
            until,
            failure,
            start,
        },
        Event::Requeued {
            issue,
            start: Start::Captured {
                snapshot: snapshot(),
            },
        },
    ]
}

fn tried_on_base(issue: IssueNumber) -> Event {
    Event::TriedOnBase {
        base: snapshot(),
        issues: vec![issue],
        outdated: vec![Outdated {
            issue,
            paths: vec!["a".into()],
        }],
    }
}

fn looked(issue: IssueNumber) -> Event {
    Event::Looked {
        touched: vec![Touched {
            issue,
            attempt: AttemptNumber(1),
            paths: vec!["src/a.rs".into()],
        }],
        conflicts: vec![],
        over: vec![(issue, IssueNumber(8))],
    }
}

/// What is found out about the work as a whole.
fn together() -> [Event; 9] {
    let issue = IssueNumber(7);
    let part = Part {
        issue,
        commit: snapshot(),
        below: vec![IssueNumber(8)],
    };
    let left_out = [
        Why::Conflicts {
            paths: vec!["a".into()],
        },
        Why::Outdated {
            paths: vec!["b".into()],
        },
        Why::Breaks {
            checks: vec!["test".into()],
        },
        Why::Stands { on: issue },
    ];
    let certificate = Certificate {
        base: Some(snapshot()),
        together: vec![issue],
        left_out: left_out.map(|why| LeftOut { issue, why }).to_vec(),
        proof: Proof::Passed {
            checks: vec!["test".into()],
        },
        runs: 3,
    };
    [
        looked(issue),
        tried_on_base(issue),
        Event::TestMerged {
            issues: vec![issue],
            conflicts: vec![Conflict {
                issue,
                with: IssueNumber(8),
                paths: vec!["a".into()],
            }],
        },
        Event::ReworkOffered {
            issue,
            with: vec![IssueNumber(8)],
            paths: vec!["a".into()],
        },
        Event::ReworkGivenUp {
            issue,
            reason: "no money".into(),
        },
        Event::Merged { issue },
        Event::Certifying { parts: vec![part] },
        Event::Certified {
            certificate: Box::new(certificate),
        },
        Event::CertificateTold {
            issue,
            trouble: Some("closed".into()),
        },
    ]
}

/// The number of slots changes, for every reason.
fn slots() -> [Event; 5] {
    let room = Room {
        free: 612 << 20,
        total: 4 << 30,
    };
    let (left, until) = (40, NOON);
    [
        SlotsReason::Short(Shortage::Memory(room)),
        SlotsReason::Short(Shortage::Disk(room)),
        SlotsReason::Short(Shortage::Requests(Quota { left, until })),
        SlotsReason::Short(Shortage::AgentLimit { until }),
        SlotsReason::Room,
    ]
    .map(|reason| Event::SlotsChanged { slots: 2, reason })
}

fn limits() -> Event {
    Event::QuotaHeard {
        allowances: vec![Allowance {
            api: Api::Graphql,
            left: 40,
            limit: 5000,
            until: NOON,
        }],
        turned: vec![Api::Graphql],
    }
}

fn ends() -> [Event; 10] {
    let issue = IssueNumber(7);
    [
        Event::LeaseLost {
            issue,
            reason: "session 01B on ant works on it".into(),
        },
        Event::Announced {
            issue,
            trouble: None,
        },
        Event::SpentElsewhere { today: dollars(1) },
        limits(),
        Event::PullsCounted {
            counted: 3,
            opened: 1,
        },
        Event::CommandTaken {
            command: Command::Skip { issue },
            by: Some(Sender {
                who: "ann@laptop".to_owned(),
                actor: None,
                through: "autoissue skip 7".to_owned(),
            }),
        },
        Event::StopRequested,
        Event::SessionInterrupted,
        Event::SessionResumed {
            settings: settings(None),
        },
        Event::SessionFinished,
    ]
}

fn snapshot() -> CommitId {
    CommitId::new("a".repeat(40))
}

/// A store and a session in it that has started.
pub(crate) async fn begin(store: &Store, id: &str, daily_ceiling: Option<Usd>) -> SqliteJournal {
    let session = SessionId::new(id);
    let journal = store
        .begin(session.clone(), PROJECT, &selection("ready"))
        .unwrap();
    append(&journal, 1, vec![started(&session, daily_ceiling)])
        .await
        .unwrap();
    journal
}

pub(crate) async fn append(
    journal: &SqliteJournal,
    seq: u64,
    events: Vec<Event>,
) -> Result<(), JournalError> {
    journal.append(&place(seq, events)).await
}

/// The commands that wait for a session.
pub(crate) async fn commands(journal: &impl Journal) -> Vec<Command> {
    let wishes = journal.commands().await.unwrap().into_iter();
    wishes.map(|wish| wish.command).collect()
}
