//! The URIs that a client may have signed.

use super::{MAX_URI_BYTES, SignatureError, Uri, query::CandidateQuery, uri::check_path};

/// Every URI that is consistent with what API Gateway passes on of a request, most likely first.
///
/// A client signs the path with or without what the gateway has in front of the API's own path: the stage, or the base path
/// of a custom domain. So both are candidates. The gateway passes on the query decoded and
/// without its order, so the candidates are, for each path:
/// - without a query, the path alone, and with one, never the path alone;
/// - the canonical form: the pairs percent-encoded (all but RFC 3986's unreserved characters, upper-case hex), sorted
///   by encoded name;
/// - the encoded pairs in the event's order and, for up to four pairs, in every other order;
/// - the same orders form-encoded, where that differs: `+` for a space, and `*` or `~` as the client's library has them;
/// - the same orders unencoded, when no name or value contains one of `& = % + #`, except a `#` in the value of `last_key`.
///
/// Values of one name are always in the order in which they were sent.
///
/// Paths are used unchanged. Where an emulator decodes the path before it passes it on, a path that needs encoding
/// verifies only for a client that signed it decoded. No path of this service needs encoding.
pub struct CandidateUris {
    paths: Vec<String>,
    query: Option<CandidateQuery>,
}

impl CandidateUris {
    /// The candidates of an event with these paths, most likely first, and these decoded query pairs, in the event's order.
    ///
    /// All paths come from one request line: if one breaks the grammar, the request is rejected.
    pub fn new<'p, N: AsRef<str>, V: AsRef<str>>(
        event_paths: impl IntoIterator<Item = &'p str>,
        query: &[(N, V)],
    ) -> Result<Self, SignatureError> {
        let mut paths: Vec<String> = Vec::new();
        for path in event_paths {
            check_path(path)?;
            if !paths.iter().any(|other| other == path) {
                paths.push(path.to_owned());
            }
        }
        let candidates = Self {
            paths,
            query: CandidateQuery::new(query)?,
        };
        if candidates.iter().next().is_none() {
            return Err(SignatureError::UriTooLong);
        }
        Ok(candidates)
    }

    /// The candidates, each once, generated lazily. A candidate longer than [`MAX_URI_BYTES`] is excluded.
    pub fn iter(&self) -> impl Iterator<Item = Uri> {
        let shortest = self.paths.iter().map(String::len).min().unwrap_or_default();
        let room = MAX_URI_BYTES.saturating_sub(shortest + "?".len());
        let no_query = self.query.is_none().then_some(None);
        let queries = self.query.iter().flat_map(move |query| query.texts(room)).map(Some);
        no_query.into_iter().chain(queries).flat_map(|query: Option<String>| {
            self.paths
                .iter()
                .filter_map(move |path| Uri::join(path, query.as_deref()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NO_QUERY: [(&str, &str); 0] = [];

    fn candidates(path: &str, context_path: Option<&str>, query: &[(&str, &str)]) -> Vec<String> {
        let candidates = CandidateUris::new(std::iter::once(path).chain(context_path), query).unwrap();
        candidates.iter().map(|uri| uri.as_str().to_owned()).collect()
    }

    fn error_of(path: &str, context_path: Option<&str>, query: &[(&str, &str)]) -> Option<SignatureError> {
        CandidateUris::new(std::iter::once(path).chain(context_path), query).err()
    }

    #[test]
    fn path_without_the_stage_comes_first() {
        assert_eq!(
            candidates("/api/v1", Some("/dev/api/v1"), &[]),
            ["/api/v1", "/dev/api/v1"]
        );
    }

    #[test]
    fn equal_paths_are_one_candidate() {
        assert_eq!(candidates("/api/v1", Some("/api/v1"), &[]), ["/api/v1"]);
        assert_eq!(candidates("/api/v1", None, &[]), ["/api/v1"]);
    }

    #[test]
    fn base_path_of_a_custom_domain_is_optional() {
        let candidates = CandidateUris::new(["/api/v1", "/logging/api/v1", "/logging/api/v1"], &NO_QUERY).unwrap();
        let texts: Vec<_> = candidates.iter().map(|uri| uri.as_str().to_owned()).collect();
        assert_eq!(texts, ["/api/v1", "/logging/api/v1"]);
    }

    #[test]
    fn canonical_form_comes_first_and_the_bare_path_is_never_a_candidate() {
        assert_eq!(
            candidates("/p", Some("/s/p"), &[("limit", "50"), ("last_key", "acme#s3")]),
            [
                "/p?last_key=acme%23s3&limit=50",
                "/s/p?last_key=acme%23s3&limit=50",
                "/p?limit=50&last_key=acme%23s3",
                "/s/p?limit=50&last_key=acme%23s3",
                "/p?last_key=acme#s3&limit=50",
                "/s/p?last_key=acme#s3&limit=50",
                "/p?limit=50&last_key=acme#s3",
                "/s/p?limit=50&last_key=acme#s3",
            ]
        );
    }

    #[test]
    fn reserved_characters_are_encoded_with_uppercase_hex() {
        assert_eq!(
            candidates("/p", None, &[("a-._~Z9", "é /?:@!$'()*,;=+&%#[]\"")]),
            [
                "/p?a-._~Z9=%C3%A9%20%2F%3F%3A%40%21%24%27%28%29%2A%2C%3B%3D%2B%26%25%23%5B%5D%22",
                "/p?a-._~Z9=%C3%A9+%2F%3F%3A%40%21%24%27%28%29%2A%2C%3B%3D%2B%26%25%23%5B%5D%22",
                "/p?a-._%7EZ9=%C3%A9+%2F%3F%3A%40%21%24%27%28%29*%2C%3B%3D%2B%26%25%23%5B%5D%22",
            ]
        );
    }

    #[test]
    fn space_written_as_plus_is_a_candidate_and_a_plus_is_never_unencoded() {
        assert_eq!(
            candidates("/p", None, &[("a b", "1 2")]),
            ["/p?a%20b=1%202", "/p?a+b=1+2", "/p?a b=1 2"]
        );
        assert_eq!(candidates("/p", None, &[("a+b", "1+2")]), ["/p?a%2Bb=1%2B2"]);
    }

    #[test]
    fn pairs_are_sorted_by_the_encoded_name() {
        let first = &candidates("/p", None, &[("~", ""), ("b", ""), ("é", ""), ("a", "")])[0];
        assert_eq!(first, "/p?%C3%A9=&a=&b=&~=");
    }

    #[test]
    fn ambiguous_unencoded_form_is_excluded() {
        for pair in [
            ("a", "x&b=y"),
            ("a", "x=y"),
            ("a", "%20"),
            ("a", "x+y"),
            ("a", "x#y"),
            ("last_key", "x%23y"),
            ("last#key", "x"),
            ("a=b", "x"),
            ("a&b", "x"),
            ("last_key#", "a#b"),
            ("LAST_KEY", "a#b"),
        ] {
            assert_eq!(candidates("/p", None, &[pair]).len(), 1, "{pair:?}");
        }
    }

    #[test]
    fn unencoded_form_follows_the_grammar() {
        assert_eq!(candidates("/p", None, &[("a", "a\nb")]), ["/p?a=a%0Ab"]);
        assert_eq!(
            candidates("/p", None, &[("a", "s3://b\\c/d")]),
            ["/p?a=s3%3A%2F%2Fb%5Cc%2Fd", "/p?a=s3://b\\c/d"]
        );
    }

    #[test]
    fn one_ambiguous_pair_excludes_every_unencoded_order() {
        assert_eq!(candidates("/p", None, &[("a", "x/y"), ("b", "1+1")]).len(), 2);
    }

    #[test]
    fn number_of_candidates_is_bounded() {
        let pairs = [("a", "#"), ("b", "/"), ("c", "/"), ("last_key", "#"), ("e", "/")];
        let counts = |pairs: &[(&str, &str)]| candidates("/p", Some("/s/p"), pairs).len();
        let distinct: Vec<(String, String)> = (0..16).rev().map(|n| (format!("p{n}"), "/".to_owned())).collect();
        let distinct: Vec<(&str, &str)> = distinct.iter().map(|(name, value)| (&**name, &**value)).collect();
        assert_eq!(counts(&[]), 2);
        assert_eq!(
            [1, 2, 3, 4, 5, 16].map(|k| counts(&distinct[..k])),
            [4, 8, 24, 96, 8, 8]
        );
        assert_eq!(counts(&pairs[..4]), 48, "an ambiguous pair halves them");
        let spaces: Vec<(&str, &str)> = distinct.iter().map(|(name, _)| (*name, " ~")).collect();
        assert_eq!(
            [1, 2, 3, 4, 5, 16].map(|k| counts(&spaces[..k])),
            [8, 16, 48, 192, 16, 16]
        );
    }

    #[test]
    fn pairs_without_a_name_or_a_value_are_kept() {
        assert_eq!(candidates("/p", None, &[("", "")]), ["/p?="]);
        assert_eq!(candidates("/p", None, &[("a", "")]), ["/p?a="]);
    }

    #[test]
    fn values_of_one_name_keep_their_order() {
        assert_eq!(candidates("/p", None, &[("a", "2"), ("a", "1")]), ["/p?a=2&a=1"]);
    }

    #[test]
    fn seventeen_pairs_are_rejected() {
        let pairs = [("a", "1"); 17];
        assert_eq!(candidates("/p", None, &pairs[..16]).len(), 1);
        assert_eq!(error_of("/p", None, &pairs), Some(SignatureError::TooManyQueryPairs));
    }

    #[test]
    fn malformed_path_or_context_path_rejects_the_request() {
        assert_eq!(
            error_of("/a/../b", Some("/b"), &[]),
            Some(SignatureError::UriDotSegment)
        );
        assert_eq!(
            error_of("/b", Some("/a/../b"), &[]),
            Some(SignatureError::UriDotSegment)
        );
        assert_eq!(error_of("/b", Some(""), &[]), Some(SignatureError::UriNotAbsolute));
        assert_eq!(error_of("/b?c=d", None, &[]), Some(SignatureError::UriDelimiterInPath));
    }

    #[test]
    fn candidates_over_2048_bytes_are_excluded() {
        let value = "#".repeat(1000);
        let pair = [("last_key", value.as_str())];
        assert_eq!(
            candidates("/p", None, &pair),
            [format!("/p?last_key={value}")],
            "encoded it is too long"
        );

        let path = format!("/{}", "a".repeat(MAX_URI_BYTES - 5));
        let stage = format!("/dev{path}");
        assert_eq!(candidates(&path, Some(&stage), &[("a", "")]), [format!("{path}?a=")]);
        assert_eq!(error_of(&path, None, &[("a", "bc")]), Some(SignatureError::UriTooLong));
        assert_eq!(
            error_of(&"/a".repeat(MAX_URI_BYTES), None, &NO_QUERY),
            Some(SignatureError::UriTooLong)
        );
    }

    #[test]
    fn every_candidate_is_a_uri() {
        for text in candidates("/p", Some("/s/p"), &[("last_key", "a#b"), ("x", "/ \u{7f}é")]) {
            assert!(Uri::parse(&text).is_ok(), "{text}");
        }
    }
}
