//! The DynamoDB round trips that a route makes, alone: recorded once, then sent again by a client that does nothing else.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use http::Request;
use http_body_util::{BodyExt, Full};
use hyper::{body::Bytes, client::conn::http1::SendRequest};

use crate::{
    aws::Aws,
    error::BenchError,
    logs::Logs,
    proxy::{self, DynamoRequest, Fate},
    routes::Route,
    sandbox::{Function, Sandbox},
    stats::Samples,
};

/// What one route asks of DynamoDB.
#[derive(Debug)]
pub(crate) struct RoundTrips {
    requests: Vec<DynamoRequest>,
}

impl RoundTrips {
    /// How many requests one answer takes.
    pub(crate) fn count(&self) -> usize {
        self.requests.len()
    }
}

/// Sees what the api function asks of DynamoDB for each of these routes.
pub(crate) async fn record(aws: &Aws, api: &Function, routes: &[Route]) -> Result<Vec<RoundTrips>, BenchError> {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let observer = Arc::clone(&seen);
    let proxy = proxy::start(aws, move |request| {
        observer
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(request.clone());
        Fate::Pass
    })?;
    let api = api.clone().with("AWS_ENDPOINT_URL_DYNAMODB", format!("http://{proxy}"));
    let mut sandbox = Sandbox::start(&api, &Logs::discarded()?).await?;
    sandbox.ready().await?;
    let take = || std::mem::take(&mut *seen.lock().unwrap_or_else(PoisonError::into_inner));
    // What the init phase asks belongs to no route.
    take();
    let mut recorded = Vec::new();
    for route in routes {
        route.check(&sandbox.invoke(&route.event()).await?)?;
        recorded.push(RoundTrips { requests: take() });
    }
    Ok(recorded)
}

/// Sends the requests of all these routes in turn, again and again, and times each route's.
pub(crate) async fn replay(
    connection: &mut SendRequest<Full<Bytes>>,
    round_trips: &[&RoundTrips],
    times: usize,
) -> Result<Vec<Samples>, BenchError> {
    let mut samples = vec![Samples::default(); round_trips.len()];
    for _ in 0..times {
        for (trips, samples) in round_trips.iter().zip(&mut samples) {
            let mut took = std::time::Duration::ZERO;
            for DynamoRequest { head, body } in &trips.requests {
                let request = Request::from_parts(head.clone(), Full::new(body.clone()));
                let began = Instant::now();
                connection.send_request(request).await?.into_body().collect().await?;
                took += began.elapsed();
            }
            samples.push(took);
        }
    }
    Ok(samples)
}
