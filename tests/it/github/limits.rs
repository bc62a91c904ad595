//! A limit holds everything back for as long as it lasts, and no longer. Time is paused, and moves as the test says.

use super::*;
use autoissue::ports::Forge;
use futures::future::{join_all, try_join_all};
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::time::Instant;
use tokio::time::advance;

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
    let fake = fake();
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
    let _clock = stop_the_clock();
    let fake = fake();
    let github = Arc::new(careful(&fake));
    let limit = Fault::Secondary {
        status: 429,
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
    let fake = fake();
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
    let fake = fake();
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
    let fake = fake();
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
    let fake = fake();
    let issue = IssueNumber(fake.add_issue("First", "", &[]));
    let mut settings = settings(&fake);
    settings.limits.creations_per_minute = 5;
    let github = Arc::new(GitHub::new(settings).unwrap());
    let writing = Arc::clone(&github);
    let writing =
        tokio::spawn(
            async move { try_join_all((0..8).map(|_| writing.comment(issue, "Here"))).await },
        );
    settle(&github).await;
    seconds(&github, 58).await;
    assert_eq!(fake.requests().len(), 5);
    seconds(&github, 4).await;
    writing.await.unwrap().unwrap();
    assert_eq!(fake.requests().len(), 8);
}

#[tokio::test(start_paused = true)]
async fn a_limit_counts_even_where_its_words_are_cut_off() {
    let _clock = stop_the_clock();
    let fake = fake();
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
