//! The arrows between the crates of this workspace: which crate may depend on which.
//!
//! `cargo metadata` lists the real ones. An arrow that is missing from [`ARROWS`] fails the test, so a new one needs a
//! line here, and one of [`FORBIDDEN`] cannot even be listed.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
};

use serde_json::Value;

/// Every crate, and the crates of this workspace that it may use: `dependencies`, not `dev-dependencies`.
const ARROWS: &[(&str, &[&str])] = &[
    ("tenant-core", &[]),
    ("tenant-aws", &[]),
    ("apigw", &[]),
    ("lambda", &[]),
    ("tenant-store", &["tenant-core", "tenant-aws"]),
    ("tenant-preflight", &["tenant-core", "tenant-aws"]),
    ("authorizer", &["tenant-core", "apigw", "tenant-aws", "lambda"]),
    ("api", &["tenant-core", "tenant-store", "apigw", "tenant-aws", "lambda"]),
    (
        "validator",
        &[
            "tenant-core",
            "tenant-store",
            "tenant-preflight",
            "api",
            "apigw",
            "tenant-aws",
            "lambda",
        ],
    ),
    ("recorder", &["tenant-core", "tenant-store", "tenant-aws", "lambda"]),
    ("notifier", &["tenant-core", "tenant-store", "tenant-aws", "lambda"]),
    (
        "local",
        &[
            "tenant-core",
            "tenant-store",
            "tenant-preflight",
            "authorizer",
            "api",
            "validator",
            "recorder",
            "notifier",
            "apigw",
            "tenant-aws",
            "lambda",
        ],
    ),
    ("openapi", &["api", "tenant-core"]),
    // Seeds a table for what it measures. It must not link what it measures.
    ("bench", &["tenant-core", "tenant-store"]),
    ("testing", &["tenant-core", "tenant-store"]),
    ("structure", &[]),
];

/// What no line of [`ARROWS`] may allow, directly or through other crates: the user, and what it must never reach.
const FORBIDDEN: &[(&str, &[&str])] = &[
    ("authorizer", &["tenant-store"]),
    ("tenant-client", &["tenant-store", "tenant-aws"]),
    ("tenantctl", &["tenant-store", "tenant-aws"]),
    (
        "bench",
        &["authorizer", "api", "validator", "recorder", "notifier", "local"],
    ),
];
/// What never uses a crate of this workspace.
const PURE: &str = "tenant-core";
/// What only tests use.
const FOR_TESTS: &str = "testing";

/// An arrow from a crate to a crate that it uses.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Arrow {
    from: String,
    to: String,
    is_for_tests: bool,
}

fn metadata() -> Value {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--offline", "--no-deps", "--format-version", "1"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The crates of the workspace, and the arrows between them.
fn read(metadata: &Value) -> (BTreeSet<String>, BTreeSet<Arrow>) {
    let packages = metadata["packages"].as_array().unwrap();
    let name = |value: &Value| value["name"].as_str().unwrap().to_owned();
    let members: BTreeSet<String> = packages.iter().map(name).collect();
    let mut arrows = BTreeSet::new();
    for package in packages {
        for dependency in package["dependencies"].as_array().unwrap() {
            if members.contains(&name(dependency)) {
                arrows.insert(Arrow {
                    from: name(package),
                    to: name(dependency),
                    is_for_tests: dependency["kind"] == "dev",
                });
            }
        }
    }
    (members, arrows)
}

/// The arrows that break a rule, each with the reason.
fn violations(members: &BTreeSet<String>, arrows: &BTreeSet<Arrow>) -> Vec<String> {
    let listed: BTreeMap<_, _> = ARROWS.iter().copied().collect();
    let mut violations: Vec<String> = members
        .iter()
        .filter(|member| !listed.contains_key(member.as_str()))
        .map(|member| format!("{member} is not in ARROWS"))
        .collect();
    for Arrow { from, to, is_for_tests } in arrows {
        if from == PURE {
            violations.push(format!("{from} -> {to}: {PURE} uses no crate of this workspace"));
        } else if to == FOR_TESTS {
            if !is_for_tests {
                violations.push(format!("{from} -> {to}: {FOR_TESTS} is a dev-dependency only"));
            }
        } else if !is_for_tests
            && !listed
                .get(from.as_str())
                .is_some_and(|allowed| allowed.contains(&to.as_str()))
        {
            violations.push(format!("{from} -> {to}: the arrow is not in ARROWS"));
        }
    }
    for (from, never) in FORBIDDEN {
        for reached in reachable(from, arrows) {
            if never.contains(&reached.as_str()) {
                violations.push(format!("{from} -> {reached}: forbidden"));
            }
        }
    }
    violations
}

/// The crates that `from` is linked with.
fn reachable(from: &str, arrows: &BTreeSet<Arrow>) -> BTreeSet<String> {
    let mut reached = BTreeSet::new();
    let mut rest = vec![from.to_owned()];
    while let Some(user) = rest.pop() {
        for arrow in arrows.iter().filter(|arrow| arrow.from == user && !arrow.is_for_tests) {
            if reached.insert(arrow.to.clone()) {
                rest.push(arrow.to.clone());
            }
        }
    }
    reached
}

#[test]
fn every_arrow_is_allowed() {
    let (members, arrows) = read(&metadata());
    assert!(!arrows.is_empty());
    assert_eq!(violations(&members, &arrows), [""; 0]);
}

#[test]
fn list_of_arrows_allows_nothing_forbidden() {
    let arrows = ARROWS
        .iter()
        .flat_map(|(from, targets)| targets.iter().map(move |to| arrow(from, to)))
        .collect();
    let members = ARROWS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(violations(&members, &arrows), [""; 0]);
}

#[test]
fn forbidden_arrow_is_a_violation() {
    let (members, real) = read(&metadata());
    for (from, to) in [
        ("tenant-core", "tenant-store"),
        ("authorizer", "tenant-store"),
        ("lambda", "tenant-core"),
        ("bench", "api"),
        ("tenant-store", "api"),
        ("api", "testing"),
    ] {
        let mut arrows = BTreeSet::from([arrow(from, to)]);
        arrows.extend(real.iter().map(|real| Arrow {
            from: real.from.clone(),
            to: real.to.clone(),
            is_for_tests: real.is_for_tests,
        }));
        let violations = violations(&members, &arrows);
        let named = format!("{from} -> {to}");
        assert!(
            violations.iter().any(|violation| violation.starts_with(&named)),
            "{named}: {violations:?}"
        );
    }
}

#[test]
fn path_to_a_forbidden_crate_is_a_violation() {
    let arrows = BTreeSet::from([arrow("authorizer", "apigw"), arrow("apigw", "tenant-store")]);
    let violations = violations(&BTreeSet::new(), &arrows);
    assert!(
        violations.contains(&"authorizer -> tenant-store: forbidden".to_owned()),
        "{violations:?}"
    );
}

fn arrow(from: &str, to: &str) -> Arrow {
    Arrow {
        from: from.to_owned(),
        to: to.to_owned(),
        is_for_tests: false,
    }
}
