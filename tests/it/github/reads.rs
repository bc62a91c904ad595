//! What is read comes whole, once, and from the right place.

use super::*;
use autoissue::ports::Forge;
use autoissue::rules::ids::PullNumber;
use autoissue::rules::standing::Whereabouts;

fn statuses(fake: &FakeGitHub) -> Vec<u16> {
    fake.requests()
        .iter()
        .filter(|request| request.path != "/graphql")
        .filter_map(|request| request.status)
        .collect()
}

#[tokio::test]
async fn every_page_of_a_long_list_is_read_and_pulls_are_left_out() {
    let fake = fake();
    without_graphql(&fake);
    for number in 0..250 {
        fake.add_issue(&format!("Issue {number}"), "Do it.", &["todo"]);
    }
    fake.add_issue("Another", "", &["later"]);
    fake.close_issue(7);
    fake.commit("work", &[("a.txt", "a\n")]);
    let pull = fake.add_pull("A pull", "work", "main");
    fake.add_label_to(pull, "todo");
    let github = github(&fake);

    let issues = github.open_issues(&labelled("todo")).await.unwrap();
    let numbers: Vec<u64> = issues.iter().map(|issue| issue.number.0).collect();
    let expected: Vec<u64> = (1..=250).filter(|number| *number != 7).collect();
    assert_eq!(numbers, expected);
    assert_eq!(issues[0].labels, ["todo"]);
    assert_eq!(issues[0].author.as_deref(), Some("a-person"));
    assert!(issues[0].created_at.0 > 1_767_225_600_000);
    assert_eq!(statuses(&fake), [200, 200, 200, 200], "and the open pulls");

    let rate = github.rate().unwrap();
    fake.forget_requests();
    assert_eq!(github.open_issues(&labelled("todo")).await.unwrap(), issues);
    assert_eq!(statuses(&fake), [304, 304, 304, 304], "nothing has changed");
    assert_eq!(github.rate().unwrap(), rate, "which costs nothing");

    fake.add_label_to(250, "urgent");
    fake.forget_requests();
    let issues = github.open_issues(&labelled("todo")).await.unwrap();
    assert_eq!(issues[248].labels, ["todo", "urgent"]);
    assert_eq!(statuses(&fake), [304, 304, 200, 304]);
    assert_honest(&fake);
}

#[tokio::test]
async fn closed_issues_are_one_page_without_pulls() {
    let fake = fake();
    for number in 1..=120 {
        fake.add_issue(&format!("Issue {number}"), "", &["todo"]);
        if number > 5 {
            fake.close_issue(number);
        }
    }
    fake.commit("work", &[("a.txt", "a\n")]);
    let pull = fake.add_pull("A pull", "work", "main");
    fake.close_pull(pull);
    let closed = github(&fake).closed_issues().await.unwrap();
    assert_eq!(statuses(&fake), [200], "one request");
    assert!((95..=100).contains(&closed.len()), "{}", closed.len());
    assert!(
        closed
            .iter()
            .all(|issue| (6..=120).contains(&issue.number.0))
    );
    assert_honest(&fake);
}

#[tokio::test]
async fn a_full_last_page_does_not_hide_the_one_after_it() {
    let fake = fake();
    without_graphql(&fake);
    for number in 0..100 {
        fake.add_issue(&format!("Issue {number}"), "", &["todo"]);
    }
    let github = github(&fake);
    let todo = labelled("todo");
    assert_eq!(github.open_issues(&todo).await.unwrap().len(), 100);
    fake.add_issue("One more", "", &["todo"]);
    assert_eq!(github.open_issues(&todo).await.unwrap().len(), 101);
    assert_eq!(github.open_issues(&todo).await.unwrap().len(), 101);
    let pages = [200, 200, 200, 200, 304, 304, 304, 304];
    assert_eq!(statuses(&fake), pages, "the open pulls each time as well");
}

#[tokio::test]
async fn lists_without_an_end_and_answers_without_measure_are_given_up() {
    let fake = fake();
    without_graphql(&fake);
    fake.add_issue("First", "", &["todo"]);
    let todo = labelled("todo");
    fake.fail_when(|_| true, Fault::EndlessPages, 1);
    assert!(is_unknown(&github(&fake).open_issues(&todo).await));
    assert_eq!(statuses(&fake).len(), 1);

    let mut settings = settings(&fake);
    settings.largest_answer = 1000;
    let github = GitHub::new(settings).unwrap();
    assert!(is_unknown(&github.open_issues(&todo).await));
}

