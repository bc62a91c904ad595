//! What the fake knows: one repository with its issues, pulls, labels and comments.

use super::app::FakeApp;
use super::git::Git;
use super::mutations::Merging;
use super::reviews::Reviews;
use std::collections::{BTreeMap, BTreeSet};

/// When the fake's clock starts: 2026-01-01T00:00:00Z. It moves on by a second with every change.
const START: i64 = 1_767_225_600;

/// An issue or a pull: they share their numbers.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    /// What people call it.
    pub(crate) number: u64,
    /// What the database calls it; never the same.
    pub(crate) id: u64,
    /// One line.
    pub(crate) title: String,
    /// Markdown.
    pub(crate) body: Option<String>,
    /// Names, in the order in which they were added.
    pub(crate) labels: Vec<String>,
    /// Open or closed.
    pub(crate) open: bool,
    /// The author.
    pub(crate) author: String,
    /// Who is to do it.
    pub(crate) assignees: Vec<String>,
    /// The number of its milestone.
    pub(crate) milestone: Option<u64>,
    /// Only those who may write comment on it.
    pub(crate) locked: bool,
    /// Seconds since 1970.
    pub(crate) created: i64,
    /// Seconds since 1970.
    pub(crate) updated: i64,
    /// Seconds since 1970.
    pub(crate) closed: Option<i64>,
    /// The oldest first.
    pub(crate) comments: Vec<Comment>,
    /// Numbers of the issues that it waits for.
    pub(crate) blocked_by: Vec<u64>,
    /// Numbers of its sub-issues.
    pub(crate) parts: Vec<u64>,
    /// Labels that were put on, titles that were changed: the oldest first.
    pub(crate) marks: Vec<Mark>,
    /// Who changed the text last, and when.
    pub(crate) edited: Option<(String, i64)>,
    /// What makes it a pull.
    pub(crate) pull: Option<PullPart>,
}

/// Something that stands in an issue's timeline.
#[derive(Clone, Debug)]
pub(crate) struct Mark {
    /// The account.
    pub(crate) by: String,
    /// Seconds since 1970.
    pub(crate) at: i64,
    /// The label that was put on; without one the title was changed.
    pub(crate) label: Option<String>,
}

/// What a pull has that an issue has not.
#[derive(Clone, Debug)]
pub(crate) struct PullPart {
    /// The branch that it offers.
    pub(crate) head: String,
    /// Where that branch stands, or stood last.
    pub(crate) head_sha: String,
    /// The branch it is for.
    pub(crate) base: String,
    /// Not to be merged yet.
    pub(crate) draft: bool,
    /// The repository that the branch is in, where it is a fork's.
    pub(crate) fork: Option<u64>,
    /// The commit that merged it.
    pub(crate) merged: Option<String>,
    /// How many commits it had then.
    pub(crate) commits: Option<u64>,
    /// Who was asked to review it.
    pub(crate) asked: Asked,
}

/// Who was asked to review a pull, and how often anybody was.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Asked {
    /// Logins.
    pub(crate) users: Vec<String>,
    /// Teams, by their short names.
    pub(crate) teams: Vec<String>,
    /// Requests that were granted.
    pub(crate) times: u32,
}

/// A comment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Comment {
    /// Its own number, over all issues.
    pub(crate) id: u64,
    /// Who wrote it.
    pub(crate) author: String,
    /// Markdown.
    pub(crate) body: String,
    /// Seconds since 1970.
    pub(crate) created: i64,
    /// When it was changed last: seconds since 1970.
    pub(crate) updated: i64,
}

/// A label of the repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Label {
    /// What the database calls it.
    pub(crate) id: u64,
    /// As it was first written.
    pub(crate) name: String,
    /// Six hexadecimal digits.
    pub(crate) color: String,
    /// What it means.
    pub(crate) description: Option<String>,
}

/// The primary limit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RateLimit {
    /// In an hour.
    pub(crate) limit: u64,
    /// Left of them.
    pub(crate) remaining: u64,
    /// When they are full again: seconds since 1970, by the real clock.
    pub(crate) reset: i64,
}

/// What an account's token is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenIs {
    /// It is good.
    Good,
    /// It is not any more.
    TakenBack,
}

