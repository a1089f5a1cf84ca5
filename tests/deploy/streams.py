"""Gives ministack the event source mappings of DynamoDB streams that Lambda has.

ministack invokes the function with a batch and goes on, whatever the response names as failed, and repeats a batch that
raised an error for ever, as a whole. Here:

- `ReportBatchItemFailures`: the batch ends before the lowest sequence number that the response names. The records from
  there on are delivered again. A response that names none is a success; one that is malformed fails the whole batch.
- `BisectBatchOnFunctionError`: a batch that fails from its first record on is halved.
- `MaximumRetryAttempts` and `MaximumRecordAgeInSeconds`: then the records go to the destination, with their content if
  that is a bucket, and the mapping goes on behind them.

Sources: "Using AWS Lambda with Amazon DynamoDB", "Configuring partial batch response with DynamoDB and Lambda" and
"Retain discarded records for a DynamoDB event source in Lambda" in the AWS Lambda Developer Guide.

Lambda has a queue of batches for each shard and, with a parallelization factor, for each part of one. ministack's
streams have one shard, and here it has one queue: the order is that of the factor 1, which every factor keeps for each
item.
"""

import contextlib
import json
import os
import time
import uuid
from collections import deque

import botocore.session
from botocore.config import Config
from ministack.core.arn import ArnParseError, parse_arn
from ministack.core.responses import _request_account_id, _request_region
from ministack.services import dynamodb, lambda_svc

# Lambda waits longer, and longer each time. A test waits for it.
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 2.0


class Batch:
    """Records that are delivered together, and how often they were in vain."""

    def __init__(self, records):
        self.records, self.failures = records, 0

    def age(self):
        """The age of the oldest record in seconds."""
        return time.time() - min(record["dynamodb"]["ApproximateCreationDateTime"] for record in self.records)

    def numbers(self):
        return [record["dynamodb"]["SequenceNumber"] for record in self.records]


class Shard:
    """What one mapping has read from its stream, and has not finished."""

    def __init__(self, position):
        self.position, self.batches, self.resumes_at = position, deque(), 0.0

    def read(self, table, mapping):
        """Reads the next batch, unless one is unfinished."""
        self.position = max(self.position, dynamodb.stream_start_position(table))
        records = dynamodb.stream_records_since(table, self.position, int(mapping.get("BatchSize", 100)))
        self.position += len(records)
        wanted = lambda_svc._apply_filter_criteria(records, mapping)
        if wanted:
            self.batches.append(Batch(wanted))

    def deliver(self, mapping, function):
        """Delivers the first batch once."""
        batch = self.batches.popleft()
        result = lambda_svc._execute_function(function, {"Records": batch.records})
        first = first_failure(result, mapping, batch)
        if first == len(batch.records):
            mapping["LastProcessingResult"] = "OK"
            return
        mapping["LastProcessingResult"] = "PROBLEM: Function call failed"
        if first:
            # That is progress. What is left is a new batch.
            batch = Batch(batch.records[first:])
            again = [batch]
        else:
            batch.failures += 1
            again = halves(batch) if mapping.get("BisectBatchOnFunctionError") else [batch]
        why = exhausted(mapping, batch)
        if why:
            discard(mapping, function, batch, why)
            return
        self.batches.extendleft(reversed(again))
        pause = min(FIRST_PAUSE * 2 ** min(batch.failures, 10), LONGEST_PAUSE)
        self.resumes_at = time.time() + pause


SHARDS = {}


def first_failure(result, mapping, batch):
    """The index of the first record to deliver again; the number of records if all are done."""
    if result.get("error"):
        return 0
    if "ReportBatchItemFailures" not in mapping.get("FunctionResponseTypes", []):
        return len(batch.records)
    response = result.get("body")
    if isinstance(response, (str, bytes)):
        response = json.loads(response) if response else None
    failed = response.get("batchItemFailures") if isinstance(response, dict) else None
    numbers, found = batch.numbers(), []
    for failure in failed or []:
        number = failure.get("itemIdentifier") if isinstance(failure, dict) else None
        found.append(numbers.index(number) if number in numbers else 0)
    return min(found, default=len(numbers))


