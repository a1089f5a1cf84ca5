//! The floor of a route: a function that makes the route's round trips to DynamoDB, and does nothing else.
//!
//! `lambda_runtime`, one persistent connection, and requests that were signed and recorded beforehand:
//! `ROUND_TRIPS` is a file with a list of requests for each route, and an event is the number of a route.

use std::{env, fs};

use http::{HeaderName, HeaderValue, Request};
use http_body_util::{BodyExt, Full};
use hyper::{
    body::Bytes,
    client::conn::http1::{self, SendRequest},
};
use hyper_util::rt::TokioIo;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde::Deserialize;
use tokio::{net::TcpStream, sync::Mutex};

#[derive(Deserialize)]
struct Recorded {
    headers: Vec<(String, String)>,
    body: String,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let routes: Vec<Vec<Recorded>> = serde_json::from_slice(&fs::read(env::var("ROUND_TRIPS")?)?)?;
    let routes: Vec<Vec<_>> = routes
        .iter()
        .map(|requests| requests.iter().map(request).collect())
        .collect::<Result<_, _>>()?;
    let connection = Mutex::new(connect().await?);
    let reply = async |event: LambdaEvent<usize>| {
        let requests = routes.get(event.payload).ok_or("there is no such route")?;
        let mut connection = connection.lock().await;
        for request in requests {
            let reply = connection.send_request(request.clone()).await?;
            let status = reply.status();
            reply.into_body().collect().await?;
            if !status.is_success() {
                return Err(Error::from(format!("DynamoDB responded with {status}")));
            }
        }
        Ok(requests.len())
    };
    lambda_runtime::run(service_fn(reply)).await
}

fn request(recorded: &Recorded) -> Result<Request<Full<Bytes>>, Error> {
    let mut request = Request::post("/").body(Full::new(Bytes::from(recorded.body.clone())))?;
    for (name, value) in &recorded.headers {
        request
            .headers_mut()
            .append(HeaderName::try_from(name)?, HeaderValue::try_from(value)?);
    }
    Ok(request)
}

async fn connect() -> Result<SendRequest<Full<Bytes>>, Error> {
    let stream = TcpStream::connect(env::var("DYNAMODB")?).await?;
    stream.set_nodelay(true)?;
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    Ok(sender)
}
