//! Notices on their way to one channel: bounded, tried again for a while, held back in quiet hours.

use crate::reporters::notify::channel::{Again, Message, Refused, Way};
use crate::rules::notice::quiet::QuietHours;
use crate::rules::notice::shape::Notice;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::mpsc::Receiver;
use tokio::sync::watch;

/// Notices that may wait for one channel; more than that help nobody.
pub const ROOM: usize = 256;
/// How often a message is sent before it is given up.
const TRIES: u32 = 4;
/// The wait after the first try; the others are four times the last.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// A channel that wants to be left alone for longer is not waited for.
const LONGEST_WAIT: Duration = Duration::from_secs(300);
/// How often the clock on the wall is looked at while something is held back: it may be set, and machines sleep.
const LOOK: Duration = Duration::from_secs(30);

/// What is the time on the wall: the second of the day.
pub type WallClock = Arc<dyn Fn() -> u32 + Send + Sync>;

/// When nobody is told, and by which clock.
#[derive(Clone)]
pub struct Quiet {
    /// The hours, where there are such.
    pub hours: Option<QuietHours>,
    /// The clock.
    pub clock: WallClock,
}

/// One channel's way out.
pub struct Queue {
    /// The channel.
    pub way: Way,
    /// When it is quiet.
    pub quiet: Quiet,
    /// Turns true at the end of the session: what is left is sent without delay.
    pub closing: watch::Receiver<bool>,
    /// How many notices are neither told nor given up.
    pub pending: Arc<AtomicUsize>,
}

impl Queue {
    /// Tells what comes until nothing more can come.
    pub async fn run(mut self, mut notices: Receiver<Notice>) {
        let mut held: Vec<Notice> = Vec::new();
        let most = self.way.at_once().min(ROOM);
        loop {
            let mut come = Vec::new();
            let heard = notices.recv_many(&mut come, most);
            let heard = match self.patience(!held.is_empty()) {
                None => heard.await,
                // Cancel-safe: what was not received stays in the channel.
                Some(wait) => match tokio::time::timeout(wait, heard).await {
                    Ok(heard) => heard,
                    Err(_) => usize::MAX,
                },
            };
            if heard == 0 {
                break;
            }
            let now = self.sorted(come, &mut held);
            self.tell(now, false).await;
        }
        let is_silent = self.quiet.left().is_some();
        self.tell(held, is_silent).await;
    }

    /// How long to wait for notices before the clock is looked at.
    fn patience(&self, holds: bool) -> Option<Duration> {
        let left = self.quiet.left().unwrap_or_default();
        holds.then(|| left.min(LOOK))
    }

    /// Those to be told now; in quiet hours most are held back, and after them what was held back goes first.
    fn sorted(&self, come: Vec<Notice>, held: &mut Vec<Notice>) -> Vec<Notice> {
        let Some(hours) = self.quiet.hours.filter(|_| self.quiet.left().is_some()) else {
            let mut all = std::mem::take(held);
            all.extend(come);
            return all;
        };
        let is_told = |notice: &Notice| hours.urgent && notice.is_urgent();
        let (now, later): (Vec<_>, Vec<_>) = come.into_iter().partition(is_told);
        held.extend(later);
        let over = held.len().saturating_sub(ROOM);
        held.drain(..over);
        self.pending.fetch_sub(over, Ordering::SeqCst);
        now
    }

    /// Tells these at once, and gives up in the end.
    async fn tell(&mut self, notices: Vec<Notice>, is_silent: bool) {
        for notices in self.together(notices) {
            let message = Message { notices, is_silent };
            if let Err(problem) = self.try_hard(&message).await {
                let channel = self.way.name();
                for notice in &message.notices {
                    let untold = &notice.line;
                    tracing::warn!(channel, %problem, untold, "could not tell");
                }
            }
            self.pending
                .fetch_sub(message.notices.len(), Ordering::SeqCst);
        }
    }

    /// Those that are one message, in their order.
    fn together(&self, notices: Vec<Notice>) -> Vec<Vec<Notice>> {
        let mut messages: Vec<Vec<Notice>> = Vec::new();
        let mut is_open = false;
        for notice in notices {
            let is_alone = self.way.is_alone(&notice);
            match messages.last_mut().filter(|_| is_open && !is_alone) {
                Some(message) => message.push(notice),
                None => messages.push(vec![notice]),
            }
            is_open = !is_alone;
        }
        messages
    }

    async fn try_hard(&mut self, message: &Message) -> Result<(), Refused> {
        let mut wait = FIRST_WAIT;
        for _ in 1..TRIES {
            let Err(refused) = self.way.tell(message).await else {
                return Ok(());
            };
            match refused.again {
                Again::Never => return Err(refused),
                Again::After(wanted) if wanted > LONGEST_WAIT => return Err(refused),
                Again::After(wanted) => tokio::time::sleep(wanted).await,
                Again::Soon => self.rest(wait).await,
            }
            wait *= 4;
        }
        self.way.tell(message).await
    }

    /// Waits so long, or until the session ends.
    async fn rest(&mut self, wait: Duration) {
        if *self.closing.borrow_and_update() {
            return;
        }
        // Both arms may be dropped: neither holds anything.
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            _ = self.closing.changed() => {}
        }
    }
}

impl Quiet {
    /// Never.
    #[must_use]
    pub fn never() -> Self {
        Self {
            hours: None,
            clock: Arc::new(|| 0),
        }
    }

    fn left(&self) -> Option<Duration> {
        self.hours?.left((self.clock)())
    }
}
