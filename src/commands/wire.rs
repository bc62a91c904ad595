//! The wiring: from configuration and surroundings to the ports of a session. Nothing else hands adapters out.

use crate::adapters::github::forge::{GitHub, GitHubSettings, PUBLIC_API};
use crate::adapters::github::tokens::Tokens;
use crate::adapters::local_forge::forge::{LocalForge, LocalForgeSettings};
use crate::adapters::machine::Machine;
use crate::adapters::process::commands::CommandRunner;
use crate::adapters::process::run::Processes;
use crate::adapters::sandbox::enter;
use crate::adapters::store::open::Store;
use crate::commands::agents::{self, MODEL_KEYS};
use crate::commands::checks::known::{Known, known};
use crate::commands::containment::{self, Around};
use crate::commands::identity::{Identity, Signed};
use crate::commands::offering::offering;
use crate::commands::place::{Place, variable, whereabouts};
use crate::commands::preflight::template;
use crate::commands::project::{Home, Project, detect};
use crate::commands::sender;
use crate::config::loaded::{Loaded, Overrides};
use crate::config::names::RepoName;
use crate::config::secrets::{is_literal_secret, is_tracked};
use crate::config::shape::Config;
use crate::config::values::Whole;
use crate::engine::orders::{Check, Orders};
use crate::engine::words::Wording;
use crate::error::{Error, Kind};
use crate::ports::Resources as _;
use crate::ports::{Agents, Forge, Tracker};
use crate::rules::evaluate::background::Backgrounds;
use crate::rules::evaluate::judge::Judge;
use crate::rules::evaluate::routing::Routing;
use crate::rules::gate::judge::Gate;
use crate::rules::gate::secrets::is_guarded;
use crate::rules::ids::SessionId;
use crate::rules::issue::Selection;
use crate::rules::own::Classification;
use crate::rules::redact::Redactor;
use crate::rules::settings::Settings;
use crate::rules::stack::Dependents;
use crate::rules::task::Task;
use serde_json::json;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::sync::OnceCell;

/// One project and all that is known of it before a session begins.
pub struct Wiring {
    /// The configuration in effect.
    pub loaded: Loaded,
    /// Which repository, on which forge.
    pub project: Project,
    /// Where journals, worktrees and logs are kept.
    pub state: PathBuf,
    signed: Option<Signed>,
    own_program: PathBuf,
    processes: Processes,
    contained: OnceCell<Processes>,
    checks: OnceLock<Known>,
}

/// One forge: where issues and pulls live, and where issues are opened.
pub type Forges = (Arc<dyn Forge>, Arc<dyn Tracker>);

/// How long to wait between two looks at an effect whose reply got lost; a server on this machine does not lag.
const REPLY_WAIT: Duration = Duration::from_secs(5);

impl Wiring {
    /// Finds out everything. Starts nothing and writes nothing.
    pub fn new(place: &Place, flags: &Overrides) -> Result<Self, Error> {
        let loaded = place.load(flags)?;
        let checkout = place.checkout(&loaded)?;
        let who = Identity::of(&loaded);
        let project = detect(&loaded.config, &checkout, &|| who.is_known())?;
        let signed = match &project.home {
            Home::Github { repo, .. } => who.sign(repo)?,
            Home::Local { .. } => None,
        };
        let program = own_program()?;
        let state = place.state_dir()?;
        Ok(Self {
            loaded,
            project,
            state,
            signed,
            own_program: program.clone(),
            processes: Processes::new(program),
            contained: OnceCell::new(),
            checks: OnceLock::new(),
        })
    }

    pub(super) fn tokens(&self) -> Option<Tokens> {
        Some(self.signed.as_ref()?.tokens.clone())
    }

    /// The same on every run: the repository's name on GitHub, or the path of a local one.
    #[must_use]
    pub fn project_key(&self) -> String {
        match &self.project.home {
            Home::Github { repo, .. } => repo.to_string(),
            Home::Local { .. } => self.project.top.display().to_string(),
        }
    }

