//! What a session does when its issues are taken over while it runs: nothing more of it gets outside.

use crate::tasks::settings;
use crate::world::{Act, World, orders};
use async_trait::async_trait;
use autoissue::engine::intake;
use autoissue::engine::session::{Opening, run};
use autoissue::ports::{Leases, NoLeases, Ports, RepositoryError, Stop, Taken};
use autoissue::rules::ids::IssueNumber;
use autoissue::rules::issue::Selection;
use autoissue::rules::lease::Elsewhere;
use autoissue::rules::own::Classification;
use autoissue::rules::schedule::session::{Phase, Session};
use autoissue::rules::task::Ending;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Another session takes issue 1 over; 2 stays ours.
#[derive(Default)]
struct Overtaken {
    /// Does that show at a renewal already, or only when it is made sure of?
    by_renewal: bool,
    released: Mutex<Vec<IssueNumber>>,
}

fn by_another() -> Elsewhere {
    Elsewhere {
        issue: IssueNumber(1),
        reason: "session 01B on bee works on it".into(),
    }
}

#[async_trait]
impl Leases for Overtaken {
    async fn take(&self, issues: &[IssueNumber]) -> Result<Taken, RepositoryError> {
        let mut taken = Taken::default();
        if issues.contains(&IssueNumber(1)) {
            taken.elsewhere.push(by_another());
        }
        Ok(taken)
    }

    async fn renew(&self) -> Result<Vec<Elsewhere>, RepositoryError> {
        Ok(self.by_renewal.then(by_another).into_iter().collect())
    }

    fn is_certain(&self, _issue: IssueNumber) -> bool {
        false
    }

    async fn release(&self, issues: &[IssueNumber]) -> Result<(), RepositoryError> {
        self.released.lock().unwrap().extend(issues);
        Ok(())
    }

    fn renew_every(&self) -> Option<Duration> {
        Some(Duration::from_secs(60))
    }
}

async fn session_with(world: &Arc<World>, leases: Arc<dyn Leases>) -> Session {
    let ports = Ports {
        leases,
        ..world.ports()
    };
    let mut settings = settings(3);
    settings.labels.working = "working".into();
    settings.labels.failed = "failed".into();
    let selection = Selection {
        label: Some("go".into()),
        ..Selection::default()
    };
    let issues = ports.forge.open_issues(&selection).await.unwrap();
    let own = Classification::default();
    let read = intake::read(ports.forge.as_ref(), issues, &settings, &own, []);
    let tasks = read.await.unwrap();
    let opening = Opening::New {
        project: "acme/shop".into(),
        selection,
        settings: Box::new(settings),
        tasks,
    };
    run(&ports, Arc::new(orders()), opening, &Stop::new())
        .await
        .unwrap()
}

/// How issue 1 ended, and why.
fn end(session: &Session) -> (Option<Ending>, Option<String>) {
    let entry = session.entry(IssueNumber(1)).unwrap();
    (entry.ending(), entry.reason().map(str::to_owned))
}

fn left_to_it() -> (Option<Ending>, Option<String>) {
    (Some(Ending::Skipped), Some(by_another().reason))
}

/// That work began was told before the lease was lost. That comment of ours tells it no longer; what comes of it is the
/// other session's to tell.
#[track_caller]
fn only_left(comments: &[String]) {
    assert_eq!(comments.len(), 2, "{comments:?}");
    assert!(
        comments[0].starts_with("Another session has taken this over, "),
        "{comments:?}"
    );
    assert_eq!(comments[1], THEIRS);
}

/// What the other session says of its own work.
const THEIRS: &str =
    "An agent works on this.\n\n<!-- autoissue:v1 session=01B issue=1 kind=status -->\n";

/// The other session's comment comes once ours is there.
fn comment_of_the_other(world: &Arc<World>) {
    let world = Arc::clone(world);
    tokio::spawn(async move {
        loop {
            if let Some(comments) = world.outside().comments.get_mut(&IssueNumber(1)) {
                comments.push(THEIRS.to_owned());
                return;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
}

#[tokio::test(start_paused = true)]
async fn a_session_whose_lease_was_taken_over_publishes_nothing() {
    let world = World::new();
    world.issue(1, "", &[Act::Writes("one")]);
    world.issue(2, "", &[Act::Writes("two")]);
    comment_of_the_other(&world);
    let session = session_with(&world, Arc::new(Overtaken::default())).await;
    assert_eq!(session.phase, Phase::Finished);
    assert_eq!(end(&session), left_to_it());
    let outside = world.outside().clone();
    let heads: Vec<&str> = outside.pulls.iter().map(|pull| &*pull.head).collect();
    assert_eq!(heads, ["autoissue/2-backend-issue-2"]);
    assert_eq!(outside.branches.len(), 1);
    only_left(&outside.comments[&IssueNumber(1)]);

    // The control: one that nobody asks about its leases publishes both.
    let world = World::new();
    world.issue(1, "", &[Act::Writes("one")]);
    world.issue(2, "", &[Act::Writes("two")]);
    session_with(&world, Arc::new(NoLeases)).await;
    assert_eq!(world.outside().pulls.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_attempt_is_stopped_once_a_renewal_shows_that_it_is_another_s() {
    let world = World::new();
    world.issue(1, "", &[Act::Hangs]);
    comment_of_the_other(&world);
    let leases = Arc::new(Overtaken {
        by_renewal: true,
        ..Overtaken::default()
    });
    let ended = session_with(&world, Arc::clone(&leases) as Arc<dyn Leases>).await;
    assert_eq!(end(&ended), left_to_it());
    only_left(&world.outside().comments[&IssueNumber(1)]);
    assert_eq!(*leases.released.lock().unwrap(), [IssueNumber(1)]);
}
