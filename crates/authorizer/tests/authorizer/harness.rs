//! An authorizer with keys, a clock and a log that the tests control.

use std::{
    collections::VecDeque,
    fs,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use authorizer::{
    Authorizer, Clock,
    config::Settings,
    keys::{KeySource, KeySourceError, Keys},
};
use chrono::{DateTime, TimeDelta, Utc};
use lambda::{Handler, HandlerError, Invocation, logging::REQUEST_TARGET};
use serde_json::Value;
use tenant_core::signature::{KeyError, SigningKey};
use testing::{CapturedLog, json_format};

/// The key of the published vectors, with which the fixtures are signed.
pub(crate) const KEY: &[u8] = b"example-psk-0123456789abcdef";
/// The key before it.
pub(crate) const PREVIOUS_KEY: &[u8] = b"previous-psk-fedcba9876543210";
/// A key that signed nothing.
pub(crate) const OTHER_KEY: &[u8] = b"another-psk-89abcdef01234567";
/// One second after most fixtures were signed.
pub(crate) const NOW: DateTime<Utc> = DateTime::from_timestamp(1_705_314_601, 0).unwrap();
/// When the current key was written: a day before.
pub(crate) const WRITTEN: DateTime<Utc> = DateTime::from_timestamp(1_705_314_601 - 86_400, 0).unwrap();

pub(crate) fn key(value: &[u8]) -> SigningKey {
    SigningKey::new(value).unwrap()
}

/// A clock that stops until it is advanced.
#[derive(Clone)]
pub(crate) struct TestClock(Arc<AtomicI64>);

impl TestClock {
    pub(crate) fn new() -> Self {
        Self(Arc::new(AtomicI64::new(0)))
    }

    pub(crate) fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::Relaxed);
    }
}

impl Clock for TestClock {
    fn now(&self) -> DateTime<Utc> {
        NOW + TimeDelta::seconds(self.0.load(Ordering::Relaxed))
    }
}

/// The result of one read.
#[derive(Clone, Copy)]
pub(crate) enum Script {
    /// This key, and perhaps one before it.
    Keys(&'static [u8], Option<&'static [u8]>),
    /// An outage.
    Failure,
    /// A statement of the source that ends the cached keys.
    Withdrawal(Withdrawal),
}

/// How a key is withdrawn.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Withdrawal {
    Deleted,
    Unreadable,
    Nonsense,
    Rejected,
}

impl Withdrawal {
    pub(crate) const ALL: [Self; 4] = [Self::Deleted, Self::Unreadable, Self::Nonsense, Self::Rejected];

    fn error(self) -> KeySourceError {
        match self {
            Self::Deleted => KeySourceError::Missing("/psk".to_owned()),
            Self::Unreadable => KeySourceError::AccessDenied("denied".into()),
            Self::Nonsense => KeySourceError::Unusable {
                name: "/psk".to_owned(),
                source: KeyError::TooShort,
            },
            Self::Rejected => KeySourceError::Rejected("rejected".into()),
        }
    }
}

/// A source that returns the entries of a list, whose last one repeats, and counts its reads.
#[derive(Clone)]
pub(crate) struct ScriptedSource {
    script: Arc<Mutex<VecDeque<Script>>>,
    reads: Arc<AtomicUsize>,
    takes: Duration,
}

impl ScriptedSource {
    pub(crate) fn new(script: impl IntoIterator<Item = Script>) -> Self {
        let script = Arc::new(Mutex::new(script.into_iter().collect()));
        Self {
            script,
            reads: Arc::default(),
            takes: Duration::ZERO,
        }
    }

    pub(crate) fn slow(script: impl IntoIterator<Item = Script>) -> Self {
        Self {
            takes: Duration::from_millis(100),
            ..Self::new(script)
        }
    }

    pub(crate) fn reads(&self) -> usize {
        self.reads.load(Ordering::Relaxed)
    }
}

