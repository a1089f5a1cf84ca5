//! The tenant management service on this machine: `cargo run --release`, or `local --help`.

use std::{io, process::ExitCode};

use function::logging;
use local::{cli::Options, service};

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::from_command_line();
    // Standard output is for people.
    logging::init_with_writer(options.log_level, logging::LogFormat::Json, io::stderr);
    match service::run(options).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
