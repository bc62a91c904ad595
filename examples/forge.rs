//! The local forge on its own: issues and pulls are Markdown files, and this is all it takes to use them.
//!
//! `cargo run --example forge`

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use autoissue::adapters::local_forge::forge::{LocalForge, LocalForgeSettings};
use autoissue::ports::Forge;
use autoissue::rules::ids::{BranchName, IssueNumber};
use autoissue::rules::issue::Selection;
use autoissue::rules::task::PullDraft;
use std::error::Error;
use std::fs;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let repository = tempfile::tempdir()?;
    let issues = repository.path().join(".autoissue/issues");
    fs::create_dir_all(&issues)?;
    fs::write(
        issues.join("1-greet.md"),
        "---\ntitle: Greet the reader\nlabels: [easy]\n---\nSay hello in `hello.txt`.\n",
    )?;

    let forge = LocalForge::open(&LocalForgeSettings::of(repository.path()))?;
    for issue in forge.open_issues(&Selection::default()).await? {
        println!("{} {} {:?}", issue.number, issue.title, issue.labels);
    }

    let one = IssueNumber(1);
    forge.add_label(one, "in progress").await?;
    forge.comment(one, "On it. <!-- example:start -->").await?;
    let started = forge.has_comment(one, "<!-- example:start -->").await?;
    println!("commented: {started}");

    let draft = PullDraft {
        issue: one,
        head: BranchName::new("autoissue/1-greet"),
        base: "main".into(),
        title: "Greet the reader".into(),
        body: "Says hello.\n\nCloses #1".into(),
        draft: false,
    };
    let pull = forge.open_pull(&draft).await?;
    println!("pull {} from {}", pull.number, pull.head);
    if let Err(refused) = forge.open_pull(&draft).await {
        println!("again: could not {refused}");
    }

    println!("\n{}", fs::read_to_string(issues.join("1-greet.md"))?);
    Ok(())
}
