//! Faults of DynamoDB: the first record that was not recorded is reported, and nothing is lost when it is delivered
//! again.

use recorder::Recorder;
use serde_json::{Value, json};
use tenant_core::history::{Entry, Images};
use testing::{Fault, FaultProxy};

use crate::harness::{
    HISTORY, NOW, Service, Stream, at, deliver, deliver_in, invocation, item, late_invocation, reconcile, recorder,
    sequence_number,
};

/// Requests before the first entry: the start of the recording is read and noted.
const START: usize = 2;

/// Creations of this many configurations.
fn creations(count: usize) -> Vec<Value> {
    let mut stream = Stream::default();
    (0..count)
        .map(|n| stream.record(None, Some(&item(&format!("tenant-{n}"), "one"))))
        .collect()
}

/// The position of the record that the recorder reports.
async fn reported(recorder: &Recorder, records: &[Value]) -> Option<usize> {
    let reported = deliver(recorder, records).await?;
    records.iter().position(|record| sequence_number(record) == reported)
}

async fn recorded(service: &Service, count: usize) -> Vec<bool> {
    let mut recorded = Vec::new();
    for n in 0..count {
        let entries = service.entries(&format!("tenant-{n}")).await;
        assert!(entries.len() <= 1, "{entries:?}");
        recorded.push(!entries.is_empty());
    }
    recorded
}

#[tokio::test]
async fn first_record_that_was_not_written_is_reported_and_delivered_again_nothing_is_lost() {
    // 25 are written in one call.
    let records = creations(60);
    for (status, code) in [
        (400, "ProvisionedThroughputExceededException"),
        (500, "InternalServerError"),
        (400, "AccessDeniedException"),
    ] {
        for (calls, expected) in [(0, 0), (1, 25), (2, 50)] {
            let service = Service::start().await;
            let mut faults = vec![Fault::Pass; START + calls];
            faults.push(Fault::Reject(status, code));
            let proxy = FaultProxy::start(service.dynamodb.address, &faults).await;
            let failing = recorder(&proxy.client());
            let first = reported(&failing, &records).await.unwrap();
            assert_eq!(first, expected, "{code}");
            let found = recorded(&service, records.len()).await;
            assert!(
                found[..first].iter().all(|recorded| *recorded),
                "{code} {calls}: {found:?}"
            );
            assert!(!found[first], "{code} {calls}: {found:?}");
            assert_eq!(deliver(&service.recorder, &records[first..]).await, None);
            assert_eq!(recorded(&service, records.len()).await, [true; 60]);
        }
    }
}

#[tokio::test]
async fn entries_that_dynamodb_did_not_process_are_written_one_by_one() {
    for (fault, expected) in [
        (None, None),
        (Some(Fault::Reject(400, "AccessDeniedException")), Some(0)),
    ] {
        let service = Service::start().await;
        let records = creations(12);
        let stand_in = Service::start().await;
        deliver(&stand_in.recorder, &records).await;
        // DynamoDB processes none of them.
        let items = stand_in
            .dynamodb
            .client
            .scan()
            .table_name(HISTORY)
            .send()
            .await
            .unwrap();
        let names = items.items().iter().filter(|item| item.contains_key("revision"));
        let puts: Vec<_> = names.map(|item| json!({"PutRequest": {"Item": {
            "tenant_id": {"S": item["tenant_id"].as_s().unwrap()}, "position": {"S": item["position"].as_s().unwrap()}
        }}})).collect();
        assert_eq!(puts.len(), 12);
        let mut faults = vec![Fault::Pass; START];
        faults.push(Fault::Respond(
            200,
            json!({"UnprocessedItems": {HISTORY: puts}}).to_string(),
        ));
        faults.push(fault.unwrap_or(Fault::Pass));
        let proxy = FaultProxy::start(service.dynamodb.address, &faults).await;
        assert_eq!(reported(&recorder(&proxy.client()), &records).await, expected);
        assert_eq!(recorded(&service, 12).await, [expected.is_none(); 12]);
        assert!(proxy.requests() > START + 1);
    }
}

#[tokio::test]
async fn entry_that_dynamodb_does_not_accept_leaves_those_beside_it_whole() {
    let service = Service::start().await;
    let failing = recorder(&service.dynamodb.client).with_decision(|record, now| {
        let entry = record.into_entry(now)?;
        let is_odd = entry.key.tenant_id() == "tenant-3";
        let images = if is_odd {
            Images::Names(vec!["n".repeat(450_000)])
        } else {
            entry.images.clone()
        };
        Some(Entry { images, ..entry })
    });
    assert_eq!(deliver(&failing, &creations(12)).await, None);
    for n in 0..12 {
        let entries = service.entries(&format!("tenant-{n}")).await;
        let is_truncated = entries[0].images == Images::Truncated;
        assert_eq!((entries.len(), is_truncated), (1, n == 3), "{n}");
    }
}

#[tokio::test]
async fn write_whose_response_was_lost_is_one_entry() {
    let service = Service::start().await;
    let records = creations(3);
    let mut faults = vec![Fault::Pass; START];
    faults.extend([Fault::LoseResponse, Fault::LoseResponse, Fault::Pass]);
    let proxy = FaultProxy::start(service.dynamodb.address, &faults).await;
    assert_eq!(deliver(&recorder(&proxy.client()), &records).await, None);
    assert_eq!(recorded(&service, 3).await, [true; 3]);
    assert_eq!(proxy.requests(), START + 3);
}

#[tokio::test]
async fn batch_is_unfinished_from_its_first_record_while_the_recording_cannot_begin() {
    let service = Service::start().await;
    let records = creations(2);
    let faults = [Fault::Reject(500, "InternalServerError")];
    let proxy = FaultProxy::start(service.dynamodb.address, &faults).await;
    let failing = recorder(&proxy.client());
    assert_eq!(deliver(&failing, &records).await, Some(sequence_number(&records[0])));
    let error = reconcile(&failing, &invocation()).await.unwrap_err();
    assert_eq!(
        (error.kind, error.message.as_str()),
        ("HistoryUnavailable", "DynamoDB is unreachable")
    );
    assert_eq!(recorded(&service, 2).await, [false; 2]);
}

#[tokio::test]
async fn batch_that_runs_out_of_time_makes_progress_and_is_continued() {
    let service = Service::start().await;
    let records = creations(60);
    let (mut rest, mut deliveries) = (&records[..], 0);
    while let Some(reported) = deliver_in(&service.recorder, rest, &late_invocation()).await {
        let first = rest
            .iter()
            .position(|record| sequence_number(record) == reported)
            .unwrap();
        assert!(first > 0, "no progress");
        (rest, deliveries) = (&rest[first..], deliveries + 1);
    }
    assert_eq!(deliveries, 2);
    assert_eq!(recorded(&service, 60).await, [true; 60]);
}

#[tokio::test]
async fn recording_begins_with_the_first_batch_and_only_once() {
    let service = Service::start().await;
    let before = chrono::Utc::now();
    deliver(&service.recorder, &creations(1)).await;
    let first = service.history.recording().await.unwrap().unwrap();
    assert!(first.started_at >= before - chrono::TimeDelta::milliseconds(1) && first.started_at > at(NOW));
    deliver(&recorder(&service.dynamodb.client), &creations(1)).await;
    assert_eq!(service.history.recording().await.unwrap(), Some(first));
}
