//! Which requests are the API's, and which of them the authorizer is asked about.

use std::{fmt, str::FromStr};

use http::Method;

use super::refusal::Refusal;

/// The methods that API Gateway knows.
const METHODS: [Method; 7] = [
    Method::DELETE,
    Method::GET,
    Method::HEAD,
    Method::OPTIONS,
    Method::PATCH,
    Method::POST,
    Method::PUT,
];

/// The name of a deployed stage, which an `execute-api` host has as the first segment of every path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stage(String);

/// A name that no stage can have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a stage is named with 1-128 of A-Z a-z 0-9 - _")]
pub struct InvalidStage;

impl FromStr for Stage {
    type Err = InvalidStage;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if (1..=128).contains(&name.len()) && name.bytes().all(allowed) {
            Ok(Self(name.to_owned()))
        } else {
            Err(InvalidStage)
        }
    }
}

impl Stage {
    /// The name itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Who may call a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// Anyone.
    Open,
    /// Whoever the authorizer allows.
    Authorized,
}

/// A method of the deployed API, and the part of the path that belongs to it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Route<'a> {
    /// The path without the stage, otherwise as it came.
    pub(super) path: &'a str,
    /// The resource as it is named in the API's definition.
    pub(super) resource: &'static str,
    /// What `{proxy+}` of the resource stands for.
    pub(super) proxy: Option<&'a str>,
    /// Who may call it.
    pub(super) access: Access,
}

/// Finds the route of a path as it came over the wire, as an `execute-api` host (the stage in front) or as a custom
/// domain (no stage).
pub(super) fn find<'a>(method: &Method, wire_path: &'a str, stage: &Stage) -> Result<Route<'a>, Refusal> {
    let staged = wire_path
        .strip_prefix('/')
        .and_then(|path| path.strip_prefix(stage.as_str()));
    let route = staged
        .and_then(|path| find_resource(method, path))
        .or_else(|| find_resource(method, wire_path))
        .ok_or(Refusal::NoRoute)?;
    if METHODS.contains(method) {
        Ok(route)
    } else {
        Err(Refusal::UnknownMethod)
    }
}

/// The methods that are worth another try, for an `Allow` header.
pub(super) fn allowed_methods() -> String {
    METHODS.each_ref().map(Method::as_str).join(", ")
}

fn find_resource<'a>(method: &Method, path: &'a str) -> Option<Route<'a>> {
    let preflight = *method == Method::OPTIONS;
    let read = preflight || [Method::GET, Method::HEAD].contains(method);
    let access = |open: bool| if open { Access::Open } else { Access::Authorized };
    match path {
        "/health" => Some(whole(path, "/health", access(read))),
        "/openapi.json" => Some(whole(path, "/openapi.json", access(read))),
        "/api/v1" => Some(whole(path, "/api/v1", access(preflight))),
        "/api/v1/health" => Some(whole(path, "/api/v1/health", access(read))),
        "/api/v1/openapi.json" => Some(whole(path, "/api/v1/openapi.json", access(read))),
        _ => path
            .strip_prefix("/api/v1/")
            .filter(|rest| !rest.is_empty())
            .map(|rest| Route {
                path,
                resource: "/api/v1/{proxy+}",
                proxy: Some(rest),
                access: access(preflight),
            }),
    }
}

