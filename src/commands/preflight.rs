//! What would fail only after an agent was paid for is found before anything is fetched.

use crate::commands::account::{HOW_TO_ALLOW, wanted};
use crate::commands::offering::offering;
use crate::commands::probe::is_program;
use crate::commands::project::Home;
use crate::commands::wire::Wiring;
use crate::config::loaded::Loaded;
use crate::error::{Error, Kind};
use crate::ports::Repository;
use crate::rules::access::{Access, Granted, Standing};
use crate::rules::feature::Feature;
use crate::rules::ids::BranchName;
use crate::rules::prompt::first::VARIABLES;
use crate::rules::prompt::try_out::check_template;

/// Refuses a run that cannot come to anything: the token, the words for the agent, checks and setup.
pub fn check(wiring: &Wiring) -> Result<(), Error> {
    check_home(wiring)?;
    check_places(wiring)?;
    template(&wiring.loaded)?;
    offering(&wiring.loaded)?;
    check_commands(wiring)
}

/// The same, and an app that may not do it.
pub async fn check_run(wiring: &Wiring, more: &[Feature]) -> Result<(), Error> {
    check(wiring)?;
    check_access(wiring, more).await
}

/// Refuses an app that may not do what a run comes to nothing without, and `more`. What a person's token may do GitHub
/// tells only as it refuses something.
pub async fn check_access(wiring: &Wiring, more: &[Feature]) -> Result<(), Error> {
    let Some(tokens) = wiring.tokens() else {
        return Ok(());
    };
    let Some(granted) = tokens.granted().await? else {
        return Ok(());
    };
    let access = Access {
        granted: Granted::Permissions(granted),
        may_push: None,
        is_private: true,
    };
    let is_needed = |feature: &Feature| feature.is_essential() || more.contains(feature);
    let wanted = wanted(&wiring.loaded.config);
    let lacks =
        wanted
            .into_iter()
            .filter(is_needed)
            .filter_map(|feature| match access.standing(feature) {
                Standing::Missing(missing) => {
                    Some(format!("{} ({})", missing.join(", "), feature.words()))
                }
                Standing::Given | Standing::Untold => None,
            });
    let lacks: Vec<String> = lacks.collect();
    if lacks.is_empty() {
        return Ok(());
    }
    let home = wiring.project_key();
    Err(
        Error::new(Kind::Auth, format!("work on {home} as the GitHub App"))
            .cause(format!("its installation lacks {}", lacks.join(", ")))
            .hints([HOW_TO_ALLOW]),
    )
}

/// Refuses a base branch that the remote does not have, and a remote that cannot take ours; brings the mirror up to date.
pub async fn check_remote(wiring: &Wiring, repository: &dyn Repository) -> Result<(), Error> {
    repository.fetch(&wiring.project.base_branch).await?;
    // A branch is a file to git, and ours are files in a directory of that name.
    let taken = BranchName::new("autoissue");
    if repository.remote_head(&taken).await?.is_none() {
        return Ok(());
    }
    Err(Error::new(Kind::Repository, "make branches of our own")
        .cause("the remote has a branch `autoissue`, beside which there is none like `autoissue/12-title`")
        .hints(["rename it: `git branch -m autoissue another-name`, on the remote, too"]))
}

/// Issues on GitHub that cannot be seen are not taken for none.
fn check_home(wiring: &Wiring) -> Result<(), Error> {
    let issues = wiring
        .project
        .top
        .join(&wiring.loaded.config.forge.issues_dir);
    match &wiring.project.home {
        Home::Local {
            in_place_of: Some(repo),
        } if !issues.is_dir() => Err(Error::new(Kind::Auth, format!("work on issues of {repo}"))
            .cause(format!(
                "no token for GitHub was found, and there are no local issues in {}",
                wiring.loaded.config.forge.issues_dir.display()
            ))
            .hints([
                "run `gh auth login` or set GITHUB_TOKEN",
                "`autoissue init` makes a directory for local issues",
            ])),
        Home::Local { .. } | Home::Github { .. } => Ok(()),
    }
}

/// Nothing of ours is made in the user's checkout.
fn check_places(wiring: &Wiring) -> Result<(), Error> {
    let slots = wiring.git_place().slots;
    for (key, directory) in [("--state-dir", &wiring.state), ("worktree.root", &slots)] {
        if directory.starts_with(&wiring.project.top) {
            let cause = format!("`{}` lies in the checkout", directory.display());
            return Err(Error::new(Kind::Config, "keep worktrees")
                .cause(cause)
                .hints([format!("set {key} to a directory outside of it")]));
        }
    }
    Ok(())
}

/// A check whose program is missing fails every task, after its agent was paid; what the setup brings is not known yet.
fn check_commands(wiring: &Wiring) -> Result<(), Error> {
    let setup = wiring.setup();
    let checks = &wiring.loaded.config.checks;
    let checks = checks.iter().enumerate().filter(|_| setup.is_none());
    let checks = checks.map(|(place, check)| {
        let what = format!("the check `{}`", check.name);
        (what, format!("checks[{place}].run"), check.run.words())
    });
    let setup = setup.iter().map(|setup| {
        let what = "the setup of the worktrees".to_owned();
        (what, "worktree.setup".to_owned(), setup.argv.as_slice())
    });
    for (what, key, argv) in setup.chain(checks) {
        // One with a path is part of the repository, or made by its setup.
        let missing = argv
            .first()
            .filter(|program| !program.contains('/') && !is_program(program, &wiring.project.top));
        if let Some(program) = missing {
            return Err(Error::new(Kind::Config, format!("run {what}"))
                .cause(format!("there is no program `{program}`"))
                .hints([format!("install it, or correct {key}")]));
        }
    }
    Ok(())
}

/// The template of the words for the agent, where there is one; it works for any issue.
pub fn template(loaded: &Loaded) -> Result<Option<String>, Error> {
    let Some(path) = &loaded.config.prompt else {
        return Ok(None);
    };
    let path = loaded.resolve(path);
    let refuse = |cause: &dyn std::error::Error| {
        Error::new(
            Kind::Config,
            format!("use the prompt template {}", path.display()),
        )
        .because(cause)
    };
    let text = std::fs::read_to_string(&path)
        .map_err(|cause| refuse(&cause).hints(["correct `prompt` in the configuration"]))?;
    check_template(&text).map_err(|cause| refuse(&cause).hints([template_hint()]))?;
    Ok(Some(text))
}

/// What a person can do about a prompt template.
fn template_hint() -> String {
    format!(
        "a template shows `issue.text`, and may use {}; `autoissue prompt template` prints the built-in one",
        VARIABLES.join(", ")
    )
}
