use serde_json::{Value, json};

use super::*;

fn now() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH
}

fn parse(body: &Value) -> Result<Batch, BatchError> {
    parse_batch(body.to_string().as_bytes(), now())
}

fn independent(operations: &Value) -> Vec<Submitted> {
    match parse(&json!({"atomic": false, "operations": operations})).unwrap().work {
        Work::Independent(submitted) => submitted,
        Work::Atomic(_) => panic!("it is not atomic"),
    }
}

/// The broken rules of one operation, as field and code.
fn broken_rules(operation: &Value) -> Vec<(String, &'static str)> {
    let submitted = independent(&json!([operation])).remove(0);
    let errors = submitted.operation.unwrap_err();
    errors
        .into_iter()
        .map(|error| (error.field, error.code.as_str()))
        .collect()
}

fn create(tenant_id: &str) -> Value {
    json!({"op": "create", "config": {"tenant_id": tenant_id, "type": "s3", "bucket_name": "acme-logs"}})
}

#[test]
fn batch_of_the_documentation_is_parsed() {
    let tag = "\"ab000000000000000000000000000000\"";
    let batch = parse(&json!({"atomic": true, "dry_run": false, "operations": [
        create("acme"),
        {"op": "update", "tenant_id": "acme", "type": "cloudwatch", "changes": {"enabled": false}, "if_match": tag},
        {"op": "upsert", "config": {"tenant_id": "globex", "type": "s3", "bucket_name": "globex-logs"}},
        {"op": "delete", "tenant_id": "old", "type": "s3", "allow_missing": true},
    ]}))
    .unwrap();
    assert!(!batch.is_dry_run);
    let Work::Atomic(operations) = batch.work else {
        panic!("it is atomic")
    };
    assert_eq!(
        operations.iter().map(Operation::kind).collect::<Vec<_>>(),
        [
            OperationKind::Create,
            OperationKind::Update,
            OperationKind::Upsert,
            OperationKind::Delete
        ]
    );
    assert_eq!(operations[0].key(), ConfigKey::new("acme", "s3").unwrap());
    let Operation::Update { if_match, .. } = &operations[1] else {
        panic!("the second one is an update")
    };
    assert_eq!(if_match.unwrap().tag(), "ab000000000000000000000000000000".parse().ok());
    let Operation::Delete { allow_missing, .. } = &operations[3] else {
        panic!("the last one is a deletion")
    };
    assert!(allow_missing);
}

#[test]
fn atomic_and_no_dry_run_are_the_defaults_and_null_is_absent() {
    for defaults in [json!({}), json!({"atomic": null, "dry_run": null})] {
        let mut body = defaults;
        body["operations"] = json!([create("acme")]);
        let batch = parse(&body).unwrap();
        assert!(matches!(batch.work, Work::Atomic(_)) && !batch.is_dry_run);
    }
}

