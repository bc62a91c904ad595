//! Go modules.

use crate::rules::checks::finds::Finds;
use crate::rules::checks::folder::Folder;
use crate::rules::checks::shape::CheckKind;

const MANIFEST: &str = "go.mod";
const LINTERS: [&str; 4] = [
    ".golangci.yml",
    ".golangci.yaml",
    ".golangci.toml",
    ".golangci.json",
];

/// Vet and tests, or the build where there are none; golangci-lint where it is configured.
pub(super) fn find(folder: &Folder<'_>, finds: &mut Finds) {
    let Some(text) = folder.text(MANIFEST) else {
        return;
    };
    let says_module = |line: &str| line.trim_start().starts_with("module ");
    if !text.lines().any(says_module) {
        return finds.fault(folder, MANIFEST, "it names no module");
    }
    if let Some(file) = folder.first_of(&LINTERS) {
        finds.add(CheckKind::Lint, "golangci-lint run", file);
    }
    finds.add(
        CheckKind::Lint,
        "go vet ./...",
        format!("{MANIFEST} module"),
    );
    if folder.has_below(&["_test.go"]) {
        finds.add(
            CheckKind::Test,
            "go test ./...",
            format!("{MANIFEST} module, *_test.go"),
        );
    } else {
        finds.add(
            CheckKind::Build,
            "go build ./...",
            format!("{MANIFEST} module"),
        );
    }
}
