"""Interruptions and deletions of the deployment of test_8_releases.py."""

import os
import pty
import re
import signal
import subprocess

from cloud import BUCKET, ROOT, STACK
from test_8_releases import live, parameters, script, status_of_a_list

# --- Interruptions


def interrupt(cloud, *options, after):
    """Runs deploy.sh, presses Ctrl-C after a line of its output, and returns the output and the exit status."""
    process = subprocess.Popen(
        [str(ROOT / "deploy.sh"), *map(str, options)],
        env=cloud.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        # As a terminal does. A shell starts what it runs in the background with this signal ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    lines = []
    for line in process.stdout:
        lines.append(line)
        if after in line:
            os.killpg(process.pid, signal.SIGINT)
            after = "never again"
    return "".join(lines), process.wait(60)


def test_interrupted_deployment_is_followed(cloud, tmp_path):
    # The emulator's updates are short: on a busy machine, one can end before the key is pressed.
    for attempt in range(5):
        before = live(cloud)
        build = cloud.change_programs(tmp_path / f"build-{attempt}")
        options = ("-t", "regional", "-b", BUCKET, "--package", "zip", "--binaries", build)
        output, status = interrupt(cloud, *options, after="UPDATE_IN_PROGRESS")
        if status != 0:
            break
    assert status == 130, output
    follow = re.search(r"CloudFormation continues without this command: follow it with (\./deploy\.sh .*)", output)
    assert follow, output
    assert " --follow -e development" in follow[1]
    output = cloud.run(["bash", "-c", follow[1]])
    assert "The release works." in output
    assert all(int(now) > int(then) for now, then in zip(live(cloud), before, strict=True))


def test_interruption_before_the_deployment_changes_nothing(cloud):
    before, changes = parameters(cloud), change_sets(cloud)
    output, status = interrupt(cloud, "--set", "ThrottlingRate=11", after="== Creating a change set")
    assert status == 130, output
    assert "Interrupted: no stack was changed." in output
    assert (parameters(cloud), change_sets(cloud)) == (before, changes)


def change_sets(cloud):
    return len(cloud.aws("cloudformation", "list-change-sets", "--stack-name", STACK)["Summaries"])


# --- Deletion


def test_deletion_is_confirmed(cloud):
    output = script(cloud, "--delete", fails=True)
    assert "Without a terminal to ask, this needs --yes." in output
    assert "Nothing was changed." in type_into_terminal(cloud, "yes\n", "--delete")
    assert cloud.stack()["StackStatus"].endswith("_COMPLETE")


def type_into_terminal(cloud, text, *options):
    """The output of deploy.sh on a terminal into which somebody types."""
    ours, its = pty.openpty()
    process = subprocess.Popen(
        [str(ROOT / "deploy.sh"), *options],
        env=cloud.environment,
        stdin=its,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    os.close(its)
    os.write(ours, text.encode())
    output = process.communicate(timeout=60)[0]
    os.close(ours)
    assert process.returncode == 1, output
    return output


def test_protected_stack_is_not_deleted(cloud):
    script(cloud, "--set", "ThrottlingRate=92", "--termination-protection", "on")
    assert cloud.stack()["EnableTerminationProtection"] is True
    assert f"The stack {STACK} is protected from deletion" in script(cloud, "--delete", "--yes", fails=True)
    script(cloud, "--set", "ThrottlingRate=92", "--termination-protection", "off")


def test_api_is_not_deleted_without_a_confirmation(cloud):
    output = cloud.deploy("--parameter", "IncludeApi=false", fails=True)
    assert f"This deletes the API of {STACK}" in output
    assert status_of_a_list(cloud) == 200
