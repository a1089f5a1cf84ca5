//! The documentation page: the description of the API for people, with a form for each request.
//!
//! It is no part of the API, and API Gateway does not have it: its library alone would break the bound on the api
//! function's size. This server has it beside the gateway, at the path that is nearest to the description.

use http::{
    HeaderName, HeaderValue, Method, Response,
    header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS},
};
use http_body_util::Full;
use hyper::body::Bytes;

use crate::gateway::Stage;

/// Where the page is; its files are below.
const PATH: &str = "/api/v1/docs";
/// Everything comes from this server, and nothing stands inline. The style sheet holds its icons as `data:` URLs.
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

/// The answer, if the page or one of its files is asked for, with the stage in front of the path or without it.
pub(crate) fn find(method: &Method, wire_path: &str, stage: &Stage) -> Option<Response<Full<Bytes>>> {
    if ![Method::GET, Method::HEAD].contains(method) {
        return None;
    }
    let staged = wire_path
        .strip_prefix('/')
        .and_then(|path| path.strip_prefix(stage.as_str()));
    let file = staged.and_then(find_file).or_else(|| find_file(wire_path))?;
    // The server leaves out the body of an answer to HEAD.
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
    fn page_and_its_files_are_found_with_the_stage_and_without_it() {
        for path in ["/api/v1/docs", "/development/api/v1/docs", "/api/v1/docs/page.js"] {
            assert!(find_it(&Method::GET, path).is_some(), "{path}");
            assert!(find_it(&Method::HEAD, path).is_some(), "{path}");
        }
    }

    #[test]
    fn everything_else_is_left_to_the_gateway() {
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
    fn page_has_nothing_inline_that_its_policy_would_refuse() {
        let html = include_str!("../assets/docs/index.html");
        for inline in ["<style", "style=", "onclick", "onload", "javascript:"] {
            assert!(!html.contains(inline), "{inline}");
        }
        assert!(html.matches("<script").count() == html.matches("<script src=").count());
    }

    #[test]
    fn page_names_files_that_are_there() {
        let html = include_str!("../assets/docs/index.html");
        for name in html.split('"').filter_map(|text| text.strip_prefix("docs")) {
            assert!(FILES.iter().any(|file| file.name == name), "{name}");
        }
    }
}
