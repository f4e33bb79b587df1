"""Checks of jobs: their schedules, retries, dead letters, legs, time-outs and deaths."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from itertools import pairwise
from typing import Any

from s3leader import Lock
from s3leader_acceptance.deployment import LEGS, Deployment, timestamp
from s3leader_acceptance.results import Result, failed, not_checked, passed

_TICKS = 6  # then some contenders are almost certainly far apart
_APART_SECONDS = 15.0
_GRACE_MS = 2000
_CLOCK_SECONDS = 1.5  # two times of whole seconds, and the time of a request


def scheduled_time(deployment: Deployment) -> Generator[None, None, Result]:
    """Let schedules with a flexible window fire, and compare ticks and starts."""
    due = deployment.due
    yield
    ticks = _whole_ticks(deployment, 1 if due else _TICKS)
    if ticks is None:
        return failed("contenders of one tick did not all start with the same tick")
    moments = {tick: datetime.fromisoformat(tick) for tick in ticks}
    delays = {
        tick: [one["at"] - moments[tick].timestamp() for one in starts]
        for tick, starts in ticks.items()
    }
    shown = [delay for each in delays.values() for delay in each]
    evidence = {
        "ticks": len(ticks),
        "started after their ticks by": f"{min(shown):.1f} s to {max(shown):.1f} s",
        "events delivered twice": sum(
            len(starts) - len(_contenders(starts)) for starts in ticks.values()
        ),
    }
    scheduled = {due} if due else {moment.replace(second=0) for moment in moments.values()}
    if {*moments.values()} != scheduled:
        return failed("a tick is not the time that the schedule says", **evidence)
    done = Counter(lock.tick for lock in deployment.terms("Ticks") if lock.outcome == "completed")
    if max(done.values(), default=0) > 1:
        return failed("a tick was completed by two terms", **evidence)
    # A slow start delays both contenders of a tick, the window each by a time of its own.
    if max(max(each) - min(each) for each in delays.values()) < _APART_SECONDS:
        return not_checked(
            "each contender started with the scheduled time as its tick, but the flexible window"
            " delayed none",
            **evidence,
        )
    return passed(**evidence)


def _whole_ticks(deployment: Deployment, needed: int) -> dict[str, list[dict[str, Any]]] | None:
    """Wait until both contenders of some ticks have started; return the starts by tick."""

    def poll() -> dict[str, list[dict[str, Any]]] | None:
        ticks: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for each in deployment.starts("Ticks"):
            ticks[str(each["tick"])].append(each)
        whole = {tick: starts for tick, starts in ticks.items() if _contenders(starts) == {1, 2}}
        return whole if len(whole) >= needed else None

    return deployment.wait(f"two contenders each of {needed} tick(s)", poll, seconds=720)


def _contenders(starts: list[dict[str, Any]]) -> set[object]:
    return {each["contender"] for each in starts}


def undelivered(deployment: Deployment) -> Generator[None, None, Result]:
    """Let a schedule fire whose role may not invoke the function, and read the dead letter."""
    if not deployment.checks_permissions:
        yield
        return not_checked(
            "this cloud does not check permissions, so every schedule can invoke its function"
        )
    _schedule_without_rights(deployment)
    yield
    letters = deployment.wait(
        "the dead letter of a schedule",
        lambda: deployment.letters("OverrunUndelivered"),
        seconds=480,
    )
    if not letters:
        return failed("the event that could not be delivered did not arrive in the queue")
    attributes = letters[0].get("MessageAttributes", {})
    evidence = {
        "letters": len(letters),
        "attributes": sorted(attributes),
        "code": attributes.get("ERROR_CODE", {}).get("StringValue"),
    }
    if not {"ERROR_CODE", "ERROR_MESSAGE"} <= attributes.keys():
        return failed("the dead letter has no ERROR_CODE or no ERROR_MESSAGE", **evidence)
    if "tick" not in json.loads(letters[0]["Body"]):
        return failed("the dead letter does not contain the event", **evidence)
    return passed(**evidence)


def _schedule_without_rights(deployment: Deployment) -> None:
    """Make a schedule that fires once, in a role that may not invoke the function."""
    # Not beside the schedules of a job that doctor examines.
    scheduler, group = deployment.client("scheduler"), deployment.outputs["OverrunGroup"]
    listed = scheduler.list_schedules(GroupName=group)["Schedules"][0]["Name"]
    target = scheduler.get_schedule(GroupName=group, Name=listed)["Target"]
    soon = timedelta(seconds=2) if deployment.fast else timedelta(seconds=90)
    deployment.state.schedules.append((group, "powerless"))
    deployment.state.save()
    scheduler.create_schedule(
        GroupName=group,
        Name="powerless",
        ScheduleExpression=f"at({datetime.now(UTC) + soon:%Y-%m-%dT%H:%M:%S})",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={
            **target,
            "RoleArn": deployment.outputs["PowerlessRole"],
            "Input": json.dumps({"tick": "<aws.scheduler.scheduled-time>", "contender": 9}),
            "RetryPolicy": {"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 60},
        },
    )


def retries(deployment: Deployment) -> Generator[None, None, Result]:
    """Let an asynchronous invocation fail three times, and compare the request ids."""
    tick = deployment.begin("Failing")
    yield

    def poll() -> list[dict[str, Any]] | None:
        found = [one for one in deployment.starts("Failing") if one["tick"] == timestamp(tick)]
        return found if len(found) >= 3 else None

    starts = deployment.wait("two retries of a failed invocation", poll, seconds=720)
    if starts is None:
        return failed("a failed invocation was not retried twice")
    locks = deployment.terms("Failing", tick)
    ids = {str(one["request_id"]) for one in starts}
    evidence = {
        "invocations": len(starts),
        "request ids": sorted(ids),
        "seconds between them": [
            round(later["at"] - earlier["at"]) for earlier, later in pairwise(starts)
        ],
        "attempts in the ledger": [lock.attempt for lock in locks],
    }
    if len(ids) > 1:
        return failed("a retry has another request id", **evidence)
    return passed(**evidence)


def unprocessed(deployment: Deployment) -> Generator[None, None, Result]:
    """Let all attempts of an invocation fail, and read the dead letter."""
    deployment.begin("Failing")
    yield
    letters = deployment.wait(
        "the dead letter of a failed invocation",
        lambda: deployment.letters("FailingUnprocessed"),
        seconds=720,
    )
    if not letters:
        return failed("the event that failed three times did not arrive in the queue")
    letter = json.loads(letters[0]["Body"])
    context = letter.get("requestContext", {})
    evidence = {
        "condition": context.get("condition"),
        "invocations": context.get("approximateInvokeCount"),
        "error": letter.get("responsePayload", {}).get("errorType"),
    }
    if "tick" not in letter.get("requestPayload", {}) or None in evidence.values():
        return failed("the dead letter lacks the event, the condition or the error", **evidence)
    return passed(**evidence)


def takeover(deployment: Deployment) -> Generator[None, None, Result]:
    """Kill a leader's process, and let the other contender of its tick wait."""
    tick = deployment.begin("Killed")
    yield
    locks = deployment.completed("Killed", tick, seconds=300)
    if locks is None:
        return failed("the tick of the killed leader was not completed")
    evidence = {
        "outcomes": [lock.outcome for lock in locks],
        "attempts": [lock.attempt for lock in locks],
        "seconds": _seconds_between(locks),
    }
    if evidence["outcomes"] != ["deposed", "completed"]:
        return failed(
            "the killed leader was not succeeded by one that completed the tick", **evidence
        )
    return passed(**evidence)


