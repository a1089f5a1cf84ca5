//! How a request is signed, and how a signature is verified.
//!
//! `Authorization: HMAC-SHA256 <hex>` contains `HMAC-SHA256(key, METHOD + URI + TIMESTAMP [+ BODY_SHA256])`, the parts
//! concatenated without a separator. `TIMESTAMP` is the text of `X-API-Timestamp`; `BODY_SHA256` is the text of
//! `X-Body-SHA256`, for a client that sends it. The grammar of each part is strict, so that a message has exactly one
//! reading and no two requests share one. A method is letters and ends where the URI's `/` begins. A digest is 64 hex
//! digits, which a timestamp cannot end with. A timestamp ends the rest: the one `T` in it is its eleventh character, so its
//! beginning is known whatever its end is.
//!
//! API Gateway does not pass the request line to its authorizer, only the parts that it decoded from it. [`CandidateUris`] are the
//! URIs that the client may have signed; a request is genuine when one of them verifies.
//!
//! # Cost
//!
//! A candidate costs one HMAC of at most about 2,150 bytes, without key setup: [`SigningKey`] keeps the keyed state. With two paths and
//! `k` query pairs a request that does not verify costs, for each key,
//!
//! | `k` | 0 | 1 | 2 | 3 | 4 | 5 to 16 | more |
//! |---|---|---|---|---|---|---|---|
//! | HMACs at most | 2 | 8 | 16 | 48 | 192 | 16 | 0 |
//! | without a space, `*` and `~` in the query | 2 | 4 | 8 | 24 | 96 | 8 | 0 |
//!
//! A client that signs the canonical form is verified by the first or the second. Candidates are generated
//! one at a time and not kept.
//!
//! This module has no clock and no I/O: `now` is an argument.

mod body_digest;
mod candidates;
mod error;
mod key;
mod method;
mod query;
mod query_orders;
mod request;
mod signature_value;
mod timestamp;
mod uri;

use chrono::TimeDelta;

pub use body_digest::BodyDigest;
pub use candidates::CandidateUris;
pub use error::SignatureError;
pub use key::{KeyError, KeyWarning, SigningKey};
pub use method::Method;
pub use request::{Message, SignedRequest, sign, verify};
pub use signature_value::Signature;
pub use timestamp::Timestamp;
pub use uri::Uri;

/// The scheme's name in `Authorization`, written in any case.
pub const SCHEME: &str = "HMAC-SHA256";
/// How far a timestamp may be from now, on either side: 5 minutes, inclusive.
pub const WINDOW: TimeDelta = TimeDelta::seconds(5 * 60);
/// The longest URI, path and query together.
pub const MAX_URI_BYTES: usize = 2_048;
/// The most query pairs of a request; a name that is repeated counts each time.
pub const MAX_QUERY_PAIRS: usize = 16;
/// Up to this many query pairs, every order is a candidate: 4! = 24 orders.
pub const MAX_PAIRS_IN_ANY_ORDER: usize = 4;
/// The shortest key. An HMAC key of less than 128 bits can be found by search.
pub const MIN_KEY_BYTES: usize = 16;
