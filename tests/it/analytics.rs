//! Figures over time: from what was stored, by every way in which they are shown.

use crate::rig::Rig;
use crate::serve::{HOSTILE, Served, rig};
use crate::store_sample::{
    NOON, PROJECT, admitted, append, begin, committed, dollars, ended, fact, opened, pushed,
    settled, task,
};
use autoissue::adapters::store::open::Store;
use autoissue::cli::values::Since;
use autoissue::commands::metrics;
use autoissue::reporters::analytics::{csv, json};
use autoissue::rules::analytics::rates::Share;
use autoissue::rules::analytics::windows::{By, Window, window};
use autoissue::rules::checks::shape::CheckKind;
use autoissue::rules::classify::Domain;
use autoissue::rules::event::{Consent, Event, Fact};
use autoissue::rules::follow::shape::{Fate, Landed};
use autoissue::rules::ids::{CommitId, IssueNumber, PullNumber, SessionId, Timestamp};
use autoissue::rules::task::{CheckReport, Ending, Verdict};
use serde_json::json;
use std::fs;

const ALWAYS: Timestamp = Timestamp(0);

fn checked(issue: u64, verdict: Verdict) -> Event {
    let report = CheckReport {
        name: "test".into(),
        kind: CheckKind::Test,
        verdict,
        millis: 1,
        output: String::new(),
    };
    fact(
        issue,
        Fact::Checked {
            reports: vec![report],
        },
    )
}

fn failed(issue: u64, reason: &str) -> Event {
    Event::TaskEnded {
        issue: IssueNumber(issue),
        ending: Ending::Failed,
        reason: Some(reason.into()),
    }
}

/// #1 at once, #2 approved and at the second attempt, #3 failed, #4 still runs; the pulls of the first two were merged, that
/// of the second with more in it, and #5's was closed.
async fn worked(store: &Store) {
    let journal = begin(store, "a", None).await;
    let numbers = [1, 2, 3, 4, 5];
    let tasks = numbers.map(|number| task(number, Domain::Backend)).to_vec();
    let approved = Consent::Given { instructions: None };
    let mut turn = vec![Event::tasks_read(tasks)];
    for issue in [1, 5] {
        turn.extend([
            admitted(issue, 1, dollars(5)),
            committed(issue, 1),
            checked(issue, Verdict::FailedBefore),
            pushed(issue),
            opened(issue, issue * 10),
            settled(issue, 1, dollars(5), dollars(1)),
            ended(issue, Ending::Completed),
        ]);
    }
    turn.extend([
        Event::Consent {
            issue: IssueNumber(2),
            consent: approved,
        },
        admitted(2, 1, dollars(5)),
        checked(2, Verdict::Failed),
        settled(2, 1, dollars(5), dollars(1)),
        admitted(2, 2, dollars(5)),
        checked(2, Verdict::Passed),
        pushed(2),
        opened(2, 20),
        settled(2, 2, dollars(5), dollars(2)),
        ended(2, Ending::Completed),
        admitted(3, 1, dollars(5)),
        settled(3, 1, dollars(5), dollars(1)),
        failed(3, "the tests failed"),
        admitted(4, 1, dollars(5)),
    ]);
    append(&journal, 2, turn).await.unwrap();
    let note = |pull: u64, issue: u64, fate| {
        let which = (PullNumber(pull), IssueNumber(issue));
        store.note_fate(PROJECT, which, fate).unwrap();
    };
    note(10, 1, Fate::Merged);
    note(20, 2, Fate::Merged);
    note(50, 5, Fate::Rejected);
    for (pull, head) in [(10, "a"), (20, "b")] {
        let landed = Landed {
            head: CommitId::new(head.repeat(40)),
            merged_as: CommitId::new("f".repeat(40)),
        };
        store
            .note_landed(PROJECT, PullNumber(pull), &landed)
            .unwrap();
    }
}

fn all(store: &Store) -> Window {
    window(&store.rows(ALWAYS).unwrap(), "all", ALWAYS)
}

#[tokio::test]
async fn rates_are_what_the_store_saw() {
    let state = tempfile::tempdir().unwrap();
    let store = Store::open(state.path()).unwrap();
    assert!(all(&store).all.is_empty());
    worked(&store).await;
    let found = all(&store);
    let share = |part, all| Share { part, all };
    assert_eq!(found.all.issues, 4);
    assert_eq!(found.all.fixed, share(3, 4));
    assert_eq!(found.all.first, share(2, 4));
    assert_eq!(found.all.automated, share(2, 4), "#2 was approved");
    assert_eq!(found.all.checks, share(3, 4));
    assert_eq!(found.all.merged, share(2, 3));
    assert_eq!(found.all.unchanged, share(1, 2));
    assert_eq!(found.all.waiting, 0);
    assert_eq!(found.all.cost, dollars(6));
    assert_eq!(found.all.cost_per_merge(), Some(dollars(3)));
    let named = |by: By| {
        let (_, groups) = found.groups.iter().find(|(kind, _)| *kind == by).unwrap();
        let names = groups.iter().map(|(name, _)| name.as_str());
        names.collect::<Vec<_>>()
    };
    assert_eq!(named(By::Project), [PROJECT]);
    assert_eq!(named(By::Type), ["unknown"], "nobody evaluated them");
    assert_eq!(
        (named(By::Agent), named(By::Model)),
        (vec!["claude"], vec!["sonnet"])
    );
    // Later than all of it but the ends of the pulls, which are seen now.
    let later = window(
        &store.rows(NOON.plus_millis(60_000)).unwrap(),
        "x",
        NOON.plus_millis(60_000),
    );
    assert_eq!((later.all.fixed.all, later.all.cost), (0, dollars(0)));
}

