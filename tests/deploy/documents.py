"""The commands of the documents, so that tests can run them as an operator would."""

import re
import textwrap

from cloud import ROOT

BLOCK = re.compile(r"(?:^ *<!-- (?P<mark>.*?) -->\n)?^ *```bash\n(?P<text>.*?)^ *```", re.DOTALL | re.MULTILINE)


def blocks(document):
    """Each block of commands with the comment on the line before it, which may be empty."""
    page = (ROOT / "docs" / document).read_text()
    return [(found["mark"] or "", textwrap.dedent(found["text"])) for found in BLOCK.finditer(page)]


def described(document, begin):
    """The one block whose first line begins with this text."""
    (text,) = (text for _, text in blocks(document) if text.startswith(begin))
    return text