def halves(batch):
    """Two batches, which begin with no failure; a batch of one record goes on counting."""
    middle = len(batch.records) // 2
    return [Batch(batch.records[:middle]), Batch(batch.records[middle:])] if middle else [batch]


def exhausted(mapping, batch):
    """Why a batch is not tried again, or nothing. -1 does not limit."""
    attempts = int(mapping.get("MaximumRetryAttempts", -1))
    seconds = int(mapping.get("MaximumRecordAgeInSeconds", -1))
    if 0 <= attempts < batch.failures:
        return "RetryAttemptsExhausted"
    if 0 < seconds < batch.age():
        return "RecordAgeExceeded"
    return None


def discard(mapping, function, batch, why):
    """Sends the batch to the destination of the mapping. A bucket gets the event as well."""
    destination = mapping.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination", "")
    if not destination.startswith("arn:aws:s3:::"):
        lambda_svc._send_ddb_stream_failure_record(mapping, function, batch.records, mapping["EventSourceArn"], {}, why)
        return
    numbers = batch.numbers()
    invocation = {
        "requestContext": {"requestId": str(uuid.uuid4()), "condition": why, "approximateInvokeCount": batch.failures},
        "version": "1.0",
        "DDBStreamBatchInfo": {
            "shardId": "shardId-00000000000000000000-00000000",
            "startSequenceNumber": numbers[0],
            "endSequenceNumber": numbers[-1],
            "batchSize": len(numbers),
            "streamArn": mapping["EventSourceArn"],
        },
        "payload": json.dumps({"Records": batch.records}),
    }
    day, second = time.strftime("%Y/%m/%d"), time.strftime("%Y-%m-%dT%H.%M.%S")
    s3 = botocore.session.get_session().create_client(
        "s3",
        endpoint_url=os.environ["AWS_ENDPOINT_URL"],
        config=Config(s3={"addressing_style": "path"}),
    )
    s3.put_object(
        Bucket=destination.rpartition(":")[2],
        Key=f"aws/lambda/{mapping['UUID']}/shardId-00000000000000000000-00000000/{day}/{second}-{uuid.uuid4()}",
        Body=json.dumps(invocation).encode(),
    )


@contextlib.contextmanager
def within(account, region):
    """The account and the region for which ministack does something."""
    account, region = _request_account_id.set(account), _request_region.set(region)
    try:
        yield
    finally:
        _request_account_id.reset(account)
        _request_region.reset(region)


def source_of(mapping):
    """The table whose latest stream the mapping reads, or nothing."""
    try:
        source = parse_arn(mapping.get("EventSourceArn", ""))
    except ArnParseError:
        return None
    if source.service != "dynamodb" or not mapping.get("Enabled", True):
        return None
    name = (lambda_svc._dynamodb_stream_table_from_arn_spec(source) or [None])[0]
    table = dynamodb._tables.get(name)
    return name if table and table.get("LatestStreamArn") == mapping["EventSourceArn"] else None


def serve(mapping):
    """Serves a mapping once. Whether there was something to do."""
    table = source_of(mapping)
    function, _ = lambda_svc._get_func_record_for_qualifier(mapping["FunctionName"], mapping.get("Qualifier"))
    if table is None or function is None:
        return False
    if mapping["UUID"] not in SHARDS:
        is_oldest = mapping.get("StartingPosition") == "TRIM_HORIZON"
        SHARDS[mapping["UUID"]] = Shard(
            dynamodb.stream_start_position(table) if is_oldest else dynamodb.stream_end_position(table)
        )
    shard = SHARDS[mapping["UUID"]]
    if time.time() < shard.resumes_at:
        return False
    if not shard.batches:
        shard.read(table, mapping)
    if not shard.batches:
        return False
    shard.deliver(mapping, function)
    return True


def poll():
    """In place of ministack's poller. Whether there was something to do."""
    served = False
    for account, region, mapping in lambda_svc._iter_all_esms():
        with within(account, region):
            served = serve(mapping) or served
    return served


def install():
    lambda_svc._poll_dynamodb_streams = poll
