//! The function as Lambda and the schedule see it: an event in, a response out.

use std::time::{Duration, SystemTime};

use lambda::{Handler, HandlerError, Invocation};
use notifier::{Notifier, NotifierFunction};
use serde_json::{Value, json};
use tenant_aws::parameter::{Parameter, Secret};
use tenant_core::webhook::{Delivery, DeliveryStatus, Scope};
use tenant_store::webhooks::{DeliveryStore, WakeUp};
use testing::{AwsReply, AwsServer};

use crate::{
    harness::{Service, key},
    subscriber::{Subscriber, ok, response},
};

pub(crate) async fn invoke(notifier: &Notifier, event: &Value) -> Result<Value, HandlerError> {
    let invocation = Invocation {
        request_id: "invocation".to_owned(),
        trace_id: None,
        deadline: Some(SystemTime::now() + Duration::from_mins(1)),
        cold_start: true,
    };
    let response = NotifierFunction::new(notifier.clone())
        .invoke(event.to_string().as_bytes(), &invocation)
        .await?;
    Ok(serde_json::from_slice(&response).unwrap())
}

pub(crate) fn messages(messages: &[(&str, String)]) -> Value {
    let messages = messages.iter().map(|(id, body)| json!({"messageId": id, "body": body}));
    json!({"Records": messages.collect::<Vec<_>>()})
}

pub(crate) fn message(delivery: &Delivery) -> String {
    serde_json::to_string(&WakeUp::for_delivery(delivery)).unwrap()
}

fn failed(ids: &[&str]) -> Value {
    let failures = ids.iter().map(|id| json!({"itemIdentifier": id}));
    json!({"batchItemFailures": failures.collect::<Vec<_>>()})
}

#[tokio::test]
async fn messages_of_a_batch_are_worked_on_together_and_a_receiver_that_fails_fails_none() {
    let service = Service::start().await;
    let mut batch = Vec::new();
    let mut expected = Vec::new();
    let started = chrono::Utc::now();
    let mut subscribers = Vec::new();
    for (number, status) in [(1, 204), (2, 500), (3, 204)] {
        let subscriber = Subscriber::start(&[response(status, "", "")]).await;
        let webhook = service.create(number, Scope::Global, &subscriber.url()).await;
        let entry = service.change("acme", number.into(), started).await;
        let delivery = service.queue(&webhook, &entry).await;
        batch.push(("m", message(&delivery)));
        let status = if status == 204 {
            DeliveryStatus::Succeeded
        } else {
            DeliveryStatus::Pending
        };
        expected.push((delivery, status));
        subscribers.push(subscriber);
    }
    assert_eq!(invoke(&service.notifier, &messages(&batch)).await.unwrap(), failed(&[]));
    for (delivery, status) in expected {
        assert_eq!(service.delivery(&delivery).await.progress.status(), status);
    }
    assert_eq!(invoke(&service.notifier, &messages(&[])).await.unwrap(), failed(&[]));
}

#[tokio::test]
async fn message_that_cannot_be_worked_on_is_named_and_no_other() {
    let service = Service::start().await;
    let subscriber = Subscriber::start(&[ok()]).await;
    let webhook = service.create(1, Scope::Global, &subscriber.url()).await;
    let entry = service.change("acme", 1, chrono::Utc::now()).await;
    let delivery = service.queue(&webhook, &entry).await;
    let event = messages(&[("foreign", "hello".to_owned()), ("ours", message(&delivery))]);
    assert_eq!(invoke(&service.notifier, &event).await.unwrap(), failed(&["foreign"]));
    assert_eq!(subscriber.received().len(), 1);

    let mut stores = service.stores.clone();
    stores.deliveries = DeliveryStore::new(service.client(), "absent");
    let broken = service.notifier_with(stores, key());
    assert_eq!(
        invoke(&broken, &messages(&[("ours", message(&delivery))]))
            .await
            .unwrap(),
        failed(&["ours"])
    );
    assert_eq!(
        invoke(&broken, &json!({"sweep": {}})).await.unwrap_err().kind,
        "SweepFailed"
    );
}

#[tokio::test]
async fn what_cannot_be_signed_stays_due() {
    let service = Service::start().await;
    let subscriber = Subscriber::start(&[ok()]).await;
    let webhook = service.create(1, Scope::Global, &subscriber.url()).await;
    let entry = service.change("acme", 1, chrono::Utc::now()).await;
    let delivery = service.queue(&webhook, &entry).await;
    let queued = service.delivery(&delivery).await;
    let ssm = AwsServer::start(|_| AwsReply::rejection(400, "ParameterNotFound")).await;
    let secret = Secret::stored(Parameter::new(ssm.sdk_config(), "/a/key"));
    let keyless = service.notifier_with(service.stores.clone(), secret.into());
    let event = messages(&[("ours", message(&delivery))]);
    assert_eq!(invoke(&keyless, &event).await.unwrap(), failed(&["ours"]));
    assert_eq!(service.delivery(&delivery).await, queued);
    assert_eq!(subscriber.received().len(), 0);
}

#[tokio::test]
async fn sweep_sends_a_message_for_each_row_that_is_due() {
    let service = Service::start().await;
    let webhook = service.create(1, Scope::Global, "http://127.0.0.1:9/").await;
    let mut due = Vec::new();
    for number in 0..3 {
        let entry = service.change("acme", number, chrono::Utc::now()).await;
        due.push(WakeUp::for_delivery(&service.queue(&webhook, &entry).await));
    }
    assert_eq!(
        invoke(&service.notifier, &json!({"sweep": {}})).await.unwrap(),
        json!({"due": 3})
    );
    let mut sent: Vec<_> = service
        .messages
        .take()
        .into_iter()
        .map(|(wake_up, _)| wake_up)
        .collect();
    sent.sort_by(|one, other| one.position.cmp(&other.position));
    due.sort_by(|one, other| one.position.cmp(&other.position));
    assert_eq!(sent, due);
}
