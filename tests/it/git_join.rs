//! Commits are joined in their order, whatever stands on whatever.

use crate::repos::{Scene, branch, capture, message, order, write};
use autoissue::adapters::git::repository::GitRepository;
use autoissue::ports::Repository;
use autoissue::rules::ids::CommitId;

/// A commit of an issue's own on a base.
async fn work(repository: &GitRepository, issue: u64, base: &CommitId, path: &str) -> CommitId {
    let workspace = repository.prepare(&order(0, issue, base)).await.unwrap();
    repository.seal(&workspace).await.unwrap();
    write(&workspace.path, path, format!("{issue}\n"));
    let taken = capture(repository, &workspace, issue).await;
    let parents = std::slice::from_ref(base);
    let commit = repository.commit(&taken, parents, &message(issue)).await;
    repository.release(workspace).await.unwrap();
    commit.unwrap().id
}

async fn joined(repository: &GitRepository, commits: &[&CommitId]) -> CommitId {
    let commits: Vec<CommitId> = commits.iter().copied().cloned().collect();
    let joined = repository.join(&commits).await.unwrap();
    assert_eq!(joined.clashes, []);
    joined.base
}

#[tokio::test]
async fn what_another_holds_already_is_not_joined_again() {
    let scene = Scene::new(&[("a.txt", "x\n")]);
    let repository = scene.open().await;
    let old = repository.fetch("main").await.unwrap();
    let one = work(&repository, 1, &old, "one.txt").await;
    let two = work(&repository, 2, &one, "two.txt").await;
    let three = work(&repository, 3, &two, "three.txt").await;
    let apart = work(&repository, 4, &old, "apart.txt").await;
    assert_eq!(joined(&repository, &[&one, &two, &three]).await, three);
    assert_eq!(joined(&repository, &[&three, &one]).await, three);

    let all = joined(&repository, &[&one, &apart, &three, &two]).await;
    let files = ["a.txt", "apart.txt", "one.txt", "three.txt", "two.txt"];
    assert_eq!(
        scene
            .ask_mirror(&["ls-tree", "--name-only", all.as_str()])
            .split('\n')
            .collect::<Vec<_>>(),
        files
    );
    let merges = scene.ask_mirror(&["rev-list", "--count", "--merges", all.as_str()]);
    assert_eq!(merges, "2", "the second is in the third");
    assert_eq!(joined(&repository, &[&all, &two, &apart]).await, all);
}

#[tokio::test]
async fn what_a_branch_of_the_source_holds_counts_as_well() {
    let scene = Scene::new(&[("a.txt", "x\n")]);
    let repository = scene.open().await;
    let old = repository.fetch("main").await.unwrap();
    let one = work(&repository, 1, &old, "one.txt").await;
    scene.push(&[("b.txt", "y\n")]);
    let new = repository.fetch("main").await.unwrap();
    let two = work(&repository, 2, &new, "two.txt").await;
    assert_eq!(joined(&repository, &[&new, &old]).await, new);
    assert_eq!(joined(&repository, &[&old, &two]).await, two);
    assert_eq!(joined(&repository, &[&two, &new]).await, two);

    // Offered, and fetched as a branch of the source: it stands on the old base still.
    repository.push(&branch(1), &one, None).await.unwrap();
    repository.fetch("main").await.unwrap();
    let both = joined(&repository, &[&one, &new, &two]).await;
    let merges = scene.ask_mirror(&["rev-list", "--count", "--merges", both.as_str()]);
    assert_eq!(merges, "2");
    assert_eq!(joined(&repository, &[&both, &new, &one]).await, both);
}
