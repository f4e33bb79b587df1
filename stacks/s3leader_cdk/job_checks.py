"""What cannot work together in a singleton job, found at synth; each raises `ValueError`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from aws_cdk import Duration, Token
from aws_cdk import aws_lambda as lambda_

from s3leader_cdk._election.candidate_environment import seconds
from s3leader_cdk.lock_bucket import LockBucket

LAMBDA_S_OWN_TIMEOUT = Duration.seconds(3)  # of a function that asked for none
MAX_RETRIES = 2
_MAX_CONTENDERS = 10

_CLOCK_SKEW_S = 3  # the runtime's allowance
_Number = TypeVar("_Number", bound=float | None)


def lock_bucket(given: object) -> LockBucket:
    """Refuse a plain bucket, which is the likeliest mistake."""
    if not isinstance(given, LockBucket):
        raise TypeError(
            f"lock_bucket {given!r} is no LockBucket: give one, such as LockBucket(stack, 'Locks'),"
            " or LockBucket(stack, 'Locks', bucket=…) for a bucket that exists"
        )
    return given


def whole(name: str, number: _Number) -> _Number:
    """Return `number` if it is None, whole, or known only at deployment."""
    if number is None or Token.is_unresolved(number) or _is_whole(number):
        return number
    raise ValueError(f"{name} {number!r} cannot be used: give a whole number, or leave it out")


def contenders(count: int) -> int:
    """Return how many contenders each tick starts."""
    if not _is_whole(count) or not 1 <= count <= _MAX_CONTENDERS:
        raise ValueError(f"contenders {count!r} cannot be used: give 1 to {_MAX_CONTENDERS}")
    return int(count)


def retries(attempts: int) -> int:
    """Return how often Lambda runs a failed invocation again."""
    if not _is_whole(attempts) or not 0 <= attempts <= MAX_RETRIES:
        raise ValueError(f"retry_attempts {attempts!r} cannot be used: Lambda takes 0 to 2")
    return int(attempts)


def limits(*, attempts: float | None, wait: Duration | None) -> dict[str, str]:
    """Return what the environment says of how often a tick is tried, and how long is waited."""
    said = {}
    if attempts is not None:
        if not _is_whole(attempts) or attempts < 1:
            raise ValueError(
                f"max_attempts {attempts!r} cannot be used: give 1 or more, or leave it out for no"
                " limit"
            )
        said["S3LEADER_MAX_ATTEMPTS"] = str(int(attempts))
    if wait is not None:
        said["S3LEADER_WAIT_SECONDS"] = f"{seconds(wait):g}"
    return said


def reserved_concurrency(function: lambda_.Function, contenders: int) -> None:
    """Refuse concurrency that is not enough for the contenders of one tick."""
    made = function.node.default_child
    reserved = (
        made.reserved_concurrent_executions if isinstance(made, lambda_.CfnFunction) else None
    )
    if reserved is None or Token.is_unresolved(reserved):
        return
    whole("reserved_concurrency", reserved)
    if reserved == 0:
        raise ValueError(
            f"reserved_concurrency 0 of {function.node.path} holds nothing back: Lambda sends each"
            " event to the dead-letter queue at once, without a retry. Disable the schedules"
            " instead, as in the runbook, and give the contenders or more, or nothing"
        )
    if reserved < contenders:
        raise ValueError(
            f"reserved_concurrency {reserved:g} of {function.node.path} is less than its"
            f" {contenders} contenders, which start at the same tick: give {contenders} or more, or"
            " fewer contenders"
        )


def lease(asked: Duration | None, timeout: Duration, wait: Duration | None) -> None:
    """Refuse a lease that asks for renewing where none is needed, or a wait that is in vain."""
    if asked is not None and seconds(asked) >= seconds(timeout):
        raise ValueError(
            f"lease {seconds(asked):g} s is not shorter than the timeout of {seconds(timeout):g} s:"
            " leave it out, and a lock is good for just as long as its invocation can run"
        )
    if wait is not None:
        _wait(wait, asked, timeout)


def _wait(asked: Duration, lease: Duration | None, timeout: Duration) -> None:
    if lease is None:
        raise ValueError(
            f"wait {seconds(asked):g} s was given without a lease, so that locks are good for as"
            " long as their invocations can run, and nobody could take over sooner: give a lease,"
            " such as Duration.seconds(30)"
        )
    least = seconds(lease) + _CLOCK_SKEW_S
    if not least < seconds(asked) < seconds(timeout):
        raise ValueError(
            f"wait {seconds(asked):g} s cannot be used: give more than {least:g} s, in which a lock"
            f" lapses (lease and allowance for clock skew), and less than the timeout of"
            f" {seconds(timeout):g} s, so that there is time to work"
        )


def against_interval(
    interval: Duration | None, flexible_window: Duration | None, expected_within: Duration | None
) -> None:
    """Refuse what does not go with ticks that are `interval` apart, if that is known."""
    if interval is None:
        return
    apart = seconds(interval)
    if flexible_window is not None and seconds(flexible_window) > apart:
        raise ValueError(
            f"flexible_window {seconds(flexible_window):g} s is longer than the {apart:g} s"
            " between two ticks, so that a tick's contenders could all come after the next one's,"
            " and find it too late: give a window no longer than that"
        )
    if expected_within is not None and seconds(expected_within) < apart:
        raise ValueError(
            f"expected_within {seconds(expected_within):g} s is shorter than the {apart:g} s"
            " between two ticks, so that the alarm would be on in between: give more than that"
        )


def history(kept: Duration | None, age: Duration, timeout: Duration) -> None:
    """Refuse ticks that may be worked for when the ledger has forgotten what became of them."""
    if kept is None:
        return
    oldest = seconds(age) + seconds(timeout)
    if oldest >= seconds(kept):
        raise ValueError(
            f"a tick could be {oldest / 3600:g} h old when its last contender ends (max_tick_age"
            f" {seconds(age) / 3600:g} h, timeout {seconds(timeout) / 3600:g} h), which is more"
            f" than the lock bucket's history of {seconds(kept) / 86_400:g} days: keep a longer"
            " history, or give a shorter max_tick_age"
        )


def _is_whole(number: object) -> bool:
    """Return whether `number` is a whole number: not True, which Python counts as 1."""
    if isinstance(number, bool) or not isinstance(number, (int, float)):
        return False
    return float(number).is_integer()


def regions(named: Sequence[str], here: str) -> list[str]:
    """Return the Regions with a job that contends, the job's own among them."""
    repeated = sorted({each for each in named if named.count(each) > 1})
    if repeated:
        raise ValueError(f"regions name {', '.join(repeated)} more than once: name each once")
    if named and not Token.is_unresolved(here) and here not in named:
        raise ValueError(
            f"regions {', '.join(named)} do not name {here}, where this job's stack goes: name"
            " every Region with a job that contends, this one included"
        )
    return list(named)