    /// Does it run on a forge that strangers write to?
    #[must_use]
    pub fn is_github(&self) -> bool {
        matches!(self.project.home, Home::Github { .. })
    }

    /// The forge.
    pub fn forge(&self) -> Result<Arc<dyn Forge>, Error> {
        self.forges().map(|(forge, _)| forge)
    }

    /// The forge, and where issues are opened there.
    pub fn forges(&self) -> Result<Forges, Error> {
        match &self.project.home {
            Home::Github { repo, .. } => {
                let github = Arc::new(github(&self.loaded.config, repo, self.tokens())?);
                Ok((Arc::clone(&github) as Arc<dyn Forge>, github))
            }
            Home::Local { .. } => {
                let local = Arc::new(self.local_forge()?);
                Ok((Arc::clone(&local) as Arc<dyn Forge>, local))
            }
        }
    }

    /// GitHub, for what only GitHub has.
    pub fn github(&self, action: &str) -> Result<Arc<GitHub>, Error> {
        match &self.project.home {
            Home::Github { repo, .. } => {
                Ok(Arc::new(github(&self.loaded.config, repo, self.tokens())?))
            }
            Home::Local { .. } => Err(Error::new(Kind::Usage, action)
                .cause(
                    "the issues of this project are files, and nobody reviews pull requests there",
                )
                .hints([
                    "it works for repositories on GitHub: see forge.kind in the configuration",
                ])),
        }
    }

    fn local_forge(&self) -> Result<LocalForge, Error> {
        Ok(LocalForge::open(&LocalForgeSettings {
            root: self.project.top.clone(),
            issues_dir: self.loaded.config.forge.issues_dir.clone(),
            project: self.project.name(),
        })?)
    }

    /// How agents, setup and checks are run: in the sandbox that was asked for; an error where it cannot be had.
    pub async fn contained(&self) -> Result<&Processes, Error> {
        let find = || async {
            let own_program = std::env::current_exe().unwrap_or_else(|_| self.own_program.clone());
            let wanted = self.loaded.config.sandbox.isolation;
            let Some(isolation) = containment::isolation(wanted, &own_program)? else {
                return Ok(self.processes.clone());
            };
            enter::sweep();
            let git = self.git_place();
            let around = Around {
                loaded: &self.loaded,
                slots: git.slots,
                objects: git.mirror.join("objects"),
                own_program,
                memory: self.machine().memory().await,
            };
            let sandbox = around.sandbox(isolation);
            Ok(self.processes.contained(Arc::new(sandbox)))
        };
        self.contained.get_or_try_init(find).await
    }

    /// The agents, found and able to start.
    pub async fn agents(&self) -> Result<Agents, Error> {
        agents::agents(self, self.contained().await?).await
    }

    /// The machine, with the disks that are written to.
    #[must_use]
    pub fn machine(&self) -> Arc<Machine> {
        let places = vec![self.state.clone(), self.git_place().slots];
        Arc::new(Machine::new(places))
    }

    /// Runs checks and setup.
    pub async fn commands(&self) -> Result<Arc<CommandRunner>, Error> {
        let processes = self.contained().await?;
        Ok(Arc::new(CommandRunner::new(processes.clone())))
    }

    /// What a session's decisions rest on.
    #[must_use]
    pub fn settings(&self, trigger: Option<&str>, store: Option<&Store>) -> Settings {
        let typical =
            store.and_then(|store| store.typical_cost(&self.project_key()).ok().flatten());
        let config = &self.loaded.config;
        let isolation = self.contained.get().map(Processes::isolation);
        let isolation = isolation.unwrap_or("not chosen yet");
        let starter = sender::starter(&self.loaded, isolation, &self.redactor());
        Settings {
            starter: Some(Box::new(starter)),
            ..config.settings(&self.project.base_branch, trigger, typical)
        }
    }

    /// The same for the issues of a plan: it was made to be done as a whole, so that they stand on one another's work
    /// unless the configuration says otherwise.
    #[must_use]
    pub fn plan_settings(&self, trigger: Option<&str>, store: Option<&Store>) -> Settings {
        let mut settings = self.settings(trigger, store);
        if !self.loaded.is_set("scheduling.dependencies") {
            settings.dependents = Dependents::Stacked;
        }
        settings
    }

