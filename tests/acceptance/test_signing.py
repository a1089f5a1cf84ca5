"""Request signing as a client meets it: what is verified, and that a rejection does not reveal the reason."""

import hashlib
import itertools
import json

import pytest
from harness import canonical, check, now, s3, signature

LIST = "/api/v1/delivery-configs"


def signed(api, method, uri, **how):
    return api.call(method, uri, signed=False, headers=api.sign(method, uri, **how))


def with_headers(api, *headers, path=LIST, method="GET", body=None):
    """The checked response to exactly these headers."""
    return check(method, api.send(method, path, headers, body))


# What is signed.


def test_route_can_be_signed_without_the_stage(api):
    api.call("GET", LIST, query={"limit": 1}).expect(200)


@pytest.mark.needs("wire-path")
@pytest.mark.parametrize("query", ["", "?limit=1", "?last_key=acme%23s3&limit=1", "?limit=1&last_key=acme%23s3"])
def test_wire_path_can_be_signed(api, query):
    api.call("GET", LIST, query=query[1:], sign_as=api.prefix + LIST + query).expect(200)


@pytest.mark.needs("both-urls", "wire-path")
@pytest.mark.parametrize("stage", ["", "/development"])
@pytest.mark.parametrize("signs_stage", [False, True])
def test_both_url_forms_accept_both_path_forms(api, stage, signs_stage):
    other = type(api)(api.base_url.removesuffix(api.prefix) + stage, api.key)
    sign_as = (stage if signs_stage else "") + LIST
    other.call("GET", LIST, sign_as=sign_as).expect(200)


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_signature_is_valid_for_its_method_only(api, tenant, method):
    path = f"/api/v1/tenants/{tenant}/delivery-configs" + ("" if method == "POST" else "/s3")
    body = b"{}" if method.startswith("P") else None
    assert with_headers(api, *api.sign(method, path), path=path, method=method, body=body).status in (400, 404, 422)
    for other in {"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"} - {method}:
        headers = api.sign(other, path)
        with_headers(api, *headers, path=path, method=method, body=body).expect(403)


@pytest.mark.parametrize("method", ["get", "Get"])
def test_lower_case_method_can_be_signed(api, method):
    signed(api, "GET", LIST).expect(200)
    timestamp = now()
    signed_by = signature(api.key, method, LIST, timestamp)
    with_headers(api, ("Authorization", f"HMAC-SHA256 {signed_by}"), ("X-API-Timestamp", timestamp)).expect(200)


# Tampering: each part of the message, one at a time.

TAMPERED = {
    "another path": (LIST, "/api/v1/tenants/acme/delivery-configs"),
    "another query value": (LIST + "?limit=1", LIST + "?limit=2"),
    "another query name": (LIST + "?limit=1", LIST + "?limis=1"),
    "a parameter more": (LIST + "?limit=1", LIST + "?last_key=a%23s3&limit=1"),
    "a parameter less": (LIST + "?last_key=a%23s3&limit=1", LIST + "?limit=1"),
    "no query": (LIST + "?limit=1", LIST),
    "a query": (LIST, LIST + "?limit=1"),
    "another tenant": ("/api/v1/tenants/acme/delivery-configs", "/api/v1/tenants/acmf/delivery-configs"),
}


@pytest.mark.parametrize(("signs", "sends"), TAMPERED.values(), ids=TAMPERED)
def test_changed_uri_is_rejected(api, signs, sends):
    with_headers(api, *api.sign("GET", signs), path=sends).expect(403)


def test_changed_timestamp_is_rejected(api):
    (authorization, _), later = api.sign("GET", LIST, timestamp=now(-1)), ("X-API-Timestamp", now())
    with_headers(api, authorization, later).expect(403)


def test_signature_with_any_changed_digit_is_rejected(api):
    timestamp = now()
    good = signature(api.key, "GET", LIST, timestamp)
    for place in range(64):
        bad = good[:place] + format(int(good[place], 16) ^ 1, "x") + good[place + 1 :]
        with_headers(api, ("Authorization", f"HMAC-SHA256 {bad}"), ("X-API-Timestamp", timestamp)).expect(403)


@pytest.mark.parametrize("change", [lambda key: key + "x", lambda key: key[:-1], str.swapcase, lambda key: key + "\n"])
def test_another_key_is_rejected(api, change):
    signed(api, "GET", LIST, key=change(api.key)).expect(403)


# The timestamp.


