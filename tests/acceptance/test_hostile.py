"""Input that no honest client sends: never a 5xx, a hang or a stack trace, and afterwards the service is well."""

import json

import pytest
from harness import Response, s3

LIST = "/api/v1/delivery-configs"


@pytest.fixture(autouse=True)
def healthy_afterwards(api):
    yield
    api.call("GET", "/health", signed=False).expect(200)


def tenant_path(tenant):
    return f"/api/v1/tenants/{tenant}/delivery-configs"


WRONG_TYPES = [None, True, 0, -1, 1e300, "", "x", [], [[]], {}, {"a": {}}, "\u0000", "\ud83d\ude00", "a" * 10000]
FIELDS = [
    "tenant_id",
    "type",
    "log_distribution_role_arn",
    "log_group_name",
    "bucket_name",
    "bucket_prefix",
    "target_region",
    "enabled",
    "desired_logs",
    "labels",
    "ttl",
    "created_at",
    "updated_at",
]


@pytest.mark.parametrize("field", FIELDS)
def test_any_json_type_in_a_field_is_handled(api, tenant, field):
    for value in WRONG_TYPES:
        created = api.create(s3(tenant)).expect(201)
        for body in (s3(tenant) | {field: value}, {field: value}):
            assert api.call("POST", tenant_path(tenant), body).status in (400, 409, 422), value
            assert api.patch(tenant, "s3", body).status in (200, 400, 422), value
            assert api.put(tenant, "s3", body).status in (200, 400, 422), value
        assert created
        assert api.delete(tenant, "s3").status == 200


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 30000,
        b'{"a":' * 10000,
        b'{"desired_logs":' + b"[" * 20000 + b"]" * 20000 + b"}",
        b'{"type":"s3","type":"cloudwatch","bucket_name":"abc"}',
        b'{"type":"s3","bucket_name":"abc","bucket_name":"abd"}',
        b'{"\\u0074ype":"s3","type":"s3","bucket_name":"abc"}',
        b'{"type":"s3","bucket_name":"a\x00b"}',
        b'{"type":"s3","bucket_name":"a\\u0000b"}',
        b'{"type":"s3","bucket_name":"a\\ud800b"}',
        b'{"type":"s3","bucket_name":"\xff\xfe"}',
        b'\xef\xbb\xbf{"type":"s3","bucket_name":"abc"}',
        b'{"ttl":' + b"9" * 60000 + b"}",
        b'{"ttl":1e999}',
        json.dumps({f"{number:x}": 1 for number in range(6500)}, separators=(",", ":")).encode(),
        json.dumps({"a" * 60000: 1}).encode(),
        b"\x00" * 65536,
    ],
    ids=lambda body: repr(body[:30]),
)
def test_hostile_body_is_handled(api, tenant, body):
    for method, path in (
        ("POST", tenant_path(tenant)),
        ("PATCH", tenant_path(tenant) + "/s3"),
        ("PUT", tenant_path(tenant) + "/s3"),
    ):
        response = api.call(method, path, body)
        assert response.status in (400, 404, 422), (method, response.status)
        assert len(response.body) < 6_000_000, "the most that Lambda gives back"
    assert api.list_tenant(tenant).data["count"] == 0


@pytest.mark.needs("raw-paths")
@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/tenants/%2e%2e/delivery-configs",
        "/api/v1/tenants/../delivery-configs",
        "/api/v1/tenants/./delivery-configs",
        "/api/v1/tenants/%2E/delivery-configs",
        "/api/v1//delivery-configs",
        "//api/v1/delivery-configs",
        "/api/v1/tenants/a%2Fb/delivery-configs",
        "/api/v1/tenants/a%5Cb/delivery-configs",
        "/api/v1/tenants/a\\b/delivery-configs",
        "/api/v1/tenants/%00/delivery-configs",
        "/api/v1/tenants/%/delivery-configs",
        "/api/v1/tenants/%zz/delivery-configs",
        "/api/v1/tenants/%ff%fe/delivery-configs",
        "/api/v1/tenants/%0d%0aX-Evil:%201/delivery-configs",
        "/api/v1/tenants/acme%20corp/delivery-configs",
        "/api/v1/tenants/acme/delivery-configs/",
        "/api/v1/tenants/acme/delivery-configs/s3/",
        "/api/v1/tenants//delivery-configs",
        "/api/v1/delivery-configs;x=1",
        "/api/v1/tenants/" + "a" * 3000 + "/delivery-configs",
        "/api/v1/" + "a/" * 500,
    ],
    ids=lambda path: path[:60],
)
def test_hostile_path_is_handled(api, path):
    assert api.call("GET", path).status in (400, 403, 404, 414)


@pytest.mark.needs("raw-paths")
def test_an_encoded_slash_does_not_reach_another_tenant(api, tenant):
    api.create(s3(tenant)).expect(201)
    for path in (
        f"/api/v1/tenants/x%2F..%2F{tenant}/delivery-configs",
        f"/api/v1/tenants/x/../{tenant}/delivery-configs",
    ):
        assert tenant not in json.dumps(api.call("GET", path).json.get("data"))