impl KeySource for ScriptedSource {
    async fn fetch(&self) -> Result<Keys, KeySourceError> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(self.takes).await;
        let mut script = self.script.lock().unwrap();
        let entry = if script.len() > 1 {
            script.pop_front()
        } else {
            script.front().copied()
        };
        match entry.unwrap() {
            Script::Keys(current, None) => Ok(Keys::new(key(current), Some(3))),
            Script::Keys(current, Some(previous)) => Ok(Keys::new(key(current), Some(3))
                .written_at(WRITTEN)
                .with_previous(key(previous), Some(2))),
            Script::Failure => Err(KeySourceError::TimedOut),
            Script::Withdrawal(withdrawal) => Err(withdrawal.error()),
        }
    }
}

/// An authorizer whose keys are those of the fixtures.
pub(crate) fn authorizer(settings: Settings) -> Authorizer<ScriptedSource, TestClock> {
    let source = ScriptedSource::new([Script::Keys(KEY, Some(PREVIOUS_KEY))]);
    Authorizer::with_clock(source, settings, TestClock::new())
}

pub(crate) fn fixture(name: &str) -> Vec<u8> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/authorizer/fixtures")
        .join(name);
    fs::read(file.with_extension("json")).unwrap()
}

pub(crate) fn invocation() -> Invocation {
    Invocation {
        request_id: "lambda-request-1".to_owned(),
        trace_id: Some("Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0".to_owned()),
        deadline: None,
        cold_start: false,
    }
}

/// The decision of an authorizer.
#[derive(Debug, PartialEq)]
pub(crate) enum Decision {
    /// With the context.
    Allow(Value),
    Deny,
}

/// Invokes an authorizer, and checks that API Gateway would accept its response.
pub(crate) async fn decide(authorizer: &impl Handler, event: &[u8]) -> Result<Decision, HandlerError> {
    let response = authorizer.invoke(event, &invocation()).await?;
    let response: Value = serde_json::from_slice(&response).unwrap();
    let event: Value = serde_json::from_slice(event).unwrap();
    let policy = &response["policyDocument"];
    let statements = policy["Statement"].as_array().unwrap();
    assert_eq!(policy["Version"], "2012-10-17");
    assert_eq!(statements.len(), 1);
    assert_eq!(statements[0]["Action"], "execute-api:Invoke");
    assert_eq!(statements[0]["Resource"], event["methodArn"]);
    assert!(!response["principalId"].as_str().unwrap().is_empty());
    match statements[0]["Effect"].as_str().unwrap() {
        "Allow" => {
            assert!(response["context"].as_object().unwrap().values().all(Value::is_string));
            Ok(Decision::Allow(response["context"].clone()))
        }
        "Deny" => {
            assert_eq!(response.as_object().unwrap().len(), 2, "a denial has no other member");
            Ok(Decision::Deny)
        }
        effect => panic!("unknown effect {effect}"),
    }
}

/// Captures everything that this thread logs, at the most verbose level.
pub(crate) fn capture_log() -> CapturedLog {
    CapturedLog::of_this_thread(json_format)
}

/// The lines of invocations, each with its members.
pub(crate) fn request_lines(log: &CapturedLog) -> Vec<Value> {
    let lines = own_lines(log).into_iter();
    lines.filter(|line| line.get("decision").is_some()).collect()
}

/// The lines of the authorizer itself, an invocation's with its members.
pub(crate) fn own_lines(log: &CapturedLog) -> Vec<Value> {
    log.json_lines()
        .into_iter()
        .filter(|line| {
            let target = line["target"].as_str().unwrap();
            target.starts_with("authorizer") || target == REQUEST_TARGET
        })
        .map(|mut line| {
            if let Some(members) = line["members"].as_str() {
                let mut members: Value = serde_json::from_str(members).unwrap();
                line.as_object_mut().unwrap().append(members.as_object_mut().unwrap());
            }
            line
        })
        .collect()
}
