//! `watch` before the fake GitHub: what is said of open pulls is answered, each once, and they come to their end.

use crate::rig::Ran;
use crate::stage::Stage;
use serde_json::{Value, json};

/// Writes what it was told beside its file; where it is told of a conflict, it solves it.
const AGENT: &str = r#"#!/bin/sh
cat > PLACE/told
echo "$AUTOISSUE_ISSUE" >> PLACE/runs
sed -i '/^<<<<<<<\|^=======\|^>>>>>>>/d' *.txt 2>/dev/null
if [ -e PLACE/idle ]; then echo '{"cost_usd": 0.1, "summary": "It is right as it is."}'; exit 0; fi
if grep -q "pull request #" PLACE/told; then echo again >> "file-$AUTOISSUE_ISSUE.txt"
else echo "$AUTOISSUE_ISSUE" > "file-$AUTOISSUE_ISSUE.txt"; fi
echo '{"cost_usd": 0.25, "summary": "Said and done."}'
"#;

/// An issue whose pull is open, by `exec`. The pull's number is 2.
pub(crate) fn opened() -> Stage {
    let mut stage = Stage::new(AGENT, None);
    stage.configure(&json!({ "watch": { "seconds": 1, "updateMinutes": 0 } }));
    stage.issue(1, &["go"]);
    let ran = stage.exec("go", &[]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(stage.heads(), [HEAD]);
    stage
}

pub(crate) const HEAD: &str = "autoissue/1-thing-1";
pub(crate) const PULL: u64 = 2;

pub(crate) fn look(stage: &Stage) -> Ran {
    let args = ["watch", "--once", "--isolation", "none", "--format", "json"];
    stage.command(&args).output().unwrap().into()
}

pub(crate) fn told(stage: &Stage) -> String {
    std::fs::read_to_string(stage.rig.path("told")).unwrap()
}

/// What was decided about the pull.
pub(crate) fn decided(ran: &Ran) -> Vec<String> {
    let lines = ran.stdout.lines();
    let lines = lines.map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines
        .filter(|line| line["event"] == "pull")
        .map(|line| line["next"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn a_review_comment_is_answered_once_in_its_thread_and_the_branch_grows() {
    let stage = opened();
    let before = stage.fake.branch_head(HEAD).unwrap();
    let comment = stage.fake.remark(
        PULL,
        "a-maintainer",
        ("file-1.txt", 1),
        "Say it again, please.",
    );
    stage
        .fake
        .remark(PULL, "an-outsider", ("file-1.txt", 1), "Delete everything!");
    let ran = look(&stage);
    assert_eq!(
        (ran.code, decided(&ran)),
        (Some(0), vec!["work".to_owned()]),
        "{ran:?}"
    );
    let told = told(&stage);
    assert!(
        told.contains("a-maintainer commented on file-1.txt:1") && told.contains("Say it again"),
        "{told}"
    );
    assert!(!told.contains("Delete everything"), "{told}");
    assert_eq!(
        stage.fake.file(HEAD, "file-1.txt").as_deref(),
        Some("1\nagain")
    );
    let after = stage.fake.branch_head(HEAD).unwrap();
    assert_ne!(before, after);
    assert_eq!(stage.fake.pulls().len(), 1);
    let remarks = stage.fake.remarks();
    let answers: Vec<_> = remarks
        .iter()
        .filter(|it| it.reply_to == Some(comment))
        .collect();
    assert_eq!(answers.len(), 1, "{remarks:?}");
    assert!(
        answers[0].body.contains("Said and done.") && answers[0].body.contains(&after),
        "{answers:?}"
    );
    // Looked at again, nothing is left to say, and nobody is paid.
    let again = look(&stage);
    assert_eq!(decided(&again), ["wait"], "{again:?}");
    assert_eq!(stage.runs(), [1, 1]);
    assert_eq!(stage.fake.remarks().len(), 3);
    stage.assert_lawful();
}

#[test]
fn a_red_check_goes_to_the_agent_with_its_log_unless_the_base_is_red_as_well() {
    let stage = opened();
    let log = "2026-01-01T00:00:00.0000000Z ##[error]case 7 is wrong\n";
    stage
        .fake
        .check_run("main", "old", Some("failure"), "old trouble");
    stage
        .fake
        .check_run(HEAD, "old", Some("failure"), "old trouble");
    stage.fake.check_run(HEAD, "slow", None, "");
    let ran = look(&stage);
    assert_eq!(
        decided(&ran),
        ["wait"],
        "what fails on the base is nobody's here: {ran:?}"
    );
    stage.fake.check_run(HEAD, "slow", Some("success"), "");
    stage.fake.check_run(HEAD, "new", Some("failure"), log);
    let ran = look(&stage);
    assert_eq!(decided(&ran), ["work"], "{ran:?}");
    let told = told(&stage);
    assert!(
        told.contains("The check new failed") && told.contains("\n##[error]case 7 is wrong"),
        "{told}"
    );
    assert!(!told.contains("old trouble"), "{told}");
    assert_eq!(stage.fake.comments(PULL), [], "a check waits for no answer");
    stage.assert_lawful();
}

#[test]
fn one_that_is_not_mended_is_not_paid_for_again() {
    let stage = opened();
    stage.fake.check_run(HEAD, "new", Some("failure"), "no");
    stage.rig.write("idle", "");
    assert_eq!(decided(&look(&stage)), ["work"]);
    let again = look(&stage);
    assert_eq!(decided(&again), ["wait"], "{again:?}");
    assert!(
        again.stdout.contains("an agent could not mend new"),
        "{again:?}"
    );
    assert_eq!(stage.runs(), [1, 1]);
}

#[test]
fn a_base_that_moved_is_merged_in_and_nothing_is_paid() {
    let stage = opened();
    let tip = stage.fake.commit("main", &[("other.txt", "other\n")]);
    let ran = look(&stage);
    assert_eq!(
        (ran.code, decided(&ran)),
        (Some(0), vec!["update".to_owned()]),
        "{ran:?}"
    );
    assert_eq!(stage.fake.file(HEAD, "other.txt").as_deref(), Some("other"));
    assert_eq!(stage.runs(), [1]);
    assert_eq!(decided(&look(&stage)), ["wait"]);
    assert_eq!(
        stage.fake.branch_head("main").unwrap(),
        tip,
        "the base is left alone"
    );
    stage.assert_lawful();
}

#[test]
fn a_base_that_moved_and_conflicts_goes_to_the_agent() {
    let stage = opened();
    stage.fake.commit("main", &[("file-1.txt", "theirs\n")]);
    let ran = look(&stage);
    assert_eq!(
        (ran.code, decided(&ran)),
        (Some(0), vec!["work".to_owned()]),
        "{ran:?}"
    );
    let told = told(&stage);
    assert!(told.contains("They conflict in file-1.txt"), "{told}");
    let file = stage.fake.file(HEAD, "file-1.txt").unwrap();
    assert!(
        file.contains("theirs") && file.contains("again") && !file.contains("<<<"),
        "{file}"
    );
    assert_eq!(decided(&look(&stage)), ["wait"]);
    stage.assert_lawful();
}

#[test]
fn what_people_push_to_the_branch_is_built_upon() {
    let stage = opened();
    let theirs = stage.fake.commit(HEAD, &[("by-hand.txt", "by hand\n")]);
    stage
        .fake
        .review(PULL, "a-maintainer", "CHANGES_REQUESTED", "Say it again.");
    let ran = look(&stage);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(
        stage.fake.file(HEAD, "by-hand.txt").as_deref(),
        Some("by hand")
    );
    assert_ne!(stage.fake.branch_head(HEAD).unwrap(), theirs);
    let comments = stage.fake.comments(PULL);
    assert_eq!(comments.len(), 1, "{comments:?}");
    assert!(
        comments[0]
            .body
            .starts_with("To a-maintainer's review: Changed in"),
        "{comments:?}"
    );
    // The reviewer has to look again before it is merged.
    let again = look(&stage);
    assert!(
        again.stdout.contains("a new review by a-maintainer"),
        "{again:?}"
    );
}

#[test]
fn a_merged_pull_is_cleaned_up_after_and_a_closed_one_stays_closed() {
    let mut stage = opened();
    stage.configure(&json!({ "merge": { "policy": "auto" } }));
    stage.issue(3, &["more"]);
    let ran = stage.exec("more", &[]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    stage.fake.close_pull(4);
    let ran = stage
        .command(&["watch", "--isolation", "none", "--format", "json"])
        .output()
        .unwrap();
    let ran = Ran::from(ran);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(decided(&ran).contains(&"reject".to_owned()), "{ran:?}");
    let pulls = stage.fake.pulls();
    assert!(
        pulls[0].pull.as_ref().unwrap().merged.is_some(),
        "{pulls:?}"
    );
    assert!(!stage.fake.issues()[0].open && stage.fake.issues()[1].open);
    assert_eq!(stage.fake.branch_head(HEAD), None, "its branch is gone");
    assert!(
        stage.fake.branch_head("autoissue/3-thing-3").is_some(),
        "a rejected one's stays"
    );
    assert_eq!(stage.fake.file("main", "file-1.txt").as_deref(), Some("1"));
    assert!(ran.stdout.contains("none_open"), "{ran:?}");
    stage.assert_lawful();
}

#[test]
fn nothing_is_merged_that_a_reviewer_stands_against_or_that_is_red() {
    let mut stage = opened();
    stage.configure(&json!({ "merge": { "policy": "auto" }, "watch": { "maxRounds": 0 } }));
    stage
        .fake
        .review(PULL, "a-maintainer", "CHANGES_REQUESTED", "No.");
    assert_eq!(decided(&look(&stage)), ["wait"]);
    stage.fake.review(PULL, "a-maintainer", "APPROVED", "");
    stage.fake.check_run(HEAD, "new", Some("failure"), "no");
    let ran = look(&stage);
    assert!(stage.fake.pulls()[0].open, "{ran:?}");
}

#[test]
fn a_merged_pull_is_reverted_by_another_and_an_open_one_is_closed() {
    let stage = opened();
    stage.fake.merge(PULL).unwrap();
    let ran = stage
        .command(&["revert", "1", "--format", "json"])
        .output()
        .unwrap();
    let ran = Ran::from(ran);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let head = "autoissue/revert-1-2";
    assert_eq!(stage.heads(), [head]);
    assert_eq!(stage.fake.file(head, "file-1.txt"), None);
    assert_eq!(
        stage.fake.file(head, "README.md").as_deref(),
        Some("# Widgets")
    );
    let again = stage.command(&["revert", "1"]).output().unwrap();
    assert!(again.status.success());
    assert_eq!(stage.fake.pulls().len(), 2, "a second time is once");
    stage.assert_lawful();
}

#[test]
fn what_is_missing_is_waited_for_by_githubs_auto_merge_where_that_is_on() {
    let mut stage = opened();
    stage.configure(&json!({ "merge": { "policy": "auto" } }));
    stage.fake.protect("main");
    let refused = look(&stage);
    assert_eq!(decided(&refused), ["merge", "not_merged"], "{refused:?}");
    assert!(
        refused.said().contains("At least 1 approving review"),
        "{refused:?}"
    );
    stage.fake.allow_auto_merge();
    let ran = look(&stage);
    assert_eq!(decided(&ran), ["merge", "queued"], "{ran:?}");
    assert!(stage.fake.pulls()[0].open);
    assert_eq!(decided(&look(&stage)), ["wait"]);
    stage.assert_lawful();
}

#[test]
fn the_merge_queue_is_used_where_it_is_wanted() {
    let mut stage = opened();
    stage.configure(&json!({ "merge": { "policy": "queue" } }));
    let ran = look(&stage);
    assert_eq!(
        decided(&ran),
        ["merge", "not_merged"],
        "it has none: {ran:?}"
    );
    stage.fake.allow_auto_merge();
    assert_eq!(decided(&look(&stage)), ["merge", "queued"]);
    assert!(stage.fake.pulls()[0].open);
}

#[test]
fn a_pull_that_stands_on_a_merged_one_is_for_its_base_from_then_on() {
    let mut stage = opened();
    stage.configure(&json!({
        "merge": { "policy": "auto" }, "scheduling": { "dependencies": "stacked" },
    }));
    let head = "autoissue/3-second";
    stage
        .fake
        .add_issue("Second", "Write `file-3.txt`.", &["later"]);
    stage.fake.commit_on(HEAD, head, &[("file-3.txt", "3\n")]);
    let upper = stage.fake.add_pull("Second", head, HEAD);
    let ran = look(&stage);
    assert_eq!(decided(&ran), ["merge", "merged", "wait"], "{ran:?}");
    let ran = look(&stage);
    assert!(decided(&ran).contains(&"clean_up".to_owned()), "{ran:?}");
    let pulls = stage.fake.pulls();
    let pull = pulls.iter().find(|pull| pull.number == upper).unwrap();
    assert!(
        pull.open && pull.pull.as_ref().unwrap().base == "main",
        "{pull:?}"
    );
    stage.assert_lawful();
}

#[test]
fn what_stands_on_squashed_work_is_brought_onto_it_without_an_agent() {
    let mut stage = opened();
    stage.configure(&json!({
        "merge": { "policy": "auto", "method": "squash" },
        "scheduling": { "dependencies": "stacked" },
        "watch": { "updateMinutes": 0 },
    }));
    let head = "autoissue/3-second";
    let issue = ("Second", "Change `file-1.txt`.");
    stage.fake.add_issue(issue.0, issue.1, &["later"]);
    // It changes the very line that the work below it wrote.
    let changed = [("file-1.txt", "1 and more\n")];
    stage.fake.commit_on(HEAD, head, &changed);
    stage.fake.add_pull("Second", head, HEAD);
    let mut seen = Vec::new();
    for _ in 0..5 {
        seen.extend(decided(&look(&stage)));
    }
    assert_eq!(stage.runs(), [1], "nobody was paid: {seen:?}");
    let file = |branch: &str| stage.fake.file(branch, "file-1.txt");
    assert_eq!(file("main").as_deref(), Some("1 and more"), "{seen:?}");
    stage.assert_lawful();
}

#[test]
fn the_local_forge_has_nobody_who_reviews() {
    let rig = crate::rig::Rig::local("true", &json!({}));
    let ran = rig.run(&["watch"]);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.stderr.contains("nobody reviews"), "{ran:?}");
}

#[test]
fn one_watch_at_a_time() {
    let stage = opened();
    let args = ["watch", "--isolation", "none"];
    let first = crate::stage::Running::start(&stage.rig, stage.command(&args));
    crate::rig::wait_for(|| {
        stage
            .fake
            .requests()
            .iter()
            .any(|it| it.path.ends_with("/reviews"))
    });
    let second = look(&stage);
    assert_eq!(second.code, Some(6), "{second:?}");
    first.interrupt();
    let ended = first.end();
    assert_eq!(ended.code, Some(5), "{ended:?}");
    assert!(
        ended.stdout.contains("The same command goes on"),
        "{ended:?}"
    );
}

#[test]
fn watching_one_issue_ends_with_its_pull() {
    let stage = opened();
    stage.issue(3, &["more"]);
    assert_eq!(stage.exec("more", &[]).code, Some(0));
    let watch = |issue: &str| {
        let args = ["watch", "--isolation", "none", "--format", "json"];
        let mut command = stage.command(&args);
        command.args(["--issue", issue]);
        crate::stage::Running::start(&stage.rig, command)
    };
    let looks = || {
        let requests = stage.fake.requests();
        let reviews = requests.iter().filter(|it| it.path.ends_with("/reviews"));
        reviews.count()
    };
    let watching = watch("3");
    crate::rig::wait_for(|| looks() > 4);
    stage.fake.close_pull(4);
    let ran = watching.end();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(decided(&ran), ["wait", "reject"], "{ran:?}");
    assert!(ran.stdout.contains("none_open"), "{ran:?}");
    // The control: whose pull is open is watched further.
    let before = looks();
    let watching = watch("1");
    crate::rig::wait_for(|| looks() > before + 2);
    watching.interrupt();
    assert_eq!(watching.end().code, Some(5));
}

#[test]
fn what_a_person_turned_down_is_done_again_only_where_it_is_named() {
    let stage = opened();
    stage.fake.close_pull(PULL);
    assert_eq!(decided(&look(&stage)), ["reject"]);
    let ran = stage.exec("go", &[]);
    assert_eq!(ran.count("skipped"), 1, "{ran:?}");
    assert_eq!(stage.runs(), [1]);
    let args = [
        "exec",
        "--issue",
        "1",
        "--isolation",
        "none",
        "--format",
        "json",
    ];
    let ran = Ran::from(stage.command(&args).output().unwrap());
    assert_eq!(ran.count("completed"), 1, "{ran:?}");
    assert_eq!(stage.heads(), ["autoissue/1-thing-1-2"]);
}

#[test]
fn an_update_is_never_paid_for_where_no_round_is_left() {
    let mut stage = Stage::new(AGENT, Some("#!/bin/sh\n! grep -q bad other.txt\n"));
    stage.configure(&json!({ "watch": { "updateMinutes": 0, "maxRounds": 0 } }));
    stage.issue(1, &["go"]);
    assert_eq!(stage.exec("go", &[]).code, Some(0));
    let before = stage.fake.branch_head(HEAD).unwrap();
    // Together with the work this breaks the check; on its own as well, so that it is nobody's.
    stage.fake.commit("main", &[("file-1.txt", "theirs\n")]);
    let ran = look(&stage);
    assert_eq!(decided(&ran), ["wait"], "{ran:?}");
    assert_eq!(stage.runs(), [1]);
    assert_eq!(stage.fake.branch_head(HEAD).unwrap(), before);
}

#[test]
fn a_check_that_the_pull_breaks_with_its_moved_base_goes_to_the_agent_and_has_to_be_mended() {
    let check =
        "#!/bin/sh\n! { [ -e file-1.txt ] && [ -e strict.txt ] && ! grep -q again file-1.txt; }\n";
    let mut stage = Stage::new(AGENT, Some(check));
    stage.configure(&json!({ "watch": { "updateMinutes": 0 }, "executor": { "maxRetries": 1 } }));
    stage.issue(1, &["go"]);
    assert_eq!(stage.exec("go", &[]).code, Some(0));
    let before = stage.fake.branch_head(HEAD).unwrap();
    stage.fake.commit("main", &[("strict.txt", "yes\n")]);
    stage.rig.write("idle", "");
    let ran = look(&stage);
    assert_eq!(decided(&ran), ["update"], "{ran:?}");
    assert_eq!(ran.code, Some(3), "nothing useful was changed: {ran:?}");
    assert_eq!(
        stage.fake.branch_head(HEAD).unwrap(),
        before,
        "what is red is not pushed"
    );
    assert_eq!(stage.runs().len(), 2, "one attempt, and it is told");
    // Not again at every look.
    assert_eq!(decided(&look(&stage)), ["wait"]);
    assert_eq!(stage.runs().len(), 2);
}

#[test]
fn nobody_merges_on_what_is_not_known() {
    let mut stage = opened();
    stage.configure(&json!({ "merge": { "policy": "auto" } }));
    let is_open = || stage.fake.pulls()[0].open;
    stage.fake.check_run(HEAD, "test", Some("cancelled"), "");
    assert_eq!(decided(&look(&stage)), ["wait"]);
    stage.fake.check_run(HEAD, "test", Some("success"), "");
    stage.fake.let_jobs_wait(true);
    let ran = look(&stage);
    assert!(
        ran.stdout.contains("checks that still run: github-actions"),
        "{ran:?}"
    );
    stage.fake.let_jobs_wait(false);
    stage.fake.check_run("main", "old", Some("failure"), "");
    stage.fake.check_run(HEAD, "old", Some("failure"), "");
    let ran = look(&stage);
    assert!(ran.stdout.contains("where old fails as well"), "{ran:?}");
    assert!(is_open());
    stage.fake.check_run("main", "old", Some("success"), "");
    stage.fake.check_run(HEAD, "old", Some("success"), "");
    assert_eq!(decided(&look(&stage)), ["merge", "merged"]);
    stage.assert_lawful();
}

#[test]
fn a_pull_that_is_closed_while_an_agent_works_gets_no_push() {
    let agent = "#!/bin/sh\ncat > /dev/null\necho \"$AUTOISSUE_ISSUE\" >> PLACE/runs\n\
        if [ -e PLACE/gate ]; then echo \"$AUTOISSUE_ISSUE\" > PLACE/gate; while [ -e PLACE/gate ]; do sleep 0.05; done; fi\n\
        date +%N > \"file-$AUTOISSUE_ISSUE.txt\"\necho '{\"cost_usd\": 0.25, \"summary\": \"did it\"}'\n";
    let stage = Stage::new(agent, None);
    stage.issue(1, &["go"]);
    assert_eq!(stage.exec("go", &[]).code, Some(0));
    stage
        .fake
        .remark(PULL, "a-maintainer", ("file-1.txt", 1), "Once more.");
    stage.close_gate();
    let args = ["watch", "--once", "--isolation", "none", "--format", "json"];
    let watching = crate::stage::Running::start(&stage.rig, stage.command(&args));
    stage.at_gate();
    let before = stage.fake.branch_head(HEAD).unwrap();
    stage.fake.close_pull(PULL);
    stage.open_gate();
    let ran = watching.end();
    assert!(ran.stdout.contains("not open any more"), "{ran:?}");
    assert_eq!(stage.fake.branch_head(HEAD).unwrap(), before);
}

#[test]
fn a_branch_that_a_persons_pull_stands_on_stays() {
    let mut stage = opened();
    stage.configure(&json!({ "merge": { "policy": "auto" } }));
    stage
        .fake
        .commit_on(HEAD, "by-hand", &[("more.txt", "more\n")]);
    let theirs = stage.fake.add_pull_by("a-person", "More", "by-hand", HEAD);
    assert_eq!(decided(&look(&stage)), ["merge", "merged"]);
    assert_eq!(decided(&look(&stage)), ["clean_up"]);
    assert!(stage.fake.branch_head(HEAD).is_some());
    let pulls = stage.fake.pulls();
    assert!(
        pulls.iter().any(|pull| pull.number == theirs && pull.open),
        "{pulls:?}"
    );
}

#[test]
fn auto_merge_is_taken_back_when_somebody_objects() {
    let mut stage = opened();
    stage.configure(&json!({ "merge": { "policy": "auto" }, "watch": { "maxRounds": 0 } }));
    stage.fake.protect("main");
    stage.fake.allow_auto_merge();
    assert_eq!(decided(&look(&stage)), ["merge", "queued"]);
    stage
        .fake
        .review(PULL, "a-maintainer", "CHANGES_REQUESTED", "Wait.");
    let ran = look(&stage);
    assert_eq!(decided(&ran), ["wait"], "{ran:?}");
    assert!(!stage.fake.is_queued(PULL), "{ran:?}");
    stage.assert_lawful();
}

#[test]
fn a_budget_for_one_attempt_is_spent_once_however_often_it_is_looked() {
    let stage = opened();
    stage
        .fake
        .remark(PULL, "a-maintainer", ("file-1.txt", 1), "Say it again.");
    stage.rig.write(
        "bin/agent",
        "#!/bin/sh\ncat > /dev/null\necho 1 >> ../runs 2>/dev/null\nexit 1\n",
    );
    let look = || {
        let args = [
            "watch",
            "--once",
            "--isolation",
            "none",
            "--budget",
            "6",
            "--format",
            "json",
        ];
        Ran::from(stage.command(&args).output().unwrap())
    };
    let first = look();
    assert_eq!(decided(&first), ["work"], "{first:?}");
    let second = look();
    assert_eq!(
        decided(&second),
        ["wait"],
        "it was tried, and told: {second:?}"
    );
}
