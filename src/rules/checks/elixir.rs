//! Elixir: what Mix runs.

use crate::rules::checks::finds::Finds;
use crate::rules::checks::folder::Folder;
use crate::rules::checks::shape::CheckKind;

const MANIFEST: &str = "mix.exs";
const DEPENDENCIES: &str = "mix deps.get";

/// The format and Credo where they are configured; tests where there are some, else the build. Apps of an umbrella are
/// tested with it.
pub(super) fn find(folder: &Folder<'_>, finds: &mut Finds) {
    let Some(text) = folder.text(MANIFEST) else {
        return;
    };
    if !text.contains("defmodule") {
        return finds.fault(folder, MANIFEST, "it defines no module");
    }
    let is_umbrella = |above: Folder<'_>| {
        let text = above.text(MANIFEST);
        text.is_some_and(|text| text.contains("apps_path"))
    };
    if folder.above().any(is_umbrella) {
        return;
    }
    let mut add = |kind, command, why| {
        finds.add(kind, command, why).after(DEPENDENCIES);
    };
    if folder.has(".formatter.exs") {
        add(
            CheckKind::Lint,
            "mix format --check-formatted",
            ".formatter.exs",
        );
    }
    if folder.has(".credo.exs") {
        add(CheckKind::Lint, "mix credo", ".credo.exs");
    }
    if folder.has_below(&["_test.exs"]) {
        add(CheckKind::Test, "mix test", "mix.exs, *_test.exs");
    } else {
        add(CheckKind::Build, "mix compile", "mix.exs");
    }
}
