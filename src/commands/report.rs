//! `report`: what happened, as Markdown or HTML, to read and to forward.

use crate::cli::args::Format;
use crate::cli::look::{ReportArgs, ReportForm};
use crate::cli::values::Since;
use crate::commands::metrics::now;
use crate::commands::output::{Stream, write};
use crate::commands::place::Place;
use crate::commands::sender::redactor;
use crate::commands::store::look;
use crate::error::{Error, Kind};
use crate::reporters::markdown::markdown;
use crate::reporters::report::Report;
use crate::reporters::shape::VERSION;
use crate::rules::analytics::rows::Rows;
use crate::rules::exit::Exit;
use crate::serve::report::html;
use serde_json::json;
use std::ffi::OsStr;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

/// Thirty days, where no other time is asked for.
const USUAL: Since = Since::Ago(30 * 86_400_000);

/// Writes the report to where it is wanted.
pub fn run(place: &Place, args: &ReportArgs) -> Result<Exit, Error> {
    let (since, now) = (args.since.unwrap_or(USUAL), now());
    let from = since.before(now);
    let store = look(&place.state_dir()?)?;
    let rows = store.map(|store| store.rows(from)).transpose()?;
    let rows = rows.unwrap_or_else(Rows::default);
    let report = Report::new(&rows, (&since.name(), from), now);
    let text = match form(args) {
        ReportForm::Md => markdown(&report),
        ReportForm::Html => html(&report)
            .map_err(|cause| Error::new(Kind::Files, "make the report").because(&cause))?,
    };
    let text = redactor().clean(&text);
    let Some(file) = &args.output else {
        write(Stream::Out, &text)?;
        return Ok(Exit::Done);
    };
    replace(file, &text).map_err(|cause| {
        Error::new(Kind::Files, format!("write {}", file.display())).because(&cause)
    })?;
    let event = json!({ "v": VERSION, "event": "report", "file": file, "since": since.name() });
    let said = format!("Written to {}\n", file.display());
    match place.output.format() {
        Format::Text => write(Stream::Err, &said)?,
        Format::Json => place.output.result(&said, &event)?,
    }
    Ok(Exit::Done)
}

/// As it is asked for, else as the file's name says, else Markdown.
fn form(args: &ReportArgs) -> ReportForm {
    let by_name = args.output.as_deref().and_then(Path::extension);
    let is_page =
        |ending: &OsStr| ending.eq_ignore_ascii_case("html") || ending.eq_ignore_ascii_case("htm");
    args.form.unwrap_or_else(|| {
        if by_name.is_some_and(is_page) {
            ReportForm::Html
        } else {
            ReportForm::Md
        }
    })
}

/// The whole file or the old one: written beside it, flushed, and moved over it.
fn replace(file: &Path, text: &str) -> io::Result<()> {
    let name = file.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let mut draft = name.to_owned();
    draft.push(format!(".{}.new", std::process::id()));
    let draft = file.with_file_name(draft);
    let written = put(&draft, text).and_then(|()| fs::rename(&draft, file));
    if written.is_err() {
        // What was not moved is of no use.
        let _ = fs::remove_file(&draft);
    }
    written
}

fn put(draft: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(draft)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_as_a_whole_and_no_draft_stays() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("report.md");
        replace(&file, "one").unwrap();
        replace(&file, "two").unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "two");
        // What cannot be replaced stays, and so does nothing else.
        let folder = place.path().join("folder");
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("in-it"), "x").unwrap();
        assert!(replace(&folder, "three").is_err());
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 2);
    }

    #[test]
    fn the_file_s_name_says_what_it_is_unless_that_is_said() {
        let check = |output: Option<&str>, said, expect| {
            let args = ReportArgs {
                since: None,
                form: said,
                output: output.map(Into::into),
            };
            assert_eq!(form(&args), expect, "{output:?}");
        };
        check(None, None, ReportForm::Md);
        check(Some("a.html"), None, ReportForm::Html);
        check(Some("a.HTM"), None, ReportForm::Html);
        check(Some("a.txt"), None, ReportForm::Md);
        check(Some("a.html"), Some(ReportForm::Md), ReportForm::Md);
    }
}
