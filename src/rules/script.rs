//! Small sessions, written down event by event, for tests of what people see.

use crate::rules::checks::shape::CheckKind;
use crate::rules::classify::{Classified, Domain};
use crate::rules::event::{Effect, Event, Fact, Recorded};
use crate::rules::footprint::Footprint;
use crate::rules::ids::{
    AgentPlace, AttemptNumber, BranchName, CommitId, IssueNumber, PullNumber, SessionId,
    SlotNumber, Timestamp, TreeId,
};
use crate::rules::issue::{Issue, IssueState, Priority, Selection};
use crate::rules::models::Models;
use crate::rules::money::{Basis, Charge, Usage, Usd};
use crate::rules::settings::{Billing, PATIENCE, Policy, Settings, StateLabels};
use crate::rules::stack::{Dependents, Together};
use crate::rules::tally::Tally;
use crate::rules::task::{
    Attempted, CheckReport, Commit, DiffStat, Ending, ErrorClass, Estimate, Failure, Outcome, Pull,
    Stage, Start, Task, Verdict,
};

/// What every attempt of a script is granted.
pub(crate) const GRANT: Usd = Usd::from_micros(5_500_000);
/// A title that tries to be more than text: colours, a cleared screen, a second line, reversed reading order.
pub(crate) const NASTY: &str =
    "\u{1b}[31mRed\u{1b}[0m \u{1b}[2J\u{202e}evil\u{2066}\nsecond $(rm -rf) 日本語";

/// A session so far; every event comes a second after the last.
pub(crate) struct Script {
    pub(crate) events: Vec<Recorded>,
    at: Timestamp,
}

pub(crate) fn settings() -> Settings {
    Settings {
        slots: 3,
        adaptive: None,
        ceiling: Usd::from_micros(50_000_000),
        daily_ceiling: None,
        cap: Usd::from_micros(5_000_000),
        typical: None,
        priority_first: false,
        max_retries: 2,
        check_rounds: 1,
        breaker_failures: 5,
        breaker_cooldown_millis: 60_000,
        policy: Policy::Footprint,
        patience: PATIENCE,
        agent: "claude".to_owned(),
        model: Some("sonnet".to_owned()),
        models: Models::default(),
        billing: Billing::default(),
        fallback: Vec::new(),
        base_branch: "main".to_owned(),
        create_pr: true,
        dependents: Dependents::Stacked,
        starter: None,
        max_open_pulls: None,
        open_pulls: 0,
        assign: crate::rules::assigning::Assign::Never,
        approvals: crate::rules::approvals::Approvals::default(),
        together: Together::default(),
        draft: false,
        labels: StateLabels::default(),
    }
}

pub(crate) fn task(number: u64, domain: &str, needs: &[u64]) -> Task {
    titled(
        number,
        &format!("Mend the {domain} of the shop"),
        domain,
        needs,
    )
}

pub(crate) fn titled(number: u64, title: &str, domain: &str, needs: &[u64]) -> Task {
    Task {
        issue: Issue {
            number: IssueNumber(number),
            title: title.to_owned(),
            body: String::new(),
            labels: vec!["bug".to_owned()],
            state: IssueState::Open,
            author: None,
            created_at: Timestamp(0),
            updated_at: Timestamp(0),
            url: Some(format!("https://github.com/acme/shop/issues/{number}")),
            depends_on: Vec::new(),
            assignees: Vec::new(),
            milestone: None,
            parts: Vec::new(),
            pulls: Vec::new(),
        },
        domain: Classified {
            domain: domain_of(domain),
            confidence: 0.9,
            reasons: Vec::new(),
        },
        footprint: Footprint::default(),
        needs: needs.iter().copied().map(IssueNumber).collect(),
        obstacle: None,
        follow_up: None,
        evaluation: None,
        priority: Priority::Medium,
        estimate: Estimate {
            cost: Usd::from_micros(5_000_000),
            minutes: 10,
        },
        branch: branch(number),
    }
}

