//! Kinds of changes that a person lets through, and the paths that they are at.

use crate::rules::footprint::glob::fits;
use crate::rules::gate::spelled::reached;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A kind of change that is not offered unless it was allowed.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "camelCase")]
pub enum Guarded {
    /// What a forge runs on its own: `.github/workflows`, `.github/actions`, `action.yml`, and the like of others.
    Workflows,
    /// What agents are told and may do: `AGENTS.md`, `CLAUDE.md`, `.claude`, `.mcp.json`, `.codex`, and the like.
    AgentConfig,
    /// What this program obeys: its configuration, its own directory, its setup, its prompt template.
    Autoissue,
    /// Who has to review: `CODEOWNERS`.
    Owners,
    /// What git obeys: `.gitmodules`, `.lfsconfig`, filters, merges and diffs in `.gitattributes`.
    GitConfig,
    /// What runs as people commit: `.husky`, `.githooks`, pre-commit, lefthook.
    Hooks,
    /// A change of lock files and nothing else.
    Lockfiles,
    /// Lock files that take packages from hosts that the base's do not.
    Registries,
    /// Links that may lead out of the repository.
    Links,
    /// Files that were made executable.
    Executables,
    /// Files of more than 5 MB.
    LargeFiles,
    /// What is a secret by its looks: private keys, tokens of vendors, passwords in addresses and headers.
    Secrets,
    /// Names that some disks take for one, by case or by how accents are written.
    Collisions,
}

/// The label that lets one kind through on one issue begins so.
pub const ALLOW: &str = "autoissue:allow-";
/// The label of dependency updates, which may be lock files alone.
pub const DEPENDENCIES: &str = "dependencies";

const PATHS: [(Guarded, &[&str]); 6] = [
    (
        Guarded::Workflows,
        &[
            ".github/workflows/**",
            ".github/actions/**",
            "action.yml",
            "action.yaml",
            ".gitlab-ci.yml",
            ".circleci/**",
            ".buildkite/**",
            ".travis.yml",
            ".drone.yml",
            "azure-pipelines.yml",
            "jenkinsfile",
        ],
    ),
    (
        Guarded::AgentConfig,
        &[
            "agents.md",
            "agents.override.md",
            "claude.md",
            "claude.local.md",
            "gemini.md",
            ".mcp.json",
            ".cursorrules",
            "opencode.json",
            "opencode.jsonc",
            "**/.claude/**",
            "**/.codex/**",
            "**/.gemini/**",
            "**/.cursor/**",
            "**/.opencode/**",
            ".github/copilot-instructions.md",
            ".github/instructions/**",
        ],
    ),
    (
        Guarded::Autoissue,
        &[".autoissue/**", "autoissue.config.json"],
    ),
    (Guarded::Owners, &["codeowners"]),
    (
        Guarded::GitConfig,
        // The last two are what NTFS calls `.gitmodules` besides (git, `is_ntfs_dotgitmodules`).
        &[".gitmodules", ".lfsconfig", "gitmod~*", "gi7eba~*"],
    ),
    (
        Guarded::Hooks,
        &[
            "**/.husky/**",
            "**/.githooks/**",
            ".pre-commit-config.yaml",
            ".pre-commit-config.yml",
            "lefthook.yml",
            ".lefthook.yml",
            "lefthook.yaml",
            ".lefthook.yaml",
        ],
    ),
];

impl Guarded {
    /// Every kind.
    pub const ALL: [Self; 13] = [
        Self::Workflows,
        Self::AgentConfig,
        Self::Autoissue,
        Self::Owners,
        Self::GitConfig,
        Self::Hooks,
        Self::Lockfiles,
        Self::Registries,
        Self::Links,
        Self::Executables,
        Self::LargeFiles,
        Self::Secrets,
        Self::Collisions,
    ];