#[tokio::test]
async fn answers_that_drip_or_swell_end() {
    let fake = fake();
    fake.add_issue("First", "", &["todo"]);
    let mut settings = settings(&fake);
    settings.timeout = Duration::from_millis(300);
    settings.largest_answer = 1 << 20;
    let github = GitHub::new(settings).unwrap();
    // One answer comes a byte at a time: the next read is a whole one.
    fake.fail_next(Fault::Dripping);
    let issues = github.open_issues(&labelled("todo")).await.unwrap();
    assert_eq!(issues.len(), 1);
    // A hundred megabytes of zeros, packed: nothing is unpacked, for we ask for nothing that is packed.
    let packed = packed_zeros();
    assert!((1..1 << 19).contains(&packed.len()), "{}", packed.len());
    fake.fail_when(|_| true, Fault::Packed(packed), 100);
    let start = std::time::Instant::now();
    assert!(is_unknown(&github.open_issues(&labelled("more")).await));
    assert!(start.elapsed() < Duration::from_secs(20));
}

/// A hundred megabytes of zeros as `gzip` packs them: a tenth of one.
fn packed_zeros() -> Vec<u8> {
    let script = "head -c 104857600 /dev/zero | gzip -9";
    let packed = std::process::Command::new("sh")
        .args(["-c", script])
        .output();
    packed.unwrap().stdout
}

#[tokio::test]
async fn a_list_that_grows_while_it_is_read_shows_each_issue_once() {
    let fake = fake();
    without_graphql(&fake);
    fake.add_issue("Labelled late", "", &[]);
    for number in 0..150 {
        fake.add_issue(&format!("Issue {number}"), "", &["todo"]);
    }
    // The oldest come first: one that is older pushes the last of the first page onto the second.
    let labels = Fault::Meanwhile(|state| state.put_label(1, "todo"));
    fake.fail_when(|request| request.query.contains("page=2"), labels, 1);
    let issues = github(&fake).open_issues(&labelled("todo")).await.unwrap();
    let numbers: Vec<u64> = issues.iter().map(|issue| issue.number.0).collect();
    assert_eq!(numbers, (2..=151).collect::<Vec<u64>>());
    assert!(
        fake.requests()
            .iter()
            .any(|request| request.fault.is_some())
    );
}

#[tokio::test]
async fn half_a_character_spoils_no_list() {
    let fake = fake();
    fake.add_issue("Fine", "", &["todo"]);
    fake.add_issue(
        "High HALF and low FLAH and \\ud83d of text",
        "\u{1f980}",
        &["todo"],
    );
    // GitHub says no such thing; a proxy or another forge of its kind may.
    let high = Fault::Garbled("HALF", "\\ud83d");
    fake.fail_when(|_| true, high, 1);
    let github = github(&fake);
    let issues = github.open_issues(&labelled("todo")).await.unwrap();
    let titles: Vec<&str> = issues.iter().map(|issue| issue.title.as_str()).collect();
    assert_eq!(
        titles,
        ["Fine", "High \u{fffd} and low FLAH and \\ud83d of text"]
    );
    assert_eq!(issues[1].body, "\u{1f980}", "a whole one stays");
    assert_eq!(fake.requests().len(), 1, "nothing is asked again");
    fake.fail_when(|_| true, Fault::Garbled("FLAH", "\\udc00x"), 1);
    fake.add_label_to(1, "new");
    let again = github.open_issues(&labelled("todo")).await.unwrap();
    assert_eq!(
        again[1].title,
        "High HALF and low \u{fffd}x and \\ud83d of text"
    );
}

#[tokio::test]
async fn a_read_that_fails_in_passing_is_repeated() {
    for fault in lost_answers().into_iter().chain(lost_requests()) {
        let fake = fake();
        without_graphql(&fake);
        fake.add_issue("First", "", &["todo"]);
        let mut settings = settings(&fake);
        settings.timeout = Duration::from_millis(500);
        let github = GitHub::new(settings).unwrap();
        fake.fail_next(fault.clone());
        let issues = github.open_issues(&labelled("todo")).await.unwrap();
        assert_eq!(issues.len(), 1, "{fault:?}");
        assert_eq!(fake.requests().len(), 4, "{fault:?}");
        // What was cut off must not have been kept for later.
        assert_eq!(github.open_issues(&labelled("todo")).await.unwrap(), issues);
        assert_eq!(statuses(&fake).last(), Some(&304), "{fault:?}");
        assert_honest(&fake);
    }
}

#[tokio::test]
async fn a_read_that_always_fails_ends() {
    let fake = fake();
    without_graphql(&fake);
    fake.fail_when(|_| true, Fault::BadGateway, 100);
    let result = github(&fake).open_issues(&labelled("todo")).await;
    assert!(is_unknown(&result), "{result:?}");
    assert_eq!(fake.requests().len(), 6);
}

