//! Claude Code, headless.

use crate::adapters::agents::claude_bill::Past;
use crate::adapters::agents::claude_command::{self, ClaudeSettings};
use crate::adapters::agents::claude_end;
use crate::adapters::agents::claude_stream::ClaudeStream;
use crate::adapters::agents::limit::Spent;
use crate::adapters::agents::native::{Dialect, Life, Native, Stream, Verdict};
use crate::adapters::agents::run_record::{ANSWER, RunRecord, SUMMARY};
use crate::adapters::agents::token_bill::Ended;
use crate::adapters::process::environment::Variables;
use crate::adapters::sandbox::shape::Reach;
use crate::ports::{Activity, AgentEnd, AgentOrder, AgentReport, Capabilities};
use crate::rules::money::{Charge, Usd};
use crate::rules::task::Failure;
use std::path::{Path, PathBuf};

/// Runs Claude Code.
pub type ClaudeAgent = Native<ClaudeSettings>;

impl Dialect for ClaudeSettings {
    type Stream = ClaudeStream;
    const KIND: &'static str = "claude";
    const PACKAGE: &'static str = "@anthropic-ai/claude-code";
    const CAPABILITIES: Capabilities = Capabilities {
        resumes: true,
        has_budget: true,
        has_turn_limit: true,
        answers_by_schema: true,
        reports_cost: true,
        names_conversation: true,
        counts_on: true,
    };

    fn program(&self) -> &Path {
        &self.program
    }

    fn argv(&self, order: &AgentOrder) -> Vec<String> {
        claude_command::argv(self, order)
    }

    fn contained(self, home: PathBuf) -> Self {
        Self {
            home: Some(home),
            ..self
        }
    }

    fn reach(&self, env: &Variables, _: &AgentOrder) -> Reach {
        claude_command::reach(self, env)
    }

    fn environment(&self, order: &AgentOrder) -> Variables {
        claude_command::environment(self, order)
    }

    fn stream(&self, record: &RunRecord) -> ClaudeStream {
        let past = if record.resumed {
            Past::Paid
        } else {
            Past::None
        };
        ClaudeStream::new(&record.directory, past, self.prices.clone())
    }
}

impl Stream for ClaudeStream {
    fn line(&mut self, line: &[u8]) -> Life {
        self.hear(line)
    }

    fn activity(&self) -> Activity {
        self.doing()
    }

    /// Turns are limited by its own flag.
    fn spent(&self) -> Spent {
        Spent {
            cost: self.bill.so_far(),
            ..Spent::default()
        }
    }

    fn verdict(&self, _code: Option<i32>) -> Verdict {
        match &self.result {
            None => Verdict::None,
            Some(result) if result.is_success => Verdict::Success,
            Some(result) => Verdict::Failed(result.failure(&self.trouble)),
        }
    }

    fn without_verdict(&self, complaints: &[u8], code: Option<i32>) -> Failure {
        claude_end::without_result(complaints, code)
    }

    /// Its bill knows what was on its way.
    fn charge(&self, cap: Usd, _ended: Ended) -> Charge {
        // It says who it is before it asks anything that costs.
        if self.has_spoken {
            self.bill.charge(cap, self.model.as_deref())
        } else {
            Charge::default()
        }
    }

    fn report(self, end: AgentEnd, charge: Charge) -> AgentReport {
        AgentReport {
            end,
            summary: self.summary(SUMMARY),
            answer: self.answer(ANSWER),
            charge,
            dearest: self.bill.dearest(),
            conversation: self.conversation,
            model: self.model,
            denied: self.denied,
            messages: self.messages,
        }
    }
}
