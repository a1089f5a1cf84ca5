//! What is measured, a file for each question.

pub(crate) mod cold;
pub(crate) mod endurance;
pub(crate) mod faults;
pub(crate) mod growth;
pub(crate) mod logging;
pub(crate) mod query;
pub(crate) mod throughput;
pub(crate) mod warm;

use crate::{
    args::{Args, Part},
    aws::{Aws, TABLE, Transport},
    bars,
    error::BenchError,
    logs::Logs,
    programs::Programs,
    progress::Progress,
    report::{Machine, Report},
    routes::{READ_TENANT, Route, cloudwatch_config, s3_config},
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

/// Measures what is asked for.
pub(crate) async fn run(args: &Args) -> Result<Report, BenchError> {
    let progress = Progress::start();
    progress.say("building what is measured");
    let programs = Programs::build(args.wants_floors())?;
    let bench = Bench {
        aws: filled().await?,
        programs,
        logs: Logs::discarded()?,
        progress,
        effort: if args.quick { Effort::QUICK } else { Effort::FULL },
    };
    let mut report = Report::new(Machine::this(), bench.effort);
    if args.wants(Part::Sizes) {
        report.sizes = Some(bench.programs.sizes()?);
    }
    if args.wants(Part::Cold) {
        report.cold = Some(cold::measure(&bench).await?);
    }
    if args.wants(Part::Warm) {
        report.warm = Some(warm::measure(&bench).await?);
    }
    if args.wants(Part::Logging) {
        report.logging = Some(logging::measure(&bench).await?);
    }
    if args.wants(Part::Query) {
        report.query = Some(query::measure(&bench).await?);
    }
    if args.wants(Part::Throughput) {
        report.throughput = Some(throughput::measure(&bench).await?);
    }
    if args.wants(Part::Growth) {
        report.growth = Some(growth::measure(&bench).await?);
    }
    if args.wants(Part::Faults) {
        report.faults = Some(faults::measure(&bench).await?);
    }
    if args.wants(Part::Endurance) {
        report.endurance = Some(endurance::measure(&bench).await?);
    }
    report.bars = bars::judge(&report);
    Ok(report)
}

/// The stand-ins for AWS, with a table in which there is something to read.
async fn filled() -> Result<Aws, BenchError> {
    let aws = Aws::start()?;
    aws.create_table(TABLE).await?;
    aws.create(TABLE, READ_TENANT, &s3_config(READ_TENANT)).await?;
    aws.create(TABLE, READ_TENANT, &cloudwatch_config(READ_TENANT)).await?;
    aws.multiply(READ_TENANT, "s3", TABLE, 98)?;
    Ok(aws)
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
            let answer = sandbox.invoke(event).await?;
            route.check(&answer)?;
            samples.push(answer.took());
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
