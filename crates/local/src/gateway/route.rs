//! The API's definition: one proxy behind the authorizer, and what is open. As in `cloudformation/api.yaml`.

use http::Method;

use super::{gateway_response::GatewayResponse, methods};
use crate::stage::Stage;

/// Health and the API's description: everybody may read them.
const OPEN: [&str; 4] = ["/health", "/api/v1/health", "/openapi.json", "/api/v1/openapi.json"];

/// Who can call a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// Anyone.
    Open,
    /// Browsers, which do not sign preflights.
    Preflight,
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
/// custom domain. This server is both, so a path that is one of the API decides.
pub(super) fn find<'a>(method: &Method, wire_path: &'a str, stage: &Stage) -> Result<Route<'a>, GatewayResponse> {
    let stripped = stage.strip_from(wire_path).and_then(|rest| match rest {
        "" => Some("/"),
        _ => rest.starts_with('/').then_some(rest),
    });
    let whole = wire_path.starts_with('/').then_some(wire_path);
    let path = [stripped, whole]
        .into_iter()
        .flatten()
        .find(|path| is_of_the_api(path))
        .or(stripped)
        .or(whole)
        .ok_or(GatewayResponse::NotFound)?;
    if methods::is_supported(method) {
        Ok(find_resource(method, path))
    } else {
        Err(GatewayResponse::MethodNotAllowed)
    }
}

fn is_of_the_api(path: &str) -> bool {
    OPEN.contains(&path) || path == "/api/v1" || path.starts_with("/api/v1/")
}

/// API Gateway takes the most specific resource that has the method. Only the proxy has all of them.
fn find_resource<'a>(method: &Method, path: &'a str) -> Route<'a> {
    let is_read = [Method::GET, Method::HEAD].contains(method);
    if let Some(resource) = OPEN.into_iter().find(|open| is_read && *open == path) {
        return Route {
            path,
            resource,
            proxy: None,
            access: Access::Open,
        };
    }
    let proxy = path.strip_prefix('/').filter(|rest| !rest.is_empty());
    let is_preflight = proxy.is_some() && *method == Method::OPTIONS;
    Route {
        path,
        resource: if proxy.is_some() { "/{proxy+}" } else { "/" },
        proxy,
        access: if is_preflight {
            Access::Preflight
        } else {
            Access::Authorized
        },
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
    fn only_reads_of_health_and_the_description_are_open() {
        for (method, path) in [
            (Method::GET, "/health"),
            (Method::HEAD, "/health"),
            (Method::GET, "/api/v1/health"),
            (Method::HEAD, "/development/api/v1/health"),
            (Method::GET, "/openapi.json"),
            (Method::GET, "/api/v1/openapi.json"),
            (Method::HEAD, "/development/api/v1/openapi.json"),
        ] {
            let route = found(&method, path, "development").unwrap();
            assert_eq!(route.1, Access::Open, "{method} {path}");
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
            (Method::GET, "/"),
            (Method::OPTIONS, "/"),
            (Method::GET, "/development"),
            (Method::GET, "/health/"),
            (Method::GET, "/HEALTH"),
            (Method::GET, "/api/v2/x"),
            (Method::GET, "//api/v1/x"),
            (Method::GET, "/production/api/v1/x"),
            (Method::GET, "/development/development/health"),
            (Method::GET, "/%64evelopment/health"),
        ] {
            let route = found(&method, path, "development").unwrap();
            assert_eq!(route.1, Access::Authorized, "{method} {path}");
        }
    }

    #[test]
    fn every_path_but_the_root_has_preflights() {
        for path in [
            "/health",
            "/api/v1",
            "/api/v1/delivery-configs",
            "/nothing",
            "/development/x",
        ] {
            let route = found(&Method::OPTIONS, path, "development").unwrap();
            assert_eq!(route.1, Access::Preflight, "{path}");
        }
    }

    #[test]
    fn proxy_is_the_path_without_its_slash() {
        let stage = "development".parse().unwrap();
        for (path, resource, proxy) in [
            ("/api/v1/tenants/a%2Fb/x", "/{proxy+}", Some("api/v1/tenants/a%2Fb/x")),
            ("/development/nothing", "/{proxy+}", Some("nothing")),
            ("/health", "/health", None),
            ("/development", "/", None),
            ("/development/", "/", None),
        ] {
            let route = find(&Method::GET, path, &stage).unwrap();
            assert_eq!((route.resource, route.proxy), (resource, proxy), "{path}");
        }
        let route = find(&Method::POST, "/health", &stage).unwrap();
        assert_eq!((route.resource, route.proxy), ("/{proxy+}", Some("health")));
    }

    #[test]
    fn target_without_a_path_is_not_found() {
        for target in ["", "*"] {
            assert_eq!(
                found(&Method::GET, target, "development"),
                Err(GatewayResponse::NotFound),
                "{target}"
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
            for path in ["/health", "/x"] {
                assert_eq!(
                    found(&method, path, "development"),
                    Err(GatewayResponse::MethodNotAllowed),
                    "{method} {path}"
                );
            }
            assert_eq!(
                found(&method, "*", "development"),
                Err(GatewayResponse::NotFound),
                "{method}"
            );
        }
    }
}
