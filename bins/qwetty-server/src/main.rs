#![doc = include_str!("../README.md")]

mod activity;
mod announce;
mod answer_body;
mod bare_answer;
mod command_line;
mod config;
mod config_error;
mod config_file;
mod connection;
mod connection_io;
mod engine;
mod environment;
mod front;
mod full_answers;
mod handler;
mod in_hand;
mod known;
mod layer;
mod listen_address;
mod listener;
mod logging;
mod metrics;
mod metrics_page;
mod once_woken;
mod open_files;
mod places;
mod quiet_waker;
mod regular_file;
mod request_body;
mod request_seconds;
mod serve;
mod setting;
mod sharded;
mod signals;
mod tls;
mod uncancelled;
#[cfg(test)]
mod wake_counter;
mod workers;

use std::error::Error;
use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use tracing::warn;

use crate::command_line::{CommandLine, Task};
use crate::config::Config;
use crate::config_error::ConfigError;
use crate::environment::Environment;

/// A request makes dozens of small allocations and frees them again, which this one is made for: with glibc's, an answer costs
/// a fifth more. SQLite, too, allocates by it (the feature `override`).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The exit code for a fault in the command line, the environment or the file, as for the usage errors of `clap`.
const CONFIGURATION_FAULT: u8 = 2;

fn main() -> ExitCode {
    let command_line = CommandLine::parse();
    let config = match configure(&command_line, &Environment::new(std::env::vars_os())) {
        Ok(config) => config,
        Err(error) => return fail(&error, CONFIGURATION_FAULT),
    };
    match run(command_line.task(), config) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&*error, 1),
    }
}

fn configure(command_line: &CommandLine, environment: &Environment) -> Result<Config, ConfigError> {
    // First: what is found in the configuration may be worth a warning.
    logging::start(environment)?;
    let config = Config::load(command_line, environment)?;
    for name in environment.unknown() {
        warn!("environment variable {name} is unknown and has no effect");
    }
    Ok(config)
}

fn run(task: Task, config: Config) -> Result<(), Box<dyn Error>> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().on_thread_park(in_hand::give_way).build()?;
    let done = match task {
        Task::Serve => runtime.block_on(serve::serve(config)),
        Task::RootKey => runtime.block_on(serve::root_key(config)),
    };
    // Nothing that is left can have been promised to anybody.
    runtime.shutdown_timeout(Duration::from_secs(1));
    Ok(done?)
}

/// Tells why the program ends, whatever the log lets through.
fn fail(error: &dyn Error, code: u8) -> ExitCode {
    let name = env!("CARGO_PKG_NAME");
    // If standard error is gone, the exit code has to do.
    let _ = writeln!(std::io::stderr(), "{name}: {error}");
    ExitCode::from(code)
}
