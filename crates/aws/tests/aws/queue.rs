//! Messages to a queue.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use serde_json::{Value, json};
use tenant_aws::queue::Queue;
use testing::{AwsCall, AwsReply, AwsServer};

const URL: &str = "https://sqs.us-east-1.amazonaws.com/123456789012/test";

fn entries(call: &AwsCall) -> &Vec<Value> {
    call.input["Entries"].as_array().unwrap()
}

/// SQS's response: what this says of each message failed, with this code, perhaps by the sender's fault.
fn taken(call: &AwsCall, failure: impl Fn(&str) -> Option<(&'static str, bool)>) -> AwsReply {
    let (mut successful, mut failed) = (Vec::new(), Vec::new());
    for entry in entries(call) {
        match failure(entry["MessageBody"].as_str().unwrap()) {
            None => successful.push(json!({"Id": entry["Id"], "MessageId": "m", "MD5OfMessageBody": "5"})),
            Some((code, by_sender)) => {
                failed.push(json!({"Id": entry["Id"], "Code": code, "SenderFault": by_sender}));
            }
        }
    }
    AwsReply::Json(200, json!({"Successful": successful, "Failed": failed}))
}

fn messages(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("message {number}")).collect()
}

fn sent(server: &AwsServer) -> Vec<String> {
    let calls = server.calls();
    let bodies = calls.iter().flat_map(entries).map(|entry| &entry["MessageBody"]);
    bodies.map(|body| body.as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn messages_are_sent_ten_at_a_time_with_their_delay() {
    for (count, calls) in [(0, vec![]), (1, vec![1]), (10, vec![10]), (25, vec![5, 10, 10])] {
        let server = AwsServer::start(|call| taken(call, |_| None)).await;
        let queue = Queue::new(server.sdk_config(), URL);
        queue.send(messages(count), Duration::from_millis(4100)).await.unwrap();
        let mut sizes: Vec<usize> = server.calls().iter().map(|call| entries(call).len()).collect();
        sizes.sort_unstable();
        assert_eq!(sizes, calls);
        let mut bodies = sent(&server);
        let mut expected = messages(count);
        bodies.sort_unstable();
        expected.sort_unstable();
        assert_eq!(bodies, expected);
        for call in server.calls() {
            assert_eq!(
                (&*call.target, &call.input["QueueUrl"]),
                ("AmazonSQS.SendMessageBatch", &json!(URL))
            );
            assert!(
                entries(&call).iter().all(|entry| entry["DelaySeconds"] == 5),
                "{call:?}"
            );
        }
    }
}

#[tokio::test]
async fn delay_is_at_most_the_longest_one_of_a_message() {
    let server = AwsServer::start(|call| taken(call, |_| None)).await;
    let queue = Queue::new(server.sdk_config(), URL);
    queue.send(messages(1), Duration::from_hours(3)).await.unwrap();
    assert_eq!(entries(&server.calls()[0])[0]["DelaySeconds"], 900);
}

#[tokio::test]
async fn messages_that_sqs_failed_to_take_are_sent_once_more_and_no_other() {
    let failures = AtomicUsize::new(2);
    let server = AwsServer::start(move |call| {
        taken(call, |body| {
            let fails = body.ends_with('3') || body.ends_with('7');
            let fails = fails
                && failures
                    .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1))
                    .is_ok();
            fails.then_some(("InternalError", false))
        })
    })
    .await;
    Queue::new(server.sdk_config(), URL)
        .send(messages(10), Duration::ZERO)
        .await
        .unwrap();
    let sizes: Vec<usize> = server.calls().iter().map(|call| entries(call).len()).collect();
    assert_eq!(sizes, [10, 2]);
    assert_eq!(sent(&server)[10..], ["message 3", "message 7"]);
}

#[tokio::test]
async fn messages_that_were_not_sent_are_counted_and_all_others_sent() {
    for (by_sender, calls_of_the_batch) in [(true, 1), (false, 2)] {
        let server =
            AwsServer::start(move |call| taken(call, |body| body.ends_with('3').then_some(("Broken", by_sender))))
                .await;
        let queue = Queue::new(server.sdk_config(), URL);
        let error = queue.send(messages(25), Duration::ZERO).await.unwrap_err();
        assert_eq!(error.unsent, 3);
        assert_eq!(error.source.to_string(), "SQS did not take the message: Broken");
        assert_eq!(server.calls().len(), 3 * calls_of_the_batch);
    }
}

#[tokio::test]
async fn call_is_tried_three_times_and_its_failure_leaves_the_others() {
    let server = AwsServer::start(|call| {
        if entries(call).len() == 10 {
            AwsReply::rejection(500, "InternalError")
        } else {
            taken(call, |_| None)
        }
    })
    .await;
    let error = Queue::new(server.sdk_config(), URL)
        .send(messages(13), Duration::ZERO)
        .await
        .unwrap_err();
    assert_eq!((error.unsent, server.calls().len()), (10, 4));

    let server = AwsServer::start(|_| AwsReply::rejection(403, "AccessDenied")).await;
    let error = Queue::new(server.sdk_config(), URL)
        .send(messages(1), Duration::ZERO)
        .await
        .unwrap_err();
    assert_eq!((error.unsent, server.calls().len()), (1, 1));
}
