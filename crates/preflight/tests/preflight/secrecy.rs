//! No credential leaves the crate, whatever the log level and whoever listens.

use crate::{
    aws::{Aws, Fault, SECRET, SERVICE_KEY, TOKEN},
    capture::Capture,
    harness::{cloudwatch, s3, sdk, sound, validate},
};

#[tokio::test]
async fn the_credentials_obtained_never_appear_in_a_log_or_an_answer() {
    let capture = Capture::of_everything();
    let mut answers = vec![validate(sound(), cloudwatch()).await, validate(sound(), s3()).await];
    // A refusal on the way, and an answer that cannot be read although it holds credentials.
    let mut refusing = sound();
    refusing.roles.truncate(1);
    answers.push(validate(refusing, cloudwatch()).await);
    let mut senseless = sound();
    senseless.faults = vec![("sts:AssumeRole", Fault::NoSense)];
    answers.push(validate(senseless, cloudwatch()).await);

    let logged = capture.text();
    assert!(
        logged.contains("a call of the validation failed"),
        "the crate's own lines are listened to"
    );
    let told = format!("{logged} {}", serde_json::to_string(&answers).unwrap());
    for secret in [SECRET, TOKEN, "ASIASESSION", "service-secret"] {
        assert!(!told.contains(secret), "{secret} in {told}");
    }

    // The same calls without the guard: were the SDK silent by itself, the test would prove nothing.
    let aws = Aws::start(sound()).await;
    aws_sdk_sts::Client::new(&sdk(&aws.endpoint))
        .get_caller_identity()
        .send()
        .await
        .unwrap();
    assert!(capture.text().contains(SERVICE_KEY), "the SDK's lines are listened to");
}
