//! The DynamoDB round trips that a route makes, alone: recorded once, then made again by a function that does
//! nothing else.

use std::sync::{Arc, Mutex, PoisonError};

use http::header::CONTENT_LENGTH;
use hyper::body::Bytes;
use serde_json::{Value, json};

use crate::{
    aws::Aws,
    bench::Bench,
    error::{BenchError, During},
    former::without_name,
    logs::Logs,
    proxy::{self, DynamoRequest, Fate},
    routes::Route,
    sandbox::{Function, Sandbox},
};

/// The DynamoDB requests of one route.
#[derive(Debug)]
pub(crate) struct RoundTrips {
    requests: Vec<DynamoRequest>,
}

impl RoundTrips {
    /// The same without the names of the requests that change something.
    pub(crate) fn without_names(&self) -> Result<Self, BenchError> {
        let mut requests = Vec::new();
        for DynamoRequest { head, body } in &self.requests {
            if let Some(former) = without_name(&serde_json::from_slice(body)?) {
                let body = Bytes::from(serde_json::to_vec(&former)?);
                let mut head = head.clone();
                head.headers.insert(CONTENT_LENGTH, body.len().into());
                requests.push(DynamoRequest { head, body });
            }
        }
        Ok(Self { requests })
    }

    /// The number of requests for one response.
    pub(crate) fn count(&self) -> usize {
        self.requests.len()
    }
}

/// Records the DynamoDB requests of the api function for each of these routes.
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
    // Requests of the init phase belong to no route.
    take();
    let mut recorded = Vec::new();
    for route in routes {
        route.check(&sandbox.invoke(&route.event()).await?)?;
        recorded.push(RoundTrips { requests: take() });
    }
    Ok(recorded)
}

/// Starts the floor of these routes: the function `roundtrip`, which makes their round trips and does nothing else. It
/// takes [`replay`]s of them by their place in `round_trips`.
///
/// It replaces the api function in its sandbox, since a round trip takes a process that was waiting several times as long
/// as a loop that keeps both sides awake.
pub(crate) async fn floor(bench: &Bench, round_trips: &[RoundTrips]) -> Result<Sandbox, BenchError> {
    let routes: Vec<Vec<_>> = round_trips.iter().map(RoundTrips::to_json).collect();
    let mut file = tempfile::NamedTempFile::new().during("write down requests")?;
    serde_json::to_writer(&mut file, &routes)?;
    let function = Function::new("roundtrip", bench.programs.path("roundtrip"))
        .with("ROUND_TRIPS", file.path().display().to_string())
        .with("DYNAMODB", bench.aws.dynamodb().to_string());
    // It has read the file when it is ready.
    bench.start(&function).await
}

/// The route's place among those of the [`floor`].
pub(crate) fn replay(route: &'static str, place: usize) -> Route {
    Route::for_floor(route, place)
}

impl RoundTrips {
    fn to_json(&self) -> Vec<Value> {
        let requests = self.requests.iter().map(|DynamoRequest { head, body }| {
            let headers: Vec<_> = head
                .headers
                .iter()
                .map(|(name, value)| (name.as_str(), String::from_utf8_lossy(value.as_bytes())))
                .collect();
            json!({"headers": headers, "body": String::from_utf8_lossy(body)})
        });
        requests.collect()
    }
}
