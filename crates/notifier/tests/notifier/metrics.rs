//! The metrics of invocations, compared with their documentation, and the lines that carry them.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{TimeDelta, Utc};
use lambda::metrics::{self, Unit};
use notifier::Stores;
use serde_json::{Value, json};
use tenant_core::webhook::Scope;
use tenant_store::{
    history::HistoryStore,
    webhooks::{DeliveryStore, WebhookStore},
};
use testing::{CapturedLog, Fault, FaultProxy, json_format};

use crate::{
    function::{invoke, message, messages},
    harness::{Service, key},
    subscriber::{Subscriber, ok, response},
};

const OPERATIONS: &str = include_str!("../../../../docs/operations.md");

/// Unit and sets of dimensions by name.
type Metrics = BTreeMap<String, (String, BTreeSet<String>)>;

fn catalogue() -> Metrics {
    let catalogue = ::notifier::metrics::catalogue().into_iter().map(|metric| {
        let sets = metric.dimensions.iter().map(|set| set.join(", ")).collect();
        let unit = match metric.unit {
            Unit::Count => "Count",
            Unit::Milliseconds => "Milliseconds",
        };
        (metric.name.into_owned(), (unit.to_owned(), sets))
    });
    catalogue.collect()
}

#[test]
fn documented_metrics_are_those_of_the_catalogue() {
    let section = OPERATIONS.split("### Metrics of the notifier").nth(1).unwrap();
    let section = section.split("\n#").next().unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    let documented: Metrics = rows
        .map(|row| {
            let cells: Vec<_> = row
                .trim_matches('|')
                .split('|')
                .map(|cell| cell.trim().replace('`', ""))
                .collect();
            let sets = cells[2].split(';').map(|set| set.trim().to_owned()).collect();
            (cells[0].clone(), (cells[1].clone(), sets))
        })
        .collect();
    assert_eq!(catalogue(), documented);
}

/// The lines of invocations and deliveries, with their members.
fn lines(log: &CapturedLog) -> Vec<Value> {
    let lines = log.json_lines().into_iter();
    let lines = lines.filter(|line| line["target"] == "request" || line["target"] == "delivery");
    lines
        .map(|mut line| {
            let mut members: Value = serde_json::from_str(line["members"].as_str().unwrap()).unwrap();
            line.as_object_mut().unwrap().append(members.as_object_mut().unwrap());
            line
        })
        .collect()
}

fn names_in(line: &Value) -> Vec<String> {
    let directives = line["_aws"]["CloudWatchMetrics"].as_array().unwrap().iter();
    let metrics = directives.flat_map(|directive| directive["Metrics"].as_array().unwrap());
    metrics
        .map(|metric| metric["Name"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn every_metric_is_written_by_a_message_or_a_sweep_that_it_counts() {
    metrics::init(Some(metrics::Settings {
        namespace: metrics::NAMESPACE.to_owned(),
        function_name: "logging-notifier".to_owned(),
    }));
    let log = CapturedLog::of_this_thread(json_format);
    let service = Service::start().await;
    let receiver = Subscriber::start(&[ok()]).await;
    let failing = Subscriber::start(&[response(500, "", "SECRET")]).await;
    let gone = Subscriber::start(&[response(410, "", "")]).await;
    let mut deliveries = Vec::new();
    // Eleven to the one that fails: ten open its breaker, and the last one waits. Two to the one that is gone.
    for (webhook, subscriber, count) in [(1_u8, &receiver, 1), (2, &failing, 11), (3, &gone, 2)] {
        let webhook = service.create(webhook, Scope::Global, &subscriber.url()).await;
        for number in 0..count {
            let number = u64::from(webhook.id.as_str().as_bytes()[4]) * 100 + number;
            let entry = service.change("acme", number, Utc::now() - TimeDelta::seconds(2)).await;
            deliveries.push(service.queue(&webhook, &entry).await);
        }
    }
    invoke(&service.notifier, &json!({"sweep": {}})).await.unwrap();
    service.messages.take();
    for delivery in &deliveries {
        invoke(&service.notifier, &messages(&[("m", message(delivery))]))
            .await
            .unwrap();
    }
    service.messages.fail();
    invoke(&service.notifier, &json!({"sweep": {}})).await.unwrap();
    let proxy = FaultProxy::start(
        service.address(),
        &[Fault::Reject(400, "ThrottlingException"), Fault::Pass],
    )
    .await;
    let client = proxy.client();
    let stores = Stores {
        webhooks: WebhookStore::new(client.clone(), "webhooks"),
        deliveries: DeliveryStore::new(client.clone(), "deliveries"),
        history: HistoryStore::new(client, "history"),
    };
    let throttled = service.notifier_with(stores, key());
    invoke(&throttled, &json!({"sweep": {}})).await.unwrap();

    let lines = lines(&log);
    let (catalogue, mut written) = (catalogue(), BTreeSet::new());
    for line in &lines {
        assert!(
            !line.to_string().contains("SECRET") && !line.to_string().contains("/hook"),
            "{line}"
        );
        for name in names_in(line) {
            assert!(catalogue.contains_key(&name), "{name}");
            written.insert(name);
        }
    }
    let missing: Vec<_> = catalogue.keys().filter(|name| !written.contains(*name)).collect();
    assert_eq!(missing, [""; 0]);

    let sum = |name: &str| lines.iter().filter_map(|line| line[name].as_u64()).sum::<u64>();
    let names = ["attempted", "succeeded", "failed", "postponed", "cancelled"];
    let counts = names.map(|name| sum(&format!("deliveries_{name}")));
    assert_eq!(counts, [12, 1, 11, 1, 1]);
    assert_eq!((sum("breakers_opened"), sum("endpoints_disabled")), (1, 1));
    let lags: Vec<_> = lines
        .iter()
        .filter_map(|line| line["delivery_lag_ms"].as_f64())
        .collect();
    assert!(
        matches!(lags[..], [lag] if (1000.0..60_000.0).contains(&lag)),
        "{lags:?}"
    );
    let attempt = lines.iter().find(|line| line["response_status"] == 500).unwrap();
    assert_eq!(
        (&attempt["level"], &attempt["outcome"]),
        (&"WARN".into(), &"attempted".into())
    );
}
