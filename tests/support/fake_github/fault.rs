//! What can go wrong with a request, on demand.

use super::log::Logged;
use super::state::State;
use serde_json::Value;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Something that goes wrong.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// 502, and nothing was done.
    BadGateway,
    /// 502, but it was done.
    BadGatewayAfter,
    /// This server's error, but it was done.
    ErrorAfter(u16),
    /// Done; before that something else happens.
    Meanwhile(fn(&mut State)),
    /// Done; in the answer the first of these stands as the second.
    Garbled(&'static str, &'static str),
    /// Done; the answer comes a byte at a time, and takes for ever.
    Dripping,
    /// Done; the answer is these bytes, which are said to be packed.
    Packed(Vec<u8>),
    /// A secondary limit refuses it, with this status, and says how many seconds to wait, or does not.
    Secondary {
        /// 403 or 429.
        status: u16,
        /// Seconds.
        retry_after: Option<u32>,
    },
    /// A secondary limit refuses it for so many seconds; the connection is closed in the middle of the answer.
    LimitCutOff(u32),
    /// The primary limit refuses it: nothing is left until so many seconds from now.
    Exhausted {
        /// Seconds.
        reset_in: u32,
    },
    /// 403 with these words, and no limit.
    Forbidden(&'static str),
    /// 401: the token is not good any more.
    Unauthorized,
    /// Not done; 200 with this body.
    Said(Value),
    /// 404, as an older server answers that does not know the path.
    Unknown,
    /// Done, as if no `head` had been asked for.
    FilterIgnored,
    /// Done; the answer says that it is followed by itself.
    EndlessPages,
    /// Done, and answered once the gate is opened; never, if it is not.
    Held(Gate),
    /// Done; the connection is closed in the middle of the answer.
    CutOff,
    /// Done; the answer ends in the middle of its JSON, in good order otherwise.
    TruncatedJson,
    /// Done; the answer is a page for people.
    Html,
    /// Done; the connection is closed without an answer.
    DroppedReply,
    /// Not done; the connection is reset.
    Reset,
    /// Not done; led elsewhere, with this status, where it will be done.
    Redirected(u16),
    /// Not done; led to another server.
    LedAway(String),
}

impl Fault {
    /// Does the request reach the state?
    pub(crate) fn executes(&self) -> bool {
        match self {
            Self::BadGatewayAfter
            | Self::ErrorAfter(_)
            | Self::Meanwhile(_)
            | Self::Garbled(..)
            | Self::Dripping
            | Self::Packed(_)
            | Self::FilterIgnored
            | Self::EndlessPages
            | Self::Held(_)
            | Self::CutOff
            | Self::TruncatedJson
            | Self::Html
            | Self::DroppedReply => true,
            Self::BadGateway
            | Self::Secondary { .. }
            | Self::LimitCutOff(_)
            | Self::Exhausted { .. }
            | Self::Forbidden(_)
            | Self::Unauthorized
            | Self::Unknown
            | Self::Said(_)
            | Self::Reset
            | Self::Redirected(_)
            | Self::LedAway(_) => false,
        }
    }
}

/// Holds answers back until it is opened.
#[derive(Clone, Debug)]
pub(crate) struct Gate(Arc<Semaphore>);

impl Gate {
    /// A closed one.
    pub(crate) fn closed() -> Self {
        Self(Arc::new(Semaphore::new(0)))
    }

    /// Lets everything through, now and later.
    pub(crate) fn open(&self) {
        self.0.close();
    }

    /// Waits until it is open.
    pub(crate) async fn pass(&self) {
        // Nothing is ever handed out: the only way on is that it closes, which opens the gate.
        let _ = self.0.acquire().await;
    }
}

/// Faults that wait for their requests.
#[derive(Default)]
pub(crate) struct Faults(Vec<Planned>);

struct Planned {
    matches: Box<dyn Fn(&Logged) -> bool + Send>,
    fault: Fault,
    times: usize,
}

impl Faults {
    /// Plans one for the next `times` requests that match.
    pub(crate) fn plan(
        &mut self,
        matches: impl Fn(&Logged) -> bool + Send + 'static,
        fault: Fault,
        times: usize,
    ) {
        self.0.push(Planned {
            matches: Box::new(matches),
            fault,
            times,
        });
    }

    /// The fault for this request; the one that was planned first.
    pub(crate) fn take(&mut self, request: &Logged) -> Option<Fault> {
        let planned = self
            .0
            .iter_mut()
            .find(|planned| planned.times > 0 && (planned.matches)(request))?;
        planned.times -= 1;
        Some(planned.fault.clone())
    }
}
