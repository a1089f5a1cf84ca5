//! The path of a request below whatever the gateway has in front of the API's own paths.
//!
//! Under a custom domain with a base path, both paths of an event begin with the base path. The API's definition does not
//! know it: `resource` with its `pathParameters` filled in is the rest. What both agree on is the route's path.

use percent_encoding::percent_decode_str;

/// The part of `path` that `resource` describes: without the base path of a custom domain if there is one, otherwise `path`.
///
/// AWS keeps percent-encoding in `path`; whether path parameters are decoded is not documented, and emulators decode both.
/// So the two are compared decoded, and the result is always a part of `path` as it is.
pub(crate) fn route_path<'p, N: AsRef<str>, V: AsRef<str>>(
    path: &'p str,
    resource: &str,
    parameters: &[(N, V)],
) -> &'p str {
    let Some(own) = fill_in(resource, parameters) else {
        return path;
    };
    let own = decode(&own);
    path.match_indices('/')
        .map(|(at, _)| &path[at..])
        .find(|rest| decode(rest) == own)
        .unwrap_or(path)
}

/// `/api/v1/{proxy+}` with the value of `proxy` in its place. `None` if a value is missing.
fn fill_in<N: AsRef<str>, V: AsRef<str>>(resource: &str, parameters: &[(N, V)]) -> Option<String> {
    let segments: Option<Vec<&str>> = resource
        .split('/')
        .map(|segment| {
            let Some(name) = segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) else {
                return Some(segment);
            };
            let name = name.strip_suffix('+').unwrap_or(name);
            let (_, value) = parameters.iter().find(|(other, _)| other.as_ref() == name)?;
            Some(value.as_ref())
        })
        .collect();
    segments.map(|segments| segments.join("/"))
}

fn decode(text: &str) -> Vec<u8> {
    percent_decode_str(text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROXY: &str = "/{proxy+}";
    const BELOW_V1: &str = "/api/v1/{proxy+}";

    fn stripped<'p>(path: &'p str, resource: &str, proxy: &str) -> &'p str {
        route_path(path, resource, &[("proxy", proxy)])
    }

    #[test]
    fn base_path_is_stripped() {
        for (path, resource, proxy) in [
            ("/logging/api/v1/delivery-configs", PROXY, "api/v1/delivery-configs"),
            ("/logging/api/v1/delivery-configs", BELOW_V1, "delivery-configs"),
            ("/a/b/c/api/v1/delivery-configs", PROXY, "api/v1/delivery-configs"),
            ("/api/v1/api/v1/delivery-configs", PROXY, "api/v1/delivery-configs"),
        ] {
            assert_eq!(stripped(path, resource, proxy), "/api/v1/delivery-configs", "{path}");
        }
        assert_eq!(route_path("/logging/health", "/health", &[("", "")]), "/health");
    }

    #[test]
    fn path_without_a_base_path_is_unchanged() {
        for (path, resource, proxy) in [
            ("/api/v1/x", PROXY, "api/v1/x"),
            ("/api/v1/x", BELOW_V1, "x"),
            ("/api/v1/api/v1/x", PROXY, "api/v1/api/v1/x"),
            ("/api/v1/tenants/a%2Fb/x", PROXY, "api/v1/tenants/a%2Fb/x"),
        ] {
            assert_eq!(stripped(path, resource, proxy), path);
        }
    }

    #[test]
    fn encoding_of_the_path_is_kept_whether_or_not_parameters_are_decoded() {
        for proxy in ["tenants/a%2Fb%C3%A9/x", "tenants/a/b\u{e9}/x"] {
            assert_eq!(
                stripped("/logging/api/v1/tenants/a%2Fb%C3%A9/x", BELOW_V1, proxy),
                "/api/v1/tenants/a%2Fb%C3%A9/x"
            );
        }
    }

    #[test]
    fn path_that_the_resource_does_not_describe_is_unchanged() {
        for (path, resource, proxy) in [
            ("/logging/api/v1/x", PROXY, "api/v1/y"),
            ("/logging/api/v1/x/", PROXY, "api/v1/x"),
            ("/logging/api/v1/x", PROXY, "i/v1/x"),
            ("/logging/api/v1/x", "/{other+}", "api/v1/x"),
            ("", PROXY, "x"),
        ] {
            assert_eq!(stripped(path, resource, proxy), path);
        }
    }
}
