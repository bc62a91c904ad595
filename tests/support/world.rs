//! A world in memory behind the engine's ports: it outlives the engine, so that an engine can be killed and resumed.

use async_trait::async_trait;
use autoissue::engine::clock::SteadyClock;
use autoissue::engine::orders::{Check, Orders, Reach};
use autoissue::engine::words::Wording;
use autoissue::ports::*;
use autoissue::rules::assigning::Assigning;
use autoissue::rules::checks::proof::FailingTest;
use autoissue::rules::checks::shape::CheckKind;
use autoissue::rules::event::{Command, Event, ProcessIdentity, Progress, Recorded, Wish};
use autoissue::rules::follow::shape::Landed;
use autoissue::rules::gate::judge::Gate;
use autoissue::rules::ids::*;
use autoissue::rules::issue::{Issue, IssueState, Selection};
use autoissue::rules::money::{Charge, Usd};
use autoissue::rules::offer::offering::Offering;
use autoissue::rules::offer::reviewers::{Reviewers, Reviewing};
use autoissue::rules::port_blocks::PortBlocks;
use autoissue::rules::prompt::first::Comment;
use autoissue::rules::prompt::surroundings::{Surroundings, Wanted};
use autoissue::rules::redact::Redactor;
use autoissue::rules::rework::Seen;
use autoissue::rules::room::Room;
use autoissue::rules::task::*;
use autoissue::rules::trust::Trust;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::sync::Notify;

/// What the agent does in one run at an issue.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    /// Writes this into its file, and ends well.
    Writes(&'static str),
    /// Ends well and changes nothing.
    Nothing,
    /// Fails like this, after writing this much.
    Fails(ErrorClass, &'static str),
    /// Asks this, and changes nothing.
    Asks(&'static str),
    /// Works until it is stopped.
    Hangs,
}

/// All that the outside can see.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Outside {
    pub(crate) issues: BTreeMap<IssueNumber, Issue>,
    pub(crate) comments: BTreeMap<IssueNumber, Vec<String>>,
    /// What people wrote below our comments.
    pub(crate) replies: BTreeMap<IssueNumber, String>,
    pub(crate) pulls: Vec<Pull>,
    pub(crate) branches: BTreeMap<BranchName, CommitId>,
    /// Requests for a review, in order.
    pub(crate) asked: Vec<(PullNumber, Reviewers)>,
}

/// What lies on the disk of the machine.
#[derive(Debug, Default)]
pub(crate) struct Disk {
    pub(crate) journal: Vec<Recorded>,
    pub(crate) workspaces: BTreeMap<PathBuf, (Workspace, String)>,
    pub(crate) trees: BTreeMap<CommitId, String>,
    pub(crate) transcripts: BTreeMap<PathBuf, AgentReport>,
    pub(crate) commands: Vec<Command>,
    pub(crate) elsewhere: Usd,
    /// Worktrees that were left with their files in them.
    pub(crate) left: Vec<PathBuf>,
}

/// What the tests want to happen.
#[derive(Debug, Default)]
pub(crate) struct Script {
    pub(crate) acts: BTreeMap<IssueNumber, Vec<Act>>,
    pub(crate) runs: BTreeMap<IssueNumber, usize>,
    pub(crate) prompts: Vec<(IssueNumber, String, Conversation)>,
    pub(crate) cost: Usd,
    /// A pull is opened, and the reply gets lost, this many times.
    pub(crate) drop_pull_replies: u32,
    /// A comment is written, and the reply gets lost, this many times.
    pub(crate) drop_comment_replies: u32,
    /// The process dies at the append with this number, counted over all lives: before it, or right after.
    pub(crate) dies_at: Option<(usize, bool)>,
    pub(crate) appends: usize,
    /// Every check takes too long, on whatever commit.
    pub(crate) checks_hang: bool,
    /// Taking files in fails this many times.
    pub(crate) fail_captures: u32,
    pub(crate) ended: Vec<ProcessIdentity>,
    pub(crate) writes: Vec<String>,
    /// What is left of the machine's memory, and how often anybody looked.
    pub(crate) memory: Option<Room>,
    pub(crate) looked: usize,
}

#[derive(Debug, Default)]
pub(crate) struct World {
    pub(crate) outside: Mutex<Outside>,
    pub(crate) disk: Mutex<Disk>,
    pub(crate) script: Mutex<Script>,
    pub(crate) died: Notify,
}

impl World {
    pub(crate) fn new() -> Arc<Self> {
        let world = Self::default();
        world.script().cost = Usd::from_micros(100_000);
        Arc::new(world)
    }

    pub(crate) fn outside(&self) -> MutexGuard<'_, Outside> {
        self.outside.lock().unwrap()
    }

    pub(crate) fn disk(&self) -> MutexGuard<'_, Disk> {
        self.disk.lock().unwrap()
    }

    pub(crate) fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap()
    }

    /// An open issue, and what the agent will do about it, run by run; the last act repeats.
    pub(crate) fn issue(&self, number: u64, body: &str, acts: &[Act]) {
        let issue = Issue {
            number: IssueNumber(number),
            title: format!("[Backend] Issue {number}"),
            body: body.to_owned(),
            labels: vec!["go".to_owned()],
            state: IssueState::Open,
            author: None,
            created_at: Timestamp(0),
            updated_at: Timestamp(0),
            url: None,
            depends_on: vec![],
            assignees: Vec::new(),
            milestone: None,
            parts: Vec::new(),
            pulls: Vec::new(),
        };
        self.outside().issues.insert(issue.number, issue);
        self.script()
            .acts
            .insert(IssueNumber(number), acts.to_vec());
    }

    pub(crate) fn ports(self: &Arc<Self>) -> Ports {
        let this = || Arc::new(Side(Arc::clone(self)));
        Ports {
            forge: this(),
            repository: this(),
            leases: Arc::new(NoLeases),
            agents: autoissue::ports::Agents::new(this(), vec![this()]),
            commands: this(),
            resources: this(),
            journal: Arc::new(MemoryJournal {
                id: SessionId::new("01TEST"),
                world: Arc::clone(self),
            }),
            clock: Arc::new(SteadyClock::start_at(Timestamp(1_000_000))),
            reporters: Arc::new([]),
        }
    }
}

