//! The file of one pull, and the pull in it.

use crate::adapters::local_forge::folder::Entry;
use crate::adapters::local_forge::front_matter::{Document, Malformed};
use crate::adapters::local_forge::issue::{file_url, written};
use crate::rules::ids::{PullNumber, Timestamp};
use crate::rules::task::{Pull, PullDraft};

/// What every branch of ours makes of the name of its pull's file.
const OURS: &str = "autoissue-";
const LONGEST: usize = 100;

/// The pull that a file holds.
pub fn read(entry: &Entry) -> Result<Pull, Malformed> {
    let document = &entry.document;
    let needed = |key: &str| {
        let missing = || Malformed::new(1, format!("has no `{key}:`"));
        document.text(key)?.ok_or_else(missing)
    };
    let body = document.body().replace("\r\n", "\n");
    Ok(Pull {
        number: PullNumber(entry.number),
        url: file_url(&entry.path),
        head: needed("head")?,
        base: needed("base")?,
        open: is_open(document)?,
        body: body.trim_matches('\n').to_owned(),
    })
}

/// The file of a new pull.
#[must_use]
pub fn new(number: PullNumber, draft: &PullDraft, at: Timestamp) -> Document {
    let mut document = Document::new("");
    document.set_plain("number", number.0);
    document.set_text("title", &draft.title);
    document.set_text("state", "open");
    document.set_text("head", draft.head.as_str());
    document.set_text("base", &draft.base);
    document.set_plain("draft", draft.draft);
    document.set_plain("issue", draft.issue.0);
    document.set_plain("created", written(at));
    put_body(&mut document, &draft.body);
    document
}

/// Gives a pull this draft's base, title and body.
pub fn correct(document: &mut Document, draft: &PullDraft) {
    document.set_text("title", &draft.title);
    document.set_text("base", &draft.base);
    put_body(document, &draft.body);
}

/// The name of a pull's file.
#[must_use]
pub fn file_name(number: PullNumber, head: &str) -> String {
    format!("{}-{}.md", number.0, slug(head))
}

/// May the file of this name be a pull from this branch? Only one that carries another branch's name is not.
#[must_use]
pub fn may_be_from(name: &str, head: &str) -> bool {
    let rest = name.trim_start_matches(|c: char| c.is_ascii_digit());
    let own = rest.strip_prefix('-').unwrap_or(rest);
    own == format!("{}.md", slug(head)) || !own.starts_with(OURS)
}

fn slug(head: &str) -> String {
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() || c == '.' {
            c
        } else {
            '-'
        }
    };
    head.chars().take(LONGEST).map(plain).collect()
}

fn is_open(document: &Document) -> Result<bool, Malformed> {
    let state = document.text("state")?.unwrap_or_default().to_lowercase();
    match state.as_str() {
        "open" => Ok(true),
        "closed" | "merged" => Ok(false),
        _ => {
            let problem = format!("`state: {state}` is not open, closed or merged");
            Err(Malformed::new(document.line_of("state"), problem))
        }
    }
}

/// Gives a pull this body.
pub fn put_body(document: &mut Document, body: &str) {
    document.set_body(&format!("\n{}\n", body.trim_end_matches('\n')));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_another_branchs_file_can_be_passed_over() {
        let check = |name: &str, expect: bool| {
            assert_eq!(may_be_from(name, "autoissue/3-mend"), expect, "{name}");
        };
        check("14-autoissue-3-mend.md", true);
        check("14-autoissue-3-mend-2.md", false);
        check("14-autoissue-4-other.md", false);
        check("14.md", true);
        check("renamed by hand.md", true);
    }
}
