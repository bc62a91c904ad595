//! What can be done with pulls.

use super::answer::{
    Answer, Ask, check_length, find, in_state, invalid, names, page, refusal, shown, text,
};
use super::issues::change_issue;
use super::reviews::in_reviews;
use super::state::{Asked, Item, PullPart, State, Way};
use serde_json::json;

/// One pull, and what belongs to it.
pub(crate) fn in_pull(
    state: &mut State,
    ask: &Ask<'_>,
    number: &str,
    rest: &[&str],
) -> Result<Answer, Answer> {
    let number = find(state, number, |item| item.pull.is_some())?;
    match (ask.method, rest) {
        ("GET", []) => Ok(pull(state, ask, 200, number)),
        ("PATCH", []) => change_pull(state, ask, number),
        ("GET", ["files"]) => {
            let heads = state.follow_branches();
            let part = state.items[&number].pull.clone().unwrap();
            let change = heads
                .get(&part.base)
                .map(|base| state.git.change(base, &part.head_sha));
            let files = change.unwrap_or_default().files;
            let files = files.iter().collect();
            Ok(page(state, ask, files, |show, file| {
                show.file(&part.head_sha, file)
            }))
        }
        ("GET", ["requested_reviewers"]) => Ok(shown(state, ask, 200, |show| {
            show.asked(&show.state.items[&number].pull.as_ref().unwrap().asked)
        })),
        ("POST", ["requested_reviewers"]) => ask_review(state, ask, number),
        ("PUT", ["merge"]) => merge(state, ask, number),
        _ => in_reviews(state, ask, number, rest),
    }
}

/// Lists pulls.
pub(crate) fn list_pulls(state: &mut State, ask: &Ask<'_>) -> Answer {
    state.follow_branches();
    let owner = state.owner().to_lowercase();
    // Without an owner the filter is ignored, as GitHub does.
    let head = ask.get("head").and_then(|head| head.split_once(':'));
    let mut pulls: Vec<&Item> = state
        .items
        .values()
        .filter(|item| in_state(item, ask.get("state").unwrap_or("open")))
        .filter(|item| {
            let Some(pull) = &item.pull else { return false };
            let of = if pull.fork.is_some() {
                "somebody-else"
            } else {
                owner.as_str()
            };
            head.is_none_or(|(user, branch)| user.to_lowercase() == of && branch == pull.head)
                && ask.get("base").is_none_or(|base| base == pull.base)
        })
        .collect();
    if ask.get("direction").unwrap_or("desc") != "asc" {
        pulls.reverse();
    }
    page(state, ask, pulls, |show, item| {
        show.pull(item, item.pull.as_ref().unwrap())
    })
}

/// Opens a pull.
pub(crate) fn create_pull(state: &mut State, ask: &Ask<'_>) -> Result<Answer, Answer> {
    let heads = state.follow_branches();
    let field = |name| text(ask, name).filter(|text| !text.is_empty());
    let title =
        field("title").ok_or_else(|| invalid("PullRequest", "title", "missing_field", ""))?;
    check_length("PullRequest", "title", &title, 256)?;
    check_length(
        "PullRequest",
        "body",
        &field("body").unwrap_or_default(),
        65_536,
    )?;
    let base = field("base").filter(|base| heads.contains_key(base));
    let base = base.ok_or_else(|| invalid("PullRequest", "base", "invalid", ""))?;
    let head = field("head").unwrap_or_default();
    let head = match head.split_once(':') {
        Some((owner, branch)) if owner.eq_ignore_ascii_case(state.owner()) => branch.to_owned(),
        Some(_) => String::new(),
        None => head,
    };
    let sha = heads
        .get(&head)
        .ok_or_else(|| invalid("PullRequest", "head", "invalid", ""))?;
    let same = |item: &Item| {
        let pull = item.pull.as_ref().filter(|pull| pull.fork.is_none());
        item.open && pull.is_some_and(|pull| pull.head == head && pull.base == base)
    };
    if state.items.values().any(same) {
        let message = format!(
            "A pull request already exists for {}:{head}.",
            state.owner()
        );
        return Err(invalid("PullRequest", "", "custom", &message));
    }
    if state.git.change(&heads[&base], sha).commits == 0 {
        let message = format!("No commits between {base} and {head}");
        return Err(invalid("PullRequest", "", "custom", &message));
    }
    let part = PullPart {
        head_sha: sha.clone(),
        head,
        base,
        draft: ask.body["draft"] == true,
        fork: None,
        merged: None,
        commits: None,
        asked: Asked::default(),
    };
    let number = state.add(&title, field("body").as_deref(), Some(part));
    Ok(pull(state, ask, 201, number))
}