@pytest.mark.parametrize("offset", [-290, -60, 0, 60, 290])
def test_timestamp_within_five_minutes_is_accepted(api, offset):
    signed(api, "GET", LIST, timestamp=now(offset)).expect(200)


@pytest.mark.parametrize("offset", [-86400, -310, 310, 86400])
def test_timestamp_outside_the_window_is_rejected(api, offset):
    signed(api, "GET", LIST, timestamp=now(offset)).expect(403)


@pytest.mark.parametrize("ending", [".1Z", ".123456Z", ".123456789Z", "+00:00", ".123456+00:00"])
def test_fractions_and_zero_offset_are_accepted(api, ending):
    signed(api, "GET", LIST, timestamp=now()[:-1] + ending).expect(200)


@pytest.mark.parametrize("offset", ["", "+00:00", "-00:00", "+0000", "+05:30", "-0930", "+14", "-23:59"])
@pytest.mark.parametrize("fraction", ["", ".5"])
def test_time_with_any_offset_or_none_is_accepted(api, offset, fraction):
    sign, digits = (-1 if offset[:1] == "-" else 1), offset[1:].replace(":", "").ljust(4, "0")
    local = now(sign * (int(digits[:2]) * 3600 + int(digits[2:]) * 60))
    signed(api, "GET", LIST, timestamp=local[:-1] + fraction + offset).expect(200)


def test_local_time_without_its_offset_is_rejected(api):
    signed(api, "GET", LIST, timestamp=now(3600)[:-1]).expect(403)


@pytest.mark.parametrize(
    "form",
    [
        lambda t: t[:-1] + "z",
        lambda t: t.replace("T", " "),
        lambda t: t.replace("T", "t"),
        lambda t: t[:-1] + "+0",
        lambda t: t[:-1] + "+00:0",
        lambda t: t[:-1] + "+00:60",
        lambda t: t[:-1] + "+24:00",
        lambda t: t[:-1] + " UTC",
        lambda t: t[:-1] + ".Z",
        lambda t: t[:-1] + ".1234567890Z",
        lambda t: t[:-1] + ",5Z",
        lambda t: t[:-4] + "Z",
        lambda t: t[2:],
        lambda t: t + "Z",
        lambda t: t.replace("-", ""),
        lambda t: "2024-02-30T10:00:00Z",
        lambda t: t[:-3] + "60Z",
        lambda t: "1760000000",
        lambda t: "Mon, 15 Jan 2024 10:30:00 GMT",
        lambda t: t[:4] + "\u0661" + t[5:],
    ],
)
def test_malformed_timestamp_is_rejected(api, form):
    timestamp = form(now())
    signed_by = signature(api.key, "GET", LIST, timestamp)
    headers = [("Authorization", f"HMAC-SHA256 {signed_by}"), ("X-API-Timestamp", timestamp.encode())]
    with_headers(api, *headers).expect(403)


# The Authorization header.


@pytest.mark.parametrize("scheme", ["HMAC-SHA256", "hmac-sha256", "Hmac-Sha256"])
@pytest.mark.parametrize("case", [str.lower, str.upper])
def test_scheme_and_digits_are_case_insensitive(api, scheme, case):
    timestamp = now()
    digits = case(signature(api.key, "GET", LIST, timestamp))
    with_headers(api, ("Authorization", f"{scheme} {digits}"), ("X-API-Timestamp", timestamp)).expect(200)


@pytest.mark.parametrize("spaces", [" ", "  ", "     "])
def test_one_or_more_spaces_follow_the_scheme(api, spaces):
    timestamp = now()
    value = f"HMAC-SHA256{spaces}{signature(api.key, 'GET', LIST, timestamp)}"
    with_headers(api, ("Authorization", value), ("X-API-Timestamp", timestamp)).expect(200)


# Go writes the second form, HTTP/2 and Node the first. The gateway must find its identity sources all the same.
@pytest.mark.parametrize("names", [str.lower, str.title, str.upper])
def test_header_names_are_read_in_any_case(api, tenant, names):
    body, path = body_of(tenant), f"/api/v1/tenants/{tenant}/delivery-configs"
    headers = [(names(name), value) for name, value in api.sign("POST", path, digest=digest(body))]
    post(api, tenant, body, *headers).expect(201)


