//! Webhooks: endpoints, secrets, deliveries and replays.

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex},
    time::Duration,
};

use api::Webhooks;
use chrono::Utc;
use serde_json::{Value, json};
use tenant_aws::parameter::Secret;
use tenant_core::{
    ConfigKey,
    history::Revision,
    webhook::{
        Attempt, Content, Delivery, DeliveryOrigin, EventId, EventType, MasterKey, Networks, Progress, Scope, WebhookId,
    },
};
use tenant_store::{
    schema,
    webhooks::{DELIVERIES, DeliveryStore, ENDPOINTS, WakeUp, WakeUpError, WakeUps, WebhookStore},
};
use testing::EmbeddedDynamoDb;

use crate::harness::{Call, Response, Service, TABLE};

pub(crate) const GLOBAL: &str = "/api/v1/webhooks";
pub(crate) const ACME: &str = "/api/v1/tenants/acme/webhooks";

/// Keeps the messages.
#[derive(Debug, Default)]
struct Messages(Mutex<Vec<WakeUp>>);

impl WakeUps for Messages {
    fn send<'a>(
        &'a self,
        wake_ups: Vec<WakeUp>,
        _delay: Duration,
    ) -> Pin<Box<dyn Future<Output = Result<(), WakeUpError>> + Send + 'a>> {
        self.0.lock().unwrap().extend(wake_ups);
        Box::pin(async { Ok(()) })
    }
}

pub(crate) struct WithWebhooks {
    service: Service,
    deliveries: DeliveryStore,
    messages: Arc<Messages>,
}

impl WithWebhooks {
    pub(crate) async fn start() -> Self {
        let client = EmbeddedDynamoDb::start_with_table(TABLE).await.client;
        schema::ensure_table(&client, "webhooks", &ENDPOINTS).await.unwrap();
        schema::ensure_table(&client, "deliveries", &DELIVERIES).await.unwrap();
        let deliveries = DeliveryStore::new(client.clone(), "deliveries");
        let messages = Arc::new(Messages::default());
        let webhooks = Webhooks {
            endpoints: WebhookStore::new(client.clone(), "webhooks"),
            deliveries: deliveries.clone(),
            wake_ups: messages.clone(),
            key: Arc::new(Secret::known(MasterKey::new(&[7; 32]).unwrap())),
            networks: Networks::default(),
        };
        Self {
            service: Service::over_webhooks(client, webhooks),
            deliveries,
            messages,
        }
    }

    pub(crate) async fn send(&self, call: Call) -> Response {
        self.service.send(call).await
    }

    pub(crate) async fn create(&self, path: &str) -> String {
        let body = json!({"url": "https://hooks.example.com/x", "headers": {"authorization": "Bearer secret"}});
        let created = self.send(Call::post(path).json(&body)).await.expect(201);
        created.body["data"]["id"].as_str().unwrap().to_owned()
    }

    /// A delivery that failed.
    pub(crate) async fn failed_delivery(&self, id: &str) -> EventId {
        let key = ConfigKey::new("acme", "s3").unwrap();
        let revision = Revision::from_record("2023-11-01T00:00:00.000", "123456789012345678901", Utc::now()).unwrap();
        let event = EventId::for_revision(&key, revision);
        let owner = (Scope::Tenant("acme".parse().unwrap()), id.parse::<WebhookId>().unwrap());
        let content = (event.clone(), EventType::ConfigUpdated, Content::Change(key));
        let delivery = Delivery {
            progress: Progress::Failed,
            attempts: vec![Attempt {
                number: 1,
                at: "2024-01-15T10:30:00.300Z".to_owned(),
                duration_ms: 12,
                status: Some(500),
                error: Some("the status 500 is not 2xx".to_owned()),
                response: Some("oops".to_owned()),
            }],
            ..Delivery::new(owner, content, DeliveryOrigin::Event, Utc::now())
        };
        self.deliveries.insert(&delivery).await.unwrap();
        event
    }
}

