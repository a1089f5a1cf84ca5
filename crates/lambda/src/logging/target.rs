//! The targets of the lines that are not ordinary ones.

/// The target of an invocation's line.
pub const REQUEST_TARGET: &str = "request";
/// The target of the line of a delivery to a subscriber.
pub const DELIVERY_TARGET: &str = "delivery";
/// The target of lines that report who changed what. They are written at every level.
pub const AUDIT_TARGET: &str = "audit";
/// The target of lines with nothing but metrics, which are written at every level.
pub const METRICS_TARGET: &str = "metrics";
