//! The metrics of requests, compared with the documentation.

use std::collections::{BTreeMap, BTreeSet};

use lambda::metrics::{self, Settings, Unit};
use serde_json::{Value, json};

use crate::{
    harness::{Call, LIST, Service, config_path, invocation, s3, tenant_path, text},
    logs::{capture_log, request_lines},
};

const OPERATIONS: &str = include_str!("../../../../docs/operations.md");
const FUNCTION: &str = "logging-api-service";

/// Unit and sets of dimensions by name.
pub(crate) type Metrics = BTreeMap<String, (String, BTreeSet<String>)>;

pub(crate) fn init() {
    metrics::init(Some(Settings {
        namespace: metrics::NAMESPACE.to_owned(),
        function_name: FUNCTION.to_owned(),
    }));
}

/// The metrics that CloudWatch reads from a line.
pub(crate) fn metrics_of(line: &Value) -> Metrics {
    let mut metrics = Metrics::new();
    for directive in line["_aws"]["CloudWatchMetrics"].as_array().unwrap() {
        assert_eq!(directive["Namespace"], metrics::NAMESPACE);
        for set in directive["Dimensions"].as_array().unwrap() {
            let names: Vec<_> = set
                .as_array()
                .unwrap()
                .iter()
                .map(|name| name.as_str().unwrap())
                .collect();
            for name in &names {
                assert!(line[name].is_string(), "the dimension {name} has no value: {line}");
            }
            for metric in directive["Metrics"].as_array().unwrap() {
                let name = metric["Name"].as_str().unwrap();
                assert!(line[name].is_number(), "the metric {name} has no value: {line}");
                let unit = metric["Unit"].as_str().unwrap().to_owned();
                let entry = metrics
                    .entry(name.to_owned())
                    .or_insert_with(|| (unit, BTreeSet::new()));
                entry.1.insert(names.join(", "));
            }
        }
    }
    metrics
}

fn catalogue() -> Metrics {
    let catalogue = api::metrics::catalogue().into_iter().map(|metric| {
        let sets = metric.dimensions.iter().map(|set| set.join(", ")).collect();
        let unit = match metric.unit {
            Unit::Count => "Count",
            Unit::Milliseconds => "Milliseconds",
        };
        (metric.name.into_owned(), (unit.to_owned(), sets))
    });
    catalogue.collect()
}

/// The rows of the table under a heading: name, unit, sets of dimensions.
fn documented(heading: &str) -> Metrics {
    let section = OPERATIONS.split(heading).nth(1).unwrap();
    let section = section.split("\n#").next().unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| {
        let cells: Vec<_> = row
            .trim_matches('|')
            .split('|')
            .map(|cell| cell.trim().replace('`', ""))
            .collect();
        let sets = cells[2].split(';').map(|set| set.trim().to_owned()).collect();
        (cells[0].clone(), (cells[1].clone(), sets))
    })
    .collect()
}

/// The catalogue has a metric for each field; the documentation has one row for all of them.
fn with_fields_folded(metrics: Metrics) -> Metrics {
    let prefix = "validation_failures_";
    let fold = |name: String| {
        name.strip_prefix(prefix)
            .map(|_| format!("{prefix}FIELD"))
            .unwrap_or(name)
    };
    metrics.into_iter().map(|(name, rest)| (fold(name), rest)).collect()
}

#[test]
fn documented_metrics_are_those_of_the_catalogue() {
    assert_eq!(
        with_fields_folded(catalogue()),
        documented("### Metrics of the API function")
    );
}

#[tokio::test]
async fn every_metric_of_the_catalogue_is_written_by_some_request() {
    init();
    let log = capture_log();
    let service = Service::start().await;
    let path = config_path("acme", "s3");
    service.create(s3("acme")).await;
    service
        .send(Call::patch(&path).json(&json!({"enabled": false})))
        .await
        .expect(200);
    service.send(Call::delete(&path)).await.expect(200);
    service
        .send(
            Call::post(&tenant_path("acme"))
                .json(&json!({"tenant_id": "acme", "type": "s3", "ttl": "x", "bucket_name": "SECRET", "hush": 1})),
        )
        .await
        .expect(422);
    service.send(Call::get(LIST).query("filter", "acme")).await.expect(200);
    let throttled = Service::start_with_rejecting_store(400, "ThrottlingException").await;
    throttled.send(Call::get(&path)).await.expect(503);
    let mut first = invocation();
    first.cold_start = true;
    let event = serde_json::to_vec(&Call::get("/nowhere").into_event()).unwrap();
    lambda::Handler::invoke(&service.api, &event, &first).await.unwrap();

    let lines = request_lines(&log);
    let written: Metrics = lines.iter().flat_map(metrics_of).collect();
    let catalogue = catalogue();
    for (name, metric) in &written {
        assert_eq!(catalogue.get(name), Some(metric), "{name}");
    }
    let missing: Vec<_> = catalogue.keys().filter(|name| !written.contains_key(*name)).collect();
    assert!(
        missing.iter().all(|name| name.starts_with("validation_failures_")),
        "{missing:?}"
    );
    let [create, update, delete, rejected, search, busy, cold] = &lines[..] else {
        panic!("{lines:?}")
    };
    assert_eq!((&create["configs_created"], &create["type"]), (&1.into(), &"s3".into()));
    assert_eq!(
        (&create["requests"], &create["status_class"]),
        (&1.into(), &"2xx".into())
    );
    assert_eq!(
        (&create["function_name"], &create["cold_starts"]),
        (&FUNCTION.into(), &Value::Null)
    );
    assert_eq!(
        (&update["configs_updated"], &delete["configs_deleted"]),
        (&1.into(), &1.into())
    );
    assert_eq!(rejected["validation_failures"], 3);
    for field in ["ttl", "bucket_name", "unknown_field"] {
        assert_eq!(rejected[format!("validation_failures_{field}")], 1);
    }
    assert_eq!(search["scanned_items"], 0);
    assert_eq!(
        (&busy["dynamodb_throttles"], &busy["dynamodb_retries"]),
        (&3.into(), &2.into())
    );
    assert_eq!(
        (&busy["status_class"], &busy["dynamodb_attempts"]),
        (&"5xx".into(), &3.into())
    );
    assert_eq!((&cold["cold_starts"], &cold["route"]), (&1.into(), &"unmatched".into()));
}

#[tokio::test]
async fn no_dimension_is_a_tenant() {
    init();
    let log = capture_log();
    let service = Service::start().await;
    service.create(s3("acme")).await;
    for (_, (_, sets)) in metrics_of(&request_lines(&log)[0]) {
        assert!(!sets.iter().any(|set| set.contains("tenant")), "{sets:?}");
    }
}

#[tokio::test]
async fn deletion_of_an_unknown_type_has_no_type_that_a_person_chose() {
    init();
    let log = capture_log();
    let service = Service::start().await;
    service
        .put_item([("tenant_id", text("O'Neil")), ("type", text("splunk"))])
        .await;
    let path = config_path("O%27Neil", "splunk");
    service.send(Call::delete(&path)).await.expect(200);
    let [line] = &request_lines(&log)[..] else {
        panic!("{}", log.text())
    };
    assert_eq!((&line["configs_deleted"], &line["type"]), (&1.into(), &"other".into()));
    assert!(metrics_of(line).contains_key("configs_deleted"));
    assert_eq!(line.get("tenant_id"), None);
    assert!(
        log.text().contains(r#""tenant_id":"O'Neil","type":"splunk""#),
        "the audit line names it"
    );
}
