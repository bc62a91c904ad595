//! Codex, headless.

use crate::adapters::agents::codex_command::{self, CodexSettings};
use crate::adapters::agents::codex_end;
use crate::adapters::agents::codex_stream::{self, CodexStream};
use crate::adapters::agents::limit::Spent;
use crate::adapters::agents::native::{Dialect, Life, Native, Stream, Verdict};
use crate::adapters::agents::run_record::RunRecord;
use crate::adapters::agents::token_bill::Ended;
use crate::adapters::process::environment::Variables;
use crate::adapters::sandbox::shape::Reach;
use crate::ports::{Activity, AgentEnd, AgentOrder, AgentReport, Capabilities, Conversation};
use crate::rules::money::{Charge, Usd};
use crate::rules::task::Failure;
use std::io;
use std::path::{Path, PathBuf};

/// Runs Codex.
pub type CodexAgent = Native<CodexSettings>;

impl Dialect for CodexSettings {
    type Stream = CodexStream;
    const KIND: &'static str = "codex";
    const PACKAGE: &'static str = "@openai/codex";
    const CAPABILITIES: Capabilities = Capabilities {
        resumes: true,
        has_budget: false,
        has_turn_limit: false,
        answers_by_schema: false,
        reports_cost: false,
        names_conversation: false,
        counts_on: true,
    };

    fn program(&self) -> &Path {
        &self.program
    }

    fn argv(&self, order: &AgentOrder) -> Vec<String> {
        codex_command::argv(self, order)
    }

    fn contained(self, home: PathBuf) -> Self {
        Self {
            home: Some(home),
            ..self
        }
    }

    fn reach(&self, env: &Variables, _: &AgentOrder) -> Reach {
        codex_command::reach(self, env)
    }

    fn environment(&self, order: &AgentOrder) -> Variables {
        codex_command::environment(self, order)
    }

    fn lay_out(&self, _order: &AgentOrder) -> io::Result<()> {
        match &self.config_dir {
            Some(directory) => std::fs::create_dir_all(directory),
            None => Ok(()),
        }
    }

    /// Its sums go on counting, so what stands there before has to be known.
    fn record(&self, order: &AgentOrder) -> RunRecord {
        let (recorded, before) = match &order.conversation {
            Conversation::New(_) => (0, None),
            Conversation::Resumed(id) => {
                codex_stream::past(&codex_command::sessions(self), id.as_str())
            }
        };
        RunRecord {
            recorded,
            before,
            ..RunRecord::of(order)
        }
    }

    fn stream(&self, record: &RunRecord) -> CodexStream {
        let sessions = codex_command::sessions(self);
        CodexStream::new(record, sessions, self.prices.clone())
    }
}

impl Stream for CodexStream {
    fn line(&mut self, line: &[u8]) -> Life {
        self.hear(line)
    }

    fn close(&mut self) {
        self.settle();
    }

    fn activity(&self) -> Activity {
        self.notes.activity(&self.bill)
    }

    fn spent(&self) -> Spent {
        Spent {
            cost: self.bill.so_far(),
            unpriced: self.bill.unpriced(),
            turns: self.notes.turns,
        }
    }

    fn verdict(&self, _code: Option<i32>) -> Verdict {
        match (&self.failed, self.is_complete) {
            (Some(message), _) => Verdict::Failed(codex_end::failure(message)),
            (None, true) => Verdict::Success,
            (None, false) => Verdict::None,
        }
    }

    fn without_verdict(&self, complaints: &[u8], code: Option<i32>) -> Failure {
        codex_end::without_result(complaints, &self.complaint, code)
    }

    fn charge(&self, cap: Usd, ended: Ended) -> Charge {
        self.bill(cap, ended)
    }

    fn report(self, end: AgentEnd, charge: Charge) -> AgentReport {
        self.notes.report(&self.bill, end, charge)
    }
}
