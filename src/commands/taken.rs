//! From issues to tasks: those that nobody whose word counts has let run are left out.

use crate::commands::wire::Wiring;
use crate::engine::intake;
use crate::error::Error;
use crate::ports::Forge;
use crate::rules::ids::BranchName;
use crate::rules::issue::{Issue, Selection};
use crate::rules::settings::Settings;
use crate::rules::task::Task;
use crate::rules::trust::Trust;

/// Issues that a selection takes, as tasks. `branches` are those that the remote has already.
pub async fn taken(
    wiring: &Wiring,
    forge: &dyn Forge,
    (issues, selection): (Vec<Issue>, &Selection),
    settings: &Settings,
    branches: impl IntoIterator<Item = BranchName>,
) -> Result<Vec<Task>, Error> {
    let mut tasks = intake::read(forge, issues, settings, wiring.own(), branches).await?;
    // Issues that are named without a label were let run by whoever named them.
    match (wiring.loaded.config.security.trust, &selection.label) {
        (Trust::Writers, Some(label)) => {
            intake::settle_trust(forge, &mut tasks, label).await?;
        }
        (Trust::Writers, None) | (Trust::Everyone, _) => {}
    }
    Ok(tasks)
}
