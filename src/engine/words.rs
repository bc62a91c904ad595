//! The first words for an agent, from all that a session knows of its task.

use crate::rules::checks::proof::FailingTest;
use crate::rules::evaluate::advice::for_agent;
use crate::rules::ids::BranchName;
use crate::rules::lesson::{Lesson, fitting};
use crate::rules::prompt::first::{Comment, FirstWords, PromptError, PromptInput, first_prompt};
use crate::rules::prompt::others::Other;
use crate::rules::prompt::surroundings::Surroundings;
use crate::rules::stack::{self, Below};
use crate::rules::task::Task;

/// How words for agents are made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wording {
    /// The user's own template.
    pub template: Option<String>,
    /// How long the first words may be, in tokens of four bytes.
    pub max_tokens: usize,
    /// Is a test asked for that fails without the change?
    pub failing_test: FailingTest,
    /// What earlier work had to learn.
    pub lessons: Vec<Lesson>,
}

/// After a conversation that was too long, the next one begins with so much less.
const BRIEF: usize = 4;
const SPARING: &str = "\n\nAn earlier conversation about this issue became too long for the model. Read the parts of \
     files that you need, not whole ones, and let commands print little.";

/// What the first words tell.
#[derive(Clone, Copy, Debug)]
pub struct Telling<'a> {
    /// The task.
    pub task: &'a Task,
    /// What trusted people commented on its issue, the most useful first.
    pub comments: &'a [Comment],
    /// The repository, as the forge names it.
    pub repository: &'a str,
    /// The branch that it starts from.
    pub base_branch: &'a str,
    /// The branch that it is for.
    pub branch: &'a BranchName,
    /// The command lines that will judge it.
    pub checks: &'a [String],
    /// What the person who approved it adds.
    pub instructions: Option<&'a str>,
    /// What the base says.
    pub surroundings: &'a Surroundings,
    /// What other tasks do.
    pub others: &'a [Other],
    /// The unmerged work that it stands on.
    pub below: &'a [Below],
    /// What conflicts there.
    pub conflicts: &'a [String],
    /// Was an earlier attempt told more than its model could take?
    pub is_brief: bool,
    /// Is it to bring together what conflicts?
    pub is_rework: bool,
}

/// Puts them together.
///
/// # Errors
/// When the template cannot be used.
pub fn first_words(wording: &Wording, telling: &Telling<'_>) -> Result<FirstWords, PromptError> {
    let mut steps = for_agent(telling.task.evaluation.as_deref());
    steps.extend(wording.failing_test.step().map(str::to_owned));
    let input = PromptInput {
        issue: &telling.task.issue,
        comments: telling.comments,
        repository: telling.repository,
        base_branch: telling.base_branch,
        branch: telling.branch,
        files: &telling.task.footprint,
        surroundings: telling.surroundings,
        lessons: &fitting(&wording.lessons, telling.task),
        others: telling.others,
        checks: telling.checks,
        steps: &steps,
        instructions: telling.instructions,
        max_tokens: wording.max_tokens / if telling.is_brief { BRIEF } else { 1 },
    };
    let mut words = first_prompt(wording.template.as_deref(), &input)?;
    let below = stack::prompt_words(telling.below, telling.conflicts, telling.is_rework);
    words.text.push_str(&below);
    if telling.is_brief {
        words.text.push_str(SPARING);
    }
    Ok(words)
}
