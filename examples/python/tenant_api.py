#!/usr/bin/env python3
"""A client of the Tenant Management API in Python's standard library, and a walk through every route.

    BASE_URL=http://127.0.0.1:8000 PSK=... python3 tenant_api.py

Copy `TenantApi` and `ApiError` into your own code; `main` shows how each route is called.
"""

import hashlib
import hmac
import json
import os
import secrets
import sys
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime
from urllib.parse import quote, urlencode, urlsplit


class ApiError(Exception):
    """The API rejected a request. `details` is for programs, `request_id` leads to the server's log."""

    def __init__(self, status, error, details, request_id):
        super().__init__(f"{status}: {error} (request {request_id})")
        self.status, self.error, self.details, self.request_id = status, error, details, request_id


class TenantApi:
    """Signs and sends requests. `base_url` may hold the stage, as in https://api.example.com/development."""

    def __init__(self, base_url, psk, timeout=30):
        self.base_url = base_url.rstrip("/")
        self.key = psk.encode()
        self.timeout = timeout

    def sign(self, method, uri, body=None):
        """The headers that prove a request to come from a holder of the key.

        `uri` is everything after the host, query included. A body is bound by its digest, so that nobody on the way can
        swap it.
        """
        timestamp = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        headers = {"X-API-Timestamp": timestamp}
        message = method.upper() + uri + timestamp
        if body is not None:
            headers["X-Body-SHA256"] = hashlib.sha256(body).hexdigest()
            message += headers["X-Body-SHA256"]
        signature = hmac.new(self.key, message.encode(), hashlib.sha256).hexdigest()
        return headers | {"Authorization": f"HMAC-SHA256 {signature}"}

    def request(self, method, path, query=None, body=None, headers=None):
        """Sends one request. Returns the envelope and the response headers; raises `ApiError` if it is rejected."""
        url = self.base_url + path
        if query:
            # Sorted by name and percent-encoded: the form that the API checks first.
            url += "?" + urlencode(sorted(query.items()), quote_via=quote, safe="")
        data = None if body is None else json.dumps(body).encode()
        parts = urlsplit(url)
        uri = parts.path + (f"?{parts.query}" if parts.query else "")
        signed = self.sign(method, uri, data) | (headers or {})
        if data is not None:
            signed["Content-Type"] = "application/json"
        try:
            with urllib.request.urlopen(
                urllib.request.Request(url, data, signed, method=method), timeout=self.timeout
            ) as response:
                return json.load(response), response.headers
        except urllib.error.HTTPError as error:
            raise self._api_error(error) from None

    @staticmethod
    def _api_error(error):
        text = error.read().decode(errors="replace")
        try:
            envelope = json.loads(text)
        except ValueError:  # a proxy or load balancer between the client and the API responded
            envelope = {"error": text[:200]}
        return ApiError(error.code, envelope.get("error"), envelope.get("details"), error.headers.get("X-Request-Id"))

    def health(self):
        return self.request("GET", "/health")[0]["data"]

    def create(self, config):
        path = f"{self._tenant(config['tenant_id'])}/delivery-configs"
        return self.request("POST", path, body=config)[0]["data"]

    def get(self, tenant_id, delivery_type):
        """A configuration and its ETag, which `patch`, `put` and `delete` take as `if_match`."""
        envelope, headers = self.request("GET", self._config(tenant_id, delivery_type))
        return envelope["data"], headers["ETag"]

    def list_tenant(self, tenant_id):
        path = f"{self._tenant(tenant_id)}/delivery-configs"
        return self.request("GET", path)[0]["data"]["configurations"]

    def list_all(self, page_size=50):
        """Yields every tenant's configurations, a page at a time."""
        query = {"limit": page_size}
        while True:
            page = self.request("GET", "/api/v1/delivery-configs", query)[0]["data"]
            yield from page["configurations"]
            if "last_key" not in page:
                return
            query["last_key"] = page["last_key"]

    def search(self, expression, page_size=50):
        """Yields the configurations that match a filter. A page can have none of them and not be the last one."""
        body = {"filter": expression, "limit": page_size}
        while True:
            page = self.request("POST", "/api/v1/delivery-configs/search", body=body)[0]["data"]
            yield from page["configurations"]
            if "last_key" not in page:
                return
            body["last_key"] = page["last_key"]

    def patch(self, tenant_id, delivery_type, changes, if_match=None):
        return self._write("PATCH", tenant_id, delivery_type, changes, if_match)["data"]

    def put(self, tenant_id, delivery_type, changes, if_match=None):
        """As `patch`: a field left out keeps its value."""
        return self._write("PUT", tenant_id, delivery_type, changes, if_match)["data"]

    def delete(self, tenant_id, delivery_type, if_match=None):
        return self._write("DELETE", tenant_id, delivery_type, None, if_match)["message"]

    def batch(self, operations, atomic=True, dry_run=False):
        """Makes many changes: all or none of up to 100, or each of up to 1,000 by itself.

        Returns `results`, one for each operation, and `summary`. Some may have failed: each result has a `status`.
        """
        body = {"atomic": atomic, "dry_run": dry_run, "operations": operations}
        return self.request("POST", "/api/v1/delivery-configs/batch", body=body)[0]["data"]

    def validate(self, tenant_id, delivery_type):
        return self.request("GET", self._config(tenant_id, delivery_type) + "/validate")[0]["data"]

    def revisions(self, tenant_id, delivery_type, page_size=50, **query):
        """Yields what changed, the latest change first; `query` can have `order`, `since` and `until`."""
        query["limit"] = page_size
        while True:
            page = self.request("GET", self._config(tenant_id, delivery_type) + "/history", query)[0]["data"]
            yield from page["revisions"]
            if "cursor" not in page:
                return
            query["cursor"] = page["cursor"]

    def restore(self, tenant_id, delivery_type, revision, patch=None, dry_run=False, if_match=None):
        """Makes a configuration what it was after a revision; `patch` is what to make different."""
        return self.request(
            "POST",
            f"{self._config(tenant_id, delivery_type)}/history/{revision}/restore",
            {"dry_run": "true"} if dry_run else None,
            body=patch,
            headers={"If-Match": if_match} if if_match else None,
        )[0]["data"]

    def create_webhook(self, tenant_id, settings):
        """A webhook that gets the tenant's changes. `secret` verifies them: see webhook_receiver.py."""
        return self.request("POST", f"{self._tenant(tenant_id)}/webhooks", body=settings)[0]["data"]

    def delete_webhook(self, tenant_id, webhook_id):
        return self.request("DELETE", f"{self._tenant(tenant_id)}/webhooks/{webhook_id}")[0]["message"]

    def _write(self, method, tenant_id, delivery_type, body, if_match):
        headers = {"If-Match": if_match} if if_match else None
        return self.request(method, self._config(tenant_id, delivery_type), body=body, headers=headers)[0]

    @staticmethod
    def _tenant(tenant_id):
        return f"/api/v1/tenants/{quote(tenant_id, safe='')}"

    def _config(self, tenant_id, delivery_type):
        return f"{self._tenant(tenant_id)}/delivery-configs/{quote(delivery_type, safe='')}"