#[tokio::test]
async fn what_an_older_version_stored_is_taken_over() {
    let state = tempfile::tempdir().unwrap();
    let store = Store::open(state.path()).unwrap();
    worked(&store).await;
    let rows = store.rows(ALWAYS).unwrap();
    assert_eq!(rows.done.len(), 4);
    drop(store);
    let file = state.path().join("autoissue.db");
    let before = rusqlite::Connection::open(file).unwrap();
    // What the formats since then have added.
    let added = [
        "begun",
        "runs",
        "arrivals",
        "projects",
        "automation",
        "measures",
        "findings",
        "feeds",
    ];
    for table in added {
        before
            .execute_batch(&format!("DROP TABLE {table}"))
            .unwrap();
    }
    before.execute_batch("PRAGMA user_version = 7").unwrap();
    drop(before);
    let store = Store::open(state.path()).unwrap();
    assert_eq!(store.rows(ALWAYS).unwrap(), rows);
}

#[tokio::test]
async fn a_retry_takes_the_ending_back_until_it_ends_again() {
    let state = tempfile::tempdir().unwrap();
    let store = Store::open(state.path()).unwrap();
    worked(&store).await;
    let journal = store.journal(&SessionId::new("a")).unwrap();
    let seq = store.events(&SessionId::new("a")).unwrap().len() as u64 + 1;
    append(&journal, seq, vec![admitted(3, 2, dollars(5))])
        .await
        .unwrap();
    assert_eq!(all(&store).all.fixed, Share { part: 3, all: 3 });
    let turn = vec![
        settled(3, 2, dollars(5), dollars(1)),
        ended(3, Ending::Completed),
    ];
    append(&journal, seq + 1, turn).await.unwrap();
    let found = all(&store).all;
    assert_eq!(
        (found.fixed, found.first),
        (Share { part: 4, all: 4 }, Share { part: 2, all: 4 })
    );
}

