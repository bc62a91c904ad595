//! `revert` takes back all that a pull brought, however it was merged, or nothing: the real binary, over real git.

use crate::fake_github::Way;
use crate::rig::Ran;
use crate::stage::Stage;
use crate::watch::{HEAD, PULL, opened};

const UNDO: &str = "autoissue/revert-1-2";

/// A pull of three commits, two of which change the same file, whose base branch has moved on.
fn of_three_commits() -> Stage {
    let stage = opened();
    stage
        .fake
        .commit(HEAD, &[("second.txt", "2\n"), ("shared.txt", "a\n")]);
    stage.fake.commit(HEAD, &[("shared.txt", "a\nb\n")]);
    stage.fake.commit("main", &[("base.txt", "base\n")]);
    stage
}

fn revert(stage: &Stage) -> Ran {
    let args = ["revert", "1", "--format", "json"];
    stage.command(&args).output().unwrap().into()
}

#[test]
fn all_commits_are_taken_back_however_it_was_merged() {
    for way in [Way::Rebase, Way::Squash, Way::Merge] {
        let stage = of_three_commits();
        stage.fake.merge_by(PULL, way).unwrap();
        stage.fake.delete_branch(HEAD);
        stage.fake.commit("main", &[("later.txt", "later\n")]);
        let file = |branch: &str, path: &str| stage.fake.file(branch, path);
        let brought = ["file-1.txt", "second.txt", "shared.txt"];
        assert!(
            brought.iter().all(|path| file("main", path).is_some()),
            "{way:?}"
        );
        let ran = revert(&stage);
        assert_eq!(ran.code, Some(0), "{way:?} {ran:?}");
        assert!(
            brought.iter().all(|path| file(UNDO, path).is_none()),
            "{way:?}"
        );
        for path in ["README.md", "base.txt", "later.txt"] {
            assert!(file(UNDO, path).is_some(), "{way:?} {path}");
        }
        stage.assert_lawful();
    }
}

#[test]
fn commits_of_others_between_its_own_are_no_part_of_it() {
    let stage = of_three_commits();
    // Its base was merged in, as is done when that moves: a rebase leaves merges out.
    stage.fake.merge_in(HEAD, "main");
    stage.fake.commit(HEAD, &[("fourth.txt", "4\n")]);
    stage.fake.merge_by(PULL, Way::Rebase).unwrap();
    let ran = revert(&stage);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(stage.fake.changed("main", UNDO).len(), 4);
    assert_eq!(stage.fake.file(UNDO, "base.txt").as_deref(), Some("base"));
    assert_eq!(stage.fake.file(UNDO, "fourth.txt"), None);
}

#[test]
fn where_its_commits_cannot_be_told_nothing_is_taken_back() {
    let stage = of_three_commits();
    stage.fake.merge_by(PULL, Way::Rebase).unwrap();
    let other = stage.fake.commit("main", &[("other.txt", "other\n")]);
    stage.fake.say_merged_as(PULL, &other);
    let ran = revert(&stage);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(
        ran.said().contains("it cannot be told which commits"),
        "{ran:?}"
    );
    assert_eq!(stage.fake.branch_head(UNDO), None);
    assert_eq!(stage.fake.pulls().len(), 1);
}
