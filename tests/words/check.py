"""Keeps the words that docs/glossary.md replaces out of texts, names and documents.

python3 tests/words/check.py [--summary]     every tracked text file
python3 tests/words/check.py FILE...         some files

An exception is an entry of allowed.toml beside this file, with its reason.
"""

import re
import subprocess
import sys
import tomllib
from collections import Counter
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]

# Files that are not ours to word, or that are made by a program that has no say in the wording.
EXCLUDED = (
    "LICENSE",
    "Cargo.lock",
    "crates/local/assets/docs/swagger-ui/*",
    "docs/benchmarks.json",
    "docs/glossary.md",
    "docs/images/*",
    "tests/clients/seed-go/main.go",
    "tests/words/*",
)


@dataclass(frozen=True)
class Rule:
    """A pattern for a line, and what to write in its place."""

    pattern: re.Pattern
    instead: str


def words(pattern, instead):
    """Words of prose and of names: `proxy_answer`, `ProxyAnswer` and "the proxy's answer" contain the same word."""
    return Rule(re.compile(rf"\b(?:{pattern})\b", re.IGNORECASE), instead)


# Matched against `split_names` of the line.
WORDS = [
    words(r"answer\w*", "response, reply"),
    words("told", "reported"),
    words(r"judg(?:e|es|ed|ing|e?ments?)", "evaluate, check"),
    words(r"look(?:s|ed|ing)? at", "check, inspect"),
    words("mend(?:s|ed|ing)?", "fix"),
    words("whoever", "the caller, clients that"),
    words("stands|as they stand", "is, contains"),
    words("keeps? for (?:itself|themselves)", "reserve"),
    # "Connection refused" is the operating system's own term.
    words(r"(?<!connection )refus(?:e|es|ed|ing|als?)", "reject, rejection"),
    words(r"(?<!['’])ill", "unhealthy"),
    words("means nothing there", "does not exist in that partition"),
    # `serve_on` is a function of the embedded DynamoDB, "keys serve on" is not.
    words("keys serves? on|held keys", "serving stale keys"),
    words("for want of", "without"),
    # "There is no X" is literal, and so is "is no longer".
    words(
        r"(?<!there )is no (?!longer|more|less|fewer|larger|smaller|later|earlier|such)(?=\w)",
        "is not a valid, is not a, invalid",
    ),
]

# Matched against the line itself: `Option::is_none` and Python's `is None` are not English. "There is none" is literal.
LITERAL = [
    Rule(
        re.compile(r"(?<!there )\bis\s+none\b|\w_is_none(?![\w(])|\w_is_none_"), "is malformed, is invalid, is missing"
    ),
    Rule(re.compile(r"\b(?:of_all|of_tenant|all_of)\b"), "list_all, list_for_tenant, for_type"),
]


@dataclass(frozen=True)
class Finding:
    path: str
    number: int  # of the line; 0 is the name of the file
    word: str
    instead: str
    line: str

    def __str__(self):
        place = f"{self.path}:{self.number}" if self.number else f"{self.path} (file name)"
        return f"{place}: '{self.word}' -> {self.instead}: {self.line.strip()[:120]}"


def split_names(line):
    """The line with its snake_case, kebab-case and CamelCase names as words."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", re.sub(r"[_-]", " ", line))


def check_line(path, number, line):
    for text, rules in ((split_names(line), WORDS), (line, LITERAL)):
        for rule in rules:
            for match in rule.pattern.finditer(text):
                yield Finding(path, number, match.group().strip(), rule.instead, line)


def check_text(path, text):
    yield from check_line(path, 0, path)
    for number, line in enumerate(text.splitlines(), start=1):
        yield from check_line(path, number, line)


@dataclass
class Allowed:
    """Lines of a file that may contain a word."""

    path: str
    line: re.Pattern
    reason: str
    is_used: bool = False

    def covers(self, finding):
        return fnmatch(finding.path, self.path) and self.line.search(finding.line) is not None


def read_exceptions(text):
    exceptions = []
    for entry in tomllib.loads(text).get("allowed", []):
        if set(entry) != {"path", "line", "reason"} or not all(entry.values()):
            raise SystemExit(f"allowed.toml: an entry has a path, a line and a reason, and nothing else: {entry}")
        exceptions.append(Allowed(entry["path"], re.compile(entry["line"]), entry["reason"]))
    return exceptions


def apply_exceptions(findings, exceptions):
    """The findings that no exception covers; marks those exceptions that cover one."""
    left = []
    for finding in findings:
        covering = [exception for exception in exceptions if exception.covers(finding)]
        for exception in covering:
            exception.is_used = True
        if not covering:
            left.append(finding)
    return left


def tracked_files():
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout
    return [path for path in listed.decode().split("\0") if path]


def main(arguments):
    summarize = arguments[:1] == ["--summary"]
    named = arguments[1:] if summarize else arguments
    files = named or tracked_files()
    exceptions = read_exceptions((HERE / "allowed.toml").read_text())
    findings = []
    for path in files:
        if any(fnmatch(path, pattern) for pattern in EXCLUDED) or not (ROOT / path).is_file():
            continue
        try:
            text = (ROOT / path).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # an image
        findings.extend(check_text(path, text))
    findings = apply_exceptions(findings, exceptions)
    if summarize:
        for what, count in Counter(finding.path for finding in findings).most_common():
            print(f"{count:5} {what}")
        for what, count in Counter(finding.word.lower() for finding in findings).most_common():
            print(f"{count:5} '{what}'")
    else:
        for finding in findings:
            print(finding)
    stale = [] if named else [exception for exception in exceptions if not exception.is_used]
    for exception in stale:
        print(f"allowed.toml: nothing needs this exception any more: {exception.path}, {exception.line.pattern}")
    print(f"{len(findings)} words that docs/glossary.md replaces, {len(stale)} exceptions without a use")
    return 1 if findings or stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
