//! From the files of a repository to the checks that they speak for.

use crate::rules::checks::finds::Finds;
use crate::rules::checks::folder::{Files, Folder};
use crate::rules::checks::shape::{DetectedCheck, Detection, Fault};
use crate::rules::checks::{dotnet, elixir, go, java, node, php, python, ruby, runners, rust};
use std::collections::BTreeMap;

/// Each looks at one directory; the last knows what the others found.
const WAYS: [fn(&Folder<'_>, &mut Finds); 10] = [
    rust::find,
    node::find,
    python::find,
    go::find,
    java::find,
    dotnet::find,
    ruby::find,
    php::find,
    elixir::find,
    runners::find,
];

/// Finds the checks of every directory: the top's first, in each those that are quick first.
#[must_use]
pub fn detect(files: &Files) -> Detection {
    let mut detection = Detection::default();
    for folder in files.folders() {
        let mut finds = Finds::new(folder.path);
        for way in WAYS {
            way(&folder, &mut finds);
        }
        finds.checks.sort_by_key(|check| check.kind);
        detection.checks.extend(finds.checks);
        detection.faults.extend(finds.faults);
    }
    let unread = files.unread().map(|file| Fault {
        file: file.to_owned(),
        problem: "it is no text, or larger than 1 MiB".to_owned(),
    });
    detection.faults.extend(unread);
    name(&mut detection.checks);
    detection
}

/// By its kind where that is the only one of its directory, else by its command; with its directory below the top.
fn name(checks: &mut [DetectedCheck]) {
    let mut alike = BTreeMap::new();
    for check in checks.iter() {
        let of_kind = alike.entry((check.directory.clone(), check.kind));
        *of_kind.or_insert(0_u32) += 1;
    }
    for check in checks {
        let is_alone = alike[&(check.directory.clone(), check.kind)] == 1;
        let name = if is_alone {
            check.kind.word().to_owned()
        } else {
            check.argv.join(" ")
        };
        check.name = if check.directory.is_empty() {
            name
        } else {
            format!("{name} in {}", check.directory)
        };
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::rules::checks::folder::is_read;
    use crate::rules::checks::shape::Need;

    fn found(files: &[(&str, &str)]) -> Detection {
        let texts = files.iter().filter(|(path, _)| is_read(path));
        let texts = texts.map(|(path, text)| ((*path).to_owned(), (*text).to_owned()));
        let paths = files.iter().map(|(path, _)| *path);
        detect(&Files::new(paths, texts.collect()))
    }

    /// Exactly these are found: `kind in directory: command [after what] < why`.
    pub(in crate::rules::checks) fn check(files: &[(&str, &str)], expect: &[&str]) {
        let found = found(files);
        let line = |check: &DetectedCheck| {
            let place = match check.directory.as_str() {
                "" => String::new(),
                directory => format!(" in {directory}"),
            };
            let after = match check.prepare.join(" ") {
                none if none.is_empty() => none,
                prepare => format!(" after {prepare}"),
            };
            let (kind, command) = (check.kind.word(), check.argv.join(" "));
            format!("{kind}{place}: {command}{after} < {}", check.why)
        };
        let lines: Vec<String> = found.checks.iter().map(line).collect();
        assert_eq!(lines, expect, "{files:#?}");
        assert_eq!(found.faults, [], "{files:#?}");
    }

    fn faults(files: &[(&str, &str)], expect: &[&str]) {
        let found = found(files);
        let line = |fault: &Fault| format!("{}: {}", fault.file, fault.problem);
        let lines: Vec<String> = found.faults.iter().map(line).collect();
        assert_eq!(lines, expect, "{files:#?}");
        assert_eq!(found.checks, [], "{files:#?}");
    }

    #[test]
    fn a_repository_without_manifests_has_no_checks() {
        check(&[], &[]);
        check(&[("README.md", "run `make test`"), ("src/a.rs", "")], &[]);
    }

    #[test]
    fn rust() {
        let package = ("Cargo.toml", "[package]\nname = \"a\"\n");
        check(&[package], &["test: cargo test < Cargo.toml [package]"]);
        check(
            &[package, ("rustfmt.toml", ""), ("clippy.toml", "")],
            &[
                "lint: cargo fmt --check < rustfmt.toml",
                "lint: cargo clippy --all-targets < clippy.toml",
                "test: cargo test < Cargo.toml [package]",
            ],
        );
        let workspace = (
            "Cargo.toml",
            "[workspace]\nmembers = [\"crates/*\"]\nexclude = [\"crates/own\"]\n[workspace.lints.clippy]\npedantic = \"warn\"\n",
        );
        let (member, own) = (
            ("crates/a/Cargo.toml", package.1),
            ("crates/own/Cargo.toml", package.1),
        );
        check(
            &[workspace, member, own, ("tests/fixtures/b/Cargo.toml", "[")],
            &[
                "lint: cargo clippy --all-targets < Cargo.toml [workspace.lints.clippy]",
                "test: cargo test --workspace < Cargo.toml [workspace]",
                "test in crates/own: cargo test < Cargo.toml [package]",
            ],
        );
    }

    #[test]
    fn go() {
        let module = ("go.mod", "module example.com/a\n");
        check(
            &[module],
            &[
                "lint: go vet ./... < go.mod module",
                "build: go build ./... < go.mod module",
            ],
        );
        check(
            &[module, ("a_test.go", ""), (".golangci.yml", "")],
            &[
                "lint: golangci-lint run < .golangci.yml",
                "lint: go vet ./... < go.mod module",
                "test: go test ./... < go.mod module, *_test.go",
            ],
        );
        check(
            &[
                module,
                ("vendor/b/b_test.go", ""),
                ("vendor/b/go.mod", "module b\n"),
            ],
            &[
                "lint: go vet ./... < go.mod module",
                "build: go build ./... < go.mod module",
            ],
        );
    }

    #[test]
    fn dotnet() {
        let app = (
            "src/App/App.csproj",
            "<Project Sdk=\"Microsoft.NET.Sdk\"></Project>",
        );
        let tests = (
            "tests/App.Tests/App.Tests.csproj",
            "<Project><PackageReference Include=\"Microsoft.NET.Test.Sdk\" /></Project>",
        );
        check(
            &[("Shop.sln", ""), app],
            &["build: dotnet build Shop.sln < Shop.sln"],
        );
        check(
            &[("Shop.sln", ""), app, tests],
            &["test: dotnet test Shop.sln < Shop.sln"],
        );
        check(
            &[app, tests],
            &[
                "build in src/App: dotnet build App.csproj < App.csproj",
                "test in tests/App.Tests: dotnet test App.Tests.csproj < App.Tests.csproj",
            ],
        );
    }

    #[test]
    fn ruby_php_and_elixir() {
        check(&[("Gemfile", "gem 'rake'\n")], &[]);
        check(
            &[
                ("Gemfile", "gem 'rspec'\n"),
                ("spec/a_spec.rb", ""),
                (".rubocop.yml", ""),
            ],
            &[
                "lint: bundle exec rubocop after bundle install < .rubocop.yml",
                "test: bundle exec rspec after bundle install < Gemfile rspec",
            ],
        );
        check(
            &[
                ("Gemfile", ""),
                ("bin/rails", ""),
                ("test/models/a_test.rb", ""),
            ],
            &["test: bundle exec rails test after bundle install < bin/rails, test/"],
        );
        let install = "after composer install --no-interaction --no-progress";
        check(
            &[
                (
                    "composer.json",
                    r#"{ "scripts": { "test": "phpunit", "lint": "echo none" } }"#,
                ),
                ("phpstan.neon", ""),
            ],
            &[
                &format!(
                    "types: vendor/bin/phpstan analyse --no-progress {install} < phpstan.neon"
                ),
                &format!("test: composer run-script test {install} < composer.json scripts.test"),
            ],
        );
        check(&[("composer.json", "{}")], &[]);
        check(
            &[
                ("mix.exs", "defmodule A do"),
                (".formatter.exs", ""),
                ("test/a_test.exs", ""),
            ],
            &[
                "lint: mix format --check-formatted after mix deps.get < .formatter.exs",
                "test: mix test after mix deps.get < mix.exs, *_test.exs",
            ],
        );
        check(
            &[
                ("mix.exs", "defmodule A do\napps_path: \"apps\""),
                ("apps/b/mix.exs", "defmodule B do"),
            ],
            &["build: mix compile after mix deps.get < mix.exs"],
        );
    }

    #[test]
    fn targets_stand_in_for_what_nothing_else_speaks_for() {
        let makefile = (
            "Makefile",
            "lint:\n\truff .\ntest:\n\tpytest\ncheck: lint test\n",
        );
        check(
            &[makefile],
            &[
                "lint: make lint < Makefile lint",
                "test: make test < Makefile test",
            ],
        );
        check(
            &[makefile, ("Cargo.toml", "[package]\n")],
            &[
                "lint: make lint < Makefile lint",
                "test: cargo test < Cargo.toml [package]",
            ],
        );
        check(
            &[("Makefile", "check:\n\t./run\n")],
            &["test: make check < Makefile check"],
        );
        check(
            &[
                ("justfile", "test:\n  cargo nextest run\n"),
                makefile,
                ("lib/Makefile", "test:\n\tx\n"),
            ],
            &[
                "lint: make lint < Makefile lint",
                "test: just test < justfile test",
            ],
        );
        let hooks = found(&[(".pre-commit-config.yaml", "repos: []\n")]);
        assert_eq!(hooks.checks[0].argv.join(" "), "pre-commit run --all-files");
        let needs = &hooks.checks[0].needs;
        assert_eq!(needs[1], Need::GitDirectory, "{needs:?}");
    }

    #[test]
    fn each_directory_of_a_monorepo_has_its_own_checks() {
        let app =
            r#"{ "scripts": { "test": "jest", "build": "tsc" }, "dependencies": { "a": "1" } }"#;
        let files = [
            (
                "package.json",
                r#"{ "workspaces": ["packages/*"], "scripts": { "build": "turbo build" } }"#,
            ),
            ("pnpm-lock.yaml", ""),
            ("packages/app/package.json", app),
            ("packages/app/node_modules/left/package.json", app),
            ("api/go.mod", "module a\n"),
            ("api/a_test.go", ""),
        ];
        let install = "after pnpm install --frozen-lockfile";
        check(
            &files,
            &[
                &format!("build: pnpm run build {install} < package.json scripts.build"),
                "lint in api: go vet ./... < go.mod module",
                "test in api: go test ./... < go.mod module, *_test.go",
                &format!("test in packages/app: pnpm test {install} < package.json scripts.test"),
            ],
        );
        let found = found(&files);
        let names: Vec<&str> = found.checks.iter().map(|check| &*check.name).collect();
        assert_eq!(
            names,
            [
                "build",
                "lint in api",
                "test in api",
                "test in packages/app"
            ]
        );
    }

    #[test]
    fn two_of_a_kind_are_told_apart_by_their_commands() {
        let check = |other: (&str, &str), expect: &[&str]| {
            let found = found(&[("Cargo.toml", "[package]"), other]);
            let names: Vec<&str> = found.checks.iter().map(|check| &*check.name).collect();
            assert_eq!(names, expect);
        };
        check(("go.mod", "module a"), &["lint", "build", "test"]);
        let script = r#"{ "scripts": { "test": "jest" } }"#;
        check(("package.json", script), &["cargo test", "npm test"]);
    }

    #[test]
    fn manifests_that_cannot_be_read_are_named_and_skipped() {
        faults(
            &[("package.json", "{ \"scripts\": ")],
            &["package.json: not JSON: EOF while parsing a value at line 1 column 13"],
        );
        faults(
            &[("package.json", "[]")],
            &["package.json: it holds no object"],
        );
        faults(
            &[("Cargo.toml", "[package")],
            &["Cargo.toml: a bracket opened in line 1 is never closed"],
        );
        faults(
            &[("Cargo.toml", "")],
            &["Cargo.toml: it has neither [package] nor [workspace]"],
        );
        faults(
            &[("pyproject.toml", "<<<<<<< HEAD\n[tool.ruff]\n")],
            &["pyproject.toml: line 1 is not TOML"],
        );
        faults(&[("go.mod", "go 1.22\n")], &["go.mod: it names no module"]);
        faults(
            &[("pom.xml", "<project>")],
            &["pom.xml: it holds no whole <project>"],
        );
        faults(&[("mix.exs", "")], &["mix.exs: it defines no module"]);
        let unread = detect(&Files::new(["web/package.json"], BTreeMap::new()));
        assert_eq!(unread.faults[0].file, "web/package.json");
    }

    #[test]
    fn what_is_malformed_takes_nothing_else_along() {
        let found = found(&[
            ("package.json", "{"),
            ("go.mod", "module a\n"),
            ("a_test.go", ""),
        ]);
        assert_eq!((found.checks.len(), found.faults.len()), (2, 1));
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,60}|([\\[\\]{}=\"'#:.a\\n\\t ]){0,60}") {
            for file in ["Cargo.toml", "package.json", "pyproject.toml", "Makefile", "justfile", "composer.json", "go.mod"] {
                let _ = found(&[(file, &text)]);
            }
        }
    }
}