/// Orders with one check, which passes unless the file says `bad`.
pub(crate) fn orders() -> Orders {
    Orders {
        checks: vec![Check {
            name: "test".into(),
            kind: CheckKind::Test,
            argv: vec!["check".into()],
            prepare: Vec::new(),
            directory: PathBuf::new(),
            reach: Reach::Everything,
            answers: None,
            wall: Duration::from_secs(60),
        }],
        ports: PortBlocks::default(),
        setup: None,
        wall: Duration::from_secs(600),
        idle: Duration::from_secs(300),
        max_turns: None,
        max_tokens: 2_000_000,
        yolo: true,
        wording: Wording {
            template: None,
            max_tokens: 16_000,
            failing_test: FailingTest::Off,
            lessons: Vec::new(),
        },
        assigning: Assigning::default(),
        asking_others: Vec::new(),
        offering: Offering {
            reviewers: Reviewers::named(["ann"]),
            ..Offering::default()
        },
        failing_test: FailingTest::Off,
        gate: Gate::default(),
        trust: Trust::default(),
        transcripts: PathBuf::from("/transcripts"),
        redactor: Redactor::new([]),
        reply_wait: Duration::from_secs(5),
        ask_base: true,
        look_first: true,
    }
}

struct Side(Arc<World>);

struct MemoryJournal {
    id: SessionId,
    world: Arc<World>,
}

#[async_trait]
impl Journal for MemoryJournal {
    fn session(&self) -> &SessionId {
        &self.id
    }

    async fn append(&self, events: &[Recorded]) -> Result<(), JournalError> {
        let dies = {
            let mut script = self.world.script();
            script.appends += 1;
            script.dies_at.filter(|(at, _)| *at == script.appends)
        };
        if dies != Some((self.world.script().appends, false)) {
            let mut disk = self.world.disk();
            for recorded in events {
                assert_eq!(recorded.seq, disk.journal.len() as u64 + 1, "without gaps");
                let stored = serde_json::to_string(recorded).expect("an event can be written");
                disk.journal
                    .push(serde_json::from_str(&stored).expect("and read again"));
                if let Event::CommandTaken { command, .. } = &recorded.event {
                    disk.commands.retain(|other| other != command);
                }
            }
        }
        if dies.is_some() {
            self.world.died.notify_one();
            std::future::pending::<()>().await;
        }
        Ok(())
    }

