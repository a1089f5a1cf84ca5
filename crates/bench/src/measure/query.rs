//! The cost of query parameters for the authorizer: an event has lost their order and their encoding, so that it tries what the
//! client may have signed.

use serde::Serialize;

use crate::{
    aws::Transport,
    bench::{Bench, invoke_warm},
    error::BenchError,
    events::Call,
    routes::Route,
    stats::{median, microseconds},
};

/// Up to the most that are accepted. Up to four are tried in every order.
const PAIRS: [usize; 6] = [0, 1, 2, 4, 8, 16];

#[derive(Debug, Serialize)]
pub(crate) struct Query {
    pub(crate) pairs: usize,
    /// Signed as documented.
    pub(crate) canonical_p50_us: f64,
    /// With a forged signature: every candidate is tried in vain.
    pub(crate) forged_p50_us: f64,
}

pub(crate) async fn measure(bench: &Bench) -> Result<Vec<Query>, BenchError> {
    bench.progress.report("query parameters");
    let mut sandbox = bench.start(&bench.function("authorizer", Transport::Plain)).await?;
    let mut rounds: Vec<Vec<(f64, f64)>> = PAIRS.map(|_| Vec::new()).into();
    for _ in 0..bench.effort.rounds {
        for (pairs, rounds) in PAIRS.into_iter().zip(&mut rounds) {
            let call = (0..pairs).fold(Call::new("GET", "/api/v1/delivery-configs"), |call, pair| {
                call.with_query(format!("filter-{pair}"), format!("value {pair}"))
            });
            let canonical = Route::allowed("signed query", call.clone());
            let forged = Route::forged("forged query", call);
            let canonical = invoke_warm(&mut sandbox, &canonical, bench.effort.invocations / 2).await?;
            let forged = invoke_warm(&mut sandbox, &forged, bench.effort.invocations / 2).await?;
            rounds.push((microseconds(canonical.median()), microseconds(forged.median())));
        }
    }
    let summary = PAIRS.into_iter().zip(rounds).map(|(pairs, rounds)| Query {
        pairs,
        canonical_p50_us: median(rounds.iter().map(|(canonical, _)| *canonical)),
        forged_p50_us: median(rounds.iter().map(|(_, forged)| *forged)),
    });
    Ok(summary.collect())
}
