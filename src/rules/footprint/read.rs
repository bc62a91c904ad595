//! What an issue's own text says of the files of a tree: names, patterns, traces, lists.

use crate::rules::footprint::glob::patterns;
use crate::rules::footprint::listed::listed;
use crate::rules::footprint::named::{FILES_MAX, named_in_text};
use crate::rules::footprint::pile::Pile;
use crate::rules::footprint::trace::frames;
use crate::rules::footprint::tree::Tree;
use crate::rules::footprint::{Evidence, Footprint, LikelyFile};
use crate::rules::issue::Issue;

/// How strong it is that a text names a file of the tree by its path, or by a name that only this file has.
const BY_PATH: f64 = 0.9;
const BY_NAME: f64 = 0.8;
/// The same for a file that is not there: it may still be made. Two tasks that name one such file stay apart.
const NEW_BY_PATH: f64 = 0.8;
const NEW_BY_NAME: f64 = 0.6;
/// A trace names the place of the fault, or of its discovery.
const IN_TRACE: f64 = 0.9;
/// Where a place in a trace only ends like a file of the tree.
const LIKE_IN_TRACE: f64 = 0.6;

/// Adds what the text says. Paths that are not in the tree are added as well: they may be new.
pub fn read(issue: &Issue, tree: &Tree, pile: &mut Pile) {
    let fitted = read_patterns(issue, tree, pile);
    for file in named_in_text(issue).files {
        if !fitted.contains(&file.path) {
            name(&file.path, tree, Evidence::NamedInText, pile);
        }
    }
    for path in listed(&issue.body).into_iter().take(FILES_MAX) {
        name(&path, tree, Evidence::Listed, pile);
    }
    for (place, frame) in frames(&issue.body).iter().enumerate() {
        read_frame(frame, place, tree, pile);
    }
}

/// Without a tree: what the text names, as it stands.
#[must_use]
pub fn read_alone(issue: &Issue) -> Footprint {
    let mut footprint = named_in_text(issue);
    for path in listed(&issue.body) {
        let known = footprint
            .files
            .binary_search_by(|file| file.path.as_str().cmp(&path));
        let listed = LikelyFile::new(&path, BY_PATH, Evidence::Listed);
        match known {
            Ok(at) => footprint.files[at].evidence.extend(listed.evidence),
            Err(_) if footprint.files.len() >= FILES_MAX => {}
            Err(at) => footprint.files.insert(at, listed),
        }
    }
    footprint
}

/// The more files share a strength, the less of it each has: one of ten is meant with a chance of a tenth, all of ten
/// with a chance that we do not know.
#[must_use]
pub fn shared(strength: f64, files: usize) -> f64 {
    let files = u32::try_from(files.max(1)).unwrap_or(u32::MAX);
    strength / f64::from(files).sqrt()
}

/// Returns the directories of the patterns that fit something: those are not meant as a whole.
fn read_patterns(issue: &Issue, tree: &Tree, pile: &mut Pile) -> Vec<String> {
    let mut directories = Vec::new();
    for pattern in patterns(&format!("{}\n{}", issue.title, issue.body)) {
        let found = tree.fitting(&pattern, FILES_MAX);
        for path in &found {
            pile.add(path, Evidence::NamedInText, shared(BY_PATH, found.len()));
        }
        let home = pattern
            .find('*')
            .and_then(|star| pattern[..star].rfind('/'));
        if let (Some(slash), false) = (home, found.is_empty()) {
            directories.push(pattern[..=slash].to_owned());
        }
    }
    directories
}

fn name(path: &str, tree: &Tree, kind: Evidence, pile: &mut Pile) {
    if path.ends_with('/') {
        return name_directory(path, tree, kind, pile);
    }
    if tree.contains(path) {
        return pile.add(path, kind, BY_PATH);
    }
    let has_directory = path.contains('/');
    let (found, segments) = tree.ending_like(path);
    // Of a path with directories more than the name has to be right.
    let found = if has_directory && segments < 2 {
        vec![]
    } else {
        found
    };
    for known in &found {
        pile.add(known, kind, shared(BY_NAME, found.len()));
    }
    if found.is_empty() {
        pile.add(
            path,
            kind,
            if has_directory {
                NEW_BY_PATH
            } else {
                NEW_BY_NAME
            },
        );
    }
}

/// Of a directory some files are meant; a new one stands for itself.
fn name_directory(path: &str, tree: &Tree, kind: Evidence, pile: &mut Pile) {
    let files = tree.below(path).count();
    for file in tree.below(path).take(FILES_MAX) {
        pile.add(file, kind, shared(BY_PATH, files));
    }
    if files == 0 {
        pile.add(path, kind, NEW_BY_PATH);
    }
}

