//! `completions` and `man`: the command line, for shells and for readers.

use crate::cli::args::Cli;
use crate::cli::setup::ManArgs;
use crate::commands::output::{Stream, write};
use crate::error::{Error, Kind};
use crate::rules::exit::Exit;
use clap::CommandFactory as _;
use clap_complete::Shell;

const NAME: &str = "autoissue";

/// Prints completions for a shell.
pub fn completions(shell: Shell) -> Result<Exit, Error> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), NAME, &mut script);
    write(Stream::Out, &String::from_utf8_lossy(&script))?;
    Ok(Exit::Done)
}

/// Prints the manual page, or writes one for every command.
pub fn man(args: &ManArgs) -> Result<Exit, Error> {
    let unwritten = |cause| Error::new(Kind::Files, "write the manual").because(&cause);
    if let Some(directory) = &args.dir {
        std::fs::create_dir_all(directory).map_err(unwritten)?;
        clap_mangen::generate_to(Cli::command(), directory).map_err(unwritten)?;
    } else {
        let mut page = Vec::new();
        clap_mangen::Man::new(Cli::command())
            .render(&mut page)
            .map_err(unwritten)?;
        write(Stream::Out, &String::from_utf8_lossy(&page))?;
    }
    Ok(Exit::Done)
}
