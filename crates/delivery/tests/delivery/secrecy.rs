//! No credential leaves the crate, whatever the log level and whoever listens.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
};

use tracing_subscriber::{filter::LevelFilter, fmt::MakeWriter};

use crate::{
    aws::{Aws, Fault, SECRET, SERVICE_KEY, TOKEN},
    harness::{cloudwatch, s3, sdk, sound, validate},
};

#[derive(Clone, Default)]
struct Capture(Arc<Mutex<Vec<u8>>>);

impl Write for Capture {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Capture {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

impl Capture {
    /// Listens to everything in this process, other threads and the SDK's own tasks included.
    fn start() -> Self {
        let capture = Self::default();
        let subscriber = tracing_subscriber::fmt()
            .json()
            .with_max_level(LevelFilter::TRACE)
            .with_writer(capture.clone());
        tracing::subscriber::set_global_default(subscriber.finish()).unwrap();
        capture
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

#[tokio::test]
async fn the_credentials_obtained_never_appear_in_a_log_or_an_answer() {
    let capture = Capture::start();
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
