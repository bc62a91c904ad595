//! Everything that needs more than one room, in one binary, so that linking stays cheap.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "../support/agents.rs"]
mod agents;
#[path = "../support/backlogs.rs"]
mod backlogs;
#[path = "../support/boxes.rs"]
mod boxes;
#[path = "../support/browser.rs"]
mod browsers;
#[path = "../support/daemon.rs"]
mod daemon_rig;
#[path = "../support/deaths.rs"]
mod deaths;
#[path = "../support/fake_alertmanager.rs"]
mod fake_alertmanager;
#[path = "../support/fake_chats.rs"]
mod fake_chats;
#[path = "../support/fake_github/fake.rs"]
mod fake_github;
#[path = "../support/fake_jira.rs"]
mod fake_jira;
#[path = "../support/fake_sentry.rs"]
mod fake_sentry;
#[path = "../support/fake_slack.rs"]
mod fake_slack;
#[path = "../support/instances.rs"]
mod instances;
#[path = "../support/loopback.rs"]
mod loopback;
#[path = "../support/mock.rs"]
mod mock;
#[path = "../support/processes.rs"]
mod processes;
#[path = "../support/repos.rs"]
mod repos;
#[path = "../support/rig.rs"]
mod rig;
#[path = "../support/sealed.rs"]
mod sealed;
#[path = "../support/stage.rs"]
mod stage;
#[path = "../support/tasks.rs"]
mod tasks;
#[path = "../support/vendors.rs"]
mod vendors_rig;
#[path = "../support/world.rs"]
mod world;

mod analytics;
mod app;
mod approval;
mod approval_comments;
mod assigning;
mod audit;
mod backtest;
mod bad_github;
mod bad_input;
mod bad_input_agents;
mod bad_input_issues;
mod bad_input_machine;
mod bad_input_repository;
mod browser;
mod browser_projects;
mod checks;
mod claude;
mod claude_replayed;
mod cli;
mod command_agent;
mod config;
mod daemon;
mod daemon_asked;
mod daemon_end;
mod declined;
mod demo_project;
mod deploy;
mod doctor;
mod engine;
mod evaluate;
mod fallback;
mod filters;
mod flood;
mod foresee;
mod fuzz;
mod gate;
mod git;
mod git_files;
mod git_hostile;
mod git_http;
mod git_join;
mod git_lfs;
mod git_look;
mod git_nearby;
mod git_parallel;
mod git_sealed;
mod git_snapshot;
mod git_sparse;
mod git_submodules;
mod git_taken;
mod git_theft;
mod git_tidy;
mod git_update;
mod github;
mod held;
mod hostile_text;
mod init;
mod kill;
mod knowledge;
mod leases;
mod leases_engine;
mod lessons;
mod local_forge;
mod login;
mod look;
mod makespan;
mod matrix;
mod newcomer;
mod notify;
mod notify_email;
mod notify_service;
mod offer;
mod plan;
mod plan_claude;
mod plan_engine;
mod plan_github;
mod plan_kill;
mod plan_later;
mod pressure;
mod process;
mod process_end;
mod prompt;
mod proof;
mod questions;
mod quota;
mod revert;
mod rework_claude;
mod routing;
mod sandbox;
mod sandbox_end;
mod sandbox_exec;
mod scenario;
mod schedule;
mod schema_api;
mod serve;
mod serve_bounds;
mod serve_entry;
mod serve_issues;
mod serve_login;
mod serve_projects;
mod slack;
mod slack_bot;
mod slack_plan;
mod slots;
mod smoke;
mod sources;
mod stack;
mod status;
mod stop;
mod store;
mod store_commands;
mod store_disk;
mod store_kill;
mod store_sample;
mod sub_issues;
mod through;
mod together;
mod trust;
mod vendors;
mod vendors_replayed;
mod verify;
mod waiting;
mod wanted;
mod watch;
mod watch_answers;
mod watch_claude;
mod watch_kill;
mod watch_queue;
mod webhook;
mod whole;
mod whole_claude;
mod whole_limits;
mod whole_vendors;
mod why;
mod worktrees;
