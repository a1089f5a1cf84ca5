"""For the acceptance suite: how another gateway than the local one may respond differently and still be correct.

- The time in the gateway's own errors: API Gateway inserts $context.requestTime, in the common log format, because its
  templates have no RFC 3339 time. The emulator does not replace the variable. No function responds like that.
- A missing header, when decisions are not cached: a gateway may reject the request itself with 401, or leave it to the
  authorizer, which rejects it with 403. The summary reports which it was.
"""

import re

import harness

COMMON_LOG_FORMAT = r"\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d \+0000"

harness.TIMESTAMP = re.compile(rf"{harness.TIMESTAMP.pattern}|{COMMON_LOG_FORMAT}|\$context\.requestTime")

_expect = harness.Response.expect
_unauthorized = {401: 0, 403: 0}


def expect(response, status):
    if status == 401 and response.status in _unauthorized:
        _unauthorized[response.status] += 1
        return response
    return _expect(response, status)


harness.Response.expect = expect


def pytest_terminal_summary(terminalreporter):
    counts = ", ".join(f"{status} {count} times" for status, count in _unauthorized.items())
    terminalreporter.write_line(f"where a header is missing the gateway returned {counts}")
