//! How a repository is tested, guessed from the files at its top.

use serde_json::{Value, json};
use std::io::Read as _;
use std::path::Path;

/// More than any such file has.
const LARGEST_FILE: u64 = 1 << 20;
/// What npm writes where there are no tests.
const NO_TESTS: &str = "no test specified";

/// The checks, as the configuration writes them; none where nothing is recognised.
#[must_use]
pub fn checks(top: &Path) -> Vec<Value> {
    let ways: [fn(&Path) -> Option<&'static str>; 6] = [rust, node, python, go, maven, gradle];
    let mut runs: Vec<&str> = ways.iter().filter_map(|way| way(top)).collect();
    // A Makefile mostly calls what was found already.
    if runs.is_empty() {
        runs.extend(make(top));
    }
    let single = runs.len() == 1;
    runs.into_iter()
        .map(|run| {
            let name = if single { "test" } else { run };
            json!({ "name": name, "run": run })
        })
        .collect()
}

fn rust(top: &Path) -> Option<&'static str> {
    has(top, "Cargo.toml").then_some("cargo test")
}

fn node(top: &Path) -> Option<&'static str> {
    let package: Value = serde_json::from_str(&text(top, "package.json")?).ok()?;
    let script = package.get("scripts")?.get("test")?.as_str()?;
    if script.contains(NO_TESTS) {
        return None;
    }
    Some(if has(top, "pnpm-lock.yaml") {
        "pnpm test"
    } else if has(top, "yarn.lock") {
        "yarn test"
    } else {
        "npm test"
    })
}

fn python(top: &Path) -> Option<&'static str> {
    let names_pytest = |file| text(top, file).is_some_and(|text| text.contains("pytest"));
    let with_pytest = has(top, "pytest.ini")
        || has(top, "conftest.py")
        || [
            "pyproject.toml",
            "setup.cfg",
            "tox.ini",
            "requirements-dev.txt",
        ]
        .into_iter()
        .any(names_pytest);
    let is_python = ["pyproject.toml", "setup.py", "setup.cfg"]
        .into_iter()
        .any(|file| has(top, file));
    if with_pytest {
        Some("python3 -m pytest")
    } else {
        (is_python && top.join("tests").is_dir()).then_some("python3 -m unittest discover")
    }
}

fn go(top: &Path) -> Option<&'static str> {
    has(top, "go.mod").then_some("go test ./...")
}

fn maven(top: &Path) -> Option<&'static str> {
    has(top, "pom.xml").then_some("mvn --batch-mode test")
}

fn gradle(top: &Path) -> Option<&'static str> {
    has(top, "gradlew").then_some("./gradlew test")
}

fn make(top: &Path) -> Option<&'static str> {
    ["Makefile", "makefile", "GNUmakefile"]
        .into_iter()
        .filter_map(|file| text(top, file))
        .any(|text| text.lines().any(|line| line.starts_with("test:")))
        .then_some("make test")
}

fn has(top: &Path, file: &str) -> bool {
    top.join(file).is_file()
}

fn text(top: &Path, file: &str) -> Option<String> {
    let file = std::fs::File::open(top.join(file)).ok()?;
    let mut text = String::new();
    file.take(LARGEST_FILE).read_to_string(&mut text).ok()?;
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_at_the_top_tell_how_to_test() {
        let check = |files: &[(&str, &str)], expect: &[&str]| {
            let top = tempfile::tempdir().unwrap();
            for (name, text) in files {
                std::fs::write(top.path().join(name), text).unwrap();
            }
            let found = checks(top.path());
            let runs: Vec<&str> = found
                .iter()
                .map(|check| check["run"].as_str().unwrap())
                .collect();
            assert_eq!(runs, expect, "{files:?}");
        };
        let package = ("package.json", r#"{ "scripts": { "test": "jest" } }"#);
        let empty = r#"{ "scripts": { "test": "echo \"Error: no test specified\" && exit 1" } }"#;
        check(&[], &[]);
        check(&[("Cargo.toml", "")], &["cargo test"]);
        check(&[package], &["npm test"]);
        check(&[package, ("yarn.lock", "")], &["yarn test"]);
        check(&[package, ("pnpm-lock.yaml", "")], &["pnpm test"]);
        check(&[("package.json", empty)], &[]);
        check(&[("package.json", "{")], &[]);
        check(
            &[("pyproject.toml", "[tool.pytest]")],
            &["python3 -m pytest"],
        );
        check(&[("pyproject.toml", "")], &[]);
        check(&[("go.mod", "")], &["go test ./..."]);
        check(&[("Makefile", "all:\ntest: all\n")], &["make test"]);
        check(&[("Makefile", "all:\n")], &[]);
        check(
            &[("Cargo.toml", ""), package, ("Makefile", "test:")],
            &["cargo test", "npm test"],
        );
    }

    #[test]
    fn what_is_guessed_is_valid_configuration() {
        let top = tempfile::tempdir().unwrap();
        for file in ["Cargo.toml", "go.mod", "pom.xml", "gradlew"] {
            std::fs::write(top.path().join(file), "").unwrap();
        }
        let file = json!({ "checks": checks(top.path()) });
        let config: crate::config::shape::Config = serde_json::from_value(file).unwrap();
        assert_eq!(config.checks.len(), 4);
    }
}
