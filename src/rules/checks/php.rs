//! PHP: Composer's scripts, else the usual tools.

use crate::rules::checks::finds::Finds;
use crate::rules::checks::folder::Folder;
use crate::rules::checks::placeholder::is_placeholder;
use crate::rules::checks::shape::{CheckKind, Need};
use serde_json::Value;

const MANIFEST: &str = "composer.json";
const INSTALL: &str = "composer install --no-interaction --no-progress";
/// What scripts are called, by kind.
const SCRIPTS: [(CheckKind, &[&str]); 3] = [
    (CheckKind::Lint, &["lint", "cs", "phpcs"]),
    (
        CheckKind::Types,
        &["phpstan", "stan", "analyse", "analyze", "psalm"],
    ),
    (CheckKind::Test, &["test", "tests", "phpunit"]),
];
/// What is run where no script does, by the file that configures it.
const TOOLS: [(CheckKind, &[&str], &str); 3] = [
    (
        CheckKind::Lint,
        &["phpcs.xml", "phpcs.xml.dist", ".phpcs.xml"],
        "vendor/bin/phpcs",
    ),
    (
        CheckKind::Types,
        &["phpstan.neon", "phpstan.neon.dist", "phpstan.dist.neon"],
        "vendor/bin/phpstan analyse --no-progress",
    ),
    (
        CheckKind::Test,
        &["phpunit.xml", "phpunit.xml.dist", "phpunit.dist.xml"],
        "vendor/bin/phpunit",
    ),
];

/// A script of each kind, else the tool that is configured.
pub(super) fn find(folder: &Folder<'_>, finds: &mut Finds) {
    let Some(text) = folder.text(MANIFEST) else {
        return;
    };
    let composer: Value = match serde_json::from_str(text) {
        Ok(composer) => composer,
        Err(problem) => return finds.fault(folder, MANIFEST, format!("not JSON: {problem}")),
    };
    for ((kind, scripts), (_, files, command)) in SCRIPTS.into_iter().zip(TOOLS) {
        let script = scripts.iter().find(|name| is_there(&composer, name));
        let (command, why) = match (script, folder.first_of(files)) {
            (Some(script), _) => (
                format!("composer run-script {script}"),
                format!("{MANIFEST} scripts.{script}"),
            ),
            (None, Some(file)) => (command.to_owned(), file.to_owned()),
            (None, None) => continue,
        };
        let found = finds.add(kind, &command, why).after(INSTALL);
        found.needing(Need::Program("php".to_owned()));
    }
}

fn is_there(composer: &Value, script: &str) -> bool {
    match composer.get("scripts").and_then(|all| all.get(script)) {
        Some(Value::String(line)) => !is_placeholder(line),
        Some(Value::Array(lines)) => !lines.is_empty(),
        Some(_) | None => false,
    }
}
