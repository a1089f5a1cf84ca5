//! What the log and the metrics have of a batch.

use lambda::logging;
use serde_json::{Value, json};
use testing::CapturedLog;

use crate::{
    batch::{create, delete, independent, update, upsert},
    harness::{Call, REQUEST_ID, Service, cloudwatch, s3},
    logs::{capture_log, lines_of, request_lines},
    metrics,
};

fn audit_lines(log: &CapturedLog) -> Vec<Value> {
    lines_of(log, logging::AUDIT_TARGET)
}

#[tokio::test]
async fn each_change_writes_a_line_with_the_id_of_the_batch() {
    let service = Service::start().await;
    service.create(s3("acme")).await;
    service.create(s3("same")).await;
    service.create(s3("old")).await;
    let version = service.get_item("acme", "s3").await.unwrap()["version"]
        .as_s()
        .unwrap()
        .clone();
    let operations = [
        update("acme", "s3", &json!({"enabled": false})),
        upsert(&s3("same")),
        upsert(&cloudwatch("new")),
        delete("old", "s3"),
        create(&s3("acme-2")),
        create(&json!({"tenant_id": "bad"})),
        delete("nobody", "s3"),
    ];
    for dry_run in [true, false] {
        let log = capture_log();
        let body = json!({"atomic": false, "dry_run": dry_run, "operations": operations});
        service.send(Call::batch(&body)).await.expect(207);
        let mut lines = audit_lines(&log);
        if dry_run {
            assert_eq!(lines, Vec::<Value>::new(), "a dry run changes nothing");
            continue;
        }
        lines.sort_by_key(|line| line["tenant_id"].to_string());
        let found: Vec<_> = lines.iter().map(|line| [&line["tenant_id"], &line["action"]]).collect();
        assert_eq!(
            found,
            [
                ["acme", "update"],
                ["acme-2", "create"],
                ["new", "create"],
                ["old", "delete"]
            ]
        );
        for line in &lines {
            assert_eq!(
                (&line["batch_id"], &line["request_id"]),
                (&REQUEST_ID.into(), &REQUEST_ID.into())
            );
            assert_eq!(line["key_version"], "3");
        }
        assert_eq!(
            (&lines[0]["fields"], &lines[0]["enabled"]),
            (&"enabled".into(), &false.into())
        );
        assert_eq!(lines[0]["old_version"], version);
        assert_eq!(lines[2]["fields"], "log_distribution_role_arn,log_group_name,enabled");
        assert!(lines[3].get("new_version").is_none());
        let [request] = &request_lines(&log)[..] else {
            panic!("{}", log.text())
        };
        assert_eq!((&request["level"], &request["status"]), (&"INFO".into(), &207.into()));
        assert_eq!(request["code"], "operations_failed");
        assert_eq!(request["fields"], "type:required");
    }
}

#[tokio::test]
async fn change_of_one_configuration_has_no_batch() {
    let log = capture_log();
    Service::start().await.create(s3("acme")).await;
    assert_eq!(audit_lines(&log)[0].get("batch_id"), None);
}

#[tokio::test]
async fn changes_are_counted_by_type() {
    metrics::init();
    let log = capture_log();
    let service = Service::start().await;
    let both = [
        create(&s3("a")),
        create(&s3("b")),
        create(&cloudwatch("a")),
        delete("nobody", "s3"),
    ];
    service.send(independent(&both)).await.expect(207);
    let one = [
        create(&s3("c")),
        update("a", "s3", &json!({"enabled": false})),
        delete("b", "s3"),
    ];
    service.send(independent(&one)).await.expect(200);
    let [first, second] = &request_lines(&log)[..] else {
        panic!("{}", log.text())
    };
    assert_eq!((first.get("type"), first.get("configs_created")), (None, None));
    let by_type: Vec<_> = lines_of(&log, logging::METRICS_TARGET)
        .iter()
        .map(|line| (line["type"].clone(), line["configs_created"].clone()))
        .collect();
    assert_eq!(by_type, [("cloudwatch".into(), 1.into()), ("s3".into(), 2.into())]);
    assert_eq!(second["type"], "s3");
    for name in ["configs_created", "configs_updated", "configs_deleted"] {
        assert_eq!(second[name], 1);
    }
    for line in log.json_lines().iter().filter(|line| line.get("_aws").is_some()) {
        metrics::metrics_of(line);
    }
}
