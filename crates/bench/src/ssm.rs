//! A stand-in for SSM: the response to every request is that of a `GetParameters` that found one parameter.

use std::convert::Infallible;

use http::{Request, Response, header};
use http_body_util::Full;
use hyper::{
    body::{Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::net::TcpListener;

/// The parameter's name, for `PSK_PARAMETER_NAME`.
pub(crate) const PARAMETER: &str = "/bench/psk";
/// Its value.
pub(crate) const PSK: &str = "c2l4dHktZm91ciBieXRlcyBvZiBhIGtleSB0aGF0IG5vYm9keSBldmVyIHVzZXM=";

/// Serves for as long as the runtime lives.
pub(crate) async fn serve(listener: TcpListener) {
    let reply = json!({
        "Parameters": [{
            "ARN": format!("arn:aws:ssm:us-east-1:123456789012:parameter{PARAMETER}"),
            "DataType": "text",
            "LastModifiedDate": 1_705_314_600.123,
            "Name": PARAMETER,
            "Type": "SecureString",
            "Value": PSK,
            "Version": 1,
        }],
        "InvalidParameters": [format!("{PARAMETER}:previous")],
    });
    let reply = Bytes::from(reply.to_string());
    while let Ok((stream, _)) = listener.accept().await {
        let _ = stream.set_nodelay(true);
        let reply = reply.clone();
        let service = service_fn(move |_: Request<Incoming>| {
            let response = Response::builder()
                .header(header::CONTENT_TYPE, "application/x-amz-json-1.1")
                .body(Full::new(reply.clone()))
                .expect("a constant header is valid");
            async { Ok::<_, Infallible>(response) }
        });
        tokio::spawn(async move {
            http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await
        });
    }
}
