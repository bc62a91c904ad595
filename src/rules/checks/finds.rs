//! What is found in one directory, as it gathers.

use crate::rules::checks::folder::Folder;
use crate::rules::checks::shape::{CheckKind, DetectedCheck, Fault, Need};

/// What one directory speaks for.
#[derive(Debug)]
pub(super) struct Finds {
    directory: String,
    /// The checks, without names yet.
    pub(super) checks: Vec<DetectedCheck>,
    /// What could not be read.
    pub(super) faults: Vec<Fault>,
}

impl Finds {
    /// Nothing yet.
    #[must_use]
    pub(super) fn new(directory: &str) -> Self {
        Self {
            directory: directory.to_owned(),
            checks: Vec::new(),
            faults: Vec::new(),
        }
    }

    /// Was a check of this kind found?
    #[must_use]
    pub(super) fn has(&self, kind: CheckKind) -> bool {
        self.checks.iter().any(|check| check.kind == kind)
    }

    /// Adds a command, of words that a space parts. Its program has to be there, unless it has a path.
    pub(super) fn add(
        &mut self,
        kind: CheckKind,
        command: &str,
        why: impl Into<String>,
    ) -> &mut DetectedCheck {
        let argv: Vec<String> = command.split(' ').map(str::to_owned).collect();
        let needs = program(&argv).into_iter().collect();
        self.checks.push(DetectedCheck {
            name: String::new(),
            kind,
            argv,
            prepare: Vec::new(),
            directory: self.directory.clone(),
            why: why.into(),
            needs,
        });
        self.checks.last_mut().expect("it was just put there")
    }

    /// A manifest cannot be read.
    pub(super) fn fault(&mut self, folder: &Folder<'_>, file: &str, problem: impl Into<String>) {
        self.faults.push(Fault {
            file: folder.path_of(file),
            problem: problem.into(),
        });
    }
}

impl DetectedCheck {
    /// Something makes its directory ready first.
    pub(super) fn after(&mut self, prepare: &str) -> &mut Self {
        self.prepare = prepare.split(' ').map(str::to_owned).collect();
        self.needs.extend(program(&self.prepare));
        self.tidy()
    }

    /// It needs more than its own program.
    pub(super) fn needing(&mut self, need: Need) -> &mut Self {
        self.needs.push(need);
        self.tidy()
    }

    fn tidy(&mut self) -> &mut Self {
        self.needs.sort();
        self.needs.dedup();
        self
    }
}

/// The program of a command, unless it is part of the repository.
fn program(argv: &[String]) -> Option<Need> {
    let program = argv.first().filter(|program| !program.contains('/'))?;
    Some(Need::Program(program.clone()))
}