    /// How attempts are made.
    pub fn orders(&self, store: &Store, session: &SessionId) -> Result<Orders, Error> {
        let config = &self.loaded.config;
        let transcripts = store.session_directory(session).join("transcripts");
        std::fs::create_dir_all(&transcripts).map_err(|cause| {
            Error::new(Kind::Files, format!("make {}", transcripts.display())).because(&cause)
        })?;
        let is_near = self.is_github() && api(&self.loaded.config).starts_with("http://");
        Ok(Orders {
            checks: self.checks().checks.clone(),
            ports: config.worktree.ports.blocks(),
            setup: self.setup(),
            wall: config.executor.timeout_minutes.minutes(),
            idle: config.agent.idle_minutes.minutes(),
            max_turns: config.agent.max_turns.map(Whole::get),
            max_tokens: u64::from(config.agent.max_tokens.get()),
            yolo: config.agent.yolo,
            wording: self.wording(Some(store))?,
            offering: offering(&self.loaded)?,
            assigning: config.github.assigning(),
            asking_others: config.approvals.escalate_to.clone(),
            failing_test: config.verify.failing_test,
            gate: self.gate(),
            trust: config.security.trust,
            transcripts,
            redactor: self.redactor(),
            reply_wait: if is_near { Duration::ZERO } else { REPLY_WAIT },
            // A control for the tests of what is charged to agents; see tests/it/verify.rs.
            ask_base: variable("AUTOISSUE_FAULT").as_deref() != Some("no-base"),
            // A control for the tests of exactly-once publishing; see tests/it/kill.rs.
            look_first: variable("AUTOISSUE_FAULT").as_deref() != Some("no-look"),
        })
    }

    /// What may be offered without a person.
    fn gate(&self) -> Gate {
        let security = &self.loaded.config.security;
        let top = &self.project.top;
        let template = self.loaded.config.prompt.as_ref();
        let template = template.map(|path| whereabouts(&self.loaded.resolve(path)));
        let setup = self
            .setup()
            .unwrap_or_else(|| Check::setup(vec!["setup.sh".to_owned()]));
        let setup = setup.argv.iter().map(|word| top.join(word));
        let files = template.into_iter().chain(setup).filter_map(|path| {
            let inside = path.strip_prefix(top).ok()?.to_str()?.to_owned();
            Some(inside.trim_start_matches("./").to_owned())
        });
        Gate {
            allow: security.allow.iter().copied().collect(),
            scope: security.scope.clone(),
            own: files.collect(),
        }
    }

    /// What judges every commit; found out once.
    #[must_use]
    pub fn checks(&self) -> &Known {
        self.checks
            .get_or_init(|| known(&self.loaded.config, &self.project))
    }

    /// The project's own rules for what belongs to which domain.
    #[must_use]
    pub fn own(&self) -> &Classification {
        &self.loaded.config.classification
    }

    /// Whoever evaluates issues.
    #[must_use]
    pub fn judge(&self) -> Judge {
        Judge {
            routing: Routing::clone(&self.loaded.config.routing),
        }
    }

    /// Evaluates tasks that were read, and settles which of them run.
    #[must_use]
    pub fn routed(
        &self,
        mut tasks: Vec<Task>,
        backgrounds: &Backgrounds,
        selection: &Selection,
    ) -> Vec<Task> {
        let judge = self.judge();
        judge.route(&mut tasks, backgrounds, selection.label.as_deref());
        tasks
    }

    /// What makes a fresh worktree ready, where anything does.
    #[must_use]
    pub fn setup(&self) -> Option<Check> {
        let configured = self
            .loaded
            .config
            .worktree
            .setup
            .as_ref()
            .map(|argv| argv.words().to_vec());
        let usual = || {
            is_tracked(&self.project.top.join("setup.sh"))
                .then(|| vec!["sh".to_owned(), "setup.sh".to_owned()])
        };
        Some(Check::setup(configured.or_else(usual)?))
    }

