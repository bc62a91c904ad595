//! Looks at what is left of the machine, where that decides on anything.

use crate::engine::session::{Loop, Opening};
use crate::ports::Ports;
use crate::rules::event::Input;
use crate::rules::names::issue_of_branch;
use crate::rules::room::Reading;
use crate::rules::schedule::session::Phase;
use crate::rules::settings::Settings;

/// So often are pulls counted at most, in milliseconds.
const COUNT_EVERY: u64 = 60_000;

impl Loop<'_> {
    /// Where a task waits for people to merge pulls: have they?
    pub(super) fn count_pulls(&mut self) {
        let now = self.live.ports.clock.now();
        let session = &self.live.session;
        let is_time = now.millis_since(self.counted) >= COUNT_EVERY;
        if !is_time || session.phase != Phase::Running || !session.is_held_up() {
            return;
        }
        self.counted = now;
        let (ports, opened) = (self.live.ports.clone(), session.open_pulls().opened());
        self.look_beside(async move {
            let counted = counted(&ports).await;
            let input = |counted| Input::PullsCounted { counted, opened };
            counted.map(input).into_iter().collect()
        });
    }

    /// What there is to say at intervals; nothing while nothing runs or waits.
    pub(super) async fn look_at_resources(&mut self) -> Option<Input> {
        let session = &self.live.session;
        let is_busy = session.phase == Phase::Running && !session.table.all_ended();
        if !is_busy || session.settings().adaptive.is_none() {
            return None;
        }
        let reading = read(self.live.ports).await;
        let now = self.live.ports.clock.now();
        Some(self.calm.input(&self.live.session, reading, now))
    }
}

/// What there is to say before anybody is let in.
pub(super) async fn first_look(ports: &Ports, settings: &Settings) -> Option<Input> {
    settings.adaptive?;
    let reading = read(ports).await;
    Some(Input::Resources {
        reading,
        calm_millis: 0,
    })
}

/// What the forge said of its limits so far; the session tells what is news of it.
pub(super) fn limits_heard(ports: &Ports) -> Option<Input> {
    let allowances = ports.forge.allowances();
    (!allowances.is_empty()).then_some(Input::Quota { allowances })
}

/// The same with the number of our pulls that wait for people, where that decides on anything. One that cannot be seen
/// is taken to be as large as it may be: nobody is flooded for want of an answer.
pub(super) async fn with_open_pulls(ports: &Ports, mut opening: Opening) -> Opening {
    let (Opening::New { settings, .. } | Opening::Resumed { settings, .. }) = &mut opening else {
        return opening;
    };
    if let Some(most) = settings.max_open_pulls {
        settings.open_pulls = counted(ports).await.unwrap_or(most);
    }
    opening
}

/// Our pulls that wait for people; nothing where they cannot be seen.
async fn counted(ports: &Ports) -> Option<u32> {
    match ports.forge.open_pulls().await {
        Ok(pulls) => {
            let ours = pulls
                .iter()
                .filter(|pull| issue_of_branch(&pull.head).is_some());
            Some(u32::try_from(ours.count()).unwrap_or(u32::MAX))
        }
        Err(error) => {
            tracing::warn!(%error, "could not see how many pulls are open");
            None
        }
    }
}

async fn read(ports: &Ports) -> Reading {
    Reading {
        memory: ports.resources.memory().await,
        disk: ports.resources.disk().await,
        quota: ports.forge.quota(),
    }
}
