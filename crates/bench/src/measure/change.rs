//! What it costs that a change names its request: PATCH writes an attribute more, and DELETE marks the item first.
//!
//! The former writes are made of the recorded ones, and both are made by the floor, which does nothing else. Where there
//! are as many calls as before, what the api function does beside its round trips is the same with both, so its former
//! time is the present one without the difference of the two. A call more also costs the time of the SDK. So the former
//! time of DELETE is that of one which finds nothing and ends after its first call.

use serde::Serialize;

use crate::{
    aws::Transport,
    bench::{Bench, invoke},
    error::BenchError,
    round_trips::{self, RoundTrips},
    routes::{Route, delete_nothing, writes},
    stats::{Samples, median, microseconds},
};

/// One route: medians over the rounds.
#[derive(Debug, Serialize)]
pub(crate) struct Change {
    pub(crate) route: &'static str,
    /// Of the api function.
    pub(crate) p50_us: f64,
    /// Of its round trips alone.
    pub(crate) floor_p50_us: f64,
    /// Of the round trips that it made without the name of the request.
    pub(crate) former_floor_p50_us: f64,
    /// The present time of the function in relation to the former one.
    pub(crate) ratio: f64,
}

/// What one round has measured of a route, in microseconds.
struct Round {
    api: f64,
    floor: f64,
    former_floor: f64,
    /// Of a deletion that finds nothing.
    one_call: f64,
    /// Whether the route makes more calls than before.
    has_more_calls: bool,
}

impl Round {
    fn ratio(&self) -> f64 {
        if self.has_more_calls {
            self.api / self.one_call
        } else {
            self.api / (self.api - self.floor + self.former_floor)
        }
    }
}

pub(crate) async fn measure(bench: &Bench) -> Result<Vec<Change>, BenchError> {
    let api = bench.function("api", Transport::Plain);
    let routes = writes();
    let now = round_trips::record(&bench.aws, &api, &routes).await?;
    let former = now
        .iter()
        .map(RoundTrips::without_names)
        .collect::<Result<Vec<_>, _>>()?;
    let mut rounds: Vec<Vec<Round>> = routes.iter().map(|_| Vec::new()).collect();
    for round in 1..=bench.effort.rounds {
        bench.progress.report(format_args!(
            "names of changes, round {round} of {}",
            bench.effort.rounds
        ));
        let mut sandbox = bench.start(&api).await?;
        // In turns with the others, which leave the table as it was.
        let with_nothing: Vec<_> = writes().into_iter().chain([delete_nothing()]).collect();
        invoke(&mut sandbox, &with_nothing, bench.effort.invocations).await?;
        let measured = invoke(&mut sandbox, &with_nothing, bench.effort.invocations).await?;
        let one_call = microseconds(measured.last().map(Samples::median).unwrap_or_default());
        drop(sandbox);
        let floor = floor(bench, &routes, &now).await?;
        let former_floor = self::floor(bench, &routes, &former).await?;
        for (index, rounds) in rounds.iter_mut().enumerate() {
            rounds.push(Round {
                api: microseconds(measured[index].median()),
                floor: microseconds(floor[index].median()),
                former_floor: microseconds(former_floor[index].median()),
                one_call,
                has_more_calls: now[index].count() > former[index].count(),
            });
        }
    }
    let changes = routes.iter().zip(&rounds).map(|(route, rounds)| {
        let of = |part: fn(&Round) -> f64| median(rounds.iter().map(part));
        Change {
            route: route.name,
            p50_us: of(|round| round.api),
            floor_p50_us: of(|round| round.floor),
            former_floor_p50_us: of(|round| round.former_floor),
            ratio: of(Round::ratio),
        }
    });
    Ok(changes.collect())
}

/// The round trips of the routes alone, in the same order: together they leave the table as it was.
async fn floor(bench: &Bench, routes: &[Route], round_trips: &[RoundTrips]) -> Result<Vec<Samples>, BenchError> {
    let mut floor = round_trips::floor(bench, round_trips).await?;
    let places = routes.iter().enumerate();
    let replays: Vec<_> = places
        .map(|(place, route)| round_trips::replay(route.name, place))
        .collect();
    invoke(&mut floor, &replays, bench.effort.invocations).await?;
    invoke(&mut floor, &replays, bench.effort.invocations).await
}
