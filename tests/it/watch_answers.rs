//! `watch` and those who speak of pulls: what is settled, what is answered late, and branches that were rewritten.

use crate::fake_github::{Fault, Logged};
use crate::rig::Ran;
use crate::stage::{Running, Stage};
use crate::watch::{HEAD, PULL, decided, look, opened, told};

const LINE: (&str, u64) = ("file-1.txt", 1);

fn is_reply(request: &Logged) -> bool {
    request.method == "POST" && request.path.ends_with("/replies")
}

/// Our answers on lines.
fn answers(stage: &Stage) -> usize {
    let remarks = stage.fake.remarks().into_iter();
    remarks.filter(|it| it.author == "octo-bot").count()
}

#[test]
fn a_conversation_that_is_resolved_is_heard_no_more() {
    let stage = opened();
    // More than a page of them.
    for _ in 0..101 {
        let settled = stage.fake.remark(PULL, "a-maintainer", LINE, "Settled.");
        stage.fake.resolve(settled);
    }
    let settled = stage.fake.remark(PULL, "a-maintainer", LINE, "Settled.");
    stage.fake.reply("a-maintainer", settled, "So it is.");
    stage.fake.resolve(settled);
    let ran = look(&stage);
    assert_eq!(decided(&ran), ["wait"], "{ran:?}");
    assert_eq!((stage.runs(), answers(&stage)), (vec![1], 0));
    // The control: one that is not.
    let open = stage.fake.remark(PULL, "a-maintainer", LINE, "Open.");
    stage.fake.reply("a-maintainer", open, "Still open.");
    assert_eq!(decided(&look(&stage)), ["work"]);
    let told = told(&stage);
    assert!(
        told.contains("Still open.") && !told.contains("ettled"),
        "{told}"
    );
    assert_eq!(answers(&stage), 2);
    stage.assert_lawful();
}

/// A round whose answer could not be sent.
fn unanswered() -> (Stage, Ran) {
    let stage = opened();
    stage
        .fake
        .remark(PULL, "a-maintainer", LINE, "Say it again.");
    // As often as a session tries.
    stage.fake.fail_when(is_reply, Fault::BadGateway, 3);
    let ran = look(&stage);
    assert_eq!(decided(&ran), ["work"], "{ran:?}");
    assert_eq!((stage.runs(), answers(&stage)), (vec![1, 1], 0), "{ran:?}");
    (stage, ran)
}

#[test]
fn an_answer_that_failed_in_passing_is_sent_by_the_next_look_once() {
    let (stage, _) = unanswered();
    let ran = look(&stage);
    assert_eq!(decided(&ran), ["wait", "answered"], "{ran:?}");
    let answer = stage.fake.remarks().pop().unwrap();
    let head = stage.fake.branch_head(HEAD).unwrap();
    assert!(
        answer.body.contains("Said and done.") && answer.body.contains(&head),
        "{answer:?}"
    );
    let ran = look(&stage);
    assert_eq!(decided(&ran), ["wait"], "{ran:?}");
    assert_eq!((stage.runs(), answers(&stage)), (vec![1, 1], 1));
    stage.assert_lawful();
}

#[test]
fn a_late_answer_whose_reply_got_lost_is_not_sent_again() {
    let (stage, _) = unanswered();
    stage.fake.fail_when(is_reply, Fault::DroppedReply, 1);
    let ran = look(&stage);
    assert_eq!(
        decided(&ran),
        ["wait"],
        "nobody knows whether it arrived: {ran:?}"
    );
    assert_eq!(answers(&stage), 1);
    let sent = || {
        stage
            .fake
            .requests()
            .iter()
            .filter(|it| is_reply(it))
            .count()
    };
    let before = sent();
    assert_eq!(decided(&look(&stage)), ["wait"]);
    assert_eq!((sent(), answers(&stage)), (before, 1));
}

#[test]
fn an_answer_that_is_refused_is_told_and_not_sent_at_every_look() {
    let (stage, _) = unanswered();
    let words = "This conversation is locked";
    stage.fake.fail_when(is_reply, Fault::Forbidden(words), 100);
    let sent = || {
        stage
            .fake
            .requests()
            .iter()
            .filter(|it| is_reply(it))
            .count()
    };
    let before = sent();
    let watching = Running::start(&stage.rig, stage.command(&["watch", "--isolation", "none"]));
    let looks = || {
        let requests = stage.fake.requests();
        requests
            .iter()
            .filter(|it| it.path.ends_with("/reviews"))
            .count()
    };
    let first = looks();
    crate::rig::wait_for(|| looks() > first + 2);
    watching.interrupt();
    let ran = watching.end();
    assert_eq!(sent(), before + 1, "{ran:?}");
    assert!(ran.said().contains(words), "{ran:?}");
}

#[test]
fn a_branch_that_somebody_rewrote_goes_to_a_person() {
    let stage = opened();
    let theirs = stage.fake.rewrite(HEAD, &[("other.txt", "other\n")]);
    stage
        .fake
        .remark(PULL, "a-maintainer", LINE, "Say it again.");
    stage.fake.commit("main", &[("moved.txt", "moved\n")]);
    let ran = look(&stage);
    assert_eq!(decided(&ran), ["wait"], "{ran:?}");
    assert!(
        ran.stdout
            .contains("a person: its branch was rewritten by force"),
        "{ran:?}"
    );
    assert_eq!(stage.fake.branch_head(HEAD).unwrap(), theirs);
    assert_eq!(stage.runs(), [1]);
}

#[test]
fn a_branch_that_is_rewritten_while_an_agent_works_gets_no_push() {
    let stage = gated();
    let ran = while_it_works(&stage, || {
        drop(stage.fake.rewrite(HEAD, &[("other.txt", "x\n")]));
    });
    assert_eq!(ran.count("needs_human"), 1, "{ran:?}");
    assert!(ran.stdout.contains("by force"), "{ran:?}");
    assert_eq!(stage.fake.file(HEAD, "file-1.txt"), None);
    // The control: what is pushed on top is built upon.
    let stage = gated();
    let ran = while_it_works(&stage, || {
        drop(stage.fake.commit(HEAD, &[("other.txt", "x\n")]));
    });
    assert_eq!(ran.count("completed"), 1, "{ran:?}");
    assert_eq!(stage.fake.file(HEAD, "other.txt").as_deref(), Some("x"));
}

/// A pull with a comment, whose agent waits at the gate.
fn gated() -> Stage {
    let agent = "#!/bin/sh\ncat > /dev/null\necho \"$AUTOISSUE_ISSUE\" >> PLACE/runs\n\
        if [ -e PLACE/gate ]; then echo \"$AUTOISSUE_ISSUE\" > PLACE/gate; while [ -e PLACE/gate ]; do sleep 0.05; done; fi\n\
        date +%N > \"file-$AUTOISSUE_ISSUE.txt\"\necho '{\"cost_usd\": 0.25, \"summary\": \"did it\"}'\n";
    let stage = Stage::new(agent, None);
    stage.issue(1, &["go"]);
    assert_eq!(stage.exec("go", &[]).code, Some(0));
    stage.fake.remark(PULL, "a-maintainer", LINE, "Once more.");
    stage
}

fn while_it_works(stage: &Stage, change: impl Fn()) -> Ran {
    stage.close_gate();
    let args = ["watch", "--once", "--isolation", "none", "--format", "json"];
    let watching = Running::start(&stage.rig, stage.command(&args));
    stage.at_gate();
    change();
    stage.open_gate();
    watching.end()
}
