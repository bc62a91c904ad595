//! How work is offered, from the configuration; templates are tried before anything is paid.

use crate::config::loaded::Loaded;
use crate::error::{Error, Kind};
use crate::rules::offer::offering::Offering;
use crate::rules::offer::reviewers::Reviewers;
use crate::rules::offer::size::SizeLimit;
use crate::rules::offer::templates::{BODY_VARIABLES, TITLE_VARIABLES, Templates};
use crate::rules::offer::try_out::check_templates;

/// How work is offered.
pub fn offering(loaded: &Loaded) -> Result<Offering, Error> {
    let pull = &loaded.config.pull;
    Ok(Offering {
        templates: templates(loaded)?,
        fills_in: pull.use_template,
        limit: SizeLimit {
            files: pull.max_files.get().into(),
            lines: pull.max_lines.get().into(),
        },
        labels: pull.labels.clone(),
        copied: pull.copy.clone(),
        reviewers: Reviewers::named(pull.reviewers.iter().map(String::as_str)),
        asks_owners: pull.code_owners,
        own: loaded.config.classification.clone(),
    })
}

fn templates(loaded: &Loaded) -> Result<Templates, Error> {
    let config = &loaded.config;
    let body = config.pull.body.as_ref().map(|path| {
        let path = loaded.resolve(path);
        std::fs::read_to_string(&path).map_err(|cause| {
            Error::new(Kind::Config, format!("use the template {}", path.display()))
                .because(&cause)
                .hints(["correct `pull.body` in the configuration"])
        })
    });
    let templates = Templates {
        title: config.pull.title.clone(),
        body: body.transpose()?,
        commit: config.commit.message.clone(),
    };
    check_templates(&templates).map_err(|(key, cause)| {
        Error::new(Kind::Config, format!("use the template `{key}`"))
            .because(&cause)
            .hints([hint(key)])
    })?;
    Ok(templates)
}

fn hint(key: &str) -> String {
    let titles = TITLE_VARIABLES.join(", ");
    if key == "pull.body" {
        format!("it may use {titles}, {}", BODY_VARIABLES.join(", "))
    } else {
        format!("it may use {titles}")
    }
}
