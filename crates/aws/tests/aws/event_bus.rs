//! Events on a bus.

use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};
use tenant_aws::event_bus::{BusEvent, EventBus};
use testing::{AwsCall, AwsReply, AwsServer};

fn entries(call: &AwsCall) -> &Vec<Value> {
    call.input["Entries"].as_array().unwrap()
}

fn put(call: &AwsCall, fails: impl Fn(&Value) -> bool) -> AwsReply {
    let results: Vec<Value> = entries(call)
        .iter()
        .map(|entry| {
            if fails(entry) {
                json!({"ErrorCode": "InternalFailure", "ErrorMessage": "none"})
            } else {
                json!({"EventId": "1"})
            }
        })
        .collect();
    AwsReply::Json(200, json!({"FailedEntryCount": 0, "Entries": results}))
}

fn event(detail_bytes: usize) -> BusEvent {
    BusEvent {
        source: "tenant-management".to_owned(),
        detail_type: "delivery_config.created".to_owned(),
        detail: format!("{{\"a\":\"{}\"}}", "x".repeat(detail_bytes - 8)),
        time: 1_700_000_000,
    }
}

#[tokio::test]
async fn event_has_what_rules_match() {
    let server = AwsServer::start(|call| put(call, |_| false)).await;
    let event = event(10);
    EventBus::new(server.sdk_config(), "audit")
        .put(std::slice::from_ref(&event))
        .await
        .unwrap();
    let [call] = &server.calls()[..] else {
        panic!("one call")
    };
    assert_eq!(call.target, "AWSEvents.PutEvents");
    let expected = json!({
        "Time": 1_700_000_000, "Source": event.source, "DetailType": event.detail_type, "Detail": event.detail,
        "EventBusName": "audit"
    });
    assert_eq!(entries(call)[..], [expected]);
}

#[tokio::test]
async fn call_has_at_most_ten_events_and_256_kilobytes() {
    for (events, expected) in [
        (vec![], vec![]),
        (vec![event(10); 23], vec![3, 10, 10]),
        (vec![event(100_000); 5], vec![1, 2, 2]),
        (vec![event(10), event(300_000), event(10)], vec![1, 1, 1]),
    ] {
        let server = AwsServer::start(|call| put(call, |_| false)).await;
        EventBus::new(server.sdk_config(), "audit").put(&events).await.unwrap();
        let mut sizes: Vec<usize> = server.calls().iter().map(|call| entries(call).len()).collect();
        sizes.sort_unstable();
        assert_eq!(sizes, expected);
    }
}

#[tokio::test]
async fn events_that_eventbridge_failed_to_take_are_put_once_more_and_no_other() {
    let is_first = AtomicBool::new(true);
    let server = AwsServer::start(move |call| {
        let is_first = is_first.swap(false, Ordering::Relaxed);
        put(call, |entry| is_first && entry["Detail"].as_str().unwrap().len() > 10)
    })
    .await;
    let bus = EventBus::new(server.sdk_config(), "audit");
    bus.put(&[event(10), event(11), event(12)]).await.unwrap();
    let sizes: Vec<usize> = server.calls().iter().map(|call| entries(call).len()).collect();
    assert_eq!(sizes, [3, 2]);
}

#[tokio::test]
async fn events_that_were_not_put_are_counted() {
    let server = AwsServer::start(|call| put(call, |entry| entry["Detail"].as_str().unwrap().len() > 10)).await;
    let bus = EventBus::new(server.sdk_config(), "audit");
    let error = bus.put(&[event(10), event(11), event(12)]).await.unwrap_err();
    assert_eq!(error.to_string(), "2 events were not put on the bus");
    assert_eq!(
        error.source.to_string(),
        "EventBridge did not take the event: InternalFailure"
    );

    let server = AwsServer::start(|_| AwsReply::rejection(400, "AccessDeniedException")).await;
    let bus = EventBus::new(server.sdk_config(), "audit");
    let error = bus.put(&vec![event(10); 12]).await.unwrap_err();
    assert_eq!((error.unput, server.calls().len()), (12, 2));
}
