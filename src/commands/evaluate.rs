//! `evaluate`: what is made of an issue, factor by factor. Touches nothing.

use crate::adapters::store::open::Store;
use crate::commands::answer::Answer;
use crate::commands::footprint::known::known_of;
use crate::commands::place::Place;
use crate::commands::wire::Wiring;
use crate::config::loaded::Overrides;
use crate::error::{Error, Kind};
use crate::reporters::evaluation::{evaluation_json, evaluation_text};
use crate::reporters::out::Stream;
use crate::rules::classify::classify;
use crate::rules::evaluate::evaluation::Evaluation;
use crate::rules::exit::Exit;
use crate::rules::ids::IssueNumber;
use crate::rules::issue::Issue;
use crate::rules::printable::clip;
use serde_json::json;

/// The longest title that is shown, in characters.
const TITLE_MAX: usize = 80;

/// Runs the command.
pub async fn run(place: &Place, number: IssueNumber) -> Result<Exit, Error> {
    let wiring = Wiring::new(place, &Overrides::default())?;
    let forge = wiring.forge()?;
    let Some(issue) = forge.issue(number).await? else {
        return Err(Error::new(Kind::Project, format!("evaluate {number}"))
            .cause("there is no issue of that number; pull requests are none"));
    };
    let store = Store::open_read_only(&wiring.state).ok();
    let domain = classify(&issue, wiring.own());
    let (footprint, background) = known_of(
        &wiring,
        store.as_ref(),
        forge.as_ref(),
        (&issue, domain.domain),
    )
    .await?;
    let evaluation = wiring
        .judge()
        .evaluate(&issue, &domain, &footprint, &background);
    answer(&issue, &evaluation).print(&place.output)?;
    Ok(Exit::Done)
}

fn answer(issue: &Issue, evaluation: &Evaluation) -> Answer {
    let title = clip(&issue.title, TITLE_MAX);
    let text = evaluation_text(evaluation, Stream::Out.width());
    Answer {
        text: format!("{}  {title}\n\n{text}", issue.number),
        event: json!({
            "v": 1, "event": "evaluation", "issue": issue.number, "title": issue.title,
            "evaluation": evaluation_json(evaluation),
        }),
    }
}
