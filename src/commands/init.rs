//! `init`: a configuration for this repository.

use crate::adapters::github::writes::LabelSpec;
use crate::cli::setup::InitArgs;
use crate::commands::checkout::{self, Checkout};
use crate::commands::checks::source;
use crate::commands::identity::Identity;
use crate::commands::place::{Place, variable};
use crate::commands::project::{Home, Project, detect};
use crate::commands::wire::github;
use crate::config::load::without_file;
use crate::config::shape::{Config, FILE_NAME, VERSION};
use crate::error::{Error, Kind};
use crate::rules::checks::detect;
use crate::rules::checks::shape::{DetectedCheck, Need};
use crate::rules::exit::Exit;
use crate::rules::printable::printable;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

/// What `init` did.
#[derive(Debug)]
struct Done {
    file: PathBuf,
    checks: Vec<String>,
    issues: Option<PathBuf>,
    labels: Labels,
}

/// What became of the labels that show where an issue stands.
#[derive(Debug)]
enum Labels {
    NotAsked,
    /// The local forge takes any label.
    NotNeeded,
    /// These were missing, and are there now.
    Created(Vec<String>),
}

/// Writes the configuration, and on request the labels.
pub async fn run(place: &Place, args: InitArgs) -> Result<Exit, Error> {
    let checkout = checkout::look(&place.cwd)?;
    let file = match &place.globals.config {
        Some(path) => place.cwd.join(path),
        None => checkout.top.join(FILE_NAME),
    };
    if file.exists() && !args.force {
        return Err(exists(&file));
    }
    let loaded = without_file(&checkout.top, &variable)?;
    let who = Identity::of(&loaded);
    let project = detect(&loaded.config, &checkout, &|| who.is_known())?;
    let labels = match (&project.home, args.labels) {
        (_, false) => Labels::NotAsked,
        (Home::Local { .. }, true) => Labels::NotNeeded,
        (Home::Github { repo, .. }, true) => {
            let tokens = who.sign(repo)?.map(|signed| signed.tokens);
            let forge = github(&loaded.config, repo, tokens)?;
            Labels::Created(forge.ensure_labels(&state_labels(&loaded.config)).await?)
        }
    };
    let checks: Vec<Value> = found_checks(&checkout.top)?;
    write_file(&file, &content(&project, &checks), args.force)?;
    let issues = match project.home {
        Home::Github { .. } => None,
        Home::Local { .. } => Some(make_issues_directory(&checkout, &loaded.config)?),
    };
    let done = Done {
        file,
        checks: checks.iter().map(command_of).collect(),
        issues,
        labels,
    };
    tell(place, &project, &done)?;
    Ok(Exit::Done)
}

impl Labels {
    fn words(&self) -> Option<String> {
        match self {
            Self::NotAsked => None,
            Self::NotNeeded => Some("none needed: local issues take any".to_owned()),
            Self::Created(created) if created.is_empty() => Some("all there already".to_owned()),
            Self::Created(created) => Some(format!("created {}", created.join(", "))),
        }
    }

    fn created(&self) -> &[String] {
        match self {
            Self::NotAsked | Self::NotNeeded => &[],
            Self::Created(created) => created,
        }
    }
}

fn exists(file: &Path) -> Error {
    Error::new(Kind::Files, format!("write {}", file.display()))
        .cause("it is there already")
        .hints([
            "`autoissue init --force` replaces it",
            "`autoissue config show` shows what is in effect",
        ])
}

fn content(project: &Project, checks: &[Value]) -> String {
    let defaults = Config::default();
    let repo = match &project.home {
        Home::Github { repo, .. } => Some(repo.as_str()),
        Home::Local { .. } => None,
    };
    let mut about = json!({ "baseBranch": project.base_branch });
    if let Some(repo) = repo {
        about = json!({ "repo": repo, "baseBranch": project.base_branch });
    }
    let content = json!({
        "version": VERSION,
        "project": about,
        "executor": {
            "maxParallel": defaults.executor.max_parallel,
            "timeoutMinutes": defaults.executor.timeout_minutes,
            "prDraft": defaults.executor.pr_draft,
        },
        "agent": {
            "kind": defaults.agent.kind,
            "model": defaults.agent.usual_model(),
            "maxBudgetUsd": defaults.agent.max_budget_usd,
            "yolo": defaults.agent.yolo,
        },
        "maxTotalBudgetUsd": defaults.max_total_budget_usd,
        "checks": checks,
    });
    let text = serde_json::to_string_pretty(&content).expect("plain values are always JSON");
    text + "\n"
}

