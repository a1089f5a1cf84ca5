"""The documents name only commands that exist, and say which of them no test runs."""

import re

import pytest
from cloud import MASTER_KEY_PARAMETER, PSK_PARAMETER, ROOT
from documents import blocks, described

DOCUMENTS = ("deployment.md", "operations.md")
MARKS = re.compile(r"run by (tests/[\w/]+\.py)::(test_\w+)|run by (tests/[\w/]+\.py)|not run by a test: (.{20,})")


@pytest.mark.parametrize("document", DOCUMENTS)
def test_each_block_of_commands_is_run_or_marked(document):
    for mark, text in blocks(document):
        found = MARKS.fullmatch(mark)
        assert found, f"no test is named before: {text}"
        if path := found[1] or found[3]:
            test = (ROOT / path).read_text()
            assert f"def {found[2] or 'test_'}" in test, mark


def test_documents_name_only_options_that_exist():
    options = (ROOT / "cloudformation/lib/options.sh").read_text()
    commands = []
    for document in [*(ROOT / "docs").glob("*.md"), ROOT / "README.md"]:
        page = document.read_text().replace("\\\n", " ")
        commands += re.findall(r"\./deploy\.sh [^\n`]*", page)
        commands += re.findall(r"`(--[a-z][^`\n]*)`", page) if document.name == "deployment.md" else []
    used = {option for command in commands for option in re.findall(r"(?<!\S)--[a-z][a-z-]+", command)}
    foreign = {"--platform", "--provenance", "--region", "--no-deletion-protection-enabled", "--help", "--query"}
    assert len(used) > 25
    assert {option for option in used - foreign if f"{option})" not in options and f"[{option}]" not in options} <= {
        "--status", "--follow", "--delete", "--set", "--rollback",
    }  # fmt: skip


def test_described_key_is_created(cloud):
    cloud.run(["bash", "-ec", described("deployment.md", f"aws ssm put-parameter --name {PSK_PARAMETER}")])
    (parameter,) = cloud.aws("ssm", "get-parameters", "--names", PSK_PARAMETER)["Parameters"]
    assert parameter["Type"] == "SecureString"
    cloud.aws("ssm", "delete-parameter", "--name", PSK_PARAMETER)


def test_described_master_key_is_created(cloud):
    cloud.run(["bash", "-ec", described("deployment.md", f"aws ssm put-parameter --name {MASTER_KEY_PARAMETER}")])
    named = ("--names", MASTER_KEY_PARAMETER)
    (parameter,) = cloud.aws("ssm", "get-parameters", *named, "--with-decryption")["Parameters"]
    assert (parameter["Type"], len(parameter["Value"])) == ("SecureString", 44)
    cloud.aws("ssm", "delete-parameter", "--name", MASTER_KEY_PARAMETER)
