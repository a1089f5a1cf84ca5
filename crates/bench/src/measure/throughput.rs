//! The requests per second of a machine with several sandboxes at once. The stand-ins share its cores.

use std::time::{Duration, Instant};

use serde::Serialize;
use tokio::task::JoinSet;

use crate::{
    aws::Transport,
    bench::{Bench, invoke},
    error::BenchError,
    routes::get_one,
};

const SANDBOXES: [usize; 4] = [1, 2, 4, 8];

#[derive(Debug, Serialize)]
pub(crate) struct Throughput {
    pub(crate) sandboxes: usize,
    pub(crate) responses_per_second: f64,
}

pub(crate) async fn measure(bench: &Bench) -> Result<Vec<Throughput>, BenchError> {
    let mut measured = Vec::new();
    for sandboxes in SANDBOXES {
        bench
            .progress
            .report(format_args!("throughput of {sandboxes} sandboxes"));
        measured.push(measure_with(bench, sandboxes).await?);
    }
    Ok(measured)
}

async fn measure_with(bench: &Bench, sandboxes: usize) -> Result<Throughput, BenchError> {
    let api = bench.function("api", Transport::Plain);
    let routes = [get_one()];
    let mut running = Vec::new();
    for _ in 0..sandboxes {
        let mut sandbox = bench.start(&api).await?;
        invoke(&mut sandbox, &routes, bench.effort.invocations).await?;
        running.push(sandbox);
    }
    let began = Instant::now();
    let end = began + Duration::from_secs(bench.effort.throughput_seconds);
    let mut tasks = JoinSet::new();
    for mut sandbox in running {
        let routes = routes.clone();
        tasks.spawn(async move {
            let mut replies = 0_u32;
            while Instant::now() < end {
                invoke(&mut sandbox, &routes, 1).await?;
                replies += 1;
            }
            Ok::<_, BenchError>(replies)
        });
    }
    let mut replies = 0;
    while let Some(counted) = tasks.join_next().await {
        replies += counted.expect("the tasks neither panic nor are aborted")?;
    }
    Ok(Throughput {
        sandboxes,
        responses_per_second: f64::from(replies) / began.elapsed().as_secs_f64(),
    })
}
