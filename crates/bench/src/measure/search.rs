//! The time of a search through a large table, beside a bare scan of the same table.

use std::time::Instant;

use serde::Serialize;
use serde_json::{Value, json};
use tenant_store::client::{self, Client};

use crate::{
    aws::{Transport, numbered_tenant},
    bench::Bench,
    error::BenchError,
    events::Call,
    routes::{READ_TENANT, Route},
    sandbox::Sandbox,
    stats::{median, megabytes, milliseconds},
};

#[derive(Debug, Serialize)]
pub(crate) struct Searched {
    pub(crate) filter: &'static str,
    pub(crate) items: usize,
    /// All pages of the search, of up to 1,000 matches each.
    pub(crate) search_ms: f64,
    pub(crate) pages: usize,
    /// A scan of the same table by the SDK, in this process, without a filter.
    pub(crate) scan_ms: f64,
    pub(crate) peak_memory_mb: f64,
}

/// Filters, and how many of `items` items each of them finds.
type Filter = (&'static str, fn(items: usize) -> usize);

const FILTERS: [Filter; 3] = [
    // The table checks it.
    ("tenant_id = tenant-000007", |_| 1),
    // The function checks it, for each item.
    ("broken", |_| 0),
    ("type = s3", |items| items),
];
/// The largest page: of configurations that are as large as they can be.
const LARGE: Filter = ("enabled = true", |items| items);
const LARGE_ITEMS: usize = 200;

pub(crate) async fn measure(bench: &Bench) -> Result<Vec<Searched>, BenchError> {
    let items = bench.effort.largest_table;
    bench.progress.report(format_args!("searches through {items} items"));
    let table = format!("search-{items}");
    bench.aws.create_table(&table).await?;
    bench.aws.multiply(READ_TENANT, "s3", &table, items)?;
    let mut measured = compare(bench, &table, items, &FILTERS).await?;

    bench.progress.report("searches with large pages");
    let names: Vec<_> = (0..200).map(|number| format!("{number:\"<256}")).collect();
    let table = "search-large";
    bench.aws.create_table(table).await?;
    for number in 0..LARGE_ITEMS {
        let tenant = numbered_tenant(number);
        let config = json!({
            "tenant_id": tenant, "type": "s3", "bucket_name": "acme-corp-logs", "desired_logs": names,
        });
        bench.aws.create(table, &tenant, &config).await?;
    }
    measured.extend(compare(bench, table, LARGE_ITEMS, &[LARGE]).await?);
    Ok(measured)
}

/// Each filter in a sandbox of its own, in turns with the scan.
async fn compare(bench: &Bench, table: &str, items: usize, filters: &[Filter]) -> Result<Vec<Searched>, BenchError> {
    let api = bench
        .function("api", Transport::Plain)
        .with("TENANT_CONFIG_TABLE", table.to_owned());
    let client = client::connect_embedded(&format!("http://{}", bench.aws.dynamodb()));
    let mut sandboxes = Vec::new();
    for _ in filters {
        sandboxes.push(bench.start(&api).await?);
    }
    let mut scans = Vec::new();
    let mut searches = vec![Vec::new(); filters.len()];
    let mut pages = vec![0; filters.len()];
    // Each takes a second or two.
    for _ in 0..bench.effort.rounds.div_ceil(3) {
        scans.push(scan(&client, table, items).await?);
        for (place, (filter, matches)) in filters.iter().enumerate() {
            let (took, count) = search(&mut sandboxes[place], filter, matches(items)).await?;
            searches[place].push(took);
            pages[place] = count;
        }
    }
    let scan_ms = median(scans);
    let rows = filters.iter().zip(searches).zip(pages).zip(&sandboxes);
    rows.map(|((((filter, _), took), pages), sandbox)| {
        Ok(Searched {
            filter,
            items,
            search_ms: median(took),
            pages,
            scan_ms,
            peak_memory_mb: megabytes(sandbox.process().peak_memory()?),
        })
    })
    .collect()
}

/// Reads the whole table, and returns the milliseconds.
async fn scan(client: &Client, table: &str, items: usize) -> Result<f64, BenchError> {
    let began = Instant::now();
    let (mut found, mut start) = (0, None);
    loop {
        let request = client.scan().table_name(table).consistent_read(true);
        let response = request.set_exclusive_start_key(start).send().await;
        let response = response.map_err(|error| BenchError::Dynamo(error.to_string()))?;
        found += response.items().len();
        start = response.last_evaluated_key;
        if start.is_none() {
            break;
        }
    }
    check("scan", items, found)?;
    Ok(milliseconds(began.elapsed()))
}

/// Follows `last_key` to the end, and returns the milliseconds and the number of pages.
async fn search(sandbox: &mut Sandbox, filter: &str, matches: usize) -> Result<(f64, usize), BenchError> {
    let began = Instant::now();
    let (mut found, mut pages) = (0, 0);
    let mut last_key: Option<String> = None;
    loop {
        let call = Call::new("GET", "/api/v1/delivery-configs")
            .with_query("filter", filter)
            .with_query("limit", "1000");
        let call = match last_key {
            Some(key) => call.with_query("last_key", key),
            None => call,
        };
        let route = Route::for_api("search", call, 200);
        let reply = sandbox.invoke(&route.event()).await?;
        route.check(&reply)?;
        let reply: Value = serde_json::from_slice(&reply.body.unwrap_or_default())?;
        let body: Value = serde_json::from_str(reply["body"].as_str().unwrap_or_default())?;
        let page = &body["data"];
        found += page["configurations"].as_array().map_or(0, Vec::len);
        pages += 1;
        last_key = page["last_key"].as_str().map(ToOwned::to_owned);
        if last_key.is_none() {
            break;
        }
    }
    check("search", matches, found)?;
    Ok((milliseconds(began.elapsed()), pages))
}

fn check(route: &'static str, expected: usize, found: usize) -> Result<(), BenchError> {
    if expected == found {
        return Ok(());
    }
    Err(BenchError::UnexpectedReply {
        route,
        expected: format!("{expected} items"),
        got: found.to_string(),
    })
}
