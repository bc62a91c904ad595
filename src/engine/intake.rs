//! From a selection to tasks: issues are fetched, read, and what settles them from the start is found.

use crate::ports::{Forge, ForgeError, Knowledge, KnowledgeError};
use crate::rules::classify::classify;
use crate::rules::evaluate::background::Backgrounds;
use crate::rules::evaluate::similar::Resolved;
use crate::rules::follow::shape::FollowUp;
use crate::rules::footprint::read::read_alone;
use crate::rules::ids::{BranchName, IssueNumber};
use crate::rules::issue::{Issue, IssueState, Priority};
use crate::rules::names;
use crate::rules::own::Classification;
use crate::rules::parts::wait_for_parts;
use crate::rules::settings::Settings;
use crate::rules::task::{Ending, Estimate, Obstacle, Pull, Task};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Minutes of one attempt where history does not tell.
pub const USUAL_MINUTES: u32 = 10;

/// What the outside says of earlier work.
#[derive(Default)]
struct Earlier {
    pulls: HashMap<IssueNumber, Pull>,
    branches: HashSet<BranchName>,
}

/// Reads issues into tasks, by the project's `own` rules first. `branches` are those that the remote has already. Changes nothing anywhere.
pub async fn read(
    forge: &dyn Forge,
    issues: Vec<Issue>,
    settings: &Settings,
    own: &Classification,
    branches: impl IntoIterator<Item = BranchName>,
) -> Result<Vec<Task>, ForgeError> {
    if issues.is_empty() {
        return Ok(vec![]);
    }
    let pulls = forge.open_pulls().await?;
    let pulls = pulls
        .into_iter()
        .filter_map(|pull| Some((names::issue_of_branch(&pull.head)?, pull)))
        .collect();
    let earlier = Earlier {
        pulls,
        branches: branches.into_iter().collect(),
    };
    let mut tasks: Vec<Task> = issues
        .into_iter()
        .map(|issue| read_one(issue, settings, own, &earlier))
        .collect();
    wait_for_parts(&mut tasks);
    let outside = outside_needs(forge, &tasks).await?;
    for task in &mut tasks {
        settle_needs(task, &outside);
    }
    Ok(tasks)
}

/// Leaves out those that nobody whose word counts has let run by this label, as they are now.
pub async fn settle_trust(
    forge: &dyn Forge,
    tasks: &mut [Task],
    label: &str,
) -> Result<(), ForgeError> {
    let would_run = tasks.iter().filter(|task| task.obstacle.is_none());
    let asked: Vec<IssueNumber> = would_run.map(Task::number).collect();
    if asked.is_empty() {
        return Ok(());
    }
    let found = forge.provenance(&asked, label).await?;
    let doubts = found
        .into_iter()
        .filter_map(|provenance| Some((provenance.issue, provenance.doubt(label)?)));
    let mut doubts: HashMap<IssueNumber, String> = doubts.collect();
    for task in tasks {
        if let Some(reason) = doubts.remove(&task.number()) {
            let ending = Ending::Skipped;
            task.obstacle = Some(Obstacle { ending, reason });
        }
    }
    Ok(())
}

/// Gives each task the files that all that is known of the repository speaks for. At the first error the tasks that
/// are left keep those that their own text names.
pub async fn foresee(tasks: &mut [Task], knowledge: &dyn Knowledge) -> Result<(), KnowledgeError> {
    for task in tasks {
        task.footprint = knowledge.footprint(&task.issue, task.domain.domain).await?;
    }
    Ok(())
}

/// What else the tasks' evaluation rests on, for tasks that have their files; `record` is what we resolved before.
pub async fn look_back(
    tasks: &[Task],
    knowledge: &dyn Knowledge,
    record: &[Resolved],
) -> Result<Backgrounds, KnowledgeError> {
    let mut backgrounds = Backgrounds::new();
    for task in tasks {
        let background = knowledge.background(&task.issue, &task.footprint, record);
        backgrounds.insert(task.number(), background.await?);
    }
    Ok(backgrounds)
}

/// An issue whose pull is open, as a task that goes on with that.
#[must_use]
pub fn follow_up(
    mut issue: Issue,
    settings: &Settings,
    own: &Classification,
    follow: FollowUp,
) -> Task {
    issue.pulls.clear();
    let mut task = read_one(issue, settings, own, &Earlier::default());
    task.branch = BranchName::new(&follow.pull.head);
    // What it needed was there when its pull was opened.
    task.needs.clear();
    task.follow_up = Some(Arc::new(follow));
    task
}

fn read_one(issue: Issue, settings: &Settings, own: &Classification, earlier: &Earlier) -> Task {
    let number = issue.number;
    let needs = issue.needs();
    let from_here = earlier.pulls.get(&number).map(|pull| pull.number);
    let pull = from_here.or_else(|| issue.pulls.first().copied());
    let obstacle = pull.map(|pull| Obstacle {
        ending: Ending::Skipped,
        reason: format!("pull {pull} is open for it already"),
    });
    Task {
        domain: classify(&issue, own),
        footprint: read_alone(&issue),
        needs,
        obstacle,
        evaluation: None,
        priority: Priority::of_labels(&issue.labels),
        estimate: Estimate {
            cost: settings.typical.unwrap_or(settings.cap),
            minutes: USUAL_MINUTES,
        },
        branch: names::free_branch(number, &issue.title, &|branch| {
            earlier.branches.contains(branch)
        }),
        follow_up: None,
        issue,
    }
}

/// How issues stand that tasks need but that are not part of the session: is each still open?
async fn outside_needs(
    forge: &dyn Forge,
    tasks: &[Task],
) -> Result<HashMap<IssueNumber, bool>, ForgeError> {
    let inside: HashSet<IssueNumber> = tasks.iter().map(Task::number).collect();
    // Of sub-issues that is known already.
    let parts = tasks.iter().flat_map(|task| &task.issue.parts);
    let parts = parts.filter(|part| !inside.contains(part));
    let mut outside: HashMap<_, _> = parts.map(|part| (*part, true)).collect();
    let wanted: HashSet<IssueNumber> = tasks
        .iter()
        .flat_map(|task| &task.needs)
        .filter(|need| !inside.contains(need) && !outside.contains_key(need))
        .copied()
        .collect();
    for need in wanted {
        let issue = forge.issue(need).await?;
        outside.insert(
            need,
            issue.is_some_and(|issue| issue.state == IssueState::Open),
        );
    }
    Ok(outside)
}

fn settle_needs(task: &mut Task, outside: &HashMap<IssueNumber, bool>) {
    let open = task.needs.iter().copied();
    let open = open.filter(|need| outside.get(need) == Some(&true));
    let (parts, others): (Vec<_>, Vec<_>) = open.partition(|need| task.issue.parts.contains(need));
    let reasons = [("needs", others), ("waits for its sub-issues", parts)];
    let reasons = reasons.into_iter().filter(|(_, open)| !open.is_empty());
    let reasons: Vec<String> = reasons
        .map(|(what, open)| {
            let are = if open.len() == 1 { "is" } else { "are" };
            let numbers: Vec<String> = open.iter().map(ToString::to_string).collect();
            let numbers = numbers.join(", ");
            format!("{what} {numbers}, which {are} open and not part of this run")
        })
        .collect();
    if !reasons.is_empty() && task.obstacle.is_none() {
        task.obstacle = Some(Obstacle {
            ending: Ending::Blocked,
            reason: reasons.join("; "),
        });
    }
    task.needs.retain(|need| !outside.contains_key(need));
}
