//! The tenant management service on this machine: `cargo run --release`, or `local --help`.

use std::{env, io, process::ExitCode};

use lambda::{logging, metrics};
use local::{cli::Options, service};

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::from_command_line();
    // Standard output is for the banner.
    logging::init_with_writer(options.log_level, logging::LogFormat::Json, io::stderr);
    // With a namespace in the environment, the lines contain metrics, which can then be inspected and tested without AWS.
    match metrics::Settings::from_variables("local", |name| env::var(name).ok()) {
        Ok(settings) => metrics::init(settings),
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::FAILURE;
        }
    }
    match service::run(options).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