impl RateLimit {
    /// Of a window without an end.
    fn full() -> Self {
        Self {
            limit: 5000,
            remaining: 5000,
            reset: 4_102_444_800,
        }
    }

    /// Begins a new window where one is over.
    pub(crate) fn renew(&mut self) {
        let now = chrono::Utc::now().timestamp();
        if self.remaining == 0 && self.reset <= now {
            (self.remaining, self.reset) = (self.limit, now + 3600);
        }
    }
}

/// What an account may do in the repository, and who sees that.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rights {
    /// May the account push?
    pub(crate) may_push: bool,
    /// May only some see it?
    pub(crate) is_private: bool,
}

/// How a pull is merged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// By a merge commit.
    Merge,
    /// As one commit.
    Squash,
    /// Commit by commit, merges left out.
    Rebase,
}

/// All of it.
#[derive(Debug)]
pub(crate) struct State {
    /// `owner/name`, as it is called today.
    pub(crate) project: String,
    /// What it was called before.
    pub(crate) old_names: Vec<String>,
    /// What the database calls it.
    pub(crate) id: u64,
    /// Where merges close issues.
    pub(crate) default_branch: String,
    /// The account that the token belongs to.
    pub(crate) login: String,
    /// The token is an app's, which may not ask who it is by REST.
    pub(crate) is_app: bool,
    /// The app whose tokens alone are good; none where it is the token of an account.
    pub(crate) app: Option<FakeApp>,
    /// The account's token.
    pub(crate) token: TokenIs,
    /// Its scopes; none where it has permissions, of which GitHub says nothing.
    pub(crate) scopes: Option<&'static str>,
    /// What the account may do, and who sees the repository.
    pub(crate) rights: Rights,
    /// Why a hook declines pushes.
    pub(crate) decline: String,
    /// Takes no writes.
    pub(crate) archived: bool,
    /// Has no issues at all.
    pub(crate) issues_disabled: bool,
    /// By number.
    pub(crate) items: BTreeMap<u64, Item>,
    /// Numbers of issues that are gone.
    pub(crate) deleted: BTreeSet<u64>,
    /// Issues that went to another repository, and their numbers there.
    pub(crate) moved: BTreeMap<u64, u64>,
    /// In the order in which they were made.
    pub(crate) labels: Vec<Label>,
    /// The organization's teams that may see the repository.
    pub(crate) teams: BTreeSet<String>,
    /// Accounts that are no more.
    pub(crate) gone: BTreeSet<String>,
    /// Accounts that may write, besides the token's own.
    pub(crate) writers: BTreeSet<String>,
    /// Accounts that may not comment on what is locked.
    pub(crate) readers: BTreeSet<String>,
    /// What merging needs.
    pub(crate) merging: Merging,
    /// What reviewers and checks say.
    pub(crate) reviews: Reviews,
    /// The primary limit.
    pub(crate) rate: RateLimit,
    /// GraphQL has one of its own.
    pub(crate) points: RateLimit,
    /// The repository.
    pub(crate) git: Git,
    next_number: u64,
    next_id: u64,
    now: i64,
}

impl State {
    /// An empty repository.
    pub(crate) fn new(project: &str, default_branch: &str, login: &str, git: Git) -> Self {
        Self {
            project: project.to_owned(),
            old_names: Vec::new(),
            id: 700_001,
            default_branch: default_branch.to_owned(),
            login: login.to_owned(),
            is_app: false,
            app: None,
            token: TokenIs::Good,
            scopes: Some("repo, read:org"),
            rights: Rights {
                may_push: true,
                is_private: false,
            },
            decline: String::new(),
            archived: false,
            issues_disabled: false,
            items: BTreeMap::new(),
            deleted: BTreeSet::new(),
            moved: BTreeMap::new(),
            labels: Vec::new(),
            teams: BTreeSet::from(["core".to_owned()]),
            gone: BTreeSet::new(),
            writers: BTreeSet::from(["a-maintainer".to_owned()]),
            readers: BTreeSet::new(),
            merging: Merging::default(),
            reviews: Reviews::default(),
            rate: RateLimit::full(),
            points: RateLimit::full(),
            git,
            next_number: 1,
            next_id: 2_000_000_001,
            now: START,
        }
    }

