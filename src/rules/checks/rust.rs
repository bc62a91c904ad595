//! Rust: Cargo's packages and workspaces.

use crate::rules::checks::finds::Finds;
use crate::rules::checks::folder::Folder;
use crate::rules::checks::shape::{CheckKind, Need};
use crate::rules::checks::toml::Toml;

const MANIFEST: &str = "Cargo.toml";

/// Tests for each package or workspace; the format and clippy only where they are configured.
pub(super) fn find(folder: &Folder<'_>, finds: &mut Finds) {
    let Some(text) = folder.text(MANIFEST) else {
        return;
    };
    let toml = match Toml::read(text) {
        Ok(toml) => toml,
        Err(problem) => return finds.fault(folder, MANIFEST, problem),
    };
    let is_workspace = toml.has("workspace");
    if !is_workspace && !toml.has("package") {
        return finds.fault(folder, MANIFEST, "it has neither [package] nor [workspace]");
    }
    // Members are tested with their workspace.
    if folder
        .above()
        .any(|above| is_workspace_with(&above, folder))
    {
        return;
    }
    if let Some(file) = folder.first_of(&["rustfmt.toml", ".rustfmt.toml"]) {
        let format = finds.add(CheckKind::Lint, "cargo fmt --check", file);
        format.needing(Need::Program("cargo-fmt".to_owned()));
    }
    if let Some(why) = clippy(folder, &toml) {
        let clippy = finds.add(CheckKind::Lint, "cargo clippy --all-targets", why);
        clippy.needing(Need::Program("cargo-clippy".to_owned()));
    }
    let (command, key) = match (is_workspace, toml.has("package")) {
        (true, _) => ("cargo test --workspace", "[workspace]"),
        (false, _) => ("cargo test", "[package]"),
    };
    finds.add(CheckKind::Test, command, format!("{MANIFEST} {key}"));
}

fn clippy(folder: &Folder<'_>, toml: &Toml) -> Option<String> {
    let tables = ["lints.clippy", "workspace.lints.clippy"];
    let table = tables.into_iter().find(|table| toml.has(table));
    let file = folder.first_of(&["clippy.toml", ".clippy.toml"]);
    let table = table.map(|table| format!("{MANIFEST} [{table}]"));
    table.or_else(|| file.map(str::to_owned))
}

/// Does this directory hold a workspace that does not leave the other one out?
fn is_workspace_with(above: &Folder<'_>, member: &Folder<'_>) -> bool {
    let toml = above.text(MANIFEST).and_then(|text| Toml::read(text).ok());
    toml.is_some_and(|toml| {
        let path = member.path.strip_prefix(above.path).unwrap_or(member.path);
        let path = format!("\"{}\"", path.trim_start_matches('/'));
        let left_out = toml
            .below("workspace.exclude")
            .any(|(_, value)| value.contains(&path));
        toml.has("workspace") && !left_out
    })
}
