//! Java and its kin: Maven and Gradle, by their wrappers where there are some.

use crate::rules::checks::finds::Finds;
use crate::rules::checks::folder::Folder;
use crate::rules::checks::shape::{CheckKind, Need};

const POM: &str = "pom.xml";
const GRADLE: [&str; 4] = [
    "settings.gradle",
    "settings.gradle.kts",
    "build.gradle",
    "build.gradle.kts",
];

/// Tests where there are some, else the build. Modules are built with the project above them.
pub(super) fn find(folder: &Folder<'_>, finds: &mut Finds) {
    maven(folder, finds);
    gradle(folder, finds);
}

fn maven(folder: &Folder<'_>, finds: &mut Finds) {
    let Some(text) = folder.text(POM) else {
        return;
    };
    if !text.contains("<project") || !text.contains("</project>") {
        return finds.fault(folder, POM, "it holds no whole <project>");
    }
    if folder.above().any(|above| above.has(POM)) {
        return;
    }
    let program = if folder.has("mvnw") { "./mvnw" } else { "mvn" };
    let (kind, goal) = goal(folder, "test", "compile");
    let command = format!("{program} --batch-mode {goal}");
    finds
        .add(kind, &command, format!("{POM} <project>"))
        .needing(java());
}

fn gradle(folder: &Folder<'_>, finds: &mut Finds) {
    let Some(file) = folder.first_of(&GRADLE) else {
        return;
    };
    let is_project = |above: Folder<'_>| above.first_of(&GRADLE).is_some();
    if folder.above().any(is_project) {
        return;
    }
    let wrapper = folder.has("gradlew");
    let program = if wrapper { "./gradlew" } else { "gradle" };
    let (kind, task) = goal(folder, "test", "assemble");
    // A daemon would outlive the check.
    let command = format!("{program} --no-daemon --console=plain {task}");
    finds.add(kind, &command, file).needing(java());
}

fn goal<'a>(folder: &Folder<'_>, test: &'a str, build: &'a str) -> (CheckKind, &'a str) {
    let is_test = |path: &str| path.contains("src/test/") || path.contains("Test/kotlin/");
    if folder.below().any(is_test) {
        (CheckKind::Test, test)
    } else {
        (CheckKind::Build, build)
    }
}

fn java() -> Need {
    Need::Program("java".to_owned())
}

#[cfg(test)]
mod tests {
    use crate::rules::checks::detect::tests::check;

    #[test]
    fn java_by_maven_and_gradle_and_their_wrappers() {
        let pom = ("pom.xml", "<project></project>");
        check(
            &[pom],
            &["build: mvn --batch-mode compile < pom.xml <project>"],
        );
        check(
            &[
                pom,
                ("mvnw", ""),
                ("api/pom.xml", pom.1),
                ("api/src/test/java/A.java", ""),
            ],
            &["test: ./mvnw --batch-mode test < pom.xml <project>"],
        );
        let test = ("app/src/test/kotlin/A.kt", "");
        check(
            &[
                ("settings.gradle.kts", ""),
                ("app/build.gradle.kts", ""),
                ("gradlew", ""),
                test,
            ],
            &["test: ./gradlew --no-daemon --console=plain test < settings.gradle.kts"],
        );
        check(
            &[("build.gradle", "")],
            &["build: gradle --no-daemon --console=plain assemble < build.gradle"],
        );
    }
}