    async fn events(&self) -> Result<Vec<Recorded>, JournalError> {
        Ok(self.world.disk().journal.clone())
    }

    async fn spent_elsewhere(&self, _day: i64) -> Result<Usd, JournalError> {
        Ok(self.world.disk().elsewhere)
    }

    async fn commands(&self) -> Result<Vec<Wish>, JournalError> {
        let commands = self.world.disk().commands.clone();
        let wishes = commands.into_iter();
        Ok(wishes.map(|command| Wish { command, by: None }).collect())
    }

    fn progress(&self, _progress: &Progress) {}
}

#[async_trait]
impl Forge for Side {
    #[expect(clippy::unnecessary_literal_bound, reason = "the port says so")]
    fn project(&self) -> &str {
        "acme/shop"
    }

    async fn open_issues(&self, selection: &Selection) -> Result<Vec<Issue>, ForgeError> {
        Ok(self
            .0
            .outside()
            .issues
            .values()
            .filter(|issue| selection.takes(issue))
            .cloned()
            .collect())
    }

    async fn issue(&self, number: IssueNumber) -> Result<Option<Issue>, ForgeError> {
        Ok(self.0.outside().issues.get(&number).cloned())
    }

    async fn closed_issues(&self) -> Result<Vec<Issue>, ForgeError> {
        let outside = self.0.outside();
        let mut issues: Vec<Issue> = outside.issues.values().cloned().collect();
        issues.retain(|issue| issue.state == IssueState::Closed);
        Ok(issues)
    }

    async fn open_pulls(&self) -> Result<Vec<Pull>, ForgeError> {
        Ok(self
            .0
            .outside()
            .pulls
            .iter()
            .filter(|pull| pull.open)
            .cloned()
            .collect())
    }

    async fn pulls_from(&self, head: &BranchName) -> Result<Vec<Pull>, ForgeError> {
        Ok(self
            .0
            .outside()
            .pulls
            .iter()
            .filter(|pull| pull.head == head.as_str())
            .cloned()
            .collect())
    }

    async fn open_pull(&self, draft: &PullDraft) -> Result<Pull, ForgeError> {
        tokio::time::sleep(Duration::from_millis(1)).await;
        let pull = {
            let mut outside = self.0.outside();
            assert!(
                outside.branches.contains_key(&draft.head),
                "the head is pushed before its pull"
            );
            let number = PullNumber(1_000 + outside.pulls.len() as u64);
            let (head, base) = (draft.head.to_string(), draft.base.clone());
            let pull = Pull {
                number,
                url: format!("mem://{number}"),
                head,
                base,
                open: true,
                body: draft.body.clone(),
            };
            outside.pulls.push(pull.clone());
            pull
        };
        self.0.script().writes.push(format!("pull {}", draft.head));
        tokio::time::sleep(Duration::from_millis(1)).await;
        let mut script = self.0.script();
        if script.drop_pull_replies > 0 {
            script.drop_pull_replies -= 1;
            return Err(ForgeError::Unknown {
                action: "open the pull".into(),
                detail: "connection closed".into(),
            });
        }
        Ok(pull)
    }

    async fn correct_pull(&self, number: PullNumber, draft: &PullDraft) -> Result<(), ForgeError> {
        let mut outside = self.0.outside();
        if let Some(pull) = outside.pulls.iter_mut().find(|pull| pull.number == number) {
            (pull.base, pull.body) = (draft.base.clone(), draft.body.clone());
        }
        Ok(())
    }

    async fn describe_pull(&self, number: PullNumber, body: &str) -> Result<(), ForgeError> {
        tokio::time::sleep(Duration::from_millis(1)).await;
        let mut outside = self.0.outside();
        if let Some(pull) = outside.pulls.iter_mut().find(|pull| pull.number == number) {
            body.clone_into(&mut pull.body);
        }
        Ok(())
    }

