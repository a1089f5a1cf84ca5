use super::*;

const NOW: DateTime<Utc> = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
const ALIVE: &str = "NOT (#ttl >= :expired_from AND #ttl < :alive)";

fn rendered(filter: &str) -> String {
    let (expression, placeholders) = condition(&filter.parse().unwrap(), NOW);
    let (names, values) = placeholders.into_maps();
    let used = |placeholder: &str| {
        let ends = |rest: &str| !rest.starts_with(|next: char| next.is_ascii_alphanumeric() || next == '_');
        expression
            .match_indices(placeholder)
            .any(|(start, _)| ends(&expression[start + placeholder.len()..]))
    };
    // DynamoDB rejects placeholders that it does not need.
    for placeholder in names.unwrap().keys().chain(values.unwrap().keys()) {
        assert!(used(placeholder), "{placeholder} in {expression}");
    }
    expression
}

/// What is pushed down beside the expiry.
fn pushed(filter: &str) -> Option<String> {
    let expression = rendered(filter);
    let rest = expression.strip_prefix(ALIVE).unwrap();
    rest.strip_prefix(" AND ").map(str::to_owned)
}

#[test]
fn what_the_table_cannot_check_counts_as_true_under_not_as_well() {
    for (filter, expected) in [
        ("", None),
        ("broken", None),
        ("NOT broken", None),
        ("broken OR type = s3", None),
        ("broken type = s3", Some("#type = :v1")),
        ("NOT (broken AND type = s3)", None),
        ("NOT (broken OR type = s3)", Some("NOT (#type = :v1)")),
        ("NOT (broken OR -(type = s3 OR broken))", None),
        ("NOT (broken OR -(type = s3 AND broken))", Some("#type = :v1")),
        ("-acme", None),
        ("NOT ttl > 5", None),
        ("NOT created_at:* OR NOT created_at > 2024-01-15T10:30:00Z", None),
        ("NOT delivers(a)", None),
        ("NOT account = 123456789012", None),
        ("NOT labels.env:*", None),
        ("NOT bucket_name != a", None),
        ("NOT bucket_name = \"*a\"", None),
        ("bucket_name = \"\"", Some("attribute_exists(#bucket_name)")),
        ("NOT bucket_name = \"\"", None),
        ("NOT desired_logs:\"a*\"", None),
    ] {
        assert_eq!(pushed(filter).as_deref(), expected, "{filter}");
    }
}

#[test]
fn condition_is_weaker_than_the_comparison_where_dynamodb_differs() {
    for (filter, expected) in [
        ("type = s3", "#type = :v1"),
        (
            "bucket_name != a",
            "(attribute_exists(#bucket_name) AND #bucket_name <> :v1)",
        ),
        ("NOT bucket_name = a", "NOT (#bucket_name = :v1)"),
        ("bucket_name = \"a*\"", "begins_with(#bucket_name, :v1)"),
        ("bucket_name = \"*a\"", "contains(#bucket_name, :v1)"),
        ("bucket_name != \"*a\"", "attribute_exists(#bucket_name)"),
        (
            "NOT bucket_name = \"*a*\"",
            "NOT (attribute_type(#bucket_name, :type_S) AND contains(#bucket_name, :v1))",
        ),
        ("NOT bucket_name < a", "NOT (#bucket_name < :v1)"),
        ("enabled = true", "#enabled = :v1"),
        ("enabled = false", "NOT (#enabled = :v1)"),
        ("ttl != 5", "(attribute_exists(#ttl) AND #ttl <> :v1)"),
        ("desired_logs:a", "contains(#desired_logs, :v1)"),
        (
            "NOT desired_logs:a",
            "(attribute_type(#desired_logs, :type_S) OR NOT contains(#desired_logs, :v1))",
        ),
        ("desired_logs:\"a*\"", "attribute_exists(#desired_logs)"),
        ("delivers(a)", "#enabled = :v1"),
        ("account = 123456789012", "contains(#log_distribution_role_arn, :v1)"),
        ("account = \"*12\"", "contains(#log_distribution_role_arn, :v1)"),
        ("labels.env = a", "#labels.#l1 = :v2"),
        ("labels:*", "attribute_exists(#labels)"),
        (
            "NOT bucket_name:*",
            "(NOT attribute_exists(#bucket_name) OR attribute_type(#bucket_name, :type_NULL))",
        ),
        (
            "(type = a OR -(type = b type = c)) type = d",
            "((#type = :v1 OR (NOT (#type = :v2) OR NOT (#type = :v3))) AND #type = :v4)",
        ),
        (
            "acme",
            "(contains(#tenant_id, :v1) OR contains(#bucket_name, :v2) OR contains(#log_group_name, :v3) OR \
             contains(#log_distribution_role_arn, :v4))",
        ),
    ] {
        assert_eq!(pushed(filter).as_deref(), Some(expected), "{filter}");
    }
}

