//! What the fake shows of its state, in the shapes of GitHub's description.

use super::mutations;
use super::state::{Asked, Comment, Item, Label, PullPart, State};
use chrono::DateTime;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

const REPOSITORY_URLS: [&str; 41] = [
    "archive",
    "assignees",
    "blobs",
    "branches",
    "clone",
    "collaborators",
    "comments",
    "commits",
    "compare",
    "contents",
    "contributors",
    "deployments",
    "downloads",
    "events",
    "forks",
    "git",
    "git_commits",
    "git_refs",
    "git_tags",
    "hooks",
    "html",
    "issue_comment",
    "issue_events",
    "issues",
    "keys",
    "labels",
    "languages",
    "merges",
    "milestones",
    "notifications",
    "pulls",
    "releases",
    "ssh",
    "stargazers",
    "statuses",
    "subscribers",
    "subscription",
    "svn",
    "tags",
    "teams",
    "trees",
];

/// Looks at the state from one address.
pub(crate) struct Show<'a> {
    /// The state.
    pub(crate) state: &'a State,
    /// Where the API is.
    pub(crate) api: &'a str,
    /// Every branch and where it stands.
    pub(crate) heads: BTreeMap<String, String>,
}

impl Show<'_> {
    /// An account.
    pub(crate) fn user(&self, login: &str) -> Value {
        let is_gone = self.state.gone.contains(login);
        let login = if is_gone { "ghost" } else { login };
        let mut user = urls(
            &format!("{}/users/{login}", self.api),
            &[
                "avatar",
                "events",
                "followers",
                "following",
                "gists",
                "html",
                "organizations",
                "received_events",
                "repos",
                "starred",
                "subscriptions",
            ],
        );
        let bot = login.ends_with("[bot]");
        let id: u64 = login
            .bytes()
            .fold(1000, |id, byte| id * 31 % 1_000_003 + u64::from(byte));
        user.extend(object(json!({
            "login": login, "id": id, "node_id": format!("U_{id}"), "gravatar_id": "",
            "url": format!("{}/users/{login}", self.api), "type": if bot { "Bot" } else { "User" }, "site_admin": false,
        })));
        user.into()
    }

    /// The account that the token belongs to.
    pub(crate) fn own_user(&self) -> Value {
        let mut user = object(self.user(&self.state.login));
        user.extend(object(json!({
            "bio": null, "blog": null, "company": null, "email": null, "followers": 0, "following": 0, "hireable": null,
            "location": null, "name": null, "public_gists": 0, "public_repos": 1, "user_view_type": "public",
            "created_at": "2020-01-01T00:00:00Z", "updated_at": "2020-01-01T00:00:00Z",
        })));
        user.into()
    }

    /// Somebody, and what they may do in the repository.
    pub(crate) fn collaborator(&self, login: &str, role: &str) -> Value {
        let mut user = object(self.user(login));
        user.insert("role_name".into(), role.into());
        user.into()
    }

    /// The repository.
    pub(crate) fn repository(&self) -> Value {
        let state = self.state;
        let own = self.repository_url();
        let mut repository = urls(&own, &REPOSITORY_URLS);
        let open = state.items.values().filter(|item| item.open).count();
        repository.extend(object(json!({
            "id": state.id, "node_id": format!("R_{}", state.id), "url": own, "full_name": state.project,
            "name": state.project.split('/').next_back(), "owner": self.user(state.owner()), "private": state.rights.is_private,
            "description": null, "fork": false, "default_branch": state.default_branch, "homepage": null,
            "language": null, "license": null, "mirror_url": null, "archived": state.archived, "disabled": false,
        })));
        repository.extend(object(json!({
            "has_issues": !state.issues_disabled, "has_projects": true, "has_wiki": true, "has_pages": false,
            "has_discussions": false, "has_downloads": true, "forks": 0, "forks_count": 0, "open_issues": open,
            "open_issues_count": open, "size": 1, "stargazers_count": 0, "watchers": 0, "watchers_count": 0,
            "network_count": 0, "subscribers_count": 0, "visibility": if state.rights.is_private { "private" } else { "public" }, "topics": [],
            "created_at": "2025-01-01T00:00:00Z", "updated_at": "2025-01-01T00:00:00Z",
            "pushed_at": "2025-01-01T00:00:00Z",
            // Of an app it says so whatever that may do.
            "permissions": {
                "admin": false, "maintain": false, "push": state.rights.may_push && state.app.is_none(),
                "triage": state.app.is_none(), "pull": state.app.is_none(),
            },
        })));
        repository.into()
    }

    /// An issue, or a pull as lists of issues show it.
    pub(crate) fn issue(&self, item: &Item) -> Value {
        let own = format!("{}/issues/{}", self.repository_url(), item.number);
        let mut issue = urls(&own, &["comments", "events", "labels", "timeline"]);
        issue.extend(self.common(item, &own));
        let blocked_by = |open: bool| {
            let blockers = item
                .blocked_by
                .iter()
                .filter_map(|number| self.state.items.get(number));
            blockers.filter(|blocker| blocker.open || !open).count()
        };
        let parts = item.parts.iter();
        let done = parts.filter(|part| self.state.items.get(part).is_some_and(|part| !part.open));
        let done = done.count();
        issue.extend(object(json!({
            "repository_url": self.repository_url(), "comments": item.comments.len(),
            "html_url": self.page(item),
            "state_reason": if item.open { Value::Null } else { json!("completed") },
            "issue_dependencies_summary": {
                "blocked_by": blocked_by(true), "total_blocked_by": blocked_by(false), "blocking": 0, "total_blocking": 0,
            },
            "sub_issues_summary": {
                "total": item.parts.len(), "completed": done, "percent_completed": 100 * done / item.parts.len().max(1),
            },
        })));
        if let Some(pull) = &item.pull {
            let own = format!("{}/pulls/{}", self.repository_url(), item.number);
            let page = self.page(item);
            issue.insert("draft".into(), pull.draft.into());
            issue.insert(
                "pull_request".into(),
                json!({
                    "url": own, "html_url": page, "diff_url": format!("{page}.diff"), "patch_url": format!("{page}.patch"),
                    "merged_at": pull.merged.as_ref().and(item.closed).map(moment),
                }),
            );
        }
        issue.into()
    }

    /// A pull, as lists of pulls show it.
    pub(crate) fn pull(&self, item: &Item, part: &PullPart) -> Value {
        let own = format!("{}/pulls/{}", self.repository_url(), item.number);
        let mut pull = urls(
            &own,
            &[
                "comments",
                "commits",
                "diff",
                "issue",
                "patch",
                "review_comment",
                "review_comments",
                "statuses",
            ],
        );
        pull.extend(self.common(item, &own));
        let links = [
            "comments",
            "commits",
            "statuses",
            "html",
            "issue",
            "review_comments",
            "review_comment",
            "self",
        ];
        let links: Map<_, _> = links
            .into_iter()
            .map(|link| (link.to_owned(), json!({"href": format!("{own}/{link}")})))
            .collect();
        let base_sha = self.heads.get(&part.base).map_or("", String::as_str);
        pull.extend(object(json!({
            "_links": links, "html_url": self.page(item), "draft": part.draft, "auto_merge": mutations::shown(self.state, item.number, &self.user(&self.state.login)),
            "head": self.branch(&part.head, &part.head_sha, part.fork),
            "base": self.branch(&part.base, base_sha, None),
            "merge_commit_sha": part.merged, "merged_at": part.merged.as_ref().and(item.closed).map(moment),
            "requested_reviewers": self.users(&part.asked.users), "requested_teams": self.teams(&part.asked.teams),
        })));
        pull.into()
    }

    /// A pull, as it shows itself.
    pub(crate) fn whole_pull(&self, item: &Item, part: &PullPart) -> Value {
        let git = &self.state.git;
        let base = self.heads.get(&part.base);
        let change = base
            .map(|base| git.change(base, &part.head_sha))
            .unwrap_or_default();
        let mergeable = base.is_some_and(|base| git.merged_tree(base, &part.head_sha).is_some());
        let mut pull = object(self.pull(item, part));
        pull.extend(object(json!({
            "additions": change.files.iter().map(|file| file.0).sum::<u64>(),
            "deletions": change.files.iter().map(|file| file.1).sum::<u64>(),
            "changed_files": change.files.len(), "commits": part.commits.unwrap_or(change.commits), "comments": item.comments.len(),
            "review_comments": 0, "maintainer_can_modify": false, "merged": part.merged.is_some(),
            "merged_by": part.merged.as_ref().map(|_| self.user(&self.state.login)),
            "mergeable": mergeable, "mergeable_state": if mergeable { "clean" } else { "dirty" }, "rebaseable": mergeable,
        })));
        pull.into()
    }

    /// One file that a pull changes.
    pub(crate) fn file(&self, sha: &str, (added, removed, path): &(u64, u64, String)) -> Value {
        let blob = self.state.git.resolve(&format!("{sha}:{path}"));
        json!({
            "sha": blob, "filename": path, "status": if blob.is_some() { "modified" } else { "removed" },
            "additions": added, "deletions": removed, "changes": added + removed,
            "blob_url": self.api, "raw_url": self.api, "contents_url": self.api,
        })
    }

    /// A comment.
    pub(crate) fn comment(&self, number: u64, comment: &Comment) -> Value {
        let own = self.repository_url();
        json!({
            "id": comment.id, "node_id": format!("IC_{}", comment.id), "body": comment.body,
            "url": format!("{own}/issues/comments/{}", comment.id), "issue_url": format!("{own}/issues/{number}"),
            "html_url": format!("{own}/issues/{number}#issuecomment-{}", comment.id),
            "user": self.user(&comment.author), "author_association": "NONE",
            "created_at": moment(comment.created), "updated_at": moment(comment.updated),
        })
    }

    /// A label of the repository.
    pub(crate) fn label(&self, label: &Label) -> Value {
        json!({
            "id": label.id, "node_id": format!("LA_{}", label.id), "name": label.name, "color": label.color,
            "description": label.description, "default": false,
            "url": format!("{}/labels/{}", self.repository_url(), label.id),
        })
    }

    /// The labels on an issue or a pull; by GitHub's description those on a pull are always described.
    pub(crate) fn labels_of(&self, item: &Item) -> Vec<Value> {
        let labels = item.labels.iter().filter_map(|name| self.state.label(name));
        let shown = labels.map(|label| {
            let mut shown = self.label(label);
            if item.pull.is_some() && shown["description"].is_null() {
                shown["description"] = "".into();
            }
            shown
        });
        shown.collect()
    }

    /// Who was asked to review a pull.
    pub(crate) fn asked(&self, asked: &Asked) -> Value {
        json!({ "users": self.users(&asked.users), "teams": self.teams(&asked.teams) })
    }

    fn users(&self, logins: &[String]) -> Vec<Value> {
        logins.iter().map(|login| self.user(login)).collect()
    }

    fn teams(&self, names: &[String]) -> Vec<Value> {
        let team = |name: &String| {
            let own = format!("{}/orgs/{}/teams/{name}", self.api, self.state.owner());
            json!({
                "id": name.len(), "node_id": format!("T_{name}"), "name": name, "slug": name, "description": null,
                "permission": "push", "privacy": "closed", "url": own, "html_url": own, "type": "organization",
                "members_url": format!("{own}/members"), "repositories_url": format!("{own}/repos"), "parent": null,
            })
        };
        names.iter().map(team).collect()
    }

    fn milestone(&self, number: u64) -> Value {
        let own = format!("{}/milestones/{number}", self.repository_url());
        json!({
            "id": 900 + number, "node_id": format!("MI_{number}"), "number": number, "title": format!("v{number}"),
            "state": "open", "description": null, "creator": self.user(self.state.owner()), "open_issues": 1,
            "closed_issues": 0, "created_at": moment(0), "updated_at": moment(0), "closed_at": null, "due_on": null,
            "url": own, "html_url": own, "labels_url": format!("{own}/labels"),
        })
    }

    fn common(&self, item: &Item, own: &str) -> Map<String, Value> {
        let assignees: Vec<Value> = item
            .assignees
            .iter()
            .map(|login| self.user(login))
            .collect();
        object(json!({
            "id": item.id, "node_id": format!("I_{}", item.id), "number": item.number, "url": own,
            "title": item.title, "body": item.body, "user": self.user(&item.author),
            "labels": self.labels_of(item), "state": if item.open { "open" } else { "closed" }, "locked": item.locked,
            "assignee": assignees.first(), "assignees": assignees, "milestone": item.milestone.map(|number| self.milestone(number)),
            "author_association": "NONE", "created_at": moment(item.created), "updated_at": moment(item.updated),
            "closed_at": item.closed.map(moment),
        }))
    }

    fn branch(&self, name: &str, sha: &str, fork: Option<u64>) -> Value {
        let mut repository = self.repository();
        let owner = if let Some(id) = fork {
            repository["id"] = id.into();
            "somebody-else"
        } else {
            self.state.owner()
        };
        json!({
            "label": format!("{owner}:{name}"), "ref": name, "sha": sha, "repo": repository, "user": self.user(owner),
        })
    }

    fn repository_url(&self) -> String {
        format!("{}/repos/{}", self.api, self.state.project)
    }

    fn page(&self, item: &Item) -> String {
        let kind = if item.pull.is_some() {
            "pull"
        } else {
            "issues"
        };
        format!("{}/{}/{kind}/{}", self.api, self.state.project, item.number)
    }
}

/// Seconds since 1970 as GitHub writes them.
pub(crate) fn moment(seconds: i64) -> String {
    let moment = DateTime::from_timestamp(seconds, 0).unwrap();
    moment.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Addresses that nobody follows, but that GitHub always shows.
fn urls(own: &str, names: &[&str]) -> Map<String, Value> {
    names
        .iter()
        .map(|name| (format!("{name}_url"), format!("{own}/{name}").into()))
        .collect()
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        other => panic!("{other} is no object"),
    }
}