    /// The owner's login.
    pub(crate) fn owner(&self) -> &str {
        self.project.split('/').next().unwrap()
    }

    /// Moves the clock on, and tells it.
    pub(crate) fn tick(&mut self) -> i64 {
        self.now += 1;
        self.now
    }

    /// A number of the database's.
    pub(crate) fn id(&mut self) -> u64 {
        self.next_id += 7;
        self.next_id
    }

    /// Adds an issue; `pull` makes it a pull. Gives its number.
    pub(crate) fn add(&mut self, title: &str, body: Option<&str>, pull: Option<PullPart>) -> u64 {
        let (id, now, number) = (self.id(), self.tick(), self.next_number);
        self.next_number += 1;
        let item = Item {
            number,
            id,
            title: title.to_owned(),
            body: body.map(str::to_owned),
            labels: Vec::new(),
            open: true,
            author: self.login.clone(),
            assignees: Vec::new(),
            milestone: None,
            locked: false,
            created: now,
            updated: now,
            closed: None,
            comments: Vec::new(),
            blocked_by: Vec::new(),
            parts: Vec::new(),
            marks: Vec::new(),
            edited: None,
            pull,
        };
        self.items.insert(number, item);
        number
    }

    /// The one of this number.
    pub(crate) fn item(&mut self, number: u64) -> &mut Item {
        self.items.get_mut(&number).expect("it is there")
    }

    /// The repository's label of this name; case does not matter.
    pub(crate) fn label(&self, name: &str) -> Option<&Label> {
        let name = name.to_lowercase();
        self.labels
            .iter()
            .find(|label| label.name.to_lowercase() == name)
    }

    /// Those who may write can be assigned, but no app.
    pub(crate) fn may_be_assigned(&self, who: &str) -> bool {
        (who == self.login && !self.is_app) || self.writers.contains(who)
    }

    /// Adds a label to the repository, unless it is there. Gives its name as it stands there.
    pub(crate) fn add_label(
        &mut self,
        name: &str,
        color: &str,
        description: Option<&str>,
    ) -> String {
        if let Some(label) = self.label(name) {
            return label.name.clone();
        }
        let label = Label {
            id: self.id(),
            name: name.to_owned(),
            color: color.to_owned(),
            description: description.map(str::to_owned),
        };
        self.labels.push(label);
        name.to_owned()
    }

    /// Puts a label on an issue, as the token's account; GitHub makes one that is missing, in grey.
    pub(crate) fn put_label(&mut self, number: u64, name: &str) {
        let by = self.login.clone();
        self.put_label_by(number, name, &by);
    }

    /// The same as somebody else.
    pub(crate) fn put_label_by(&mut self, number: u64, name: &str, by: &str) {
        let name = self.add_label(name, "ededed", None);
        let now = self.tick();
        let item = self.item(number);
        if !item.labels.contains(&name) {
            item.labels.push(name.clone());
            item.updated = now;
            item.marks.push(Mark {
                by: by.to_owned(),
                at: now,
                label: Some(name),
            });
        }
    }

    /// Changes the words of an issue.
    pub(crate) fn edit(
        &mut self,
        number: u64,
        title: Option<String>,
        body: Option<String>,
        by: &str,
    ) {
        let now = self.tick();
        let item = self.item(number);
        item.updated = now;
        if let Some(title) = title {
            item.title = title;
            item.marks.push(Mark {
                by: by.to_owned(),
                at: now,
                label: None,
            });
        }
        if let Some(body) = body {
            item.body = Some(body);
            item.edited = Some((by.to_owned(), now));
        }
    }

    /// Comments on an issue. Gives the comment.
    pub(crate) fn add_comment(&mut self, number: u64, author: &str, body: &str) -> Comment {
        let (id, now) = (self.id(), self.tick());
        let comment = Comment {
            id,
            author: author.to_owned(),
            body: body.to_owned(),
            created: now,
            updated: now,
        };
        let item = self.item(number);
        item.updated = comment.created;
        item.comments.push(comment.clone());
        comment
    }