/// A resource without a variable part.
fn whole<'a>(path: &'a str, resource: &'static str, access: Access) -> Route<'a> {
    Route {
        path,
        resource,
        proxy: None,
        access,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(method: &Method, path: &str, stage: &str) -> Result<(String, Access), Refusal> {
        find(method, path, &stage.parse().unwrap()).map(|route| (route.path.to_owned(), route.access))
    }

    #[test]
    fn stage_in_front_is_taken_off_and_may_be_left_out() {
        let path = "/api/v1/tenants/a/delivery-configs";
        let expected = Ok((path.to_owned(), Access::Authorized));
        assert_eq!(found(&Method::GET, path, "development"), expected);
        assert_eq!(
            found(&Method::GET, &format!("/development{path}"), "development"),
            expected
        );
    }

    #[test]
    fn path_keeps_its_encoding_and_its_oddities() {
        for path in [
            "/api/v1/tenants/a%2Fb/x",
            "/api/v1//x",
            "/api/v1/../x",
            "/api/v1/%2e%2e/x",
            "/api/v1/x/",
        ] {
            assert_eq!(found(&Method::GET, path, "development").unwrap().0, path);
        }
    }

    #[test]
    fn only_health_the_description_and_preflight_are_open() {
        for (method, path) in [
            (Method::GET, "/health"),
            (Method::HEAD, "/health"),
            (Method::OPTIONS, "/health"),
            (Method::GET, "/api/v1/health"),
            (Method::HEAD, "/development/api/v1/health"),
            (Method::GET, "/openapi.json"),
            (Method::GET, "/api/v1/openapi.json"),
            (Method::HEAD, "/development/api/v1/openapi.json"),
            (Method::OPTIONS, "/api/v1"),
            (Method::OPTIONS, "/api/v1/delivery-configs"),
        ] {
            assert_eq!(
                found(&method, path, "development").unwrap().1,
                Access::Open,
                "{method} {path}"
            );
        }
        for (method, path) in [
            (Method::POST, "/health"),
            (Method::DELETE, "/development/health"),
            (Method::POST, "/api/v1/health"),
            (Method::GET, "/api/v1"),
            (Method::POST, "/api/v1/openapi.json"),
            (Method::GET, "/api/v1/openapi.yaml"),
            (Method::GET, "/api/v1/health/"),
            (Method::GET, "/api/v1/%68ealth"),
            (Method::GET, "/api/v1/health/x"),
            (Method::GET, "/api/v1/delivery-configs"),
            (Method::HEAD, "/api/v1/unknown"),
        ] {
            assert_eq!(
                found(&method, path, "development").unwrap().1,
                Access::Authorized,
                "{method} {path}"
            );
        }
    }

    #[test]
    fn everything_else_is_no_route() {
        for path in [
            "/",
            "",
            "*",
            "/health/",
            "/healthy",
            "/HEALTH",
            "/api/v1/",
            "/api/v2/x",
            "/api/v1x",
            "//api/v1/x",
            "/development",
            "/developmentapi/v1/x",
            "/production/api/v1/x",
            "/development/development/health",
            "/%64evelopment/health",
        ] {
            assert_eq!(
                found(&Method::GET, path, "development"),
                Err(Refusal::NoRoute),
                "{path}"
            );
        }
    }

    #[test]
    fn stage_named_as_a_segment_of_the_api_hides_nothing() {
        assert_eq!(found(&Method::GET, "/api/v1/x", "api").unwrap().0, "/api/v1/x");
        assert_eq!(found(&Method::GET, "/api/api/v1/x", "api").unwrap().0, "/api/v1/x");
        assert_eq!(found(&Method::GET, "/health", "health").unwrap().0, "/health");
    }

    #[test]
    fn method_that_the_gateway_does_not_know_is_refused() {
        for method in [Method::TRACE, Method::CONNECT, Method::from_bytes(b"get").unwrap()] {
            assert_eq!(
                found(&method, "/health", "development"),
                Err(Refusal::UnknownMethod),
                "{method}"
            );
            assert_eq!(found(&method, "/x", "development"), Err(Refusal::NoRoute), "{method}");
        }
    }

    #[test]
    fn stage_name_is_checked() {
        for name in ["", "a/b", "a b", "ü", &"a".repeat(129)] {
            assert_eq!(name.parse::<Stage>(), Err(InvalidStage), "{name}");
        }
        assert!("prod_1-b".parse::<Stage>().is_ok());
    }
}
