//! Webhooks: every change is an event for its subscribers.
//!
//! What an endpoint is and wants, what is sent and how it is signed, where it may be sent to, when an attempt is repeated and
//! when an endpoint is given up. Who stores and who sends are other crates.

mod address;
mod body;
mod change;
mod delivery;
mod endpoint;
mod event_id;
mod event_type;
mod health;
mod id;
mod input;
mod networks;
mod replay;
mod schedule;
mod secret;
mod settings;
mod url;

pub use address::{AddressRejection, check_addresses, is_public};
pub use body::{
    ConfigEventData, EndpointEventData, TestEventData, WebhookEvent, config_event, endpoint_event, test_event,
};
pub use change::{WebhookAction, WebhookChanged};
pub use delivery::{Attempt, Content, Delivery, DeliveryOrigin, DeliveryStatus, DeliveryView, Progress};
pub use endpoint::{Webhook, WebhookStatus, WebhookView};
pub use event_id::EventId;
pub use event_type::EventType;
pub use health::{Admission, DisabledReason, Health, HealthChange, Outcome};
pub use id::{ReplayId, Scope, WebhookId};
pub use input::{MAX_DESCRIPTION_CHARS, MAX_HEADERS, WebhookInputError, parse_webhook, parse_webhook_update};
pub use networks::{Network, NetworkError, Networks};
pub use replay::{Replay, ReplayRequest, ReplayState, ReplayStatus, ReplayView, parse_replay, parse_rotation};
pub use schedule::{Schedule, ScheduleError};
pub use secret::{MasterKey, MasterKeyError, WebhookSecret, signature_header};
pub use settings::{Settings, SettingsUpdate};
pub use url::{Host, Scheme, WebhookUrl};