    async fn replies(
        &self,
        issue: IssueNumber,
        marker: &str,
        _: Trust,
    ) -> Result<Vec<Comment>, ForgeError> {
        let is_asked = self.has_comment(issue, marker).await?;
        let outside = self.0.outside();
        let reply = outside.replies.get(&issue).filter(|_| is_asked);
        let author = "a-person".to_owned();
        let reply = reply.map(|text| Comment {
            author,
            text: text.clone(),
        });
        Ok(reply.into_iter().collect())
    }

    async fn reviewing(&self, number: PullNumber) -> Result<Reviewing, ForgeError> {
        let outside = self.0.outside();
        let mut reviewing = Reviewing::default();
        for (_, asked) in outside.asked.iter().filter(|(pull, _)| *pull == number) {
            reviewing.asked.users.extend(asked.users.clone());
        }
        Ok(reviewing)
    }

    async fn ask_review(
        &self,
        number: PullNumber,
        reviewers: &Reviewers,
    ) -> Result<(), ForgeError> {
        tokio::time::sleep(Duration::from_millis(1)).await;
        self.0.outside().asked.push((number, reviewers.clone()));
        tokio::time::sleep(Duration::from_millis(1)).await;
        Ok(())
    }

    async fn own_comment(
        &self,
        issue: IssueNumber,
        marker: &str,
    ) -> Result<Option<OwnComment>, ForgeError> {
        let outside = self.0.outside();
        let all = outside.comments.get(&issue).into_iter().flatten();
        let found = (0..).zip(all).find(|(_, body)| body.contains(marker));
        Ok(found.map(|(id, body)| OwnComment {
            id,
            marker: marker.to_owned(),
            body: body.clone(),
        }))
    }

    async fn edit_comment(
        &self,
        issue: IssueNumber,
        comment: &OwnComment,
        body: &str,
    ) -> Result<(), ForgeError> {
        tokio::time::sleep(Duration::from_millis(1)).await;
        let at = usize::try_from(comment.id).expect("few comments");
        let mut outside = self.0.outside();
        let comments = outside.comments.get_mut(&issue).expect("it is there");
        body.clone_into(&mut comments[at]);
        Ok(())
    }

    async fn comment(&self, issue: IssueNumber, body: &str) -> Result<(), ForgeError> {
        tokio::time::sleep(Duration::from_millis(1)).await;
        self.0
            .outside()
            .comments
            .entry(issue)
            .or_default()
            .push(body.to_owned());
        tokio::time::sleep(Duration::from_millis(1)).await;
        let mut script = self.0.script();
        if script.drop_comment_replies > 0 {
            script.drop_comment_replies -= 1;
            return Err(ForgeError::Unknown {
                action: "comment".into(),
                detail: "connection closed".into(),
            });
        }
        Ok(())
    }

    async fn add_label(&self, issue: IssueNumber, label: &str) -> Result<(), ForgeError> {
        tokio::time::sleep(Duration::from_millis(1)).await;
        let mut outside = self.0.outside();
        let issue = outside.issues.get_mut(&issue).expect("the issue is there");
        if !issue.has_label(label) {
            issue.labels.push(label.to_owned());
        }
        Ok(())
    }

    async fn remove_label(&self, issue: IssueNumber, label: &str) -> Result<(), ForgeError> {
        tokio::time::sleep(Duration::from_millis(1)).await;
        let mut outside = self.0.outside();
        outside
            .issues
            .get_mut(&issue)
            .expect("the issue is there")
            .labels
            .retain(|own| own != label);
        Ok(())
    }
}

#[async_trait]
impl Repository for Side {
    async fn revert(
        &self,
        _tip: &CommitId,
        _undone: (&Landed, u64),
        _message: &str,
    ) -> Result<Reverted, RepositoryError> {
        Ok(Reverted::Untold)
    }

    async fn delete(
        &self,
        branch: &BranchName,
        _expected: &CommitId,
    ) -> Result<(), RepositoryError> {
        self.0.outside().branches.remove(branch);
        Ok(())
    }

