"""What happens after a deployment: its checks, going back by itself and by command, settings, and interruptions."""

import os
import re
import shutil
import subprocess

import pytest
from cloud import ARCHITECTURE, FUNCTIONS, PSK_PARAMETER, REGION, ROOT, STACK, ZIP, request
from documents import described
from faults import credentials_without, live_version

AUTHORIZER, API, _ = FUNCTIONS
DOMAIN = "api.example.com"
# A program that reports why it does not run, as the functions do, and ends.
DOES_NOT_RUN = r"""
#include <stdio.h>
int main(void) {
    puts("{\"level\":\"ERROR\",\"message\":\"the function does not run\","
         "\"error\":\"there is no \\\"moon\\\" today\"}");
    return 1;
}
"""


@pytest.fixture(scope="module", autouse=True)
def deployed(cloud):
    """The output of the first deployment."""
    return cloud.deploy("--include-api", *ZIP, "--arch", ARCHITECTURE, "--create-psk", "--tags", "Team=logs, and more")


def script(cloud, *options, **how):
    return cloud.run(["./deploy.sh", *options], **how)


def live(cloud):
    return [live_version(cloud, name) for name in (AUTHORIZER, API)]


def parameters(cloud):
    return {parameter["ParameterKey"]: parameter["ParameterValue"] for parameter in cloud.stack()["Parameters"]}


def pinned(cloud):
    return [parameters(cloud)[f"Pinned{name}Version"] for name in ("Authorizer", "Api", "Validator")]


def tags(cloud):
    return {tag["Key"]: tag["Value"] for tag in cloud.stack()["Tags"]}


def status_of_a_list(cloud):
    base = cloud.base_url()
    return request(f"{base}/api/v1/delivery-configs", key=cloud.psk(), base=base).status


def events(cloud):
    return len(cloud.aws("cloudformation", "describe-stack-events", "--stack-name", STACK)["StackEvents"])


# --- The checks


def test_release_is_checked_after_its_deployment(cloud, deployed):
    assert "== Checking the release\nThe release works." in deployed
    assert live(cloud) == ["1", "1"]


def test_release_is_not_checked_without_permissions(cloud, deployed):
    """A deployer that may neither invoke functions nor read the key deploys all the same."""
    user = credentials_without(cloud, "deployer", "lambda:InvokeFunction", "ssm:GetParameter")
    output = cloud.deploy(*ZIP, "--parameter", "LogLevel=DEBUG", **user)
    assert "The new versions were not invoked, because lambda:InvokeFunction is denied." in output
    assert "No signed request was tried, because the key cannot be read." in output
    assert live(cloud) == ["2", "2"]


# --- Settings


@pytest.fixture(scope="module")
def bare_machine(tmp_path_factory):
    """A directory with deploy.sh and its library alone, and the environment of a machine without Rust."""
    machine = tmp_path_factory.mktemp("machine")
    shutil.copy(ROOT / "deploy.sh", machine)
    shutil.copytree(ROOT / "cloudformation/lib", machine / "cloudformation/lib")
    path = os.pathsep.join([str(ROOT / "tests/deploy/bin"), "/usr/bin", "/bin"])
    assert shutil.which("cargo", path=path) is None
    return {"cwd": machine, "PATH": path}


def test_described_settings_are_changed_without_rust_sources_or_templates(cloud, bare_machine):
    before, stored = parameters(cloud), code(cloud)
    output = cloud.run(["bash", "-ec", described("deployment.md", "./deploy.sh --set ApiMemory=512")], **bare_machine)
    assert "The release works." in output
    function = cloud.aws("lambda", "get-function-configuration", "--function-name", API, "--qualifier", "live")
    assert (function["MemorySize"], function["Version"]) == (512, "3")
    changed = {name for name, value in parameters(cloud).items() if before[name] != value}
    assert changed == {"ApiMemory", "LogLevel", "Release", "TemplatesPrefix"}
    assert code(cloud) == stored
    assert "Nothing to change." in cloud.deploy(*ZIP), "the same release, as the sources make it"


def code(cloud):
    return [
        cloud.aws("lambda", "get-function-configuration", "--function-name", name, "--qualifier", "live")["CodeSha256"]
        for name in (AUTHORIZER, API)
    ]


@pytest.mark.parametrize(
    ("pair", "sentence"),
    [
        ("ApiMemory=64", "ApiMemory must be a number of at least 128"),
        ("ApiMemry=512", "has no parameter ApiMemry."),
        ("AllowedOrigins=https://x/", "--allowed-origins must be origins such as"),
        ("Architecture=arm64", "--set cannot change Architecture, which is not a setting: deploy instead."),
        ("Release=1", "--set cannot set Release: deploy.sh computes it."),
    ],
)
def test_wrong_setting_is_rejected(cloud, pair, sentence):
    before = events(cloud)
    assert sentence in script(cloud, "--set", pair, fails=True)
    assert events(cloud) == before


