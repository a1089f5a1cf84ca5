//! What the line of each request costs, metrics included: the same function as usual, and with failures only and no
//! metrics. Until the response, which the caller waits for, and from there until the function requests its next event.

use serde::Serialize;

use crate::{
    aws::Transport,
    bench::{Bench, invoke},
    error::BenchError,
    routes::{Route, authorize, get_one},
    sandbox::Sandbox,
    stats::{Samples, median, microseconds},
};

#[derive(Debug, Serialize)]
pub(crate) struct Logging {
    pub(crate) function: &'static str,
    pub(crate) on: Times,
    pub(crate) off: Times,
}

/// Of an invocation, the medians.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Times {
    pub(crate) response_p50_us: f64,
    pub(crate) rest_p50_us: f64,
}

pub(crate) async fn measure(bench: &Bench) -> Result<Vec<Logging>, BenchError> {
    bench.progress.report("logs");
    let mut measured = Vec::new();
    for (function, route) in [("authorizer", authorize()), ("api", get_one())] {
        let mut rounds = Vec::new();
        for _ in 0..bench.effort.rounds {
            let on = measure_at(bench, function, &route, "INFO", "TenantManagement").await?;
            let off = measure_at(bench, function, &route, "ERROR", "none").await?;
            rounds.push([on, off]);
        }
        let medians = |which: usize| Times {
            response_p50_us: median(rounds.iter().map(|round| round[which].response_p50_us)),
            rest_p50_us: median(rounds.iter().map(|round| round[which].rest_p50_us)),
        };
        measured.push(Logging {
            function,
            on: medians(0),
            off: medians(1),
        });
    }
    Ok(measured)
}

async fn measure_at(
    bench: &Bench,
    function: &'static str,
    route: &Route,
    level: &str,
    namespace: &str,
) -> Result<Times, BenchError> {
    let deployed = bench
        .function(function, Transport::Plain)
        .with("LOG_LEVEL", level)
        .with("METRICS_NAMESPACE", namespace);
    let mut sandbox = bench.start(&deployed).await?;
    // As many that do not count.
    invoke(&mut sandbox, std::slice::from_ref(route), bench.effort.invocations).await?;
    invoke_to_the_end(&mut sandbox, route, bench.effort.invocations).await
}

async fn invoke_to_the_end(sandbox: &mut Sandbox, route: &Route, times: usize) -> Result<Times, BenchError> {
    let event = route.event();
    let (mut replies, mut rests) = (Samples::default(), Samples::default());
    for _ in 0..times {
        let reply = sandbox.invoke(&event).await?;
        rests.push(sandbox.rest_after(&reply).await?);
        route.check(&reply)?;
        replies.push(reply.took());
    }
    Ok(Times {
        response_p50_us: microseconds(replies.median()),
        rest_p50_us: microseconds(rests.median()),
    })
}
