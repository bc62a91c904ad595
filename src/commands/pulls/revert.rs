//! `revert`: a pull is closed while it is open, and undone by another once it is merged.

use crate::adapters::github::forge::GitHub;
use crate::cli::pulls::RevertArgs;
use crate::commands::place::Place;
use crate::commands::store::open;
use crate::commands::wire::Wiring;
use crate::error::{Error, Kind};
use crate::ports::{Forge as _, Pulls as _, Repository, Reverted, Standing};
use crate::rules::exit::Exit;
use crate::rules::follow::shape::{Fate, Landed};
use crate::rules::ids::{BranchName, IssueNumber, PullNumber};
use crate::rules::names;
use crate::rules::task::{Pull, PullDraft};
use serde_json::json;

const BY_HAND: &str = "revert its commits by hand: `git revert <first>^..<last>`";

/// Runs the command.
pub async fn run(place: &Place, args: RevertArgs) -> Result<Exit, Error> {
    let wiring = Wiring::new(place, &crate::config::loaded::Overrides::default())?;
    let github = wiring.github("revert a pull request")?;
    let store = open(&wiring.state)?;
    let key = wiring.project_key();
    let mut numbers = store.pulls_for(&key, args.issue)?;
    numbers.extend(github.own_open().await?);
    numbers.sort_unstable();
    numbers.dedup();
    let Some(standing) = newest(&github, numbers, args.issue).await? else {
        return Err(Error::new(Kind::Project, format!("revert {}", args.issue))
            .cause("no pull request of autoissue is known for it")
            .hints([
                "a pull request of another state directory can be reverted on GitHub itself",
            ]));
    };
    match standing.fate {
        Fate::Open => {
            github.close(standing.pull.number).await?;
            let about = (standing.pull.number, args.issue);
            store.note_fate(&key, about, Fate::Rejected)?;
            tell(
                place,
                &standing.pull,
                "closed",
                "closed; its branch stays for now",
            )
        }
        Fate::Rejected => tell(
            place,
            &standing.pull,
            "nothing",
            "closed already: nothing to revert",
        ),
        Fate::Merged => {
            let repository = wiring.git_repository().await?;
            let opened = undo(&github, &repository, &standing, args.issue).await?;
            let words = format!("reverts {}: {}", standing.pull.number, opened.url);
            tell(place, &opened, "opened", &words)
        }
    }
}

/// Of all pulls for the issue the newest that is open, else the newest that was merged.
async fn newest(
    github: &GitHub,
    numbers: Vec<PullNumber>,
    issue: IssueNumber,
) -> Result<Option<Standing>, Error> {
    let mut found = Vec::new();
    for number in numbers.into_iter().rev() {
        if let Some(standing) = github.standing(number).await?
            && names::issue_of_branch(&standing.pull.head) == Some(issue)
        {
            found.push(standing);
        }
    }
    let rank = |standing: &Standing| match standing.fate {
        Fate::Open => 0,
        Fate::Merged => 1,
        Fate::Rejected => 2,
    };
    // The first of the least: the newest, for they come in that order.
    Ok(found.into_iter().min_by_key(rank))
}

/// Opens a pull that takes a merged one back; one that is there already is that.
async fn undo(
    github: &GitHub,
    repository: &dyn Repository,
    merged: &Standing,
    issue: IssueNumber,
) -> Result<Pull, Error> {
    let number = merged.pull.number;
    let branch = BranchName::new(format!("autoissue/revert-{}-{}", issue.0, number.0));
    let there = github.pulls_from(&branch).await?;
    if let Some(pull) = there.into_iter().find(|pull| pull.open) {
        return Ok(pull);
    }
    let failed = |cause: String| Error::new(Kind::Project, format!("revert {number}")).cause(cause);
    let merged_as = merged
        .merged_as
        .clone()
        .ok_or_else(|| failed("GitHub does not tell which commit merged it".to_owned()))?;
    let tip = repository.fetch(&merged.pull.base).await?;
    let subject = format!("Revert {number}");
    let message = format!("{subject}\n\nThis takes {merged_as} back.\n");
    let landed = Landed {
        head: merged.head.clone(),
        merged_as,
    };
    let undone = (&landed, merged.commits);
    let commit = match repository.revert(&tip, undone, &message).await? {
        Reverted::By(commit) => commit,
        Reverted::InTheWay => {
            return Err(failed("later work stands in the way".to_owned())
                .hints(["revert it by hand, or revert what was built upon it first"]));
        }
        Reverted::Untold => return Err(failed(untold(merged, &landed)).hints([BY_HAND])),
    };
    match repository.remote_head(&branch).await? {
        Some(stands) if stands == commit => {}
        Some(_) => {
            return Err(
                failed(format!("the branch {branch} is there, with other work"))
                    .hints(["open a pull request from it, or delete it"]),
            );
        }
        None => repository.push(&branch, &commit, None).await?,
    }
    let draft = PullDraft {
        issue,
        head: branch,
        base: merged.pull.base.clone(),
        title: subject,
        body: format!("This takes back the work of {number} for {issue}."),
        draft: false,
    };
    Ok(github.open_pull(&draft).await?)
}

fn untold(merged: &Standing, landed: &Landed) -> String {
    format!(
        "it cannot be told which commits of {} it brought: the last is {}, and neither that nor the {} up to it change \
         what its branch did",
        merged.pull.base, landed.merged_as, merged.commits
    )
}

fn tell(place: &Place, pull: &Pull, what: &str, words: &str) -> Result<Exit, Error> {
    let event =
        json!({ "v": 1, "event": "revert", "pull": pull.number, "url": pull.url, "done": what });
    let text = format!("Pull {}: {words}\n", pull.number);
    place.output.result(&text, &event)?;
    Ok(Exit::Done)
}
