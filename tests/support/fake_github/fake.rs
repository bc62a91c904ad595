//! A stateful stand-in for GitHub, in this process: as strict as GitHub, and as faulty as a test wants it.
//!
//! Its git side is `git http-backend` over a bare repository.
//!
//! As it ends, each fake judges all that it heard, and fails the test that started it where GitHub would have minded:
//! * every request and every answer of its own, by GitHub's published description (`referee`);
//! * how hard it was pressed (`pace`): writes one by one and a second apart, 80 creations in any minute, 500 in any hour.
//!   Our client measures these on a clock that runs `LOOPBACK_SPEED` times as fast with a server on this machine, and so
//!   does the fake: a second is 5 ms. A test that pauses its time has the fake keep time with it (`keep_time`), and the
//!   limits are GitHub's own.
//!
//! Not judged: points (reads reach a server in another order than they were sent in), requests within a limit's pause (the
//! tests in `github/limits.rs` and `whole_limits.rs` do), pushes (GitHub publishes no limit for them).

mod answer;
mod app;
mod backend;
mod fault;
mod git;
mod grammar;
mod graphql;
mod issues;
mod log;
mod mutations;
mod pace;
mod permissions;
mod pulls;
mod referee;
mod reviews;
mod routes;
mod server;
mod show;
mod state;

pub(crate) use app::{AppKey, FakeApp};
pub(crate) use fault::{Fault, Gate};
pub(crate) use log::{Logged, closest_writes};
pub(crate) use state::{Comment, Item, Label, PullPart, Rights, TokenIs, Way};

use fault::Faults;
use git::Git;
use reviews::{CheckRun, Remark, Review};
use server::{Inner, Wire, take};
use state::{Asked, State};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;
use tokio::sync::oneshot;

/// What the fake starts with.
#[derive(Clone, Debug)]
pub(crate) struct FakeOptions {
    /// `owner/name`.
    pub(crate) project: &'static str,
    /// Where merges close issues.
    pub(crate) default_branch: &'static str,
    /// The only good token.
    pub(crate) token: &'static str,
    /// The account that it belongs to.
    pub(crate) login: &'static str,
    /// The first commit's files.
    pub(crate) files: &'static [(&'static str, &'static str)],
}

impl Default for FakeOptions {
    fn default() -> Self {
        Self {
            project: "octo/widgets",
            default_branch: "main",
            token: "ghp_0123456789abcdefghijklmnopqrstuvwxyz",
            login: "octo-bot",
            files: &[("README.md", "# Widgets\n")],
        }
    }
}

/// A running fake; it ends when dropped.
pub(crate) struct FakeGitHub {
    inner: Arc<Inner>,
    end: Option<oneshot::Sender<()>>,
    server: Option<JoinHandle<()>>,
    _root: tempfile::TempDir,
}

impl FakeGitHub {
    /// Starts one on a free port of this machine, with threads of its own.
    pub(crate) fn start(options: &FakeOptions) -> Self {
        let root = tempfile::tempdir().unwrap();
        let git = Git::create(
            &root.path().join("repo.git"),
            options.default_branch,
            options.files,
        );
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let state = State::new(options.project, options.default_branch, options.login, git);
        let inner = Arc::new(Inner {
            api: format!("http://{}", listener.local_addr().unwrap()),
            token: options.token.to_owned(),
            root: root.path().to_owned(),
            state: Mutex::new(state),
            faults: Mutex::new(Faults::default()),
            log: Mutex::default(),
            pace: Mutex::default(),
        });
        let (end, ended) = oneshot::channel();
        let shared = Arc::clone(&inner);
        let server = std::thread::spawn(move || run(listener, shared, ended));
        Self {
            inner,
            end: Some(end),
            server: Some(server),
            _root: root,
        }
    }

    /// Where its API is.
    pub(crate) fn api_url(&self) -> String {
        self.inner.api.clone()
    }

    /// Where its git side is: user `x-access-token`, and the token as password.
    pub(crate) fn git_url(&self) -> String {
        format!("{}/{}.git", self.inner.api, self.state().project)
    }

    /// The repository itself, for those on this machine.
    pub(crate) fn git_path(&self) -> String {
        self.inner.root.join("repo.git").display().to_string()
    }

