//! Plays a small session to the console, the way the engine would: `cargo run --example watch`.
//!
//! Reporters see nothing but events and progress, so that they can be looked at without any forge or agent.
//! `--json`, `--headless` and `--fast` show the other sides.

use autoissue::ports::{Reporter, recorded};
use autoissue::reporters::console::{Format, Live, console};
use autoissue::reporters::next::Calling;
use autoissue::reporters::paint::Colour;
use autoissue::rules::classify::{Classified, Domain};
use autoissue::rules::event::{Effect, Event, Fact, Progress};
use autoissue::rules::footprint::Footprint;
use autoissue::rules::ids::{
    AgentPlace, AttemptNumber, BranchName, IssueNumber, PullNumber, SessionId, SlotNumber,
    Timestamp,
};
use autoissue::rules::issue::{Issue, IssueState, Priority, Selection};
use autoissue::rules::money::{Charge, Usd};
use autoissue::rules::settings::{PATIENCE, Policy, Settings, StateLabels};
use autoissue::rules::stack::{Dependents, Together};
use autoissue::rules::task::{
    Attempted, Ending, ErrorClass, Estimate, Failure, Outcome, Pull, Stage, Start, Task,
};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::time::sleep;

const GRANT: Usd = Usd::from_micros(5_500_000);
const TITLES: [(&str, Domain); 7] = [
    ("Fix the login redirect", Domain::Backend),
    (
        "Make the header sticky on small screens, and keep its shadow",
        Domain::Frontend,
    ),
    ("Show the cart in the header", Domain::Frontend),
    ("Add an index to the table of orders", Domain::Database),
    (
        "\u{1b}[31mRed\u{1b}[0m \u{202e}titles\nare text: 日本語の題名",
        Domain::Unknown,
    ),
    (
        "Say in the README which ports are used",
        Domain::Documentation,
    ),
    ("Rotate the signing keys every 90 days", Domain::Security),
];

/// A session that is being played.
struct Play {
    reporter: Arc<dyn Reporter>,
    seq: u64,
    second: Duration,
}

impl Play {
    fn tell(&mut self, event: Event) {
        self.seq += 1;
        self.reporter.event(&recorded(self.seq, now(), event));
    }

    fn fact(&mut self, issue: u64, fact: Fact) {
        self.tell(Event::Fact {
            issue: IssueNumber(issue),
            attempt: AttemptNumber(1),
            fact,
        });
    }

    fn admit(&mut self, issue: u64, slot: u32) {
        self.tell(Event::Admitted {
            agent: AgentPlace::default(),
            issue: IssueNumber(issue),
            attempt: AttemptNumber(1),
            slot: SlotNumber(slot),
            grant: GRANT,
            probe: false,
            branch: branch(issue),
            start: Start::Base,
            below: Vec::new(),
        });
        let stage = Stage::Agent;
        self.fact(issue, Fact::Entered { stage });
    }

    async fn work(&mut self, issues: &[u64], seconds: u64) {
        for second in 0..seconds {
            for issue in issues {
                self.reporter.progress(&Progress {
                    issue: IssueNumber(*issue),
                    attempt: AttemptNumber(1),
                    at: now(),
                    activity: format!(
                        "Edit src/part_{issue}/file_{second}.rs, line {}",
                        second * 7
                    ),
                    pid: None,
                    messages: second,
                    cost: Usd::from_micros(13_000 * (second + 1)),
                    tokens: 900 * second,
                });
            }
            sleep(self.second).await;
        }
    }

    fn settle(&mut self, issue: u64, micros: u64, result: Attempted) {
        let charge = Charge {
            cost: Usd::from_micros(micros),
            ..Charge::default()
        };
        let outcome = Outcome {
            charge,
            model: Some("claude-sonnet".to_owned()),
            ..Outcome::free(result)
        };
        self.tell(Event::Settled {
            issue: IssueNumber(issue),
            attempt: AttemptNumber(1),
            grant: GRANT,
            outcome,
        });
    }

    fn end(&mut self, issue: u64, ending: Ending, reason: Option<&str>) {
        self.tell(Event::TaskEnded {
            issue: IssueNumber(issue),
            ending,
            reason: reason.map(str::to_owned),
        });
    }

    fn complete(&mut self, issue: u64, micros: u64) {
        let effect = Effect::OpenPull {
            branch: branch(issue),
        };
        let pull = Some(pull(issue));
        self.fact(issue, Fact::Did { effect, pull });
        self.settle(issue, micros, Attempted::Published);
        self.end(issue, Ending::Completed, None);
    }