@pytest.mark.parametrize(
    "form",
    [
        "{0}",
        "HMAC-SHA256",
        "HMAC-SHA256{0}",
        "HMAC-SHA256:{0}",
        "Bearer {0}",
        "HMAC-SHA1 {0}",
        "HMAC-SHA256 {0}0",
        "HMAC-SHA256 0{0}",
        "HMAC-SHA256 0x{0}",
        "HMAC-SHA256 {0} x",
        "HMAC-SHA256 {0},",
        "HMAC-SHA256 {0}, HMAC-SHA256 {0}",
        "HMAC-SHA256 signature={0}",
        'HMAC-SHA256 "{0}"',
    ],
)
def test_malformed_signature_is_rejected(api, form):
    timestamp = now()
    value = form.format(signature(api.key, "GET", LIST, timestamp))
    with_headers(api, ("Authorization", value), ("X-API-Timestamp", timestamp)).expect(403)


@pytest.mark.parametrize("digits", ["", "0" * 63, "g" * 64, "\u00e9" * 32])
def test_non_hex_digits_are_rejected(api, digits):
    value = f"HMAC-SHA256 {digits}".encode()
    response = with_headers(api, ("Authorization", value), ("X-API-Timestamp", now()))
    assert response.status == 403


@pytest.mark.needs("repeated-headers")
@pytest.mark.parametrize("repeated", ["Authorization", "X-API-Timestamp"])
def test_repeated_header_is_rejected(api, repeated):
    headers = api.sign("GET", LIST)
    again = [(name, value) for name, value in headers if name == repeated]
    with_headers(api, *headers, *again).expect(403)


def test_every_rejection_looks_the_same(api):
    timestamp = now()
    good = signature(api.key, "GET", LIST, timestamp)
    attempts = [
        [("Authorization", f"HMAC-SHA256 {'0' * 64}"), ("X-API-Timestamp", timestamp)],
        [("Authorization", f"HMAC-SHA256 {good}"), ("X-API-Timestamp", "yesterday")],
        api.sign("GET", LIST, timestamp=now(-4000)),
        [("Authorization", "Basic eHg="), ("X-API-Timestamp", timestamp)],
        [("Authorization", "HMAC-SHA256 zz"), ("X-API-Timestamp", timestamp)],
    ]
    responses = [with_headers(api, *headers).expect(403) for headers in attempts]
    bodies = [{name: value for name, value in response.json.items() if name != "timestamp"} for response in responses]
    assert all(other == bodies[0] for other in bodies)


# The query: whatever order and encoding a client chooses.

PAIRS = [("limit", "5"), ("last_key", "acme#s3"), ("note", "a b/c"), ("x", "é~-._")]


def spell(pairs, encode):
    return "&".join(f"{encode(name)}={encode(value)}" for name, value in pairs)


def orders():
    for count in range(1, 5):
        yield from itertools.permutations(PAIRS[:count])


def encoded(text):
    return canonical({text: ""})[:-1]


def plain(text):
    return text


def call_signed_as(api, query, signed_as):
    """The request must pass the authorizer. Then the service rejects a parameter that it does not have."""
    response = api.call("GET", LIST, query=query, sign_as=f"{LIST}?{signed_as}")
    assert response.status == 200 or "no query parameter" in response.expect(400).error


@pytest.mark.parametrize("encode", [encoded, plain])
@pytest.mark.parametrize("order", list(orders()), ids=lambda order: "-".join(name for name, _ in order))
def test_any_order_and_encoding_of_up_to_four_parameters_is_verified(api, order, encode):
    sent = spell(order, encoded)
    call_signed_as(api, sent, spell(order, encode))


@pytest.mark.parametrize("encode", [encoded, plain])
@pytest.mark.parametrize("order", list(itertools.permutations(PAIRS)), ids=lambda order: "-".join(n for n, _ in order))
def test_signed_order_can_differ_from_sent_order(api, order, encode):
    call_signed_as(api, spell(PAIRS, encoded), spell(order, encode))


@pytest.mark.parametrize(
    ("query", "signed_as"),
    [
        ("x=a+b", "x=a+b"),
        ("x=a%20b", "x=a+b"),
        ("x=a+b", "x=a%20b"),
        ("limit=1&x=a+b%7Ec*", "limit=1&x=a+b%7Ec*"),
        ("x=a+b~c%2A&limit=1", "x=a+b~c%2A&limit=1"),
        ("x=https%3A%2F%2Fexample.com%2F%2Fa", "x=https://example.com//a"),
        ("x=a%5Cb", "x=a\\b"),
    ],
)
def test_query_is_verified_as_forms_and_texts_are_written(api, query, signed_as):
    call_signed_as(api, query, signed_as)


