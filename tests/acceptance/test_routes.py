"""Which routes there are, which methods they take, and what the gateway says of everything else."""

import json

import pytest
from harness import config_path, now, s3

CONFIG = config_path("acme", "s3")
ALLOWED = {
    "/api/v1/delivery-configs": {"GET", "HEAD"},
    "/api/v1/tenants/acme/delivery-configs": {"GET", "HEAD", "POST"},
    CONFIG: {"GET", "HEAD", "PUT", "PATCH", "DELETE"},
    CONFIG + "/validate": {"GET", "HEAD"},
}
WRONG = [
    (path, method)
    for path, allowed in ALLOWED.items()
    for method in ("POST", "PUT", "PATCH", "DELETE")
    if method not in allowed
]


@pytest.mark.parametrize(("path", "method"), WRONG)
def test_other_methods_of_a_known_route_return_405_with_allow(api, path, method):
    response = api.call(method, path, {} if method != "DELETE" else None).expect(405)
    allowed = {name.strip() for name in response.header("Allow").split(",")}
    assert allowed - {"OPTIONS"} == ALLOWED[path]


@pytest.mark.parametrize(
    "path",
    ["/api/v1/nothing", "/api/v1/tenants", "/api/v1/tenants/acme", CONFIG + "/validate/x", CONFIG + "/x", "/api/v1"],
)
def test_unknown_route_returns_404(api, path):
    api.call("GET", path).expect(404)


@pytest.mark.parametrize(("path", "method"), [(path, method) for path in ALLOWED for method in sorted(ALLOWED[path])])
def test_unknown_query_parameter_returns_400(api, path, method):
    body = {"enabled": False} if method in ("POST", "PUT", "PATCH") else None
    api.call(method, path, body, query={"dry-run": "true"}).expect(400)


def test_open_routes_ignore_query_parameters(api):
    for path in ("/health", "/api/v1/health", "/openapi.json", "/api/v1/openapi.json"):
        api.call("GET", path, query={"_": "1732700000"}, signed=False).expect(200)


@pytest.mark.needs("gateway-envelope")
@pytest.mark.parametrize("path", ["/nothing", "/api", "/api/v2/delivery-configs", "/favicon.ico", "/"])
def test_route_outside_the_api_is_unknown_only_to_a_signed_request(api, path):
    """Nobody without the key learns which routes there are."""
    api.call("GET", path, signed=False).expect(401)
    api.call("GET", path).expect(404)


@pytest.mark.needs("gateway-envelope")
@pytest.mark.parametrize("path", [*ALLOWED, "/api/v1/nothing"])
@pytest.mark.parametrize("missing", ["both", "Authorization", "X-API-Timestamp"])
def test_missing_identity_header_returns_401(api, path, missing):
    headers = [pair for pair in api.sign("GET", path) if missing not in ("both", pair[0])]
    api.call("GET", path, signed=False, headers=headers).expect(401)


@pytest.mark.needs("gateway-envelope")
@pytest.mark.parametrize("empty", ["Authorization", "X-API-Timestamp"])
def test_empty_identity_header_returns_401(api, empty):
    path = "/api/v1/delivery-configs"
    headers = [(name, "" if name == empty else value) for name, value in api.sign("GET", path)]
    api.call("GET", path, signed=False, headers=headers).expect(401)


@pytest.mark.parametrize("path", [*ALLOWED, "/api/v1/nothing"])
def test_wrong_signature_returns_403(api, path):
    headers = {"Authorization": "HMAC-SHA256 " + "0" * 64, "X-API-Timestamp": now()}
    api.call("GET", path, signed=False, headers=headers).expect(403)


def test_unsigned_request_writes_nothing(api, tenant):
    path = f"/api/v1/tenants/{tenant}/delivery-configs"
    api.call("POST", path, s3(tenant), signed=False).expect(401)
    headers = {"Authorization": "HMAC-SHA256 " + "0" * 64, "X-API-Timestamp": now()}
    api.call("POST", path, s3(tenant), signed=False, headers=headers).expect(403)
    assert api.list_tenant(tenant).data["count"] == 0


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "text/json", "x", "application/xml"]
)
@pytest.mark.parametrize("method", ["post", "put", "patch"])
def test_content_type_other_than_json_returns_415(api, tenant, method, content_type):
    headers = {"Content-Type": content_type}
    if method == "post":
        api.create(s3(tenant), headers=headers).expect(415)
    else:
        api.create(s3(tenant)).expect(201)
        getattr(api, method)(tenant, "s3", {"enabled": False}, headers=headers).expect(415)


@pytest.mark.parametrize(
    "content_type", ["application/json; charset=utf-8", "Application/JSON", "application/json ;charset=UTF-8"]
)
def test_every_spelling_of_the_json_media_type_is_accepted(api, tenant, content_type):
    api.create(s3(tenant), headers={"Content-Type": content_type}).expect(201)


def test_body_without_content_type_is_read_as_json(api, tenant):
    path = f"/api/v1/tenants/{tenant}/delivery-configs"
    body = json.dumps(s3(tenant)).encode()
    assert api.send("POST", path, api.sign("POST", path), body).status == 201


def test_body_over_64_kib_returns_413(api, tenant):
    path = f"/api/v1/tenants/{tenant}/delivery-configs"
    body = json.dumps(s3(tenant)).encode()
    api.call("POST", path, body.ljust(65537)).expect(413)
    api.call("POST", path, body.ljust(65536)).expect(201)


@pytest.mark.needs("large-bodies")
def test_body_of_10_mb_returns_413(api, tenant):
    path = f"/api/v1/tenants/{tenant}/delivery-configs"
    for size in (10 * 1024 * 1024, 10 * 1024 * 1024 + 1):
        api.call("POST", path, b" " * size).expect(413)


@pytest.mark.parametrize("path", [*ALLOWED, "/health", "/api/v1/health"])
def test_no_origin_is_allowed_by_default(api, path):
    headers = {"Origin": "https://example.com", "Access-Control-Request-Method": "GET"}
    response = api.send("OPTIONS", path, headers.items())
    assert response.status < 500
    assert not [name for name, _ in response.headers if name.lower().startswith("access-control-allow-origin")]


@pytest.mark.needs("both-urls")
@pytest.mark.parametrize("stage", ["", "/development"])
def test_stage_in_the_path_is_optional(api, stage):
    other = type(api)(api.base_url.removesuffix(api.prefix) + stage, api.key)
    other.call("GET", "/health", signed=False).expect(200)
    other.call("GET", "/api/v1/delivery-configs", query={"limit": 1}).expect(200)
    other.call("GET", "/api/v1/delivery-configs", signed=False).expect(401)


@pytest.mark.needs("both-urls")
def test_unknown_stage_is_a_gateway_error(api):
    other = type(api)(api.base_url.removesuffix(api.prefix) + "/nostage", api.key)
    assert other.call("GET", "/api/v1/delivery-configs").status in (403, 404)
