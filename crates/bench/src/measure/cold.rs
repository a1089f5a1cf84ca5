//! Cold starts: from the start of the process to the first response.

use std::time::Duration;

use serde::Serialize;

use crate::{
    aws::Transport,
    bench::Bench,
    error::BenchError,
    routes::{Route, authorize, echo, get_one},
    sandbox::{Function, Sandbox},
    stats::{median, megabytes, milliseconds},
};

/// One function's cold start: medians over the rounds of medians within one.
#[derive(Debug, Serialize)]
pub(crate) struct Cold {
    pub(crate) function: &'static str,
    pub(crate) transport: Transport,
    /// Until the function requests its first event: Lambda's init phase.
    pub(crate) ready_ms: f64,
    /// Until its first response has arrived.
    pub(crate) first_response_ms: f64,
    pub(crate) init_cpu_ms: f64,
    pub(crate) first_request_cpu_ms: f64,
    pub(crate) peak_memory_mb: f64,
}

/// A function with its first request.
struct Candidate {
    function: Function,
    transport: Transport,
    route: Route,
}

struct Start {
    ready: Duration,
    first_response: Duration,
    init_cpu: Duration,
    first_request_cpu: Duration,
    peak_memory: u64,
}

pub(crate) async fn measure(bench: &Bench) -> Result<Vec<Cold>, BenchError> {
    let mut candidates = Vec::new();
    for transport in [Transport::Plain, Transport::Tls] {
        for (name, route) in [
            ("echo", echo()),
            ("getitem", get_one()),
            ("authorizer", authorize()),
            ("api", get_one()),
        ] {
            // It makes no connection.
            if (name, transport) != ("echo", Transport::Tls) {
                let function = bench.function(name, transport);
                candidates.push(Candidate {
                    function,
                    transport,
                    route,
                });
            }
        }
    }
    let mut rounds: Vec<Vec<Cold>> = candidates.iter().map(|_| Vec::new()).collect();
    for round in 1..=bench.effort.rounds {
        bench
            .progress
            .report(format_args!("cold starts, round {round} of {}", bench.effort.rounds));
        for (candidate, rounds) in candidates.iter().zip(&mut rounds) {
            let mut starts = Vec::new();
            for _ in 0..bench.effort.cold_starts {
                starts.push(start(bench, candidate).await?);
            }
            rounds.push(summary_of_round(candidate, &starts));
        }
    }
    Ok(candidates
        .iter()
        .zip(&rounds)
        .map(|(candidate, rounds)| summary(candidate, rounds))
        .collect())
}

async fn start(bench: &Bench, candidate: &Candidate) -> Result<Start, BenchError> {
    let mut sandbox = Sandbox::start(&candidate.function, &bench.logs).await?;
    let ready = sandbox.ready().await?;
    let event = candidate.route.event();
    let init_cpu = sandbox.process().cpu_time()?;
    let reply = sandbox.invoke(&event).await?;
    let cpu = sandbox.process().cpu_time()?;
    candidate.route.check(&reply)?;
    Ok(Start {
        ready,
        first_response: reply.ended - sandbox.started(),
        init_cpu,
        first_request_cpu: cpu.saturating_sub(init_cpu),
        peak_memory: sandbox.process().peak_memory()?,
    })
}

fn summary_of_round(candidate: &Candidate, starts: &[Start]) -> Cold {
    let of = |part: fn(&Start) -> f64| median(starts.iter().map(part));
    Cold {
        function: candidate.function.name,
        transport: candidate.transport,
        ready_ms: of(|start| milliseconds(start.ready)),
        first_response_ms: of(|start| milliseconds(start.first_response)),
        init_cpu_ms: of(|start| milliseconds(start.init_cpu)),
        first_request_cpu_ms: of(|start| milliseconds(start.first_request_cpu)),
        peak_memory_mb: of(|start| megabytes(start.peak_memory)),
    }
}

fn summary(candidate: &Candidate, rounds: &[Cold]) -> Cold {
    let of = |part: fn(&Cold) -> f64| median(rounds.iter().map(part));
    Cold {
        function: candidate.function.name,
        transport: candidate.transport,
        ready_ms: of(|round| round.ready_ms),
        first_response_ms: of(|round| round.first_response_ms),
        init_cpu_ms: of(|round| round.init_cpu_ms),
        first_request_cpu_ms: of(|round| round.first_request_cpu_ms),
        peak_memory_mb: of(|round| round.peak_memory_mb),
    }
}
