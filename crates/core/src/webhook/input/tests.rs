use serde_json::json;

use super::*;

fn tenant() -> Scope {
    Scope::Tenant("acme".parse().unwrap())
}

fn create(body: &Value, scope: &Scope) -> Result<Settings, WebhookInputError> {
    parse_webhook(body.to_string().as_bytes(), scope, &Networks::default())
}

fn broken(result: Result<Settings, WebhookInputError>) -> Vec<(String, ErrorCode)> {
    match result.unwrap_err() {
        WebhookInputError::BrokenRules(errors) => errors.into_iter().map(|error| (error.field, error.code)).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn url_alone_makes_an_enabled_endpoint_for_everything() {
    let settings = create(&json!({"url": "https://example.com/hook"}), &tenant()).unwrap();
    assert!(settings.enabled && settings.events.is_empty() && settings.types.is_empty() && settings.headers.is_empty());
    assert_eq!(
        (settings.url.as_str(), settings.description),
        ("https://example.com/hook", None)
    );
}

#[test]
fn every_setting_is_read_and_header_names_are_lower_case() {
    let body = json!({
        "url": "https://example.com/", "events": ["delivery_config.created", "endpoint.failing"], "types": ["s3"],
        "enabled": false, "description": "audit", "headers": {"X-Token": "a b", "authorization": "Bearer x"}, "id": "mine"
    });
    let settings = create(&body, &Scope::Global).unwrap();
    assert_eq!(settings.events, [EventType::ConfigCreated, EventType::EndpointFailing]);
    assert_eq!(settings.types, [DeliveryType::S3]);
    assert_eq!(
        settings.headers.keys().collect::<Vec<_>>(),
        ["authorization", "x-token"]
    );
    assert_eq!(
        (settings.enabled, settings.description.as_deref()),
        (false, Some("audit"))
    );
}

#[test]
fn all_broken_rules_are_reported_together() {
    let body = json!({
        "url": "https://localhost/", "events": ["delivery_config.create", "endpoint.failing", "webhook.test"], "types": ["s4", 1],
        "enabled": "yes", "description": "x".repeat(257), "headers": {"Host": "a", "webhook-id": "b", "x y": "c", "x-a": "", "x-b": 1},
        "urll": 1
    });
    let fields: Vec<_> = broken(create(&body, &tenant()))
        .into_iter()
        .map(|(field, _)| field)
        .collect();
    for field in [
        "url",
        "events",
        "types",
        "enabled",
        "description",
        "headers.Host",
        "headers.webhook-id",
        "headers.x y",
        "headers.x-a",
        "headers.x-b",
        "urll",
    ] {
        assert!(fields.iter().any(|found| found == field), "{field}: {fields:?}");
    }
    assert_eq!(fields.iter().filter(|field| *field == "events").count(), 3);
    assert_eq!(
        broken(create(&json!({}), &tenant())),
        [("url".to_owned(), ErrorCode::Required)]
    );
    let twice = json!({"url": "https://example.com", "types": ["s3", "s3"]});
    assert_eq!(
        broken(create(&twice, &tenant())),
        [("types".to_owned(), ErrorCode::Duplicate)]
    );
    let many: serde_json::Map<_, _> = (0..11).map(|n| (format!("x-{n}"), json!("a"))).collect();
    let many = json!({"url": "https://example.com", "headers": many});
    assert_eq!(
        broken(create(&many, &tenant())),
        [("headers".to_owned(), ErrorCode::TooLong)]
    );
}

#[test]
fn update_changes_what_it_names_and_null_resets() {
    let before = create(
        &json!({"url": "https://example.com/", "description": "a", "types": ["s3"], "headers": {"x-a": "b"}}),
        &tenant(),
    );
    let update = |body: Value| parse_webhook_update(body.to_string().as_bytes(), &tenant(), &Networks::default());
    let change = update(json!({"description": null, "types": null, "enabled": false})).unwrap();
    let after = change.apply(before.clone().unwrap());
    assert_eq!(
        (after.description, after.types.len(), after.enabled, after.headers.len()),
        (None, 0, false, 1)
    );
    assert_eq!(update(json!({"id": "x"})), Err(WebhookInputError::NothingToUpdate));
    assert!(matches!(
        update(json!({"url": null})),
        Err(WebhookInputError::BrokenRules(_))
    ));
    assert!(matches!(
        update(json!([])),
        Err(WebhookInputError::Body(InputError::NotAnObject))
    ));
}