    async fn fetch(&self, _branch: &str) -> Result<CommitId, RepositoryError> {
        Ok(CommitId::new("base"))
    }

    async fn surroundings(
        &self,
        _branch: &str,
        _wanted: &Wanted,
    ) -> Result<Surroundings, RepositoryError> {
        // Work goes on without.
        Err(RepositoryError::Git {
            action: "look around".into(),
            detail: "nobody is there".into(),
        })
    }

    async fn remote_branches(&self) -> Result<Vec<(BranchName, CommitId)>, RepositoryError> {
        Ok(self.0.outside().branches.clone().into_iter().collect())
    }

    async fn prepare(&self, order: &WorkspaceOrder) -> Result<Workspace, RepositoryError> {
        let path = PathBuf::from(format!("/slots/{}", order.issue.0));
        let (slot, base, start) = (order.slot, order.base.clone(), order.start.clone());
        let workspace = Workspace {
            slot,
            path: path.clone(),
            base,
            start,
        };
        let mut disk = self.0.disk();
        let files = disk.trees.get(&order.start).cloned().unwrap_or_default();
        let left = std::mem::take(&mut disk.left);
        disk.workspaces.retain(|path, _| !left.contains(path));
        let busy = disk
            .workspaces
            .values()
            .any(|(other, _)| other.slot == order.slot);
        assert!(!busy, "slot {} is free before it is used again", order.slot);
        disk.workspaces.insert(path, (workspace.clone(), files));
        Ok(workspace)
    }

    async fn seal(&self, _workspace: &Workspace) -> Result<(), RepositoryError> {
        Ok(())
    }

    async fn capture(
        &self,
        workspace: &Workspace,
        _: IssueNumber,
        _: AttemptNumber,
    ) -> Result<Capture, RepositoryError> {
        {
            let mut script = self.0.script();
            if script.fail_captures > 0 {
                script.fail_captures -= 1;
                return Err(RepositoryError::Git {
                    action: "take the files in".into(),
                    detail: "no space left on device".into(),
                });
            }
        }
        let mut disk = self.0.disk();
        let files = disk
            .workspaces
            .get(&workspace.path)
            .expect("it is laid out")
            .1
            .clone();
        let snapshot = CommitId::new(format!("snap:{files}"));
        disk.trees.insert(snapshot.clone(), files.clone());
        Ok(captured(snapshot, &files))
    }

    async fn leftover(&self, issue: IssueNumber) -> Result<Option<Workspace>, RepositoryError> {
        let path = PathBuf::from(format!("/slots/{}", issue.0));
        Ok(self
            .0
            .disk()
            .workspaces
            .get(&path)
            .map(|(workspace, _)| workspace.clone()))
    }

    async fn reopen(
        &self,
        snapshot: &CommitId,
        _base: &CommitId,
    ) -> Result<Capture, RepositoryError> {
        let files = self
            .0
            .disk()
            .trees
            .get(snapshot)
            .cloned()
            .expect("the snapshot is kept");
        Ok(captured(snapshot.clone(), &files))
    }

    async fn commit(
        &self,
        capture: &Capture,
        parents: &[CommitId],
        _: &CommitMessage,
    ) -> Result<Commit, RepositoryError> {
        let base = &parents[0];
        let id = CommitId::new(format!("commit:{}", capture.tree));
        let mut disk = self.0.disk();
        let files = disk
            .trees
            .get(&capture.snapshot)
            .cloned()
            .unwrap_or_default();
        disk.trees.insert(id.clone(), files);
        Ok(Commit {
            id,
            tree: capture.tree.clone(),
            base: base.clone(),
            diff: capture.diff.clone(),
        })
    }

    async fn holds(&self, _: &str, _: &CommitId) -> Result<bool, RepositoryError> {
        Ok(false)
    }

    /// The world has one file: the last of them is what it holds.
    async fn update(
        &self,
        base: &CommitId,
        head: &CommitId,
        _landed: &[Landed],
    ) -> Result<Joined, RepositoryError> {
        self.join(&[base.clone(), head.clone()]).await
    }

    async fn join(&self, commits: &[CommitId]) -> Result<Joined, RepositoryError> {
        let (base, clashes) = (commits[0].clone(), Vec::new());
        Ok(Joined { base, clashes })
    }

