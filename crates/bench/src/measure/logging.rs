//! What the line of each request costs, metrics included: the same function as usual, and with failures only and no
//! metrics.

use serde::Serialize;

use super::{Bench, invoke_warm};
use crate::{
    aws::Transport,
    error::BenchError,
    routes::{authorize, get_one},
    stats::{median, microseconds},
};

#[derive(Debug, Serialize)]
pub(crate) struct Logging {
    pub(crate) function: &'static str,
    pub(crate) info_p50_us: f64,
    pub(crate) error_p50_us: f64,
}

pub(crate) async fn measure(bench: &Bench) -> Result<Vec<Logging>, BenchError> {
    bench.progress.say("logs");
    let mut measured = Vec::new();
    for (function, route) in [("authorizer", authorize()), ("api", get_one())] {
        let mut rounds = Vec::new();
        for _ in 0..bench.effort.rounds {
            let mut medians = [0.0; 2];
            let lines = [("INFO", "TenantManagement"), ("ERROR", "none")];
            for ((level, namespace), median) in lines.into_iter().zip(&mut medians) {
                let deployed = bench
                    .function(function, Transport::Plain)
                    .with("LOG_LEVEL", level)
                    .with("METRICS_NAMESPACE", namespace);
                let mut sandbox = bench.start(&deployed).await?;
                let samples = invoke_warm(&mut sandbox, &route, bench.effort.invocations).await?;
                *median = microseconds(samples.median());
            }
            rounds.push(medians);
        }
        measured.push(Logging {
            function,
            info_p50_us: median(rounds.iter().map(|[info, _]| *info)),
            error_p50_us: median(rounds.iter().map(|[_, error]| *error)),
        });
    }
    Ok(measured)
}
