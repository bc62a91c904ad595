//! The list of likely files that an issue carries under a heading of its own, as a plan's issues do.

use crate::rules::footprint::named::take_paths;
use crate::rules::markdown::visible;
use std::collections::BTreeSet;

/// Headings that such a list stands under, in lower case.
const HEADINGS: [&str; 6] = [
    "affected files",
    "files",
    "files to change",
    "files to touch",
    "likely files",
    "relevant files",
];

/// The paths under a heading like `## Files` or a line like `**Files:**`, up to the next heading or paragraph; sorted.
#[must_use]
pub fn listed(body: &str) -> BTreeSet<String> {
    let mut paths = BTreeSet::new();
    let mut in_list = false;
    for line in visible(body).lines() {
        let line = line.trim();
        if is_heading(line) {
            in_list = true;
        } else if in_list && is_item(line) {
            take_paths(line, &mut paths);
        } else if !line.is_empty() {
            in_list = false;
        }
    }
    paths
}

fn is_heading(line: &str) -> bool {
    let is_marked = line.starts_with('#') || line.starts_with("**") || line.ends_with(':');
    let words =
        line.trim_matches(|char: char| char == '#' || char == '*' || char == ':' || char == ' ');
    is_marked && HEADINGS.contains(&words.to_lowercase().as_str())
}

fn is_item(line: &str) -> bool {
    let numbered = line.trim_start_matches(|char: char| char.is_ascii_digit());
    line.starts_with("- ")
        || line.starts_with("* ")
        || line.starts_with("+ ")
        || (numbered.len() < line.len() && numbered.starts_with(['.', ')']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_under_its_heading_is_read() {
        let check = |body: &str, expect: &[&str]| {
            assert_eq!(
                listed(body).into_iter().collect::<Vec<_>>(),
                expect,
                "{body}"
            );
        };
        check(
            "Text.\n\n## Files\n\n- `src/a.rs`\n- src/b.rs (new)\n\n## Notes\n- src/c.rs\n",
            &["src/a.rs", "src/b.rs"],
        );
        check(
            "**Likely files:**\n* `web/App.tsx`\n\nSee src/a.rs.\n- src/z.rs",
            &["web/App.tsx"],
        );
        check("Files:\n1. `a/b.py`\n2) `a/c.py`", &["a/b.py", "a/c.py"]);
        check("### Files to change\n+ `Makefile`", &["Makefile"]);
        check("The files are src/a.rs\n- src/b.rs", &[]);
        check("## Files\n<!--\n- src/a.rs\n-->\n", &[]);
    }
}
