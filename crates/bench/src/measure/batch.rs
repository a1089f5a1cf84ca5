//! A thousand creations in one batch, against a thousand requests and against bare conditional writes.

use std::time::{Duration, Instant};

use aws_sdk_dynamodb::{Client, types::AttributeValue};
use serde::Serialize;
use serde_json::{Value, json};
use tenant_store::client;
use tokio::task::JoinSet;

use crate::{
    aws::Transport,
    bench::Bench,
    error::BenchError,
    events::Call,
    local_server::LocalServer,
    routes::{Route, s3_config, tenant_path},
    sandbox::Sandbox,
    stats::{median, megabytes, milliseconds},
};

/// The most that a batch may have.
const OPERATIONS: usize = 1000;
/// How many writes of a batch run at the same time: the default of the function.
const CONCURRENCY: usize = 16;
const PATH: &str = "/api/v1/delivery-configs/batch";
const TABLE: &str = "bench-batch";

/// Medians over the rounds.
#[derive(Debug, Serialize)]
pub(crate) struct Batch {
    pub(crate) operations: usize,
    /// One batch through the local server.
    pub(crate) local_batch_ms: f64,
    /// As many requests through the local server, one after the other over one connection.
    pub(crate) local_singles_ms: f64,
    /// The same over as many connections as a batch has writes at the same time.
    pub(crate) local_parallel_ms: f64,
    /// One batch by the api function.
    pub(crate) function_batch_ms: f64,
    /// As many conditional `PutItem`s by the SDK and nothing else, as many at the same time as in the batch.
    pub(crate) bare_writes_ms: f64,
    /// Of the function after batches with the largest body, as a dry run and as creations.
    pub(crate) peak_memory_mb: f64,
}

pub(crate) async fn measure(bench: &Bench) -> Result<Batch, BenchError> {
    bench.aws.create_table(TABLE).await?;
    let server = LocalServer::start(&bench.programs)?;
    let function = bench
        .function("api", Transport::Plain)
        .with("TENANT_CONFIG_TABLE", TABLE);
    let mut sandbox = bench.start(&function).await?;
    let bare = client::connect_embedded(&format!("http://{}", bench.aws.dynamodb()));
    let mut rounds: [Vec<f64>; 5] = Default::default();
    // The first round is not counted.
    for round in 0..=bench.effort.rounds {
        bench
            .progress
            .report(format_args!("batches, round {round} of {}", bench.effort.rounds));
        let tenants = |kind: &str| {
            (0..OPERATIONS)
                .map(|number| format!("{kind}-{round}-{number}"))
                .collect::<Vec<_>>()
        };
        let measured = [
            local_batch(&server, &tenants("batch")).await?,
            local_singles(&server, &tenants("single"), 1).await?,
            local_singles(&server, &tenants("parallel"), CONCURRENCY).await?,
            invoke(
                &mut sandbox,
                "batch of 1,000 creates",
                &batch_of(&tenants("function"), &s3_config),
                false,
            )
            .await?,
            bare_writes(&bare, &tenants("bare")).await?,
        ];
        for (rounds, measured) in rounds.iter_mut().zip(measured).filter(|_| round > 0) {
            rounds.push(milliseconds(measured));
        }
    }
    let of = |part: usize| median(rounds[part].iter().copied());
    Ok(Batch {
        operations: OPERATIONS,
        local_batch_ms: of(0),
        local_singles_ms: of(1),
        local_parallel_ms: of(2),
        function_batch_ms: of(3),
        bare_writes_ms: of(4),
        peak_memory_mb: peak_memory(bench).await?,
    })
}

/// A batch of creations of these tenants.
fn batch_of(tenants: &[String], config: &dyn Fn(&str) -> Value) -> Vec<Value> {
    let operations = tenants
        .iter()
        .map(|tenant| json!({"op": "create", "config": config(tenant)}));
    operations.collect()
}

fn call(operations: &[Value], is_dry_run: bool) -> Call {
    let body = json!({"atomic": false, "dry_run": is_dry_run, "operations": operations});
    Call::new("POST", PATH).with_body(body).with_digest()
}

async fn local_batch(server: &LocalServer, tenants: &[String]) -> Result<Duration, BenchError> {
    let call = call(&batch_of(tenants, &s3_config), false);
    let mut connection = server.connect().await?;
    let began = Instant::now();
    connection.send(&call, 200).await?;
    Ok(began.elapsed())
}