def test_image_options_of_a_zip_stack_are_rejected(cloud):
    output = cloud.deploy("--api-image-uri", f"123456789012.dkr.ecr.{REGION}.amazonaws.com/api:1", fails=True)
    assert "--api-image-uri needs --package image, and this stack has zip packages." in output


def test_tags_are_merged(cloud):
    assert tags(cloud) == {"Team": "logs, and more", "project": "multi-tenant-logging", "environment": "development"}
    script(cloud, "--set", "ThrottlingRate=70", "--tags", "CostCenter=42")
    assert tags(cloud)["Team"] == "logs, and more"
    assert tags(cloud)["CostCenter"] == "42"


def test_dry_run_says_what_it_cannot_know(cloud):
    output = script(cloud, "--set", "ApiMemory=1024", "--dry-run")
    unknown = re.search(r"This dry run cannot know what changes inside these nested stacks, .*: (.*)\.", output)
    assert "Functions" in unknown[1].split()
    assert "No dry run can know whether AWS accepts the changes" in output
    assert "Nothing was changed." in output
    assert parameters(cloud)["ApiMemory"] == "512"


# --- Going back


@pytest.fixture(scope="module")
def broken_build(cloud, tmp_path_factory):
    """The options for builds in which one program does not run, by that program."""
    builds = {}
    for name in ("api", "authorizer"):
        folder = cloud.change_programs(tmp_path_factory.mktemp(name) / "build")
        (folder / "main.c").write_text(DOES_NOT_RUN)
        subprocess.run(["cc", "-static", "main.c", "-o", name], cwd=folder, check=True)
        builds[name] = ("--package", "zip", "--binaries", folder)
    return builds


@pytest.mark.parametrize(("name", "title"), [("api", "the API function"), ("authorizer", "the authorizer")])
def test_release_whose_function_does_not_start_goes_back(cloud, broken_build, name, title):
    before = live(cloud)
    output = cloud.deploy(*broken_build[name], fails=True)
    last = output.splitlines()[-1]
    assert last.startswith("deploy.sh: The new release was rolled back, and the earlier one is live: version ")
    assert last.endswith(f' of {title} does not start: there is no "moon" today.')
    assert live(cloud) == before
    assert pinned(cloud) == [*before, ""]
    assert status_of_a_list(cloud) == 200


def test_release_that_was_rolled_back_is_not_deployed_again(cloud, broken_build):
    before = live(cloud)
    output = cloud.deploy(*broken_build["authorizer"], fails=True)
    assert "Nothing to change." in output
    assert output.splitlines()[-1].startswith("deploy.sh: A rollback made another release live, and the functions stay")
    assert live(cloud) == before


def test_failing_update_keeps_the_good_version(cloud, tmp_path):
    """Without the pins, the rollback of CloudFormation would move the aliases to the release that does not start."""
    before = live(cloud)
    build = cloud.change_programs(tmp_path / "build")
    assert "UPDATE_ROLLBACK" in failing_update(cloud, "--package", "zip", "--binaries", build)
    assert live(cloud) == before
    assert status_of_a_list(cloud) == 200


def failing_update(cloud, *options):
    """An update with a zone that does not exist, which this deployer is not allowed to read."""
    zone = ("--domain", DOMAIN, "--hosted-zone-id", "Z0000000000000")
    return cloud.deploy(*options, *zone, fails=True, **credentials_without(cloud, "blind", "route53:GetHostedZone"))


def test_repaired_release_is_deployed_and_lifts_the_pins(cloud, tmp_path):
    before = live(cloud)
    output = cloud.deploy("--package", "zip", "--binaries", cloud.change_programs(tmp_path / "build"))
    assert "The release works." in output
    assert all(int(now) > int(then) for now, then in zip(live(cloud), before, strict=True))
    assert pinned(cloud) == ["", "", ""]


def test_described_rollback_pins_the_release_before(cloud):
    before, release = live(cloud), parameters(cloud)["Release"]
    output = cloud.run(["bash", "-ec", described("deployment.md", "./deploy.sh --status")])
    assert " is skipped, because version " in output, "a release that does not start"
    assert "== Rolling back to release " in output
    assert output.rstrip().endswith("is live")
    now = live(cloud)
    assert all(int(there) < int(then) for there, then in zip(now, before, strict=True))
    assert pinned(cloud) == [*now, ""]
    assert parameters(cloud)["Release"] == release
    assert status_of_a_list(cloud) == 200
    status = script(cloud, "--status")
    assert re.search(rf"^ +{now[1]}  [0-9a-f]{{12}}  [-0-9:T]+  live, pinned by a rollback$", status, re.MULTILINE), (
        status
    )
    assert re.search(rf"^ +{before[1]}  {release}  [-0-9:T]+  \(deployed last\)$", status, re.MULTILINE), status


