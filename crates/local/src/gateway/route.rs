//! The routes of the API, and which of them need the authorizer.

use http::Method;

use super::{gateway_response::GatewayResponse, methods};
use crate::stage::Stage;

/// Who can call a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// Anyone.
    Open,
    /// Callers that the authorizer allows.
    Authorized,
}

/// A method of the deployed API, and the part of the path that belongs to it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Route<'a> {
    /// The path without the stage, otherwise as received.
    pub(super) path: &'a str,
    /// The resource's name in the API's definition.
    pub(super) resource: &'static str,
    /// The value of `{proxy+}` in the resource.
    pub(super) proxy: Option<&'a str>,
    /// Who can call it.
    pub(super) access: Access,
}

/// Finds the route of a path as received: with the stage in front, as on an `execute-api` host, or without it, as on a
/// custom domain.
pub(super) fn find<'a>(method: &Method, wire_path: &'a str, stage: &Stage) -> Result<Route<'a>, GatewayResponse> {
    let route = stage
        .strip_from(wire_path)
        .and_then(|path| find_resource(method, path))
        .or_else(|| find_resource(method, wire_path))
        .ok_or(GatewayResponse::NotFound)?;
    if methods::is_supported(method) {
        Ok(route)
    } else {
        Err(GatewayResponse::MethodNotAllowed)
    }
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

    fn found(method: &Method, path: &str, stage: &str) -> Result<(String, Access), GatewayResponse> {
        find(method, path, &stage.parse().unwrap()).map(|route| (route.path.to_owned(), route.access))
    }

    #[test]
    fn stage_in_front_is_optional() {
        let path = "/api/v1/tenants/a/delivery-configs";
        let expected = Ok((path.to_owned(), Access::Authorized));
        assert_eq!(found(&Method::GET, path, "development"), expected);
        assert_eq!(
            found(&Method::GET, &format!("/development{path}"), "development"),
            expected
        );
    }

    #[test]
    fn path_is_not_normalized() {
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
    fn other_paths_are_not_found() {
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
                Err(GatewayResponse::NotFound),
                "{path}"
            );
        }
    }

    #[test]
    fn stage_named_like_a_segment_of_the_api_hides_no_route() {
        assert_eq!(found(&Method::GET, "/api/v1/x", "api").unwrap().0, "/api/v1/x");
        assert_eq!(found(&Method::GET, "/api/api/v1/x", "api").unwrap().0, "/api/v1/x");
        assert_eq!(found(&Method::GET, "/health", "health").unwrap().0, "/health");
    }

    #[test]
    fn unsupported_method_is_not_allowed() {
        for method in [Method::TRACE, Method::CONNECT, Method::from_bytes(b"get").unwrap()] {
            assert_eq!(
                found(&method, "/health", "development"),
                Err(GatewayResponse::MethodNotAllowed),
                "{method}"
            );
            assert_eq!(
                found(&method, "/x", "development"),
                Err(GatewayResponse::NotFound),
                "{method}"
            );
        }
    }
}
