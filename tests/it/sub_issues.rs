//! Sub-issues and linked pulls: a parent goes after its parts, and what somebody works on already is left to them.

use crate::fake_github::Fault;
use crate::rig::Ran;
use crate::stage::Stage;

fn reason(ran: &Ran, issue: u64) -> String {
    let task = ran.task(issue);
    task["reason"].as_str().unwrap_or_default().to_owned()
}

/// GraphQL, and a server that has none.
fn both_ways() -> [fn(&Stage); 2] {
    let refused = |stage: &Stage| {
        let is_question = |it: &crate::fake_github::Logged| {
            let text = it.body["query"].as_str().unwrap_or_default();
            it.path == "/graphql" && text.contains("subIssues")
        };
        stage
            .fake
            .fail_when(is_question, Fault::Unknown, usize::MAX);
    };
    [|_| (), refused]
}

#[test]
fn a_parent_goes_after_its_sub_issues() {
    for way in both_ways() {
        let stage = Stage::with_issues(3);
        stage.fake.add_part(1, 2);
        stage.fake.add_part(1, 3);
        way(&stage);
        let ran = stage.exec("go", &[]);
        let blocked = ran.task(1);
        assert_eq!(blocked["outcome"], "blocked", "{blocked}");
        let why = reason(&ran, 1);
        assert!(why.starts_with("waits for the merge of "), "{why}");
        let mut runs = stage.runs();
        runs.sort_unstable();
        assert_eq!(runs, [2, 3]);
        for pull in stage.fake.pulls() {
            stage.fake.merge(pull.number).unwrap();
        }
        let again = stage.exec("go", &[]);
        assert_eq!(
            (again.code, stage.runs().last()),
            (Some(0), Some(&1)),
            "{again:?}"
        );
        stage.assert_lawful();
    }
    // The control: who is nobody's part holds nobody up.
    let stage = Stage::with_issues(3);
    let ran = stage.exec("go", &[]);
    assert_eq!((ran.count("completed"), stage.runs().len()), (3, 3));
}

#[test]
fn a_parent_waits_for_sub_issues_that_are_not_part_of_the_run() {
    for way in both_ways() {
        let stage = Stage::with_issues(1);
        for part in 2..=4 {
            stage.issue(part, &[]);
            stage.fake.add_part(1, part as u64);
        }
        stage.fake.close_issue(3);
        way(&stage);
        let ran = stage.exec("go", &[]);
        let expect = "waits for its sub-issues #2, #4, which are open and not part of this run";
        assert_eq!(reason(&ran, 1), expect, "{ran:?}");
        assert_eq!(stage.runs(), [0_u64; 0]);
        // Nobody asks about each of them: how they stand was told with the list.
        let requests = stage.fake.requests();
        let asked = requests.iter().filter(|it| it.path.ends_with("/issues/2"));
        assert_eq!(asked.count(), 0);
        stage.fake.close_issue(2);
        stage.fake.close_issue(4);
        let ran = stage.exec("go", &[]);
        assert_eq!((ran.code, stage.runs()), (Some(0), vec![1]), "{ran:?}");
        stage.assert_lawful();
    }
}

#[test]
fn an_issue_that_somebody_s_open_pull_closes_is_worked_on_where_it_is_named_and_that_is_said() {
    let stage = Stage::with_issues(2);
    stage.fake.commit("by-hand", &[("by-hand.txt", "x\n")]);
    let pull = stage
        .fake
        .add_pull_by("a-person", "By hand", "by-hand", "main");
    stage.fake.edit_pull(pull, |_| "Closes #1".to_owned());
    let args = ["exec", "--issue", "1", "--isolation", "none"];
    let ran = Ran::from(stage.command(&args).output().unwrap());
    assert_eq!((ran.code, stage.runs()), (Some(0), vec![1]), "{ran:?}");
    let note =
        format!("#1 was asked for by its number; pull #{pull}, which is open, closes it as well");
    assert!(
        ran.stderr.contains(&note) || ran.stdout.contains(&note),
        "{ran:?}"
    );
    // The control: nothing is said of one that nobody works on.
    let args = ["exec", "--issue", "2", "--isolation", "none"];
    let ran = Ran::from(stage.command(&args).output().unwrap());
    assert_eq!((ran.code, stage.runs()), (Some(0), vec![1, 2]), "{ran:?}");
    assert!(!ran.stderr.contains("closes it as well"), "{ran:?}");
    stage.assert_lawful();
}

#[test]
fn an_issue_that_somebody_s_open_pull_closes_is_left_to_them() {
    for way in both_ways() {
        left_to_somebody(way);
    }
}

fn left_to_somebody(way: fn(&Stage)) {
    let stage = Stage::with_issues(2);
    way(&stage);
    stage.fake.commit("by-hand", &[("by-hand.txt", "x\n")]);
    let pull = stage
        .fake
        .add_pull_by("a-person", "By hand", "by-hand", "main");
    stage.fake.edit_pull(pull, |_| "Closes #1".to_owned());
    let ran = stage.exec("go", &[]);
    assert_eq!(
        reason(&ran, 1),
        format!("pull #{pull} is open for it already")
    );
    assert_eq!(stage.runs(), [2]);
    stage.fake.close_pull(pull);
    let again = stage.exec("go", &[]);
    assert_eq!(
        (again.code, stage.runs()),
        (Some(0), vec![2, 1]),
        "{again:?}"
    );
    stage.assert_lawful();
}
