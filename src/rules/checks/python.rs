//! Python: pytest or unittest, Ruff and mypy, as the project's own tool runs them.

use crate::rules::checks::finds::Finds;
use crate::rules::checks::folder::Folder;
use crate::rules::checks::shape::CheckKind;
use crate::rules::checks::toml::Toml;

const PROJECT: &str = "pyproject.toml";
/// Where what is installed for development is listed, besides `pyproject.toml`.
const LISTS: [&str; 6] = [
    "requirements-dev.txt",
    "dev-requirements.txt",
    "requirements_dev.txt",
    "requirements.txt",
    "tox.ini",
    "Pipfile",
];

/// One Python project.
struct Python<'a> {
    folder: &'a Folder<'a>,
    toml: Toml,
    runner: Runner,
}

/// Who keeps its environment.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Runner {
    Uv,
    Poetry,
    /// Whoever installed it: its programs are those that are there.
    Nobody,
}

/// What is configured or listed.
pub(super) fn find(folder: &Folder<'_>, finds: &mut Finds) {
    let is_python = [
        PROJECT,
        "setup.py",
        "setup.cfg",
        "pytest.ini",
        "requirements.txt",
    ];
    if folder.first_of(&is_python).is_none() {
        return;
    }
    let toml = match Toml::read(folder.text(PROJECT).unwrap_or_default()) {
        Ok(toml) => toml,
        Err(problem) => {
            finds.fault(folder, PROJECT, problem);
            Toml::default()
        }
    };
    let runner = runner(folder, &toml);
    let python = Python {
        folder,
        toml,
        runner,
    };
    if let Some(why) = python.ruff() {
        python.add(finds, CheckKind::Lint, ("ruff", "ruff check"), why);
    }
    if let Some((why, names_files)) = python.mypy() {
        let command = if names_files { "mypy" } else { "mypy ." };
        python.add(finds, CheckKind::Types, ("mypy", command), why);
    }
    python.tests(finds);
}

fn runner(folder: &Folder<'_>, toml: &Toml) -> Runner {
    let has_lock = |file: &str| folder.has(file) || folder.above().any(|above| above.has(file));
    if has_lock("uv.lock") || toml.has("tool.uv") {
        Runner::Uv
    } else if folder.has("poetry.lock") || toml.has("tool.poetry") {
        Runner::Poetry
    } else {
        Runner::Nobody
    }
}

impl Python<'_> {
    fn ruff(&self) -> Option<String> {
        let file = self.folder.first_of(&["ruff.toml", ".ruff.toml"]);
        let table = || self.table("tool.ruff");
        file.map(str::to_owned).or_else(table)
    }

    /// Why mypy, and whether its configuration says what to look at.
    fn mypy(&self) -> Option<(String, bool)> {
        if let Some(why) = self.table("tool.mypy") {
            let keys = ["files", "packages", "modules"];
            let is_set = |key: &&str| self.toml.has(&format!("tool.mypy.{key}"));
            return Some((why, keys.iter().any(is_set)));
        }
        // Other files of its own are not read: `mypy .` looks at more than they say, at worst.
        let own = self.folder.first_of(&["mypy.ini", ".mypy.ini"]);
        let setup = self.folder.text("setup.cfg").unwrap_or_default();
        let in_setup = setup.contains("[mypy]").then_some("setup.cfg [mypy]");
        own.or(in_setup).map(|why| (why.to_owned(), false))
    }

    fn tests(&self, finds: &mut Finds) {
        if let Some(why) = self.pytest() {
            let command = match self.runner {
                Runner::Uv | Runner::Poetry => "pytest",
                Runner::Nobody => "python3 -m pytest",
            };
            return self.add(finds, CheckKind::Test, ("pytest", command), why);
        }
        let in_tests = self.folder.path_of("tests/");
        let mut tests = self.folder.below().filter_map(|path| {
            let name = path.strip_prefix(&in_tests)?;
            name.rsplit('/').next()
        });
        if tests.any(|name| name.starts_with("test") && name.strip_suffix(".py").is_some()) {
            let is_package = self.folder.has("tests/__init__.py");
            let start = if is_package { "" } else { " -s tests" };
            let command = format!("python3 -m unittest discover{start}");
            self.add(
                finds,
                CheckKind::Test,
                ("", &command),
                "tests/test*.py".to_owned(),
            );
        }
    }

    fn pytest(&self) -> Option<String> {
        let file = self.folder.first_of(&[
            "pytest.ini",
            ".pytest.ini",
            "conftest.py",
            "tests/conftest.py",
        ]);
        let table = || self.table("tool.pytest");
        let setup = || {
            let setup = self.folder.text("setup.cfg")?;
            setup
                .contains("[tool:pytest]")
                .then(|| "setup.cfg [tool:pytest]".to_owned())
        };
        let wanted = || self.wants("pytest").map(|key| format!("{PROJECT} {key}"));
        let listed = || {
            let names = |file: &&&str| {
                let text = self.folder.text(file);
                text.is_some_and(|text| text.lines().any(|line| is_package(line, "pytest")))
            };
            LISTS.iter().find(names).map(|file| (*file).to_owned())
        };
        file.map(str::to_owned)
            .or_else(table)
            .or_else(setup)
            .or_else(wanted)
            .or_else(listed)
    }

    fn table(&self, path: &str) -> Option<String> {
        self.toml.has(path).then(|| format!("{PROJECT} [{path}]"))
    }

    /// The key that lists this package among what the project needs.
    fn wants(&self, package: &str) -> Option<&str> {
        let (name, listed) = (format!(".{package}"), format!("\"{package}"));
        let plain = format!("'{package}");
        let places = [
            "dependency-groups",
            "project.optional-dependencies",
            "project.dependencies",
            "tool.uv.dev-dependencies",
            "tool.poetry.dev-dependencies",
            "tool.poetry.group",
            "tool.poetry.dependencies",
        ];
        let keys = places.into_iter().flat_map(|place| self.toml.below(place));
        let mut wanting = keys.filter(|(key, value)| {
            key.ends_with(&name) || value.contains(&listed) || value.contains(&plain)
        });
        wanting.next().map(|(key, _)| key)
    }

    fn add(&self, finds: &mut Finds, kind: CheckKind, (tool, command): (&str, &str), why: String) {
        match self.runner {
            Runner::Uv => {
                let which = self.wants(tool).map_or_else(String::new, group);
                let command = format!("uv run {which}{command}");
                finds.add(kind, &command, why);
            }
            Runner::Poetry => {
                let found = finds.add(kind, &format!("poetry run {command}"), why);
                found.after("poetry install --no-interaction");
            }
            Runner::Nobody => {
                finds.add(kind, command, why);
            }
        }
    }
}

