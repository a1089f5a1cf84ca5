//! From an event to an answer.

use std::time::Instant;

use lambda::{Handler, HandlerError, Invocation};
use tenant_core::signature::{SignatureError, SignedRequest};

use crate::{
    answer::Answer,
    claim,
    clock::{Clock, SystemClock},
    config::Settings,
    denial::Denial,
    event::{Event, EventError},
    keys::{Key, KeyCache, KeyRole, KeySource, KeySourceError, KeysUnavailable},
    log::Verdict,
    method_arn::MethodArn,
    metrics::Outcome,
};

/// The authorizer function, with its keys.
#[derive(Debug)]
pub struct Authorizer<S, C = SystemClock> {
    keys: KeyCache<S>,
    settings: Settings,
    clock: C,
}

/// A request that a key holder signed.
struct Verified {
    key_role: KeyRole,
    key_version: String,
    body_sha256: Option<String>,
}

/// Why there is no verdict, or a bad one.
enum Refusal {
    Denied(Denial),
    NoKeys(KeysUnavailable),
}

impl<S: KeySource> Authorizer<S> {
    /// An authorizer with keys from `source`, none of which is read yet.
    pub fn new(source: S, settings: Settings) -> Self {
        Self::with_clock(source, settings, SystemClock)
    }
}

impl<S: KeySource, C: Clock> Authorizer<S, C> {
    /// The same by another clock.
    pub fn with_clock(source: S, settings: Settings, clock: C) -> Self {
        Self {
            keys: KeyCache::new(source),
            settings,
            clock,
        }
    }

    /// Reads the keys ahead of the first request. If that fails, the first request tries again.
    pub async fn prefetch(&self) -> Result<(), KeySourceError> {
        self.keys.prefetch(self.clock.now()).await
    }

    async fn verify(&self, event: &Event<'_>, resource: MethodArn<'_>) -> Result<Verified, Refusal> {
        let now = self.clock.now();
        let request = claim::read(event, self.settings, now)?;
        if resource.is_pattern() {
            return Err(Denial::ResourceIsPattern.into());
        }
        let lease = self.keys.keys(now).await?;
        if let Some(key) = lease.keys().find_signer(&request) {
            return Ok(Verified::new(key, &request));
        }
        // The key may have been replaced since those at hand were read.
        let lease = self
            .keys
            .refresh(&lease, now)
            .await
            .ok_or(SignatureError::WrongSignature)?;
        let key = lease
            .keys()
            .find_signer(&request)
            .ok_or(SignatureError::WrongSignature)?;
        Ok(Verified::new(key, &request))
    }
}

impl<S: KeySource, C: Clock> Handler for Authorizer<S, C> {
    async fn invoke(&self, event: &[u8], invocation: &Invocation) -> Result<Vec<u8>, HandlerError> {
        let started = Instant::now();
        let event = Event::parse(event)?;
        let resource = MethodArn::parse(event.method_arn.as_str())?;
        let result = self.verify(&event, resource).await;
        let (outcome, reason, key_version) = match &result {
            Ok(verified) => {
                let by_previous_key = verified.key_role == KeyRole::Previous;
                (
                    Outcome::Allowed { by_previous_key },
                    "verified",
                    Some(verified.key_version.as_str()),
                )
            }
            Err(Refusal::Denied(denial)) => (Outcome::Denied, denial.reason(), None),
            Err(Refusal::NoKeys(_)) => (Outcome::Failed, "keys_unavailable", None),
        };
        let verdict = Verdict {
            outcome,
            reason,
            key_version,
            duration: started.elapsed(),
            key_events: self.keys.take_events(),
        };
        verdict.write(&event, invocation);
        match result {
            Ok(verified) => Ok(Answer::allow(resource, &verified.key_version, verified.body_sha256).to_json()),
            Err(Refusal::Denied(_)) => Ok(Answer::deny(resource).to_json()),
            Err(Refusal::NoKeys(error)) => Err(HandlerError::new("KeysUnavailable", error.to_string())),
        }
    }
}

impl Verified {
    fn new(key: &Key, request: &SignedRequest) -> Self {
        Self {
            key_role: key.role(),
            key_version: key.version().to_owned(),
            body_sha256: request
                .body_digest
                .as_ref()
                .map(tenant_core::signature::BodyDigest::to_lower_hex),
        }
    }
}

impl From<Denial> for Refusal {
    fn from(denial: Denial) -> Self {
        Self::Denied(denial)
    }
}

impl From<SignatureError> for Refusal {
    fn from(error: SignatureError) -> Self {
        Self::Denied(error.into())
    }
}

impl From<KeysUnavailable> for Refusal {
    fn from(error: KeysUnavailable) -> Self {
        Self::NoKeys(error)
    }
}

impl From<EventError> for HandlerError {
    fn from(error: EventError) -> Self {
        Self::new("InvalidEvent", error.to_string())
    }
}
