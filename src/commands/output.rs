//! The one place where commands write to stdout and stderr.

use crate::cli::args::{Format, Globals};
use crate::error::{Color, Error, Kind};
use crate::reporters::paint::Colour;
use crate::rules::printable::plain_json;
use clap::ColorChoice;
use serde_json::Value;
use std::io::{ErrorKind, IsTerminal as _, Write};

/// Where a command's words go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Results.
    Out,
    /// Everything else.
    Err,
}

/// How results are written.
#[derive(Clone, Copy, Debug)]
pub struct Output {
    format: Format,
    color: ColorChoice,
}

impl Output {
    /// As the global flags say.
    #[must_use]
    pub fn new(globals: &Globals) -> Self {
        Self {
            format: globals.format,
            color: globals.color,
        }
    }

    /// Who reads stdout.
    #[must_use]
    pub fn format(&self) -> Format {
        self.format
    }

    /// Is colour wanted on this stream?
    #[must_use]
    pub fn color(&self, stream: Stream) -> Color {
        color(self.color, stream)
    }

    /// The same, as reporters ask for it.
    #[must_use]
    pub fn colour(&self) -> Colour {
        match self.color {
            ColorChoice::Auto => Colour::Auto,
            ColorChoice::Always => Colour::Always,
            ColorChoice::Never => Colour::Never,
        }
    }

    /// Writes a result: the text for a person, or the event for a program.
    pub fn result(&self, text: &str, event: &Value) -> Result<(), Error> {
        match self.format {
            Format::Text => write(Stream::Out, text),
            Format::Json => put_event(event),
        }
    }

    /// The same for a long result, of which only what is written is made.
    pub fn either(
        &self,
        text: impl FnOnce() -> String,
        event: impl FnOnce() -> Value,
    ) -> Result<(), Error> {
        match self.format {
            Format::Text => write(Stream::Out, &text()),
            Format::Json => put_event(&event()),
        }
    }

    /// Writes what somebody should know on the way: a line on stderr for a person, or the event for a program.
    pub fn note(&self, text: &str, event: &Value) -> Result<(), Error> {
        match self.format {
            Format::Text => write(Stream::Err, text),
            Format::Json => put_event(event),
        }
    }

    /// Writes why it went wrong.
    pub fn error(&self, error: &Error) -> Result<(), Error> {
        match self.format {
            Format::Text => write(Stream::Err, &error.text(self.color(Stream::Err))),
            Format::Json => put_event(&error.event()),
        }
    }
}

/// Is colour wanted: asked for, or on a terminal that did not say otherwise (<https://no-color.org>)?
#[must_use]
pub fn color(choice: ColorChoice, stream: Stream) -> Color {
    let terminal = match stream {
        Stream::Out => std::io::stdout().is_terminal(),
        Stream::Err => std::io::stderr().is_terminal(),
    };
    let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    match choice {
        ColorChoice::Always => Color::On,
        ColorChoice::Auto if terminal && !no_color && !dumb => Color::On,
        ColorChoice::Auto | ColorChoice::Never => Color::Off,
    }
}

/// Writes text as it is. A reader that has gone away is none of our business.
pub fn write(stream: Stream, text: &str) -> Result<(), Error> {
    let written = match stream {
        Stream::Out => put(&mut std::io::stdout().lock(), text),
        Stream::Err => put(&mut std::io::stderr().lock(), text),
    };
    match written {
        Err(cause) if cause.kind() != ErrorKind::BrokenPipe => {
            Err(Error::new(Kind::Files, "write the output").because(&cause))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

fn put_event(event: &Value) -> Result<(), Error> {
    let line = plain_json(event.to_string());
    write(Stream::Out, &format!("{line}\n"))
}

fn put(to: &mut dyn Write, text: &str) -> std::io::Result<()> {
    to.write_all(text.as_bytes())?;
    to.flush()
}
