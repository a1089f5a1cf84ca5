//! SSM on a loopback port, as far as `GetParameters` goes.

use authorizer::keys::ssm::{SsmKeySource, client};
use serde_json::{Value, json};
pub(crate) use testing::AwsReply as Reply;
use testing::AwsServer;

/// The server, which ends when it is dropped.
pub(crate) struct SsmServer(AwsServer);

impl SsmServer {
    /// A server that responds to each call with `reply` of its parsed body.
    pub(crate) async fn start(reply: impl Fn(&Value) -> Reply + Send + Sync + 'static) -> Self {
        let reply = move |call: &testing::AwsCall| {
            assert_eq!(call.target, "AmazonSSM.GetParameters");
            reply(&call.input)
        };
        Self(AwsServer::start(reply).await)
    }

    /// The bodies of the calls so far.
    pub(crate) fn calls(&self) -> Vec<Value> {
        self.0.calls().into_iter().map(|call| call.input).collect()
    }

    /// The production key source, with its production time limits, pointed here.
    pub(crate) fn source(&self, parameter: &str) -> SsmKeySource {
        SsmKeySource::new(client(&self.0.sdk_config()), parameter.parse().unwrap())
    }
}

/// A parameter as SSM shows it; one that was selected by a label shows the label.
pub(crate) fn parameter(name: &str, value: &[u8], version: i64, selector: Option<&str>) -> Value {
    let mut parameter = json!({
        "Name": name,
        "Type": "SecureString",
        "Value": str::from_utf8(value).unwrap(),
        "Version": version,
        "ARN": format!("arn:aws:ssm:us-east-1:123456789012:parameter{name}"),
        "DataType": "text",
        // A day before the fixtures were signed.
        "LastModifiedDate": 1_705_228_200.123,
    });
    if let Some(selector) = selector {
        parameter["Selector"] = json!(selector);
    }
    parameter
}

/// A response with what was found and what was not.
pub(crate) fn found(parameters: &[Value], invalid: &[&str]) -> Reply {
    Reply::Json(200, json!({"Parameters": parameters, "InvalidParameters": invalid}))
}

/// An error as SSM sends it.
pub(crate) fn rejected(status: u16, code: &str) -> Reply {
    Reply::rejection(status, code)
}
