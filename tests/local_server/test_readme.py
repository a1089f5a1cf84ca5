"""What the README shows is what the server says, and its links, and those of docs/, lead somewhere."""

import json
import re
import shlex
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]
README = TOP / "README.md"
PAGES = [README, *sorted(TOP.glob("docs/**/*.md"))]
CHANGES_WITH_TIME = re.compile(r'"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"|(?<="latency_ms":)\d+|(?<="version":)"[^"]+"')


def examples():
    """Each command of a console block, as words, and the response shown below it."""
    for block in re.findall(r"```console\n(.*?)```", README.read_text(), re.S):
        for example in re.split(r"^\$ ", block, flags=re.M)[1:]:
            command, response = re.fullmatch(r"(.*?)\n(\{\"timestamp\".*)", example, re.S).groups()
            yield shlex.split(command), response


def normalize(response):
    """The response less what differs from one time to the next."""
    text = json.dumps(json.loads(response), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return CHANGES_WITH_TIME.sub('"..."', text)


def test_readme_examples_are_true(start):
    api = start("--in-memory").api
    count = 0
    for (name, method, uri, *body), shown in examples():
        assert name == "api"
        response = api.call(method, uri, body[0].encode() if body else None)
        assert normalize(response.body) == normalize(shown), f"{method} {uri}"
        count += 1
    assert count > 10


def anchors(page):
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", re.sub(r"^```.*?^```", "", page.read_text(), flags=re.M | re.S), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(TOP)))
def test_links_between_pages_resolve(page):
    for target, anchor in re.findall(r"\]\((?!https?:)([^)#]*)#?([^)]*)\)", page.read_text()):
        linked = (page.parent / target).resolve() if target else page
        assert linked.exists(), target
        assert not anchor or anchor in anchors(linked), f"{target}#{anchor}"
