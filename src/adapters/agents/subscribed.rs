//! An agent that a subscription pays for: dollars neither limit it nor are charged.

use crate::ports::{
    Activity, Agent, AgentOrder, AgentReport, Capabilities, Interrupted, Stop, Watch,
};
use crate::rules::event::ProcessIdentity;
use crate::rules::money::{Basis, Charge, Usd};
use async_trait::async_trait;
use std::path::Path;
use std::sync::Arc;

/// Runs another agent, whose tokens a subscription has paid for.
#[derive(Clone)]
pub struct Subscribed {
    agent: Arc<dyn Agent>,
}

impl Subscribed {
    /// This one, without a bill.
    #[must_use]
    pub fn new(agent: Arc<dyn Agent>) -> Self {
        Self { agent }
    }
}

#[async_trait]
impl Agent for Subscribed {
    fn kind(&self) -> &'static str {
        self.agent.kind()
    }

    fn capabilities(&self) -> Capabilities {
        self.agent.capabilities()
    }

    async fn run(&self, order: &AgentOrder, watch: &dyn Watch, stop: &Stop) -> AgentReport {
        let order = AgentOrder {
            cap: Usd::UNLIMITED,
            max_tokens: None,
            ..order.clone()
        };
        let watch = Unpriced(watch);
        unbilled(self.agent.run(&order, &watch, stop).await)
    }

    fn evidence(&self, transcript: &Path) -> Option<AgentReport> {
        self.agent.evidence(transcript).map(unbilled)
    }
}

/// What it would have cost by its tokens is nobody's bill.
fn unbilled(report: AgentReport) -> AgentReport {
    AgentReport {
        charge: Charge {
            cost: Usd::ZERO,
            usage: report.charge.usage,
            basis: Basis::Subscription,
        },
        dearest: Usd::ZERO,
        ..report
    }
}

struct Unpriced<'a>(&'a dyn Watch);

#[async_trait]
impl Watch for Unpriced<'_> {
    async fn spawned(&self, process: ProcessIdentity) -> Result<(), Interrupted> {
        self.0.spawned(process).await
    }

    async fn kept_from(&self, hosts: Vec<String>) {
        self.0.kept_from(hosts).await;
    }

    fn activity(&self, activity: Activity) {
        self.0.activity(Activity {
            cost: Usd::ZERO,
            ..activity
        });
    }
}
