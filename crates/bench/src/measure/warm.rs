//! Warm invocations: each route beside the DynamoDB round trips that it makes, and both beside the floors.

use serde::Serialize;

use crate::{
    aws::Transport,
    bench::{Bench, invoke},
    error::BenchError,
    round_trips::{self, RoundTrips},
    routes::{Route, authorize, echo, get_one, patch, patch_if_match, reads, tag_of, writes},
    sandbox::Function,
    stats::{Samples, median, megabytes, microseconds},
};

/// One route of one function: medians over the rounds.
#[derive(Debug, Serialize)]
pub(crate) struct Warm {
    pub(crate) function: &'static str,
    pub(crate) route: &'static str,
    pub(crate) p50_us: f64,
    pub(crate) p99_us: f64,
    /// The route's DynamoDB round trips. `None` if it makes none.
    pub(crate) round_trips: Option<RoundTripTimes>,
    /// Of the process that served this route and the others of its function.
    pub(crate) peak_memory_mb: f64,
}

#[derive(Debug, Serialize)]
pub(crate) struct RoundTripTimes {
    pub(crate) count: usize,
    /// Of a function that makes these round trips and does nothing else.
    pub(crate) floor_p50_us: f64,
}

/// Routes that are measured in turn: reads one by one, writes as the cycle that they are.
struct Candidate {
    function: Function,
    routes: Vec<Route>,
    round_trips: Vec<RoundTrips>,
    /// A vector for each route, with an element for each round.
    rounds: Vec<Vec<Round>>,
}

struct Round {
    p50_us: f64,
    p99_us: f64,
    floor_us: f64,
    peak_memory_mb: f64,
}

pub(crate) async fn measure(bench: &Bench) -> Result<Vec<Warm>, BenchError> {
    let mut candidates = candidates(bench).await?;
    for round in 1..=bench.effort.rounds {
        bench.progress.report(format_args!(
            "warm invocations, round {round} of {}",
            bench.effort.rounds
        ));
        for candidate in &mut candidates {
            candidate.measure(bench).await?;
        }
    }
    let mut warm: Vec<_> = candidates.iter().flat_map(Candidate::summary).collect();
    warm.extend(preconditions(bench).await?);
    Ok(warm)
}

/// PATCH without and with `If-Match`, in turns: the second one reads the item first.
async fn preconditions(bench: &Bench) -> Result<[Warm; 2], BenchError> {
    let mut rounds = [Vec::new(), Vec::new()];
    for _ in 0..bench.effort.rounds {
        let mut sandbox = bench.start(&bench.function("api", Transport::Plain)).await?;
        let mut samples = [Samples::default(), Samples::default()];
        for turn in 0..2 * bench.effort.invocations {
            let alone = sandbox.invoke(&patch().event()).await?;
            patch().check(&alone)?;
            let route = patch_if_match(&tag_of(&alone)?);
            let with_tag = sandbox.invoke(&route.event()).await?;
            route.check(&with_tag)?;
            if turn >= bench.effort.invocations {
                samples[0].push(alone.took());
                samples[1].push(with_tag.took());
            }
        }
        let peak_memory_mb = megabytes(sandbox.process().peak_memory()?);
        for (rounds, samples) in rounds.iter_mut().zip(&samples) {
            rounds.push(Round {
                p50_us: microseconds(samples.median()),
                p99_us: microseconds(samples.quantile(0.99)),
                floor_us: 0.0,
                peak_memory_mb,
            });
        }
    }
    let summary = |route: Route, rounds: &[Round]| {
        let of = |part: fn(&Round) -> f64| median(rounds.iter().map(part));
        Warm {
            function: "api",
            route: route.name,
            p50_us: of(|round| round.p50_us),
            p99_us: of(|round| round.p99_us),
            round_trips: None,
            peak_memory_mb: of(|round| round.peak_memory_mb),
        }
    };
    Ok([summary(patch(), &rounds[0]), summary(patch_if_match(""), &rounds[1])])
}

async fn candidates(bench: &Bench) -> Result<Vec<Candidate>, BenchError> {
    let alone = |name, route| Candidate::new(bench.function(name, Transport::Plain), vec![route], Vec::new());
    let mut candidates = vec![
        alone("echo", echo()),
        alone("getitem", get_one()),
        alone("authorizer", authorize()),
    ];
    let api = bench.function("api", Transport::Plain);
    for routes in reads().into_iter().map(|route| vec![route]).chain([writes()]) {
        let round_trips = round_trips::record(&bench.aws, &api, &routes).await?;
        candidates.push(Candidate::new(api.clone(), routes, round_trips));
    }
    Ok(candidates)
}

impl Candidate {
    fn new(function: Function, routes: Vec<Route>, round_trips: Vec<RoundTrips>) -> Self {
        let rounds = routes.iter().map(|_| Vec::new()).collect();
        Self {
            function,
            routes,
            round_trips,
            rounds,
        }
    }

    async fn measure(&mut self, bench: &Bench) -> Result<(), BenchError> {
        let times = bench.effort.invocations;
        let mut sandbox = bench.start(&self.function).await?;
        invoke(&mut sandbox, &self.routes, times).await?;
        let invocations = invoke(&mut sandbox, &self.routes, times).await?;
        let floors = self.measure_floors(bench).await?;
        let peak_memory_mb = megabytes(sandbox.process().peak_memory()?);
        for (index, (rounds, samples)) in self.rounds.iter_mut().zip(&invocations).enumerate() {
            rounds.push(Round {
                p50_us: microseconds(samples.median()),
                p99_us: microseconds(samples.quantile(0.99)),
                floor_us: microseconds(floors.get(index).map(Samples::median).unwrap_or_default()),
                peak_memory_mb,
            });
        }
        Ok(())
    }

    async fn measure_floors(&self, bench: &Bench) -> Result<Vec<Samples>, BenchError> {
        if self.round_trips.is_empty() {
            return Ok(Vec::new());
        }
        let mut floor = round_trips::floor(bench, &self.round_trips).await?;
        let places = self.routes.iter().enumerate();
        let replays: Vec<_> = places
            .map(|(place, route)| round_trips::replay(route.name, place))
            .collect();
        invoke(&mut floor, &replays, bench.effort.invocations).await?;
        invoke(&mut floor, &replays, bench.effort.invocations).await
    }

    fn summary(&self) -> impl Iterator<Item = Warm> {
        self.routes
            .iter()
            .zip(&self.rounds)
            .enumerate()
            .map(|(index, (route, rounds))| {
                let of = |part: fn(&Round) -> f64| median(rounds.iter().map(part));
                Warm {
                    function: self.function.name,
                    route: route.name,
                    p50_us: of(|round| round.p50_us),
                    p99_us: of(|round| round.p99_us),
                    round_trips: self.round_trips.get(index).map(|trips| RoundTripTimes {
                        count: trips.count(),
                        floor_p50_us: of(|round| round.floor_us),
                    }),
                    peak_memory_mb: of(|round| round.peak_memory_mb),
                }
            })
    }
}