    /// How agents are spoken to.
    pub fn wording(&self, store: Option<&Store>) -> Result<Wording, Error> {
        let known = store
            .map(|store| store.lessons(&self.project_key()))
            .transpose()?;
        let lessons = known.unwrap_or_default().into_iter();
        let max_tokens = self.loaded.config.agent.max_prompt_tokens.get();
        Ok(Wording {
            template: template(&self.loaded)?,
            max_tokens: usize::try_from(max_tokens).unwrap_or(usize::MAX),
            failing_test: self.loaded.config.verify.failing_test,
            lessons: lessons.map(|known| known.lesson).collect(),
        })
    }

    /// Knows every secret that this process was given.
    #[must_use]
    pub fn redactor(&self) -> Redactor {
        let config = &self.loaded.config;
        let signed = self.signed.iter().flat_map(Signed::secrets);
        let agent = config
            .agent
            .env
            .values()
            .map(|value| value.expose().to_owned());
        let notify = config.notify.secrets().into_iter();
        let notify = notify.map(|(_, secret)| secret.expose().to_owned());
        let keys = MODEL_KEYS.iter().filter_map(|name| variable(name));
        let serve = config
            .serve
            .secrets()
            .map(|secret| secret.expose().to_owned());
        Redactor::new(signed.chain(agent).chain(notify).chain(serve).chain(keys))
    }

    /// Knows of them what no change may bring: not all that an agent is given in its environment is a secret, nor is
    /// what anybody could think of.
    #[must_use]
    pub fn unpublishable(&self) -> Redactor {
        let config = &self.loaded.config;
        let agent = config.agent.env.iter();
        let agent = agent.map(|(name, value)| (format!("agent.env.{name}"), value));
        let notify = config.notify.secrets().into_iter();
        let configured = agent.chain(notify.map(|(key, secret)| (key.to_owned(), secret)));
        let configured = configured.map(|(key, value)| (key, value.expose().to_owned()));
        let configured = configured.filter(|(key, value)| is_literal_secret(key, &json!(value)));
        let serve = config.serve.secrets();
        let serve = serve.map(|secret| (String::new(), secret.expose().to_owned()));
        let configured = configured.chain(serve);
        let signed = self.signed.iter().flat_map(Signed::secrets);
        let keys = MODEL_KEYS.iter().filter_map(|name| variable(name));
        let all = signed.chain(keys).chain(configured.map(|(_, value)| value));
        Redactor::new(all.filter(|value| is_guarded(value)))
    }
}

/// This program, also where its file has been replaced by a newer one meanwhile.
pub(super) fn own_program() -> Result<PathBuf, Error> {
    if cfg!(target_os = "linux") {
        return Ok(PathBuf::from("/proc/self/exe"));
    }
    std::env::current_exe()
        .map_err(|cause| Error::new(Kind::Files, "find this program").because(&cause))
}

/// A repository on GitHub, or on what speaks its interface. Sends nothing yet.
pub fn github(config: &Config, repo: &RepoName, tokens: Option<Tokens>) -> Result<GitHub, Error> {
    Ok(GitHub::new(github_settings(config, repo, tokens)?)?)
}

/// What there is to know of a repository on GitHub before it is asked.
pub fn github_settings(
    config: &Config,
    repo: &RepoName,
    tokens: Option<Tokens>,
) -> Result<GitHubSettings, Error> {
    let tokens = tokens.ok_or_else(|| {
        Error::new(Kind::Auth, format!("use {repo} on GitHub"))
            .cause("no token was found")
            .hints(["run `gh auth login` or set GITHUB_TOKEN"])
    })?;
    Ok(GitHubSettings::new(repo.as_str(), &api(config), tokens))
}

/// Where GitHub's API is.
#[must_use]
pub fn api(config: &Config) -> String {
    let configured = config.forge.api_url.as_ref();
    configured.map_or_else(|| PUBLIC_API.to_owned(), ToString::to_string)
}