    /// As the configuration and labels write it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Workflows => "workflows",
            Self::AgentConfig => "agentConfig",
            Self::Autoissue => "autoissue",
            Self::Owners => "owners",
            Self::GitConfig => "gitConfig",
            Self::Hooks => "hooks",
            Self::Lockfiles => "lockfiles",
            Self::Registries => "registries",
            Self::Links => "links",
            Self::Executables => "executables",
            Self::LargeFiles => "largeFiles",
            Self::Secrets => "secrets",
            Self::Collisions => "collisions",
        }
    }

    /// A few words for a person.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Workflows => "workflows and actions",
            Self::AgentConfig => "configuration of agents",
            Self::Autoissue => "what autoissue itself obeys",
            Self::Owners => "code owners",
            Self::GitConfig => "what git obeys",
            Self::Hooks => "hooks",
            Self::Lockfiles => "nothing but lock files",
            Self::Registries => "lock files that take packages from another source",
            Self::Links => "links that lead out of the repository",
            Self::Executables => "files that were made executable",
            Self::LargeFiles => "files of more than 5 MB",
            Self::Secrets => "what looks like a secret",
            Self::Collisions => "names that some disks take for one",
        }
    }

    /// The labels that let it through on one issue, the usual one first.
    #[must_use]
    pub fn labels(self) -> Vec<String> {
        let mut labels = vec![format!("{ALLOW}{}", self.word())];
        if self == Self::Lockfiles {
            labels.push(DEPENDENCIES.to_owned());
        }
        labels
    }

    /// The kind that a path belongs to by its name, in any spelling by which some disk would come to it.
    #[must_use]
    pub(super) fn of_path(path: &str) -> Option<Self> {
        let path = reached(path);
        let means = |patterns: &[&str]| patterns.iter().any(|pattern| fits(pattern, &path));
        let found = PATHS.iter().find(|(_, patterns)| means(patterns));
        found.map(|(kind, _)| *kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guarded_paths_are_known_by_their_names() {
        let check = |path: &str, expect: Option<Guarded>| {
            assert_eq!(Guarded::of_path(path), expect, "{path}");
        };
        for path in [
            ".github/workflows/ci.yml",
            ".GitHub/Workflows/x/y.yml",
            ".github/actions/a/run.sh",
            "tools/action.yaml",
        ] {
            check(path, Some(Guarded::Workflows));
        }
        for path in [
            "AGENTS.md",
            "web/CLAUDE.md",
            ".claude/settings.json",
            "a/.claude/x",
            ".mcp.json",
            ".codex/config.toml",
        ] {
            check(path, Some(Guarded::AgentConfig));
        }
        check(".autoissue/prompt.md", Some(Guarded::Autoissue));
        check("autoissue.config.json", Some(Guarded::Autoissue));
        check(".github/CODEOWNERS", Some(Guarded::Owners));
        check("docs/codeowners", Some(Guarded::Owners));
        check(".gitmodules", Some(Guarded::GitConfig));
        check(".husky/pre-commit", Some(Guarded::Hooks));
        for (path, kind) in [
            ("AGENTS.md::$DATA", Guarded::AgentConfig),
            ("CLAUDE.md.", Guarded::AgentConfig),
            (".cl\u{200c}aude/settings.json", Guarded::AgentConfig),
            (".github\\workflows\\x.yml", Guarded::Workflows),
            (".github /workflows/x.yml", Guarded::Workflows),
            ("GITMOD~1", Guarded::GitConfig),
            ("gi7eba~3", Guarded::GitConfig),
        ] {
            check(path, Some(kind));
        }
        for path in [
            ".github/ISSUE_TEMPLATE/bug.md",
            ".github/workflows.md",
            "docs/agents.mdx",
            "src/action.rs",
            "my.claude/x",
            ".gitignore",
        ] {
            check(path, None);
        }
    }

    #[test]
    fn each_is_written_as_it_is_read() {
        for kind in Guarded::ALL {
            assert_eq!(serde_json::json!(kind), kind.word());
        }
    }
}
