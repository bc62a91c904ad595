//! The engine against a world in memory, on paused time: the whole way of an issue, and every way to die on it.

use crate::tasks::settings;
use crate::world::{Act, Outside, World, duplicates, orders};
use autoissue::engine::intake;
use autoissue::engine::orders::Orders;
use autoissue::engine::session::{Opening, run};
use autoissue::ports::{Conversation, JournalError, Stop};
use autoissue::rules::event::{Command, Event, Fact};
use autoissue::rules::ids::{BranchName, CommitId, IssueNumber, PullNumber};
use autoissue::rules::issue::Selection;
use autoissue::rules::money::{Basis, Usd};
use autoissue::rules::schedule::session::{Phase, Session};
use autoissue::rules::schedule::table::Entry;
use autoissue::rules::settings::{Settings, StateLabels};
use autoissue::rules::task::{Ending, ErrorClass, Pull};
use std::sync::Arc;
use std::time::Duration;

fn labelled() -> Settings {
    let mut settings = settings(3);
    settings.labels = StateLabels {
        working: "working".into(),
        completed: "completed".into(),
        failed: "failed".into(),
        blocked: "blocked".into(),
        remove_trigger: Some("go".into()),
    };
    settings
}

#[tokio::test(start_paused = true)]
async fn every_grant_is_settled_and_events_are_told_in_order() {
    let world = small_world();
    whole(&world).await;
    let disk = world.disk();
    let count = |wanted: fn(&Event) -> bool| {
        disk.journal
            .iter()
            .filter(|recorded| wanted(&recorded.event))
            .count()
    };
    let admitted = count(|event| matches!(event, Event::Admitted { .. }));
    assert_eq!(
        admitted,
        count(|event| matches!(event, Event::Settled { .. })),
        "I14"
    );
    assert_eq!(admitted, 4, "three tasks and one retry");
}
