//! Make, just and pre-commit: what runs other programs.

use crate::rules::checks::finds::Finds;
use crate::rules::checks::folder::Folder;
use crate::rules::checks::placeholder::is_placeholder;
use crate::rules::checks::shape::{CheckKind, Need};

const MAKEFILES: [&str; 3] = ["GNUmakefile", "makefile", "Makefile"];
const JUSTFILES: [&str; 3] = ["justfile", "Justfile", ".justfile"];
const HOOKS: &str = ".pre-commit-config.yaml";

/// Targets by kind: what is found for a kind already is what they mostly call.
pub(super) fn find(folder: &Folder<'_>, finds: &mut Finds) {
    if let Some(file) = nearest(folder, &JUSTFILES) {
        targets(folder, finds, ("just", file), recipe);
    }
    if let Some(file) = nearest(folder, &MAKEFILES) {
        targets(folder, finds, ("make", file), rule);
    }
    if folder.path.is_empty() && folder.has(HOOKS) {
        let command = "pre-commit run --all-files";
        let found = finds.add(CheckKind::Lint, command, HOOKS);
        found.needing(Need::GitDirectory);
    }
}

/// The file, unless one above it mostly calls it.
fn nearest(folder: &Folder<'_>, names: &[&'static str]) -> Option<&'static str> {
    let is_below = folder.above().any(|above| above.first_of(names).is_some());
    folder.first_of(names).filter(|_| !is_below)
}

/// `check` is the tests of some and everything of others: it is taken where there is nothing else.
fn targets(
    folder: &Folder<'_>,
    finds: &mut Finds,
    (program, file): (&str, &str),
    is_target: fn(&str, &str) -> bool,
) {
    let text = folder.text(file).unwrap_or_default();
    let wanted = [
        (CheckKind::Lint, "lint"),
        (CheckKind::Test, "test"),
        (CheckKind::Test, "check"),
    ];
    for (kind, target) in wanted {
        if !finds.has(kind) && is_target(text, target) {
            finds.add(
                kind,
                &format!("{program} {target}"),
                format!("{file} {target}"),
            );
        }
    }
}

/// Is there a rule for this target that does something?
fn rule(text: &str, target: &str) -> bool {
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some((targets, rest)) = line.split_once(':') else {
            continue;
        };
        let is_assignment =
            rest.starts_with('=') || rest.starts_with(":=") || line.starts_with('\t');
        if is_assignment || !targets.split_whitespace().any(|name| name == target) {
            continue;
        }
        let needs = rest.trim_start_matches(':').trim();
        let recipe = lines
            .clone()
            .take_while(|line| line.starts_with('\t') || line.is_empty());
        let mut steps = recipe.map(|line| line.trim().trim_start_matches(['@', '-']));
        if !needs.is_empty() || steps.any(|step| !is_placeholder(step)) {
            return true;
        }
    }
    false
}

/// Is there a recipe of this name that can be called without arguments?
fn recipe(text: &str, name: &str) -> bool {
    text.lines().any(|line| {
        let rest = line.trim_start_matches('@').strip_prefix(name);
        let Some((parameters, rest)) = rest.and_then(|rest| rest.split_once(':')) else {
            return false;
        };
        let begins = parameters.is_empty() || parameters.starts_with(' ');
        let has_default = |word: &str| word.contains('=') || word.starts_with('*');
        begins && !rest.starts_with('=') && parameters.split_whitespace().all(has_default)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_of_make_that_does_something_is_found() {
        let check = |text: &str, expect: bool| assert_eq!(rule(text, "test"), expect, "{text}");
        check("test:\n\tpytest\n", true);
        check("all:\ntest: all\n", true);
        check("lint test: deps\n", true);
        check("test::\n\t@run\n", true);
        check(".PHONY: test\n", false);
        check("test:\n", false);
        check("test:\n\t@echo \"no tests yet\"\n", false);
        check("test := x\n", false);
        check("test:=x\n", false);
        check("tests:\n\tx\n", false);
        check("\ttest: x\n", false);
    }

    #[test]
    fn a_recipe_of_just_that_needs_no_arguments_is_found() {
        let check = |text: &str, expect: bool| assert_eq!(recipe(text, "test"), expect, "{text}");
        check("test:\n  x\n", true);
        check("@test: build\n", true);
        check("test *args:\n", true);
        check("test filter=\"\":\n", true);
        check("test filter:\n", false);
        check("test := \"x\"\n", false);
        check("test-all:\n", false);
        check("tests:\n", false);
    }
}
