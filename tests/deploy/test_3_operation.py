"""Changes to a deployment while clients call it."""

import contextlib
import json
import threading
import time

from cloud import (
    ACCOUNT,
    BUCKET,
    CENTRAL_ROLE,
    FUNCTIONS,
    NOTIFIER,
    PSK_PARAMETER,
    RECORDER,
    REGION,
    STACK,
    TABLE,
    ZIP,
    request,
)
from metrics import NAMESPACE, Window, key_of


class Clients:
    """Clients that call the API all the time, below its throttling rate, and count the responses."""

    def __init__(self, base, key, count=3):
        self.base, self.key = base, key
        self.responses, self.failures = 0, []
        self._lock, self._stop = threading.Lock(), threading.Event()
        self._threads = [threading.Thread(target=self._call, daemon=True) for _ in range(count)]

    def _call(self):
        while not self._stop.wait(0.05):  # three clients, at most 60 requests a second; the stage allows 100
            key = self.key
            response = request(f"{self.base}/api/v1/delivery-configs", key=key, base=self.base)
            with self._lock:
                self.responses += 1
                if response.status != 200:
                    self.failures.append((response.status, response.body))

    @contextlib.contextmanager
    def calling(self):
        for thread in self._threads:
            thread.start()
        try:
            yield self
        finally:
            self._stop.set()
            for thread in self._threads:
                thread.join(40)

    def wait_for(self, more):
        """Waits for so many more responses."""
        wanted, deadline = self.responses + more, time.monotonic() + 60
        while self.responses < wanted:
            assert time.monotonic() < deadline, f"only {self.responses} responses"
            time.sleep(0.05)


def store_something(cloud):
    base = cloud.base_url()
    body = {"tenant_id": "kept", "type": "s3", "bucket_name": "kept-logs"}
    url = f"{base}/api/v1/tenants/kept/delivery-configs"
    assert request(url, "POST", key=cloud.psk(), body=body, base=base).status in (201, 409)


def read_something(cloud):
    base = cloud.base_url()
    response = request(f"{base}/api/v1/tenants/kept/delivery-configs/s3", key=cloud.psk(), base=base)
    return response.status, response.json.get("data", {}).get("bucket_name")


def test_key_rotation_fails_no_request(cloud):
    """As in docs/deployment.md: label the current version, write the new key, give it to the clients a minute later."""
    old = cloud.psk()
    with Clients(cloud.base_url(), old).calling() as clients:
        clients.wait_for(20)
        cloud.aws("ssm", "label-parameter-version", "--name", PSK_PARAMETER, "--labels", "previous")
        new = "a-new-key-of-forty-four-characters-for-this="
        cloud.aws(
            "ssm", "put-parameter", "--name", PSK_PARAMETER, "--type", "SecureString", "--overwrite", "--value", new
        )
        time.sleep(31)  # an authorizer reads its keys again at most every 30 s
        clients.wait_for(20)
        clients.key = new
        clients.wait_for(40)
    assert clients.failures == []


def test_both_keys_are_accepted_until_the_label_is_removed(cloud):
    base, authorizer = cloud.base_url(), FUNCTIONS[0]
    window = Window(cloud)
    for key in cloud.psks():
        assert request(f"{base}/api/v1/delivery-configs", key=key, base=base).status == 200
    assert request(f"{base}/api/v1/delivery-configs", key="neither-of-the-two", base=base).status == 403
    measured = window.metrics(authorizer)
    uses = [key_of(NAMESPACE, name, {"function_name": authorizer}) for name in ("auth_allowed", "previous_key_uses")]
    assert [len(measured[use]) for use in uses] == [2, 1], "an operator sees how many requests use the old key"


def test_deployment_without_a_change_changes_nothing(cloud):
    before = cloud.aws("s3api", "list-objects-v2", "--bucket", BUCKET)["Contents"]
    output = cloud.deploy("--include-api", *ZIP)
    assert "Nothing to change." in output
    assert cloud.aws("s3api", "list-objects-v2", "--bucket", BUCKET)["Contents"] == before
    for name in (*FUNCTIONS, RECORDER, NOTIFIER):
        versions = cloud.aws("lambda", "list-versions-by-function", "--function-name", name)["Versions"]
        assert [version["Version"] for version in versions] == ["$LATEST", "1"]


def test_new_build_goes_live_and_the_old_version_is_kept(cloud, tmp_path):
    store_something(cloud)
    changed = cloud.change_programs(tmp_path / "build")
    url = cloud.base_url()
    output = cloud.deploy("--package", "zip", "--binaries", changed)
    assert "Modify  Functions" in output
    for name in (*FUNCTIONS, RECORDER, NOTIFIER):
        alias = cloud.aws("lambda", "get-alias", "--function-name", name, "--name", "live")
        assert alias["FunctionVersion"] == "2"
        versions = cloud.aws("lambda", "list-versions-by-function", "--function-name", name)["Versions"]
        assert [version["Version"] for version in versions] == ["$LATEST", "1", "2"]
    assert cloud.base_url() == url
    assert read_something(cloud) == (200, "kept-logs")


