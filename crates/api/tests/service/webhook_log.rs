//! What the log has of the changes of webhooks, and of the requests that read a secret.

use lambda::logging;
use serde_json::{Value, json};

use crate::{
    harness::{Call, REQUEST_ID},
    logs::{capture_log, lines_of},
    webhooks::{ACME, GLOBAL, WithWebhooks},
};

/// The line of an action, without what all of them have.
fn line(action: &str, tenant_id: Option<&str>, fields: Option<&str>, enabled: Option<bool>) -> Value {
    json!({"action": action, "tenant_id": tenant_id, "fields": fields, "enabled": enabled})
}

#[tokio::test]
async fn each_change_of_a_webhook_writes_a_line_and_so_does_each_reading_of_its_secret() {
    let service = WithWebhooks::start().await;
    for (path, tenant_id) in [(ACME, Some("acme")), (GLOBAL, None)] {
        let log = capture_log();
        let id = service.create(path).await;
        let url = format!("{path}/{id}");
        let event = service.failed_delivery(&id).await;
        let settings = json!({"headers": {"x-token": "Bearer other"}, "description": null, "types": ["s3"]});
        let replay = json!({"since": "2024-01-14T00:00:00Z", "status": "failed"});
        let secret = service.send(Call::get(&format!("{url}/secret"))).await.expect(200);
        let rotate = Call::post(&format!("{url}/secret/rotate")).json(&json!({"grace_seconds": 60}));
        let rotated = service.send(rotate).await.expect(200);
        for (call, status) in [
            (Call::patch(&url).json(&settings), 200),
            (Call::post(&format!("{url}/deliveries/{event}/redeliver")), 202),
            (Call::post(&format!("{url}/replay")).json(&replay), 202),
            (Call::patch(&url).json(&json!({"enabled": false})), 200),
            (Call::post(&format!("{url}/test")), 202),
            (Call::delete(&url), 200),
        ] {
            service.send(call).await.expect(status);
        }
        let lines = lines_of(&log, logging::AUDIT_TARGET);
        let found: Vec<_> = lines
            .iter()
            .map(|line| {
                let members = ["action", "tenant_id", "fields", "enabled"];
                Value::Object(
                    members
                        .map(|name| (name.to_owned(), line[name].clone()))
                        .into_iter()
                        .collect(),
                )
            })
            .collect();
        assert_eq!(
            found,
            [
                line("create", tenant_id, Some("url,enabled,headers"), Some(true)),
                line("read_secret", tenant_id, None, Some(true)),
                line("rotate_secret", tenant_id, None, Some(true)),
                line("update", tenant_id, Some("types,description,headers"), Some(true)),
                line("redeliver", tenant_id, None, Some(true)),
                line("replay", tenant_id, None, Some(true)),
                line("update", tenant_id, Some("enabled"), Some(false)),
                line("test", tenant_id, None, Some(false)),
                line("delete", tenant_id, None, None),
            ]
        );
        for line in &lines {
            assert_eq!(
                (&line["event"], &line["webhook_id"], &line["message"]),
                (&"webhook_changed".into(), &id.clone().into(), &"webhook changed".into())
            );
            assert_eq!(
                (&line["request_id"], &line["key_version"], &line["source_ip"]),
                (&REQUEST_ID.into(), &"3".into(), &"203.0.113.7".into())
            );
            assert_eq!(line.get("tenant_id").is_some(), tenant_id.is_some());
        }
        let secrets = [&secret, &rotated].map(|response| response.body["data"]["secret"].as_str().unwrap().to_owned());
        for private in ["Bearer", "hooks.example.com", "x-token", "whsec_"] {
            assert!(!log.text().contains(private), "{private}");
        }
        for secret in secrets {
            assert!(!log.text().contains(secret.trim_start_matches("whsec_")));
        }
    }
}

#[tokio::test]
async fn request_that_does_nothing_with_a_webhook_writes_no_line() {
    let service = WithWebhooks::start().await;
    let url = format!("{ACME}/{}", service.create(ACME).await);
    let (unknown, foreign) = (format!("{ACME}/wh_{}", "0".repeat(32)), url.replace(ACME, GLOBAL));
    service
        .send(Call::patch(&url).json(&json!({"enabled": false})))
        .await
        .expect(200);
    let log = capture_log();
    for (call, status) in [
        (Call::get(&url), 200),
        (Call::get(ACME), 200),
        (Call::get(&format!("{url}/deliveries")), 200),
        (Call::post(ACME).json(&json!({"url": "http://10.0.0.1/"})), 422),
        (Call::patch(&url).json(&json!({"url": null})), 422),
        (
            Call::patch(&url)
                .json(&json!({"enabled": true}))
                .header("If-Match", "\"0\""),
            412,
        ),
        (Call::delete(&url).header("If-Match", "\"0\""), 412),
        (Call::get(&format!("{unknown}/secret")), 404),
        (Call::get(&format!("{foreign}/secret")), 404),
        (Call::post(&format!("{foreign}/secret/rotate")), 404),
        (Call::post(&format!("{foreign}/test")), 404),
        (
            Call::post(&format!("{url}/replay")).json(&json!({"since": "2024-01-14T00:00:00Z", "status": "failed"})),
            409,
        ),
    ] {
        service.send(call).await.expect(status);
    }
    assert_eq!(lines_of(&log, logging::AUDIT_TARGET), Vec::<Value>::new());
}
