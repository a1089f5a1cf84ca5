"""What operators do with a deployment that serves, while clients go on calling it."""

import contextlib
import json
import threading
import time

from cloud import ACCOUNT, BUCKET, CENTRAL_ROLE, FUNCTIONS, PSK_PARAMETER, REGION, STACK, TABLE, ZIP, request
from metrics import NAMESPACE, Window, key_of


class Clients:
    """Clients that call the API all the time, though not as often as it throttles, and keep count of what they get."""

    def __init__(self, base, key, count=3):
        self.base, self.key = base, key
        self.answers, self.failures = 0, []
        self._lock, self._stop = threading.Lock(), threading.Event()
        self._threads = [threading.Thread(target=self._call, daemon=True) for _ in range(count)]

    def _call(self):
        while not self._stop.wait(0.05):  # three clients at most 60 times a second, where the stage lets 100 through
            key = self.key
            answer = request(f"{self.base}/api/v1/delivery-configs", key=key, base=self.base)
            with self._lock:
                self.answers += 1
                if answer.status != 200:
                    self.failures.append((answer.status, answer.body))

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
        """Waits until so many more answers have come."""
        wanted, deadline = self.answers + more, time.monotonic() + 60
        while self.answers < wanted:
            assert time.monotonic() < deadline, f"only {self.answers} answers"
            time.sleep(0.05)


def store_something(cloud):
    base = cloud.base_url()
    body = {"tenant_id": "kept", "type": "s3", "bucket_name": "kept-logs"}
    url = f"{base}/api/v1/tenants/kept/delivery-configs"
    assert request(url, "POST", key=cloud.psk(), body=body, base=base).status in (201, 409)


def read_something(cloud):
    base = cloud.base_url()
    answer = request(f"{base}/api/v1/tenants/kept/delivery-configs/s3", key=cloud.psk(), base=base)
    return answer.status, answer.json.get("data", {}).get("bucket_name")


def test_rotation_of_the_key_fails_nobody(cloud):
    """As docs/deployment.md describes it: label the version in use, write the new key, hand it out a minute later."""
    old = cloud.psk()
    with Clients(cloud.base_url(), old).calling() as clients:
        clients.wait_for(20)
        cloud.aws("ssm", "label-parameter-version", "--name", PSK_PARAMETER, "--labels", "previous")
        new = "a-new-key-of-forty-four-characters-for-this="
        cloud.aws(
            "ssm", "put-parameter", "--name", PSK_PARAMETER, "--type", "SecureString", "--overwrite", "--value", new
        )
        time.sleep(31)  # an authorizer reads its keys anew at most every 30 s
        clients.wait_for(20)
        clients.key = new
        clients.wait_for(40)
    assert clients.failures == []


def test_both_keys_are_good_until_the_label_is_taken_away(cloud):
    base, authorizer = cloud.base_url(), FUNCTIONS[0]
    window = Window(cloud)
    for key in cloud.psks():
        assert request(f"{base}/api/v1/delivery-configs", key=key, base=base).status == 200
    assert request(f"{base}/api/v1/delivery-configs", key="neither-of-the-two", base=base).status == 403
    measured = window.metrics(authorizer)
    uses = [key_of(NAMESPACE, name, {"function_name": authorizer}) for name in ("auth_allowed", "previous_key_uses")]
    assert [len(measured[use]) for use in uses] == [2, 1], "an operator sees who still signs with the old key"


def test_deployment_without_a_change_changes_nothing(cloud):
    before = cloud.aws("s3api", "list-objects-v2", "--bucket", BUCKET)["Contents"]
    answer = cloud.deploy("--include-api", *ZIP)
    assert "Nothing: the stack is as it should be." in answer
    assert cloud.aws("s3api", "list-objects-v2", "--bucket", BUCKET)["Contents"] == before
    for name in FUNCTIONS:
        versions = cloud.aws("lambda", "list-versions-by-function", "--function-name", name)["Versions"]
        assert [version["Version"] for version in versions] == ["$LATEST", "1"]


def test_new_build_goes_live_and_the_old_one_stays(cloud, binaries, tmp_path):
    store_something(cloud)
    changed = cloud.change_programs(binaries, tmp_path / "build")
    url = cloud.base_url()
    answer = cloud.deploy("--package", "zip", "--binaries", changed)
    assert "Modify  Functions" in answer
    for name in FUNCTIONS:
        alias = cloud.aws("lambda", "get-alias", "--function-name", name, "--name", "live")
        assert alias["FunctionVersion"] == "2"
        versions = cloud.aws("lambda", "list-versions-by-function", "--function-name", name)["Versions"]
        assert [version["Version"] for version in versions] == ["$LATEST", "1", "2"]
    assert cloud.base_url() == url
    assert read_something(cloud) == (200, "kept-logs")


