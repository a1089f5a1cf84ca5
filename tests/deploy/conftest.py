"""One emulator for the whole run: the tests tell one story, in the order in which they stand."""

import os
from pathlib import Path

import pytest
from cloud import ARCHITECTURE, BUCKET, BUILT, ROOT, Cloud


@pytest.fixture(scope="session")
def cloud(tmp_path_factory):
    work = tmp_path_factory.mktemp("cloud")
    with Cloud(work).running() as cloud:
        cloud.aws("s3api", "create-bucket", "--bucket", BUCKET)
        yield cloud
    log = (work / "emulator.log").read_text(errors="replace")
    assert "Traceback" not in log, log[log.index("Traceback") - 500 :][:4000]


@pytest.fixture(scope="session")
def binaries():
    """The programs as deploy.sh builds them, once they are built."""
    if BUILT:
        return Path(BUILT)
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    return target / f"{ARCHITECTURE.replace('arm64', 'aarch64')}-unknown-linux-gnu" / "lambda"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item):
    report = yield
    if report.failed and "cloud" in item.funcargs:
        log = item.funcargs["cloud"].work / "emulator.log"
        report.sections.append(("the emulator's last lines", log.read_text(errors="replace")[-6000:]))
    return report
