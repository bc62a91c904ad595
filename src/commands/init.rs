//! `init`: a configuration for this repository.

use crate::cli::setup::InitArgs;
use crate::commands::checkout::{self, Checkout};
use crate::commands::guess;
use crate::commands::place::{Place, variable};
use crate::commands::project::{Home, Project, detect};
use crate::commands::token;
use crate::config::load::without_file;
use crate::config::loaded::Loaded;
use crate::config::shape::{Config, FILE_NAME, VERSION};
use crate::error::{Error, Kind};
use crate::rules::exit::Exit;
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
    labels: Vec<String>,
}

/// Writes the configuration; `create_labels` is called where labels are wanted on GitHub.
pub async fn run(
    place: &Place,
    args: InitArgs,
    create_labels: impl AsyncFnOnce(&Loaded, &Project, &[String]) -> Result<(), Error>,
) -> Result<Exit, Error> {
    let checkout = checkout::look(&place.cwd)?;
    let file = match &place.globals.config {
        Some(path) => place.cwd.join(path),
        None => checkout.top.join(FILE_NAME),
    };
    if file.exists() && !args.force {
        return Err(exists(&file));
    }
    let loaded = without_file(&checkout.top, &variable)?;
    let project = detect(&loaded.config, &checkout, &|| {
        token::source(&variable).is_some()
    })?;
    let checks = guess::checks(&checkout.top);
    write_file(&file, &content(&project, &checks), args.force)?;
    let labels = match (&project.home, args.labels) {
        (Home::Github { .. }, true) => state_labels(&loaded.config),
        (Home::Github { .. } | Home::Local { .. }, _) => Vec::new(),
    };
    if !labels.is_empty() {
        create_labels(&loaded, &project, &labels).await?;
    }
    let issues = match project.home {
        Home::Github { .. } => None,
        Home::Local { .. } => Some(make_issues_directory(&checkout, &loaded.config)?),
    };
    let text_of = |check: &Value| check["run"].as_str().map(str::to_owned);
    let done = Done {
        file,
        checks: checks.iter().filter_map(text_of).collect(),
        issues,
        labels,
    };
    tell(place, &project, &done)?;
    Ok(Exit::Done)
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
            "model": defaults.agent.model,
            "maxBudgetUsd": defaults.agent.max_budget_usd,
            "yolo": defaults.agent.yolo,
        },
        "maxTotalBudgetUsd": defaults.max_total_budget_usd,
        "checks": checks,
    });
    let text = serde_json::to_string_pretty(&content).expect("plain values are always JSON");
    text + "\n"
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

fn state_labels(config: &Config) -> Vec<String> {
    let labels = &config.labels;
    [
        &labels.working,
        &labels.completed,
        &labels.failed,
        &labels.blocked,
    ]
    .into_iter()
    .filter(|label| !label.is_empty())
    .cloned()
    .collect()
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
    if !done.labels.is_empty() {
        let _ = writeln!(text, "  labels   {}", done.labels.join(", "));
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
        "labels": done.labels,
    });
    place.output.result(&text, &event)
}
