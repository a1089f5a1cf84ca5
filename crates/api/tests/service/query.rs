//! Names in the query that no parameter has.

use crate::{
    description::{self, Operation},
    harness::{Call, LIST, Service, assert_envelope, config_path, s3},
};

fn call(operation: &Operation) -> Call {
    let path = operation.path.replace("{tenant_id}", "acme").replace("{type}", "s3");
    let path = path.replace("{revision}", "1f9gg2s0ma00021123456789012345678901001iqa298");
    Call::new(&operation.method, &path)
}

/// The names that a rejection lists are those of the description: neither can have one that the other lacks.
#[tokio::test]
async fn every_signed_operation_has_the_parameters_of_its_description_and_no_other() {
    let service = Service::start().await;
    let mut checked = 0;
    for operation in description::operations().filter(|operation| !operation.is_open) {
        let known = match &operation.query[..] {
            [] => ", nor any other.".to_owned(),
            names => format!(". It has {}.", names.join(", ")),
        };
        let rejected = service
            .send(call(&operation).query("unheard-of", "1"))
            .await
            .expect(400);
        let expected = format!("This URL has no query parameter \"unheard-of\"{known}");
        assert_eq!(rejected.error(), expected, "{} {}", operation.method, operation.path);
        checked += 1;
    }
    assert!(checked >= 8, "{checked}");
}

#[tokio::test]
async fn open_operation_ignores_the_parameters_that_probes_add() {
    let service = Service::start().await;
    for path in ["/health", "/api/v1/health"] {
        service.send(Call::get(path).query("_", "1732700000")).await.expect(200);
    }
    assert!(
        description::operations()
            .filter(|operation| operation.is_open)
            .all(|operation| operation.query.is_empty())
    );
}

#[tokio::test]
async fn filter_that_does_not_exist_does_not_return_everything() {
    let service = Service::start().await;
    service.create(s3("acme")).await;
    assert_envelope!(
        service
            .send(Call::get(LIST).query("enabled", "false"))
            .await
            .expect(400)
    );
    assert_envelope!(service.send(Call::get(LIST).query("limits", "1")).await.expect(400));
    for name in ["", "Limit", "LIMIT", "limit ", "lim\u{0}it", "limit[]", "é"] {
        let call = Call::get(LIST).query("limit", "1").query(name, "");
        service.send(call).await.expect(400);
    }
    let long = "x".repeat(10_000);
    let rejected = service.send(Call::get(LIST).query(&long, "1")).await.expect(400);
    assert!(rejected.error().len() < 200, "{rejected:?}");
}

#[tokio::test]
async fn write_with_an_unknown_parameter_changes_nothing() {
    let service = Service::start().await;
    service.create(s3("acme")).await;
    let path = config_path("acme", "s3");
    let before = service.get_item("acme", "s3").await;
    for call in [
        Call::patch(&path).body(r#"{"enabled":false}"#),
        Call::put(&path).body(r#"{"enabled":false}"#),
        Call::delete(&path),
    ] {
        service.send(call.query("dry_run", "true")).await.expect(400);
    }
    assert_eq!(service.get_item("acme", "s3").await, before);
}