def _required(config):
    """The fields that a configuration for CloudWatch Logs must have."""
    return {name: config[name] for name in ("log_distribution_role_arn", "log_group_name")}


def main():
    try:
        api = TenantApi(os.environ["BASE_URL"], os.environ["PSK"])
    except KeyError as missing:
        sys.exit(f"set {missing.args[0]}; see the top of this file")
    page_size = int(os.environ.get("PAGE_SIZE", "50"))
    tenant = f"example-{secrets.token_hex(4)}"  # a tenant of its own, so that the example can run again and again

    print("health:", api.health()["status"])

    cloudwatch = api.create(
        {
            "tenant_id": tenant,
            "type": "cloudwatch",
            "log_distribution_role_arn": "arn:aws:iam::123456789012:role/LogDistributionRole",
            "log_group_name": f"/aws/logs/{tenant}",
            "target_region": "us-east-1",
            "desired_logs": ["payment-service", "user-service"],
            "labels": {"env": "production", "team": "payments"},
        }
    )
    print("created:", json.dumps(cloudwatch))
    print("created:", json.dumps(api.create({"tenant_id": tenant, "type": "s3", "bucket_name": f"{tenant}-logs"})))

    try:
        print("of this tenant:", [config["type"] for config in api.list_tenant(tenant)])
        ours = [config["type"] for config in api.list_all(page_size) if config["tenant_id"] == tenant]
        print("of this tenant, among all:", ours)

        expression = f'account = 123456789012 AND tenant_id = "{tenant}"'
        print("of this tenant, to that account:", [config["type"] for config in api.search(expression, page_size)])

        config, etag = api.get(tenant, "cloudwatch")
        print("got:", config["log_group_name"], "version", etag)
        print("disabled:", api.patch(tenant, "cloudwatch", {"enabled": False}, if_match=etag)["enabled"] is False)
        changed = api.patch(tenant, "cloudwatch", {"labels": {"team": "platform", "env": None}})
        print("labels:", changed["labels"])
        changed = api.put(tenant, "cloudwatch", {"target_region": "us-west-2"})
        print("moved to:", changed["target_region"], "- still disabled:", changed["enabled"] is False)
        print("valid:", api.validate(tenant, "cloudwatch")["valid"])

        pause = {"op": "update", "tenant_id": tenant, "type": "s3", "changes": {"enabled": False}}
        keep = {"op": "upsert", "config": {"tenant_id": tenant, "type": "cloudwatch", **_required(changed)}}
        for dry_run in (True, False):
            batch = api.batch([pause, keep], dry_run=dry_run)
            print("dry run:" if dry_run else "batch:", json.dumps(batch["summary"]))
            for result in batch["results"]:
                print("  ", result["op"], result["type"], result["status"], json.dumps(result.get("diff", [])))

        # A change is in the history a moment later.
        while len(history := list(api.revisions(tenant, "cloudwatch", page_size, order="asc"))) < 4:
            time.sleep(0.1)
        for revision in history:
            changes = [change["field"] for change in revision["changes"]]
            print("history:", revision["event"], "by", revision["actor"].get("kind"), changes)
        first = history[0]["revision"]
        preview = api.restore(tenant, "cloudwatch", first, {"labels": None}, dry_run=True)
        print("would restore:", json.dumps(preview["diff"]))
        restored = api.restore(tenant, "cloudwatch", first, {"labels": None})["configuration"]
        print(
            "restored:", restored["target_region"], "enabled:", restored["enabled"], "labels:", restored.get("labels")
        )

        # Disabled, since nobody receives its events; a real one is enabled.
        settings = {"url": "https://hooks.example.com/", "events": ["delivery_config.deleted"], "enabled": False}
        webhook = api.create_webhook(tenant, settings)
        print("webhook:", webhook["status"], "with a secret:", webhook["secret"].startswith("whsec_"))
        print("deleted:", api.delete_webhook(tenant, webhook["id"]))

        for mistake in (
            lambda: api.patch(tenant, "cloudwatch", {"enabled": True}, if_match=etag),  # somebody else was faster
            lambda: api.patch(tenant, "s3", {"bucket_name": "No Such Bucket", "enable": True}),  # two broken rules
        ):
            try:
                mistake()
            except ApiError as error:
                print("rejected:", error)
                for broken in (error.details or {}).get("errors", []):
                    print("  ", broken["field"], "-", broken["message"])
    finally:
        for delivery_type in ("cloudwatch", "s3"):
            print("deleted:", api.delete(tenant, delivery_type))


if __name__ == "__main__":
    try:
        main()
    except ApiError as error:
        sys.exit(f"the API rejected the request: {error}")
    except urllib.error.URLError as error:
        sys.exit(f"cannot reach the API: {error.reason}")
