//! autoissue turns a backlog of issues into verified pull requests.
//!
//! The house, floor by floor; imports point down. See `ARCHITECTURE.md`.

pub mod rules;

/// Floor 2: what the engine may ask of the world. Adapters answer; the engine knows nothing else of them.
pub mod ports {
    mod agent;
    mod commands;
    mod forge;
    mod journal;
    mod knowledge;
    mod leases;
    mod pulls;
    mod repository;
    mod resources;
    mod session;
    mod tracker;
    mod urgency;

    pub use self::{
        agent::*, commands::*, forge::*, journal::*, knowledge::*, leases::*, pulls::*,
        repository::*, resources::*, session::*, tracker::*, urgency::*,
    };
}

/// Floor 3: runs a session through the ports.
pub mod engine {
    pub mod answers;
    mod approvals;
    mod assigning;
    pub mod attempt;
    mod beside;
    mod certify;
    pub mod clock;
    pub mod ending;
    mod follow_up;
    mod furnish;
    mod gate;
    mod halt;
    pub mod intake;
    pub mod laying_out;
    pub mod leases;
    pub mod link;
    pub mod looking;
    mod matrix;
    mod merges;
    pub mod orders;
    pub mod planning;
    mod proof;
    pub mod publish;
    mod questions;
    pub mod recover;
    mod resources;
    pub mod rounds;
    pub mod session;
    mod status;
    pub mod turn;
    pub mod verify;
    mod wanted;
    pub mod words;
}

pub mod adapters;

/// Floor 3: events in, words out.
pub mod reporters {
    mod agents;
    pub mod analytics;
    pub mod bars;
    pub mod chart;
    mod consent;
    pub mod console;
    pub mod end;
    pub mod evaluation;
    mod fact_lines;
    pub mod json;
    mod later;
    pub mod line;
    pub mod lines;
    mod live;
    pub mod log;
    pub mod markdown;
    pub mod next;
    /// People who do not watch are told.
    pub mod notify {
        pub mod bell;
        pub mod channel;
        pub mod email;
        pub mod post;
        pub mod queue;
        pub mod reporter;
        pub mod slack;
        pub mod slack_blocks;
        pub mod slack_bot;
        pub mod telegram;
        pub mod webhook;
    }
    pub mod out;
    pub mod outlook;
    pub mod paint;
    pub mod plain;
    mod plan_lines;
    pub mod planning;
    mod quota;
    pub mod report;
    pub mod secret;
    pub mod shape;
    pub mod simulation;
    mod slots;
    pub mod standing;
    pub mod status;
    pub mod table;
    pub mod terminal;
    pub mod time;
    pub mod together;
    pub mod trends;
    pub mod why;
    pub mod words;
}

/// Floor 4: the front.
pub mod error {
    pub mod causes;
    pub mod shape;
    pub mod stored;
    pub use shape::{Color, Error, Kind, printable};
}
/// Front doors: the dashboard and the JSON API.
pub mod serve {
    mod acts;
    mod alerts;
    mod api;
    mod approvals;
    mod asked;
    mod bounds;
    mod budget;
    mod clicks;
    pub mod course;
    mod described;
    pub mod desk;
    mod docs;
    pub mod door;
    pub mod doorway;
    mod figures;
    mod graph;
    mod guesses;
    mod hashed;
    mod issues;
    mod layered;
    mod live;
    mod pages;
    mod plan_clicks;
    mod planned;
    mod problem;
    mod projects;
    mod projects_api;
    mod projects_told;
    mod prometheus;
    pub mod report;
    pub mod server;
    pub mod settings;
    pub mod socket;
    mod standing;
    mod story;
    mod timeline;
    mod told;
    pub mod watched;
    mod webhook;
    mod wishes;
}
/// What may be typed.
pub mod cli {
    pub mod args;
    pub mod foresee;
    pub mod help;
    pub mod look;
    pub mod notify;
    pub mod parse;
    pub mod plan;
    pub mod pulls;
    pub mod run;
    pub mod serve;
    pub mod setup;
    pub mod steer;
    pub mod values;
}
/// What the user wishes, from file, environment and flags.
pub mod config {
    pub mod approving;
    pub mod assigning;
    pub mod channels;
    pub mod checking;
    pub mod claims;
    pub mod containing;
    pub mod explain;
    pub mod filters;
    pub mod git;
    pub mod json;
    pub mod layers;
    pub mod load;
    pub mod loaded;
    pub mod names;
    pub mod notifying;
    pub mod offering;
    pub mod problem;
    pub mod schema;
    pub mod secrets;
    pub mod sense;
    pub mod serving;
    pub mod settings;
    pub mod shape;
    pub mod sources;
    pub mod spelling;
    pub mod telling;
    pub mod trees;
    pub mod values;
    pub mod variables;
    pub mod watching;
    pub mod words;
    pub mod work;
}
pub mod commands;
