//! The properties of every request: a message has one reading, a change is detected, a valid signature is accepted.

use percent_encoding::percent_decode_str;
use proptest::{
    prelude::*,
    sample::{self, Index},
};
use tenant_core::signature::{BodyDigest, CandidateUris, Message, Method, SignatureError, Timestamp, Uri};

use crate::requests::{
    Arrived, FORMS, Form, Pairs, STAGE, arrived, digests, gathered_by_name, keys, methods, paths, queries, timestamps,
    uri,
};

/// Every way to cut a message into a method, a URI, a timestamp and perhaps a digest that each follow their grammar.
fn readings(message: &str) -> Vec<(&str, &str, &str, &str)> {
    let mut readings = Vec::new();
    for digest_at in [Some(message.len()), message.len().checked_sub(64)]
        .into_iter()
        .flatten()
    {
        let Some((signed, digest)) = message.split_at_checked(digest_at) else {
            continue;
        };
        if !digest.is_empty() && BodyDigest::parse(digest).is_err() {
            continue;
        }
        for timestamp_at in 0..signed.len() {
            let Some((request, timestamp)) = signed.split_at_checked(timestamp_at) else {
                continue;
            };
            if Timestamp::parse(timestamp).is_err() {
                continue;
            }
            for uri_at in 0..request.len() {
                let Some((method, uri)) = request.split_at_checked(uri_at) else {
                    continue;
                };
                let is_method = Method::parse(method).is_ok_and(|parsed| parsed.as_str() == method);
                if is_method && Uri::parse(uri).is_ok() {
                    readings.push((method, uri, timestamp, digest));
                }
            }
        }
    }
    readings
}

/// URIs that end like a method, a timestamp or a digest.
fn misleading_uris() -> impl Strategy<Value = String> {
    let tail = prop_oneof![
        Just(String::new()),
        methods().prop_map(|method| format!("/{method}/")),
        timestamps(),
        timestamps().prop_map(|timestamp| timestamp.trim_end_matches('Z').to_owned()),
        "[0-9a-f]{60,68}",
        (timestamps(), "[0-9a-f]{64}").prop_map(|(timestamp, digest)| timestamp + &digest),
        "[?&=][0-9TZ:.+-]{0,30}",
        "/20[0-9]{2}-01-01T00:00:00(\\.[0-9]{0,9})?[+-]?[0-9:]{0,6}",
    ];
    (paths(), queries(2), tail).prop_map(|(path, query, tail)| uri(&path, &query, Form::Encoded) + &tail)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// Hence no two requests that differ in method, URI, timestamp or digest share a message.
    #[test]
    fn message_has_exactly_one_reading(
        method in methods(), uri in misleading_uris(), timestamp in timestamps(), digest in digests(),
    ) {
        let parsed_digest = digest.as_deref().map(|digest| BodyDigest::parse(digest).unwrap());
        let message = Message {
            method: &Method::parse(&method).unwrap(),
            uri: &Uri::parse(&uri).unwrap(),
            timestamp: &Timestamp::parse(&timestamp).unwrap(),
            body_digest: parsed_digest.as_ref(),
        };
        let message = String::from_utf8(message.to_bytes()).unwrap();
        let digest = digest.unwrap_or_default();
        prop_assert_eq!(readings(&message), [(&*method, &*uri, &*timestamp, &*digest)]);
    }

    /// The reverse: no bytes are the message of two requests.
    #[test]
    fn text_is_the_message_of_at_most_one_request(
        text in "[A-Z]{0,3}/[A-Z/]{0,5}(20[0-9]{2}-01-01T0[0-9]:00:0[0-9](\\.[0-9]{1,3})?(Z|[+-]0[0-9](:?00)?)?[0-9a-f]{0,2}){1,3}([0-9a-f]{64}){0,2}",
    ) {
        prop_assert!(readings(&text).len() <= 1);
    }

    /// Hence no two requests share a candidate, so a signature for one request is not valid for another. A `+` in a
    /// candidate is always a space, as API Gateway reads it.
    #[test]
    fn every_candidate_decodes_to_the_request(path in "/[a-z/?#&=%+ .é]{0,8}", query in delicate_queries()) {
        let Ok(candidates) = CandidateUris::new([path.as_str()], &query) else { return Ok(()) };
        for candidate in candidates.iter() {
            let (read_path, read_query) = read_back(candidate.as_str());
            prop_assert_eq!(&read_path, &path, "{:?}", candidate);
            prop_assert_eq!(in_order_of_names(read_query), in_order_of_names(query.clone()), "{:?}", candidate);
        }
    }

    #[test]
    fn every_order_and_encoding_of_up_to_four_parameters_is_accepted(
        (request, wire, shuffled) in arrived(4).prop_flat_map(|request| {
            let wire = Just(request.query.clone()).prop_shuffle();
            let names = request.query.iter().map(|pair| pair.0.clone()).collect::<Vec<_>>();
            (Just(request), wire, Just(names).prop_shuffle())
        }),
        key in keys(), form in sample::select(&FORMS[..]), with_stage in any::<bool>(),
    ) {
        let arrived = Arrived { query: gathered_by_name(&wire, &shuffled), ..request };
        let path = if with_stage { format!("{STAGE}{}", arrived.path) } else { arrived.path.clone() };
        let form = if reads_the_same_unencoded(&wire) { form } else { form.or_encoded() };
        let signature = arrived.sign(&key, &uri(&path, &wire, form));
        prop_assert_eq!(arrived.verify(&key, &signature), Ok(()));
    }

    #[test]
    fn canonical_form_of_up_to_16_parameters_is_accepted(request in arrived(16), key in keys()) {
        let signature = request.sign(&key, &request.canonical_uri());
        prop_assert_eq!(request.verify(&key, &signature), Ok(()));
    }

    #[test]
    fn signature_over_the_path_alone_is_rejected_for_a_request_with_a_query(request in arrived(4), key in keys()) {
        prop_assume!(!request.query.is_empty());
        let signature = request.sign(&key, &request.path);
        prop_assert_eq!(request.verify(&key, &signature), Err(SignatureError::WrongSignature));
    }

    #[test]
    fn any_one_byte_change_is_rejected(
        request in arrived(4), key in keys(), part in 0..6_usize, at in any::<Index>(), byte in any::<u8>(),
    ) {
        let signature = request.sign(&key, &request.canonical_uri());
        prop_assert_eq!(request.verify(&key, &signature), Ok(()));

        let (mut changed, mut other_key) = (request.clone(), key.clone());
        match part {
            0 => change_text(&mut changed.method, at, byte),
            1 => change_text(&mut changed.path, at, byte),
            2 => change_text(&mut changed.timestamp, at, byte),
            3 => changed.digest = changed.digest.map(|mut digest| { change_text(&mut digest, at, byte); digest }),
            4 if !changed.query.is_empty() => {
                let (name, value) = at.get_mut(&mut changed.query);
                change_text(if byte & 1 == 0 { name } else { value }, at, byte);
            }
            _ => *at.get_mut(&mut other_key) = byte,
        }
        prop_assume!(changed != request || other_key != key);
        // The case of a method is not significant.
        prop_assume!(!(part == 0 && changed.method.eq_ignore_ascii_case(&request.method)));
        prop_assert!(changed.verify(&other_key, &signature).is_err());
    }

    #[test]
    fn removing_or_adding_a_digest_is_rejected(request in arrived(2), key in keys(), digest in "[0-9a-f]{64}") {
        let signature = request.sign(&key, &request.canonical_uri());
        let other = if request.digest.is_some() { None } else { Some(digest) };
        let changed = Arrived { digest: other, ..request };
        prop_assert_eq!(changed.verify(&key, &signature), Err(SignatureError::WrongSignature));
    }

    #[test]
    fn removing_or_repeating_a_parameter_is_rejected(request in arrived(4), key in keys(), at in any::<Index>()) {
        prop_assume!(!request.query.is_empty());
        let signature = request.sign(&key, &request.canonical_uri());
        let at = at.index(request.query.len());
        let (mut shorter, mut longer) = (request.clone(), request.clone());
        shorter.query.remove(at);
        longer.query.push(request.query[at].clone());
        prop_assert!(shorter.verify(&key, &signature).is_err());
        prop_assert!(longer.verify(&key, &signature).is_err());
    }
}

