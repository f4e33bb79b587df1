"""Runs the checks: all are started, then the result of each is awaited."""

from __future__ import annotations

import time
from collections.abc import Generator, Sequence

from botocore.exceptions import BotoCoreError, ClientError

from s3leader import S3LeaderError
from s3leader_acceptance.deployment import Deployment
from s3leader_acceptance.results import Check, Finding, Result, failed, not_checked

_NOT_THERE = {"NotImplemented", "UnknownOperation", "UnknownOperationException", "InvalidAction"}
_NOT_ALLOWED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}


def run_checks(deployment: Deployment, checks: Sequence[Check]) -> list[Finding]:
    """Return the finding of each check."""
    say = deployment.progress.say
    begun: list[tuple[Check, Generator[None, None, Result], Result | None]] = []
    findings = []
    try:
        for check in checks:
            say(f"starting {check.name}")
            running = check.run(deployment)
            begun.append((check, running, _result(running)))
        for check, running, early in begun:
            began = time.monotonic()
            say(f"checking {check.name}: {check.does}")
            result = early or _result(running)
            if result is None:
                raise AssertionError(f"check {check.name} yielded twice")
            took = time.monotonic() - began
            findings.append(Finding(check=check, result=result, seconds=round(took, 1)))
            say(f"  {result.outcome}{': ' if result.why else ''}{result.why}")
    finally:
        for program in deployment.programs:
            program.stop()
    return findings


def _result(running: Generator[None, None, Result]) -> Result | None:
    """Let a check go on; return its result, None if it has more to do."""
    try:
        next(running)
    except StopIteration as end:
        result: Result = end.value
        return result
    except ClientError as error:
        return _of_error(error)
    except (BotoCoreError, S3LeaderError) as error:
        return failed(f"the check could not be made: {error}")
    return None


def _of_error(error: ClientError) -> Result:
    code, text = error.response["Error"]["Code"], str(error)
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    if code in _NOT_ALLOWED:
        return not_checked(f"the caller may not make this request: {text}")
    if code in _NOT_THERE or status == 501:
        return not_checked(f"this cloud does not have this operation: {text}")
    return failed(f"the check could not be made: {text}")