async fn local_singles(server: &LocalServer, tenants: &[String], connections: usize) -> Result<Duration, BenchError> {
    let mut clients = JoinSet::new();
    let began = Instant::now();
    for tenants in tenants.chunks(tenants.len().div_ceil(connections)) {
        let calls: Vec<_> = tenants
            .iter()
            .map(|tenant| Call::new("POST", tenant_path(tenant)).with_body(s3_config(tenant)))
            .collect();
        let mut connection = server.connect().await?;
        clients.spawn(async move {
            for call in calls {
                connection.send(&call, 201).await?;
            }
            Ok::<_, BenchError>(())
        });
    }
    while let Some(sent) = clients.join_next().await {
        sent.expect("the tasks neither panic nor are aborted")?;
    }
    Ok(began.elapsed())
}

async fn invoke(
    sandbox: &mut Sandbox,
    name: &'static str,
    operations: &[Value],
    is_dry_run: bool,
) -> Result<Duration, BenchError> {
    let route = Route::for_api(name, call(operations, is_dry_run), 200);
    let reply = sandbox.invoke(&route.event()).await?;
    route.check(&reply)?;
    Ok(reply.took())
}

/// The items of the same configurations, on the condition that there is none.
async fn bare_writes(client: &Client, tenants: &[String]) -> Result<Duration, BenchError> {
    let mut waiting = tenants.iter().map(|tenant| put(client, tenant));
    let mut running = JoinSet::new();
    let began = Instant::now();
    loop {
        while running.len() < CONCURRENCY
            && let Some(write) = waiting.next()
        {
            running.spawn(write);
        }
        match running.join_next().await {
            Some(written) => written.expect("the tasks neither panic nor are aborted")?,
            None => return Ok(began.elapsed()),
        }
    }
}

fn put(client: &Client, tenant: &str) -> impl Future<Output = Result<(), BenchError>> + Send + use<> {
    let text = |value: &str| AttributeValue::S(value.to_owned());
    let config = s3_config(tenant);
    let last_change = [
        ("request_id", "c6af9ac6-7b61-11e6-9a41-93e8deadbeef"),
        ("kind", "batch"),
        ("key", "current:1"),
        ("at", "2024-01-15T10:30:00.000Z"),
    ];
    let last_change = last_change
        .map(|(name, value)| (name.to_owned(), text(value)))
        .into_iter();
    let request = config.as_object().into_iter().flatten().fold(
        client
            .put_item()
            .table_name(TABLE)
            .condition_expression("attribute_not_exists(tenant_id)")
            .item("created_at", text("2024-01-15T10:30:00Z"))
            .item("updated_at", text("2024-01-15T10:30:00Z"))
            .item("version", text("00000000000000000000000000000000"))
            .item("last_change", AttributeValue::M(last_change.collect())),
        |request, (name, value)| {
            let value = match value {
                Value::Bool(value) => AttributeValue::Bool(*value),
                Value::Array(names) => AttributeValue::L(names.iter().filter_map(Value::as_str).map(text).collect()),
                other => text(other.as_str().unwrap_or_default()),
            };
            request.item(name, value)
        },
    );
    async move {
        let written = request.send().await;
        written
            .map(drop)
            .map_err(|error| BenchError::Dynamo(format!("{error:?}")))
    }
}

/// A process of its own: what it has not freed is its peak.
async fn peak_memory(bench: &Bench) -> Result<f64, BenchError> {
    let function = bench
        .function("api", Transport::Plain)
        .with("TENANT_CONFIG_TABLE", TABLE);
    let mut sandbox = bench.start(&function).await?;
    for round in 0..3 {
        let tenants: Vec<_> = (0..OPERATIONS)
            .map(|number| format!("large-{round}-{number}"))
            .collect();
        for is_dry_run in [true, false] {
            invoke(
                &mut sandbox,
                "largest batch",
                &batch_of(&tenants, &large_config),
                is_dry_run,
            )
            .await?;
        }
    }
    Ok(megabytes(sandbox.process().peak_memory()?))
}

/// A thousand of them are just below a mebibyte.
fn large_config(tenant: &str) -> Value {
    let mut config = s3_config(tenant);
    let names: Vec<_> = (0..14)
        .map(|number| format!("application-{number:02}-{}", "x".repeat(35)))
        .collect();
    config["desired_logs"] = json!(names);
    config
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn largest_batch_is_just_below_a_mebibyte() {
        let tenants: Vec<_> = (0..OPERATIONS).map(|number| format!("large-0-{number}")).collect();
        let body = json!({"atomic": false, "dry_run": false, "operations": batch_of(&tenants, &large_config)});
        let bytes = body.to_string().len();
        assert!((900_000..=1024 * 1024).contains(&bytes), "{bytes}");
    }
}
