//! Those who cannot be assigned to issues are told before anything is paid: GitHub leaves them out without a word.

use crate::commands::place::Place;
use crate::commands::wire::Wiring;
use crate::error::Error;
use crate::ports::Forge;
use crate::rules::assigning::Assign;
use serde_json::json;

/// Tells who of the configuration, and whether we ourselves, cannot be assigned.
pub async fn tell(place: &Place, wiring: &Wiring, forge: &dyn Forge) -> Result<(), Error> {
    let assigning = wiring.loaded.config.github.assigning();
    if assigning.assign == Assign::Never {
        return Ok(());
    }
    let Some(ours) = forge.account().await? else {
        return Ok(());
    };
    for login in [ours].iter().chain(&assigning.people) {
        if !forge.may_be_assigned(login).await? {
            let text = format!(
                "{login} cannot be assigned to issues of {}\n",
                forge.project()
            );
            let event = json!({ "v": 1, "event": "not_assignable", "login": login });
            place.output.note(&text, &event)?;
        }
    }
    Ok(())
}
