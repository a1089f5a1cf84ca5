//! What every measurement needs: the stand-ins for AWS, the programs, and the number of repetitions.

use crate::{
    aws::{Aws, Transport},
    error::BenchError,
    logs::Logs,
    programs::Programs,
    progress::Progress,
    routes::Route,
    sandbox::{Function, Sandbox},
    stats::Samples,
};

/// What every measurement needs.
pub(crate) struct Bench {
    pub(crate) aws: Aws,
    pub(crate) programs: Programs,
    pub(crate) logs: Logs,
    pub(crate) progress: Progress,
    pub(crate) effort: Effort,
}

/// How often things are done.
#[derive(Debug, Clone, Copy, serde::Serialize)]
pub(crate) struct Effort {
    /// What is published is the median of this many rounds; in each, everything that is compared takes its turn.
    pub(crate) rounds: usize,
    /// Starts of each function in a round.
    pub(crate) cold_starts: usize,
    /// Invocations of each route in a round, after as many that are not counted.
    pub(crate) invocations: usize,
    /// Items in the largest table.
    pub(crate) largest_table: usize,
    /// Seconds for each number of sandboxes.
    pub(crate) throughput_seconds: u64,
    /// Requests under each fault.
    pub(crate) faulty_requests: usize,
    /// Invocations of each function in the search for leaks.
    pub(crate) endurance: usize,
}

impl Effort {
    pub(crate) const FULL: Self = Self {
        rounds: 9,
        cold_starts: 5,
        invocations: 400,
        largest_table: 100_000,
        throughput_seconds: 2,
        faulty_requests: 10_000,
        endurance: 100_000,
    };

    pub(crate) const QUICK: Self = Self {
        rounds: 3,
        cold_starts: 3,
        invocations: 100,
        largest_table: 10_000,
        throughput_seconds: 1,
        faulty_requests: 500,
        endurance: 5_000,
    };
}

impl Bench {
    /// A function that finds the stand-ins for AWS.
    pub(crate) fn function(&self, name: &'static str, transport: Transport) -> Function {
        self.aws
            .connect(Function::new(name, self.programs.path(name)), transport)
    }

    pub(crate) async fn start(&self, function: &Function) -> Result<Sandbox, BenchError> {
        let mut sandbox = Sandbox::start(function, &self.logs).await?;
        sandbox.ready().await?;
        Ok(sandbox)
    }
}

/// Invokes all these routes in turn, again and again, and times each.
pub(crate) async fn invoke(sandbox: &mut Sandbox, routes: &[Route], times: usize) -> Result<Vec<Samples>, BenchError> {
    let events: Vec<_> = routes.iter().map(Route::event).collect();
    let mut samples = vec![Samples::default(); routes.len()];
    for _ in 0..times {
        for ((route, event), samples) in routes.iter().zip(&events).zip(&mut samples) {
            let reply = sandbox.invoke(event).await?;
            route.check(&reply)?;
            samples.push(reply.took());
        }
    }
    Ok(samples)
}

/// One route, after as many invocations that do not count.
pub(crate) async fn invoke_warm(sandbox: &mut Sandbox, route: &Route, times: usize) -> Result<Samples, BenchError> {
    invoke(sandbox, std::slice::from_ref(route), times).await?;
    let samples = invoke(sandbox, std::slice::from_ref(route), times).await?;
    Ok(samples.into_iter().next().unwrap_or_default())
}
