//! One small file per command, and the wiring.

pub mod account;
pub mod agents;
pub mod answer;
pub mod approve;
pub mod assigning;
pub mod audit;
pub mod breaker;
pub mod checkout;
pub mod clean;
pub mod clean_issue;
pub mod completions;
pub mod config;
pub mod containment;
pub mod conversation;
/// The daemon.
pub mod daemon {
    mod asking;
    pub mod entry;
    mod errands;
    mod feeds;
    mod founding;
    mod health;
    pub mod hook;
    mod intake;
    mod listing;
    mod plans;
    mod project;
    pub mod rounds;
    mod telling;
}
pub mod dispatch;
pub mod doctor;
pub mod dry_run;
pub mod evaluate;
pub mod examine;
pub mod exec;
pub mod history;
pub mod hold;
pub mod identity;
pub mod init;
pub mod lessons;
pub mod login;
pub mod metrics;
pub mod nothing;
pub mod notify;
pub mod offering;
pub mod output;
pub mod place;
pub mod plan;
pub mod plan_ask;
pub mod plan_course;
pub mod plan_map;
pub mod plan_run;
pub mod plan_view;
pub mod preflight;
pub mod probe;
pub mod project;
pub mod prompt;
/// Open pulls.
pub mod pulls {
    pub mod acts;
    mod late;
    pub mod revert;
    pub mod round;
    pub mod show;
    pub mod watch;
}
pub mod report;
pub mod repository;
pub mod resume;
pub mod retry;
pub mod seen;
pub mod sender;
pub mod serve;
pub mod serve_door;
pub mod session;
pub mod signals;
pub mod simulate;
pub mod status;
pub mod status_list;
pub mod stop;
pub mod store;
pub mod taken;
pub mod through;
pub mod through_status;
pub mod watch;
pub mod why;
pub mod wire;
pub mod worktrees;
/// The checks of a session, and `checks detect`.
pub mod checks {
    pub mod known;
    pub mod show;
    pub mod source;
}

/// `footprint`: which files issues will touch, and how well that is foreseen.
pub mod footprint {
    pub mod backtest;
    pub mod known;
    pub mod report;
    pub mod show;
}
/// The project, the agent and the check of `demo`.
pub mod demo {
    pub mod agent;
    pub mod check;
    pub mod command;
    pub mod material;
    pub mod project;
    pub mod script;
}
