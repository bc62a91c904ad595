//! Gemini CLI, headless.

use crate::adapters::agents::gemini_command::{self, GeminiSettings};
use crate::adapters::agents::gemini_end;
use crate::adapters::agents::gemini_stream::GeminiStream;
use crate::adapters::agents::limit::Spent;
use crate::adapters::agents::native::{Dialect, Life, Native, Stream, Verdict};
use crate::adapters::agents::run_record::RunRecord;
use crate::adapters::agents::token_bill::Ended;
use crate::adapters::process::environment::Variables;
use crate::adapters::sandbox::shape::Reach;
use crate::ports::{Activity, AgentEnd, AgentOrder, AgentReport, Capabilities};
use crate::rules::money::{Charge, Usd};
use crate::rules::task::Failure;
use std::io;
use std::path::{Path, PathBuf};

/// Runs Gemini CLI.
pub type GeminiAgent = Native<GeminiSettings>;

impl Dialect for GeminiSettings {
    type Stream = GeminiStream;
    const KIND: &'static str = "gemini";
    const PACKAGE: &'static str = "@google/gemini-cli";
    const CAPABILITIES: Capabilities = Capabilities {
        resumes: true,
        has_budget: false,
        has_turn_limit: false,
        answers_by_schema: false,
        reports_cost: false,
        names_conversation: true,
        counts_on: false,
    };

    fn program(&self) -> &Path {
        &self.program
    }

    fn argv(&self, order: &AgentOrder) -> Vec<String> {
        gemini_command::argv(self, order)
    }

    fn contained(self, home: PathBuf) -> Self {
        Self {
            home: Some(home),
            ..self
        }
    }

    fn reach(&self, env: &Variables, order: &AgentOrder) -> Reach {
        gemini_command::reach(self, env, order)
    }

    fn environment(&self, order: &AgentOrder) -> Variables {
        gemini_command::environment(self, order)
    }

    fn lay_out(&self, order: &AgentOrder) -> io::Result<()> {
        gemini_command::lay_out(self, order)
    }

    fn stream(&self, record: &RunRecord) -> GeminiStream {
        let chats = gemini_command::chats(self);
        GeminiStream::new(record, chats, self.prices.clone())
    }
}

impl Stream for GeminiStream {
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

    fn verdict(&self, code: Option<i32>) -> Verdict {
        match &self.result {
            None => Verdict::None,
            Some(Ok(())) => Verdict::Success,
            Some(Err(message)) => Verdict::Failed(gemini_end::failure(message, code)),
        }
    }

    fn without_verdict(&self, complaints: &[u8], code: Option<i32>) -> Failure {
        gemini_end::without_result(complaints, code)
    }

    fn charge(&self, cap: Usd, ended: Ended) -> Charge {
        self.bill(cap, ended)
    }

    fn report(self, end: AgentEnd, charge: Charge) -> AgentReport {
        self.notes.report(&self.bill, end, charge)
    }
}
