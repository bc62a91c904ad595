//! Node and Bun: the scripts of a package, by its own package manager.

use crate::rules::checks::finds::Finds;
use crate::rules::checks::folder::Folder;
use crate::rules::checks::placeholder::is_placeholder;
use crate::rules::checks::shape::CheckKind;
use serde_json::Value;

const MANIFEST: &str = "package.json";
/// What scripts are called, by kind; the first that is there.
const SCRIPTS: [(CheckKind, &[&str]); 4] = [
    (CheckKind::Lint, &["lint"]),
    (
        CheckKind::Types,
        &["typecheck", "type-check", "check-types", "types", "tsc"],
    ),
    (CheckKind::Build, &["build"]),
    (CheckKind::Test, &["test", "test:ci"]),
];
/// Lock files, and who writes them.
const LOCKS: [(&str, Manager); 6] = [
    ("pnpm-lock.yaml", Manager::Pnpm),
    ("bun.lock", Manager::Bun),
    ("bun.lockb", Manager::Bun),
    ("yarn.lock", Manager::Yarn),
    ("package-lock.json", Manager::Npm),
    ("npm-shrinkwrap.json", Manager::Npm),
];

/// Who installs packages and runs scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manager {
    Npm,
    Pnpm,
    Yarn,
    Bun,
}

/// The scripts that are there and do something.
pub(super) fn find(folder: &Folder<'_>, finds: &mut Finds) {
    let Some(text) = folder.text(MANIFEST) else {
        return;
    };
    let package: Value = match serde_json::from_str(text) {
        Ok(package @ Value::Object(_)) => package,
        Ok(_) => return finds.fault(folder, MANIFEST, "it holds no object"),
        Err(problem) => return finds.fault(folder, MANIFEST, format!("not JSON: {problem}")),
    };
    let manager = manager(folder, &package);
    let prepare = prepare(folder, &package, manager);
    let root = workspace(folder);
    for (kind, names) in SCRIPTS {
        let script = names.iter().find(|name| is_there(&package, name));
        // What a workspace's root runs, it runs for its members.
        let is_covered = |name| root.as_ref().is_some_and(|root| is_there(root, name));
        let Some(script) = script.filter(|name| !is_covered(name)) else {
            continue;
        };
        let body = body(&package, script).unwrap_or_default();
        let command = command(manager, script, body);
        let found = finds.add(kind, &command, format!("{MANIFEST} scripts.{script}"));
        if let Some(prepare) = prepare {
            found.after(prepare);
        }
    }
}

fn body<'a>(package: &'a Value, script: &str) -> Option<&'a str> {
    package.get("scripts")?.get(script)?.as_str()
}

/// Is there such a script that does something, and ends?
fn is_there(package: &Value, script: &str) -> bool {
    let watches = |body: &str| {
        let ends = ["--watch=false", "--watchAll=false", "--no-watch"];
        body.contains("--watch") && !ends.iter().any(|end| body.contains(end))
    };
    body(package, script).is_some_and(|body| !is_placeholder(body) && !watches(body))
}

fn command(manager: Manager, script: &str, body: &str) -> String {
    let program = manager.program();
    let command = match (manager, script) {
        // `bun test` is Bun's own runner, and not the script.
        (Manager::Npm | Manager::Pnpm | Manager::Yarn, "test") => format!("{program} test"),
        (Manager::Npm | Manager::Pnpm | Manager::Yarn | Manager::Bun, _) => {
            format!("{program} run {script}")
        }
    };
    // It watches for ever unless it is told that nobody is there.
    if body.contains("react-scripts test") {
        format!("env CI=true {command}")
    } else {
        command
    }
}

impl Manager {
    fn program(self) -> &'static str {
        match self {
            Self::Npm => "npm",
            Self::Pnpm => "pnpm",
            Self::Yarn => "yarn",
            Self::Bun => "bun",
        }
    }
}

/// By the package's own word (`packageManager`), else by the lock file, each also from above.
fn manager(folder: &Folder<'_>, package: &Value) -> Manager {
    let above: Vec<Folder<'_>> = folder.above().collect();
    let by_word = named(package).or_else(|| above.iter().find_map(|above| named(&read(above)?)));
    let by_lock = || {
        let mut folders = std::iter::once(folder).chain(&above);
        folders.find_map(|folder| lock(folder).map(|(_, manager)| manager))
    };
    by_word.or_else(by_lock).unwrap_or(Manager::Npm)
}

fn named(package: &Value) -> Option<Manager> {
    let name = package.get("packageManager")?.as_str()?;
    match name.split('@').next()? {
        "npm" => Some(Manager::Npm),
        "pnpm" => Some(Manager::Pnpm),
        "yarn" => Some(Manager::Yarn),
        "bun" => Some(Manager::Bun),
        _ => None,
    }
}

fn lock(folder: &Folder<'_>) -> Option<(&'static str, Manager)> {
    LOCKS.into_iter().find(|(file, _)| folder.has(file))
}

fn read(folder: &Folder<'_>) -> Option<Value> {
    serde_json::from_str(folder.text(MANIFEST)?).ok()
}

/// The package of the workspace that this one belongs to, if it does.
fn workspace(folder: &Folder<'_>) -> Option<Value> {
    folder.above().find_map(|above| {
        let root = read(&above)?;
        let is_root = root.get("workspaces").is_some() || above.has("pnpm-workspace.yaml");
        is_root.then_some(root)
    })
}