/// The checks that the files of the checkout speak for, as the configuration writes them. What needs a git directory is
/// left out: the worktrees of checks have none.
fn found_checks(top: &Path) -> Result<Vec<Value>, Error> {
    let found = detect::detect(&source::of_checkout(top)?).checks;
    let able = found
        .iter()
        .filter(|check| !check.needs.contains(&Need::GitDirectory));
    Ok(able.map(written).collect())
}

fn written(check: &DetectedCheck) -> Value {
    let line = |argv: &[String]| shell_words::join(argv);
    let mut written = json!({ "name": check.name, "kind": check.kind, "run": line(&check.argv) });
    if !check.prepare.is_empty() {
        written["prepare"] = line(&check.prepare).into();
    }
    if !check.directory.is_empty() {
        written["directory"] = check.directory.clone().into();
    }
    written
}

fn command_of(check: &Value) -> String {
    let text = |key: &str| check[key].as_str().unwrap_or_default();
    printable(&match text("directory") {
        "" => text("run").to_owned(),
        directory => format!("{} in {directory}", text("run")),
    })
}

/// Never over another file, unless told to; and then all or nothing.
fn write_file(file: &Path, content: &str, force: bool) -> Result<(), Error> {
    let unwritten = |cause: std::io::Error| {
        Error::new(Kind::Files, format!("write {}", file.display())).because(&cause)
    };
    if force {
        let beside = file.with_extension("json.new");
        std::fs::write(&beside, content).map_err(unwritten)?;
        return std::fs::rename(&beside, file).map_err(unwritten);
    }
    let created = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(file);
    match created {
        Ok(mut created) => created.write_all(content.as_bytes()).map_err(unwritten),
        Err(cause) if cause.kind() == ErrorKind::AlreadyExists => Err(exists(file)),
        Err(cause) => Err(unwritten(cause)),
    }
}

fn state_labels(config: &Config) -> Vec<LabelSpec> {
    let labels = &config.labels;
    let specs = [
        (&labels.working, "fbca04", "autoissue works on it"),
        (
            &labels.completed,
            "0e8a16",
            "autoissue offers a pull request for it",
        ),
        (&labels.failed, "d73a4a", "autoissue could not do it"),
        (
            &labels.blocked,
            "c5def5",
            "autoissue waits for something else first",
        ),
    ];
    let named = specs.into_iter().filter(|(name, ..)| !name.is_empty());
    let spec = |(name, color, description): (&String, &str, &str)| LabelSpec {
        name: name.clone(),
        color: color.to_owned(),
        description: description.to_owned(),
    };
    named.map(spec).collect()
}

/// The local forge's issues, which are not part of the repository.
fn make_issues_directory(checkout: &Checkout, config: &Config) -> Result<PathBuf, Error> {
    let issues = checkout.top.join(&config.forge.issues_dir);
    let make = || -> std::io::Result<()> {
        std::fs::create_dir_all(&issues)?;
        let ignore = checkout.top.join(".autoissue/.gitignore");
        if issues.starts_with(checkout.top.join(".autoissue")) && !ignore.exists() {
            std::fs::write(ignore, "*\n")?;
        }
        Ok(())
    };
    make().map_err(|cause| {
        Error::new(Kind::Files, format!("make {}", issues.display())).because(&cause)
    })?;
    Ok(issues)
}

fn tell(place: &Place, project: &Project, done: &Done) -> Result<(), Error> {
    let mut text = format!("wrote {}\n", done.file.display());
    let _ = writeln!(text, "  project  {} ({})", project.name(), project.why);
    let _ = writeln!(text, "  base     {}", project.base_branch);
    let _ = match done.checks.as_slice() {
        [] => writeln!(
            text,
            "  checks   none recognised: name your tests under `checks`"
        ),
        checks => writeln!(text, "  checks   {}", checks.join(", ")),
    };
    if let Some(issues) = &done.issues {
        let _ = writeln!(text, "  issues   {}", issues.display());
    }
    if let Some(labels) = done.labels.words() {
        let _ = writeln!(text, "  labels   {labels}");
    }
    text.push_str(
        "\nnext:\n  autoissue doctor                    what is missing?\n  \
         autoissue exec <label> --dry-run    what would run, at which price?\n",
    );
    let event = json!({
        "event": "initialised",
        "file": done.file,
        "project": project.name(),
        "base_branch": project.base_branch,
        "checks": done.checks,
        "issues": done.issues,
        "labels": done.labels.created(),
    });
    place.output.result(&text, &event)
}
