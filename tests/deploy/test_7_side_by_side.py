"""Two regions and two environments of one account, side by side."""

import itertools

import pytest
from cloud import ARCHITECTURE, BUCKET, REGION, ZIP, request

REGIONS = {REGION: BUCKET, "eu-west-1": f"{BUCKET}-eu-west-1"}
ENVIRONMENTS = ("blue", "green")
DEPLOYMENTS = list(itertools.product(REGIONS, ENVIRONMENTS))


class Deployment:
    """One of the deployments, as its clients and operators see it."""

    def __init__(self, cloud, region, environment):
        self._cloud, self.region, self.name = cloud, region, f"multi-tenant-logging-{environment}"
        stack = self.aws("cloudformation", "describe-stacks", "--stack-name", self.name)["Stacks"][0]
        self.outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
        parameter = f"/multi-tenant-logging/{environment}/api/psk"
        assert self.outputs["PskParameterName"] == parameter
        self.key = self.aws("ssm", "get-parameter", "--name", parameter, "--with-decryption")["Parameter"]["Value"]
        host, stage = self.outputs["APIEndpoint"].removeprefix("https://").split("/")
        assert (host.split(".", 1)[1], stage) == (f"execute-api.{region}.amazonaws.com", environment)
        self.base = f"{cloud.url}/_aws/execute-api/{host.split('.')[0]}/{stage}"

    def aws(self, *arguments):
        return self._cloud.aws("--region", self.region, *arguments)

    def send(self, path, method="GET", body=None, key=None):
        return request(f"{self.base}{path}", method, key=key or self.key, body=body, base=self.base)


@pytest.fixture(scope="module")
def deployments(cloud):
    for region, bucket in REGIONS.items():
        if bucket != BUCKET:
            place = f"LocationConstraint={region}"
            cloud.aws("--region", region, "s3api", "create-bucket", "--bucket", bucket,
                      "--create-bucket-configuration", place)  # fmt: skip
    for region, environment in DEPLOYMENTS:
        cloud.run(["./deploy.sh", "-t", "regional", "-r", region, "-b", REGIONS[region], "-e", environment,
                   "--include-api", "--create-psk", "--arch", ARCHITECTURE, *ZIP])  # fmt: skip
    return [Deployment(cloud, *deployment) for deployment in DEPLOYMENTS]


def test_each_serves_its_own_table(deployments):
    for number, deployment in enumerate(deployments):
        config = {"tenant_id": "acme", "type": "s3", "bucket_name": f"acme-logs-{number}"}
        created = deployment.send("/api/v1/tenants/acme/delivery-configs", "POST", config)
        assert created.status == 201, created.body
    for number, deployment in enumerate(deployments):
        items = deployment.send("/api/v1/delivery-configs").json["data"]["configurations"]
        assert [item["bucket_name"] for item in items] == [f"acme-logs-{number}"]


def test_each_has_its_own_key(deployments):
    assert len({deployment.key for deployment in deployments}) == len(deployments)
    for deployment, other in itertools.permutations(deployments, 2):
        assert deployment.send("/api/v1/delivery-configs", key=other.key).status == 403


def test_names_that_are_global_to_the_account_differ(deployments):
    dashboards = {deployment.outputs["DashboardName"] for deployment in deployments}
    assert len(dashboards) == len(deployments)
    roles = {deployment.outputs["ApiRoleArn"] for deployment in deployments}
    assert len(roles) == len(deployments)


def test_update_of_one_leaves_the_others(cloud, deployments):
    first, *others = deployments
    before = [other.aws("cloudformation", "describe-stacks", "--stack-name", other.name) for other in others]
    cloud.run(["./deploy.sh", "-t", "regional", "-r", first.region, "-b", REGIONS[first.region], "-e", "blue",
               "--parameter", "ApiMemory=512", *ZIP])  # fmt: skip
    after = [other.aws("cloudformation", "describe-stacks", "--stack-name", other.name) for other in others]
    assert before == after
    for deployment in deployments:
        function = deployment.aws(
            "lambda", "get-function-configuration", "--function-name", f"{deployment.name}-api-service"
        )
        assert function["MemorySize"] == (512 if deployment is first else 256)
        assert deployment.send("/health").status == 200


def test_origin_with_a_slash_reaches_no_function(cloud, deployments):
    deployment = deployments[0]
    output = cloud.run(["./deploy.sh", "-t", "regional", "-r", deployment.region, "-b", REGIONS[deployment.region],
                        "-e", "blue", "--allowed-origins", "https://x/", *ZIP], fails=True)  # fmt: skip
    assert "https://x/" in output or "AllowedOrigins" in output
    name = f"{deployment.name}-api-service"
    variables = deployment.aws("lambda", "get-function-configuration", "--function-name", name)["Environment"][
        "Variables"
    ]
    assert "ALLOWED_ORIGINS" not in variables
    assert deployment.send("/health").status == 200