#[tokio::test]
async fn webhook_is_created_read_changed_and_deleted_in_its_scope() {
    let service = WithWebhooks::start().await;
    for (path, foreign) in [(ACME, GLOBAL), (GLOBAL, ACME), (ACME, "/api/v1/tenants/other/webhooks")] {
        let body = json!({"url": "https://hooks.example.com/x", "types": ["s3"], "headers": {"Authorization": "Bearer secret"}});
        let created = service.send(Call::post(path).json(&body)).await.expect(201);
        let data = &created.body["data"];
        let id = data["id"].as_str().unwrap();
        assert_eq!(created.headers["location"], format!("{path}/{id}"));
        assert_eq!(
            (&data["status"], &data["header_names"]),
            (&json!("enabled"), &json!(["authorization"]))
        );
        assert!(data["secret"].as_str().unwrap().starts_with("whsec_"));
        assert!(!created.body.to_string().contains("Bearer"), "{}", created.body);
        assert_eq!(data.get("tenant_id").is_some(), path == ACME);

        let url = format!("{path}/{id}");
        let read = service.send(Call::get(&url)).await.expect(200);
        assert_eq!(
            (&read.headers["etag"], read.body["data"].get("secret")),
            (&created.headers["etag"], None)
        );
        let listed = service.send(Call::get(path)).await.expect(200);
        assert_eq!(
            (&listed.body["data"]["count"], &listed.body["data"]["webhooks"][0]["id"]),
            (&json!(1), &json!(id))
        );
        for call in [Call::get, Call::delete] {
            service.send(call(&format!("{foreign}/{id}"))).await.expect(404);
        }

        let disable = Call::patch(&url)
            .json(&json!({"enabled": false}))
            .header("If-Match", &created.headers["etag"]);
        let disabled = service.send(disable.clone()).await.expect(200);
        assert_eq!(disabled.body["data"]["status"], "disabled");
        service.send(disable).await.expect(412);
        service
            .send(Call::delete(&url).header("If-Match", "\"0\""))
            .await
            .expect(412);
        service.send(Call::delete(&url)).await.expect(200);
        service.send(Call::get(&url)).await.expect(404);
    }
}

#[tokio::test]
async fn all_broken_rules_of_a_webhook_are_reported() {
    let service = WithWebhooks::start().await;
    let body =
        json!({"url": "https://169.254.169.254/", "events": ["endpoint.failing"], "secret": "mine", "retries": 3});
    let rejected = service.send(Call::post(ACME).json(&body)).await.expect(422);
    let errors = rejected.body["details"]["errors"].as_array().unwrap();
    let mut fields: Vec<_> = errors.iter().map(|error| error["field"].as_str().unwrap()).collect();
    fields.sort_unstable();
    assert_eq!(fields, ["events", "retries", "url"]);
    service.send(Call::post(ACME).json(&json!({}))).await.expect(422);
    service
        .send(Call::post(ACME).body("[]").header("Content-Type", "application/json"))
        .await
        .expect(400);
    service
        .send(Call::post("/api/v1/tenants/a%20b/webhooks").json(&json!({"url": "https://example.com"})))
        .await
        .expect(400);
    let id = service.create(ACME).await;
    service
        .send(Call::patch(&format!("{ACME}/{id}")).json(&json!({})))
        .await
        .expect(400);
}

#[tokio::test]
async fn tenant_has_at_most_twenty_webhooks() {
    let service = WithWebhooks::start().await;
    for _ in 0..20 {
        service.create(ACME).await;
    }
    let body = json!({"url": "https://hooks.example.com/x"});
    let rejected = service.send(Call::post(ACME).json(&body)).await.expect(409);
    assert!(
        rejected.body["error"].as_str().unwrap().contains("20"),
        "{}",
        rejected.body
    );
    service.create(GLOBAL).await;
}

#[tokio::test]
async fn rotation_shows_both_secrets_while_both_sign() {
    let service = WithWebhooks::start().await;
    let url = format!("{ACME}/{}", service.create(ACME).await);
    let first = service.send(Call::get(&format!("{url}/secret"))).await.expect(200).body["data"].clone();
    assert_eq!(first.get("previous_secret"), None);
    let rotate = Call::post(&format!("{url}/secret/rotate"));
    let second = service
        .send(rotate.clone().json(&json!({"grace_seconds": 60})))
        .await
        .expect(200)
        .body["data"]
        .clone();
    assert_eq!(second["previous_secret"], first["secret"]);
    assert_ne!(second["secret"], first["secret"]);
    assert_eq!(
        service.send(Call::get(&format!("{url}/secret"))).await.expect(200).body["data"],
        second
    );
    let third = service
        .send(rotate.clone().json(&json!({"grace_seconds": 0})))
        .await
        .expect(200)
        .body["data"]
        .clone();
    assert_eq!(third.get("previous_secret"), None);
    service.send(rotate.clone()).await.expect(200);
    service
        .send(rotate.json(&json!({"grace_seconds": -1})))
        .await
        .expect(422);
}

