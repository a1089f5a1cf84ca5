//! The metrics of invocations, compared with their documentation, and the lines that carry them.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::types::{StreamSpecification, StreamViewType};
use lambda::{
    Handler,
    metrics::{self, Unit},
};
use serde_json::{Value, json};
use tenant_core::history::ChangeKind;
use testing::{CapturedLog, Fault, FaultProxy, json_format};

use crate::harness::{
    CONFIGS, Service, Stream, by_request, deliver, deliver_in, invocation, item, reconcile, recorder, sequence_number,
};

const OPERATIONS: &str = include_str!("../../../../docs/operations.md");

/// Unit and sets of dimensions by name.
type Metrics = BTreeMap<String, (String, BTreeSet<String>)>;

fn init() {
    metrics::init(Some(metrics::Settings {
        namespace: metrics::NAMESPACE.to_owned(),
        function_name: "logging-recorder".to_owned(),
    }));
}

/// The lines of invocations, with their members.
fn lines(log: &CapturedLog) -> Vec<Value> {
    let lines = log.json_lines().into_iter();
    let lines = lines.filter(|line| line["target"] == "request");
    lines
        .map(|mut line| {
            let mut members: Value = serde_json::from_str(line["members"].as_str().unwrap()).unwrap();
            line.as_object_mut().unwrap().append(members.as_object_mut().unwrap());
            line
        })
        .collect()
}

/// What CloudWatch would make of a line.
fn metrics_of(line: &Value) -> Metrics {
    let mut metrics = Metrics::new();
    for directive in line["_aws"]["CloudWatchMetrics"].as_array().unwrap() {
        for set in directive["Dimensions"].as_array().unwrap() {
            let names: Vec<_> = set
                .as_array()
                .unwrap()
                .iter()
                .map(|name| name.as_str().unwrap())
                .collect();
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
    let catalogue = ::recorder::metrics::catalogue().into_iter().map(|metric| {
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
    let section = OPERATIONS.split("### Metrics of the recorder").nth(1).unwrap();
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

#[tokio::test]
async fn every_metric_is_written_by_an_invocation_that_it_counts() {
    init();
    let log = CapturedLog::of_this_thread(json_format);
    let service = Service::start().await;
    let mut stream = Stream::default();
    let one = by_request(item("acme", "SECRET"), "r-1", ChangeKind::Create);
    let marked = by_request(item("acme", "SECRET"), "r-2", ChangeKind::Delete);
    let mut large = item("large", "one");
    large["note"] = json!({ "S": "n".repeat(390_000) });
    let mut unreadable = stream.record(None, Some(&item("odd", "one")));
    unreadable["dynamodb"]["NewImage"] = json!("SECRET");
    let records = [
        stream.record(None, Some(&one)),
        stream.record(Some(&one), Some(&marked)),
        stream.record(None, Some(&large)),
        unreadable,
    ];
    let mut first = invocation();
    first.cold_start = true;
    assert_eq!(deliver_in(&service.recorder, &records, &first).await, None);
    service.put("lost", "one").await;
    reconcile(&service.recorder, &invocation()).await.unwrap();
    let faults = [Fault::Reject(400, "ThrottlingException")];
    let proxy = FaultProxy::start(service.dynamodb.address, &faults).await;
    let reported = deliver(&recorder(&proxy.client()), &records[..1]).await;

    let lines = lines(&log);
    let [batch, comparison, throttled] = &lines[..] else {
        panic!("{lines:?}")
    };
    let (catalogue, mut written) = (catalogue(), BTreeSet::new());
    for line in &lines {
        for (name, metric) in metrics_of(line) {
            assert_eq!(catalogue.get(&name), Some(&metric), "{name}");
            written.insert(name);
        }
    }
    let missing: Vec<_> = catalogue.keys().filter(|name| !written.contains(*name)).collect();
    assert_eq!(missing, [""; 0]);

    let counts = |line: &Value, names: &[&str]| names.iter().map(|name| line[*name].clone()).collect::<Vec<_>>();
    let names = [
        "records",
        "history_entries",
        "delete_marks",
        "unreadable_records",
        "truncated_entries",
        "cold_starts",
    ];
    assert_eq!(counts(batch, &names), [4, 3, 1, 1, 1, 1]);
    assert_eq!((&batch["work"], &batch["level"]), (&"records".into(), &"ERROR".into()));
    assert!(batch["record_lag_ms"].as_f64().unwrap() > 0.0);
    // The baseline of `lost`, and `acme`, `large` and `odd`, which the table does not have. Nobody knows what `odd`
    // was.
    assert_eq!(counts(comparison, &["configs_compared", "changes_observed"]), [4, 3]);
    assert_eq!(
        (&comparison["work"], &comparison["done"]),
        (&"reconcile".into(), &true.into())
    );
    assert_eq!(
        counts(
            throttled,
            &["unfinished_batches", "dynamodb_throttles", "dynamodb_retries"]
        ),
        [1, 3, 2]
    );
    assert_eq!(throttled["level"], "WARN");
    let error = throttled["error"].as_str().unwrap();
    assert!(error.starts_with("DynamoDB throttles the request: "), "{error}");
    assert_eq!(reported, throttled["unfinished"].as_str().map(str::to_owned));
    assert_eq!(reported, Some(sequence_number(&records[0])));
    assert!(
        lines.iter().all(|line| !line.to_string().contains("SECRET")),
        "{lines:?}"
    );
}

#[tokio::test]
async fn stream_that_is_not_the_latest_one_of_the_table_is_counted() {
    init();
    let service = Service::start().await;
    let log = CapturedLog::of_this_thread(json_format);
    // Without an enabled stream, with one, and with the stream of a table before it was restored.
    let disabled = comparison_of(&service, &log, "arn:aws:dynamodb:::table/configs/stream/1").await;
    let specification = StreamSpecification::builder()
        .stream_enabled(true)
        .stream_view_type(StreamViewType::NewAndOldImages);
    let update = service.dynamodb.client.update_table().table_name(CONFIGS);
    let update = update.stream_specification(specification.build().unwrap());
    let updated = update.send().await.unwrap().table_description.unwrap();
    let latest = comparison_of(&service, &log, &updated.latest_stream_arn.unwrap()).await;
    let earlier = comparison_of(&service, &log, "arn:aws:dynamodb:::table/configs/stream/1").await;
    assert_eq!((disabled, latest, earlier), (1.into(), Value::Null, 1.into()));
}

/// The metric after a comparison that was asked for with this stream.
async fn comparison_of(service: &Service, log: &CapturedLog, stream: &str) -> Value {
    let event = json!({"reconcile": {"stream": stream}}).to_string();
    service.recorder.invoke(event.as_bytes(), &invocation()).await.unwrap();
    lines(log).last().unwrap()["stream_mismatches"].clone()
}
