"""Runs the checks on a store and collects what they find."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from s3leader.errors import BucketUnusable, S3LeaderError, describe_error

from . import speed
from .check import Check, CheckFailed, Costs, NotChecked, Scale, Subject, describe_refusal
from .checks import CHECKS
from .report import Finding, Outcome

if TYPE_CHECKING:
    from .speed import Speed

Progress = Callable[[str], None]
# Prices of S3 Standard in us-east-1, in dollars a request: PUT and LIST, and GET.
_WRITE_PRICE: Final = 0.005 / 1000
_READ_PRICE: Final = 0.0004 / 1000
_DENIED: Final = frozenset({"AccessDenied", "403", "AllAccessDisabled"})


def total_costs(scale: Scale, writers: int) -> Costs:
    """Return how many requests a whole inspection sends, about."""
    parts = [check.costs(scale, writers) for check in CHECKS if scale.pages or check.quick]
    parts.append(speed.costs(scale, writers))
    return Costs(writes=sum(part.writes for part in parts), reads=sum(part.reads for part in parts))


def dollars(costs: Costs) -> float:
    """Return what requests cost on Amazon S3 (us-east-1)."""
    return costs.writes * _WRITE_PRICE + costs.reads * _READ_PRICE


def inspect(subject: Subject, progress: Progress) -> tuple[Finding, ...]:
    """Run all checks, each in a folder of its own."""
    findings = []
    with _silent_library():
        for number, check in enumerate(CHECKS, 1):
            progress(f"[{number}/{len(CHECKS)}] {check.group}: {check.name}")
            findings.append(examine(check, subject))
    return tuple(findings)


def examine(check: Check, subject: Subject) -> Finding:
    """Run one check."""
    if not check.quick and not subject.scale.pages:
        return Finding(check=check, outcome=Outcome.SKIPPED, detail="left out by --quick")
    outcome, detail = Outcome.FAIL, ""
    try:
        detail = check.run(subject.at(check.name.replace(" ", "-")))
        outcome = Outcome.PASS
    except NotChecked as error:
        outcome, detail = Outcome.NOT_CHECKED, str(error)
    except BucketUnusable as error:
        denied = error.code in _DENIED
        outcome = Outcome.NOT_CHECKED if denied else Outcome.FAIL
        detail = f"{error.code} to {error.action}" if denied else describe_refusal(error)
    except CheckFailed as error:
        detail = str(error)
    except Exception as error:  # noqa: BLE001 - an answer that no check expects
        outcome, detail = Outcome.NOT_CHECKED, describe_error(error)
    return Finding(check=check, outcome=outcome, detail=detail)


def measure(subject: Subject, progress: Progress) -> Speed | None:
    """Measure the speed of a store; None if it does not answer as it must."""
    progress("speed: round trips, compare-and-swaps and creates a second")
    with _silent_library():
        try:
            return speed.measure(subject.at("speed"))
        except (NotChecked, CheckFailed, S3LeaderError):
            return None


@contextmanager
def _silent_library() -> Iterator[None]:
    """Silence the warnings of lost answers: here they are lost on purpose."""
    log = logging.getLogger("s3leader")
    before, log.disabled = log.disabled, True
    try:
        yield
    finally:
        log.disabled = before