def test_setting_does_not_bring_back_what_was_rolled_back(cloud):
    before = live(cloud)
    output = script(cloud, "--set", "ApiMemory=256", fails=True)
    assert (
        "A rollback chose the live release, and this deployment serves with the code of the newest one again." in output
    )
    assert "this needs --yes" in output
    assert live(cloud) == before


def test_setting_of_the_gateway_keeps_the_pins(cloud):
    before, pins = live(cloud), pinned(cloud)
    output = script(cloud, "--set", "ThrottlingRate=80")
    assert "A rollback made another release live, and the functions stay there: ./deploy.sh --rollback " in output
    assert (live(cloud), pinned(cloud)) == (before, pins)
    assert parameters(cloud)["ThrottlingRate"] == "80"


def test_unknown_release_is_reported(cloud):
    assert "There is no release 99: ./deploy.sh --status -e development" in script(
        cloud, "--rollback", "99", fails=True
    )


def test_dry_run_of_a_rollback_changes_nothing(cloud):
    before, release = live(cloud), parameters(cloud)["Release"]
    output = script(cloud, "--rollback", release, "--dry-run")
    assert f"The functions would serve with release {release}. Nothing was changed." in output
    assert live(cloud) == before


def test_rollback_to_the_newest_release_goes_forward(cloud):
    release = parameters(cloud)["Release"]
    output = script(cloud, "--rollback", release)
    assert f"== Release {release} is live" in output
    assert pinned(cloud) == ["", "", ""]
    assert status_of_a_list(cloud) == 200


# --- Drift, alarms


def test_alias_that_was_moved_by_hand_is_reported(cloud):
    current = live(cloud)[1]
    move = ("lambda", "update-alias", "--function-name", API, "--name", "live", "--function-version")
    cloud.aws(*move, "1")
    sentence = f"The alias live of {API} points to version 1, and the stack says {current}: somebody has moved it."
    assert sentence in script(cloud, "--status")
    assert sentence in cloud.deploy(*ZIP, "--dry-run") or sentence in script(cloud, "--set", "ThrottlingRate=80")
    cloud.aws(*move, current)
    assert "somebody has moved it" not in script(cloud, "--status")


def test_alarms_trigger_a_rollback_during_monitoring(cloud):
    """The emulator does not watch alarms. The test reads what it was asked for."""
    script(cloud, "--set", "ThrottlingRate=90", "--monitor", "5")
    log = (cloud.work / "emulator.log").read_text(errors="replace")
    asked = dict(re.findall(r"RollbackConfiguration\.([\w.]+)=(\S+)", log))
    assert asked.pop("MonitoringTimeInMinutes") == "5"
    alarms = "error-rate", "init-failures", "key-failures", "api-timeouts", "authorizer-timeouts"
    arns = [f"arn:aws:cloudwatch:{REGION}:123456789012:alarm:{STACK}-{name}" for name in alarms]
    assert [asked[f"RollbackTriggers.member.{number}.Arn"] for number in range(1, 6)] == arns
    assert {value for name, value in asked.items() if name.endswith("Type")} == {"AWS::CloudWatch::Alarm"}


def test_triggered_alarm_rejects_monitoring_and_is_in_the_status(cloud):
    state = ("cloudwatch", "set-alarm-state", "--alarm-name", f"{STACK}-error-rate", "--state-reason", "test")
    cloud.run(["aws", *state, "--state-value", "ALARM"])
    output = script(cloud, "--set", "ThrottlingRate=91", "--monitor", "5", fails=True)
    assert f"The alarm {STACK}-error-rate is triggered already, so CloudFormation would roll back at once" in output
    assert f"Triggered alarms: {STACK}-error-rate" in script(cloud, "--status")
    cloud.run(["aws", *state, "--state-value", "OK"])


def test_shared_key_is_reported(cloud):
    options = ("--include-api", *ZIP, "--arch", ARCHITECTURE, "-e", "staging", "--dry-run")
    output = cloud.deploy(*options, "--api-auth-ssm-parameter", PSK_PARAMETER)
    assert f"The key {PSK_PARAMETER} is also the key of {STACK}: requests that are signed for one are valid" in output
    cloud.aws("ssm", "put-parameter", "--name", "/short", "--type", "SecureString", "--value", "0123456789abcde")
    output = cloud.deploy(*options, "--api-auth-ssm-parameter", "/short", fails=True)
    assert "The key /short is shorter than 16 bytes, which the authorizer rejects" in output