/// Ten tasks, and each way to end.
pub(crate) fn every_ending() -> Script {
    let mut script = Script::begun(&ten_tasks());
    script.end(20, Ending::Skipped, Some("pull #77 is open already"));
    script.complete(12, 1, 0, 111_700, 31);
    script.held(14, 13, "src/header.css");
    script.admit(13, 1, 1);
    script.check(13, 1, Verdict::Failed);
    script.fail(13, 1, 420_000, ErrorClass::CheckFailed);
    script.retry(13, ErrorClass::CheckFailed, 1_200);
    script.push(Event::Due {
        issue: IssueNumber(13),
    });
    script.complete(13, 2, 1, 230_000, 32);
    script.complete(14, 1, 0, 98_000, 33);
    for attempt in 1..=3 {
        script.admit(15, attempt, 2);
        script.fail(15, attempt, 1_000_000, ErrorClass::Timeout);
    }
    script.end(
        15,
        Ending::Failed,
        Some("timeout: nothing came of it in 30 minutes"),
    );
    script.end(16, Ending::Blocked, Some("needs #15, which failed"));
    script.admit(17, 1, 0);
    let said = "it says so already".to_owned();
    script.settle(17, 1, 40_000, Attempted::Unchanged { said });
    script.end(17, Ending::NoChange, Some("it says so already"));
    script.admit(18, 1, 0);
    let reason = "a nested repository was changed: vendor/pay".to_owned();
    script.settle(18, 1, 70_000, Attempted::NeedsHuman { reason });
    script.end(
        18,
        Ending::NeedsHuman,
        Some("a nested repository was changed: vendor/pay"),
    );
    script.end(
        19,
        Ending::Budget,
        Some("$5.50 would pass what is left of $50.00"),
    );
    script.complete(21, 1, 0, 10_000, 34);
    script.push(Event::SessionFinished);
    script
}

fn ten_tasks() -> [Task; 10] {
    [
        titled(12, "Fix the login redirect", "backend", &[]),
        titled(
            13,
            "Make the header sticky on small screens",
            "frontend",
            &[],
        ),
        titled(14, "Show the cart in the header", "frontend", &[13]),
        titled(15, "Add an index to the table of orders", "database", &[]),
        titled(16, "List the last orders of a customer", "backend", &[15]),
        titled(
            17,
            "Say in the README which ports are used",
            "documentation",
            &[],
        ),
        titled(18, "Test the payment callback", "testing", &[]),
        titled(19, "Rotate the signing keys every 90 days", "security", &[]),
        titled(20, "Build the image for arm64", "infrastructure", &[]),
        titled(
            21,
            "Greet in 日本語 and العربية, not only in English",
            "unknown",
            &[],
        ),
    ]
}

impl Script {
    /// A session that has read these tasks.
    pub(crate) fn begun(tasks: &[Task]) -> Self {
        let mut script = Self {
            events: Vec::new(),
            at: Timestamp(1_790_000_000_000),
        };
        script.push(Event::SessionStarted {
            session: SessionId::new("01K5SHOP000000000000000000"),
            project: "acme/shop".to_owned(),
            selection: Selection {
                label: Some("bug".to_owned()),
                ..Selection::default()
            },
            settings: Box::new(settings()),
        });
        script.push(Event::tasks_read(tasks.to_vec()));
        script
    }

