"""The deployed job: its names, schedules, logs, alarms and dead letters, in all Regions."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from typing import Any, TypeAlias

import boto3
from botocore.config import Config

Client: TypeAlias = Any  # boto3 makes its clients at run time
STACK = "S3LeaderCompaction"
# What `logs` shows of a line.
FACTS = ("term", "tick", "contender", "reason", "outcome", "why", "problem", "error")


def jobs() -> list[tuple[str, str]]:
    """Return the Region and the function's name of each job."""
    pairs = (job.split("/") for job in os.environ["JOBS"].split())
    return [(region, function) for region, function in pairs]


def outputs(stack: str, region: str | None = None) -> dict[str, str]:
    """Return the outputs of a stack."""
    found = boto3.client("cloudformation", region_name=region).describe_stacks(StackName=stack)
    return {each["OutputKey"]: each["OutputValue"] for each in found["Stacks"][0]["Outputs"]}


def names() -> None:
    """Print shell commands that export LOCK_BUCKET, DATA_BUCKET and JOBS."""
    regions = os.environ["REGIONS"].split(",")
    stacks = {each: STACK if len(regions) == 1 else f"{STACK}-{each}" for each in regions}
    found = {region: outputs(stack, region) for region, stack in stacks.items()}
    home = found[regions[0]]
    functions = " ".join(f"{region}/{each['FunctionName']}" for region, each in found.items())
    print(f"export LOCK_BUCKET={home['LockBucketName']}")
    print(f"export DATA_BUCKET={home['DataBucketName']}")
    print(f'export JOBS="{functions}"')


def output(stack: str, name: str) -> None:
    """Print one output of a stack in the home Region."""
    print(outputs(stack)[name])


def schedules(region: str, function: str) -> Iterator[dict[str, Any]]:
    """Yield each schedule that invokes a function."""
    scheduler = boto3.client("scheduler", region_name=region)
    for page in scheduler.get_paginator("list_schedules").paginate():
        for each in page["Schedules"]:
            if each["Target"]["Arn"].endswith(":function:" + function):
                yield scheduler.get_schedule(Name=each["Name"], GroupName=each["GroupName"])


def disable() -> None:
    """Disable all schedules of the job, in all Regions."""
    _switch("DISABLED")


def enable() -> None:
    """Enable all schedules of the job, in all Regions."""
    _switch("ENABLED")


def _switch(state: str) -> None:
    for region, function in jobs():
        for each in schedules(region, function):
            for name in ("Arn", "CreationDate", "LastModificationDate", "ResponseMetadata"):
                del each[name]
            boto3.client("scheduler", region_name=region).update_schedule(
                **{**each, "State": state}
            )
            print(region, each["Name"], state)


def run(tick: str | None = None) -> None:
    """Invoke the function once, for a tick or for none, and print its answer."""
    region, function = jobs()[0]
    config = Config(read_timeout=910, retries={"total_max_attempts": 1})
    answer = boto3.client("lambda", region_name=region, config=config).invoke(
        FunctionName=function, Payload=json.dumps({"tick": tick} if tick else {})
    )
    print(json.dumps(json.load(answer["Payload"]), indent=2))


def log_lines(pattern: str, start_ms: int = 0) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the Region and each JSON line of the functions' logs that matches a filter pattern."""
    for region, function in jobs():
        client = boto3.client("lambda", region_name=region)
        found = client.get_function_configuration(FunctionName=function)
        pages = boto3.client("logs", region_name=region).get_paginator("filter_log_events")
        for page in pages.paginate(
            logGroupName=found["LoggingConfig"]["LogGroup"],
            startTime=start_ms,
            filterPattern=pattern,
        ):
            for text in (event["message"] for event in page["events"]):
                if text.startswith("{"):
                    yield region, json.loads(text)


def logs() -> None:
    """Print what the last hour's invocations logged."""
    pattern = f'{{ $.service = "{os.environ["ELECTION"]}" }}'
    for region, line in log_lines(pattern, int((time.time() - 3600) * 1000)):
        if "message" in line:
            shown = {name: line[name] for name in FACTS if line.get(name) is not None}
            print(line["timestamp"], region, line["message"], shown)


def alarms() -> None:
    """Print the alarms that are in state ALARM, in all Regions."""
    for region in os.environ["REGIONS"].split(","):
        pages = boto3.client("cloudwatch", region_name=region).get_paginator("describe_alarms")
        for page in pages.paginate(StateValue="ALARM"):
            for alarm in page["MetricAlarms"]:
                print(region, alarm["AlarmName"], alarm["StateReason"])


def dead_letters() -> None:
    """Print all events in the dead-letter queues, each with its cause."""
    for region, function in jobs():
        client = boto3.client("lambda", region_name=region)
        asynchronous = client.get_function_event_invoke_config(
            FunctionName=function, Qualifier="$LATEST"
        )
        queues = {each["Target"]["DeadLetterConfig"]["Arn"] for each in schedules(region, function)}
        queues.add(asynchronous["DestinationConfig"]["OnFailure"]["Destination"])
        sqs = boto3.client("sqs", region_name=region)
        for queue in sorted(arn.rpartition(":")[2] for arn in queues):
            url = sqs.get_queue_url(QueueName=queue)["QueueUrl"]
            print(f"{region} {queue}: {url}")
            for message in _messages(sqs, url):
                _print_event(message)


def _messages(sqs: Client, url: str) -> Iterator[dict[str, Any]]:
    while messages := sqs.receive_message(
        QueueUrl=url,
        MaxNumberOfMessages=10,
        VisibilityTimeout=120,
        WaitTimeSeconds=2,
        MessageAttributeNames=["All"],  # Scheduler says the cause there
    ).get("Messages"):
        yield from messages


def _print_event(message: dict[str, Any]) -> None:
    body, attributes = json.loads(message["Body"]), message.get("MessageAttributes", {})
    cause = {name: each["StringValue"] for name, each in attributes.items()}
    if "requestPayload" in body:
        cause["condition"] = body.get("requestContext", {}).get("condition")
        cause["answer"] = body.get("responsePayload")
    print(" ", body.get("requestPayload", body), cause)
