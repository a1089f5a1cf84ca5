"""`GET /health` and `GET /api/v1/health`: open, and silent about what runs behind them."""

import re

import pytest

PATHS = ["/health", "/api/v1/health"]


@pytest.mark.parametrize("path", PATHS)
def test_health_needs_no_signature(api, path):
    response = api.call("GET", path, signed=False).expect(200)
    assert set(response.data) == {"status", "service", "version", "checks"}
    assert response.data["status"] == "healthy"
    assert re.fullmatch(r"\d+\.\d+\.\d+.*", response.data["version"])
    assert set(response.data["checks"]) == {"dynamodb"}
    assert set(response.data["checks"]["dynamodb"]) == {"status", "latency_ms"}
    assert response.data["checks"]["dynamodb"]["latency_ms"] >= 0


@pytest.mark.parametrize("path", PATHS)
def test_health_names_no_table_account_or_arn(api, path):
    text = api.call("GET", path, signed=False).body.decode()
    assert not re.search(r"arn:|tenant-configs|\b\d{12}\b|amazonaws|127\.0\.0\.1|localhost", text)


@pytest.mark.parametrize("path", PATHS)
def test_health_ignores_a_bad_signature(api, path):
    headers = {"Authorization": "HMAC-SHA256 00", "X-API-Timestamp": "never"}
    api.call("GET", path, signed=False, headers=headers).expect(200)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("path", PATHS)
def test_health_allows_reads_only(api, path, method):
    api.call(method, path, signed=False).expect(401)
    api.call(method, path).expect(405)


@pytest.mark.needs("head")
@pytest.mark.parametrize("path", PATHS)
def test_health_supports_head(api, path):
    api.call("HEAD", path, signed=False).expect(200)
