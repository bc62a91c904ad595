//! In a repository of many projects: whose checks does a change call for?

/// Those of the top, and for each changed path those of the nearest directory above it that has checks. All of them
/// where nobody knows what was changed.
#[must_use]
pub fn is_near(directory: &str, directories: &[&str], changed: &[String]) -> bool {
    let is_nearest = |path: &String| {
        let above = directories
            .iter()
            .filter(|directory| holds(directory, path));
        above.max_by_key(|directory| directory.len()) == Some(&directory)
    };
    directory.is_empty() || changed.is_empty() || changed.iter().any(is_nearest)
}

fn holds(directory: &str, path: &str) -> bool {
    let rest = path.strip_prefix(directory);
    rest.is_some_and(|rest| directory.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_calls_for_the_checks_above_it() {
        let directories = ["", "web", "web/admin", "webhooks"];
        let check = |changed: &[&str], expect: &[&str]| {
            let changed: Vec<String> = changed.iter().map(ToString::to_string).collect();
            let near = |directory: &&&str| is_near(directory, &directories, &changed);
            let near: Vec<&str> = directories.iter().filter(near).copied().collect();
            assert_eq!(near, expect, "{changed:?}");
        };
        check(&["web/src/a.ts"], &["", "web"]);
        check(&["web/admin/a.ts"], &["", "web/admin"]);
        check(&["webhooks/a.go", "web/b.ts"], &["", "web", "webhooks"]);
        check(&["README.md"], &[""]);
        check(&[], &["", "web", "web/admin", "webhooks"]);
    }
}