#[test]
fn body_that_is_not_an_object_of_these_members_is_rejected() {
    let parse = |body: &str| parse_batch(body.as_bytes(), now()).unwrap_err();
    assert_eq!(parse(" \n"), BatchError::Empty);
    assert_eq!(parse("\u{feff}"), BatchError::Empty);
    assert_eq!(parse("[]"), BatchError::NotAnObject);
    assert_eq!(
        parse("{\"operations\":\n [}"),
        BatchError::NotJson { line: 2, column: 3 }
    );
    assert_eq!(
        parse(r#"{"atomic":true,"atomic":false}"#),
        BatchError::DuplicateKey {
            name: "atomic".to_owned()
        }
    );
    let unknown = parse(r#"{"operation":[]}"#);
    assert_eq!(
        unknown,
        BatchError::UnknownMember {
            name: "operation".to_owned(),
            nearest: Some("operations")
        }
    );
    assert!(unknown.to_string().contains("did you mean operations?"), "{unknown}");
}

#[test]
fn every_member_of_another_type_is_reported() {
    let body = json!({"atomic": "yes", "dry_run": 1, "operations": {}});
    let Err(BatchError::BrokenRules(errors)) = parse(&body) else {
        panic!("it breaks rules")
    };
    let found: Vec<_> = errors
        .iter()
        .map(|error| (error.index, error.field.as_str(), error.code))
        .collect();
    let code = ErrorCode::WrongType;
    assert_eq!(
        found,
        [(None, ATOMIC, code), (None, DRY_RUN, code), (None, OPERATIONS, code)]
    );
    assert!(matches!(
        parse(&json!({"operations": null})),
        Err(BatchError::BrokenRules(errors)) if errors[0].code == ErrorCode::Required
    ));
}

#[test]
fn number_of_operations_has_a_limit_with_a_way_out() {
    let operations = |count: usize| {
        (0..count)
            .map(|number| create(&format!("t{number}")))
            .collect::<Vec<_>>()
    };
    for (is_atomic, limit) in [(true, MAX_ATOMIC_OPERATIONS), (false, MAX_OPERATIONS)] {
        let parse = |count| parse(&json!({"atomic": is_atomic, "operations": operations(count)}));
        assert!(parse(limit).is_ok());
        for found in [0, limit + 1] {
            let error = parse(found).unwrap_err();
            assert_eq!(error, BatchError::Count { found, is_atomic });
            let message = error.to_string();
            assert!(
                message.contains(&limit.to_string()) && message.contains("send several batches"),
                "{message}"
            );
        }
    }
}

#[test]
fn every_rule_that_an_operation_breaks_is_reported() {
    assert_eq!(broken_rules(&json!(7)), [("operations".to_owned(), "wrong_type")]);
    assert_eq!(broken_rules(&json!({})), [("op".to_owned(), "required")]);
    assert_eq!(
        broken_rules(&json!({"op": "put", "confg": {}})),
        [
            ("op".to_owned(), "invalid_format"),
            ("confg".to_owned(), "unknown_field")
        ]
    );
    assert_eq!(
        broken_rules(
            &json!({"op": "create", "changes": {}, "config": {"type": "s3", "bucket_name": "Logs", "enable": 1}})
        ),
        [
            ("changes".to_owned(), "unknown_field"),
            ("tenant_id".to_owned(), "required"),
            ("bucket_name".to_owned(), "invalid_format"),
            ("enable".to_owned(), "unknown_field"),
        ]
    );
    assert_eq!(
        broken_rules(&json!({"op": "update", "tenant_id": "a b", "type": "S3", "changes": [], "if_match": "7"})),
        [
            ("if_match".to_owned(), "invalid_format"),
            ("tenant_id".to_owned(), "invalid_format"),
            ("type".to_owned(), "invalid_format"),
            ("changes".to_owned(), "wrong_type"),
        ]
    );
    assert_eq!(
        broken_rules(
            &json!({"op": "update", "tenant_id": "a", "type": "s3", "changes": {"tenant_id": "b", "ttl": "x"}})
        ),
        [("tenant_id".to_owned(), "conflict")]
    );
    assert_eq!(
        broken_rules(&json!({"op": "update", "tenant_id": "a", "type": "s3", "changes": {"type": "s3"}})),
        [("changes".to_owned(), "empty")]
    );
    assert_eq!(
        broken_rules(&json!({"op": "upsert", "config": {"tenant_id": "a", "type": "s3", "bucket_name": null}})),
        [("bucket_name".to_owned(), "required")]
    );
    assert_eq!(
        broken_rules(&json!({"op": "delete", "tenant_id": "", "type": "s3", "allow_missing": "yes"})),
        [
            ("tenant_id".to_owned(), "empty"),
            ("allow_missing".to_owned(), "wrong_type")
        ]
    );
}

#[test]
fn suggestion_is_a_member_of_the_same_kind_of_operation() {
    let submitted = independent(&json!([{"op": "delete", "tenant_id": "a", "type": "s3", "ifMatch": "x"}]));
    let errors = submitted[0].operation.clone().unwrap_err();
    assert_eq!(
        errors[0].message,
        "is not a member of the operation delete (did you mean if_match?)"
    );
}

#[test]
fn deletion_takes_any_key_that_the_table_can_hold() {
    let submitted = independent(&json!([{"op": "delete", "tenant_id": "O'Neil", "type": "splunk"}]));
    assert!(submitted[0].operation.is_ok());
    let long = "t".repeat(ConfigKey::MAX_TENANT_ID_BYTES + 1);
    let submitted = independent(&json!([{"op": "delete", "tenant_id": long, "type": "s3"}]));
    assert_eq!(submitted[0].operation.as_ref().unwrap_err()[0].code, ErrorCode::TooLong);
    assert_eq!(submitted[0].subject.tenant_id, None, "it is not repeated");
}

#[test]
fn two_operations_of_one_configuration_are_both_rejected_even_if_one_is_invalid_otherwise() {
    let operations = json!([
        create("acme"),
        create("other"),
        {"op": "delete", "tenant_id": "acme", "type": "s3"},
        {"op": "update", "tenant_id": "acme", "type": "s3", "changes": {"ttl": "x"}},
        {"op": "delete", "tenant_id": "acme", "type": "cloudwatch"},
    ]);
    let submitted = independent(&operations);
    let rejected: Vec<_> = submitted
        .iter()
        .map(|submitted| {
            submitted
                .operation
                .as_ref()
                .err()
                .map(|errors| errors.last().unwrap().code)
        })
        .collect();
    let duplicate = Some(ErrorCode::Duplicate);
    assert_eq!(rejected, [duplicate, None, duplicate, duplicate, None]);
    assert_eq!(submitted[3].operation.as_ref().unwrap_err().len(), 2);
    let message = &submitted[0].operation.as_ref().unwrap_err()[0].message;
    assert!(message.contains("operation 2"), "{message}");
}

#[test]
fn atomic_batch_reports_every_operation_with_its_index() {
    let mut invalid = create("third");
    invalid["config"]["bucket_name"] = json!("Logs");
    let body = json!({"operations": [create("first"), {"op": "create"}, invalid]});
    let Err(BatchError::BrokenRules(errors)) = parse(&body) else {
        panic!("it breaks rules")
    };
    let found: Vec<_> = errors.iter().map(|error| (error.index, error.field.as_str())).collect();
    assert_eq!(found, [(Some(1), "config"), (Some(2), "bucket_name")]);
}

#[test]
fn repeated_name_is_a_broken_rule_of_its_operation() {
    for operation in [
        r#"{"op":"create","op":"create"}"#,
        r#"{"op":"create","config":{"op":1,"op":2}}"#,
    ] {
        let body = format!(r#"{{"atomic":false,"operations":[{operation}]}}"#);
        let Work::Independent(submitted) = parse_batch(body.as_bytes(), now()).unwrap().work else {
            panic!("it is not atomic")
        };
        let errors = submitted[0].operation.as_ref().unwrap_err();
        assert_eq!((errors[0].field.as_str(), errors[0].code), ("op", ErrorCode::Duplicate));
    }
}

#[test]
fn configuration_is_limited_to_64_kib() {
    let sized = |bytes: usize| {
        let mut operation = create("acme");
        let rest = operation["config"].to_string().len() + r#","groups":"""#.len();
        operation["config"]["groups"] = json!("x".repeat(bytes - rest));
        assert_eq!(operation["config"].to_string().len(), bytes);
        independent(&json!([operation])).remove(0).operation
    };
    assert!(sized(MAX_CONFIG_BYTES).is_ok());
    let errors = sized(MAX_CONFIG_BYTES + 1).unwrap_err();
    assert_eq!(
        (errors[0].field.as_str(), errors[0].code),
        ("config", ErrorCode::TooLong)
    );
}

#[test]
fn number_of_reported_rules_is_limited() {
    let mut operation = create("acme");
    for number in 0..100 {
        operation["config"][format!("x{number}")] = json!(1);
    }
    assert_eq!(broken_rules(&operation).len(), MAX_RULES_PER_OPERATION);
}

#[test]
fn text_that_json_does_not_allow_is_found_at_its_position_in_the_body() {
    let config = "{\"tenant_id\": \"acme\",\n \"type\": \"\\ud800\"}";
    let body = format!("{{\"operations\":\n\n  [{{\"op\": \"create\", \"config\": {config}}}]}}");
    let error = parse_batch(body.as_bytes(), now()).unwrap_err();
    let whole = serde_json::from_str::<Value>(&body).unwrap_err();
    let (line, column) = (whole.line(), whole.column());
    assert_eq!(error, BatchError::NotJson { line, column });
    let deep = "[".repeat(200) + &"]".repeat(200);
    let body = format!("{{\"operations\": [{{\"op\": \"create\", \"config\": {{\"ttl\": {deep}}}}}]}}");
    assert!(matches!(
        parse_batch(body.as_bytes(), now()),
        Err(BatchError::NotJson { line: 1, .. })
    ));
}