def test_old_key_is_rejected_without_its_label(cloud, tmp_path):
    # The emulator does not have UnlabelParameterVersion, but a label that moves to another version leaves this one.
    newest = ("--name", PSK_PARAMETER, "--parameter-version", "2")
    cloud.aws("ssm", "label-parameter-version", *newest, "--labels", "previous")
    # A new release also empties the caches.
    cloud.deploy("--package", "zip", "--binaries", cloud.change_programs(tmp_path / "build"))
    base = cloud.base_url()
    responses = [request(f"{base}/api/v1/delivery-configs", key=key, base=base) for key in cloud.psks()]
    assert [response.status for response in responses] == [403, 200]


def test_alias_rolls_a_release_back(cloud):
    for name in FUNCTIONS:
        cloud.aws("lambda", "update-alias", "--function-name", name, "--name", "live", "--function-version", "2")
    assert read_something(cloud) == (200, "kept-logs")
    for name in FUNCTIONS:
        cloud.aws("lambda", "update-alias", "--function-name", name, "--name", "live", "--function-version", "3")


def test_page_of_an_allowed_origin_can_read_responses_and_errors(cloud):
    origin = {"Origin": "https://console.example.com"}
    url = f"{cloud.base_url()}/api/v1/delivery-configs"
    assert request(url, headers=origin).headers["Access-Control-Allow-Origin"] is None
    cloud.deploy(*ZIP, "--allowed-origins", origin["Origin"])
    preflight = request(url, "OPTIONS", headers=origin | {"Access-Control-Request-Method": "GET"})
    rejected, served = request(url, headers=origin), request(f"{cloud.base_url()}/health", headers=origin)
    for response in (preflight, rejected, served):
        assert response.headers["Access-Control-Allow-Origin"] == origin["Origin"], (response.status, response.body)
    for response in (rejected, served):
        assert "x-request-id" in response.headers["Access-Control-Expose-Headers"], (response.status, response.body)
    assert (preflight.status, request(url, headers=origin).status) in ((200, 403), (204, 403), (204, 401), (200, 401))


def test_setting_is_changed_alone(cloud):
    cloud.deploy(*ZIP, "--parameter", "ThrottlingRate=50")
    stage = cloud.aws(
        "apigateway", "get-stage", "--rest-api-id", cloud.outputs()["RestApiId"], "--stage-name", "development"
    )
    assert stage["methodSettings"]["*/*"]["throttlingRateLimit"] == 50
    for name in FUNCTIONS:
        alias = cloud.aws("lambda", "get-alias", "--function-name", name, "--name", "live")
        assert alias["FunctionVersion"] == "4", "a setting of the gateway made a release of the functions"
    parameters = {p["ParameterKey"]: p["ParameterValue"] for p in cloud.stack()["Parameters"]}
    assert parameters["AllowedOrigins"] == "https://console.example.com", "a setting that is not named keeps its value"


# --- Permissions. The emulator enforces the roles, so they allow everything that the tests above did.


def decision(cloud, role, action, resource, **context):
    response = cloud.aws(
        "iam", "simulate-principal-policy", "--policy-source-arn", role, "--action-names", action,
        "--resource-arns", resource, *(["--context-entries", *(
            f"ContextKeyName={key},ContextKeyValues={value},ContextKeyType=string" for key, value in context.items())]
            if context else []),
    )  # fmt: skip
    return response["EvaluationResults"][0]["EvalDecision"]


def test_roles_allow_only_what_their_code_needs(cloud):
    outputs = cloud.outputs()
    api, authorizer = outputs["ApiRoleArn"], outputs["AuthorizerRoleArn"]
    table = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{TABLE}"
    parameter = f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter{PSK_PARAMETER}"
    assert decision(cloud, api, "dynamodb:PutItem", table) == "allowed"
    assert decision(cloud, authorizer, "ssm:GetParameters", parameter) == "allowed"
    for role, action, resource in (
        (api, "dynamodb:DeleteTable", table),
        (api, "dynamodb:BatchWriteItem", table),
        (api, "dynamodb:GetItem", f"{table}-other"),
        (api, "ssm:GetParameters", parameter),
        (api, "sts:AssumeRole", CENTRAL_ROLE),
        (api, "logs:CreateLogGroup", f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/lambda/{STACK}-api-service:*"),
        (authorizer, "ssm:GetParameters", f"{parameter}-other"),
        (authorizer, "ssm:PutParameter", parameter),
        (authorizer, "kms:Decrypt", f"arn:aws:kms:{REGION}:{ACCOUNT}:key/any"),
        (authorizer, "dynamodb:GetItem", table),
    ):
        assert decision(cloud, role, action, resource) == "implicitDeny", (role, action, resource)


def test_emulator_enforces_the_roles(cloud):
    """Without its policy the API function cannot read its table, so the tests above prove that the roles are enough."""
    role = cloud.outputs()["ApiRoleArn"].rpartition("/")[2]
    policy = cloud.aws("iam", "get-role-policy", "--role-name", role, "--policy-name", "api")["PolicyDocument"]
    cloud.run(["aws", "iam", "delete-role-policy", "--role-name", role, "--policy-name", "api"])
    time.sleep(1.1)  # health is cached for a second
    try:
        assert request(f"{cloud.base_url()}/health").status == 503
    finally:
        cloud.run(["aws", "iam", "put-role-policy", "--role-name", role, "--policy-name", "api",
                   "--policy-document", json.dumps(policy)])  # fmt: skip
    time.sleep(1.1)
    assert request(f"{cloud.base_url()}/health").status == 200
