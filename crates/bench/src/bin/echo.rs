//! The floor of the platform: `lambda_runtime` and nothing else. It returns its event unread.

use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::value::RawValue;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let echo = async |event: LambdaEvent<Box<RawValue>>| Ok::<_, Error>(event.payload);
    lambda_runtime::run(service_fn(echo)).await
}
