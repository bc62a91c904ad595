//! Which part of a project usually lives at a path?

use crate::rules::classify::Domain;
use crate::rules::paths::{extension, name};

/// The domain that a path speaks for, whatever the language; `None` where it could be anything. Whole segments and
/// extensions count, the more telling rules first: `server/migrations/1.sql` is database, `src/auth/login.test.ts` testing.
#[must_use]
pub fn domain_of_path(path: &str) -> Option<Domain> {
    let path = path.to_ascii_lowercase();
    let directory = &path[..path.len() - name(&path).len()];
    let has_segment = |segments: &[&str]| directory.split('/').any(|own| segments.contains(&own));
    let extension = extension(&path);
    if has_segment(&CI) || CI_FILES.contains(&name(&path)) {
        Some(Domain::Infrastructure)
    } else if has_segment(&TESTS) || is_test(name(&path)) {
        Some(Domain::Testing)
    } else if has_segment(&DOCS) || TEXTS.contains(&extension) {
        Some(Domain::Documentation)
    } else if has_segment(&DATA) || SCHEMAS.contains(&extension) {
        Some(Domain::Database)
    } else if has_segment(&OPERATIONS) || MACHINES.contains(&extension) || is_machine(name(&path)) {
        Some(Domain::Infrastructure)
    } else if has_segment(&SAFETY) {
        Some(Domain::Security)
    } else if has_segment(&PAGES) || LOOKS.contains(&extension) {
        Some(Domain::Frontend)
    } else if has_segment(&SERVICES) || PROGRAMS.contains(&extension) {
        Some(Domain::Backend)
    } else {
        None
    }
}

/// `test_a.py`, `a_test.go`, `a.test.ts`, `a.spec.rb`, `ATest.java`, in lower case.
fn is_test(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or(name);
    let words = |text: &str| ["test", "tests", "spec", "e2e"].contains(&text);
    name == "conftest.py"
        || name.split('.').skip(1).any(words)
        || stem.split(['_', '-']).next().is_some_and(words)
        || stem.rsplit(['_', '-']).next().is_some_and(words)
}

fn is_machine(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or(name);
    [
        "dockerfile",
        "containerfile",
        "makefile",
        "jenkinsfile",
        "docker-compose",
        "compose",
        "procfile",
        "vagrantfile",
    ]
    .contains(&stem)
}

const CI: [&str; 5] = [".github", ".circleci", ".gitlab", ".buildkite", ".ci"];
const CI_FILES: [&str; 4] = [
    ".gitlab-ci.yml",
    ".travis.yml",
    "azure-pipelines.yml",
    "bitbucket-pipelines.yml",
];
const TESTS: [&str; 11] = [
    "test",
    "tests",
    "testing",
    "__tests__",
    "spec",
    "specs",
    "e2e",
    "fixtures",
    "testdata",
    "__mocks__",
    "cypress",
];
const DOCS: [&str; 5] = ["doc", "docs", "documentation", "guides", "wiki"];
const TEXTS: [&str; 5] = ["md", "mdx", "rst", "adoc", "tex"];
const DATA: [&str; 10] = [
    "db",
    "database",
    "databases",
    "migration",
    "migrations",
    "schema",
    "schemas",
    "prisma",
    "sql",
    "queries",
];
const SCHEMAS: [&str; 2] = ["sql", "prisma"];
const OPERATIONS: [&str; 15] = [
    "ci",
    "deploy",
    "deployment",
    "deployments",
    "infra",
    "infrastructure",
    "terraform",
    "k8s",
    "kubernetes",
    "helm",
    "charts",
    "ansible",
    "docker",
    "ops",
    "devops",
];
const MACHINES: [&str; 4] = ["tf", "tfvars", "hcl", "nix"];
const SAFETY: [&str; 10] = [
    "auth",
    "authentication",
    "authorization",
    "security",
    "crypto",
    "oauth",
    "permissions",
    "acl",
    "rbac",
    "sso",
];
const PAGES: [&str; 17] = [
    "frontend",
    "ui",
    "web",
    "webapp",
    "client",
    "components",
    "component",
    "pages",
    "page",
    "views",
    "view",
    "styles",
    "css",
    "layouts",
    "templates",
    "assets",
    "public",
];
const LOOKS: [&str; 14] = [
    "tsx", "jsx", "css", "scss", "sass", "less", "styl", "vue", "svelte", "astro", "html", "htm",
    "hbs", "ejs",
];
const SERVICES: [&str; 18] = [
    "backend",
    "server",
    "api",
    "apis",
    "service",
    "services",
    "controllers",
    "controller",
    "handlers",
    "routes",
    "middleware",
    "models",
    "graphql",
    "grpc",
    "rpc",
    "jobs",
    "queues",
    "internal",
];
/// Languages that programs behind a page are mostly written in.
const PROGRAMS: [&str; 27] = [
    "rs", "go", "py", "java", "kt", "scala", "groovy", "clj", "rb", "php", "cs", "fs", "vb", "ex",
    "exs", "erl", "hs", "ml", "c", "h", "cc", "cpp", "hpp", "zig", "nim", "proto", "swift",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_segments_tell_the_domain() {
        let check =
            |path: &str, expect: Option<Domain>| assert_eq!(domain_of_path(path), expect, "{path}");
        check("src/api/users.ts", Some(Domain::Backend));
        check("cmd/run.go", Some(Domain::Backend));
        check("web/App.tsx", Some(Domain::Frontend));
        check("src/ui/", Some(Domain::Frontend));
        check("src/build/x.ts", None);
        check("src/guides.ts", None);
        check("src/latest.ts", None);
        check("src/contest/x.ts", None);
        check("server/migrations/001.sql", Some(Domain::Database));
        check("src/auth/login.test.ts", Some(Domain::Testing));
        check("src/auth/login.ts", Some(Domain::Security));
        check("pkg/a_test.go", Some(Domain::Testing));
        check("tests/api/x.rs", Some(Domain::Testing));
        check(".github/workflows/test.yml", Some(Domain::Infrastructure));
        check("docker/Dockerfile.dev", Some(Domain::Infrastructure));
        check("Dockerfile", Some(Domain::Infrastructure));
        check("main.tf", Some(Domain::Infrastructure));
        check("docs/api/auth.md", Some(Domain::Documentation));
        check("README.md", Some(Domain::Documentation));
        check("package.json", None);
        check("Cargo.toml", None);
    }
}
