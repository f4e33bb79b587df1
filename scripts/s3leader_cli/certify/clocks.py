"""The store's clock: each answer carries it, and each object the time of its last write (R4)."""

from __future__ import annotations

import time
from typing import Final

from s3leader._core.requests import (
    Create,
    Found,
    List,
    Read,
    Replace,
    StoreRequest,
    Unknown,
    describe_request,
)
from s3leader.errors import BucketUnusable

from .check import Check, CheckFailed, Costs, NotChecked, Subject
from .conditions import NO_ETAG

GROUP: Final = "clocks"
# An election allows three seconds (`clock_skew`), one of them for the resolution of a second.
ALLOWED_MS: Final = 2000
_RESOLUTION_MS: Final = 1000
_LOOKS: Final = 20
_PAUSE_S: Final = 0.3
_WRONG_LEASES: Final = "unusable: a leader's lease could be taken for lapsed while it leads"


def _date_ms(subject: Subject, request: StoreRequest) -> int:
    """Return the `Date` of an answer, which must have one."""
    try:
        answer = subject.dated.perform(request)
    except BucketUnusable as error:
        if "no Date" not in str(error):
            raise
        raise CheckFailed(f"{_of(request)}: it has no Date header") from error
    if isinstance(answer, Unknown):
        if "Date" in answer.cause:
            raise CheckFailed(f"{_of(request)}: {answer.cause.rpartition(': ')[2]}")
        raise NotChecked(answer.cause)
    return answer.date_ms


def _of(request: StoreRequest) -> str:
    return f"the answer to a {describe_request(request).partition(' of ')[0]}"


def _is_on_every_answer(subject: Subject) -> str:
    key, other = subject.key(), subject.key("other.json")
    requests: list[StoreRequest] = [
        Create(key, b"first"),
        List(subject.folder),
        Read(key),
        Read(subject.key("nothing.json")),
        Create(key, b"second"),
        Replace(key, b"second", NO_ETAG),
        Replace(other, b"second", NO_ETAG),
    ]
    dates = [_date_ms(subject, request) for request in requests]
    if any(date % _RESOLUTION_MS for date in dates) or dates[-1] < dates[0] - ALLOWED_MS:
        raise CheckFailed(f"the dates of seven answers in turn are {dates}")
    return "on seven kinds of answer, refusals too"


def _advances(subject: Subject) -> str:
    request = Read(subject.key("nothing.json"))
    sent = time.monotonic()
    first = _date_ms(subject, request)
    for _ in range(_LOOKS):
        subject.sleep(_PAUSE_S)
        if (now := _date_ms(subject, request)) != first:
            passed_ms = (time.monotonic() - sent) * 1000
            if abs(now - first - passed_ms) > ALLOWED_MS + _RESOLUTION_MS + passed_ms / 10:
                raise CheckFailed(f"Date went {now - first} ms on in {passed_ms:.0f} ms")
            return "it moves with time, in whole seconds"
    raise CheckFailed(f"Date stood still for {_LOOKS * _PAUSE_S:.0f} s")


def _dates_writes(subject: Subject) -> str:
    key = subject.key()
    before = _date_ms(subject, Read(key))
    subject.write(Create(key, b"first"))
    answer = subject.dated.perform(Read(key))
    if not isinstance(answer, Found):
        raise NotChecked(f"a read was answered {type(answer).__name__}")
    if not before - ALLOWED_MS <= answer.modified_ms <= answer.date_ms + ALLOWED_MS:
        raise CheckFailed(
            f"Last-Modified is {answer.modified_ms - before} ms after a Date from before the write,"
            f" and {answer.date_ms - answer.modified_ms} ms before one from after it"
        )
    return f"Last-Modified {(answer.modified_ms - before) / 1000:+.0f} s from the Date before"


def _dates_renewals(subject: Subject) -> str:
    key = subject.key()
    etag = subject.write(Create(key, b"0"))
    first = subject.read(key).modified_ms
    for number in range(1, _LOOKS + 1):
        subject.sleep(_PAUSE_S)
        etag = subject.write(Replace(key, str(number).encode(), etag))
        if (now := subject.read(key).modified_ms) > first:
            return f"it went {(now - first) / 1000:.0f} s on"
    raise CheckFailed(f"Last-Modified stood still through {_LOOKS} writes")


def _agrees(subject: Subject) -> str:
    nothing = Read(subject.key("nothing.json"))
    _date_ms(subject, nothing)  # without Date there is nothing to compare
    offsets, uncertain, number = [], 0.0, subject.scale.connections
    for _ in range(number):
        store = subject.connect()
        sent = time.monotonic() * 1000
        answer = store.perform(nothing)
        took = time.monotonic() * 1000 - sent
        if isinstance(answer, Unknown):
            continue
        offsets.append(answer.date_ms - sent)
        uncertain = max(uncertain, took)
    if len(offsets) < 2:
        raise NotChecked("fewer than two connections were answered")
    # Each Date is up to a second, and the time on the way, before the moment it was read.
    apart = max(0.0, max(offsets) - min(offsets) - _RESOLUTION_MS - uncertain)
    if apart > ALLOWED_MS:
        raise CheckFailed(f"clocks behind {number} connections are {apart / 1000:.1f} s apart")
    return f"{number} connections: at most {apart / 1000:.1f} s apart, beyond the resolution"


CHECKS: Final = (
    Check(
        name="Date",
        group=GROUP,
        statement="Every answer carries the store's time in Date, in whole seconds.",
        rules="R4, R7",
        if_missing="unusable: leases are judged by Date, and s3leader does not guess it",
        run=_is_on_every_answer,
        costs=lambda *_: Costs(writes=5, reads=2),
    ),
    Check(
        name="Date advances",
        group=GROUP,
        statement="Date advances with time.",
        rules="R4, R7",
        if_missing="unusable: a lapsed lock would never be taken over",
        run=_advances,
        costs=lambda *_: Costs(writes=0, reads=4),
    ),
    Check(
        name="Last-Modified",
        group=GROUP,
        statement="Last-Modified is the time of the write by the same clock as Date.",
        rules="R4",
        if_missing=_WRONG_LEASES,
        run=_dates_writes,
        costs=lambda *_: Costs(writes=1, reads=2),
    ),
    Check(
        name="Last-Modified advances",
        group=GROUP,
        statement="Each write of an object renews its Last-Modified.",
        rules="R4",
        if_missing=_WRONG_LEASES,
        run=_dates_renewals,
        costs=lambda *_: Costs(writes=4, reads=4),
    ),
    Check(
        name="skew",
        group=GROUP,
        statement="The clocks behind many connections differ by less than two seconds.",
        rules="R4",
        if_missing="usable only with a larger clock_skew",
        run=_agrees,
        fatal=False,
        costs=lambda scale, _: Costs(writes=0, reads=scale.connections + 1),
    ),
)
