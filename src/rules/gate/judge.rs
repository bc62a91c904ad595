//! May a commit be offered without a person?

use crate::rules::evaluate::pattern::PathPattern;
use crate::rules::footprint::is_lock_file;
use crate::rules::gate::change::Change;
use crate::rules::gate::guarded::Guarded;
use crate::rules::gate::secrets::Secret;
use crate::rules::printable::clip;
use std::collections::{BTreeMap, BTreeSet};

/// GitHub warns from 50 MB on; what a person wrote is far below 5.
const LARGE: u64 = 5_000_000;
/// How many paths of each kind are named, and how long each may be.
const NAMED: usize = 3;
const NAME_BYTES: usize = 120;

/// What is let through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gate {
    /// Kinds that the configuration lets through.
    pub allow: BTreeSet<Guarded>,
    /// Where changes may be at all; anywhere where it is empty.
    pub scope: Vec<PathPattern>,
    /// Files of this repository that this program obeys, from its top: setup, prompt template.
    pub own: BTreeSet<String>,
}

/// Why a commit is held back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// It changes something guarded.
    Guarded(Guarded),
    /// It changes files outside of where changes may be.
    OutOfScope,
    /// It brings a value that this program was given as a secret.
    KnownSecret,
}

/// What holds a commit back, each with the paths that do.
pub type Held = BTreeMap<Reason, Vec<String>>;

impl Gate {
    /// What holds these changes back; nothing where they may be offered.
    #[must_use]
    pub fn held(&self, changes: &[Change]) -> Held {
        let mut held = Held::new();
        for change in changes {
            for reason in self.reasons(change) {
                held.entry(reason).or_default().push(change.path.clone());
            }
            for (kind, named) in [
                (Guarded::Registries, change.leads_elsewhere()),
                (Guarded::Secrets, change.looks_secret()),
                (Guarded::Collisions, change.meets_another()),
            ] {
                let reason = Reason::Guarded(kind);
                held.entry(reason).or_default().extend(named);
            }
        }
        if changes.iter().all(|change| is_lock_file(&change.path)) {
            let paths = changes.iter().map(|change| change.path.clone());
            held.insert(Reason::Guarded(Guarded::Lockfiles), paths.collect());
        }
        held.retain(|reason, paths| !paths.is_empty() && !self.allows(*reason));
        held
    }

    fn reasons(&self, change: &Change) -> Vec<Reason> {
        let found = [
            (Guarded::of_path(&change.path), true),
            (Some(Guarded::Autoissue), self.is_own(&change.path)),
            (Some(Guarded::GitConfig), change.names_drivers()),
            (Some(Guarded::Links), change.leads_out()),
            (Some(Guarded::Executables), change.became_executable()),
            (Some(Guarded::LargeFiles), change.bytes > LARGE),
        ];
        let found = found.into_iter().filter(|(_, is_so)| *is_so);
        let mut reasons: BTreeSet<Reason> = found
            .filter_map(|(kind, _)| kind.map(Reason::Guarded))
            .collect();
        let is_inside = |pattern: &PathPattern| pattern.means(&change.path);
        if !self.scope.is_empty() && !self.scope.iter().any(is_inside) {
            reasons.insert(Reason::OutOfScope);
        }
        if change.secrets.contains(&Secret::Known) {
            reasons.insert(Reason::KnownSecret);
        }
        reasons.into_iter().collect()
    }

    fn is_own(&self, path: &str) -> bool {
        self.own.iter().any(|own| own.eq_ignore_ascii_case(path))
    }

    fn allows(&self, reason: Reason) -> bool {
        match reason {
            Reason::Guarded(kind) => self.allow.contains(&kind),
            Reason::OutOfScope | Reason::KnownSecret => false,
        }
    }
}

/// Why a person has to look, and what lets it through, in a few sentences; `kept` is the commit that holds the files.
#[must_use]
pub fn words(held: &Held, kept: &str) -> String {
    let what: Vec<String> = held
        .iter()
        .map(|(reason, paths)| said(*reason, paths))
        .collect();
    let labels: Vec<String> = held.keys().filter_map(|reason| label(*reason)).collect();
    let helps = if held.contains_key(&Reason::KnownSecret) {
        "Nothing allows a secret that autoissue itself was given: should it be out already, replace it.".to_owned()
    } else if held.contains_key(&Reason::OutOfScope) {
        "`security.scope` says where changes may be.".to_owned()
    } else {
        let labels = labels.join(" and ");
        format!("To allow it, put {labels} on the issue or set `security.allow`.")
    };
    let what = what.join("; ");
    format!(
        "the work changes what only a person may let through: {what}. Its files are kept in the mirror, as commit {kept}. {helps}"
    )
}

