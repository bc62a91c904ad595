//! `plan`: a directive becomes a checked plan, the plan becomes issues, and the issues are worked on.

use crate::adapters::store::open::Store;
use crate::adapters::store::sessions::SessionState;
use crate::cli::plan::PlanArgs;
use crate::commands::dry_run::record;
use crate::commands::exec::short_of_grant;
use crate::commands::place::Place;
use crate::commands::plan_run::{Carrying, carry, means, refused};
use crate::commands::plan_view::View;
use crate::commands::store::open;
use crate::commands::wire::Wiring;
use crate::commands::{output, preflight};
use crate::engine::planning::{PlanOpening, wanted};
use crate::error::{Error, Kind};
use crate::ports::Journal as _;
use crate::rules::event::Input;
use crate::rules::exit::Exit;
use crate::rules::ids::SessionId;
use crate::rules::issue::Selection;
use crate::rules::money::Usd;
use crate::rules::plan::check::{Fault, faults};
use crate::rules::plan::draft::plan_label;
use crate::rules::plan::outlook::outlook;
use crate::rules::plan::progress::{PlanOrder, Planning, Purpose};
use crate::rules::plan::read;
use crate::rules::plan::shape::{Plan, schema};
use crate::rules::schedule::session::Session;
use crate::rules::settings::Billing;
use std::io::IsTerminal as _;
use std::path::Path;

/// The largest plan file that is read, in bytes.
const LARGEST_FILE: u64 = 8 << 20;
/// Letters of a session's name, from its random part, that name its plan.
const ID: usize = 8;
/// Faults that are told.
const TOLD: usize = 50;

/// Runs the command.
pub async fn run(place: &Place, args: &PlanArgs) -> Result<Exit, Error> {
    if args.schema {
        let schema = serde_json::to_string_pretty(&schema()).expect("a schema is JSON");
        output::write(output::Stream::Out, &(schema + "\n"))?;
        return Ok(Exit::Done);
    }
    // What is wrong with the file comes first: asking about it would not help.
    let written = match &args.from {
        Some(path) => Some(from_file(&place.cwd.join(path), args.most())?),
        None => None,
    };
    check_asking(args)?;
    if let Some(path) = &args.save {
        check_free(&place.cwd.join(path))?;
    }
    let wiring = Wiring::new(place, &args.overrides())?;
    if let (Some(plan), true) = (&written, args.then.dry_run) {
        return show_written(place, &wiring, args, plan);
    }
    let planner = &wiring.loaded.config.planner;
    if written.is_none() && !planner.enabled {
        return Err(Error::new(Kind::Config, "plan")
            .cause("`planner.enabled` is false in the configuration")
            .hints(["a plan that is written already needs no planner: --from plan.json"]));
    }
    wiring.contained().await?;
    preflight::check(&wiring)?;
    let store = open(&wiring.state)?;
    if let Some(session) = begun(&store, &wiring, args, written.as_ref()).await? {
        return crate::commands::resume::go_on_with_plan(
            place,
            &wiring,
            &store,
            &session,
            (args.purpose(), args.save.as_deref()),
        )
        .await;
    }
    begin(place, &wiring, &store, args, written).await
}

