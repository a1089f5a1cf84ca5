"""Webhooks as a tenant and a receiver have them, and their rows as the tables do."""

import contextlib
import http.server
import json
import threading

from cloud import DELIVERIES, NOTIFIER, WEBHOOKS, request
from faults import serving_unpublished
from history import client, wait_for
from standardwebhooks import Webhook, WebhookVerificationError

# No deployment lets the notifier connect to loopback, where the receiver of a test has to be.
LOOPBACK = {"WEBHOOK_NETWORKS": "127.0.0.0/8"}
# Seconds instead of hours between attempts.
SOON = {"WEBHOOK_RETRY_SCHEDULE": "1,2,2,2"}


class Delivered:
    """What a receiver was sent."""

    def __init__(self, headers, body):
        self.headers = {name: headers[f"webhook-{name}"] for name in ("id", "timestamp", "signature")}
        self.id = self.headers["id"]
        self.body, self.event = body, json.loads(body)

    def is_signed_with(self, secret):
        """As the official library of the Standard Webhooks says."""
        headers = {f"webhook-{name}": value for name, value in self.headers.items()}
        try:
            Webhook(secret).verify(self.body, headers)
        except WebhookVerificationError:
            return False
        return True


class Receiver:
    """A receiver on loopback. It responds with `statuses`, one after the other, and then with 204."""

    def __init__(self):
        self.delivered, self.statuses, self.is_held = [], [], threading.Event()
        self.is_held.set()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.delivered.append(Delivered(self.headers, body))
                receiver.is_held.wait(60)
                with contextlib.suppress(OSError):  # the sender may be gone
                    self.send_response(receiver.statuses.pop(0) if receiver.statuses else 204)
                    self.send_header("Content-Length", "0")
                    self.end_headers()

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/hook"

    @contextlib.contextmanager
    def receiving(self):
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        try:
            yield self
        finally:
            self.is_held.set()
            self._server.shutdown()
            self._server.server_close()

    def wait_for(self, count, seconds=60):
        """What was delivered, when there is so much of it."""
        wait_for(f"not {count} deliveries", lambda: len(self.delivered) >= count, seconds)
        return self.delivered


class Endpoint:
    """An endpoint of a tenant that was created through the API."""

    def __init__(self, cloud, tenant, **settings):
        self.cloud, self.tenant = cloud, tenant
        self.base, self.key = cloud.base_url(), cloud.psk()
        body = {"url": "https://receiver.example.com/hook", "description": "of a test"} | settings
        response = self.call("POST", body=body)
        assert response.status == 201, response.body
        self.id, self.secret = response.json["data"]["id"], response.json["data"]["secret"]

    def call(self, method="GET", tail="", body=None):
        """A request to the endpoints of the tenant, and the path after them."""
        url = f"{self.base}/api/v1/tenants/{self.tenant}/webhooks{tail}"
        return request(url, method, key=self.key, body=body, base=self.base)

    def get(self, tail="", method="GET", body=None, status=200):
        """The data of a response to a request to this endpoint. That to a deletion has none."""
        response = self.call(method, f"/{self.id}{tail}", body)
        assert response.status == status, (response.status, response.body)
        return response.json.get("data")

    def lead_to(self, url):
        """Writes another URL into the row. The API accepts none that is not public."""
        client(self.cloud, "dynamodb").update_item(
            TableName=WEBHOOKS,
            Key={"scope": {"S": f"tenant#{self.tenant}"}, "id": {"S": self.id}},
            UpdateExpression="SET #url = :url",
            ConditionExpression="attribute_exists(id)",
            ExpressionAttributeNames={"#url": "url"},
            ExpressionAttributeValues={":url": {"S": url}},
        )

    def delivery(self, event_id):
        """A delivery with its last attempts."""
        return self.get(f"/deliveries/{event_id}")

    def deliveries(self):
        return self.get("/deliveries")["deliveries"]

    def rows(self):
        """The deliveries as the table has them, without replays."""
        found = client(self.cloud, "dynamodb").query(
            TableName=DELIVERIES,
            KeyConditionExpression="webhook_id = :id",
            ExpressionAttributeValues={":id": {"S": self.id}},
            ConsistentRead=True,
        )
        return [item for item in found["Items"] if not item["position"]["S"].startswith("#")]


@contextlib.contextmanager
def endpoint_with_receiver(cloud, tenant, **settings):
    """An endpoint that leads to a receiver, both of this test alone."""
    with Receiver().receiving() as receiver:
        endpoint = Endpoint(cloud, tenant, **settings)
        endpoint.lead_to(receiver.url)
        try:
            yield endpoint, receiver
        finally:
            endpoint.get(method="DELETE")


@contextlib.contextmanager
def reaching_loopback(cloud, **variables):
    """Lets the notifier connect to loopback."""
    with serving_unpublished(cloud, NOTIFIER, **(LOOPBACK | SOON | variables)):
        yield


def sqs(cloud, *arguments):
    """The CLI sends requests of SQS to AWS despite AWS_ENDPOINT_URL."""
    return cloud.aws("sqs", "--endpoint-url", cloud.url, *arguments)


def sweep(cloud, folder):
    """What the schedule does every minute, now. Returns the response of the notifier."""
    (folder / "sweep.json").write_text('{"sweep":{}}')
    files = ("--payload", f"fileb://{folder / 'sweep.json'}", str(folder / "swept.json"))
    cloud.aws("lambda", "invoke", "--function-name", NOTIFIER, "--qualifier", "live", *files)
    return json.loads((folder / "swept.json").read_text())