    pub(crate) fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        for recorded in &self.events {
            tally.apply(recorded);
        }
        tally
    }

    /// The sum of all bills, told independently of the tally.
    pub(crate) fn billed(&self) -> Usd {
        let bill = |recorded: &Recorded| {
            if let Event::Settled { outcome, .. } = &recorded.event {
                Some(outcome.charge.cost)
            } else {
                None
            }
        };
        self.events.iter().filter_map(bill).sum()
    }

    pub(crate) fn wait(&mut self, millis: u64) {
        self.at = self.at.plus_millis(millis);
    }

    pub(crate) fn push(&mut self, event: Event) {
        self.wait(1_000);
        let seq = self.events.len() as u64 + 1;
        let at = self.at;
        self.events.push(Recorded { seq, at, event });
    }

    pub(crate) fn resume(&mut self) {
        let settings = Box::new(settings());
        self.push(Event::SessionResumed { settings });
    }

    pub(crate) fn held(&mut self, issue: u64, by: u64, over: &str) {
        self.push(Event::Held {
            issue: IssueNumber(issue),
            by: IssueNumber(by),
            over: over.into(),
        });
    }

    pub(crate) fn admit(&mut self, issue: u64, attempt: u32, slot: u32) {
        self.push(Event::Admitted {
            agent: AgentPlace::default(),
            issue: IssueNumber(issue),
            attempt: AttemptNumber(attempt),
            slot: SlotNumber(slot),
            grant: GRANT,
            probe: false,
            branch: branch(issue),
            start: Start::Base,
            below: Vec::new(),
        });
        let stage = Stage::Agent;
        self.fact(issue, attempt, Fact::Entered { stage });
    }

    pub(crate) fn fact(&mut self, issue: u64, attempt: u32, fact: Fact) {
        self.push(Event::Fact {
            issue: IssueNumber(issue),
            attempt: AttemptNumber(attempt),
            fact,
        });
    }

    pub(crate) fn check(&mut self, issue: u64, attempt: u32, verdict: Verdict) {
        let report = |name: &str, verdict| CheckReport {
            name: name.to_owned(),
            kind: CheckKind::default(),
            verdict,
            millis: 3_200,
            output: String::new(),
        };
        let reports = vec![report("lint", Verdict::Passed), report("test", verdict)];
        self.fact(issue, attempt, Fact::Checked { reports });
    }

    pub(crate) fn settle(&mut self, issue: u64, attempt: u32, micros: u64, result: Attempted) {
        self.push(Event::Settled {
            issue: IssueNumber(issue),
            attempt: AttemptNumber(attempt),
            grant: GRANT,
            outcome: Outcome {
                result,
                charge: Charge {
                    cost: Usd::from_micros(micros),
                    usage: Usage {
                        input: 1_000,
                        output: 200,
                        ..Usage::default()
                    },
                    basis: Basis::Reported,
                },
                dearest: Usd::ZERO,
                model: Some("claude-sonnet-4-5".to_owned()),
            },
        });
    }

    pub(crate) fn fail(&mut self, issue: u64, attempt: u32, micros: u64, class: ErrorClass) {
        let failure = Failure::new(class, "2 of 40 tests fail");
        self.settle(issue, attempt, micros, Attempted::Failed(failure));
    }

    pub(crate) fn retry(&mut self, issue: u64, class: ErrorClass, millis: u64) -> Timestamp {
        let until = self.at.plus_millis(1_000 + millis);
        self.push(Event::RetryScheduled {
            agent: AgentPlace::default(),
            issue: IssueNumber(issue),
            until,
            failure: Failure::new(class, "2 of 40 tests fail\nand a second line"),
            start: Start::Base,
        });
        until
    }

    pub(crate) fn open_breaker(&mut self, millis: u64) -> Timestamp {
        let until = self.at.plus_millis(1_000 + millis);
        self.push(Event::BreakerOpened {
            agent: AgentPlace::default(),
            until,
            failures: 5,
            reason: "network: connection refused".to_owned(),
        });
        until
    }

    pub(crate) fn end(&mut self, issue: u64, ending: Ending, reason: Option<&str>) {
        self.push(Event::TaskEnded {
            issue: IssueNumber(issue),
            ending,
            reason: reason.map(str::to_owned),
        });
    }

    /// From admission to the end, all well.
    pub(crate) fn complete(&mut self, issue: u64, attempt: u32, slot: u32, micros: u64, pull: u64) {
        self.admit(issue, attempt, slot);
        self.wait(90_000);
        let commit = commit(issue);
        self.fact(issue, attempt, Fact::Committed { commit });
        self.check(issue, attempt, Verdict::Passed);
        self.fact(issue, attempt, Fact::Verified);
        let effect = Effect::Push {
            branch: branch(issue),
            commit: commit_id(issue),
        };
        self.fact(issue, attempt, Fact::Did { effect, pull: None });
        let effect = Effect::OpenPull {
            branch: branch(issue),
        };
        let pull = Some(open_pull(issue, pull));
        self.fact(issue, attempt, Fact::Did { effect, pull });
        self.settle(issue, attempt, micros, Attempted::Published);
        self.end(issue, Ending::Completed, None);
        self.push(Event::Announced {
            issue: IssueNumber(issue),
            trouble: None,
        });
    }
}

fn branch(number: u64) -> BranchName {
    BranchName::new(format!("autoissue/{number}-mend-the-shop"))
}

fn commit_id(number: u64) -> CommitId {
    CommitId::new(format!("{number:040x}"))
}

fn commit(number: u64) -> Commit {
    Commit {
        id: commit_id(number),
        tree: TreeId::new("t".repeat(40)),
        base: CommitId::new("b".repeat(40)),
        diff: DiffStat {
            paths: vec!["src/login.rs".to_owned()],
            files: 3,
            added: 40,
            removed: 2,
        },
    }
}

fn open_pull(issue: u64, number: u64) -> Pull {
    Pull {
        number: PullNumber(number),
        url: format!("https://github.com/acme/shop/pull/{number}"),
        head: branch(issue).as_str().to_owned(),
        base: "main".to_owned(),
        open: true,
        body: String::new(),
    }
}

fn domain_of(word: &str) -> Domain {
    match word {
        "backend" => Domain::Backend,
        "frontend" => Domain::Frontend,
        "database" => Domain::Database,
        "infrastructure" => Domain::Infrastructure,
        "security" => Domain::Security,
        "testing" => Domain::Testing,
        "documentation" => Domain::Documentation,
        _ => Domain::Unknown,
    }
}
