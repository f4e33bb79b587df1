"""The job that is deployed for the checks: the event says what its leader does.

`event["do"]` is `complete` (the default), `fail`, `overrun` (work on until Lambda stops it), `die`
(the first attempt kills its process) or `legs` (`event["legs"]` invocations; the first one compares
its clock with S3's for `event["seconds"]`).
"""

from __future__ import annotations

import functools
import json
import os
import signal
import time
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from typing import Any

import boto3

from s3leader import Term
from s3leader.aws_lambda import LambdaContext, singleton

_BEATS = "heartbeats/{}.json"
_BEAT_SECONDS = 0.2


@singleton
def work(event: dict[str, Any], context: LambdaContext, term: Term) -> object:
    """Do as leader what the event says."""
    action: Callable[[Mapping[str, Any], LambdaContext, Term], object]
    action = {"fail": _fail, "overrun": _overrun, "die": _die, "legs": _legs}.get(
        event.get("do", "complete"), _complete
    )
    return action(event, context, term)


@functools.wraps(work)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Log the start of each invocation, of losers too."""
    line = {
        "acceptance": "started",
        "request_id": context.aws_request_id,
        "tick": event.get("tick"),
        "contender": event.get("contender"),
        "at": time.time(),
    }
    print(json.dumps(line), flush=True)
    return work(event, context)


def _complete(event: Mapping[str, Any], _: LambdaContext, term: Term) -> object:
    time.sleep(event.get("seconds", 0))
    return term.number


def _fail(_event: Mapping[str, Any], _: LambdaContext, _term: Term) -> object:
    raise RuntimeError("the event asked for a failure")


def _overrun(_event: Mapping[str, Any], context: LambdaContext, term: Term) -> object:
    s3, bucket = boto3.client("s3"), os.environ["S3LEADER_BUCKET"]
    key = _BEATS.format(os.environ["S3LEADER_ELECTION"])
    while True:  # until Lambda stops this process
        beat = {"term": term.number, "remaining_ms": context.get_remaining_time_in_millis()}
        s3.put_object(Bucket=bucket, Key=key, Body=json.dumps(beat).encode())
        time.sleep(_BEAT_SECONDS)


def _die(_event: Mapping[str, Any], _: LambdaContext, term: Term) -> object:
    if term.attempt == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return term.attempt


def _legs(event: Mapping[str, Any], _: LambdaContext, term: Term) -> object:
    state = {**term.state, "measured": _compare_clocks(event, term)} if term.leg == 1 else None
    if term.leg < event["legs"]:
        term.continue_later(state)
    return term.leg


def _compare_clocks(event: Mapping[str, Any], term: Term) -> dict[str, float]:
    """Return the seconds that passed by the monotonic clock and by S3's, which has whole ones."""
    began, there = time.monotonic(), _s3_time(term)
    time.sleep(event.get("seconds", 0))
    passed = time.monotonic() - began
    return {"monotonic_s": round(passed, 3), "s3_s": _s3_time(term) - there}


def _s3_time(term: Term) -> float:
    prefix, election = os.environ["S3LEADER_PREFIX"], os.environ["S3LEADER_ELECTION"]
    key = f"{prefix}{election}/lock_{term.number:010d}.json"
    answer = boto3.client("s3").get_object(Bucket=os.environ["S3LEADER_BUCKET"], Key=key)
    date = answer["ResponseMetadata"]["HTTPHeaders"]["date"]
    return parsedate_to_datetime(date).timestamp()
