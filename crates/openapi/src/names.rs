//! The names that examples have of what the service names itself.

use tenant_core::history::Revision;

/// The name of a webhook.
pub(crate) const WEBHOOK: &str = "wh_6f1c0d9ab3e84f5d8a6e2b7c9d0e1f23";
/// The name of a replay.
pub(crate) const REPLAY: &str = "rp_6f1c0d9ab3e84f5d8a6e2b7c9d0e1f23";

/// The name of a revision.
pub(crate) fn revision_example() -> String {
    let time = "2024-01-15T10:30:00Z".parse().unwrap();
    let revision = Revision::from_record("2024-01-01T00:00:00.000", "123456789012345678901", time);
    revision.unwrap().to_string()
}

/// The name of an event.
pub(crate) fn event_example() -> String {
    format!("evt_{}", revision_example())
}
