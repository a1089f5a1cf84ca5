//! The time of lists as the table grows.

use std::{collections::HashSet, time::Instant};

use serde::Serialize;
use serde_json::Value;

use crate::{
    aws::{Transport, numbered_tenant},
    bench::{Bench, invoke},
    error::BenchError,
    events::Call,
    round_trips,
    routes::{READ_TENANT, Route},
    sandbox::Sandbox,
    stats::{median, megabytes, microseconds},
};

#[derive(Debug, Serialize)]
pub(crate) struct Growth {
    pub(crate) items: usize,
    /// The first page of 50.
    pub(crate) first_page_p50_us: f64,
    /// A page of 50 behind an item in the middle.
    pub(crate) later_page_p50_us: f64,
    /// A function that makes the DynamoDB round trip of the later page and does nothing else.
    pub(crate) later_page_round_trip_us: f64,
    /// All of the table, in pages of 1,000.
    pub(crate) walk_ms: f64,
    pub(crate) walk_pages: usize,
    pub(crate) peak_memory_mb: f64,
}

struct Candidate {
    items: usize,
    sandbox: Sandbox,
    pages: Vec<Route>,
    floor: Sandbox,
    /// First page, later page, round trip.
    rounds: Vec<[f64; 3]>,
}

pub(crate) async fn measure(bench: &Bench) -> Result<Vec<Growth>, BenchError> {
    let mut candidates = Vec::new();
    for items in [100, 10_000, 100_000] {
        if items <= bench.effort.largest_table {
            bench.progress.report(format_args!("a table of {items} items"));
            candidates.push(Candidate::new(bench, items).await?);
        }
    }
    let times = bench.effort.invocations / 4;
    for round in 1..=bench.effort.rounds {
        bench
            .progress
            .report(format_args!("pages, round {round} of {}", bench.effort.rounds));
        for candidate in &mut candidates {
            let trips = invoke(&mut candidate.floor, &[round_trips::replay("later page", 0)], times).await?;
            let pages = invoke(&mut candidate.sandbox, &candidate.pages, times).await?;
            if let ([first, later], [trip]) = (pages.as_slice(), trips.as_slice()) {
                candidate
                    .rounds
                    .push([first, later, trip].map(|samples| microseconds(samples.median())));
            }
        }
    }
    let mut measured = Vec::new();
    for mut candidate in candidates {
        bench
            .progress
            .report(format_args!("a walk through {} items", candidate.items));
        let (walk_ms, walk_pages) = walk(&mut candidate.sandbox, candidate.items).await?;
        let of = |part: usize| median(candidate.rounds.iter().map(|round| round[part]));
        measured.push(Growth {
            items: candidate.items,
            first_page_p50_us: of(0),
            later_page_p50_us: of(1),
            later_page_round_trip_us: of(2),
            walk_ms,
            walk_pages,
            peak_memory_mb: megabytes(candidate.sandbox.process().peak_memory()?),
        });
    }
    Ok(measured)
}

impl Candidate {
    async fn new(bench: &Bench, items: usize) -> Result<Self, BenchError> {
        let table = format!("bench-{items}");
        bench.aws.create_table(&table).await?;
        bench.aws.multiply(READ_TENANT, "s3", &table, items)?;
        let api = bench
            .function("api", Transport::Plain)
            .with("TENANT_CONFIG_TABLE", table);
        let path = "/api/v1/delivery-configs";
        let middle = format!("{}#s3", numbered_tenant(items / 2));
        let later = Route::for_api("later page", Call::new("GET", path).with_query("last_key", middle), 200);
        let later_page = round_trips::record(&bench.aws, &api, std::slice::from_ref(&later)).await?;
        Ok(Self {
            items,
            sandbox: bench.start(&api).await?,
            pages: vec![Route::for_api("first page", Call::new("GET", path), 200), later],
            floor: round_trips::floor(bench, &later_page).await?,
            rounds: Vec::new(),
        })
    }
}

/// Follows `last_key` to the end. Every item must come exactly once.
async fn walk(sandbox: &mut Sandbox, items: usize) -> Result<(f64, usize), BenchError> {
    let began = Instant::now();
    let mut seen = HashSet::new();
    let mut pages = 0;
    let mut last_key: Option<String> = None;
    loop {
        let call = Call::new("GET", "/api/v1/delivery-configs").with_query("limit", "1000");
        let call = match last_key {
            Some(key) => call.with_query("last_key", key),
            None => call,
        };
        let route = Route::for_api("page of 1,000", call, 200);
        let reply = sandbox.invoke(&route.event()).await?;
        route.check(&reply)?;
        let page = data_of(&reply.body.unwrap_or_default())?;
        pages += 1;
        for config in page["configurations"].as_array().into_iter().flatten() {
            let is_new = seen.insert(config["tenant_id"].to_string());
            if !is_new {
                return Err(unexpected("every item once", format!("{} twice", config["tenant_id"])));
            }
        }
        last_key = page["last_key"].as_str().map(ToOwned::to_owned);
        if last_key.is_none() {
            break;
        }
    }
    if seen.len() == items {
        Ok((began.elapsed().as_secs_f64() * 1e3, pages))
    } else {
        Err(unexpected(&format!("{items} items"), seen.len().to_string()))
    }
}

fn data_of(reply: &[u8]) -> Result<Value, BenchError> {
    let reply: Value = serde_json::from_slice(reply)?;
    let mut body: Value = serde_json::from_str(reply["body"].as_str().unwrap_or_default())?;
    Ok(body["data"].take())
}

fn unexpected(expected: &str, got: String) -> BenchError {
    BenchError::UnexpectedReply {
        route: "walk",
        expected: expected.to_owned(),
        got,
    }
}
