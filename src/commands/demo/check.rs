//! The demo's check: four house rules over the tea shop's files, read as text, so that no toolchain is needed.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write};
use std::path::Path;

/// What the check found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Finding {
    /// Breaches of the rules, one line each; none is a pass.
    pub breaches: Vec<String>,
    /// How many files were read.
    pub files: usize,
}

/// Checks the project in the working directory and writes what it found; gives the exit code of the program.
pub fn run(out: &mut impl Write) -> u8 {
    let (text, code) = match check(Path::new(".")) {
        Ok(found) if found.breaches.is_empty() => {
            (format!("4 house rules hold in {} files", found.files), 0)
        }
        Ok(found) => (found.breaches.join("\n"), 1),
        Err(error) => (format!("could not read the project: {error}"), 2),
    };
    match writeln!(out, "{text}") {
        Ok(()) => code,
        Err(_) => 2,
    }
}

/// Checks the project in this directory.
pub fn check(root: &Path) -> io::Result<Finding> {
    let files = Files::read(root)?;
    let rules = [
        untested_handlers,
        unstyled_classes,
        gaps_in_migrations,
        dead_links,
    ];
    Ok(Finding {
        breaches: rules.iter().flat_map(|rule| rule(&files)).collect(),
        files: files.0.len(),
    })
}

/// The project's text files: paths and texts, by path.
struct Files(Vec<(String, String)>);

impl Files {
    fn read(root: &Path) -> io::Result<Self> {
        let mut files = Vec::new();
        let mut open = vec![root.to_owned()];
        while let Some(directory) = open.pop() {
            for entry in fs::read_dir(&directory)? {
                let path = entry?.path();
                let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy();
                if name.starts_with('.') || path.is_symlink() {
                    continue;
                }
                if path.is_dir() {
                    open.push(path);
                } else if let Ok(text) = fs::read_to_string(&path) {
                    files.push((name.into_owned(), text));
                }
            }
        }
        files.sort();
        Ok(Self(files))
    }

    fn within<'a>(
        &'a self,
        start: &'a str,
        end: &'a str,
    ) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.0
            .iter()
            .filter(move |(path, _)| path.starts_with(start) && path.ends_with(end))
            .map(|(path, text)| (path.as_str(), text.as_str()))
    }
}

/// Every function below a `@route` has a test.
fn untested_handlers(files: &Files) -> Vec<String> {
    let tests: BTreeSet<&str> = files
        .within("tests/", ".py")
        .flat_map(|(_, text)| {
            text.lines()
                .filter_map(|line| function(line)?.strip_prefix("test_"))
        })
        .collect();
    let handlers = files.within("api/", ".py").flat_map(|(path, text)| {
        let routed = text.lines().zip(text.lines().skip(1));
        let routed = routed.filter(|(above, _)| above.starts_with("@route("));
        routed.filter_map(move |(_, line)| Some((path, function(line)?)))
    });
    handlers
        .filter(|(_, handler)| !tests.contains(handler))
        .map(|(path, handler)| {
            format!("{path}: `{handler}` has no test; add `test_{handler}` below tests/")
        })
        .collect()
}

/// Every class of a page is in the style sheet.
fn unstyled_classes(files: &Files) -> Vec<String> {
    let styles: String = files.within("web/", ".css").map(|(_, text)| text).collect();
    let classes = files
        .within("web/", ".html")
        .flat_map(|(path, text)| between(text, "class=\"", '"').map(move |class| (path, class)));
    classes
        .filter(|(_, class)| !styles.contains(&format!(".{class} ")))
        .map(|(path, class)| format!("{path}: the class `{class}` is in no style sheet"))
        .collect()
}

/// Migrations are numbered 1, 2, 3.
fn gaps_in_migrations(files: &Files) -> Vec<String> {
    let migrations = files.within("db/", ".sql").zip(1..);
    migrations
        .filter(|((path, _), number)| !path.starts_with(&format!("db/{number:04}_")))
        .map(|((path, _), number)| format!("{path}: the next migration is number {number}"))
        .collect()
}

/// Every link between documents leads to a file.
fn dead_links(files: &Files) -> Vec<String> {
    let links = files
        .within("", ".md")
        .flat_map(|(path, text)| between(text, "](", ')').map(move |target| (path, target)));
    let leads_nowhere = |path: &str, target: &str| {
        let folder = path
            .rsplit_once('/')
            .map_or(String::new(), |(folder, _)| format!("{folder}/"));
        let whole = folder + target;
        !target.contains("://") && !files.0.iter().any(|(path, _)| *path == whole)
    };
    links
        .filter(|(path, target)| leads_nowhere(path, target))
        .map(|(path, target)| format!("{path}: the link to {target} leads nowhere"))
        .collect()
}

/// The name of the function that a line of Python begins.
fn function(line: &str) -> Option<&str> {
    let (name, _) = line.strip_prefix("def ")?.split_once('(')?;
    Some(name)
}

/// All that stands between these two.
fn between<'a>(text: &'a str, open: &'a str, close: char) -> impl Iterator<Item = &'a str> {
    text.split(open)
        .skip(1)
        .filter_map(move |rest| Some(rest.split_once(close)?.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::demo::material::HISTORY;

    fn breaches(changed: &[(&str, &str)]) -> Vec<String> {
        let directory = tempfile::tempdir().unwrap();
        let shop = HISTORY.iter().flat_map(|(_, files)| files.iter().copied());
        for (path, text) in shop.chain(changed.iter().copied()) {
            let path = directory.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        check(directory.path()).unwrap().breaches
    }

    #[test]
    fn the_shop_keeps_its_rules() {
        assert_eq!(breaches(&[]), [""; 0]);
    }

    #[test]
    fn each_rule_can_be_broken() {
        let check = |path: &str, text: &str, expect: &str| {
            assert_eq!(breaches(&[(path, text)]), [expect], "{path}");
        };
        check(
            "api/refunds.py",
            "@route(\"POST /refunds\")\ndef refund(x):\n",
            "api/refunds.py: `refund` has no test; add `test_refund` below tests/",
        );
        check(
            "web/new.html",
            "<p class=\"loud\">",
            "web/new.html: the class `loud` is in no style sheet",
        );
        check(
            "db/0003_x.sql",
            "",
            "db/0003_x.sql: the next migration is number 2",
        );
        check(
            "docs/more.md",
            "[a](api.md) [b](b.md) [c](https://x.test)",
            "docs/more.md: the link to b.md leads nowhere",
        );
    }
}