#[tokio::test]
async fn labels_may_hold_anything() {
    let fake = fake();
    let names = [
        "good first issue",
        "größe/π & more",
        "a,b",
        "c++",
        "50% #1?",
    ];
    for name in names {
        fake.add_issue("Labelled", "", &[name]);
    }
    let github = github(&fake);
    for (at, name) in names.iter().enumerate() {
        let issues = github.open_issues(&labelled(name)).await.unwrap();
        let numbers: Vec<u64> = issues.iter().map(|issue| issue.number.0).collect();
        assert_eq!(numbers, [u64::try_from(at).unwrap() + 1], "{name}");
    }
    assert_eq!(github.open_issues(&labelled("no such")).await.unwrap(), []);
    assert_honest(&fake);
}

#[tokio::test]
async fn single_issues_are_asked_for_by_number() {
    let fake = fake();
    let open = fake.add_issue("Open", "Text", &["todo"]);
    let closed = fake.add_issue("Closed", "", &["todo"]);
    fake.close_issue(closed);
    fake.commit("work", &[("a.txt", "a\n")]);
    let pull = fake.add_pull("A pull", "work", "main");
    let deleted = fake.add_issue("Deleted", "", &[]);
    fake.delete_issue(deleted);
    let moved = fake.add_issue("Moved", "", &[]);
    fake.move_issue(moved, moved);
    let github = github(&fake);

    let all = numbered(&[moved, deleted, pull, closed, open, open, 99]);
    let issues = github.open_issues(&all).await.unwrap();
    assert_eq!(issues.len(), 1);
    assert_eq!(issues[0].number.0, open);
    for gone in [pull, deleted, moved, 99] {
        assert_eq!(
            github.issue(IssueNumber(gone)).await.unwrap(),
            None,
            "#{gone}"
        );
    }
    assert!(github.issue(IssueNumber(closed)).await.unwrap().is_some());

    let both = Selection {
        label: Some("later".into()),
        ..numbered(&[open])
    };
    assert_eq!(github.open_issues(&both).await.unwrap(), []);
    assert_honest(&fake);
}

#[tokio::test]
async fn what_an_issue_waits_for_is_read_where_github_records_it() {
    let fake = fake();
    without_graphql(&fake);
    let first = fake.add_issue("First", "", &["todo"]);
    let second = fake.add_issue("Second", "", &["todo"]);
    fake.block(second, first);
    let issues = github(&fake).open_issues(&labelled("todo")).await.unwrap();
    assert_eq!(issues[0].depends_on, []);
    assert_eq!(issues[1].depends_on, [IssueNumber(first)]);
    assert_eq!(
        statuses(&fake).len(),
        4,
        "the list, the repository's name, one issue's blockers, the open pulls"
    );
    assert_honest(&fake);
}

#[tokio::test]
async fn a_branch_is_found_by_any_pull_of_its_own_and_no_fork() {
    let fake = fake();
    fake.commit("autoissue/1-a", &[("a.txt", "a\n")]);
    fake.commit("other", &[("b.txt", "b\n")]);
    let closed = fake.add_pull("Closed", "autoissue/1-a", "main");
    fake.close_pull(closed);
    fake.add_pull("Other", "other", "main");
    fake.add_fork_pull("Fork", "autoissue/1-a", "main");
    let open = fake.add_pull("Open", "autoissue/1-a", "other");
    let github = github(&fake);

    let pulls = github.pulls_from(&branch("autoissue/1-a")).await.unwrap();
    let found: Vec<_> = pulls.iter().map(|pull| (pull.number, pull.open)).collect();
    assert_eq!(
        found,
        [(PullNumber(open), true), (PullNumber(closed), false)]
    );
    assert_eq!(pulls[0].base, "other");
    // Nor is it GitHub's filter alone that we trust.
    fake.fail_when(|it| it.query.contains("head="), Fault::FilterIgnored, 1);
    assert_eq!(
        github.pulls_from(&branch("autoissue/1-a")).await.unwrap(),
        pulls
    );
    assert_eq!(github.pulls_from(&branch("autoissue/1")).await.unwrap(), []);
    assert_eq!(github.open_pulls().await.unwrap().len(), 3);
    assert_honest(&fake);
}

#[tokio::test]
async fn a_renamed_repository_is_followed() {
    let fake = fake();
    let issue = fake.add_issue("First", "", &["todo"]);
    fake.commit("work", &[("a.txt", "a\n")]);
    let pull = fake.add_pull("A pull", "work", "main");
    fake.rename("octopus/gadgets");
    let github = github(&fake);

    assert_eq!(
        github.open_issues(&labelled("todo")).await.unwrap().len(),
        1
    );
    assert!(github.issue(IssueNumber(issue)).await.unwrap().is_some());
    let pulls = github.pulls_from(&branch("work")).await.unwrap();
    assert_eq!(pulls[0].number.0, pull);
    github.comment(IssueNumber(issue), "Here").await.unwrap();
    github
        .remove_label(IssueNumber(issue), "todo")
        .await
        .unwrap();
    assert_eq!(fake.comments(issue).len(), 1);
    assert_eq!(fake.labels(issue), Vec::<String>::new());
    assert_honest(&fake);
}