async fn begin(
    place: &Place,
    wiring: &Wiring,
    store: &Store,
    args: &PlanArgs,
    written: Option<Plan>,
) -> Result<Exit, Error> {
    let id = SessionId::new(ulid::Ulid::generate().to_string());
    let order = order(wiring, args, &id, written.as_ref());
    let mut settings = wiring.plan_settings(order.labels.first().map(String::as_str), Some(store));
    settings.priority_first = args.work.fit;
    if written.is_none() {
        let want = wanted(order.cap, &settings);
        if want > settings.ceiling {
            let cause = format!(
                "the planner sets {want} aside, and the budget is {}",
                settings.ceiling
            );
            return Err(Error::new(Kind::Budget, "plan").cause(cause).hints([
                format!("raise the budget: --budget {}", want.decimal()),
                "lower what the planner may spend: planner.maxBudgetUsd".to_owned(),
            ]));
        }
    }
    let means = means(wiring).await?;
    let key = wiring.project_key();
    let selection = Selection {
        label: Some(plan_label(&order.id)),
        planned: Some(Box::new(order)),
        ..Selection::default()
    };
    let _alone = store.lock_selection(&key, &selection)?;
    let journal = store.begin(id.clone(), &key, &selection)?;
    let start = Input::Start {
        session: id,
        project: key,
        selection,
        settings: Box::new(settings),
    };
    // In one transaction: there is no moment in which a session has lost the plan that it was given.
    let plan = written.map(|plan| Planning::Checked {
        plan: Box::new(plan),
    });
    let plan = plan.map(|fact| Input::Planned { fact });
    carry(Carrying {
        place,
        wiring,
        store,
        means,
        journal,
        opening: PlanOpening::New([start].into_iter().chain(plan).collect()),
        purpose: args.purpose(),
        save: args.save.as_deref(),
    })
    .await
}

fn order(wiring: &Wiring, args: &PlanArgs, id: &SessionId, written: Option<&Plan>) -> PlanOrder {
    let planner = &wiring.loaded.config.planner;
    let name = id.as_str();
    let agent = &wiring.loaded.config.agent;
    let is_metered = agent.billing == Billing::Metered;
    PlanOrder {
        id: name[name.len().saturating_sub(ID)..].to_lowercase(),
        directive: written.map_or_else(|| args.asked(), |plan| plan.directive.clone()),
        labels: vec![args.label.clone()],
        most_items: args.most(),
        model: planner.model.clone().or_else(|| agent.usual_model()),
        cap: if is_metered {
            planner.max_budget_usd.usd()
        } else {
            Usd::ZERO
        },
        is_written: written.is_some(),
        purpose: match args.purpose() {
            // Whoever goes on with it says what becomes of it.
            Purpose::Later => Purpose::Ask,
            other => other,
        },
    }
}

/// Where somebody has to be asked, there has to be somebody: said before anything is paid.
fn check_asking(args: &PlanArgs) -> Result<(), Error> {
    if args.purpose() != Purpose::Ask || is_answered() {
        return Ok(());
    }
    Err(
        Error::new(Kind::Usage, "ask whether the plan is to be carried out")
            .cause("there is no terminal to ask on")
            .hints([
                "add --yes to carry it out unasked, --later to leave it for a person, or --dry-run to see it only",
                "--dry-run --save plan.json keeps it, and --from plan.json --yes runs it",
            ]),
    )
}

/// Is there a person who can be asked?
pub fn is_answered() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// A file that is there is not written over, and one that cannot be made is named before anything is paid.
fn check_free(path: &Path) -> Result<(), Error> {
    let refused = Error::new(Kind::Usage, format!("save the plan as {}", path.display()));
    if std::fs::symlink_metadata(path).is_ok() {
        return Err(refused
            .cause("there is such a file already")
            .hints(["name another, or move it away"]));
    }
    let tried = std::fs::File::create_new(path).and_then(|_| std::fs::remove_file(path));
    tried.map_err(|cause| {
        refused
            .because(&cause)
            .hints(["name a file in a directory that you may write to"])
    })
}