/// Queries of characters that have a meaning in a URI.
fn delicate_queries() -> impl Strategy<Value = Pairs> {
    let text = "a?[&=%+#?/ *~]?b?|a?[&=%+#?/ *~]?b?|%26|last_key";
    proptest::collection::vec((text, text), 0..4)
}

/// Parses a URI as a server does that receives it whole.
fn read_back(uri: &str) -> (String, Pairs) {
    let decode = |text: &str| {
        let text = text.replace('+', " ");
        percent_decode_str(&text).decode_utf8().unwrap().into_owned()
    };
    let (path, query) = uri
        .split_once('?')
        .map_or((uri, None), |(path, query)| (path, Some(query)));
    let pairs = query.into_iter().flat_map(|query| query.split('&')).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap();
        (decode(name), decode(value))
    });
    (path.to_owned(), pairs.collect())
}

/// The meaning of a query: the values of each name, in their order.
fn in_order_of_names(mut pairs: Pairs) -> Pairs {
    pairs.sort_by(|a, b| a.0.cmp(&b.0));
    pairs
}

fn reads_the_same_unencoded(pairs: &Pairs) -> bool {
    pairs.iter().all(|(name, value)| {
        let text = format!("{name}={value}");
        let marks = ['&', '=', '%', '+', '#'];
        let ambiguous = |c: char| marks.contains(&c) && !(c == '#' && name == "last_key");
        !name.contains(marks) && !value.contains(ambiguous) && Uri::parse(&format!("/?{text}")).is_ok()
    })
}

/// Replaces one character by another ASCII character.
fn change_text(text: &mut String, at: Index, byte: u8) {
    let mut characters: Vec<char> = text.chars().collect();
    if !characters.is_empty() {
        *at.get_mut(&mut characters) = char::from(byte & 0x7f);
        *text = characters.into_iter().collect();
    }
}
