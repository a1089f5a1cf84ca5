//! PATCH and DELETE through the local server, beside another build of it: one of an earlier commit, say. One client sends a
//! request as soon as it has the response. Both keep their data in a folder, and record their history if they have one.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use serde::Serialize;
use serde_json::json;
use tempfile::TempDir;
use tokio::time::sleep;

use crate::{
    bench::Bench,
    error::{BenchError, During},
    events::Call,
    local_server::{Connection, LocalServer},
    programs::Programs,
    routes::{config_path, s3_config, tenant_path},
    stats::{median, microseconds},
};

const TENANT: &str = "acme";
/// More rounds than elsewhere: the median of eight was once 1.10 where that of 24 was 1.18.
const ROUNDS_FOR_ONE: usize = 3;
/// So that the creations are recorded before their deletions are measured.
const PAUSE: Duration = Duration::from_millis(200);

/// A route: medians over the rounds.
#[derive(Debug, Serialize)]
pub(crate) struct Writes {
    pub(crate) route: &'static str,
    /// The mean of a round.
    pub(crate) mean_us: f64,
    /// That of the other build.
    pub(crate) former_mean_us: f64,
    /// Of the ratios of the rounds.
    pub(crate) ratio: f64,
}

struct Server {
    connection: Connection,
    _process: LocalServer,
    _data_dir: TempDir,
}

pub(crate) async fn measure(bench: &Bench, former: &Path) -> Result<Vec<Writes>, BenchError> {
    let now = bench.programs.path(Programs::LOCAL_SERVER);
    let mut servers = [Server::start(former).await?, Server::start(&now).await?];
    let rounds = bench.effort.rounds * ROUNDS_FOR_ONE;
    let mut patches = Vec::new();
    let mut deletions = Vec::new();
    // The first round is not counted.
    for round in 0..=rounds {
        bench.progress.report(format_args!(
            "writes through the local server, round {round} of {rounds}"
        ));
        let mut patch = [0.0; 2];
        let mut delete = [0.0; 2];
        // Each begins every other time.
        for index in [round % 2, (round + 1) % 2] {
            patch[index] = servers[index].patch(round, bench.effort.invocations).await?;
        }
        for index in [round % 2, (round + 1) % 2] {
            delete[index] = servers[index].delete(round, bench.effort.invocations / 2).await?;
        }
        if round > 0 {
            patches.push(patch);
            deletions.push(delete);
        }
    }
    Ok(vec![summary("PATCH", &patches), summary("DELETE", &deletions)])
}

fn summary(route: &'static str, rounds: &[[f64; 2]]) -> Writes {
    let of = |figure: fn(&[f64; 2]) -> f64| median(rounds.iter().map(figure));
    Writes {
        route,
        mean_us: of(|[_, now]| *now),
        former_mean_us: of(|[former, _]| *former),
        ratio: of(|[former, now]| now / former),
    }
}

impl Server {
    async fn start(program: &Path) -> Result<Self, BenchError> {
        let data_dir = TempDir::new().during("create a folder for a table")?;
        let process = LocalServer::start_in(program, data_dir.path())?;
        let mut connection = process.connect().await?;
        connection.send(&creation(TENANT), 201).await?;
        Ok(Self {
            connection,
            _process: process,
            _data_dir: data_dir,
        })
    }

    async fn patch(&mut self, round: usize, times: usize) -> Result<f64, BenchError> {
        let calls = (0..times).map(|number| {
            let change = json!({ "bucket_prefix": format!("logs/{round}/{number}/") });
            Call::new("PATCH", config_path(TENANT, "s3")).with_body(change)
        });
        self.time(&calls.collect::<Vec<_>>(), 200).await
    }

    async fn delete(&mut self, round: usize, times: usize) -> Result<f64, BenchError> {
        let tenants: Vec<_> = (0..times).map(|number| format!("acme-{round}-{number}")).collect();
        for tenant in &tenants {
            self.connection.send(&creation(tenant), 201).await?;
        }
        sleep(PAUSE).await;
        let calls = tenants
            .iter()
            .map(|tenant| Call::new("DELETE", config_path(tenant, "s3")));
        self.time(&calls.collect::<Vec<_>>(), 200).await
    }

    /// The mean time of a call, in microseconds.
    async fn time(&mut self, calls: &[Call], expected: u16) -> Result<f64, BenchError> {
        let began = Instant::now();
        for call in calls {
            self.connection.send(call, expected).await?;
        }
        let count = u32::try_from(calls.len()).expect("a round is short");
        Ok(microseconds(began.elapsed() / count))
    }
}

fn creation(tenant: &str) -> Call {
    Call::new("POST", tenant_path(tenant)).with_body(s3_config(tenant))
}