def test_plus_and_space_are_different_values(api):
    for query, signed_as in (("x=a%2Bb", "x=a+b"), ("x=a%2Bb", "x=a%20b"), ("x=a+b", "x=a%2Bb")):
        api.call("GET", LIST, query=query, sign_as=f"{LIST}?{signed_as}").expect(403)


@pytest.mark.parametrize("query", ["x=a%2fb", "x", "limit=1&"])
def test_query_form_outside_the_candidates_is_rejected(api, query):
    signed(api, "GET", f"{LIST}?{query}").expect(403)


@pytest.mark.needs("repeated-query")
def test_repeated_parameter_is_verified_and_returns_400(api):
    signed(api, "GET", LIST + "?limit=1&limit=2").expect(400)


def test_sixteen_parameters_are_verified_and_seventeen_rejected(api):
    many = {f"p{number:02}": number for number in range(17)}
    assert signed(api, "GET", f"{LIST}?{canonical(many)}").status == 403
    del many["p16"]
    assert signed(api, "GET", f"{LIST}?{canonical(many)}").status == 400


def test_uri_over_2048_bytes_is_rejected(api):
    room = 2048 - len(LIST) - len("?x=")
    assert signed(api, "GET", LIST + "?x=" + "a" * (room + 1)).status in (403, 414)


# The body.


def digest(body):
    return hashlib.sha256(body).hexdigest()


def body_of(tenant):
    return json.dumps(s3(tenant)).encode()


def post(api, tenant, body, *headers):
    path = f"/api/v1/tenants/{tenant}/delivery-configs"
    return with_headers(api, *headers, ("Content-Type", "application/json"), path=path, method="POST", body=body)


@pytest.fixture
def bound(api, tenant):
    """The headers of a create whose body is bound by its digest, and that body."""
    body = body_of(tenant)
    return api.sign("POST", f"/api/v1/tenants/{tenant}/delivery-configs", digest=digest(body)), body


def test_body_matching_its_signed_digest_is_accepted(api, tenant, bound):
    headers, body = bound
    post(api, tenant, body, *headers).expect(201)


def test_upper_case_digest_is_accepted(api, tenant):
    body, path = body_of(tenant), f"/api/v1/tenants/{tenant}/delivery-configs"
    post(api, tenant, body, *api.sign("POST", path, digest=digest(body).upper())).expect(201)


def test_swapped_body_returns_400(api, tenant, bound):
    headers, body = bound
    for other in (body.replace(b"acme", b"evil"), body + b" ", b"", None):
        post(api, tenant, other, *headers).expect(400)
    assert api.list_tenant(tenant).data["count"] == 0


def test_stripped_changed_or_added_digest_returns_403(api, tenant, bound):
    headers, body = bound
    authorization, timestamp, signed_digest = headers
    post(api, tenant, body, authorization, timestamp).expect(403)
    post(api, tenant, body, authorization, timestamp, ("X-Body-SHA256", digest(b"other"))).expect(403)
    post(api, tenant, body, *api.sign("POST", f"/api/v1/tenants/{tenant}/delivery-configs"), signed_digest).expect(403)
    assert api.list_tenant(tenant).data["count"] == 0


@pytest.mark.parametrize("form", ["00", "g" * 64, "0" * 63, "0" * 65, "0" * 64 + ",", "sha256=" + "0" * 64])
def test_malformed_digest_is_rejected(api, tenant, form):
    path = f"/api/v1/tenants/{tenant}/delivery-configs"
    post(api, tenant, body_of(tenant), *api.sign("POST", path, digest=form)).expect(403)


@pytest.mark.needs("repeated-headers")
def test_repeated_digest_is_rejected(api, tenant, bound):
    headers, body = bound
    post(api, tenant, body, *headers, headers[-1]).expect(403)


def test_empty_digest_counts_as_absent(api, tenant):
    path = f"/api/v1/tenants/{tenant}/delivery-configs"
    post(api, tenant, body_of(tenant), *api.sign("POST", path), ("X-Body-SHA256", "")).expect(201)
    with_headers(api, *api.sign("GET", LIST), ("X-Body-SHA256", "")).expect(200)


def test_read_can_bind_the_empty_body(api):
    signed(api, "GET", LIST, digest=digest(b"")).expect(200)