    /// The good token.
    pub(crate) fn token(&self) -> String {
        self.inner.token.clone()
    }

    /// Opens an issue with labels, written by somebody else. Gives its number.
    pub(crate) fn add_issue(&self, title: &str, body: &str, labels: &[&str]) -> u64 {
        let mut state = self.state();
        let number = state.add(title, Some(body), None);
        state.item(number).author = "a-person".into();
        for label in labels {
            state.put_label_by(number, label, "a-maintainer");
        }
        number
    }

    /// Somebody else puts a label on an issue.
    pub(crate) fn add_label_as(&self, who: &str, number: u64, label: &str) {
        self.state().put_label_by(number, label, who);
    }

    /// Somebody takes a label off.
    pub(crate) fn take_label_off(&self, number: u64, label: &str) {
        let mut state = self.state();
        state.tick();
        state.item(number).labels.retain(|own| own != label);
    }

    /// Somebody changes title or text of an issue.
    pub(crate) fn edit_issue(
        &self,
        who: &str,
        number: u64,
        title: Option<&str>,
        body: Option<&str>,
    ) {
        let (title, body) = (title.map(str::to_owned), body.map(str::to_owned));
        self.state().edit(number, title, body, who);
    }

    /// Somebody else is the author of an issue.
    pub(crate) fn set_author(&self, number: u64, who: &str) {
        who.clone_into(&mut self.state().item(number).author);
    }

    /// An account may write from now on.
    pub(crate) fn may_write(&self, who: &str) {
        self.state().writers.insert(who.to_owned());
    }

    /// An account is removed.
    pub(crate) fn forget_account(&self, who: &str) {
        self.state().gone.insert(who.to_owned());
    }

    /// Assigns somebody to an issue, and puts it into a milestone.
    pub(crate) fn assign(&self, number: u64, who: &str, milestone: u64) {
        let mut state = self.state();
        state.tick();
        let item = state.item(number);
        item.assignees.push(who.to_owned());
        item.milestone = Some(milestone);
    }

    /// Takes everybody off an issue.
    pub(crate) fn unassign(&self, number: u64) {
        let mut state = self.state();
        state.tick();
        state.item(number).assignees.clear();
    }

    /// Adds a label to the repository.
    pub(crate) fn add_label(&self, name: &str, color: &str) {
        self.state().add_label(name, color, None);
    }

    /// Puts a label on an issue or a pull.
    pub(crate) fn add_label_to(&self, number: u64, label: &str) {
        self.state().put_label_by(number, label, "a-maintainer");
    }

    /// Opens a pull between two branches that exist. Gives its number.
    pub(crate) fn add_pull(&self, title: &str, head: &str, base: &str) -> u64 {
        self.add_pull_of(title, head, base, None)
    }

    /// The same, by somebody.
    pub(crate) fn add_pull_by(&self, who: &str, title: &str, head: &str, base: &str) -> u64 {
        let number = self.add_pull(title, head, base);
        who.clone_into(&mut self.state().item(number).author);
        number
    }

    /// Will GitHub merge it by itself?
    pub(crate) fn is_queued(&self, pull: u64) -> bool {
        self.state().merging.has(pull)
    }

    /// GitHub puts a pull into its merge queue, before or behind what is there.
    pub(crate) fn enqueue(&self, pull: u64) {
        self.state().merging.queue.push((pull, "QUEUED"));
    }

    /// How a pull stands in the merge queue from now on.
    pub(crate) fn set_queued(&self, pull: u64, state: &'static str) {
        let mut queue = self.state();
        let mut queue = queue.merging.queue.iter_mut();
        queue.find(|(number, _)| *number == pull).unwrap().1 = state;
    }

    /// GitHub throws a pull out of its merge queue.
    pub(crate) fn throw_out(&self, pull: u64, reason: &'static str) {
        self.state().merging.throw_out(pull, reason);
    }

    /// Opens a pull from a fork's branch. Gives its number.
    pub(crate) fn add_fork_pull(&self, title: &str, head: &str, base: &str) -> u64 {
        self.add_pull_of(title, head, base, Some(999_999))
    }