    /// Opens or closes.
    pub(crate) fn set_open(&mut self, number: u64, open: bool) {
        let now = self.tick();
        let item = self.item(number);
        item.open = open;
        item.updated = now;
        item.closed = (!open).then_some(now);
    }

    /// Brings the pulls up to date with their branches: GitHub closes a pull whose branch is deleted.
    pub(crate) fn follow_branches(&mut self) -> BTreeMap<String, String> {
        let heads = self.git.heads();
        let (mut orphans, mut moved) = (Vec::new(), Vec::new());
        for item in self.items.values_mut().filter(|item| item.open) {
            let Some(pull) = item.pull.as_mut().filter(|pull| pull.fork.is_none()) else {
                continue;
            };
            match heads.get(&pull.head) {
                Some(sha) if heads.contains_key(&pull.base) => {
                    if pull.head_sha != *sha {
                        pull.head_sha.clone_from(sha);
                        moved.push(item.number);
                    }
                }
                // So it is also where the branch that it is for is gone.
                Some(_) | None => orphans.push(item.number),
            }
        }
        for number in moved {
            self.merging.pushed(number);
        }
        for orphan in orphans {
            self.set_open(orphan, false);
        }
        heads
    }

    /// Merges a pull, and closes what it says it closes. `Err` says why it cannot be merged.
    pub(crate) fn merge(&mut self, number: u64, way: Way) -> Result<String, &'static str> {
        let heads = self.follow_branches();
        let item = self.items[&number].clone();
        let pull = item
            .pull
            .as_ref()
            .filter(|_| item.open)
            .ok_or("Pull Request is not mergeable")?;
        if self.merging.protected.contains(&pull.base) {
            return Err("At least 1 approving review is required by reviewers with write access.");
        }
        if pull.draft {
            return Err("Pull Request is still a draft");
        }
        let base = heads.get(&pull.base).ok_or("Base branch does not exist")?;
        let tree = self
            .git
            .merged_tree(base, &pull.head_sha)
            .ok_or("Pull Request is not mergeable")?;
        let both = [base.as_str(), pull.head_sha.as_str()];
        let commits = self.git.change(base, &pull.head_sha).commits;
        let commit = match way {
            Way::Merge => self.git.move_branch(&pull.base, &tree, &both),
            Way::Squash => self.git.move_branch(&pull.base, &tree, &both[..1]),
            Way::Rebase => self.git.replay(&pull.base, &pull.head_sha),
        };
        let merged = self.item(number).pull.as_mut().expect("it is a pull");
        (merged.merged, merged.commits) = (Some(commit.clone()), Some(commits));
        self.set_open(number, false);
        if pull.base == self.default_branch {
            // The messages of the commits count as well as the description.
            let mut text = item.body.clone().unwrap_or_default();
            for message in self.git.messages(&format!("{base}..{}", pull.head_sha)) {
                text = text + "\n" + &message;
            }
            for issue in closed_by(&text) {
                if self
                    .items
                    .get(&issue)
                    .is_some_and(|it| it.open && it.pull.is_none())
                {
                    self.set_open(issue, false);
                }
            }
        }
        Ok(commit)
    }
}

/// The issues that a text closes: a number after each keyword, as `#1`, `owner/name#1`, `GH-1` or an address.
pub(crate) fn closed_by(text: &str) -> Vec<u64> {
    const KEYWORDS: [&str; 9] = [
        "close", "closes", "closed", "fix", "fixes", "fixed", "resolve", "resolves", "resolved",
    ];
    let words: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
    words
        .windows(2)
        .filter(|pair| {
            let keyword = pair[0].trim_end_matches(':');
            let keyword = keyword.trim_start_matches(|char: char| !char.is_alphanumeric());
            KEYWORDS.contains(&keyword)
        })
        .filter_map(|pair| {
            let address = pair[1].rsplit_once("/issues/").map(|(_, number)| number);
            let number = address
                .or_else(|| pair[1].rsplit_once('#').map(|(_, number)| number))
                .or_else(|| pair[1].strip_prefix("gh-"))?;
            let digits: String = number.chars().take_while(char::is_ascii_digit).collect();
            digits.parse().ok()
        })
        .collect()
}