#[tokio::test]
async fn test_event_is_queued_and_its_delivery_can_be_followed() {
    let service = WithWebhooks::start().await;
    let url = format!("{GLOBAL}/{}", service.create(GLOBAL).await);
    let queued = service.send(Call::post(&format!("{url}/test"))).await.expect(202);
    let event = queued.body["data"]["event_id"].as_str().unwrap();
    let found = service
        .send(Call::get(&format!("{url}/deliveries/{event}")))
        .await
        .expect(200);
    let data = &found.body["data"];
    assert_eq!(
        (&data["type"], &data["status"], &data["origin"]),
        (&json!("webhook.test"), &json!("pending"), &json!("test"))
    );
    assert!(data["next_attempt_at"].is_string() && data["last_attempts"] == json!([]));
    assert_eq!(service.messages.0.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn deliveries_are_listed_with_their_attempts_and_can_be_sent_again() {
    let service = WithWebhooks::start().await;
    let id = service.create(ACME).await;
    let url = format!("{ACME}/{id}");
    let event = service.failed_delivery(&id).await;
    let list = Call::get(&format!("{url}/deliveries"));
    let listed = service
        .send(list.clone().query("status", "failed"))
        .await
        .expect(200)
        .body["data"]
        .clone();
    assert_eq!(
        (&listed["count"], &listed["deliveries"][0]["event_id"]),
        (&json!(1), &json!(event.to_string()))
    );
    assert_eq!(
        service
            .send(list.clone().query("status", "pending"))
            .await
            .expect(200)
            .body["data"]["count"],
        0
    );
    for (name, value) in [
        ("status", "lost"),
        ("cursor", "x"),
        ("limit", "0"),
        ("since", "2024-01-15T10:30:00Z"),
    ] {
        service.send(list.clone().query(name, value)).await.expect(400);
    }
    let read = Call::get(&format!("{url}/deliveries/{event}"));
    let detail = service.send(read.clone()).await.expect(200).body["data"].clone();
    assert_eq!(
        (&detail["attempts"], &detail["last_attempts"][0]["status"]),
        (&json!(1), &json!(500))
    );
    let again = Call::post(&format!("{url}/deliveries/{event}/redeliver"));
    service.send(again.clone()).await.expect(202);
    let detail = service.send(read).await.expect(200).body["data"].clone();
    assert_eq!(
        (&detail["status"], &detail["origin"]),
        (&json!("pending"), &json!("redelivery"))
    );
    assert_eq!(service.messages.0.lock().unwrap().len(), 1);
    for event in ["evt_unknown", &event.to_string().replace("evt_1", "evt_2")] {
        service
            .send(Call::get(&format!("{url}/deliveries/{event}")))
            .await
            .expect(404);
    }
    service
        .send(Call::patch(&url).json(&json!({"enabled": false})))
        .await
        .expect(200);
    service.send(again).await.expect(409);
}

#[tokio::test]
async fn replay_is_begun_and_can_be_followed() {
    let service = WithWebhooks::start().await;
    let url = format!("{ACME}/{}", service.create(ACME).await);
    let replay = Call::post(&format!("{url}/replay"));
    let body = json!({"since": "2024-01-14T00:00:00Z", "status": "missing"});
    let begun = service.send(replay.clone().json(&body)).await.expect(202).body["data"].clone();
    assert_eq!((&begun["state"], &begun["queued"]), (&json!("running"), &json!(0)));
    let path = format!("{url}/replays/{}", begun["id"].as_str().unwrap());
    assert_eq!(service.send(Call::get(&path)).await.expect(200).body["data"], begun);
    assert_eq!(service.messages.0.lock().unwrap().len(), 1);
    service
        .send(Call::get(&format!("{url}/replays/rp_{}", "0".repeat(32))))
        .await
        .expect(404);
    service
        .send(replay.clone().json(&json!({"status": "some"})))
        .await
        .expect(422);
    service
        .send(Call::patch(&url).json(&json!({"enabled": false})))
        .await
        .expect(200);
    service.send(replay.json(&body)).await.expect(409);
}

#[tokio::test]
async fn event_types_are_those_that_webhooks_choose() {
    let service = WithWebhooks::start().await;
    let listed = service.send(Call::get("/api/v1/event-types")).await.expect(200).body["data"]["event_types"].clone();
    let names: Vec<_> = listed
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["name"].as_str().unwrap())
        .collect();
    for name in &names {
        let body = json!({"url": "https://example.com", "events": [name]});
        service.send(Call::post(GLOBAL).json(&body)).await.expect(201);
    }
    assert!(names.contains(&"delivery_config.created") && !names.contains(&"webhook.test"));
}

#[tokio::test]
async fn service_without_webhooks_says_so() {
    let service = Service::start().await;
    let id = WebhookId::new([1; 16]);
    let event = EventId::random([1; 16], Utc::now());
    for (method, path) in [
        ("GET", String::new()),
        ("POST", String::new()),
        ("GET", format!("/{id}")),
        ("DELETE", format!("/{id}")),
        ("GET", format!("/{id}/secret")),
        ("POST", format!("/{id}/secret/rotate")),
        ("POST", format!("/{id}/test")),
        ("GET", format!("/{id}/deliveries")),
        ("GET", format!("/{id}/deliveries/{event}")),
        ("POST", format!("/{id}/deliveries/{event}/redeliver")),
        ("POST", format!("/{id}/replay")),
    ] {
        for scope in [GLOBAL, ACME] {
            let response = service
                .send(Call::new(method, &format!("{scope}{path}")))
                .await
                .expect(404);
            let error: &Value = &response.body["error"];
            assert!(
                error.as_str().unwrap().contains("no webhooks"),
                "{method} {path}: {error}"
            );
        }
    }
}
