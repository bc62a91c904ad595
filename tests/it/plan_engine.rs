//! What the planner's bill is where it gives no answer, in memory.

use crate::world::{World, orders};
use async_trait::async_trait;
use autoissue::engine::planning::{Ground, PlanOpening, Planned, Planner};
use autoissue::ports::*;
use autoissue::rules::event::{Event, Input, ProcessIdentity};
use autoissue::rules::ids::SessionId;
use autoissue::rules::issue::Selection;
use autoissue::rules::money::{Charge, Usd};
use autoissue::rules::plan::progress::{PlanOrder, Planning};
use autoissue::rules::settings::Settings;
use autoissue::rules::task::{Attempted, ErrorClass, Failure};
use std::path::Path;
use std::sync::Arc;

/// Works until its limit, and nobody knows what that cost.
struct Late;

#[async_trait]
impl Agent for Late {
    fn kind(&self) -> &'static str {
        "late"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::default()
    }

    async fn run(&self, order: &AgentOrder, watch: &dyn Watch, _: &Stop) -> AgentReport {
        let identity = ProcessIdentity {
            pid: 1,
            started: 1,
            boot: "boot".into(),
        };
        watch.spawned(identity).await.unwrap();
        tokio::time::sleep(order.wall).await;
        let failure = Failure::new(ErrorClass::Timeout, "it took too long");
        AgentReport {
            end: AgentEnd::Failed(failure),
            summary: String::new(),
            answer: String::new(),
            charge: Charge::assumed(order.cap),
            dearest: Usd::ZERO,
            conversation: None,
            model: None,
            denied: vec![],
            messages: 0,
        }
    }

    fn evidence(&self, _: &Path) -> Option<AgentReport> {
        None
    }
}

fn start(settings: Settings) -> PlanOpening {
    let planned = PlanOrder {
        id: "x1".into(),
        directive: "Build it".into(),
        most_items: 30,
        cap: Usd::from_micros(2_000_000),
        ..PlanOrder::default()
    };
    PlanOpening::New(vec![Input::Start {
        session: SessionId::new("01TEST"),
        project: "o/r".into(),
        selection: Selection {
            planned: Some(Box::new(planned)),
            ..Selection::default()
        },
        settings: Box::new(settings),
    }])
}

#[tokio::test(start_paused = true)]
async fn a_planner_that_gives_no_answer_in_time_is_charged_all_of_its_grant() {
    let world = World::new();
    let ports = Ports {
        agents: Agents::new(Arc::new(Late), Vec::new()),
        ..world.ports()
    };
    let orders = orders();
    let opening = start(crate::tasks::settings(3));
    let mut planner = Planner::open(&ports, &orders, opening).await.unwrap();
    let ground = Ground {
        directory: Path::new("/"),
        prompt: "plan".into(),
    };
    let came = planner.plan(&ground, &Stop::new()).await.unwrap();
    assert!(
        matches!(&came, Planned::Failed(failure) if failure.class == ErrorClass::Timeout),
        "{came:?}"
    );
    let journal = world.disk().journal.clone();
    let Event::Planning {
        fact: Planning::Settled { grant, outcome, .. },
    } = &journal.last().unwrap().event
    else {
        panic!("{journal:?}");
    };
    assert_eq!(outcome.charge.cost, *grant);
    assert!(matches!(outcome.result, Attempted::Failed(_)));
    assert_eq!(planner.session().budget.spent(), *grant);
    assert_eq!(planner.session().budget.granted(), Usd::ZERO);
}
