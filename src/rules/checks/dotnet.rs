//! .NET: solutions and projects.

use crate::rules::checks::finds::Finds;
use crate::rules::checks::folder::Folder;
use crate::rules::checks::shape::CheckKind;

const SOLUTIONS: [&str; 2] = [".sln", ".slnx"];
const PROJECTS: [&str; 3] = [".csproj", ".fsproj", ".vbproj"];
/// What a project of tests refers to.
const TESTS: [&str; 3] = [
    "Microsoft.NET.Test.Sdk",
    "<IsTestProject>true",
    "MSTest.Sdk",
];

/// Tests where a project of tests is below, else the build; by the solution, where there is one.
pub(super) fn find(folder: &Folder<'_>, finds: &mut Finds) {
    for project in all(folder, &PROJECTS) {
        let text = folder.text(project).unwrap_or("<Project");
        if !text.contains("<Project") {
            finds.fault(folder, project, "it holds no <Project>");
        }
    }
    let solutions = all(folder, &SOLUTIONS);
    let projects = all(folder, &PROJECTS);
    let is_covered = |above: Folder<'_>| {
        !all(&above, &SOLUTIONS).is_empty() || !all(&above, &PROJECTS).is_empty()
    };
    if folder.above().any(is_covered) {
        return;
    }
    let chosen = if solutions.is_empty() {
        projects
    } else {
        solutions
    };
    for file in chosen {
        let is_test = |text: &str| TESTS.iter().any(|word| text.contains(word));
        let mut texts = PROJECTS
            .iter()
            .flat_map(|ending| folder.texts_below(ending));
        let (kind, verb) = if texts.any(is_test) {
            (CheckKind::Test, "test")
        } else {
            (CheckKind::Build, "build")
        };
        let found = finds.add(kind, &format!("dotnet {verb}"), file);
        // More than one project in a directory has to be named, and its name may have spaces.
        found.argv.push(file.to_owned());
    }
}

fn all<'a>(folder: &Folder<'a>, endings: &[&str]) -> Vec<&'a str> {
    let names = endings.iter().flat_map(|ending| folder.ending(ending));
    names.collect()
}
