//! The documentation page: the description of the API for people, with a form for each request.
//!
//! It is not part of the API and API Gateway does not serve it: its library alone would exceed the size limit of the api
//! function. This server serves it beside the gateway, next to the path of the description.

use http::{
    HeaderName, HeaderValue, Method, Response,
    header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS},
};
use http_body_util::Full;
use hyper::body::Bytes;

use crate::stage::Stage;

/// The path of the page. Its files are below.
const PATH: &str = "/api/v1/docs";
/// Everything comes from this server, and nothing is inline. The style sheet contains its icons as `data:` URLs.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

struct File {
    name: &'static str,
    content_type: &'static str,
    bytes: &'static [u8],
}

macro_rules! file {
    ($name:literal, $path:literal, $content_type:literal) => {
        File {
            name: $name,
            content_type: $content_type,
            bytes: include_bytes!(concat!("../assets/docs/", $path)),
        }
    };
}

const FILES: [File; 6] = [
    file!("", "index.html", "text/html; charset=utf-8"),
    file!("/page.css", "page.css", "text/css; charset=utf-8"),
    file!("/page.js", "page.js", "text/javascript; charset=utf-8"),
    file!(
        "/swagger-ui.css",
        "swagger-ui/swagger-ui.css",
        "text/css; charset=utf-8"
    ),
    file!(
        "/swagger-ui-bundle.js",
        "swagger-ui/swagger-ui-bundle.js",
        "text/javascript; charset=utf-8"
    ),
    file!("/LICENSE", "swagger-ui/LICENSE", "text/plain; charset=utf-8"),
];

/// The response, if the path is that of the page or of one of its files, with or without the stage in front.
pub(crate) fn find(method: &Method, wire_path: &str, stage: &Stage) -> Option<Response<Full<Bytes>>> {
    if ![Method::GET, Method::HEAD].contains(method) {
        return None;
    }
    let file = stage
        .strip_from(wire_path)
        .and_then(find_file)
        .or_else(|| find_file(wire_path))?;
    // The server omits the body of a response to HEAD.
    let mut response = Response::new(Full::new(Bytes::from_static(file.bytes)));
    let headers: [(HeaderName, &'static str); 5] = [
        (CONTENT_TYPE, file.content_type),
        (CACHE_CONTROL, "no-cache"),
        (CONTENT_SECURITY_POLICY, POLICY),
        (REFERRER_POLICY, "no-referrer"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    response
        .headers_mut()
        .extend(headers.map(|(name, value)| (name, HeaderValue::from_static(value))));
    Some(response)
}

fn find_file(path: &str) -> Option<&'static File> {
    let name = path.strip_prefix(PATH)?;
    FILES.iter().find(|file| file.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find_it(method: &Method, path: &str) -> Option<Response<Full<Bytes>>> {
        find(method, path, &"development".parse().unwrap())
    }

    #[test]
    fn page_and_files_are_found_with_and_without_the_stage() {
        for path in ["/api/v1/docs", "/development/api/v1/docs", "/api/v1/docs/page.js"] {
            assert!(find_it(&Method::GET, path).is_some(), "{path}");
            assert!(find_it(&Method::HEAD, path).is_some(), "{path}");
        }
    }

    #[test]
    fn other_requests_are_left_to_the_gateway() {
        for path in [
            "/docs",
            "/api/v1/docs/",
            "/api/v1/docs/../page.js",
            "/api/v1/docsx",
            "/production/api/v1/docs",
            "/api/v1/health",
        ] {
            assert!(find_it(&Method::GET, path).is_none(), "{path}");
        }
        assert!(find_it(&Method::POST, "/api/v1/docs").is_none());
    }

    #[test]
    fn page_has_nothing_inline_that_its_policy_blocks() {
        let html = include_str!("../assets/docs/index.html");
        for inline in ["<style", "style=", "onclick", "onload", "javascript:"] {
            assert!(!html.contains(inline), "{inline}");
        }
        assert!(html.matches("<script").count() == html.matches("<script src=").count());
    }

    #[test]
    fn page_references_existing_files() {
        let html = include_str!("../assets/docs/index.html");
        for name in html.split('"').filter_map(|text| text.strip_prefix("docs")) {
            assert!(FILES.iter().any(|file| file.name == name), "{name}");
        }
    }
}