@pytest.mark.parametrize(
    "query",
    [
        "&",
        "=",
        "&&&",
        "limit",
        "limit=1&",
        "=1",
        "limit=1&=&x",
        "%00=%00",
        "%",
        "%zz=1",
        "limit=%ff%fe",
        "a[]=1",
        "limit=1;last_key=x",
        "last_key=" + "a" * 1500 + "%23s3",
        "limit=1?limit=2",
        "x=%0d%0aX-Evil:1",
        "last_key=a%23s3%00",
    ],
    ids=lambda query: query[:40],
)
def test_hostile_query_is_handled(api, query):
    assert api.call("GET", LIST, query=query).status in (200, 400, 403)


def test_ten_thousand_parameters_are_rejected(api):
    query = "&".join(f"p{number}=1" for number in range(10_000))
    path = f"{LIST}?{query}"
    response = api.send("GET", path, api.sign("GET", path))
    assert response.status in (403, 414, 431)


@pytest.mark.parametrize("value", [b"\xff\xfe", b"x" * 8000, b"a\tb", "\u00e9".encode()])
@pytest.mark.parametrize(
    "name",
    ["Authorization", "X-API-Timestamp", "X-Body-SHA256", "If-Match", "If-None-Match", "Content-Type", "X-Other"],
)
def test_hostile_header_value_is_handled(api, name, value):
    headers = [pair for pair in api.sign("GET", LIST) if pair[0] != name]
    assert api.send("GET", LIST, [*headers, (name, value)]).status < 500


def test_a_hundred_headers_are_handled(api):
    headers = api.sign("GET", LIST) + [(f"X-Filler-{number}", "x" * 50) for number in range(80)]
    assert api.send("GET", LIST, headers).status < 500


def raw_status(response):
    """The status of a raw response; None when the server hung up, which is a response too."""
    if not response:
        return None
    assert response.startswith(b"HTTP/1."), response[:100]
    return int(response.split(b" ", 2)[1])


def signed_lines(api, method="GET", path=LIST):
    return "".join(f"{name}: {value}\r\n" for name, value in api.sign(method, path)).encode()


@pytest.mark.needs("raw-http")
@pytest.mark.parametrize(
    "host",
    [
        b"",
        b"%%%",
        b"[::1",
        b"a b",
        b"x" * 5000,
        b"\xff\xfe",
        b"evil.example:99999",
        b"http://x/",
        b"..",
        b"a@b:c",
        b"<script>",
    ],
)
def test_hostile_host_is_handled(api, host):
    request = b"GET " + (api.prefix + LIST).encode() + b" HTTP/1.1\r\nHost: " + host + b"\r\n"
    status = raw_status(api.raw(request + signed_lines(api) + b"Connection: close\r\n\r\n"))
    assert status is None or status < 500


@pytest.mark.needs("raw-http")
def test_foreign_host_is_not_echoed(api, tenant):
    path = tenant_path(tenant)
    body = json.dumps(s3(tenant)).encode()
    request = b"POST " + (api.prefix + path).encode() + b" HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n"
    request += signed_lines(api, "POST", path) + b"Content-Length: %d\r\n\r\n" % len(body) + body
    response = api.raw(request)
    assert raw_status(response) == 201
    assert b"evil.example" not in response


@pytest.mark.needs("raw-http")
@pytest.mark.parametrize(
    "request_bytes",
    [
        b"\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /health HTTP/1.1\r\n\r\n",
        b"GET /health HTTP/1.0\r\n\r\n",
        b"GET http://evil.example/health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"GET health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"GET * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"CONNECT x:1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"TRACE /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"BREW /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"GET /he\x00alth HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: x\r\nX-Bad: a\x00b\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: x\r\nNo colon here\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx",
        b"POST /health HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST /health HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n",
        b"POST /health HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"POST /health HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: x\r\n" + b"X-Many: 1\r\n" * 5000 + b"\r\n",
        b"GET /health HTTP/1.1\r\nHost: x\r\nX-Long: " + b"a" * 1_000_000 + b"\r\n\r\n",
    ],
    ids=lambda request: repr(request[:60]),
)
def test_hostile_bytes_on_the_socket_are_handled(api, request_bytes):
    status = raw_status(api.raw(request_bytes, half_close=True))
    assert status is None or status < 500


@pytest.mark.needs("raw-http")
def test_body_that_never_arrives_does_not_block_others(api):
    import socket

    with socket.create_connection((api.host, api.port), timeout=5) as slow:
        slow.sendall(b"POST /api/v1/tenants/a/delivery-configs HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        api.call("GET", LIST).expect(200)


def test_markup_in_a_request_is_never_returned_as_markup(api):
    response = api.call("GET", "/api/v1/tenants/%3Cscript%3E/delivery-configs")
    assert isinstance(response, Response)
    assert response.header("Content-Type") == "application/json"