#[tokio::test]
async fn a_person_and_programs_are_told_the_same() {
    let state = tempfile::tempdir().unwrap();
    let store = Store::open(state.path()).unwrap();
    worked(&store).await;
    let answer = metrics::window(state.path(), Since::At(ALWAYS), NOON).unwrap();
    insta::assert_snapshot!(answer.text, @"
    since                          1970-01-01
    ─────────────────────────────────────────
    Issues processed                        4
    Fix rate                    75 % (3 of 4)
    First-attempt success       50 % (2 of 4)
    Automation rate             50 % (2 of 4)
    Checks passed               75 % (3 of 4)
    Merge rate                  66 % (2 of 3)
    Merged without changes      50 % (1 of 2)
    Pulls not seen to end                   0
    Time to fix, median                    6s
    Time to fix, slowest tenth             8s
    Rounds with pulls                       0
    Cost                                $6.00
    Cost per merged pull                $3.00

    domain   issues          fixed  first attempt      automated         merged  median   cost
    ──────────────────────────────────────────────────────────────────────────────────────────
    backend       4  75 % (3 of 4)  50 % (2 of 4)  50 % (2 of 4)  66 % (2 of 3)      6s  $6.00

    type     issues          fixed  first attempt      automated         merged  median   cost
    ──────────────────────────────────────────────────────────────────────────────────────────
    unknown       4  75 % (3 of 4)  50 % (2 of 4)  50 % (2 of 4)  66 % (2 of 3)      6s  $6.00

    agent   issues          fixed  first attempt      automated         merged  median   cost
    ─────────────────────────────────────────────────────────────────────────────────────────
    claude       4  75 % (3 of 4)  50 % (2 of 4)  50 % (2 of 4)  66 % (2 of 3)      6s  $6.00

    model   issues          fixed  first attempt      automated         merged  median   cost
    ─────────────────────────────────────────────────────────────────────────────────────────
    sonnet       4  75 % (3 of 4)  50 % (2 of 4)  50 % (2 of 4)  66 % (2 of 3)      6s  $6.00
    ");
    let windows = [all(&store)];
    insta::assert_snapshot!(csv(&windows).lines().take(2).collect::<Vec<_>>().join("\n"), @"
    window,since,by,name,issues,tried,completed,fix_percent,first_attempt,first_attempt_percent,processed,automated,automation_percent,checked,checks_passed,checks_percent,pulls_ended,pulls_merged,merge_percent,merged_compared,merged_unchanged,unchanged_percent,pulls_waiting,fix_millis_median,fix_millis_slow,rounds,cost_usd,cost_per_merge_usd
    all,1970-01-01T00:00:00.000Z,all,,4,4,3,75,2,50,4,2,50,4,3,75,3,2,66,2,1,50,0,6000,8000,0,6.00,3.00
    ");
    let told = &json(&windows)[0];
    assert_eq!((&told["completed"], &told["tried"]), (&json!(3), &json!(4)));
    assert_eq!(told["by_model"][0]["name"], "sonnet");
    let since = Since::At(Timestamp(i64::MAX / 2));
    let nothing = metrics::window(state.path(), since, NOON).unwrap();
    assert!(
        nothing.text.starts_with("Nothing ended"),
        "{}",
        nothing.text
    );
}

/// #1, whose title is hostile, is done; #2 fails.
fn ran() -> Rig {
    let rig = rig(&json!({}));
    rig.issue(1, HOSTILE, "Write `file-1.txt`.");
    rig.issue(2, "A hopeless | thing @octocat", "It is a lost cause.");
    let ran = rig.run(&["exec", "--issue", "1", "--issue", "2", "--format", "json"]);
    assert_eq!(
        (ran.count("completed"), ran.count("failed")),
        (1, 1),
        "{ran:?}"
    );
    rig
}

#[test]
fn a_report_can_be_forwarded_and_titles_in_it_are_text() {
    let rig = ran();
    let text = rig.run(&["report", "--since", "7d"]).stdout;
    assert!(
        text.contains("2 issues processed; 1 task completed, 1 not"),
        "{text}"
    );
    assert!(text.contains("| Fix rate | 50 % (1 of 2) |"), "{text}");
    assert!(text.contains("\\<img src=x onerror=alert(1)\\>"), "{text}");
    assert!(
        text.contains("A hopeless \\| thing @\u{200b}octocat"),
        "{text}"
    );
    assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text}");
    // Every row of a table has as many cells as its head.
    let cells = |line: &str| line.replace("\\|", "").matches('|').count();
    for (at, line) in text.lines().enumerate() {
        if line.starts_with("|---") {
            let rows = text
                .lines()
                .skip(at - 1)
                .take_while(|line| line.starts_with('|'));
            assert!(rows.map(cells).all(|count| count == cells(line)), "{text}");
        }
    }
    let file = rig.path("week.html");
    let done = rig.run(&["report", "--since", "7d", "-o", &file.display().to_string()]);
    assert_eq!(done.code, Some(0), "{done:?}");
    let page = fs::read_to_string(&file).unwrap();
    assert!(
        page.contains("&#60;img src=x onerror=alert(1)&#62;"),
        "{page}"
    );
    assert!(
        !page.contains("<img") && !page.contains("<script"),
        "{page}"
    );
    assert!(page.contains("<svg class=\"chart\"") && page.contains("A hopeless | thing"));
}

#[tokio::test]
async fn the_page_and_its_downloads_tell_a_window_and_prometheus_all_of_it() {
    let rig = ran();
    let served = Served::serve(&rig, Some("a-token-of-ours"));
    let ask = async |path: &str| {
        let refused = served.get(path).send().await.unwrap();
        assert_eq!(refused.status(), 401, "{path}");
        let answer = served.get(path).bearer_auth("a-token-of-ours").send();
        let answer = answer.await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        let kind = answer.headers()["content-type"]
            .to_str()
            .unwrap()
            .to_owned();
        (kind, answer.text().await.unwrap())
    };
    let (_, page) = ask("/figures?window=7d").await;
    assert!(page.contains("aria-current=\"page\">7d<"), "{page}");
    assert!(
        page.contains("50 % (1 of 2)") && page.contains("<rect class=\"column\""),
        "{page}"
    );
    let (_, page) = ask("/figures?window=%3Cscript%3E").await;
    assert!(
        page.contains("the last 30d") && !page.contains("<script>"),
        "{page}"
    );
    let (kind, text) = ask("/figures.csv?window=24h").await;
    assert!(
        kind.starts_with("text/csv") && text.contains("\r\n24h,"),
        "{kind} {text}"
    );
    let (_, text) = ask("/figures.json?window=24h").await;
    assert!(text.contains("\"fix_percent\":50"), "{text}");
    let (_, text) = ask("/api/metrics").await;
    assert!(text.contains("\"windows\":[{\"window\":\"24h\""), "{text}");
    let (kind, text) = ask("/metrics").await;
    assert_eq!(kind, "text/plain; version=0.0.4; charset=utf-8");
    assert!(
        text.contains("autoissue_tasks{ending=\"completed\"} 1\n"),
        "{text}"
    );
    assert!(
        text.contains("autoissue_fix_ratio{window=\"24h\"} 0.5000\n"),
        "{text}"
    );
    served.end();
}
