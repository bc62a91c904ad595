//! A limit holds everything back for as long as it lasts, and no longer. Time is paused, and moves as the test says.

use super::*;
use autoissue::ports::Forge;
use futures::future::{join_all, try_join_all};
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::time::Instant;
use tokio::time::advance;

/// A fake whose time is the test's, and whose limits are GitHub's own.
fn paused() -> FakeGitHub {
    let fake = fake();
    fake.keep_time();
    fake
}

/// While this lives, paused time does not run ahead of the server's real work: a blocking task keeps tokio from it.
fn stop_the_clock() -> Sender<()> {
    let (end, ended) = channel();
    tokio::task::spawn_blocking(move || ended.recv().is_ok());
    end
}

/// Lets everything run that can run without time, until nothing is on its way.
async fn settle(github: &GitHub) {
    let start = Instant::now();
    let mut quiet = 0;
    while quiet < 50 {
        quiet = if github.on_their_way() == 0 {
            quiet + 1
        } else {
            0
        };
        assert!(
            start.elapsed() < Duration::from_secs(60),
            "it never settles"
        );
        tokio::task::yield_now().await;
    }
}

async fn seconds(github: &GitHub, seconds: u64) {
    for _ in 0..seconds {
        advance(Duration::from_secs(1)).await;
        settle(github).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_limited_run_ends_with_all_done_and_nothing_sent_in_the_window() {
    let _clock = stop_the_clock();
    let fake = paused();
    let issue = fake.add_issue("First", "", &[]);
    let github = Arc::new(careful(&fake));
    let limit = Fault::Secondary {
        status: 403,
        retry_after: Some(120),
    };
    fake.fail_when(|request| request.method == "POST", limit, 1);

    let work = (0..6_u64).map(|at| {
        let github = Arc::clone(&github);
        tokio::spawn(async move {
            github.comment(IssueNumber(issue), &format!("{at}")).await?;
            github.issue(IssueNumber(issue)).await
        })
    });
    let work = tokio::spawn(join_all(work));
    settle(&github).await;
    assert_eq!(
        fake.requests().len(),
        1,
        "one write is on its way at a time"
    );

    // Others who come in the window wait as well.
    let late = Arc::clone(&github);
    let late = tokio::spawn(async move { late.open_pulls().await });
    seconds(&github, 119).await;
    assert_eq!(fake.requests().len(), 1);
    // The control: without the shared pause, they would have gone out.
    assert!(careful(&fake).open_pulls().await.is_ok());
    assert_eq!(fake.requests().len(), 2);

    seconds(&github, 30).await;
    for done in work.await.unwrap() {
        assert!(done.unwrap().unwrap().is_some());
    }
    late.await.unwrap().unwrap();
    let mut bodies: Vec<String> = fake.comments(issue).into_iter().map(|it| it.body).collect();
    bodies.sort();
    assert_eq!(bodies, ["0", "1", "2", "3", "4", "5"]);
}

#[tokio::test(start_paused = true)]
async fn a_limit_without_a_time_lasts_a_minute_then_longer_and_then_is_told() {
    for status in [403, 429] {
        a_limit_without_a_time(status).await;
    }
}

async fn a_limit_without_a_time(status: u16) {
    let _clock = stop_the_clock();
    let fake = paused();
    let github = Arc::new(careful(&fake));
    let limit = Fault::Secondary {
        status,
        retry_after: None,
    };
    fake.fail_when(|_| true, limit, 100);
    let asking = Arc::clone(&github);
    let asking = tokio::spawn(async move { asking.open_pulls().await });
    settle(&github).await;
    for (sent, wait) in [(1, 60), (2, 120), (3, 240), (4, 480)] {
        seconds(&github, wait - 2).await;
        assert_eq!(fake.requests().len(), sent, "within {wait} s");
        let mut more = 0;
        while fake.requests().len() == sent {
            more += 1;
            seconds(&github, 1).await;
        }
        assert!((1..=3).contains(&more), "{wait} s and {more}");
    }
    let Err(ForgeError::Limited { until: Some(_), .. }) = asking.await.unwrap() else {
        panic!("it gives up");
    };
    assert_eq!(fake.requests().len(), 5);
}

#[tokio::test(start_paused = true)]
async fn an_exhausted_limit_lasts_until_it_is_reset() {
    let _clock = stop_the_clock();
    let fake = paused();
    let github = Arc::new(careful(&fake));
    // The answer to the last request of the window says that it was the last.
    fake.set_rate(1, 600);
    github.open_pulls().await.unwrap();
    assert_eq!(github.rate().unwrap().remaining, 0);
    let asking = Arc::clone(&github);
    let asking = tokio::spawn(async move { asking.open_pulls().await });
    seconds(&github, 598).await;
    assert_eq!(fake.requests().len(), 1);
    fake.set_rate(5000, 3600);
    seconds(&github, 5).await;
    asking.await.unwrap().unwrap();
    assert_eq!(fake.requests().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_limit_that_others_exhausted_is_waited_out() {
    let _clock = stop_the_clock();
    let fake = paused();
    let github = Arc::new(careful(&fake));
    fake.set_rate(0, 600);
    let asking = Arc::clone(&github);
    let asking = tokio::spawn(async move { asking.open_pulls().await });
    settle(&github).await;
    assert_eq!(fake.requests()[0].status, Some(403));
    seconds(&github, 598).await;
    assert_eq!(fake.requests().len(), 1);
    fake.set_rate(5000, 3600);
    seconds(&github, 5).await;
    asking.await.unwrap().unwrap();
    assert_eq!(fake.requests().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_limit_beyond_our_patience_is_told_at_once() {
    let _clock = stop_the_clock();
    let fake = paused();
    let issue = fake.add_issue("First", "", &[]);
    let github = careful(&fake);
    fake.fail_next(Fault::Exhausted { reset_in: 7200 });
    let result = github.comment(IssueNumber(issue), "Here").await;
    let Err(ForgeError::Limited {
        until: Some(until), ..
    }) = result
    else {
        panic!("{result:?}");
    };
    let left = until.0 - chrono::Utc::now().timestamp_millis();
    assert!((7_100_000..7_300_000).contains(&left), "{left}");
    // The next one knows it without asking.
    assert!(matches!(
        github.open_pulls().await,
        Err(ForgeError::Limited { .. })
    ));
    assert_eq!(fake.requests().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_burst_of_creations_is_spread_over_its_minute() {
    let _clock = stop_the_clock();
    let fake = paused();
    let issue = IssueNumber(fake.add_issue("First", "", &[]));
    let mut settings = settings(&fake);
    settings.limits = Limits {
        creations_per_minute: 5,
        ..Limits::published()
    };
    let github = Arc::new(GitHub::new(settings).unwrap());
    let writing = Arc::clone(&github);
    let writing =
        tokio::spawn(
            async move { try_join_all((0..8).map(|_| writing.comment(issue, "Here"))).await },
        );
    settle(&github).await;
    seconds(&github, 59).await;
    assert_eq!(fake.requests().len(), 5);
    seconds(&github, 9).await;
    writing.await.unwrap().unwrap();
    assert_eq!(fake.requests().len(), 8);
}

#[tokio::test(start_paused = true)]
async fn a_limit_counts_even_where_its_words_are_cut_off() {
    let _clock = stop_the_clock();
    let fake = paused();
    let issue = fake.add_issue("First", "", &[]);
    let github = Arc::new(careful(&fake));
    fake.fail_next(Fault::LimitCutOff(30));
    let writing = Arc::clone(&github);
    let writing = tokio::spawn(async move { writing.comment(IssueNumber(issue), "Here").await });
    settle(&github).await;
    seconds(&github, 28).await;
    assert_eq!(fake.requests().len(), 1);
    seconds(&github, 4).await;
    writing.await.unwrap().unwrap();
    assert_eq!(fake.comments(issue).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_reset_in_the_past_and_a_clock_that_is_wrong_hold_nothing_up() {
    let _clock = stop_the_clock();
    let fake = paused();
    let github = Arc::new(careful(&fake));
    // The limit was over an hour ago by the server's own clock, whatever ours says: a moment, and it is asked again.
    fake.set_rate(1, -3600);
    github.open_pulls().await.unwrap();
    let asking = Arc::clone(&github);
    let asking = tokio::spawn(async move { asking.open_pulls().await });
    seconds(&github, 3).await;
    asking.await.unwrap().unwrap();
    assert_eq!(fake.requests().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_stalls_is_given_up_after_half_a_minute() {
    let _clock = stop_the_clock();
    let fake = paused();
    let issue = IssueNumber(fake.add_issue("First", "", &[]));
    let github = Arc::new(careful(&fake));
    fake.fail_next(Fault::Held(Gate::closed()));
    let writing = Arc::clone(&github);
    let writing = tokio::spawn(async move { writing.comment(issue, "Here").await });
    while fake.comments(issue.0).is_empty() {
        tokio::task::yield_now().await;
    }
    advance(Duration::from_secs(29)).await;
    tokio::task::yield_now().await;
    assert!(!writing.is_finished());
    advance(Duration::from_secs(2)).await;
    assert!(is_unknown(&writing.await.unwrap()), "it may have been done");
    assert_eq!(fake.requests().len(), 1);
}

/// What the fake minds as it ends, of so many comments that so many clients with these limits send at once; and
/// how long it took.
async fn minded(limits: Limits, clients: usize, each: usize) -> (Vec<String>, Duration) {
    let _clock = stop_the_clock();
    let start = tokio::time::Instant::now();
    let fake = paused();
    let issue = IssueNumber(fake.add_issue("First", "", &[]));
    let settings = GitHubSettings {
        limits,
        ..settings(&fake)
    };
    let client = |_| Arc::new(GitHub::new(settings.clone()).unwrap());
    let clients: Vec<Arc<GitHub>> = (0..clients).map(client).collect();
    let sends = clients.iter().cloned().map(|github| async move {
        for _ in 0..each {
            github.comment(issue, "Here").await.unwrap();
        }
    });
    let sending = tokio::spawn(join_all(sends));
    while !sending.is_finished() {
        for github in &clients {
            settle(github).await;
        }
        advance(Duration::from_millis(500)).await;
    }
    assert_eq!(fake.comments(issue.0).len(), clients.len() * each);
    let minded = fake.violations();
    fake.forget_requests();
    (minded, start.elapsed())
}

/// The control of what every fake judges as it ends.
#[tokio::test(start_paused = true)]
async fn a_burst_is_seen_wherever_it_comes_from() {
    let careful = Limits::published();
    assert_eq!(minded(careful, 1, 20).await.0, [""; 0]);
    let at_once = Limits {
        write_spacing: Duration::ZERO,
        ..careful
    };
    let sees = |(minded, _): (Vec<String>, Duration), what: &str| {
        assert!(
            minded.iter().any(|it| it.contains(what)),
            "{what}: {minded:?}"
        );
    };
    sees(minded(at_once, 1, 2).await, "was sent within 1s of POST");
    // Two clients that know nothing of each other.
    sees(minded(careful, 2, 2).await, "was sent within 1s of POST");
    let uncounted = Limits {
        creations_per_minute: u32::MAX,
        creations_per_hour: u32::MAX,
        points_per_minute: u32::MAX,
        ..careful
    };
    let in_a_minute = Limits {
        write_spacing: Duration::ZERO,
        ..uncounted
    };
    sees(
        minded(in_a_minute, 1, 81).await,
        "is creation 81 within 60s",
    );
    sees(
        minded(uncounted, 1, 501).await,
        "is creation 501 within 3600s",
    );
}

/// Six hundred things that people are told of: GitHub never sees more of them than it allows.
#[tokio::test(start_paused = true)]
async fn six_hundred_creations_keep_to_the_minute_and_the_hour() {
    let (minded, took) = minded(Limits::published(), 1, 600).await;
    assert_eq!(minded, [""; 0]);
    // One a second for 500 of them, and then none until the hour is over.
    assert!((3600..3800).contains(&took.as_secs()), "{took:?}");
}
