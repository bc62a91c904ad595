//! `demo`: the whole of `exec` on a small project, offline, with a scripted agent.

use crate::adapters::sandbox::shape::Isolation;
use crate::cli::args::Globals;
use crate::cli::run::{DemoArgs, ExecArgs};
use crate::commands::containment::isolation;
use crate::commands::demo::material::ISSUES;
use crate::commands::demo::project::{DemoError, lay_out};
use crate::commands::exec;
use crate::commands::place::Place;
use crate::config::loaded::Overrides;
use crate::error::{Error, Kind};
use crate::rules::exit::Exit;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Runs the command.
pub async fn run(place: &Place, args: &DemoArgs) -> Result<Exit, Error> {
    let top = args
        .dir
        .as_ref()
        .map_or_else(fresh, |dir| Ok(place.cwd.join(dir)))?;
    check_empty(&top)?;
    let (root, state) = (top.join("tea-shop"), top.join("state"));
    let program = std::env::current_exe()
        .map_err(|cause| Error::new(Kind::Files, "find this program").because(&cause))?;
    let project = lay_out(&root, &program)?;
    let globals = Globals {
        config: Some(project.config.clone()),
        state_dir: Some(state.clone()),
        ..place.globals.clone()
    };
    let there = Place {
        cwd: project.root.clone(),
        globals: globals.clone(),
        output: place.output,
        log: Arc::default(),
        has_begun: Arc::clone(&place.has_begun),
    };
    let wanted = there.load(&Overrides::default())?.config.sandbox.isolation;
    let isolation = isolation(wanted, &program)?;
    let word = isolation.as_ref().map_or("none", Isolation::word);
    let begin = json!({
        "v": 1, "event": "demo", "project": project.root, "state": state, "isolation": word,
    });
    let shown = project.root.display();
    place.output.result(
        &format!(
            "Here is a tea shop with {} open issues: {shown}\n\
             Now `autoissue exec {}` runs: four scripted agents, each in its own worktree;\n\
             what passes the check becomes a pull. No network; the money is play money.\n\
             {}\n\n",
            ISSUES.len(),
            project.label,
            around(isolation.as_ref())
        ),
        &begin,
    )?;
    let calling = Place {
        globals,
        ..place.clone()
    }
    .calling();
    let exec = ExecArgs {
        label: Some(project.label.to_owned()),
        ..ExecArgs::default()
    };
    let exit = Box::pin(exec::run(&there, &exec)).await?;
    let look = [
        format!("git -C {shown} log --oneline --graph --branches='autoissue/*'"),
        format!("ls {shown}/.autoissue/pulls"),
        calling.line("status"),
        calling.line("status --issue 4"),
        calling.line("history 11"),
        calling.line("metrics"),
        format!("rm -r {}", top.display()),
    ];
    let event = json!({ "v": 1, "event": "demo_finished", "exit": exit.code(), "look": look });
    if place.output.format() == crate::cli::args::Format::Text {
        place
            .output
            .result(&format!("\nLook around\n  {}\n", look.join("\n  ")), &event)?;
    }
    // That some issues of the demo do not end in a pull is its point.
    Ok(match exit {
        Exit::Unfinished => Exit::Done,
        Exit::Done
        | Exit::CouldNotRun
        | Exit::Usage
        | Exit::Budget
        | Exit::Interrupted
        | Exit::Held => exit,
    })
}

fn around(isolation: Option<&Isolation>) -> &'static str {
    match isolation {
        Some(Isolation::Bubblewrap { .. }) => {
            "Agents and checks run in bubblewrap: they see their worktree, and nothing of yours."
        }
        Some(Isolation::Seatbelt) => "Agents and checks run in the sandbox of macOS.",
        Some(Isolation::Landlock) => {
            "Agents and checks are limited by Landlock; with bubblewrap installed they would not even see other files."
        }
        None => "Agents and checks run as you, without a sandbox.",
    }
}

/// The demo makes more than its project there, and says how to remove all of it.
fn check_empty(top: &Path) -> Result<(), DemoError> {
    let is_empty = std::fs::read_dir(top).map_or(true, |mut entries| entries.next().is_none());
    if is_empty {
        Ok(())
    } else {
        Err(DemoError::NotEmpty(top.to_path_buf()))
    }
}

fn fresh() -> Result<PathBuf, Error> {
    let name = format!(
        "autoissue-demo-{}",
        &ulid::Ulid::generate().to_string()[20..]
    );
    let path = std::env::temp_dir().join(name);
    std::fs::create_dir(&path).map_err(|cause| {
        Error::new(Kind::Files, format!("make {}", path.display())).because(&cause)
    })?;
    Ok(path)
}

impl From<DemoError> for Error {
    fn from(error: DemoError) -> Self {
        Self::from_source(Kind::Files, &error).hints(["name an empty or new directory with --dir"])
    }
}