    fn add_pull_of(&self, title: &str, head: &str, base: &str, fork: Option<u64>) -> u64 {
        let mut state = self.state();
        let head_sha = state.git.resolve(&format!("refs/heads/{head}"));
        let part = PullPart {
            head: head.to_owned(),
            head_sha: head_sha.unwrap_or_else(|| "0".repeat(40)),
            base: base.to_owned(),
            draft: false,
            fork,
            merged: None,
            commits: None,
            asked: Asked::default(),
        };
        state.add(title, None, Some(part))
    }

    /// A person edits a pull's description.
    pub(crate) fn edit_pull(&self, number: u64, edit: impl Fn(&str) -> String) {
        let mut state = self.state();
        let item = state.item(number);
        item.body = Some(edit(item.body.as_deref().unwrap_or_default()));
    }

    /// Closes a pull, unmerged.
    pub(crate) fn close_pull(&self, number: u64) {
        self.state().set_open(number, false);
    }

    /// Closes an issue.
    pub(crate) fn close_issue(&self, number: u64) {
        self.state().set_open(number, false);
    }

    /// Makes an issue wait for another.
    pub(crate) fn block(&self, issue: u64, by: u64) {
        self.state().item(issue).blocked_by.push(by);
    }

    /// Makes an issue a sub-issue of another.
    pub(crate) fn add_part(&self, parent: u64, part: u64) {
        self.state().item(parent).parts.push(part);
    }

    /// Locks an issue's conversation.
    pub(crate) fn lock(&self, issue: u64) {
        self.state().item(issue).locked = true;
    }

    /// The token's account may not write any more.
    pub(crate) fn lose_write(&self) {
        let mut state = self.state();
        let login = state.login.clone();
        state.readers.insert(login);
    }

    /// Removes an issue for good.
    pub(crate) fn delete_issue(&self, number: u64) {
        let mut state = self.state();
        state.items.remove(&number);
        state.deleted.insert(number);
    }

    /// Moves an issue to another repository, where it has this number.
    pub(crate) fn move_issue(&self, number: u64, there: u64) {
        let mut state = self.state();
        state.items.remove(&number);
        state.moved.insert(number, there);
    }

