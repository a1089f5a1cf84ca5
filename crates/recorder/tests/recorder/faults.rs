//! Faults of DynamoDB: the first record that was not recorded is reported, and nothing is lost when it is delivered
//! again.

use serde_json::Value;
use testing::{Fault, FaultProxy};

use crate::harness::{
    NOW, Service, Stream, at, deliver, deliver_in, invocation, item, late_invocation, reconcile, recorder,
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
    let records = creations(25);
    for (status, code) in [
        (400, "ProvisionedThroughputExceededException"),
        (500, "InternalServerError"),
        (400, "AccessDeniedException"),
    ] {
        for written in [0, 1, 9, 10, 14, 24] {
            let service = Service::start().await;
            let mut faults = vec![Fault::Pass; START + written];
            faults.push(Fault::Reject(status, code));
            let proxy = FaultProxy::start(service.dynamodb.address, &faults).await;
            let failing = recorder(&proxy.client());
            let reported = deliver(&failing, &records).await.unwrap();
            let first = records
                .iter()
                .position(|record| sequence_number(record) == reported)
                .unwrap();
            let found = recorded(&service, records.len()).await;
            assert!(
                found[..first].iter().all(|recorded| *recorded),
                "{code} {written}: {found:?}"
            );
            assert!(!found[first], "{code} {written}: {found:?}");
            assert_eq!(deliver(&service.recorder, &records[first..]).await, None);
            assert_eq!(recorded(&service, records.len()).await, [true; 25]);
        }
    }
}

#[tokio::test]
async fn write_whose_response_was_lost_is_one_entry() {
    let service = Service::start().await;
    let records = creations(3);
    let mut faults = vec![Fault::Pass; START];
    faults.extend([
        Fault::LoseResponse,
        Fault::LoseResponse,
        Fault::LoseResponse,
        Fault::Pass,
    ]);
    let proxy = FaultProxy::start(service.dynamodb.address, &faults).await;
    assert_eq!(deliver(&recorder(&proxy.client()), &records).await, None);
    assert_eq!(recorded(&service, 3).await, [true; 3]);
    assert!(proxy.requests() > START + 3);
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
    let records = creations(25);
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
    assert_eq!(recorded(&service, 25).await, [true; 25]);
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
