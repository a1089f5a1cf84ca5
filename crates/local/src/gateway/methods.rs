//! The HTTP methods of API Gateway.

use http::Method;

const SUPPORTED: [Method; 7] = [
    Method::DELETE,
    Method::GET,
    Method::HEAD,
    Method::OPTIONS,
    Method::PATCH,
    Method::POST,
    Method::PUT,
];

/// Whether API Gateway supports the method at all.
pub(super) fn is_supported(method: &Method) -> bool {
    SUPPORTED.contains(method)
}

/// The supported methods, for an `Allow` header.
pub(super) fn allow_header() -> String {
    SUPPORTED.each_ref().map(Method::as_str).join(", ")
}