/// How uv is told to install what this key lists; the group `dev` comes by itself.
fn group(key: &str) -> String {
    if let Some(extra) = key.strip_prefix("project.optional-dependencies.") {
        return format!("--extra {extra} ");
    }
    match key.strip_prefix("dependency-groups.") {
        Some("dev") | None => String::new(),
        Some(group) => format!("--group {group} "),
    }
}

/// Does a line of a list mean this package, and not one whose name begins like it?
fn is_package(line: &str, package: &str) -> bool {
    let line = line.trim().trim_matches('"');
    let rest = line.strip_prefix(package);
    rest.is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '-'))
}

#[cfg(test)]
mod tests {
    use crate::rules::checks::detect::tests::check;

    #[test]
    fn python_by_each_tool() {
        let project = (
            "pyproject.toml",
            "[tool.ruff]\n[tool.mypy]\nfiles = \"src\"\n[tool.pytest.ini_options]\n[dependency-groups]\ntest = [\"pytest>=8\"]\n",
        );
        let whys = [
            "pyproject.toml [tool.ruff]",
            "pyproject.toml [tool.mypy]",
            "pyproject.toml [tool.pytest]",
        ];
        let by = |more: &[(&str, &str)], commands: [&str; 3]| {
            let kinds = ["lint", "types", "test"];
            let lines = kinds.iter().zip(commands).zip(whys);
            let lines: Vec<String> = lines
                .map(|((kind, command), why)| format!("{kind}: {command} < {why}"))
                .collect();
            let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
            check(&[&[project], more].concat(), &lines);
        };
        by(&[], ["ruff check", "mypy", "python3 -m pytest"]);
        by(
            &[("uv.lock", "")],
            [
                "uv run ruff check",
                "uv run mypy",
                "uv run --group test pytest",
            ],
        );
        let install = "after poetry install --no-interaction";
        let poetry =
            ["ruff check", "mypy", "pytest"].map(|tool| format!("poetry run {tool} {install}"));
        by(&[("poetry.lock", "")], [&poetry[0], &poetry[1], &poetry[2]]);
    }

    #[test]
    fn python_that_is_not_configured_is_not_guessed() {
        check(&[("pyproject.toml", "[project]\nname = \"a\"\n")], &[]);
        check(&[("requirements.txt", "pytest-cov-like\nrequests\n")], &[]);
        check(&[("setup.py", ""), ("tests/data.json", "")], &[]);
        check(
            &[("requirements.txt", "pytest==8.0\n")],
            &["test: python3 -m pytest < requirements.txt"],
        );
        check(
            &[("setup.py", ""), ("tests/test_a.py", "")],
            &["test: python3 -m unittest discover -s tests < tests/test*.py"],
        );
        check(
            &[
                ("setup.cfg", "[mypy]\n"),
                ("tests/__init__.py", ""),
                ("tests/test_a.py", ""),
            ],
            &[
                "types: mypy . < setup.cfg [mypy]",
                "test: python3 -m unittest discover < tests/test*.py",
            ],
        );
        let extra = "[project.optional-dependencies]\ntests = ['pytest']\n[tool.uv]\n";
        check(
            &[("pyproject.toml", extra)],
            &[
                "test: uv run --extra tests pytest < pyproject.toml project.optional-dependencies.tests",
            ],
        );
    }
}
