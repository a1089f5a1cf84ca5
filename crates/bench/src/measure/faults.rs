//! Requests while DynamoDB fails: each gets a response in time, with the status that its fault requires, and what a
//! response reports about a write is true.
//!
//! The truth is read from the table itself, past the faults, before and after every request. Each tenant belongs to one
//! sandbox, which handles one request at a time, so that nothing else can have changed it.

mod tenant;

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use serde::Serialize;
use tokio::task::JoinSet;

use self::tenant::{Tenant, Verdict};
use crate::{
    aws::{Aws, Transport},
    bench::Bench,
    error::BenchError,
    logs::Logs,
    proxy::{self, Fate},
    sandbox::{Function, Sandbox},
    stats::milliseconds,
};

/// The api function is deployed with 10 s and responds by itself before that.
pub(crate) const BUDGET: Duration = Duration::from_secs(9);
/// They mostly wait.
const SANDBOXES: usize = 96;

/// A run under one fault.
#[derive(Debug, Serialize)]
pub(crate) struct Faulty {
    pub(crate) fault: &'static str,
    pub(crate) requests: u32,
    pub(crate) succeeded: u32,
    pub(crate) slowest_ms: f64,
    /// Requests with a response after the budget or without one.
    pub(crate) late: u32,
    /// Writes that were acknowledged and are not in the table.
    pub(crate) lost: u32,
    /// Responses with a status that the fault does not explain, or that are untrue, and logs that do not name the fault.
    pub(crate) wrong: u32,
}

/// How DynamoDB fails requests.
struct Fault {
    name: &'static str,
    fate: Fate,
    /// The status of a request that failed in spite of retries.
    status: u16,
    /// What the log must then contain: the code of a transient fault, the remedy for a permanent one.
    logged: &'static str,
}

const FAULTS: [Fault; 7] = [
    Fault {
        name: "throttling",
        fate: Fate::Reject {
            status: 400,
            code: "ThrottlingException",
        },
        status: 503,
        logged: "store_throttled",
    },
    Fault {
        name: "server errors",
        fate: Fate::Reject {
            status: 500,
            code: "InternalServerError",
        },
        status: 503,
        logged: "store_unavailable",
    },
    Fault {
        name: "resets",
        fate: Fate::Reset,
        status: 503,
        logged: "store_unavailable",
    },
    Fault {
        name: "lost responses",
        fate: Fate::LoseResponse,
        status: 503,
        logged: "store_unavailable",
    },
    Fault {
        name: "hangs",
        fate: Fate::Hang,
        status: 503,
        logged: "store_unavailable",
    },
    Fault {
        name: "missing table",
        fate: Fate::Reject {
            status: 400,
            code: "ResourceNotFoundException",
        },
        status: 500,
        logged: "TENANT_CONFIG_TABLE",
    },
    Fault {
        name: "denied access",
        fate: Fate::Reject {
            status: 400,
            code: "AccessDeniedException",
        },
        status: 500,
        logged: "policy of the function's role",
    },
];

pub(crate) async fn measure(bench: &Bench) -> Result<Vec<Faulty>, BenchError> {
    let mut measured = Vec::new();
    for fault in &FAULTS {
        bench.progress.report(format_args!(
            "{} requests under {}",
            bench.effort.faulty_requests, fault.name
        ));
        measured.push(measure_under(bench, fault).await?);
    }
    Ok(measured)
}

async fn measure_under(bench: &Bench, fault: &'static Fault) -> Result<Faulty, BenchError> {
    let calls = AtomicU64::new(0);
    let proxy = proxy::start(&bench.aws, move |_| {
        if is_hit(calls.fetch_add(1, Ordering::Relaxed)) {
            fault.fate
        } else {
            Fate::Pass
        }
    })?;
    let api = bench
        .function("api", Transport::Plain)
        .with("AWS_ENDPOINT_URL_DYNAMODB", format!("http://{proxy}"));
    let logs = Logs::captured()?;
    let requests_of_each = bench.effort.faulty_requests.div_ceil(SANDBOXES);
    let mut sandboxes = JoinSet::new();
    for number in 0..SANDBOXES {
        let (aws, api, logs) = (bench.aws.clone(), api.clone(), logs.clone());
        sandboxes.spawn(async move { run(aws, api, logs, number, requests_of_each, fault).await });
    }
    let mut total = Faulty::new(fault);
    while let Some(counted) = sandboxes.join_next().await {
        total.add(&counted.expect("the tasks neither panic nor are aborted")?);
    }
    if total.succeeded < total.requests && !logs.text().contains(fault.logged) {
        total.wrong += 1;
    }
    Ok(total)
}

/// One call of four, and in one stretch of ten every call: retries help against the former and not the latter.
fn is_hit(call: u64) -> bool {
    let is_outage = (call / 64) % 10 == 9;
    // The finaliser of SplitMix64: evenly spread, and the same in every run.
    let mut mixed = call.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    is_outage || (mixed >> 62) == 0
}

async fn run(
    aws: Aws,
    api: Function,
    logs: Logs,
    number: usize,
    requests: usize,
    fault: &'static Fault,
) -> Result<Faulty, BenchError> {
    let mut sandbox = Sandbox::start(&api, &logs).await?;
    sandbox.ready().await?;
    let mut tenant = Tenant::new(aws, format!("{}-{number}", fault.name.replace(' ', "-")), fault.status);
    let mut counted = Faulty::new(fault);
    for _ in 0..requests {
        let request = tenant.next_request();
        let began = Instant::now();
        let verdict = match sandbox.invoke(&request.event()).await {
            Ok(reply) => tenant.evaluate(&request, &reply)?,
            Err(BenchError::TimedOut { .. }) => Verdict::Late,
            Err(error) => return Err(error),
        };
        counted.count(verdict, began.elapsed());
    }
    Ok(counted)
}

impl Faulty {
    fn new(fault: &Fault) -> Self {
        Self {
            fault: fault.name,
            requests: 0,
            succeeded: 0,
            slowest_ms: 0.0,
            late: 0,
            lost: 0,
            wrong: 0,
        }
    }

    fn count(&mut self, verdict: Verdict, took: Duration) {
        self.requests += 1;
        self.slowest_ms = self.slowest_ms.max(milliseconds(took));
        match verdict {
            _ if took > BUDGET => self.late += 1,
            Verdict::Late => self.late += 1,
            Verdict::Succeeded => self.succeeded += 1,
            Verdict::Failed => {}
            Verdict::Lost => self.lost += 1,
            Verdict::Wrong => self.wrong += 1,
        }
    }

    fn add(&mut self, other: &Self) {
        self.requests += other.requests;
        self.succeeded += other.succeeded;
        self.slowest_ms = self.slowest_ms.max(other.slowest_ms);
        self.late += other.late;
        self.lost += other.lost;
        self.wrong += other.wrong;
    }
}