    async fn test_merges(
        &self,
        pairs: &[(CommitId, CommitId)],
    ) -> Result<Vec<Vec<String>>, RepositoryError> {
        Ok(vec![vec![]; pairs.len()])
    }

    /// Every agent is seen to have changed the one file, and no two merge.
    async fn look(&self, issues: &[IssueNumber]) -> Result<Box<dyn Look>, RepositoryError> {
        let seen = issues.iter().map(|issue| Seen {
            issue: *issue,
            commit: CommitId::new(format!("seen:{issue}")),
            diff: DiffStat {
                files: 1,
                paths: vec!["file".into()],
                ..DiffStat::default()
            },
        });
        Ok(Box::new(Glance(seen.collect())))
    }

    async fn overlay(
        &self,
        base: &CommitId,
        _: &CommitId,
        _: &[String],
    ) -> Result<CommitId, RepositoryError> {
        Ok(base.clone())
    }

    async fn marked(&self, _: &TreeId, _: &[String]) -> Result<Vec<String>, RepositoryError> {
        Ok(vec![])
    }

    async fn checkout(&self, commit: &CommitId) -> Result<Box<dyn Checkout>, RepositoryError> {
        let files = self.0.disk().trees.get(commit).cloned().unwrap_or_default();
        Ok(Box::new(Laid(PathBuf::from(format!("/check/{files}")))))
    }

    async fn release(&self, workspace: Workspace) -> Result<(), RepositoryError> {
        self.0.disk().workspaces.remove(&workspace.path);
        Ok(())
    }

    async fn leave(&self, workspace: Workspace) {
        self.0.disk().left.push(workspace.path);
    }

    async fn remote_head(&self, branch: &BranchName) -> Result<Option<CommitId>, RepositoryError> {
        Ok(self.0.outside().branches.get(branch).cloned())
    }

    async fn push(
        &self,
        branch: &BranchName,
        commit: &CommitId,
        expected: Option<&CommitId>,
    ) -> Result<(), RepositoryError> {
        tokio::time::sleep(Duration::from_millis(1)).await;
        {
            let mut outside = self.0.outside();
            assert_eq!(
                outside.branches.get(branch),
                expected,
                "never over anything else"
            );
            outside.branches.insert(branch.clone(), commit.clone());
        }
        self.0.script().writes.push(format!("push {branch}"));
        tokio::time::sleep(Duration::from_millis(1)).await;
        Ok(())
    }
}

struct Glance(Vec<Seen>);

#[async_trait]
impl Look for Glance {
    fn seen(&self) -> &[Seen] {
        &self.0
    }

    async fn test_merges(
        &self,
        pairs: &[(CommitId, CommitId)],
    ) -> Result<Vec<Vec<String>>, RepositoryError> {
        Ok(vec![vec!["file".to_owned()]; pairs.len()])
    }
}

struct Laid(PathBuf);

impl Checkout for Laid {
    fn path(&self) -> &Path {
        &self.0
    }
}

fn captured(snapshot: CommitId, files: &str) -> Capture {
    let changed = u64::from(!files.is_empty());
    let diff = DiffStat {
        paths: vec!["file".into()],
        files: changed,
        added: changed,
        removed: 0,
    };
    Capture {
        snapshot,
        tree: TreeId::new(format!("tree:{files}")),
        diff,
        changes: vec![],
        concern: None,
    }
}

