//! No credential leaves the crate, whatever the log level and the subscriber.

use testing::{CapturedLog, text_format};

use crate::{
    aws::{Aws, Fault, SECRET, SERVICE_KEY, TOKEN},
    harness::{cloudwatch, s3, sdk, validate, working},
};

#[tokio::test]
async fn credentials_never_appear_in_a_log_or_a_result() {
    let log = CapturedLog::of_this_process(text_format);
    let mut results = vec![validate(working(), cloudwatch()).await, validate(working(), s3()).await];
    // A denial in the chain, and a malformed response that contains credentials.
    let mut denying = working();
    denying.roles.truncate(1);
    results.push(validate(denying, cloudwatch()).await);
    let mut malformed = working();
    malformed.faults = vec![("sts:AssumeRole", Fault::Malformed)];
    results.push(validate(malformed, cloudwatch()).await);

    let logged = log.text();
    assert!(
        logged.contains("an AWS call failed during validation"),
        "the crate's own lines are captured"
    );
    let output = format!("{logged} {}", serde_json::to_string(&results).unwrap());
    for secret in [SECRET, TOKEN, "ASIASESSION", "service-secret"] {
        assert!(!output.contains(secret), "{secret} in {output}");
    }

    // The same call outside the crate: if the SDK logged nothing, the test would prove nothing.
    let aws = Aws::start(working()).await;
    aws_sdk_sts::Client::new(&sdk(&aws.endpoint))
        .get_caller_identity()
        .send()
        .await
        .unwrap();
    assert!(log.text().contains(SERVICE_KEY), "the SDK's lines are captured");
}
