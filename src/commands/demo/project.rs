//! Lays the demo's project out: a git repository with a history, a configuration and a backlog.

use crate::commands::demo::material::{File, HISTORY, ISSUES, LABEL};
use serde_json::{Value, json};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

const CONFIG: &str = "autoissue.config.json";
const NAME: &str = "Tea Shop";
const EMAIL: &str = "shop@example.invalid";

/// Why the project could not be made.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The directory holds something already.
    #[error("make the demo's project in {0}: it is not empty")]
    NotEmpty(PathBuf),
    /// The file system said no.
    #[error("{action}")]
    Io {
        /// What was tried.
        action: String,
        /// Why it failed.
        #[source]
        cause: io::Error,
    },
    /// Git said no.
    #[error("{action}: {detail}")]
    Git {
        /// What was tried.
        action: String,
        /// What git said.
        detail: String,
    },
}

/// The project, as it was laid out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DemoProject {
    /// Its directory.
    pub root: PathBuf,
    /// Its configuration.
    pub config: PathBuf,
    /// The label of its issues.
    pub label: &'static str,
}

/// Makes the project in a directory that is empty or does not exist; `program` is this program, which also plays the
/// agent (`__demo-agent`) and the check (`__demo-check`).
pub fn lay_out(root: &Path, program: &Path) -> Result<DemoProject, DemoError> {
    fs::create_dir_all(root).map_err(|cause| io_error(root, cause))?;
    let root = fs::canonicalize(root).map_err(|cause| io_error(root, cause))?;
    let mut entries = fs::read_dir(&root).map_err(|cause| io_error(&root, cause))?;
    if entries.next().is_some() {
        return Err(DemoError::NotEmpty(root));
    }
    git(&root, &["init", "--quiet", "--initial-branch=main"])?;
    git(&root, &["config", "user.name", NAME])?;
    git(&root, &["config", "user.email", EMAIL])?;
    for (subject, files) in HISTORY {
        write_all(&root, files)?;
        commit(&root, subject)?;
    }
    let config = root.join(CONFIG);
    let text = format!("{:#}\n", configuration(program));
    write(&config, &text)?;
    commit(&root, "Let autoissue work here")?;
    let home = root.join(".autoissue");
    write_all(&home.join("issues"), &ISSUES)?;
    write(&home.join(".gitignore"), "*\n")?;
    Ok(DemoProject {
        root,
        config,
        label: LABEL,
    })
}

fn configuration(program: &Path) -> Value {
    let program = program.to_string_lossy();
    json!({
        "project": { "baseBranch": "main" },
        "forge": { "kind": "local" },
        "executor": { "maxParallel": 4, "timeoutMinutes": 1, "maxRetries": 2 },
        "agent": {
            "kind": "command",
            "command": [program, "__demo-agent"],
            "model": "scripted",
            "maxBudgetUsd": 0.5,
        },
        "maxTotalBudgetUsd": 10.0,
        // Its agent takes next to no memory.
        "scheduling": { "dependencies": "stacked", "adaptive": false },
        "checks": [
            { "name": "house rules", "run": [program, "__demo-check"], "timeoutMinutes": 1 },
        ],
    })
}

fn write_all(root: &Path, files: &[File]) -> Result<(), DemoError> {
    files
        .iter()
        .try_for_each(|(path, text)| write(&root.join(path), text))
}

fn write(path: &Path, text: &str) -> Result<(), DemoError> {
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(path, text))
        .map_err(|cause| io_error(path, cause))
}

fn commit(root: &Path, subject: &str) -> Result<(), DemoError> {
    git(root, &["add", "--all"])?;
    git(
        root,
        &["commit", "--quiet", "--no-gpg-sign", "--message", subject],
    )
}

/// Runs git with nothing of the user's: neither configuration nor variables such as `GIT_DIR`.
fn git(root: &Path, arguments: &[&str]) -> Result<(), DemoError> {
    let action = || format!("run git {} in {}", arguments[0], root.display());
    let run = Command::new("git")
        .args(arguments)
        .current_dir(root)
        .env_clear()
        .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .output()
        .map_err(|cause| DemoError::Io {
            action: action(),
            cause,
        })?;
    if run.status.success() {
        return Ok(());
    }
    Err(DemoError::Git {
        action: action(),
        detail: String::from_utf8_lossy(&run.stderr).trim().to_owned(),
    })
}

fn io_error(path: &Path, cause: io::Error) -> DemoError {
    DemoError::Io {
        action: format!("write {}", path.display()),
        cause,
    }
}
