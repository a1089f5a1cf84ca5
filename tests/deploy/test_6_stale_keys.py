"""A key that is deleted after the authorizer has read it. It has its own emulator, because it waits for stale keys."""

import os
import time

from cloud import ARCHITECTURE, FUNCTIONS, PSK_PARAMETER, ZIP, request
from faults import serving_unpublished
from metrics import NAMESPACE, Window, key_of

AUTHORIZER = FUNCTIONS[0]
KEYS_ARE_FRESH = 300  # seconds
WITHDRAWN_KEYS_END = 60  # seconds


def list_configs(cloud, key):
    base = cloud.base_url()
    return request(f"{base}/api/v1/delivery-configs", key=key, base=base).status


def test_deleted_key_ends_a_minute_after_the_next_read(cloud):
    cloud.deploy("--include-api", *ZIP, "--arch", ARCHITECTURE, "--create-psk")
    key = cloud.psk()
    with serving_unpublished(cloud, AUTHORIZER):
        # The event is malformed, but the keys are read before it.
        cloud.run(["aws", "lambda", "invoke", "--function-name", AUTHORIZER, "--payload", "{}", os.devnull])
        time.sleep(KEYS_ARE_FRESH + 1)
        cloud.aws("ssm", "delete-parameter", "--name", PSK_PARAMETER)
        window = Window(cloud)
        statuses = [list_configs(cloud, key) for _ in range(2)]
        measured = window.metrics(AUTHORIZER)
        time.sleep(WITHDRAWN_KEYS_END)
        ended = list_configs(cloud, key)
    cloud.aws("ssm", "put-parameter", "--name", PSK_PARAMETER, "--type", "SecureString", "--value", key)
    assert statuses == [200, 200]
    assert ended == 500
    stale, failures = (
        measured[key_of(NAMESPACE, name, {"function_name": AUTHORIZER})]
        for name in ("stale_key_uses", "key_refresh_failures")
    )
    assert stale == [1, 1]
    assert failures == [1], "the second request does not try again at once"
    # Later reads fail as well, and write further lines.
    line = next(line for line in window.lines(AUTHORIZER) if line.get("event") == "keys_unreadable")
    assert "there is no parameter" in line["cause"]
    assert KEYS_ARE_FRESH < line["keys_age_seconds"] < 2 * 60 * 60
    # A function that has no key waits a while between two reads.
    deadline = time.monotonic() + 2 * WITHDRAWN_KEYS_END
    while (status := list_configs(cloud, key)) != 200 and time.monotonic() < deadline:
        time.sleep(2)
    assert status == 200
