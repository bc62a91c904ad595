//! `demo`: the whole of `exec` on a small project, offline, with a scripted agent.

use crate::cli::args::Globals;
use crate::cli::run::{DemoArgs, ExecArgs};
use crate::commands::demo::project::{DemoError, lay_out};
use crate::commands::exec;
use crate::commands::place::Place;
use crate::error::{Error, Kind};
use crate::rules::exit::Exit;
use serde_json::json;
use std::path::PathBuf;
use std::sync::Arc;

/// Runs the command.
pub async fn run(place: &Place, args: &DemoArgs) -> Result<Exit, Error> {
    let top = args
        .dir
        .as_ref()
        .map_or_else(fresh, |dir| Ok(place.cwd.join(dir)))?;
    let (root, state) = (top.join("tea-shop"), top.join("state"));
    let program = std::env::current_exe()
        .map_err(|cause| Error::new(Kind::Files, "find this program").because(&cause))?;
    let project = lay_out(&root, &program)?;
    let begin = json!({ "v": 1, "event": "demo", "project": project.root, "state": state });
    let shown = project.root.display();
    place.output.result(
        &format!("A tea shop with a backlog is in {shown}.\nEvery issue with the label `{}` is worked on by a scripted agent, without isolation.\n\n", project.label),
        &begin,
    )?;
    let globals = Globals {
        config: Some(project.config.clone()),
        state_dir: Some(state.clone()),
        ..place.globals.clone()
    };
    let there = Place {
        cwd: project.root.clone(),
        globals,
        output: place.output,
        has_begun: Arc::clone(&place.has_begun),
    };
    let exec = ExecArgs {
        label: Some(project.label.to_owned()),
        ..ExecArgs::default()
    };
    let exit = exec::run(&there, &exec).await?;
    let look = [
        format!("git -C {shown} log --oneline --graph --branches='autoissue/*'"),
        format!("ls {shown}/.autoissue/pulls"),
        format!(
            "cd {shown} && autoissue status --state-dir {}",
            state.display()
        ),
        format!(
            "cd {shown} && autoissue history 1 --state-dir {}",
            state.display()
        ),
        format!("rm -r {}", top.display()),
    ];
    let event = json!({ "v": 1, "event": "demo_finished", "exit": exit.code(), "look": look });
    if place.output.format() == crate::cli::args::Format::Text {
        place.output.result(
            &format!("\nLook around:\n  {}\n", look.join("\n  ")),
            &event,
        )?;
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

fn fresh() -> Result<PathBuf, Error> {
    let name = format!(
        "autoissue-demo-{}",
        &ulid::Ulid::generate().to_string()[16..]
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
