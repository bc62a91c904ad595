//! Pulls that people merge while a session runs: those who wait for that are let in. In memory, on paused time.

use crate::tasks::{settings, task};
use crate::world::{Act, World, orders};
use autoissue::engine::intake;
use autoissue::engine::session::{Opening, run};
use autoissue::ports::Stop;
use autoissue::rules::classify::Domain;
use autoissue::rules::event::{Effect, Event, Fact, Recorded};
use autoissue::rules::ids::{IssueNumber, Timestamp};
use autoissue::rules::issue::Selection;
use autoissue::rules::own::Classification;
use autoissue::rules::schedule::session::Session;
use autoissue::rules::settings::Settings;
use autoissue::rules::tally::Tally;
use std::sync::Arc;
use std::time::Duration;

/// Three issues, of which the second is worked on without end, where two pulls may wait. Once the first pull is open a
/// person does something, and four minutes later the session is stopped. Gives its journal.
async fn played(person: fn(&World)) -> Vec<Recorded> {
    let world = World::new();
    world.issue(1, "", &[Act::Writes("done")]);
    world.issue(2, "", &[Act::Hangs]);
    world.issue(3, "", &[Act::Writes("done")]);
    let settings = Settings {
        max_open_pulls: Some(2),
        ..settings(3)
    };
    let (ports, stop) = (world.ports(), Stop::new());
    let selection = Selection {
        label: Some("go".into()),
        ..Selection::default()
    };
    let issues = ports.forge.open_issues(&selection).await.unwrap();
    let own = Classification::default();
    let read = intake::read(ports.forge.as_ref(), issues, &settings, &own, []);
    let mut tasks = read.await.unwrap();
    for each in &mut tasks {
        let file = format!("file-{}", each.number());
        each.footprint = task(1, Domain::Backend, &[file.as_str()], &[]).footprint;
    }
    let opening = Opening::New {
        project: "acme/shop".into(),
        selection,
        settings: Box::new(settings),
        tasks,
    };
    let (nature, end) = (Arc::clone(&world), stop.clone());
    tokio::spawn(async move {
        while nature.outside().pulls.is_empty() {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        person(&nature);
        tokio::time::sleep(Duration::from_secs(240)).await;
        end.ask();
    });
    let session = run(&ports, Arc::new(orders()), opening, &stop).await;
    let journal = world.disk().journal.clone();
    assert_eq!(Session::fold(&journal), session.unwrap(), "I2");
    journal
}

/// When the first pull was opened.
fn opened(journal: &[Recorded]) -> Timestamp {
    let is_it = |event: &Event| {
        let Event::Fact {
            fact: Fact::Did { effect, .. },
            ..
        } = event
        else {
            return false;
        };
        matches!(effect, Effect::OpenPull { .. })
    };
    let mut found = journal.iter().filter(|it| is_it(&it.event));
    found.next().unwrap().at
}

/// When the third issue was let in.
fn third(journal: &[Recorded]) -> Option<Timestamp> {
    let is_it = |event: &Event| {
        matches!(
            event,
            Event::Admitted {
                issue: IssueNumber(3),
                ..
            }
        )
    };
    let mut found = journal.iter().filter(|it| is_it(&it.event));
    found.next().map(|it| it.at)
}

fn counts(journal: &[Recorded]) -> Vec<(u32, u32)> {
    let counts = journal.iter().filter_map(|it| match it.event {
        Event::PullsCounted { counted, opened } => Some((counted, opened)),
        _ => None,
    });
    counts.collect()
}

#[tokio::test(start_paused = true)]
async fn a_merge_while_the_session_runs_lets_the_next_in_within_a_minute() {
    let journal = played(|world| world.outside().pulls[0].open = false).await;
    let waited = third(&journal).expect("it was let in");
    let waited = waited.millis_since(opened(&journal));
    assert!(waited <= 65_000, "{waited}");
    assert_eq!(counts(&journal), [(0, 1)]);
    assert_eq!(Tally::of(&journal).pulls.all(), 1, "that of the third");

    // The control: nobody merges.
    let journal = played(|_| {}).await;
    assert_eq!((third(&journal), counts(&journal)), (None, vec![]));
    assert_eq!(Tally::of(&journal).pulls.all(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_counted_that_opens_and_closes_is_told_where_it_changes_alone() {
    // Somebody else's work is none of ours.
    let journal = played(|world| {
        let mut outside = world.outside();
        let mut other = outside.pulls[0].clone();
        (other.number.0, other.head) = (99, "by-hand".to_owned());
        outside.pulls.push(other);
    })
    .await;
    assert_eq!((third(&journal), counts(&journal)), (None, vec![]));
}
