//! One run: the selected measurements, and the bars on them.

use crate::{
    args::{Args, Part},
    aws::{Aws, TABLE},
    bars,
    bench::{Bench, Effort},
    error::BenchError,
    logs::Logs,
    measure::{
        batch, change, cold, endurance, faults, growth, history, logging, query, search, throughput, warm, writes,
    },
    programs::Programs,
    progress::Progress,
    report::{Machine, Report},
    routes::{READ_TENANT, cloudwatch_config, s3_config},
};

/// Takes the selected measurements.
pub(crate) async fn run(args: &Args) -> Result<Report, BenchError> {
    let progress = Progress::start();
    progress.report("building the measured programs");
    let programs = Programs::build(args.wants_floors(), args.wants_local_server())?;
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
    if args.wants(Part::Search) {
        report.search = Some(search::measure(&bench).await?);
    }
    if args.wants(Part::Batch) {
        report.batch = Some(batch::measure(&bench).await?);
    }
    if args.wants(Part::Change) {
        report.change = Some(change::measure(&bench).await?);
    }
    if args.wants(Part::History) {
        report.history = Some(history::measure(&bench).await?);
    }
    if let Some(former) = args.former() {
        report.writes = Some(writes::measure(&bench, former).await?);
    }
    if args.wants(Part::Faults) {
        report.faults = Some(faults::measure(&bench).await?);
    }
    if args.wants(Part::Endurance) {
        report.endurance = Some(endurance::measure(&bench).await?);
    }
    report.bars = bars::evaluate(&report);
    Ok(report)
}

/// The stand-ins for AWS, with a table that contains items to read.
async fn filled() -> Result<Aws, BenchError> {
    let aws = Aws::start()?;
    aws.create_table(TABLE).await?;
    aws.create(TABLE, READ_TENANT, &s3_config(READ_TENANT)).await?;
    aws.create(TABLE, READ_TENANT, &cloudwatch_config(READ_TENANT)).await?;
    aws.multiply(READ_TENANT, "s3", TABLE, 98)?;
    Ok(aws)
}
