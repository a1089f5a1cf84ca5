//! Webhooks: what is sent to subscribers, the bodies that manage them, and the routes of a tenant's.

use serde_json::{Map, Value, json};
use tenant_core::webhook::{EventType, MAX_DESCRIPTION_CHARS, MAX_HEADERS, ReplayStatus, WebhookUrl};

use crate::names::{REPLAY, WEBHOOK, event_example};

/// The routes that exist once more for each tenant.
const GLOBAL: &str = "/api/v1/webhooks";
const OF_TENANT: &str = "/api/v1/tenants/{tenant_id}/webhooks";
const SCHEMAS: &str = "#/components/schemas/";

/// Adds to each route of the webhooks of all tenants the same one of a tenant.
pub(crate) fn add_routes_of_tenants(paths: &mut Map<String, Value>) {
    let global: Vec<_> = paths
        .iter()
        .filter_map(|(path, item)| Some((path.strip_prefix(GLOBAL)?.to_owned(), item.clone())))
        .collect();
    for (rest, mut item) in global {
        for operation in item.as_object_mut().unwrap().values_mut() {
            let id = operation["operationId"]
                .as_str()
                .unwrap()
                .replace("Webhook", "TenantWebhook");
            operation["operationId"] = id.into();
            let summary = format!("{} (of a tenant)", operation["summary"].as_str().unwrap());
            operation["summary"] = summary.into();
            let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
            let tenant = json!({ "$ref": "#/components/parameters/tenant_id" });
            operation["parameters"] = std::iter::once(tenant).chain(parameters).collect();
        }
        paths.insert(format!("{OF_TENANT}{rest}"), item);
    }
}

/// The schemas of the bodies of requests.
pub(crate) fn schemas() -> Map<String, Value> {
    let fields = fields();
    let creation = object("A webhook to create.", &fields, &["url"]);
    let mut changes = object(
        "A change of a webhook. A field that is left out keeps its value.",
        &fields,
        &[],
    );
    changes["minProperties"] = 1.into();
    let rotation = json!({ "grace_seconds": {
        "type": ["integer", "null"], "minimum": 0, "maximum": 604_800, "default": 86_400,
        "description": "How long the former secret signs as well, in seconds."
    } });
    let time = |description| json!({ "type": "string", "format": "date-time", "description": description });
    let replay = json!({
        "since": time("The first second."),
        "until": { "type": ["string", "null"], "format": "date-time", "description": "Events before this time. By default those up to now." },
        "status": { "type": "string", "enum": ReplayStatus::ALL.map(ReplayStatus::as_str), "description": "Which events." },
    });
    [
        ("WebhookCreation", creation),
        ("WebhookChanges", changes),
        ("WebhookRotation", object("How to rotate.", &rotation, &[])),
        (
            "WebhookReplay",
            object("What to send again.", &replay, &["since", "status"]),
        ),
    ]
    .map(|(name, schema)| (name.to_owned(), schema))
    .into_iter()
    .collect()
}

fn object(description: &str, properties: &Value, required: &[&str]) -> Value {
    let mut schema = json!({ "type": "object", "description": description, "properties": properties, "additionalProperties": false });
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema
}

fn fields() -> Value {
    let events = EventType::ALL.into_iter().filter(|event| event.can_be_subscribed());
    let events: Vec<_> = events.map(EventType::as_str).collect();
    json!({
        "url": { "type": "string", "format": "uri", "maxLength": WebhookUrl::MAX_CHARS, "pattern": "^https?://",
            "description": "Where events are sent: https, a public host, port 443 or one from 1024 to 65535, no credentials." },
        "events": { "type": ["array", "null"], "items": { "type": "string", "enum": events },
            "description": "The types of events. By default every type of the scope." },
        "types": { "type": ["array", "null"], "items": { "$ref": format!("{SCHEMAS}DeliveryType") },
            "description": "The delivery types whose configurations it follows. By default all." },
        "enabled": { "type": ["boolean", "null"], "default": true, "description": "Whether events are sent." },
        "description": { "type": ["string", "null"], "maxLength": MAX_DESCRIPTION_CHARS, "description": "A text for people." },
        "headers": { "type": ["object", "null"], "maxProperties": MAX_HEADERS, "additionalProperties": { "type": "string", "maxLength": 1024 },
            "description": "Headers that are sent with each event. No response shows their values." },
    })
}

