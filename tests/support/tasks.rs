//! Tasks and settings made to measure, for tests and benches of the scheduler.

use autoissue::rules::classify::{Classified, Domain};
use autoissue::rules::footprint::{Evidence, Footprint, LikelyFile};
use autoissue::rules::ids::{BranchName, IssueNumber, Timestamp};
use autoissue::rules::issue::{Issue, IssueState, Priority};
use autoissue::rules::money::Usd;
use autoissue::rules::settings::{PATIENCE, Policy, Settings, StateLabels};
use autoissue::rules::stack::{Dependents, Together};
use autoissue::rules::task::{Estimate, Task};

/// A task with these files and needs; no file means an unknown footprint.
pub(crate) fn task(number: u64, domain: Domain, files: &[&str], needs: &[u64]) -> Task {
    let files = files
        .iter()
        .map(|path| LikelyFile::new(*path, 0.9, Evidence::NamedInText));
    let mut files: Vec<LikelyFile> = files.collect();
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files.dedup_by(|a, b| a.path == b.path);
    Task {
        issue: Issue {
            number: IssueNumber(number),
            title: format!("Issue {number}"),
            body: String::new(),
            labels: vec![],
            state: IssueState::Open,
            author: None,
            created_at: Timestamp(i64::try_from(number).unwrap_or(0)),
            updated_at: Timestamp(0),
            url: None,
            depends_on: vec![],
            assignees: Vec::new(),
            milestone: None,
            parts: Vec::new(),
            pulls: Vec::new(),
        },
        domain: Classified {
            domain,
            confidence: 1.0,
            reasons: vec![],
        },
        footprint: Footprint { files },
        needs: needs.iter().copied().map(IssueNumber).collect(),
        obstacle: None,
        follow_up: None,
        evaluation: None,
        priority: Priority::Medium,
        estimate: Estimate {
            cost: Usd::from_micros(1_000_000),
            minutes: 10,
        },
        branch: BranchName::new(format!("autoissue/{number}-issue")),
    }
}

/// Settings with this many slots and ample money.
pub(crate) fn settings(slots: u32) -> Settings {
    Settings {
        slots,
        adaptive: None,
        ceiling: Usd::from_micros(u64::MAX / 4),
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
        agent: "command".to_owned(),
        models: autoissue::rules::models::Models::default(),
        billing: autoissue::rules::settings::Billing::default(),
        fallback: Vec::new(),
        model: None,
        base_branch: "main".to_owned(),
        create_pr: true,
        dependents: Dependents::Stacked,
        starter: None,
        max_open_pulls: None,
        open_pulls: 0,
        assign: autoissue::rules::assigning::Assign::Never,
        approvals: autoissue::rules::approvals::Approvals::default(),
        together: Together {
            certificate: true,
            rework: true,
            look_seconds: 25,
        },
        draft: false,
        labels: StateLabels::default(),
    }
}

/// A small random generator with a seed (xorshift64*, Vigna 2016), so that instances can be made again.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % end.max(1)
    }
}