#[async_trait]
impl Agent for Side {
    fn kind(&self) -> &'static str {
        "command"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            resumes: true,
            has_budget: true,
            reports_cost: true,
            names_conversation: true,
            ..Capabilities::default()
        }
    }

    #[expect(clippy::too_many_lines, reason = "one script, read from top to bottom")]
    async fn run(&self, order: &AgentOrder, watch: &dyn Watch, stop: &Stop) -> AgentReport {
        let issue: u64 = order
            .directory
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap()
            .parse()
            .unwrap();
        let issue = IssueNumber(issue);
        let identity = ProcessIdentity {
            pid: 1,
            started: issue.0,
            boot: "boot".into(),
        };
        let conversation = match &order.conversation {
            Conversation::New(id) | Conversation::Resumed(id) => id.clone(),
        };
        let mut report = AgentReport {
            end: AgentEnd::Stopped,
            summary: format!("did {issue}"),
            answer: String::new(),
            charge: Charge::default(),
            dearest: Usd::ZERO,
            conversation: Some(conversation),
            model: Some("mem-1".into()),
            denied: vec![],
            messages: 1,
        };
        if watch.spawned(identity).await.is_err() {
            return report;
        }
        let act = {
            let mut script = self.0.script();
            script
                .prompts
                .push((issue, order.prompt.clone(), order.conversation.clone()));
            let run = script.runs.entry(issue).or_default();
            *run += 1;
            let run = *run;
            let acts = &script.acts[&issue];
            acts[(run - 1).min(acts.len() - 1)].clone()
        };
        tokio::time::sleep(Duration::from_secs(60)).await;
        report.charge.cost = self.0.script().cost;
        let text = match act {
            Act::Writes(text) => text,
            Act::Nothing => "",
            Act::Asks(question) => {
                report.summary = question.to_owned();
                ""
            }
            Act::Fails(class, text) => {
                report.end = AgentEnd::Failed(Failure::new(class, "as told"));
                text
            }
            Act::Hangs => {
                stop.asked().await;
                return report;
            }
        };
        if !text.is_empty() {
            let mut disk = self.0.disk();
            let laid_out = disk.workspaces.get_mut(&order.directory);
            text.clone_into(&mut laid_out.expect("it is laid out").1);
        }
        if report.end == AgentEnd::Stopped {
            report.end = AgentEnd::Done;
        }
        self.0
            .disk()
            .transcripts
            .insert(order.transcript.clone(), report.clone());
        tokio::time::sleep(Duration::from_millis(1)).await;
        report
    }

    fn evidence(&self, transcript: &Path) -> Option<AgentReport> {
        self.0.disk().transcripts.get(transcript).cloned()
    }
}

#[async_trait]
impl Resources for Side {
    async fn memory(&self) -> Option<Room> {
        let mut script = self.0.script();
        script.looked += 1;
        script.memory
    }

    async fn disk(&self) -> Option<Room> {
        None
    }
}

#[async_trait]
impl Commands for Side {
    async fn run(&self, order: &CommandOrder, watch: &dyn Watch, stop: &Stop) -> CommandReport {
        let identity = ProcessIdentity {
            pid: 2,
            started: 0,
            boot: "boot".into(),
        };
        if watch.spawned(identity).await.is_err() {
            return CommandReport {
                end: CommandEnd::Stopped,
                output: String::new(),
                millis: 0,
            };
        }
        tokio::select! {
            () = stop.asked() => return CommandReport {
                end: CommandEnd::Stopped,
                output: String::new(),
                millis: 0,
            },
            () = tokio::time::sleep(Duration::from_secs(1)) => {}
        }
        let bad = order.directory.to_string_lossy().contains("bad");
        let end = if self.0.script().checks_hang {
            CommandEnd::TimedOut
        } else {
            CommandEnd::Exited(i32::from(bad))
        };
        CommandReport {
            end,
            output: "test output".into(),
            millis: 1_000,
        }
    }

    async fn end_leftover(&self, process: &ProcessIdentity) {
        self.0.script().ended.push(process.clone());
    }
}

/// What the outside must not have twice.
pub(crate) fn duplicates(outside: &Outside) -> Vec<String> {
    let mut found = Vec::new();
    let mut heads = BTreeSet::new();
    for pull in outside.pulls.iter().filter(|pull| pull.open) {
        let issue = autoissue::rules::names::issue_of_branch(&pull.head);
        if !heads.insert(issue) {
            found.push(format!("two open pulls for {issue:?}"));
        }
    }
    let mut asked = BTreeSet::new();
    for (pull, _) in &outside.asked {
        if !asked.insert(pull) {
            found.push(format!("asked twice to review {pull}"));
        }
    }
    for (issue, comments) in &outside.comments {
        if comments.len() > 1 {
            found.push(format!("{} comments on {issue}", comments.len()));
        }
    }
    found
}
