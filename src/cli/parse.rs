//! From arguments to a command, or to what is said instead.

use crate::cli::args::{Cli, Commands};
use crate::error::{Color, Error, Kind};
use crate::rules::exit::Exit;
use clap::builder::StyledStr;
use clap::error::ErrorKind;
use clap::{ColorChoice, CommandFactory as _, Parser as _, ValueEnum as _};
use std::ffi::OsString;

/// What is said instead of running a command.
#[derive(Debug)]
pub enum Instead {
    /// Help or the version, for stdout.
    Help(StyledStr),
    /// The command line is wrong: for stderr.
    Wrong(StyledStr),
    /// The same for a program: an event for stdout.
    Event(Error),
}

impl Instead {
    /// How the process ends.
    #[must_use]
    pub const fn exit(&self) -> Exit {
        match self {
            Self::Help(_) => Exit::Done,
            Self::Wrong(_) | Self::Event(_) => Exit::Usage,
        }
    }

    /// The words.
    #[must_use]
    pub fn text(&self, color: Color) -> String {
        match (self, color) {
            (Self::Event(error), _) => format!("{}\n", error.event()),
            (Self::Help(text) | Self::Wrong(text), Color::On) => text.ansi().to_string(),
            (Self::Help(text) | Self::Wrong(text), Color::Off) => text.to_string(),
        }
    }
}

/// Reads the arguments, the program's own name first.
pub fn parse(args: &[OsString]) -> Result<Cli, Instead> {
    Cli::try_parse_from(args)
        .and_then(with_issues)
        .map_err(|error| instead(&error, args))
}

/// `exec` needs to know what to work on.
fn with_issues(cli: Cli) -> Result<Cli, clap::Error> {
    match &cli.command {
        Commands::Exec(exec) if exec.label.is_none() && exec.issue.is_empty() => {
            let mut command = Cli::command();
            command.build();
            let exec = command
                .find_subcommand_mut("exec")
                .expect("`exec` is a command");
            Err(exec.error(
                ErrorKind::MissingRequiredArgument,
                "say which issues: a label, or numbers\n\n  \
                 example: autoissue exec backlog\n  example: autoissue exec --issue 12",
            ))
        }
        _ => Ok(cli),
    }
}

fn instead(error: &clap::Error, args: &[OsString]) -> Instead {
    let text = error.render();
    let no_command = error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand;
    if !error.use_stderr() || (no_command && args.len() <= 1) {
        return Instead::Help(text);
    }
    if flag(args, "--format").is_some_and(|value| value == "json") {
        let plain = text.to_string();
        let (first, _) = plain.split_once("\n\nUsage").unwrap_or((&plain, ""));
        let cause = first.trim_start_matches("error: ").trim_end();
        return Instead::Event(
            Error::new(Kind::Usage, "read the command line")
                .cause(cause)
                .hints(["`autoissue --help` shows the commands and flags"]),
        );
    }
    Instead::Wrong(text)
}

/// The colour that was asked for, where the arguments as a whole cannot be read.
#[must_use]
pub fn color(args: &[OsString]) -> ColorChoice {
    flag(args, "--color")
        .and_then(|value| ColorChoice::from_str(value, false).ok())
        .unwrap_or_default()
}

/// The value of a global flag, by hand.
fn flag<'a>(args: &'a [OsString], name: &str) -> Option<&'a str> {
    let mut args = args.iter().filter_map(|arg| arg.to_str());
    while let Some(arg) = args.next() {
        match arg.strip_prefix(name) {
            Some("") => return args.next(),
            Some(rest) if rest.starts_with('=') => return Some(&rest[1..]),
            Some(_) | None => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::run::ExecArgs;
    use crate::config::filters::Filters;

    fn exec(args: &[&str]) -> Result<ExecArgs, Instead> {
        let args: Vec<OsString> = ["autoissue", "exec"]
            .iter()
            .chain(args)
            .map(OsString::from)
            .collect();
        parse(&args).map(|cli| match cli.command {
            Commands::Exec(exec) => exec,
            other => unreachable!("{other:?}"),
        })
    }

    #[test]
    fn the_definition_of_the_command_line_holds_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_label_or_numbers_select_issues() {
        let check = |args: &[&str], name: &str| {
            assert_eq!(
                exec(args).unwrap().selection(&Filters::default()).name(),
                name,
                "{args:?}"
            );
        };
        check(&["backlog"], "label backlog");
        check(&["--issue", "12", "--issue=7"], "issues #7 #12");
        check(&["backlog", "--issue", "1"], "label backlog, issues #1");
        let nothing = exec(&[]).unwrap_err();
        assert_eq!(nothing.exit(), Exit::Usage);
        assert!(
            matches!(nothing, Instead::Wrong(text) if text.to_string().contains("example: autoissue exec backlog"))
        );
    }

    #[test]
    fn flags_become_overrides_of_the_configuration() {
        let exec = exec(&["x", "--budget", "25.5", "--max-parallel", "8", "--no-pr"]).unwrap();
        let loaded =
            crate::config::load::load(std::path::Path::new("/"), None, &exec.overrides(), &|_| {
                None
            })
            .unwrap();
        assert_eq!(
            loaded.config.max_total_budget_usd.usd().to_string(),
            "$25.50"
        );
        assert_eq!(loaded.config.executor.max_parallel.get(), 8);
        assert!(!loaded.config.executor.create_pr);
        assert_eq!(loaded.config.agent.usual_model().as_deref(), Some("sonnet"));
    }

    #[test]
    fn a_program_gets_its_usage_errors_as_an_event() {
        let wrong = exec(&["x", "--format", "json", "--budget", "NaN"]).unwrap_err();
        assert_eq!(wrong.exit(), Exit::Usage);
        let Instead::Event(error) = wrong else {
            unreachable!("{wrong:?}")
        };
        let event = error.event();
        assert_eq!(event["kind"], "usage");
        assert!(
            event["message"]
                .as_str()
                .unwrap()
                .contains("--budget <USD>")
        );
    }
}