fn said(reason: Reason, paths: &[String]) -> String {
    let some: Vec<String> = paths
        .iter()
        .take(NAMED)
        .map(|path| clip(path, NAME_BYTES))
        .collect();
    let more = paths.len().saturating_sub(NAMED);
    let more = match more {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let what = match reason {
        Reason::Guarded(kind) => kind.words(),
        Reason::OutOfScope => "files out of scope",
        Reason::KnownSecret => "secrets that autoissue was given",
    };
    format!("{what} ({}{more})", some.join(", "))
}

fn label(reason: Reason) -> Option<String> {
    match reason {
        Reason::Guarded(kind) => kind.labels().first().map(|label| format!("`{label}`")),
        Reason::OutOfScope | Reason::KnownSecret => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::gate::change::{FileKind, Sources};

    fn changed(path: &str) -> Change {
        Change {
            path: path.to_owned(),
            bytes: 10,
            ..Change::default()
        }
    }

    fn held(gate: &Gate, changes: &[Change]) -> Vec<Reason> {
        gate.held(changes).into_keys().collect()
    }

    #[test]
    fn ordinary_work_passes() {
        let gate = Gate::default();
        let new = Change {
            was: FileKind::Absent,
            is: FileKind::Executable,
            ..changed("bin/new.sh")
        };
        let changes = [changed("src/a.rs"), changed("Cargo.lock"), new];
        assert_eq!(held(&gate, &changes), []);
        assert_eq!(held(&gate, &[]), []);
    }

    #[test]
    fn each_kind_is_held_until_it_is_allowed() {
        let with = |path: &str, edit: fn(&mut Change)| {
            let mut change = changed(path);
            edit(&mut change);
            vec![change, changed("src/a.rs")]
        };
        let cases = [
            (Guarded::Workflows, with(".github/workflows/x.yml", |_| {})),
            (Guarded::AgentConfig, with("CLAUDE.md", |_| {})),
            (Guarded::Autoissue, with("tools/Ready.sh", |_| {})),
            (
                Guarded::Owners,
                with("CODEOWNERS", |change| change.is = FileKind::Absent),
            ),
            (Guarded::GitConfig, with(".gitattributes", |_| {})),
            (Guarded::Hooks, with(".husky/pre-push", |_| {})),
            (
                Guarded::Lockfiles,
                vec![changed("Cargo.lock"), changed("web/yarn.lock")],
            ),
            (
                Guarded::Registries,
                with("yarn.lock", |change| change.sources = Sources::Unread),
            ),
            (
                Guarded::Links,
                with("a", |change| change.is = FileKind::Link),
            ),
            (
                Guarded::Executables,
                with("a.sh", |change| change.is = FileKind::Executable),
            ),
            (
                Guarded::LargeFiles,
                with("a.bin", |change| change.bytes = LARGE + 1),
            ),
            (
                Guarded::Secrets,
                with("a.pem", |change| {
                    change.secrets.insert(Secret::PrivateKey);
                }),
            ),
            (
                Guarded::Collisions,
                with("readme.md", |change| {
                    change.meets = Some("README.md".to_owned());
                }),
            ),
        ];
        assert_eq!(cases.len(), Guarded::ALL.len());
        for (kind, changes) in cases {
            let mut gate = Gate {
                own: BTreeSet::from(["tools/ready.sh".to_owned()]),
                ..Gate::default()
            };
            assert_eq!(held(&gate, &changes), [Reason::Guarded(kind)], "{kind:?}");
            gate.allow.insert(kind);
            assert_eq!(held(&gate, &changes), [], "{kind:?}");
        }
    }

    #[test]
    fn a_scope_holds_what_is_outside_whatever_is_allowed() {
        let gate = Gate {
            allow: Guarded::ALL.into(),
            scope: vec![PathPattern::new("src/**"), PathPattern::new("*.md")],
            own: BTreeSet::new(),
        };
        assert_eq!(
            held(&gate, &[changed("src/a/b.rs"), changed("docs/x.md")]),
            []
        );
        let out = gate.held(&[changed("src/a.rs"), changed("Makefile")]);
        assert_eq!(
            words(&out, "abc"),
            "the work changes what only a person may let through: files out of scope (Makefile). Its files are kept in the mirror, as commit abc. `security.scope` says where changes may be."
        );
    }

    #[test]
    fn a_known_secret_is_held_whatever_is_allowed_and_its_value_is_not_told() {
        let gate = Gate {
            allow: Guarded::ALL.into(),
            ..Gate::default()
        };
        let change = Change {
            secrets: BTreeSet::from([Secret::Known, Secret::Token("GitHub")]),
            ..changed("src/a.rs")
        };
        let out = gate.held(std::slice::from_ref(&change));
        assert_eq!(
            words(&out, "abc"),
            "the work changes what only a person may let through: secrets that autoissue was given (src/a.rs). Its files are kept in the mirror, as commit abc. Nothing allows a secret that autoissue itself was given: should it be out already, replace it."
        );
        let said = words(&Gate::default().held(&[change]), "abc");
        assert!(
            said.contains("what looks like a secret (src/a.rs: a token of GitHub)"),
            "{said}"
        );
    }

    #[test]
    fn the_new_hosts_of_a_lock_file_are_named() {
        let hosts = ["a.example", "b.example"].map(ToOwned::to_owned);
        let change = Change {
            sources: Sources::New(hosts.into()),
            ..changed("web/yarn.lock")
        };
        let said = words(&Gate::default().held(&[change, changed("src/a.rs")]), "abc");
        let expect = "lock files that take packages from another source (web/yarn.lock from a.example and b.example)";
        assert!(said.contains(expect), "{said}");
        assert!(said.contains("`autoissue:allow-registries`"), "{said}");
    }

    #[test]
    fn what_holds_it_and_what_helps_is_said() {
        let changes: Vec<Change> = (0..5)
            .map(|n| changed(&format!(".github/workflows/{n}.yml")))
            .chain([changed("AGENTS.md"), changed("src/a.rs")])
            .collect();
        let said = words(&Gate::default().held(&changes), "abc");
        let expect = "the work changes what only a person may let through: workflows and actions (.github/workflows/0.yml, \
            .github/workflows/1.yml, .github/workflows/2.yml and 2 more); configuration of agents (AGENTS.md). Its files are \
            kept in the mirror, as commit abc. To allow it, put `autoissue:allow-workflows` and `autoissue:allow-agentConfig` on the issue or set \
            `security.allow`.";
        assert_eq!(said, expect);
    }
}