def test_old_key_ends_with_its_label(cloud, binaries, tmp_path):
    # The emulator knows no UnlabelParameterVersion; a label that goes to another version is gone from this one, too.
    newest = ("--name", PSK_PARAMETER, "--parameter-version", "2")
    cloud.aws("ssm", "label-parameter-version", *newest, "--labels", "previous")
    cloud.deploy(
        "--package", "zip", "--binaries", cloud.change_programs(binaries, tmp_path / "build")
    )  # and so with empty caches
    base = cloud.base_url()
    answers = [request(f"{base}/api/v1/delivery-configs", key=key, base=base) for key in cloud.psks()]
    assert [answer.status for answer in answers] == [403, 200]


def test_bad_release_is_taken_back(cloud):
    for name in FUNCTIONS:
        cloud.aws("lambda", "update-alias", "--function-name", name, "--name", "live", "--function-version", "2")
    assert read_something(cloud) == (200, "kept-logs")
    for name in FUNCTIONS:
        cloud.aws("lambda", "update-alias", "--function-name", name, "--name", "live", "--function-version", "3")


def test_pages_of_an_allowed_origin_read_answers_and_errors(cloud):
    origin = {"Origin": "https://console.example.com"}
    url = f"{cloud.base_url()}/api/v1/delivery-configs"
    assert request(url, headers=origin).headers["Access-Control-Allow-Origin"] is None
    cloud.deploy(*ZIP, "--allowed-origins", origin["Origin"])
    preflight = request(url, "OPTIONS", headers=origin | {"Access-Control-Request-Method": "GET"})
    refused, answered = request(url, headers=origin), request(f"{cloud.base_url()}/health", headers=origin)
    for answer in (preflight, refused, answered):
        assert answer.headers["Access-Control-Allow-Origin"] == origin["Origin"], (answer.status, answer.body)
    for answer in (refused, answered):
        assert "x-request-id" in answer.headers["Access-Control-Expose-Headers"], (answer.status, answer.body)
    assert (preflight.status, request(url, headers=origin).status) in ((200, 403), (204, 403), (204, 401), (200, 401))


def test_setting_is_changed_by_itself(cloud):
    cloud.deploy(*ZIP, "--parameter", "ThrottlingRate=50")
    stage = cloud.aws(
        "apigateway", "get-stage", "--rest-api-id", cloud.outputs()["RestApiId"], "--stage-name", "development"
    )
    assert stage["methodSettings"]["*/*"]["throttlingRateLimit"] == 50
    for name in FUNCTIONS:
        alias = cloud.aws("lambda", "get-alias", "--function-name", name, "--name", "live")
        assert alias["FunctionVersion"] == "4", "a setting of the gateway made a release of the functions"
    parameters = {p["ParameterKey"]: p["ParameterValue"] for p in cloud.stack()["Parameters"]}
    assert parameters["AllowedOrigins"] == "https://console.example.com", "what is not said again stays as it was"


# --- Rights. The emulator enforces the roles: what the tests above did, the roles allow.


def decision(cloud, role, action, resource, **context):
    answer = cloud.aws(
        "iam", "simulate-principal-policy", "--policy-source-arn", role, "--action-names", action,
        "--resource-arns", resource, *(["--context-entries", *(
            f"ContextKeyName={key},ContextKeyValues={value},ContextKeyType=string" for key, value in context.items())]
            if context else []),
    )  # fmt: skip
    return answer["EvaluationResults"][0]["EvalDecision"]


def test_roles_allow_no_more_than_their_code_needs(cloud):
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
    """Else the tests above would say nothing of them: without its policy the API function cannot read its table."""
    role = cloud.outputs()["ApiRoleArn"].rpartition("/")[2]
    policy = cloud.aws("iam", "get-role-policy", "--role-name", role, "--policy-name", "api")["PolicyDocument"]
    cloud.run(["aws", "iam", "delete-role-policy", "--role-name", role, "--policy-name", "api"])
    time.sleep(1.1)  # health is remembered for a second
    try:
        assert request(f"{cloud.base_url()}/health").status == 503
    finally:
        cloud.run(["aws", "iam", "put-role-policy", "--role-name", role, "--policy-name", "api",
                   "--policy-document", json.dumps(policy)])  # fmt: skip
    time.sleep(1.1)
    assert request(f"{cloud.base_url()}/health").status == 200
