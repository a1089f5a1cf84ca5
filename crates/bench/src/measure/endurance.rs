//! Whether a warm function leaks memory or open files.

use serde::Serialize;

use crate::{
    aws::Transport,
    bench::{Bench, invoke},
    error::BenchError,
    process::Process,
    routes::{Route, authorize, reads, writes},
    stats::megabytes,
};

/// Before this share of the invocations the process is still settling: buffers find their sizes, pools fill.
const SETTLED_AFTER: usize = 10;

#[derive(Debug, Serialize)]
pub(crate) struct Endurance {
    pub(crate) function: &'static str,
    pub(crate) invocations: usize,
    pub(crate) settled: Held,
    pub(crate) ended: Held,
}

/// The resources of a process.
#[derive(Debug, Serialize)]
pub(crate) struct Held {
    pub(crate) memory_mb: f64,
    pub(crate) open_files: usize,
}

pub(crate) async fn measure(bench: &Bench) -> Result<Vec<Endurance>, BenchError> {
    let all: Vec<_> = reads().into_iter().chain(writes()).collect();
    let authorizer = measure_function(bench, "authorizer", &[authorize()]).await?;
    let api = measure_function(bench, "api", &all).await?;
    Ok(vec![authorizer, api])
}

async fn measure_function(bench: &Bench, function: &'static str, routes: &[Route]) -> Result<Endurance, BenchError> {
    let invocations = bench.effort.endurance;
    bench
        .progress
        .report(format_args!("{invocations} invocations of the {function} function"));
    let mut sandbox = bench.start(&bench.function(function, Transport::Plain)).await?;
    let cycles = invocations / routes.len();
    invoke(&mut sandbox, routes, cycles / SETTLED_AFTER).await?;
    let settled = held(sandbox.process())?;
    invoke(&mut sandbox, routes, cycles - cycles / SETTLED_AFTER).await?;
    Ok(Endurance {
        function,
        invocations: cycles * routes.len(),
        settled,
        ended: held(sandbox.process())?,
    })
}

fn held(process: Process) -> Result<Held, BenchError> {
    Ok(Held {
        memory_mb: megabytes(process.memory()?),
        open_files: process.open_files()?,
    })
}
