//! The same events on a bus of `EventBridge`, for those who have rules there.

use tenant_aws::event_bus::{BusEvent, EventBus};
use tenant_core::{
    history::Entry,
    webhook::{EventType, config_event},
};

/// What the rules of a bus match as the source.
const SOURCE: &str = "tenant-management";

/// Puts the event of each entry on the bus: the body of a webhook is its detail.
///
/// What the bus does not take is lost to it, as it is not kept anywhere: the history has the change, and must not wait for
/// a bus that somebody has deleted.
pub(crate) async fn put(bus: &EventBus, entries: &[&Entry]) {
    let events = entries.iter().filter_map(|entry| {
        let event = EventType::for_entry(entry)?;
        Some(BusEvent {
            source: SOURCE.to_owned(),
            detail_type: event.as_str().to_owned(),
            detail: config_event(entry, event).to_json(),
            time: entry.changed_at().timestamp(),
        })
    });
    if let Err(error) = bus.put(&events.collect::<Vec<_>>()).await {
        tracing::error!(
            error = error.source.to_string(),
            events = error.unput,
            "events are not on the bus, and are not put there again"
        );
    }
}