/// How what it needs is installed, as it is locked where it is; nothing where it needs nothing.
fn prepare(folder: &Folder<'_>, package: &Value, manager: Manager) -> Option<&'static str> {
    let needs = ["dependencies", "devDependencies", "workspaces"];
    let is_some = |key: &&str| match package.get(key) {
        Some(Value::Object(all)) => !all.is_empty(),
        Some(Value::Array(all)) => !all.is_empty(),
        Some(_) | None => false,
    };
    if !needs.iter().any(is_some) && !folder.has("pnpm-workspace.yaml") {
        return None;
    }
    let is_here = |folder: &Folder<'_>| lock(folder).is_some_and(|(_, by)| by == manager);
    let is_locked = is_here(folder) || folder.above().any(|above| is_here(&above));
    Some(match (manager, is_locked) {
        (Manager::Npm, true) => "npm ci",
        (Manager::Npm, false) => "npm install",
        (Manager::Pnpm, true) => "pnpm install --frozen-lockfile",
        (Manager::Pnpm, false) => "pnpm install",
        (Manager::Yarn, true) if is_modern(folder, package) => "yarn install --immutable",
        (Manager::Yarn, true) => "yarn install --frozen-lockfile",
        (Manager::Yarn, false) => "yarn install",
        (Manager::Bun, true) => "bun install --frozen-lockfile",
        (Manager::Bun, false) => "bun install",
    })
}

/// Yarn 2 and later know other flags than the first.
fn is_modern(folder: &Folder<'_>, package: &Value) -> bool {
    let says = |package: &Value| {
        let name = package.get("packageManager").and_then(Value::as_str);
        name.is_some_and(|name| name.starts_with("yarn@") && !name.starts_with("yarn@1."))
    };
    let configured = |folder: &Folder<'_>| folder.has(".yarnrc.yml");
    says(package)
        || configured(folder)
        || folder
            .above()
            .any(|above| configured(&above) || read(&above).is_some_and(|root| says(&root)))
}

#[cfg(test)]
mod tests {
    use crate::rules::checks::detect::tests::check;

    #[test]
    fn node_by_each_manager() {
        let package = (
            "package.json",
            r#"{ "scripts": { "test": "vitest", "lint": "eslint .", "typecheck": "tsc", "build": "vite build", "start": "vite" },
                "devDependencies": { "vite": "7" } }"#,
        );
        let by = |lock: &'static str, run: &str, install: &str| {
            let line = |kind: &str, script: &str, command: &str| {
                format!("{kind}: {command} after {install} < package.json scripts.{script}")
            };
            let test = if run == "bun" {
                "bun run test".to_owned()
            } else {
                format!("{run} test")
            };
            let lines = [
                line("lint", "lint", &format!("{run} run lint")),
                line("types", "typecheck", &format!("{run} run typecheck")),
                line("build", "build", &format!("{run} run build")),
                line("test", "test", &test),
            ];
            let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
            check(&[package, (lock, "")], &lines);
        };
        by("package-lock.json", "npm", "npm ci");
        by("README.md", "npm", "npm install");
        by("pnpm-lock.yaml", "pnpm", "pnpm install --frozen-lockfile");
        by("yarn.lock", "yarn", "yarn install --frozen-lockfile");
        by("bun.lock", "bun", "bun install --frozen-lockfile");
        by("bun.lockb", "bun", "bun install --frozen-lockfile");
    }

    #[test]
    fn a_packages_own_word_counts_more_than_a_lock_file() {
        let package = |manager: &str| {
            format!(
                r#"{{ "packageManager": "{manager}", "scripts": {{ "test": "jest" }}, "dependencies": {{ "a": "1" }} }}"#
            )
        };
        let modern = package("yarn@4.1.0");
        check(
            &[
                ("package.json", &modern),
                ("yarn.lock", ""),
                ("package-lock.json", "{}"),
            ],
            &["test: yarn test after yarn install --immutable < package.json scripts.test"],
        );
        let pnpm = package("pnpm@9.0.0+sha512.abc");
        check(
            &[("package.json", &pnpm), ("yarn.lock", "")],
            &["test: pnpm test after pnpm install < package.json scripts.test"],
        );
    }

    #[test]
    fn scripts_that_try_nothing_or_never_end_are_no_checks() {
        let script = |test: &str| serde_json::json!({ "scripts": { "test": test } }).to_string();
        let check_script = |test: &str, expect: &[&str]| {
            check(&[("package.json", &script(test))], expect);
        };
        let placeholder = "echo \"Error: no test specified\" && exit 1";
        check_script(placeholder, &[]);
        check_script("", &[]);
        check_script("echo todo", &[]);
        check_script("jest --watch", &[]);
        // The control: one that does something is found.
        check_script(
            "node --test",
            &["test: npm test < package.json scripts.test"],
        );
        check_script(
            "jest --watchAll=false",
            &["test: npm test < package.json scripts.test"],
        );
        check_script(
            "react-scripts test",
            &["test: env CI=true npm test < package.json scripts.test"],
        );
        let two = r#"{ "scripts": { "test": "jest --watch", "test:ci": "jest" } }"#;
        let ci = "test: npm run test:ci < package.json scripts.test:ci";
        check(&[("package.json", two)], &[ci]);
    }
}
