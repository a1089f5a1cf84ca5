//! From an event to a policy.

use std::{fmt, time::Instant};

use apigw::{MethodArn, authorizer_event::AuthorizerEvent};
use lambda::{Handler, HandlerError, Invocation};
use tenant_core::signature::{SignatureError, SignedRequest};

use crate::{
    clock::{Clock, SystemClock},
    config::Settings,
    denial::Denial,
    header::SignedHeaders,
    keys::{Key, KeyCache, KeyRole, KeySource, KeySourceError, KeysUnavailable},
    log::RequestLine,
    metrics::Outcome,
    policy, signed_request,
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
    /// Whether the signature does not cover the body of a write.
    is_unbound_write: bool,
}

/// Why a request is not verified.
enum NotVerified {
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
    /// The same with another clock.
    pub fn with_clock(source: S, settings: Settings, clock: C) -> Self {
        Self {
            keys: KeyCache::new(source, settings.previous_key_max_age),
            settings,
            clock,
        }
    }

    /// Reads the keys ahead of the first request. If that fails, the first request tries again.
    pub async fn prefetch(&self) -> Result<(), KeySourceError> {
        self.keys.prefetch(self.clock.now()).await
    }

    async fn verify(&self, event: &AuthorizerEvent<'_>, resource: MethodArn<'_>) -> Result<Verified, NotVerified> {
        let now = self.clock.now();
        let request = signed_request::read(event, self.settings, now)?;
        if resource.is_pattern() {
            return Err(Denial::ResourceIsPattern.into());
        }
        let lease = self.keys.keys(now).await?;
        if let Some(key) = lease.keys().find_signer(&request, now) {
            return Ok(Verified::new(key, &request));
        }
        // The key may have been replaced since the cached ones were read.
        let lease = self
            .keys
            .refresh(&lease, now)
            .await
            .ok_or(SignatureError::WrongSignature)?;
        let key = lease
            .keys()
            .find_signer(&request, now)
            .ok_or(SignatureError::WrongSignature)?;
        Ok(Verified::new(key, &request))
    }
}

impl<S: KeySource, C: Clock> Handler for Authorizer<S, C> {
    async fn invoke(&self, event: &[u8], invocation: &Invocation) -> Result<Vec<u8>, HandlerError> {
        let started = Instant::now();
        let event = AuthorizerEvent::parse::<SignedHeaders>(event).map_err(invalid_event)?;
        let resource = MethodArn::parse(event.method_arn()).map_err(invalid_event)?;
        let result = self.verify(&event, resource).await;
        let (outcome, reason, key_version) = match &result {
            Ok(verified) => (
                Outcome::Allowed {
                    by_previous_key: verified.key_role == KeyRole::Previous,
                    is_unbound_write: verified.is_unbound_write,
                },
                "verified",
                Some(verified.key_version.as_str()),
            ),
            Err(NotVerified::Denied(denial)) => (Outcome::Denied, denial.reason(), None),
            Err(NotVerified::NoKeys(_)) => (Outcome::Failed, "keys_unavailable", None),
        };
        let line = RequestLine {
            outcome,
            reason,
            key_version,
            duration: started.elapsed(),
            key_events: self.keys.take_events(),
        };
        line.write(&event, invocation);
        match result {
            Ok(verified) => Ok(policy::allow(resource, &verified.key_version, verified.body_sha256)),
            Err(NotVerified::Denied(_)) => Ok(policy::deny(resource)),
            Err(NotVerified::NoKeys(error)) => Err(HandlerError::new("KeysUnavailable", error.to_string())),
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
            is_unbound_write: signed_request::is_unbound_write(&request.method, request.body_digest.is_some()),
        }
    }
}

impl From<Denial> for NotVerified {
    fn from(denial: Denial) -> Self {
        Self::Denied(denial)
    }
}

impl From<SignatureError> for NotVerified {
    fn from(error: SignatureError) -> Self {
        Self::Denied(error.into())
    }
}

impl From<KeysUnavailable> for NotVerified {
    fn from(error: KeysUnavailable) -> Self {
        Self::NoKeys(error)
    }
}

fn invalid_event(error: impl fmt::Display) -> HandlerError {
    HandlerError::new("InvalidEvent", error.to_string())
}