fn change_pull(state: &mut State, ask: &Ask<'_>, number: u64) -> Result<Answer, Answer> {
    let heads = state.follow_branches();
    if let Some(base) = text(ask, "base") {
        let open = state.items[&number].open;
        let part = state.items[&number].pull.clone().unwrap();
        if !open && base != part.base {
            let message = "Cannot change the base branch of a closed pull request.";
            return Err(invalid("PullRequest", "base", "custom", message));
        }
        if !heads.contains_key(&base) {
            return Err(invalid("PullRequest", "base", "invalid", ""));
        }
        state.item(number).pull.as_mut().unwrap().base = base;
    }
    change_issue(state, ask, number);
    Ok(pull(state, ask, 200, number))
}

/// Refuses all of them where one cannot be asked.
fn ask_review(state: &mut State, ask: &Ask<'_>, number: u64) -> Result<Answer, Answer> {
    let (users, teams) = (
        names(&ask.body["reviewers"]),
        names(&ask.body["team_reviewers"]),
    );
    let author = state.items[&number].author.clone();
    if users.iter().any(|user| user.eq_ignore_ascii_case(&author)) {
        return Err(no_review());
    }
    let is_known = |user: &String| state.writers.contains(user) || *user == state.login;
    if !users.iter().all(is_known) || !teams.iter().all(|team| state.teams.contains(team)) {
        return Err(no_review());
    }
    state.tick();
    let asked = &mut state.item(number).pull.as_mut().unwrap().asked;
    asked.times += 1;
    for (known, new) in [(&mut asked.users, users), (&mut asked.teams, teams)] {
        let fresh: Vec<String> = new.into_iter().filter(|it| !known.contains(it)).collect();
        known.extend(fresh);
    }
    Ok(shown(state, ask, 201, |show| {
        let item = &show.state.items[&number];
        show.pull(item, item.pull.as_ref().unwrap())
    }))
}

/// By GitHub's description it says nothing about it.
fn no_review() -> Answer {
    Answer {
        status: 422,
        ..Answer::default()
    }
}

fn merge(state: &mut State, ask: &Ask<'_>, number: u64) -> Result<Answer, Answer> {
    state.follow_branches();
    let expected = text(ask, "sha");
    let stands = &state.items[&number].pull.as_ref().unwrap().head_sha;
    if expected.is_some_and(|sha| sha != *stands) {
        return Err(refusal(
            409,
            "Head branch was modified. Review and try the merge again.",
        ));
    }
    let way = match ask.body["merge_method"].as_str() {
        Some("squash") => Way::Squash,
        Some("rebase") => Way::Rebase,
        Some(_) | None => Way::Merge,
    };
    let sha = state.merge(number, way).map_err(|why| refusal(405, why))?;
    Ok(Answer {
        status: 200,
        body: json!({"sha": sha, "merged": true, "message": "Pull Request successfully merged"}),
        ..Answer::default()
    })
}

fn pull(state: &mut State, ask: &Ask<'_>, status: u16, number: u64) -> Answer {
    state.follow_branches();
    shown(state, ask, status, |show| {
        let item = &show.state.items[&number];
        show.whole_pull(item, item.pull.as_ref().unwrap())
    })
}
