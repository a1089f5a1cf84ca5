//! The URI as it is signed.

use percent_encoding::percent_decode_str;

use super::{MAX_URI_BYTES, SignatureError};

/// Path and query of a request, as a client may have sent them.
///
/// A path is rejected if any reader of it could interpret it as another one: control bytes, backslashes, empty segments,
/// `.` and `..` segments, each of them encoded or not. A query is rejected only for control bytes: nothing resolves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Uri(String);

impl Uri {
    /// Parses a path that begins with `/`, and its query if it has one.
    pub fn parse(text: &str) -> Result<Self, SignatureError> {
        let (path, query) = text
            .split_once('?')
            .map_or((text, None), |(path, query)| (path, Some(query)));
        check_path(path)?;
        query.map_or(Ok(()), check_query)?;
        if text.len() > MAX_URI_BYTES {
            return Err(SignatureError::UriTooLong);
        }
        Ok(Self(text.to_owned()))
    }

    /// Joins a checked path and a checked query, unless together they are too long.
    pub(super) fn join(path: &str, query: Option<&str>) -> Option<Self> {
        let length = path.len() + query.map_or(0, |query| query.len() + "?".len());
        if length > MAX_URI_BYTES {
            return None;
        }
        let mut text = String::with_capacity(length);
        text.push_str(path);
        if let Some(query) = query {
            text.push('?');
            text.push_str(query);
        }
        Some(Self(text))
    }

    /// The path, and the query after a `?` if there is one.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Checks a path against the grammar, except for its length.
pub(super) fn check_path(path: &str) -> Result<(), SignatureError> {
    if !path.starts_with('/') {
        return Err(SignatureError::UriNotAbsolute);
    }
    if path.contains(['?', '#']) {
        return Err(SignatureError::UriDelimiterInPath);
    }
    check_path_text(path.as_bytes())?;
    // Decoding may create adjacent slashes (`/%2F`), so the whole decoded path is checked, not one escape at a time.
    let decoded: Vec<u8> = percent_decode_str(path).collect();
    check_path_text(&decoded)?;
    if decoded
        .split(|&byte| byte == b'/')
        .any(|segment| matches!(segment, b"." | b".."))
    {
        return Err(SignatureError::UriDotSegment);
    }
    Ok(())
}

/// Checks a query against the grammar, except for its length.
pub(super) fn check_query(query: &str) -> Result<(), SignatureError> {
    check_controls(query.as_bytes())
}

fn check_controls(text: &[u8]) -> Result<(), SignatureError> {
    if text.iter().any(u8::is_ascii_control) {
        return Err(SignatureError::UriControlByte);
    }
    Ok(())
}

fn check_path_text(text: &[u8]) -> Result<(), SignatureError> {
    check_controls(text)?;
    if text.contains(&b'\\') {
        return Err(SignatureError::UriBackslash);
    }
    if text.windows(2).any(|pair| pair == b"//") {
        return Err(SignatureError::UriDoubleSlash);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error_of(text: &str) -> Option<SignatureError> {
        Uri::parse(text).err()
    }

    #[test]
    fn paths_of_the_service_are_accepted() {
        for text in [
            "/",
            "/api/v1/delivery-configs",
            "/api/v1/delivery-configs/",
            "/development/api/v1/tenants/acme-corp/delivery-configs/s3",
            "/api/v1/delivery-configs?last_key=acme%23s3&limit=50",
            "/api/v1/delivery-configs?last_key=acme#s3&limit=50",
            "/api/v1/tenants/a%20b/delivery-configs",
            "/api/v1/tenants/a%2Fb/delivery-configs",
            "/api/v1/tenants/.hidden/...",
            "/api/v1/tenants/acmé",
            "/a?",
            "/a?b?c=/./..",
            "/a?b=https://example.com//c",
            "/a?b=c\\d",
        ] {
            assert_eq!(error_of(text), None, "{text}");
        }
    }

    #[test]
    fn path_without_a_leading_slash_is_rejected() {
        for text in ["", "api", "*", "?a=1", "http://example.com/", " /", "%2Fapi"] {
            assert_eq!(error_of(text), Some(SignatureError::UriNotAbsolute), "{text:?}");
        }
    }

    #[test]
    fn control_byte_is_rejected_encoded_or_not() {
        for text in [
            "/\0", "/a\nb", "/a\rb", "/\x7f", "/%00", "/a%0Ab", "/a%0ab", "/%7f", "/%1F", "/a?b=\n",
        ] {
            assert_eq!(error_of(text), Some(SignatureError::UriControlByte), "{text:?}");
        }
    }

    #[test]
    fn backslash_is_rejected_encoded_or_not() {
        for text in ["/a\\b", "/a%5Cb", "/a%5cb", "/..\\"] {
            assert_eq!(error_of(text), Some(SignatureError::UriBackslash), "{text}");
        }
    }

    #[test]
    fn double_slash_is_rejected_encoded_or_not() {
        for text in [
            "//",
            "//example.com/a",
            "/a//b",
            "/a//",
            "/a/%2Fb",
            "/a%2F/b",
            "/a%2f%2fb",
        ] {
            assert_eq!(error_of(text), Some(SignatureError::UriDoubleSlash), "{text}");
        }
    }

    #[test]
    fn dot_segment_is_rejected_encoded_or_not() {
        for text in [
            "/.",
            "/..",
            "/./a",
            "/a/./b",
            "/a/../b",
            "/a/..",
            "/%2e",
            "/%2E%2E",
            "/a/%2e./b",
            "/a/.%2e",
            "/a%2F..%2Fb",
            "/a/..%2Fb",
        ] {
            assert_eq!(error_of(text), Some(SignatureError::UriDotSegment), "{text}");
        }
    }

    #[test]
    fn decoded_path_with_a_delimiter_is_rejected() {
        assert_eq!(check_path("/a?b=1"), Err(SignatureError::UriDelimiterInPath));
        assert_eq!(check_path("/a#b"), Err(SignatureError::UriDelimiterInPath));
        assert_eq!(check_path("/a%3Fb%23c"), Ok(()));
    }

    #[test]
    fn uri_of_2048_bytes_is_the_longest() {
        let longest = format!("/{}", "a".repeat(MAX_URI_BYTES - 1));
        assert_eq!(error_of(&longest), None);
        assert_eq!(error_of(&format!("{longest}a")), Some(SignatureError::UriTooLong));
        assert_eq!(
            error_of(&format!("/?{}", "a".repeat(MAX_URI_BYTES - 1))),
            Some(SignatureError::UriTooLong)
        );
        // The limit is in bytes.
        assert_eq!(
            error_of(&format!("/{}", "é".repeat(MAX_URI_BYTES / 2))),
            Some(SignatureError::UriTooLong)
        );
    }
}
