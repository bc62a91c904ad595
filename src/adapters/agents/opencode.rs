//! opencode, headless.

use crate::adapters::agents::limit::Spent;
use crate::adapters::agents::native::{Dialect, Life, Native, Stream, Verdict};
use crate::adapters::agents::opencode_command::{self, OpencodeSettings};
use crate::adapters::agents::opencode_end;
use crate::adapters::agents::opencode_stream::OpencodeStream;
use crate::adapters::agents::run_record::RunRecord;
use crate::adapters::agents::token_bill::Ended;
use crate::adapters::process::environment::Variables;
use crate::adapters::sandbox::shape::Reach;
use crate::ports::{Activity, AgentEnd, AgentOrder, AgentReport, Capabilities};
use crate::rules::money::{Charge, Usd};
use crate::rules::task::Failure;
use std::path::{Path, PathBuf};

/// Runs opencode.
pub type OpencodeAgent = Native<OpencodeSettings>;

impl Dialect for OpencodeSettings {
    type Stream = OpencodeStream;
    const KIND: &'static str = "opencode";
    const PACKAGE: &'static str = "opencode-ai";
    const CAPABILITIES: Capabilities = Capabilities {
        resumes: true,
        has_budget: false,
        has_turn_limit: false,
        answers_by_schema: false,
        reports_cost: true,
        names_conversation: false,
        counts_on: false,
    };

    fn program(&self) -> &Path {
        &self.program
    }

    fn argv(&self, order: &AgentOrder) -> Vec<String> {
        opencode_command::argv(self, order)
    }

    fn contained(self, home: PathBuf) -> Self {
        Self {
            home: Some(home),
            ..self
        }
    }

    fn reach(&self, env: &Variables, _: &AgentOrder) -> Reach {
        opencode_command::reach(self, env)
    }

    fn environment(&self, order: &AgentOrder) -> Variables {
        opencode_command::environment(self, order)
    }

    fn stream(&self, record: &RunRecord) -> OpencodeStream {
        OpencodeStream::new(record, self.prices.clone())
    }
}

impl Stream for OpencodeStream {
    fn line(&mut self, line: &[u8]) -> Life {
        self.hear(line)
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
        match (&self.error, self.is_done) {
            (Some(error), _) => Verdict::Failed(opencode_end::failure(error)),
            (None, true) => Verdict::Success,
            (None, false) => Verdict::None,
        }
    }

    fn without_verdict(&self, complaints: &[u8], code: Option<i32>) -> Failure {
        opencode_end::without_result(&self.notes.denied, complaints, code)
    }

    fn charge(&self, cap: Usd, ended: Ended) -> Charge {
        // It writes nothing before its first response has come, so silence proves nothing where it was cut off.
        self.bill.charge(cap, self.notes.model.as_deref(), ended)
    }

    fn report(self, end: AgentEnd, charge: Charge) -> AgentReport {
        self.notes.report(&self.bill, end, charge)
    }
}
