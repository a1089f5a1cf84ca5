"""For the acceptance suite: what stands for the time in the gateway's own errors on the emulator.

API Gateway puts $context.requestTime there, in the common log format, which is the nearest to RFC 3339 that its
templates know; the emulator leaves the variable as it is. The functions' answers never hold either.
"""

import re

import harness

COMMON_LOG_FORMAT = r"\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d \+0000"

harness.TIMESTAMP = re.compile(rf"{harness.TIMESTAMP.pattern}|{COMMON_LOG_FORMAT}|\$context\.requestTime")
