//! Which failures an operation can respond with, by what the operation takes. `description` has their definitions.

use std::collections::BTreeMap;

use utoipa::{IntoResponses, openapi};

/// Each group is a list of statuses and of the names of their responses.
macro_rules! groups {
    ($($(#[$meta:meta])* $name:ident: [$(($status:literal, $response:literal)),* $(,)?];)*) => {$(
        $(#[$meta])*
        pub(crate) struct $name;

        impl IntoResponses for $name {
            fn responses() -> BTreeMap<String, openapi::RefOr<openapi::Response>> {
                let responses = [$(($status, $response)),*];
                responses
                    .map(|(status, name)| (status.to_owned(), openapi::Ref::from_response_name(name).into()))
                    .into()
            }
        }
    )*};
}

groups! {
    /// An operation that needs no signature. Other methods of its URL need one, so they are a 401 or a 403 without it and a
    /// 405 with it.
    Open: [
        ("400", "InvalidRequest"),
        ("401", "Unauthorized"),
        ("403", "Forbidden"),
        ("405", "MethodNotAllowed"),
        ("413", "BodyTooLarge"),
        ("429", "TooManyRequests"),
        ("500", "ServiceFailed"),
        ("504", "ResponseTimeout"),
    ];
    /// An operation that needs a signature.
    Signed: [
        ("400", "InvalidRequest"),
        ("401", "Unauthorized"),
        ("403", "Forbidden"),
        ("404", "NotFound"),
        ("405", "MethodNotAllowed"),
        ("413", "BodyTooLarge"),
        ("429", "TooManyRequests"),
        ("500", "ServiceFailed"),
        ("502", "BadResponse"),
        ("503", "Unavailable"),
        ("504", "ResponseTimeout"),
    ];
    /// An operation that honours `If-Match` or `If-None-Match`.
    Conditional: [("412", "PreconditionFailed")];
    /// An operation with a JSON body whose fields have rules.
    JsonBody: [("415", "UnsupportedMediaType"), ("422", "BrokenRules")];
    /// An operation with a JSON body other than a configuration.
    OtherJsonBody: [("415", "UnsupportedMediaType")];
    /// An operation that creates something.
    Exists: [("409", "AlreadyExists")];
    /// An operation that changes something that may have been written by hand.
    Unchangeable: [("409", "UnchangeableKey")];
    /// An operation that restores a revision.
    NotRestorable: [("409", "NotRestorable")];
    /// An operation that sends something again.
    WebhookDisabled: [("409", "WebhookDisabled")];
    /// An operation that creates a webhook.
    TooManyWebhooks: [("409", "TooManyWebhooks")];
    /// An operation that follows a feed.
    CursorExpired: [("410", "CursorExpired")];
    /// An operation that consists of others.
    OperationsFailed: [("207", "OperationsFailed")];
    /// The health check.
    Unhealthy: [("503", "Unhealthy")];
}