def _seconds_between(locks: list[Lock]) -> float | None:
    first, last = locks[0].started_at, locks[-1].started_at
    return None if first is None or last is None else (last - first).total_seconds()


def legs(deployment: Deployment) -> Generator[None, None, Result]:
    """Continue a tick in 20 invocations, more often than Lambda lets a function invoke itself."""
    tick = deployment.begin("Legs")
    yield
    locks = deployment.completed("Legs", tick, seconds=600)
    led = [lock.leg for lock in locks or deployment.terms("Legs", tick)]
    evidence = {
        "legs": len(led),
        "attempts": max((lock.attempt for lock in locks or []), default=0),
    }
    if led != [*range(1, LEGS + 1)]:
        return failed(f"{LEGS} legs were asked for, and these led: {led}", **evidence)
    return passed(**evidence)


def monotonic(deployment: Deployment) -> Generator[None, None, Result]:
    """Compare the monotonic clock of a function with S3's while a leader works."""
    tick = deployment.begin("Legs")
    yield

    def poll() -> dict[str, float] | None:
        found = [
            lock.state.get("measured") for lock in deployment.terms("Legs", tick) if lock.leg == 1
        ]
        return found[0] if found else None

    measured = deployment.wait("the first leg's comparison of clocks", poll, seconds=300)
    if measured is None:
        return failed("the first leg did not compare its clock with S3's")
    apart = abs(measured["monotonic_s"] - measured["s3_s"])
    if apart > _CLOCK_SECONDS:
        return failed(f"the clocks differ by {apart:.1f} s", **measured)
    return passed(**measured)


def time_out(deployment: Deployment) -> Generator[None, None, Result]:
    """Let a leader work on until Lambda stops it, and find its last write by S3's clock."""
    tick = deployment.begin("Overrun")
    yield
    bucket, s3 = deployment.bucket, deployment.s3
    key = f"heartbeats/{deployment.election('Overrun')}.json"

    def poll() -> dict[str, Any] | None:
        found = s3.list_objects_v2(Bucket=bucket, Prefix=key).get("Contents")
        beat = s3.get_object(Bucket=bucket, Key=key) if found else None
        if beat is None or _date(beat) - beat["LastModified"] < timedelta(seconds=5):
            return None
        return {"at": beat["LastModified"], **json.loads(beat["Body"].read())}

    beat = deployment.wait("the end of an invocation that overruns", poll, seconds=240)
    if beat is None:
        return failed("the invocation that overruns did not start, or was not stopped")
    (lock,) = (each for each in deployment.terms("Overrun", tick) if each.term == beat["term"])
    key = deployment.lock_key("Overrun", lock.term)
    created = s3.head_object(Bucket=bucket, Key=key)["LastModified"]
    lease = timedelta(milliseconds=lock.lease_ms or 0)
    evidence = {
        "lease_s": lease.total_seconds(),
        "last write after_s": (beat["at"] - created).total_seconds(),
        "remaining at the last write_ms": beat["remaining_ms"],
    }
    if beat["at"] > created + lease or beat["remaining_ms"] < -_GRACE_MS:
        return failed("the invocation still wrote when its lease was over", **evidence)
    return passed(**evidence)


def _date(answer: dict[str, Any]) -> datetime:
    """Return the time of S3's clock in an answer."""
    return parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"])