    fn begin(&mut self) {
        self.tell(Event::SessionStarted {
            session: SessionId::new("01K5SHOP000000000000000000"),
            project: "acme/shop".to_owned(),
            selection: Selection {
                label: Some("bug".to_owned()),
                ..Selection::default()
            },
            settings: Box::new(settings()),
        });
        let numbers = 1..;
        let tasks = TITLES.iter().zip(numbers);
        let tasks = tasks.map(|((title, domain), number)| task(number, title, *domain));
        let tasks = tasks.collect();
        self.tell(Event::tasks_read(tasks));
    }

    async fn go(&mut self) {
        self.begin();
        self.admit(1, 0);
        self.admit(2, 1);
        self.admit(4, 2);
        self.tell(Event::Held {
            issue: IssueNumber(3),
            by: IssueNumber(2),
            over: "src/header.css".into(),
        });
        self.work(&[1, 2, 4], 4).await;
        let stage = Stage::Check;
        self.fact(1, Fact::Entered { stage });
        self.work(&[2, 4], 2).await;
        self.complete(1, 111_700);
        self.admit(5, 0);
        let failure = Failure::new(ErrorClass::CheckFailed, "2 of 40 tests fail");
        self.settle(4, 900_000, Attempted::Failed(failure.clone()));
        self.tell(Event::RetryScheduled {
            agent: AgentPlace::default(),
            issue: IssueNumber(4),
            until: now().plus_millis(3_000),
            failure,
            start: Start::Base,
        });
        self.tell(Event::BreakerOpened {
            agent: AgentPlace::default(),
            until: now().plus_millis(60_000),
            failures: 5,
            reason: "network: connection refused".to_owned(),
        });
        self.work(&[2, 5], 4).await;
        self.tell(Event::BreakerClosed {
            agent: AgentPlace::default(),
        });
        self.complete(2, 230_000);
        self.admit(3, 1);
        self.work(&[3, 5], 3).await;
        self.complete(3, 98_000);
        self.complete(5, 10_000);
        self.end(4, Ending::Failed, Some("check failed: 2 of 40 tests fail"));
        self.end(6, Ending::Skipped, Some("pull #77 is open already"));
        self.end(7, Ending::Budget, Some("$5.50 would pass what is left"));
        self.tell(Event::SessionFinished);
        self.reporter.finish();
    }
}

#[tokio::main]
async fn main() {
    let asked = |flag: &str| std::env::args().any(|argument| argument == flag);
    let format = if asked("--json") {
        Format::Json
    } else {
        Format::Text
    };
    let live = if asked("--headless") {
        Live::Headless
    } else {
        Live::Auto
    };
    let millis = if asked("--fast") { 1 } else { 1_000 };
    let mut play = Play {
        reporter: console(format, live, Colour::Auto, Calling::default()),
        seq: 0,
        second: Duration::from_millis(millis),
    };
    play.go().await;
}

fn now() -> Timestamp {
    let passed = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Timestamp(0).plus_millis(u64::try_from(passed.as_millis()).unwrap_or(0))
}

fn branch(issue: u64) -> BranchName {
    BranchName::new(format!("autoissue/{issue}-mend-the-shop"))
}

fn pull(issue: u64) -> Pull {
    Pull {
        number: PullNumber(30 + issue),
        url: format!("https://github.com/acme/shop/pull/{}", 30 + issue),
        head: branch(issue).as_str().to_owned(),
        base: "main".to_owned(),
        open: true,
        body: String::new(),
    }
}

fn task(number: u64, title: &str, domain: Domain) -> Task {
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
            url: None,
            depends_on: Vec::new(),
            assignees: Vec::new(),
            milestone: None,
            parts: Vec::new(),
            pulls: Vec::new(),
        },
        domain: Classified {
            domain,
            ..Classified::default()
        },
        footprint: Footprint::default(),
        needs: Vec::new(),
        obstacle: None,
        follow_up: None,
        evaluation: None,
        priority: Priority::Medium,
        estimate: Estimate {
            cost: GRANT,
            minutes: 10,
        },
        branch: branch(number),
    }
}

fn settings() -> Settings {
    Settings {
        adaptive: None,
        starter: None,
        slots: 3,
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
        models: autoissue::rules::models::Models::default(),
        billing: autoissue::rules::settings::Billing::default(),
        fallback: Vec::new(),
        model: Some("sonnet".to_owned()),
        base_branch: "main".to_owned(),
        create_pr: true,
        dependents: Dependents::Stacked,
        max_open_pulls: None,
        open_pulls: 0,
        assign: autoissue::rules::assigning::Assign::Never,
        approvals: autoissue::rules::approvals::Approvals::default(),
        together: Together::default(),
        draft: false,
        labels: StateLabels::default(),
    }
}
