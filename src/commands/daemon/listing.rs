//! Which projects are watched: those of the configuration, and those that were added while serving.

use crate::adapters::store::open::Store;
use crate::cli::args::Globals;
use crate::commands::checkout::look;
use crate::commands::daemon::project::Project;
use crate::commands::place::{Place, whereabouts};
use crate::config::loaded::Loaded;
use crate::config::serving::Served;
use crate::rules::ids::Timestamp;
use crate::serve::desk::Refused;
use std::collections::BTreeMap;
use std::path::Path;

/// All of them, by name.
pub(super) type Projects = BTreeMap<String, Project>;

/// A project with where it is, and whether it was added.
struct Listed {
    served: Served,
    place: Place,
    is_added: bool,
}

/// Brings the projects up to date with what is configured: those that stay keep what is known of them.
pub(super) fn bring_up_to_date(
    projects: &mut Projects,
    (place, loaded, store): (&Place, &Loaded, &Store),
    now: Timestamp,
) {
    let interval = u64::from(loaded.config.serve.poll_seconds.get()) * 1_000;
    let switched = store.automation().unwrap_or_default();
    let mut before = std::mem::take(projects);
    for listed in list(place, loaded, store) {
        let name = listed.served.called();
        let known = before.remove(&name).filter(|known| {
            known.place.cwd == listed.place.cwd && known.served.label == listed.served.label
        });
        let mut project = known.unwrap_or_else(|| {
            let (served, place) = (listed.served.clone(), listed.place.clone());
            Project::new(served, place, interval, now)
        });
        project.source.pace(interval, now);
        (project.served, project.place) = (listed.served, listed.place);
        project.is_added = listed.is_added;
        project.switched = switched.get(&name).copied();
        projects.insert(name, project);
    }
    // What runs still is seen to its end.
    let running = before
        .into_iter()
        .filter(|(_, project)| project.running.is_some());
    for (name, mut project) in running {
        project.switched = Some(false);
        project.served.auto_sync = false;
        projects.insert(name, project);
    }
}

/// Can a checkout be watched by this name, beside the others? It runs git, and never where agents write: `state` holds
/// their worktrees, and what they configured would run as we do.
pub(super) fn may_be_watched(
    projects: &Projects,
    (name, path): (&str, &Path),
    state: &Path,
) -> Result<(), Refused> {
    if projects.get(name).is_some_and(|known| !known.is_added) {
        let why = format!("{name} stands in the configuration; change it there");
        return Err(why.into());
    }
    let others = || projects.iter().filter(|(other, _)| *other != name);
    if let Some((known, _)) = others().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
        return Err(format!("there is a project {known} already").into());
    }
    if !path.is_absolute() || !path.is_dir() {
        let path = path.display();
        let why = format!("{path} is no directory of this machine, from the root");
        return Err(Refused::NoProject(why));
    }
    if whereabouts(path).starts_with(whereabouts(state)) {
        let path = path.display();
        let why = format!("{path} lies in the state directory, where agents write");
        return Err(Refused::NoProject(why));
    }
    let top = |path: &Path| look(path).map(|checkout| checkout.top);
    let wanted = top(path).map_err(|error| Refused::NoProject(error.to_string()))?;
    let is_it = |project: &Project| top(&project.place.cwd).is_ok_and(|top| top == wanted);
    match others().find(|(_, project)| is_it(project)) {
        Some((known, _)) => Err(format!("this checkout is watched already, as {known}").into()),
        None => Ok(()),
    }
}

/// Whose forges do not answer. Anybody may ask for that, and why is told on pages alone.
pub(super) fn away(projects: &Projects, now: Timestamp) -> Vec<String> {
    let is_away = |(_, project): &(&String, &Project)| project.source.is_away(now);
    let told = projects.iter().filter(is_away);
    let told = told.map(|(name, _)| format!("{name}: the forge does not answer"));
    let told: Vec<String> = told.collect();
    let was_there = |project: &Project| project.source.answered().is_some();
    if told.is_empty() && !projects.is_empty() && !projects.values().any(was_there) {
        return vec!["no forge has answered yet".to_owned()];
    }
    told
}

fn list(place: &Place, loaded: &Loaded, store: &Store) -> Vec<Listed> {
    let mut listed: Vec<Listed> = match loaded.config.projects.as_slice() {
        [] => own(place, loaded).into_iter().collect(),
        projects => projects
            .iter()
            .map(|served| Listed {
                served: served.clone(),
                place: at(place, &loaded.resolve(&served.path)),
                is_added: false,
            })
            .collect(),
    };
    let added = store.added_projects().unwrap_or_default();
    for (name, settings) in added {
        let Ok(served) = serde_json::from_str::<Served>(&settings) else {
            tracing::warn!(name, "a project that was added cannot be read");
            continue;
        };
        let is_known = |other: &Listed| other.served.called().eq_ignore_ascii_case(&name);
        if !listed.iter().any(is_known) {
            let place = at(place, &served.path);
            let is_added = true;
            listed.push(Listed {
                served,
                place,
                is_added,
            });
        }
    }
    listed
}

/// The one project of a configuration that lists none, where we are in its checkout.
fn own(place: &Place, loaded: &Loaded) -> Option<Listed> {
    let checkout = place.checkout(loaded).ok()?;
    let project = &loaded.config.project;
    let name = checkout.top.file_name()?.to_string_lossy();
    let plain = |char: char| {
        if char.is_alphanumeric() || "-_.".contains(char) {
            char
        } else {
            '-'
        }
    };
    let served = Served {
        path: checkout.top.clone(),
        name: Some(
            name.chars()
                .map(plain)
                .collect::<String>()
                .trim_start_matches('.')
                .to_owned(),
        ),
        label: project.label.clone(),
        auto_sync: project.auto_sync,
        auto_start: project.auto_start,
        ..Served::at(checkout.top.clone())
    };
    // By name: where the file is gone for a moment, no session of it begins with the defaults.
    let globals = Globals {
        config: loaded.file.clone(),
        ..place.globals.clone()
    };
    let place = Place {
        globals,
        ..place.clone()
    };
    Some(Listed {
        served,
        place,
        is_added: false,
    })
}

/// Another checkout, with its own configuration and our state directory.
fn at(place: &Place, directory: &Path) -> Place {
    let globals = Globals {
        config: None,
        state_dir: place.state_dir().ok(),
        ..place.globals.clone()
    };
    Place {
        cwd: directory.to_owned(),
        globals,
        ..place.clone()
    }
}
