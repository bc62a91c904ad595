//! How attempts are made: the part of the configuration that decides nothing about who runs when.

use crate::engine::words::Wording;
use crate::ports::Probe;
use crate::rules::assigning::Assigning;
use crate::rules::checks::proof::FailingTest;
use crate::rules::checks::shape::CheckKind;
use crate::rules::gate::judge::Gate;
use crate::rules::offer::offering::Offering;
use crate::rules::port_blocks::PortBlocks;
use crate::rules::redact::Redactor;
use crate::rules::trust::Trust;
use std::path::PathBuf;
use std::time::Duration;

/// How every attempt of a session is made.
#[derive(Debug)]
pub struct Orders {
    /// What verifies a commit, in this order.
    pub checks: Vec<Check>,
    /// The ports of each slot.
    pub ports: PortBlocks,
    /// What makes a fresh worktree ready, if anything is needed.
    pub setup: Option<Check>,
    /// An agent's run is ended when it takes longer.
    pub wall: Duration,
    /// An agent's run is ended when it is silent for longer.
    pub idle: Duration,
    /// An agent's turns at most, where they are limited.
    pub max_turns: Option<u32>,
    /// Tokens of one run at most, where the price of its model is not known.
    pub max_tokens: u64,
    /// Does the agent skip its own permission prompts? Then a denied tool is a fault.
    pub yolo: bool,
    /// How agents are spoken to.
    pub wording: Wording,
    /// How work is offered.
    pub offering: Offering,
    /// Who an issue is assigned to.
    pub assigning: Assigning,
    /// Who is asked as well where nobody approves a task in time.
    pub asking_others: Vec<String>,
    /// Is a test wanted that fails without the change?
    pub failing_test: FailingTest,
    /// What may be offered without a person.
    pub gate: Gate,
    /// Whose comments they are told.
    pub trust: Trust,
    /// Where raw output of agents is kept.
    pub transcripts: PathBuf,
    /// Knows the secrets that must not go anywhere.
    pub redactor: Redactor,
    /// How long to wait between two looks at an effect whose reply was lost.
    pub reply_wait: Duration,
    /// Ask the base about checks that fail. Only a test's control switches it off.
    pub ask_base: bool,
    /// Look before every change of the outside. Only a test's control switches it off.
    pub look_first: bool,
}

/// A command of the configuration, or one that the repository speaks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// Its name in output.
    pub name: String,
    /// What it looks at.
    pub kind: CheckKind,
    /// Program and arguments.
    pub argv: Vec<String>,
    /// What makes its directory ready, once for all checks that want the same there; empty where nothing is needed.
    pub prepare: Vec<String>,
    /// Where it runs, below the top; empty for the top.
    pub directory: PathBuf,
    /// Which changes it is for.
    pub reach: Reach,
    /// For a server: where it has to answer, `{port}` for the first port of the slot.
    pub answers: Option<Probe>,
    /// Ended when it takes longer.
    pub wall: Duration,
}

/// Which changes a check is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// All of them.
    Everything,
    /// Those that its directory is the nearest to, of all that have checks; the top's are for all.
    Nearby,
}

/// How long a setup script may take.
const SETUP_LIMIT: Duration = Duration::from_secs(20 * 60);

impl Check {
    /// What makes a fresh worktree ready.
    #[must_use]
    pub fn setup(argv: Vec<String>) -> Self {
        Self {
            name: "setup".to_owned(),
            kind: CheckKind::Custom,
            argv,
            prepare: Vec::new(),
            directory: PathBuf::new(),
            reach: Reach::Everything,
            answers: None,
            wall: SETUP_LIMIT,
        }
    }

    /// The command for whoever reads it, with the directory that it runs in.
    #[must_use]
    pub fn words(&self) -> String {
        let command = self.argv.join(" ");
        if self.directory.as_os_str().is_empty() {
            command
        } else {
            format!("{command} (in {})", self.directory.display())
        }
    }
}
