//! Properties of random filters and texts.

use proptest::{collection::vec, prelude::*, sample::select};
use serde_json::json;

use super::*;
use crate::config::Field;

/// Texts with everything that the grammar has.
fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => "[a-c]{1,3}",
        1 => r#"[a*"'\\ ():=é.-]{1,6}"#,
        1 => any::<String>().prop_filter("is not empty", |text| !text.is_empty()),
    ]
}

fn any_pattern() -> impl Strategy<Value = Pattern> {
    any_text().prop_flat_map(|text| {
        select(vec![
            Pattern::Exact(text.clone()),
            Pattern::Beginning(text.clone()),
            Pattern::End(text.clone()),
            Pattern::Part(text),
        ])
    })
}

fn any_inequality() -> impl Strategy<Value = Inequality> {
    select(vec![
        Inequality::Less,
        Inequality::LessOrEqual,
        Inequality::Greater,
        Inequality::GreaterOrEqual,
    ])
}

fn any_comparator() -> impl Strategy<Value = Comparator> {
    prop_oneof![
        Just(Comparator::Equal),
        Just(Comparator::NotEqual),
        any_inequality().prop_map(Comparator::Ordered),
    ]
}

fn any_time() -> impl Strategy<Value = DateTime<Utc>> {
    // From the year 0 to the year 9999.
    let seconds = -62_167_219_200_i64..253_402_300_800;
    let nanoseconds = prop_oneof![Just(0_u32), Just(250_000_000), 0..1_000_000_000_u32];
    (seconds, nanoseconds).prop_map(|(seconds, nanoseconds)| DateTime::from_timestamp(seconds, nanoseconds).unwrap())
}

fn any_key() -> impl Strategy<Value = String> {
    any_text().prop_filter("is not too long", |key| key.chars().count() <= 63)
}

fn any_term() -> impl Strategy<Value = Term> {
    let text_field = select(vec![
        Field::TenantId,
        Field::Type,
        Field::BucketName,
        Field::TargetRegion,
    ]);
    let subject = prop_oneof![text_field.prop_map(Subject::Field), any_key().prop_map(Subject::Label)];
    let anything = prop_oneof![
        select(Field::ALL.to_vec()).prop_map(Subject::Field),
        any_key().prop_map(Subject::Label),
        Just(Subject::Account),
    ];
    let test = prop_oneof![
        any_pattern().prop_map(TextTest::Is),
        any_pattern().prop_map(TextTest::IsNot),
        (any_inequality(), any_text()).prop_map(|(inequality, text)| TextTest::Ordered(inequality, text)),
    ];
    let digits = prop_oneof![
        "[0-9]{12}".prop_map(Pattern::Exact),
        "[0-9]{1,12}".prop_map(Pattern::Beginning),
    ];
    prop_oneof![
        anything.prop_map(Term::Present),
        (subject, test).prop_map(|(subject, test)| Term::Text { subject, test }),
        digits.prop_map(|account| Term::Text {
            subject: Subject::Account,
            test: TextTest::Is(account)
        }),
        any::<bool>().prop_map(|value| Term::Boolean {
            field: Field::Enabled,
            value
        }),
        (any_comparator(), -(1_i64 << 53)..=1 << 53).prop_map(|(comparator, value)| Term::Number {
            field: Field::Ttl,
            comparator,
            value
        }),
        (any_comparator(), any_time()).prop_map(|(comparator, value)| Term::Time {
            field: Field::UpdatedAt,
            comparator,
            value
        }),
        any_pattern().prop_map(|name| Term::Contains {
            field: Field::DesiredLogs,
            name
        }),
        any_text().prop_map(Term::Delivers),
        Just(Term::Broken),
        any_text().prop_map(Term::Word),
    ]
}

fn any_filter() -> impl Strategy<Value = Filter> {
    let term = any_term().prop_map(Expression::Term);
    let expression = term.prop_recursive(4, 16, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 2..4).prop_map(Expression::all),
            vec(inner.clone(), 2..4).prop_map(Expression::any),
            inner.prop_map(Expression::negate),
        ]
    });
    expression.prop_map(|expression| Filter(Some(expression)))
}

fn count_terms(expression: &Expression) -> usize {
    match expression {
        Expression::All(parts) | Expression::Any(parts) => parts.iter().map(count_terms).sum(),
        Expression::Not(opposite) => count_terms(opposite),
        Expression::Term(_) => 1,
    }
}

/// Parts of filters, in any order.
fn any_tokens() -> impl Strategy<Value = String> {
    let token = prop_oneof![
        select(vec![
            "AND",
            "OR",
            "NOT",
            "-",
            "(",
            ")",
            "\"",
            "'",
            "*",
            "\\",
            ":",
            "=",
            "!=",
            "<",
            ">=",
            ",",
            ".",
            " ",
            "type",
            "enabled",
            "ttl",
            "labels.",
            "account",
            "desired_logs",
            "updated_at",
            "broken",
            "delivers(",
            "true",
            "2024-01-15T10:30:00Z",
            "é",
        ])
        .prop_map(str::to_owned),
        "[a-z0-9]{1,4}",
    ];
    vec((token, select(vec!["", " "])), 0..24).prop_map(|tokens| {
        tokens
            .into_iter()
            .flat_map(|(token, space)| [token, space.to_owned()])
            .collect()
    })
}

proptest! {
    #[test]
    fn canonical_form_parses_to_the_same_filter(filter in any_filter()) {
        let text = filter.to_string();
        let terms = filter.expression().map_or(0, count_terms);
        prop_assume!(text.chars().count() <= Filter::MAX_CHARS && terms <= Filter::MAX_TERMS);
        prop_assert_eq!(text.parse::<Filter>(), Ok(filter), "{}", text);
    }

    #[test]
    fn any_text_is_a_filter_or_an_error_within_it(text in prop_oneof![any::<String>(), any_tokens()]) {
        match text.parse::<Filter>() {
            Ok(filter) => {
                let canonical = filter.to_string();
                if canonical.chars().count() <= Filter::MAX_CHARS {
                    prop_assert_eq!(canonical.parse::<Filter>(), Ok(filter), "{}", canonical);
                }
            }
            Err(FilterError { position, problem }) => {
                prop_assert!((1..=text.chars().count() + 1).contains(&position), "{}: {}", position, problem);
                prop_assert!(!problem.is_empty());
            }
        }
    }

    #[test]
    fn not_is_the_opposite(filter in any_filter(), tenant_id in any_text(), ttl in any::<i32>()) {
        let config = stored(json!({"tenant_id": tenant_id, "type": "s3", "ttl": ttl, "enabled": true}));
        let opposite = Filter(filter.0.clone().map(Expression::negate));
        prop_assert_ne!(filter.matches(&config, NOW), opposite.matches(&config, NOW));
    }
}
