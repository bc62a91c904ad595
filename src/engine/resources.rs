//! Looks at what is left of the machine, where that decides on anything.

use crate::engine::session::Loop;
use crate::ports::Ports;
use crate::rules::event::Input;
use crate::rules::room::Reading;
use crate::rules::schedule::session::Phase;
use crate::rules::settings::Settings;

impl Loop<'_> {
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

async fn read(ports: &Ports) -> Reading {
    Reading {
        memory: ports.resources.memory().await,
        disk: ports.resources.disk().await,
        quota: ports.forge.quota(),
    }
}