/// What the service sends, by the type of the event.
pub(crate) fn requests() -> Value {
    EventType::ALL
        .into_iter()
        .map(|event| {
            let schema = match event {
                EventType::WebhookTest => "TestEvent",
                event if event.is_operational() => "EndpointEvent",
                _ => "ConfigEvent",
            };
            let header = |name: &str, description: &str| json!({
                "name": name, "in": "header", "required": true, "description": description, "schema": { "type": "string" }
            });
            let request = json!({ "post": {
                "operationId": operation_id(event),
                "tags": ["Webhooks"],
                "summary": event.description(),
                "description": "At least once, in no order. Respond with a 2xx within 15 seconds.",
                "security": [],
                "parameters": [
                    header("webhook-id", "The event. A repetition has the same one."),
                    header("webhook-timestamp", "When the attempt was made, in seconds since 1970."),
                    header("webhook-signature", "One or two signatures of Standard Webhooks, separated by a space."),
                ],
                "requestBody": {
                    "required": true,
                    "content": { "application/json": { "schema": { "$ref": format!("{SCHEMAS}{schema}") } } },
                },
                "responses": {
                    "2XX": { "description": "The event was received." },
                    "410": { "description": "No more events are wanted: the webhook is disabled." },
                    "default": { "description": "The event is sent again later." },
                },
            } });
            (event.as_str().to_owned(), request)
        })
        .collect::<Map<_, _>>()
        .into()
}

fn operation_id(event: EventType) -> String {
    let words = event.as_str().split(['.', '_']);
    let capitalized = words.map(|word| format!("{}{}", word[..1].to_uppercase(), &word[1..]));
    format!("on{}", capitalized.collect::<String>())
}

/// Examples of what a webhook is.
pub(crate) fn webhook() -> Value {
    json!({
        "id": WEBHOOK, "tenant_id": "acme-corp", "url": "https://hooks.example.com/delivery-configs", "events": ["delivery_config.updated"],
        "types": ["s3"], "enabled": true, "description": "Audit", "header_names": ["authorization"], "status": "enabled",
        "created_at": "2024-01-15T10:30:00Z", "updated_at": "2024-01-15T10:30:00Z"
    })
}

const SECRET: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

fn delivery() -> Value {
    json!({
        "event_id": event_example(), "type": "delivery_config.updated", "tenant_id": "acme-corp", "status": "succeeded", "attempts": 1,
        "origin": "event", "event_at": "2024-01-15T10:30:00Z", "created_at": "2024-01-15T10:30:00.250Z"
    })
}

/// The example of a body with this schema, if it is one of webhooks.
pub(crate) fn example(schema: &str) -> Option<Value> {
    let example = match schema {
        "CreatedWebhookResponse" => {
            let mut created = webhook();
            created["secret"] = SECRET.into();
            created
        }
        "WebhookResponse" => webhook(),
        "WebhookListResponse" => json!({ "webhooks": [webhook()], "count": 1 }),
        "WebhookSecretsResponse" => json!({ "secret": SECRET }),
        "QueuedDeliveryResponse" => json!({ "event_id": event_example() }),
        "DeliveryPageResponse" => json!({ "deliveries": [delivery()], "count": 1, "limit": 50 }),
        "DeliveryDetailResponse" => {
            let mut detail = delivery();
            let attempt = json!({ "number": 1, "at": "2024-01-15T10:30:00.300Z", "duration_ms": 48, "status": 204 });
            detail["last_attempts"] = json!([attempt]);
            detail
        }
        "ReplayResponse" => json!({
            "id": REPLAY, "webhook_id": WEBHOOK, "since": "2024-01-14T00:00:00Z", "until": "2024-01-15T10:30:00Z", "status": "missing",
            "state": "running", "examined": 0, "queued": 0, "created_at": "2024-01-15T10:30:00Z"
        }),
        "EventTypeListResponse" => json!({ "event_types": [
            { "name": "delivery_config.updated", "description": EventType::ConfigUpdated.description(), "global_only": false },
        ] }),
        _ => return None,
    };
    Some(example)
}

/// Examples of the bodies of requests, by operation.
pub(crate) fn request_examples() -> [(&'static str, &'static str, Value); 4] {
    let one = |summary: &str, value: Value| json!({ "one": { "summary": summary, "value": value } });
    let create = json!({ "url": "https://hooks.example.com/delivery-configs", "events": ["delivery_config.updated"], "types": ["s3"] });
    [
        ("", "post", one("Follow the changes of deliveries to S3", create)),
        (
            "/{webhook_id}",
            "patch",
            one("Send no more", json!({ "enabled": false })),
        ),
        (
            "/{webhook_id}/secret/rotate",
            "post",
            one("Two signatures for an hour", json!({ "grace_seconds": 3600 })),
        ),
        (
            "/{webhook_id}/replay",
            "post",
            one(
                "What was missed",
                json!({ "since": "2024-01-14T00:00:00Z", "status": "missing" }),
            ),
        ),
    ]
}

/// The path of the webhooks of all tenants.
pub(crate) const fn path() -> &'static str {
    GLOBAL
}
