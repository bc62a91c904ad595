//! From the configuration to the agent that it names.

use crate::adapters::agents::claude_command::ClaudeSettings;
use crate::adapters::agents::codex_command::CodexSettings;
use crate::adapters::agents::command::{CommandAgent, CommandSettings};
use crate::adapters::agents::gemini_command::GeminiSettings;
use crate::adapters::agents::native::{Dialect, Native};
use crate::adapters::agents::opencode_command::OpencodeSettings;
use crate::adapters::agents::subscribed::Subscribed;
use crate::adapters::process::run::Processes;
use crate::commands::probe::is_program;
use crate::commands::wire::Wiring;
use crate::config::work::{Agent as Configured, AgentKind};
use crate::error::{Error, Kind};
use crate::ports::{Agent, Agents};
use crate::rules::prices::Prices;
use crate::rules::settings::Billing;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Variables that hold credentials of model providers.
pub const MODEL_KEYS: [&str; 10] = [
    "ANTHROPIC_API_KEY",
    "ANTHROPIC_AUTH_TOKEN",
    "CLAUDE_CODE_OAUTH_TOKEN",
    "OPENAI_API_KEY",
    "CODEX_API_KEY",
    "GEMINI_API_KEY",
    "GOOGLE_API_KEY",
    "GOOGLE_GENERATIVE_AI_API_KEY",
    "OPENROUTER_API_KEY",
    "OPENCODE_API_KEY",
];

/// Those that an agent of this kind reads; none for a program of which nobody knows what it reads.
#[must_use]
pub fn keys_of(kind: AgentKind) -> &'static [&'static str] {
    match kind {
        AgentKind::Claude => &MODEL_KEYS[..3],
        AgentKind::Codex => &MODEL_KEYS[3..5],
        AgentKind::Gemini => &MODEL_KEYS[5..7],
        AgentKind::Opencode => &MODEL_KEYS,
        AgentKind::Command => &[],
    }
}

/// What all agents are set up from.
struct Parts {
    program: PathBuf,
    config_dir: Option<PathBuf>,
    yolo: bool,
    allowed_commands: Vec<String>,
    env: Vec<(String, String)>,
    prices: Prices,
}

/// The configured agent and those that take over from it, all found and able to start.
pub async fn agents(wiring: &Wiring, processes: &Processes) -> Result<Agents, Error> {
    let mut found = Vec::new();
    for configured in wiring.loaded.config.agent.chain() {
        let started = agent(wiring, &configured, processes).await;
        let started = started.map_err(|error| match found.len() {
            0 => error,
            before => error.cause(format!("agent.fallback[{}]", before - 1)),
        })?;
        found.push(match configured.billing {
            Billing::Metered => started,
            Billing::Subscription => Arc::new(Subscribed::new(started)) as Arc<dyn Agent>,
        });
    }
    let first = found.remove(0);
    Ok(Agents::new(first, found))
}

async fn agent(
    wiring: &Wiring,
    configured: &Configured,
    processes: &Processes,
) -> Result<Arc<dyn Agent>, Error> {
    let Parts {
        program,
        config_dir,
        yolo,
        allowed_commands,
        env,
        prices,
    } = parts(wiring, configured);
    match configured.kind {
        AgentKind::Claude => {
            let settings = ClaudeSettings {
                program,
                config_dir,
                home: None,
                yolo,
                allowed_commands,
                env,
                prices,
            };
            started(settings, processes).await
        }
        AgentKind::Codex => {
            let settings = CodexSettings {
                program,
                config_dir,
                home: None,
                yolo,
                env,
                prices,
            };
            started(settings, processes).await
        }
        AgentKind::Gemini => {
            let settings = GeminiSettings {
                program,
                config_dir,
                home: None,
                yolo,
                env,
                prices,
            };
            started(settings, processes).await
        }
        AgentKind::Opencode => {
            let settings = OpencodeSettings {
                program,
                config_dir,
                home: None,
                yolo,
                allowed_commands,
                env,
                prices,
            };
            started(settings, processes).await
        }
        AgentKind::Command => command(wiring, configured, processes, env),
    }
}

fn parts(wiring: &Wiring, agent: &Configured) -> Parts {
    let command = agent.command.as_ref();
    let env = agent.env.iter();
    let checks = wiring.checks().checks.iter();
    let config_dir = agent.config_dir.as_ref();
    Parts {
        program: command.map_or_else(
            || agent.kind.name().into(),
            |argv| argv.words()[0].clone().into(),
        ),
        config_dir: config_dir.map(|path| wiring.loaded.resolve(path)),
        yolo: agent.yolo,
        allowed_commands: checks.map(|check| check.argv.join(" ")).collect(),
        env: env
            .map(|(name, value)| (name.clone(), value.expose().to_owned()))
            .collect(),
        prices: Prices::with(agent.prices.clone()),
    }
}

async fn started<D: Dialect>(dialect: D, processes: &Processes) -> Result<Arc<dyn Agent>, Error> {
    let native = Native::new(dialect, processes.clone());
    native.version().await.map_err(|failure| {
        Error::new(Kind::Agent, "start the agent")
            .cause(failure.message)
            .hints(["`autoissue doctor` shows what is found"])
    })?;
    Ok(Arc::new(native))
}

fn command(
    wiring: &Wiring,
    configured: &Configured,
    processes: &Processes,
    env: Vec<(String, String)>,
) -> Result<Arc<dyn Agent>, Error> {
    let argv = configured.command.as_ref();
    let argv = argv.map(|argv| argv.words().to_vec());
    let argv = argv.unwrap_or_default();
    check_program(&argv, &wiring.project.top)?;
    // A command that tells nothing of its cost is taken to be free; one that tells nonsense is not.
    let settings = CommandSettings {
        argv,
        env,
        costs_unknown_is_zero: true,
    };
    Ok(Arc::new(CommandAgent::new(settings, processes.clone())))
}

/// Is there such a program? Said before anything is fetched or paid.
fn check_program(argv: &[String], top: &Path) -> Result<(), Error> {
    let refuse = |cause: String| {
        Err(Error::new(Kind::Agent, "start the agent")
            .cause(cause)
            .hints(["set agent.command to a program and its arguments"]))
    };
    let Some(program) = argv.first() else {
        return refuse("agent.command is not set".to_owned());
    };
    if is_program(program, top) {
        Ok(())
    } else if top.join(program).is_file() {
        refuse(format!("`{program}` may not be run: it is not executable"))
    } else {
        refuse(format!("there is no program `{program}`"))
    }
}
