"""For the acceptance suite: where another gateway than the local one may answer differently, and still be right.

- The time in the gateway's own errors: API Gateway puts $context.requestTime there, in the common log format, which is
  the nearest to RFC 3339 that its templates know; the emulator leaves the variable as it is. No function answers so.
- A missing header, with decisions that are not kept: a gateway may refuse by itself, with 401, or leave it to the
  authorizer, with 403. The summary says which it was.
"""

import re

import harness

COMMON_LOG_FORMAT = r"\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d \+0000"

harness.TIMESTAMP = re.compile(rf"{harness.TIMESTAMP.pattern}|{COMMON_LOG_FORMAT}|\$context\.requestTime")

_expect = harness.Answer.expect
_unauthorized = {401: 0, 403: 0}


def expect(answer, status):
    if status == 401 and answer.status in _unauthorized:
        _unauthorized[answer.status] += 1
        return answer
    return _expect(answer, status)


harness.Answer.expect = expect


def pytest_terminal_summary(terminalreporter):
    counts = ", ".join(f"{status} {count} times" for status, count in _unauthorized.items())
    terminalreporter.write_line(f"where a header is missing the gateway answered {counts}")
