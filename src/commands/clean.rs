//! `clean`: removes what is provably not needed any more, and says what stays and why.

use crate::adapters::git::clean::Cleaned;
use crate::adapters::store::open::Store;
use crate::adapters::store::retention::{Kept, Verdict};
use crate::cli::steer::CleanArgs;
use crate::commands::answer::Answer;
use crate::commands::clean_issue;
use crate::commands::place::Place;
use crate::commands::store::open;
use crate::commands::wire::Wiring;
use crate::config::loaded::Overrides;
use crate::config::trees::Retention;
use crate::error::Error;
use crate::reporters::shape::VERSION;
use crate::reporters::words::plural;
use crate::rules::exit::Exit;
use crate::rules::leftover::Sure;
use crate::rules::printable::printable;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// Touch nothing, or do it?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Only say what would be done.
    DryRun,
    /// Do it.
    Remove,
}

/// Something that goes or stays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// What: a session, a worktree.
    pub what: String,
    /// Does it go?
    pub goes: bool,
    /// Why.
    pub why: String,
}

/// Cleans this state directory.
pub async fn run(place: &Place, args: CleanArgs) -> Result<Exit, Error> {
    let mode = if args.dry_run {
        Mode::DryRun
    } else {
        Mode::Remove
    };
    let store = open(&place.state_dir()?)?;
    if let Some(issue) = args.issue {
        let sure = if args.force { Sure::Yes } else { Sure::No };
        let items = clean_issue::items(place, &store, issue, (mode, sure)).await?;
        answer(mode, &items).print(&place.output)?;
        return Ok(Exit::Done);
    }
    let loaded = place.load(&Overrides::default())?;
    let keep = &loaded.config.retention;
    let answer = clean(&store, keep, mode, async |mode| {
        worktrees(place, mode).await
    })
    .await?;
    answer.print(&place.output)?;
    Ok(Exit::Done)
}

/// The worktrees of the project that the command runs in.
async fn worktrees(place: &Place, mode: Mode) -> Result<Vec<Item>, Error> {
    let all = |why: &str| {
        Ok(vec![Item {
            what: "the worktrees".into(),
            goes: false,
            why: why.into(),
        }])
    };
    let Ok(wiring) = Wiring::new(place, &Overrides::default()) else {
        return all("run it in a project's checkout to clean that project's");
    };
    if !wiring.git_place().mirror.exists() {
        return Ok(Vec::new());
    }
    match mode {
        Mode::DryRun => all("they are looked at without --dry-run only; none that holds work goes"),
        Mode::Remove => {
            let cleaned = wiring.git_repository().await?.clean().await?;
            Ok(cleaned.into_iter().map(worktree).collect())
        }
    }
}

fn worktree(cleaned: Cleaned) -> Item {
    Item {
        what: format!("worktree {}", cleaned.path.display()),
        goes: cleaned.kept.is_none(),
        why: cleaned.kept.unwrap_or_else(|| "nobody uses it".into()),
    }
}

/// Cleans the state directory. `worktrees` does the same for the worktrees, in the given mode: whoever owns them knows
/// which hold work that is nowhere else, and those stay.
pub async fn clean(
    store: &Store,
    keep: &Retention,
    mode: Mode,
    worktrees: impl AsyncFnOnce(Mode) -> Result<Vec<Item>, Error>,
) -> Result<Answer, Error> {
    let (days, last) = keep.limits();
    let verdicts = store.retention(days, last)?;
    let mut items: Vec<Item> = verdicts.iter().map(session).collect();
    if mode == Mode::Remove {
        let gone = store.prune(days, last)?;
        for (item, verdict) in items.iter_mut().zip(&verdicts) {
            if let Verdict::Goes(row) = verdict
                && !gone.contains(&row.id)
            {
                item.goes = false;
                item.why = "another process has it open".into();
            }
        }
    }
    items.extend(worktrees(mode).await?);
    Ok(answer(mode, &items))
}

fn session(verdict: &Verdict) -> Item {
    let (row, goes, why) = match verdict {
        Verdict::Goes(row) => (row, true, "it is old; its sums are kept"),
        Verdict::Stays(row, Kept::Unfinished) => (row, false, "it can be resumed"),
        Verdict::Stays(row, Kept::Young) => (row, false, "it finished lately"),
        Verdict::Stays(row, Kept::Recent) => (row, false, "it is one of the last"),
        Verdict::Stays(row, Kept::Open) => (row, false, "a pull request of its is open"),
    };
    Item {
        what: format!("session {}", row.id),
        goes,
        why: why.into(),
    }
}

fn answer(mode: Mode, items: &[Item]) -> Answer {
    let removed = match mode {
        Mode::DryRun => "would remove",
        Mode::Remove => "removed",
    };
    let mut text = String::new();
    for item in items {
        let verb = if item.goes { removed } else { "kept" };
        let (what, why) = (printable(&item.what), printable(&item.why));
        let _ = writeln!(text, "{verb} {what}: {why}");
    }
    let gone = items.iter().filter(|item| item.goes).count() as u64;
    let kept = items.len() as u64 - gone;
    let _ = writeln!(text, "{removed} {}, kept {kept}", plural(gone, "item"));
    let list: Vec<Value> = items
        .iter()
        .map(|item| json!({ "what": item.what, "goes": item.goes, "why": item.why }))
        .collect();
    let event = json!({
        "v": VERSION,
        "event": "cleaned",
        "dry_run": mode == Mode::DryRun,
        "items": list,
    });
    Answer { text, event }
}
