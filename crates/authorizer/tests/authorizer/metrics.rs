//! The metrics of invocations, compared with their documentation.

use std::collections::{BTreeMap, BTreeSet};

use authorizer::{Authorizer, config::Settings};
use lambda::metrics::{self, Unit};
use serde_json::Value;

use crate::harness::{
    KEY, Script, ScriptedSource, TestClock, authorizer, capture_log, decide, fixture, invocation, own_lines,
};

const OPERATIONS: &str = include_str!("../../../../docs/operations.md");

/// Unit and sets of dimensions by name.
type Metrics = BTreeMap<String, (String, BTreeSet<String>)>;

fn init() {
    metrics::init(Some(metrics::Settings {
        namespace: metrics::NAMESPACE.to_owned(),
        function_name: "logging-api-authorizer".to_owned(),
    }));
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
    let catalogue = authorizer::metrics::catalogue().into_iter().map(|metric| {
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
fn every_metric_is_documented_and_every_documented_one_is_written() {
    let section = OPERATIONS.split("### Metrics of the authorizer").nth(1).unwrap();
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
    let log = capture_log();
    let scripted = authorizer(Settings::default());
    decide(&scripted, &fixture("get_without_query")).await.unwrap();
    decide(&scripted, &fixture("signed_by_the_previous_key")).await.unwrap();
    decide(&scripted, &fixture("timestamp_missing")).await.unwrap();
    decide(&scripted, &fixture("post_without_body_digest")).await.unwrap();
    decide(&scripted, &fixture("post_with_body_digest")).await.unwrap();

    // Read before the fixture was signed, and old before its signature is.
    let clock = TestClock::new();
    let source = ScriptedSource::new([Script::Keys(KEY, None), Script::Failure]);
    let failing = Authorizer::with_clock(source, Settings::default(), clock.clone());
    clock.advance(-20);
    failing.prefetch().await.unwrap();
    clock.advance(310);
    decide(&failing, &fixture("get_without_query")).await.unwrap();
    let empty = Authorizer::with_clock(
        ScriptedSource::new([Script::Failure]),
        Settings::default(),
        TestClock::new(),
    );
    let mut first = invocation();
    first.cold_start = true;
    lambda::Handler::invoke(&empty, &fixture("get_without_query"), &first)
        .await
        .unwrap_err();

    let lines: Vec<_> = own_lines(&log)
        .into_iter()
        .filter(|line| line.get("_aws").is_some())
        .collect();
    let mut written = Metrics::new();
    for line in &lines {
        for (name, metric) in metrics_of(line) {
            assert_eq!(catalogue().get(&name), Some(&metric), "{name}");
            written.insert(name, metric);
        }
    }
    let missing: Vec<_> = catalogue()
        .into_keys()
        .filter(|name| !written.contains_key(name))
        .collect();
    assert_eq!(missing, [""; 0]);
    assert_eq!(
        (&lines[0]["auth_allowed"], &lines[0]["key_refreshes"]),
        (&1.into(), &1.into())
    );
    assert_eq!(
        (lines[0].get("previous_key_uses"), &lines[1]["previous_key_uses"]),
        (None, &1.into())
    );
    assert_eq!(
        (&lines[2]["auth_denied"], &lines[2]["reason"]),
        (&1.into(), &"timestamp_missing".into())
    );
    assert_eq!(
        (&lines[5]["auth_allowed"], &lines[5]["stale_key_uses"]),
        (&1.into(), &1.into())
    );
    assert_eq!(
        (&lines[5]["key_refreshes"], &lines[5]["key_refresh_failures"]),
        (&1.into(), &1.into())
    );
    assert_eq!(
        (&lines[6]["auth_failed"], &lines[6]["key_refresh_failures"]),
        (&1.into(), &1.into())
    );
    let held: Vec<_> = lines
        .iter()
        .map(|line| line.get("previous_key_held").is_some())
        .collect();
    assert_eq!(
        held,
        [true, false, false, false, false, false, false],
        "once for a read"
    );
    let unbound: Vec<_> = lines.iter().map(|line| line.get("unbound_writes").is_some()).collect();
    assert_eq!(unbound, [false, false, false, true, false, false, false]);
}