#[tokio::test]
async fn one_that_is_renamed_meanwhile_and_again_is_followed() {
    let fake = fake();
    let issue = fake.add_issue("First", "", &["todo"]);
    fake.commit("work", &[("a.txt", "a\n")]);
    let pull = fake.add_pull("A pull", "work", "main");
    let github = github(&fake);
    for name in [None, Some("octopus/gadgets"), Some("kraken/gizmos")] {
        if let Some(name) = name {
            fake.rename(name);
        }
        let standing = github.issue_standing(IssueNumber(issue)).await.unwrap();
        assert_eq!(standing.whereabouts, Whereabouts::Open, "{name:?}");
        let pulls = github.pulls_from(&branch("work")).await.unwrap();
        assert_eq!(pulls[0].number.0, pull, "{name:?}");
    }
    assert_honest(&fake);
}

#[tokio::test]
async fn a_redirect_never_takes_the_token_elsewhere() {
    let (fake, thief) = (fake(), super::fake());
    let github = github(&fake);
    fake.fail_next(Fault::LedAway(format!("{}/user", thief.api_url())));
    let result = github.default_branch().await;
    assert!(
        matches!(result, Err(ForgeError::Refused { .. })),
        "{result:?}"
    );
    assert_eq!(thief.requests().len(), 0);

    for status in [301, 302, 307, 308] {
        fake.fail_next(Fault::Redirected(status));
        assert_eq!(github.open_pulls().await.unwrap(), [], "{status}");
    }
    assert_eq!(thief.requests().len(), 0);
}

#[tokio::test]
async fn redirects_in_a_circle_end() {
    let fake = fake();
    let target = format!("{}/repos/{PROJECT}", fake.api_url());
    fake.fail_when(|_| true, Fault::LedAway(target), 1000);
    let result = github(&fake).default_branch().await;
    assert!(
        matches!(result, Err(ForgeError::Refused { .. })),
        "{result:?}"
    );
    assert_eq!(fake.requests().len(), 6);
}

#[tokio::test]
async fn a_marker_counts_only_where_we_wrote_it() {
    let fake = fake();
    let issue = fake.add_issue("First", "", &[]);
    let number = IssueNumber(issue);
    let marker = "<!-- autoissue:v1 session=S issue=1 kind=done -->";
    let github = github(&fake);

    for comment in 0..120 {
        fake.add_comment(issue, "a-person", &format!("{comment} {marker}"));
    }
    assert!(!github.has_comment(number, marker).await.unwrap());
    fake.add_comment(
        issue,
        "octo-bot",
        "<!-- autoissue:v1 session=T issue=1 kind=done -->",
    );
    assert!(!github.has_comment(number, marker).await.unwrap());
    fake.add_comment(issue, "Octo-Bot", &format!("Done.\n{marker}"));
    assert!(github.has_comment(number, marker).await.unwrap());

    // What cannot be read is no "no".
    fake.fail_when(|_| true, Fault::BadGateway, 100);
    assert!(is_unknown(&github.has_comment(number, marker).await));
    assert_honest(&fake);
}

#[tokio::test]
async fn who_we_are_is_asked_with_what_we_may_do() {
    let fake = fake();
    let identity = github(&fake).account().await.unwrap();
    assert_eq!(identity.login, "octo-bot");
    assert_eq!(identity.scopes.unwrap(), ["repo", "read:org"]);
    assert_eq!(identity.may_push, Some(true));
    assert_eq!(github(&fake).default_branch().await.unwrap(), "main");
    assert_honest(&fake);
}

#[tokio::test]
async fn an_app_knows_its_own_comments() {
    let fake = fake();
    let issue = fake.add_issue("First", "", &[]);
    fake.become_app("github-actions[bot]");
    fake.add_comment(issue, "github-actions", "marker");
    let github = github(&fake);
    let number = IssueNumber(issue);
    assert!(!github.has_comment(number, "marker").await.unwrap());
    github.comment(number, "marker").await.unwrap();
    assert!(github.has_comment(number, "marker").await.unwrap());
    let identity = github.account().await.unwrap();
    assert_eq!(
        (identity.login.as_str(), identity.scopes),
        ("github-actions[bot]", None)
    );
    assert_honest(&fake);
}