fn read_frame(frame: &str, place: usize, tree: &Tree, pile: &mut Pile) {
    let (found, segments) = tree.ending_like(frame);
    let depth = 1.0 + f64::from(u32::try_from(place).unwrap_or(u32::MAX)) / 4.0;
    for known in &found {
        let is_whole = known.split('/').count() == segments || frame.split('/').count() == segments;
        if is_whole {
            pile.add(
                known,
                Evidence::StackTrace,
                shared(IN_TRACE / depth, found.len()),
            );
        } else if segments > 1 {
            pile.add(
                known,
                Evidence::StackTrace,
                shared(LIKE_IN_TRACE / depth, found.len()),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::issue::tests::issue;

    /// What the text says of this tree: `path kind strength`, by path.
    fn said(body: &str) -> Vec<String> {
        let tree = Tree::new([
            "README.md",
            "src/a.rs",
            "src/b/a.rs",
            "src/b/deep.rs",
            "src/b/mod.rs",
            "src/c/mod.rs",
            "web/App.tsx",
        ]);
        let mut pile = Pile::default();
        read(&issue("Title", body), &tree, &mut pile);
        let mut lines = Vec::new();
        for (path, strengths) in pile.files() {
            for (kind, strength) in Evidence::ALL.into_iter().zip(strengths) {
                if *strength > 0.0 {
                    lines.push(format!("{path} {} {strength:.2}", kind.word()));
                }
            }
        }
        lines
    }

    #[test]
    fn names_are_looked_up_in_the_tree() {
        let check = |body: &str, expect: &[&str]| assert_eq!(said(body), expect, "{body}");
        check("src/a.rs", &["src/a.rs named_in_text 0.90"]);
        check("b/deep.rs", &["src/b/deep.rs named_in_text 0.80"]);
        check("App.tsx", &["web/App.tsx named_in_text 0.80"]);
        check(
            "mod.rs",
            &[
                "src/b/mod.rs named_in_text 0.57",
                "src/c/mod.rs named_in_text 0.57",
            ],
        );
        check("README.md", &["README.md named_in_text 0.90"]);
        check("", &[]);
    }

    #[test]
    fn a_file_that_is_not_there_may_be_new() {
        let check = |body: &str, expect: &[&str]| assert_eq!(said(body), expect, "{body}");
        check("add src/new.rs", &["src/new.rs named_in_text 0.80"]);
        check("add other/mod.rs", &["other/mod.rs named_in_text 0.80"]);
        check("add new.rs", &["new.rs named_in_text 0.60"]);
        check("add src/new/", &["src/new/ named_in_text 0.80"]);
    }

    #[test]
    fn directories_and_patterns_mean_some_of_their_files() {
        let check = |body: &str, expect: &[&str]| assert_eq!(said(body), expect, "{body}");
        check("in src/c/", &["src/c/mod.rs named_in_text 0.90"]);
        check(
            "src/**/mod.rs",
            &[
                "src/b/mod.rs named_in_text 0.64",
                "src/c/mod.rs named_in_text 0.64",
            ],
        );
        check("`*.tsx`", &["web/App.tsx named_in_text 0.90"]);
        check("all web/*.css", &["web/App.tsx named_in_text 0.90"]);
    }

    #[test]
    fn traces_and_lists_are_kinds_of_their_own() {
        let body = "```\nat f (/home/me/shop/src/b/deep.rs:1:2)\nat g (/home/me/shop/web/App.tsx:3:4)\n```";
        assert_eq!(
            said(body),
            [
                "src/b/deep.rs stack_trace 0.90",
                "web/App.tsx stack_trace 0.72"
            ]
        );
        assert_eq!(
            said("## Files\n- `src/b/deep.rs`"),
            [
                "src/b/deep.rs named_in_text 0.90",
                "src/b/deep.rs listed 0.90"
            ]
        );
    }

    #[test]
    fn without_a_tree_the_text_stands() {
        let footprint = read_alone(&issue("Title", "## Files\n- src/b.rs\n\nand src/a.rs"));
        let paths: Vec<_> = footprint
            .files
            .iter()
            .map(|file| file.path.as_str())
            .collect();
        assert_eq!(paths, ["src/a.rs", "src/b.rs"]);
        assert_eq!(footprint.files[1].evidence.len(), 2);
    }

    #[test]
    fn five_hundred_names_are_read_and_not_more() {
        let body: String = (0..800)
            .flat_map(|n| ["- src/gen/f".to_owned(), n.to_string(), ".rs\n".to_owned()])
            .collect();
        let read = read_alone(&issue("Title", &format!("## Files\n{body}")));
        assert_eq!(read.files.len(), 500);
    }
}