#[test]
fn times_are_compared_by_their_dates() {
    let bounds = |filter: &str| {
        let (expression, placeholders) = condition(&filter.parse().unwrap(), NOW);
        let (_, values) = placeholders.into_maps();
        let values = values.unwrap();
        let dates = [":v1", ":v2"].map(|name| values.get(name).and_then(|value| value.as_s().ok()).cloned());
        (expression.replace(ALIVE, ""), dates)
    };
    let date = |date: &str| Some(date.to_owned());
    assert_eq!(
        bounds("updated_at > 2024-01-15T10:30:00Z"),
        (" AND #updated_at >= :v1".to_owned(), [date("2024-01-13"), None])
    );
    assert_eq!(
        bounds("updated_at <= 2024-01-15T10:30:00Z"),
        (" AND #updated_at <= :v1".to_owned(), [date("2024-01-17"), None])
    );
    assert_eq!(
        bounds("updated_at = 2024-01-15T10:30:00Z"),
        (
            " AND (#updated_at >= :v1 AND #updated_at <= :v2)".to_owned(),
            [date("2024-01-13"), date("2024-01-17")]
        )
    );
    for beyond in [
        "updated_at > 0000-01-01T00:00:00Z",
        "updated_at < 9999-12-31T00:00:00Z",
        "updated_at != 2024-01-15T10:30:00Z",
    ] {
        assert_eq!(bounds(beyond).0, " AND attribute_exists(#updated_at)", "{beyond}");
    }
}

/// Source: "Service, account, and table quotas in Amazon DynamoDB": 4 kB and 300 operators or functions.
#[test]
fn largest_filter_stays_within_the_limits_of_an_expression() {
    for term in [
        "acme",
        "log_distribution_role_arn != \"a*\"",
        "NOT log_distribution_role_arn = \"*a*\"",
        "NOT log_distribution_role_arn:*",
        "updated_at = 2024-01-15T10:30:00Z",
        "NOT desired_logs:a",
        "labels.a != \"*b*\"",
    ] {
        for operator in [" AND ", " OR "] {
            let filter = vec![term; Filter::MAX_TERMS].join(operator);
            let expression = rendered(&filter);
            assert!(expression.len() > ALIVE.len() + 100, "{term} is pushed down");
            assert!(expression.len() <= MAX_EXPRESSION_BYTES, "{term}: {}", expression.len());
            let operators = ["=", "<", ">", "(", "AND", "OR", "NOT"];
            let operators: usize = operators
                .iter()
                .map(|operator| expression.matches(operator).count())
                .sum();
            assert!(operators < 300, "{term}: {operators}");
        }
    }
}

#[test]
fn text_that_no_key_can_have_is_not_compared() {
    let filter = format!("tenant_id = {}", "é".repeat(600));
    assert_eq!(pushed(&filter).unwrap(), "attribute_exists(#tenant_id)");
    assert_eq!(pushed(&format!("NOT {filter}")), None);
}
