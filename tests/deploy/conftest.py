"""One emulator per run: the tests of a run depend on each other and run in the order of their files."""

import pytest
from cloud import BUCKET, Cloud


@pytest.fixture(scope="session")
def cloud(tmp_path_factory):
    work = tmp_path_factory.mktemp("cloud")
    with Cloud(work).running() as cloud:
        cloud.aws("s3api", "create-bucket", "--bucket", BUCKET)
        yield cloud
    log = (work / "emulator.log").read_text(errors="replace")
    assert "Traceback" not in log, log[log.index("Traceback") - 500 :][:4000]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item):
    report = yield
    if report.failed and "cloud" in item.funcargs:
        log = item.funcargs["cloud"].work / "emulator.log"
        report.sections.append(("the last lines of the emulator's log", log.read_text(errors="replace")[-6000:]))
    return report
