//! Measures the function binaries as Lambda runs them, beside floors: the fastest functions possible.
//!
//! Provides Lambda's Runtime API to the real programs, with an embedded DynamoDB and a stand-in for SSM on loopback.
//! Everything that is compared is measured in one run, in turns. It must never link the code that it measures, except to
//! create its events and its table: a function here is a program and its environment, as in Lambda.

mod args;
mod aws;
mod bars;
mod bench;
mod chart;
mod error;
mod events;
mod former;
mod local_server;
mod logs;
mod measure;
mod process;
mod programs;
mod progress;
mod proxy;
mod report;
mod round_trips;
mod routes;
mod run;
mod runtime_api;
mod sandbox;
mod ssm;
mod stats;
mod tls;

use std::{
    error::Error,
    fs,
    io::{self, Write},
    process::ExitCode,
};

use clap::Parser;

use crate::{
    args::Args,
    report::{Bar, Report},
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let args = Args::parse();
    match report(&args).await {
        Ok(report) if args.check && !report.bars.iter().all(|bar: &Bar| bar.met) => ExitCode::FAILURE,
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}", chain(&*error));
            ExitCode::FAILURE
        }
    }
}

async fn report(args: &Args) -> Result<Report, Box<dyn Error>> {
    let report = run::run(args).await?;
    write!(io::stdout(), "{report}")?;
    if let Some(path) = &args.json {
        fs::write(path, serde_json::to_vec_pretty(&report)?)?;
    }
    if let Some(path) = &args.svg {
        fs::write(path, chart::draw(&report)?)?;
    }
    Ok(report)
}

/// An error and its sources, on one line.
fn chain(error: &(dyn Error + 'static)) -> String {
    let sources = std::iter::successors(Some(error), |&error| error.source());
    sources.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
