//! The function is killed before, between and after its writes, and records are delivered again, as Lambda does it.

use std::{collections::BTreeMap, env, time::Duration};

use lambda::Handler;
use serde_json::{Value, json};
use tenant_core::Field;
use tokio::time::timeout;

use crate::harness::{Service, Stream, invocation, item, recorder, sequence_number};

const BATCH: usize = 100;
const TENANTS: usize = 500;

/// `HISTORY=full` takes minutes.
fn changes() -> usize {
    if env::var("HISTORY").is_ok_and(|effort| effort == "full") {
        100_000
    } else {
        2_000
    }
}

/// Numbers that are the same in every run (xorshift).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}

#[tokio::test]
async fn every_change_is_recorded_once_however_often_the_function_is_killed() {
    let service = Service::start().await;
    let mut numbers = Numbers(0x2026_1127);
    let mut stream = Stream::default();
    let mut items: BTreeMap<String, Value> = BTreeMap::new();
    let mut expected: BTreeMap<String, Vec<Option<String>>> = BTreeMap::new();
    let mut records = Vec::new();
    for number in 0..changes() {
        let tenant = format!("tenant-{}", numbers.below(TENANTS as u64));
        let bucket = format!("bucket-{number}");
        let old = items.remove(&tenant);
        // A tenth are deletions.
        let new = (old.is_none() || numbers.below(10) > 0).then(|| item(&tenant, &bucket));
        records.push(stream.record(old.as_ref(), new.as_ref()));
        expected
            .entry(tenant.clone())
            .or_default()
            .push(new.as_ref().map(|_| bucket));
        if let Some(new) = new {
            items.insert(tenant, new);
        }
    }

    let (mut handled, mut kills) = (0, [0_u32; 3]);
    // Each kill ends a process; the next one knows nothing.
    let mut process = recorder(&service.dynamodb.client);
    while handled < records.len() {
        let batch = &records[handled..records.len().min(handled + BATCH)];
        let event = json!({ "Records": batch }).to_string();
        let invocation = invocation();
        let kill = match numbers.below(6) {
            0 => Some(0),
            1 => {
                let time = Duration::from_micros(numbers.below(60_000));
                let _ = timeout(time, process.invoke(event.as_bytes(), &invocation)).await;
                Some(1)
            }
            2 => {
                process.invoke(event.as_bytes(), &invocation).await.unwrap();
                Some(2)
            }
            _ => {
                let response = process.invoke(event.as_bytes(), &invocation).await.unwrap();
                let response: Value = serde_json::from_slice(&response).unwrap();
                handled += match response["batchItemFailures"][0]["itemIdentifier"].as_str() {
                    None => batch.len(),
                    Some(first) => batch
                        .iter()
                        .position(|record| sequence_number(record) == first)
                        .unwrap(),
                };
                None
            }
        };
        if let Some(when) = kill {
            kills[when] += 1;
            process = recorder(&service.dynamodb.client);
        }
    }
    assert!(kills.iter().all(|kills| *kills > 0), "{kills:?}");

    for (tenant, expected) in expected {
        let entries = service.entries(&tenant).await;
        let bucket = |config: Option<tenant_core::StoredConfig>| {
            let name = config?.get(Field::BucketName)?.as_str()?.to_owned();
            Some(name)
        };
        let found: Vec<_> = entries.iter().map(|entry| bucket(entry.configuration())).collect();
        assert_eq!(found, expected, "{tenant}");
        let before: Vec<_> = entries.iter().map(|entry| bucket(entry.previous())).collect();
        let shifted: Vec<_> = [None].into_iter().chain(expected).take(before.len()).collect();
        assert_eq!(before, shifted, "{tenant}");
    }
}