    /// Merges a pull, as a person does. `Err` says why it cannot be merged.
    pub(crate) fn merge(&self, number: u64) -> Result<String, &'static str> {
        self.merge_by(number, Way::Merge)
    }

    /// The same, in this way.
    pub(crate) fn merge_by(&self, number: u64, way: Way) -> Result<String, &'static str> {
        self.state().merge(number, way)
    }

    /// A pull is said to have been merged as this commit.
    pub(crate) fn say_merged_as(&self, number: u64, commit: &str) {
        let mut state = self.state();
        let pull = state.item(number).pull.as_mut().unwrap();
        pull.merged = Some(commit.to_owned());
    }

    /// Jobs wait for those that have ended, and have no check runs yet.
    pub(crate) fn let_jobs_wait(&self, wait: bool) {
        self.state().reviews.unfinished = wait;
    }

    /// A branch takes merges by GitHub alone, after an approval.
    pub(crate) fn protect(&self, branch: &str) {
        self.state().merging.protected.insert(branch.to_owned());
    }

    /// Switches auto-merge and the merge queue on.
    pub(crate) fn allow_auto_merge(&self) {
        self.state().merging.auto_merge = true;
    }

    /// Commits files on a new branch that begins at another.
    pub(crate) fn commit_on(&self, from: &str, branch: &str, files: &[(&str, &str)]) -> String {
        self.state()
            .git
            .commit(branch, Some(from), files, "By hand")
    }

    /// The same, with a message.
    pub(crate) fn commit_saying(&self, from: &str, branch: &str, path: &str, message: &str) {
        let files = [(path, "by hand\n")];
        self.state().git.commit(branch, Some(from), &files, message);
    }

    /// A person reviews a pull.
    pub(crate) fn review(&self, pull: u64, who: &str, verdict: &'static str, body: &str) {
        let mut state = self.state();
        let (id, at) = (state.id(), state.tick());
        state.reviews.given.push(Review {
            id,
            pull,
            author: who.to_owned(),
            body: body.to_owned(),
            state: verdict,
            at,
        });
    }

    /// A person comments on a line of a pull. Gives the comment's number.
    pub(crate) fn remark(
        &self,
        pull: u64,
        who: &str,
        (path, line): (&str, u64),
        body: &str,
    ) -> u64 {
        let mut state = self.state();
        let (id, at) = (state.id(), state.tick());
        state.reviews.remarks.push(Remark {
            id,
            pull,
            author: who.to_owned(),
            body: body.to_owned(),
            path: path.to_owned(),
            line,
            reply_to: None,
            at,
        });
        id
    }

    /// A person answers the first comment of a conversation.
    pub(crate) fn reply(&self, who: &str, first: u64, body: &str) {
        let mut state = self.state();
        let (id, at) = (state.id(), state.tick());
        let remarks = &mut state.reviews.remarks;
        let first = remarks.iter().find(|it| it.id == first).unwrap().clone();
        remarks.push(Remark {
            id,
            author: who.to_owned(),
            body: body.to_owned(),
            reply_to: Some(first.id),
            at,
            ..first
        });
    }

    /// A person calls a conversation resolved, which began with this comment.
    pub(crate) fn resolve(&self, comment: u64) {
        self.state().reviews.resolved.insert(comment);
    }

    /// All comments on lines.
    pub(crate) fn remarks(&self) -> Vec<Remark> {
        self.state().reviews.remarks.clone()
    }

    /// A check says something of the commit that a branch stands at; without a conclusion it runs.
    pub(crate) fn check_run(
        &self,
        branch: &str,
        name: &str,
        conclusion: Option<&'static str>,
        log: &str,
    ) {
        let mut state = self.state();
        let sha = state.git.resolve(&format!("refs/heads/{branch}")).unwrap();
        let id = state.id();
        let checks = &mut state.reviews.checks;
        checks.retain(|run| run.sha != sha || run.name != name);
        checks.push(CheckRun {
            id,
            sha,
            name: name.to_owned(),
            conclusion,
            log: log.to_owned(),
        });
    }

    /// Comments as somebody.
    pub(crate) fn add_comment(&self, number: u64, author: &str, body: &str) {
        self.state().add_comment(number, author, body);
    }

    /// Somebody deletes all comments.
    pub(crate) fn delete_comments(&self, number: u64) {
        self.state().item(number).comments.clear();
    }

    /// Commits files on a branch, as a person does; a new one begins at the default branch. Gives the commit.
    pub(crate) fn commit(&self, branch: &str, files: &[(&str, &str)]) -> String {
        let state = self.state();
        let is_there = state.git.heads().contains_key(branch);
        let from = if is_there {
            branch
        } else {
            &state.default_branch
        };
        state.git.commit(branch, Some(from), files, "By hand")
    }

    /// A person rewrites a branch by force, from the default branch on.
    pub(crate) fn rewrite(&self, branch: &str, files: &[(&str, &str)]) -> String {
        let state = self.state();
        state.git.delete_branch(branch);
        let base = &state.default_branch;
        state.git.commit(branch, Some(base), files, "Anew")
    }

    /// A person merges one branch into another.
    pub(crate) fn merge_in(&self, branch: &str, other: &str) {
        let state = self.state();
        let of = |name: &str| state.git.resolve(&format!("refs/heads/{name}")).unwrap();
        let (into, from) = (of(branch), of(other));
        let tree = state.git.merged_tree(&into, &from).unwrap();
        state.git.move_branch(branch, &tree, &[&into, &from]);
    }

    /// Deletes a branch, which closes its open pulls.
    pub(crate) fn delete_branch(&self, branch: &str) {
        let mut state = self.state();
        state.git.delete_branch(branch);
        state.follow_branches();
    }

    /// Calls the repository something else from now on.
    pub(crate) fn rename(&self, project: &str) {
        let mut state = self.state();
        let old = std::mem::replace(&mut state.project, project.to_owned());
        state.old_names.push(old);
    }

    /// What the token may do: its scopes, if it has any.
    pub(crate) fn set_scopes(&self, scopes: Option<&'static str>) {
        self.state().scopes = scopes;
    }

    /// What the account may do, and who sees the repository.
    pub(crate) fn set_rights(&self, rights: Rights) {
        self.state().rights = rights;
    }

    /// Makes the token good, or not any more.
    pub(crate) fn set_token(&self, token: TokenIs) {
        self.state().token = token;
    }

    /// Pushes that change workflows are declined, as to a token without the scope for that.
    pub(crate) fn decline_workflows(&self) {
        let hook =
            "git diff --name-only main \"$3\" | grep -q '^.github/workflows/' && exit 1; exit 0";
        let reason = "refusing to allow a Personal Access Token to create or update workflow `.github/workflows/ci.yml` without `workflow` scope";
        self.decline(hook, reason);
    }

    /// Pushes to branches like this are declined, as where these are protected.
    pub(crate) fn decline_branch(&self, pattern: &str) {
        let hook = "case \"$1\" in refs/heads/PATTERN) echo \"error: GH006: Protected branch update failed for $1.\" >&2; exit 1;; esac; exit 0";
        let hook = hook.replace("PATTERN", pattern);
        self.decline(&hook, "protected branch hook declined");
    }

    /// Declines nothing any more.
    pub(crate) fn decline_nothing(&self) {
        self.decline("exit 0", "");
    }

    fn decline(&self, hook: &str, reason: &str) {
        let hooks = self.inner.root.join("repo.git/hooks");
        std::fs::create_dir_all(&hooks).unwrap();
        let update = hooks.join("update");
        std::fs::write(&update, format!("#!/bin/sh\n{hook}\n")).unwrap();
        std::fs::set_permissions(&update, std::fs::Permissions::from_mode(0o755)).unwrap();
        reason.clone_into(&mut self.state().decline);
    }

    /// From now on only tokens of this app are good.
    pub(crate) fn install(&self, app: FakeApp) {
        let mut state = self.state();
        state.is_app = true;
        state.login = format!("{}[bot]", app.slug);
        state.app = Some(app);
    }

    /// Changes the app that is installed.
    pub(crate) fn change_app(&self, change: impl FnOnce(&mut FakeApp)) {
        change(self.state().app.as_mut().unwrap());
    }

    /// The tokens that the app was given so far.
    pub(crate) fn app_tokens(&self) -> Vec<String> {
        let state = self.state();
        let tokens = state.app.iter().flat_map(|app| &app.tokens);
        tokens.map(|(token, _)| token.clone()).collect()
    }

    /// Makes the token an app's, with an account of its own.
    pub(crate) fn become_app(&self, login: &str) {
        let mut state = self.state();
        state.is_app = true;
        login.clone_into(&mut state.login);
    }

    /// Lets nobody write any more.
    pub(crate) fn archive(&self) {
        self.state().archived = true;
    }

    /// Switches issues off.
    pub(crate) fn disable_issues(&self) {
        self.state().issues_disabled = true;
    }

    /// So many requests are left, until the limit is reset so many seconds from now.
    pub(crate) fn set_rate(&self, remaining: u64, reset_in: i64) {
        let mut state = self.state();
        state.rate.remaining = remaining;
        state.rate.reset = chrono::Utc::now().timestamp() + reset_in;
    }

    /// The same of GraphQL.
    pub(crate) fn set_points(&self, remaining: u64, reset_in: i64) {
        let mut state = self.state();
        state.points.remaining = remaining;
        state.points.reset = chrono::Utc::now().timestamp() + reset_in;
    }

    /// All issues, pulls left out, by number.
    pub(crate) fn issues(&self) -> Vec<Item> {
        let state = self.state();
        let issues = state.items.values().filter(|item| item.pull.is_none());
        issues.cloned().collect()
    }

    /// All pulls, by number.
    pub(crate) fn pulls(&self) -> Vec<Item> {
        let mut state = self.state();
        state.follow_branches();
        let pulls = state.items.values().filter(|item| item.pull.is_some());
        pulls.cloned().collect()
    }

    /// The comments on an issue or a pull.
    pub(crate) fn comments(&self, number: u64) -> Vec<Comment> {
        self.state().items[&number].comments.clone()
    }

    /// The labels on an issue or a pull.
    pub(crate) fn labels(&self, number: u64) -> Vec<String> {
        self.state().items[&number].labels.clone()
    }

    /// The repository's labels.
    pub(crate) fn repository_labels(&self) -> Vec<Label> {
        self.state().labels.clone()
    }

    /// Every branch and where it stands.
    pub(crate) fn branches(&self) -> std::collections::BTreeMap<String, String> {
        self.state().git.heads()
    }

    /// Where a branch stands.
    pub(crate) fn branch_head(&self, branch: &str) -> Option<String> {
        self.state().git.resolve(&format!("refs/heads/{branch}"))
    }

    /// The tree that a branch stands at.
    pub(crate) fn tree_of(&self, branch: &str) -> Option<String> {
        self.state()
            .git
            .resolve(&format!("refs/heads/{branch}^{{tree}}"))
    }

    /// The paths that one branch changes against another, since they parted.
    pub(crate) fn changed(&self, base: &str, head: &str) -> Vec<String> {
        let state = self.state();
        let git = &state.git;
        let commit = |branch| git.resolve(&format!("refs/heads/{branch}")).unwrap();
        let files = git.change(&commit(base), &commit(head)).files;
        files.into_iter().map(|(_, _, path)| path).collect()
    }

    /// The messages of a branch's commits, the latest first.
    pub(crate) fn messages(&self, branch: &str) -> Vec<String> {
        self.state().git.messages(branch)
    }

    /// A file on a branch.
    pub(crate) fn file(&self, branch: &str, path: &str) -> Option<String> {
        self.state().git.file(&format!("refs/heads/{branch}"), path)
    }

    /// Every request so far.
    pub(crate) fn requests(&self) -> Vec<Logged> {
        self.inner.log.lock().unwrap().clone()
    }

    /// Forgets the requests so far.
    pub(crate) fn forget_requests(&self) {
        self.inner.log.lock().unwrap().clear();
    }

    /// What GitHub would not have taken, or would not have said, and how it was pressed too hard.
    pub(crate) fn violations(&self) -> Vec<String> {
        let requests = self.requests();
        let mut all = referee::violations(&requests);
        all.extend(self.inner.pace.lock().unwrap().bursts(&requests));
        all
    }

    /// From now on time passes here as it does in the test that calls this: paused time is GitHub's own.
    pub(crate) fn keep_time(&self) {
        self.inner
            .pace
            .lock()
            .unwrap()
            .keep_time(tokio::runtime::Handle::current());
    }

    /// So many clients write at a time, none of which can know of the others.
    pub(crate) fn expect_writers(&self, count: usize) {
        self.inner.pace.lock().unwrap().writers = count;
    }

    /// Nobody minds how hard this one is pressed, for this reason.
    pub(crate) fn expect_bursts(&self, reason: &'static str) {
        assert!(!reason.is_empty());
        self.inner.pace.lock().unwrap().writers = usize::MAX;
    }

    /// Lets the next request go wrong.
    pub(crate) fn fail_next(&self, fault: Fault) {
        self.fail_when(|_| true, fault, 1);
    }

    /// Lets the next `times` requests that match go wrong.
    pub(crate) fn fail_when(
        &self,
        matches: impl Fn(&Logged) -> bool + Send + 'static,
        fault: Fault,
        times: usize,
    ) {
        self.inner
            .faults
            .lock()
            .unwrap()
            .plan(matches, fault, times);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.inner.state.lock().unwrap()
    }
}

impl Drop for FakeGitHub {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(server) = self.server.take() {
            let ended = server.join();
            assert!(
                ended.is_ok() || std::thread::panicking(),
                "the fake has failed"
            );
        }
        // Whoever tests the judge itself has looked, and forgotten the requests.
        if !std::thread::panicking() {
            assert_eq!(self.violations(), [""; 0], "what GitHub would not take");
        }
    }
}

fn run(listener: TcpListener, inner: Arc<Inner>, ended: oneshot::Receiver<()>) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        let router = axum::Router::new().fallback(take).with_state(inner);
        let service = router.into_make_service_with_connect_info::<Wire>();
        tokio::select! {
            served = axum::serve(listener, service) => served.unwrap(),
            // Dropped with the fake: connections are closed as they are.
            _ = ended => {}
        }
    });
    runtime.shutdown_background();
}