/// The plan in a file, nothing wrong with it.
pub fn from_file(path: &Path, most: usize) -> Result<Plan, Error> {
    let action = format!("use the plan {}", path.display());
    let told = |cause: &dyn std::error::Error| {
        Error::new(Kind::Usage, action.clone())
            .because(cause)
            .hints([
                "name a plan file: `autoissue plan \"...\" --dry-run --save plan.json` writes one",
            ])
    };
    let size = std::fs::metadata(path).map_err(|cause| told(&cause))?.len();
    if size > LARGEST_FILE {
        return Err(Error::new(Kind::Usage, action).cause(format!(
            "it has {size} bytes, and a plan has at most {LARGEST_FILE}"
        )));
    }
    let bytes = std::fs::read(path).map_err(|cause| told(&cause))?;
    let refuse = |wrong: &[Fault]| refusal(Error::new(Kind::Usage, action.clone()), wrong);
    let plan = read::file(&String::from_utf8_lossy(&bytes)).map_err(|wrong| refuse(&wrong))?;
    let wrong = faults(&plan, most);
    if wrong.is_empty() {
        Ok(plan)
    } else {
        Err(refuse(&wrong))
    }
}

/// The error with every fault as a cause.
fn refusal(error: Error, wrong: &[Fault]) -> Error {
    let mut error = error;
    for fault in wrong.iter().take(TOLD) {
        error = error.cause(fault);
    }
    if wrong.len() > TOLD {
        error = error.cause(format!("and {} more faults", wrong.len() - TOLD));
    }
    error.hints(["mend the file; `autoissue plan --schema` describes it"])
}

/// `--from` with `--dry-run`: nothing is paid, nothing is stored, nobody is asked.
fn show_written(
    place: &Place,
    wiring: &Wiring,
    args: &PlanArgs,
    plan: &Plan,
) -> Result<Exit, Error> {
    let store = Store::open_read_only(&wiring.state).ok();
    let mut settings = wiring.plan_settings(None, store.as_ref());
    settings.priority_first = args.work.fit;
    let record = record(wiring, store.as_ref());
    let outlook = outlook(plan, &settings, &record, &wiring.judge());
    let refused = refused(&outlook, &settings, Usd::ZERO)
        .filter(|_| !args.work.fit)
        .or_else(|| short_of_grant(&settings));
    let view = View {
        plan,
        outlook: &outlook,
        slots: settings.slots,
        knows_costs: record.is_known(),
        planner: None,
        refused: refused.as_deref(),
    };
    if let Some(path) = &args.save {
        save(&place.cwd.join(path), plan)?;
    }
    let text = format!("{}Nothing was touched.\n", view.text());
    place.output.result(&text, &view.json("plan_dry_run"))?;
    Ok(if refused.is_some() {
        Exit::Budget
    } else {
        Exit::Done
    })
}

/// Writes the plan into a new file.
pub fn save(path: &Path, plan: &Plan) -> Result<(), Error> {
    let told = |cause: &std::io::Error| {
        Error::new(Kind::Files, format!("save the plan as {}", path.display())).because(cause)
    };
    let mut file = std::fs::File::create_new(path).map_err(|cause| told(&cause))?;
    std::io::Write::write_all(&mut file, plan.written().as_bytes()).map_err(|cause| told(&cause))
}

/// The unfinished session of this project that makes the same plan, if there is one.
async fn begun(
    store: &Store,
    wiring: &Wiring,
    args: &PlanArgs,
    written: Option<&Plan>,
) -> Result<Option<SessionId>, Error> {
    if args.purpose() == Purpose::Show {
        return Ok(None);
    }
    let key = wiring.project_key();
    let asked = written.map_or_else(|| args.asked(), |plan| plan.directive.clone());
    for row in store.sessions(usize::MAX)? {
        let is_open = row.project == key && row.state == SessionState::Interrupted && !row.pruned;
        if !is_open || !row.selection.starts_with("label plan:") {
            continue;
        }
        let Ok(journal) = store.journal(&row.id) else {
            continue;
        };
        let session = Session::fold(&journal.events().await?);
        let same = session
            .selection
            .planned
            .as_ref()
            .is_some_and(|order| order.directive == asked);
        let other_plan =
            written.is_some_and(|plan| session.plan.plan.as_deref().is_some_and(|own| own != plan));
        if same && !other_plan {
            return Ok(Some(row.id));
        }
    }
    Ok(None)
}
