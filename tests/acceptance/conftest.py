"""What the acceptance tests run against, and what that target can do.

    BASE_URL   the API, with the stage if its URL has one
    PSK        the pre-shared key
    LACKS      what the target cannot do, with the reason that its skipped tests show:
               "raw-paths=the emulator decodes paths; raw-http=its own front end responds"
    ALLOW_HEADERS   response headers that the target's own front end adds, comma separated

A target is held to everything unless LACKS says otherwise, so that nothing is left untested unnoticed.
"""

import itertools
import os
import secrets

import pytest
from harness import Api

CAPABILITIES = {
    "raw-paths": "percent-encoding and odd segments of a path reach the gateway as they were sent",
    "wire-path": "the authorizer sees the path on the wire, stage included",
    "repeated-headers": "a header that is sent twice reaches the authorizer as two values",
    "repeated-query": "a query parameter that is sent twice reaches the functions as two values",
    "both-urls": "one server responds with and without the stage in the path",
    "raw-http": "bytes on a socket reach the project's own server, not a front end of someone else",
    "large-bodies": "a body of 10 MB is accepted and rejected by the gateway with 413",
    "parallel": "100 requests at once",
    "head": "HEAD is routed to the functions",
    "history": "the changes of the table are recorded, and the API reads the history",
    "gateway-envelope": "the gateway's own errors come in the envelope",
}


def _lacks():
    lacks = {}
    for entry in filter(None, (part.strip() for part in os.environ.get("LACKS", "").split(";"))):
        capability, _, reason = entry.partition("=")
        if capability not in CAPABILITIES or not reason:
            raise pytest.UsageError(f"LACKS: {entry!r} is not one of {sorted(CAPABILITIES)} with =reason")
        lacks[capability] = reason
    return lacks


def pytest_collection_modifyitems(items):
    lacks = _lacks()
    for item in items:
        for mark in item.iter_markers("needs"):
            for capability in mark.args:
                assert capability in CAPABILITIES, capability
                if capability in lacks:
                    item.add_marker(pytest.mark.skip(reason=f"{capability}: {lacks[capability]}"))


@pytest.fixture(scope="session")
def api():
    for name in ("BASE_URL", "PSK"):
        if not os.environ.get(name):
            raise pytest.UsageError(f"{name} is not set")
    return Api(os.environ["BASE_URL"], os.environ["PSK"])


_run, _numbers = f"t-{secrets.token_hex(4)}", itertools.count()


@pytest.fixture
def new_tenant(api):
    """Gives names that no other test uses, and removes their configurations in the end."""
    given = []

    def name():
        given.append(f"{_run}-{next(_numbers):04}")
        return given[-1]

    yield name
    for tenant in given:
        for kind in ("cloudwatch", "s3"):
            api.delete(tenant, kind)


@pytest.fixture
def tenant(new_tenant):
    return new_tenant()
