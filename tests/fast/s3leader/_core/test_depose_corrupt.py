"""A corrupt lock by force: what it did not say has to be said, and nothing is forgotten."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Literal

import pytest

from s3leader._core.candidate import LedgerHead, Steps
from s3leader._core.depose import depose
from s3leader._core.lock import Lock, decode_lock
from s3leader._core.requests import Answer, Replace, Reply
from s3leader._core.times import MOST_AHEAD_MS
from s3leader.errors import InvalidArgument
from tests.fast.s3leader._core.protocol.script import (
    EARLIER,
    LIST,
    TICK,
    Exchange,
    applied,
    at,
    config,
    conflict,
    found,
    held,
    key,
    listing,
    missing,
    play,
    put,
    read,
    sealed,
)

FACTS: dict[str, Any] = {"swept": 2, "state": {"after": "x"}}
BEFORE = sealed(3, done=EARLIER, tick=EARLIER, **FACTS)


def deposing(
    done: datetime | Literal["none"] | None, term: int | None = None
) -> Steps[LedgerHead | None]:
    return depose(config(), reason="stuck", force=True, done=done, term=term)


def corrupt(*before: Answer, body: bytes = b"?", term: int = 4) -> tuple[Exchange, ...]:
    """What is read before anything is written."""
    reads: tuple[Exchange, ...] = (
        (LIST, listing(term)),
        (read(term), found(body, etag="bad")),
    )
    return (*reads, *((read(term - 1), answer) for answer in before))


def replacement(body: bytes = b"?", nonce: str = "n1", term: int = 4, **more: Any) -> Replace:
    lock = Lock(term=term, extra={"corrupt_body": body.decode("utf-8", "replace")}, **more)
    return put(lock.seal(nonce=nonce, outcome="deposed", reason="stuck", ended_at=at(0)), "bad")


# -------------------------------------------------------------------- done has to be stated


@pytest.mark.parametrize(
    ("before", "said"),
    [
        pytest.param(found(BEFORE), "tick 2026-11-23T05:00:00Z was the latest", id="readable"),
        pytest.param(found(sealed(3)), "no tick was the latest completed", id="without ticks"),
        pytest.param(missing(), "no longer there, so the checkpoint is lost", id="deleted"),
        pytest.param(found(b"[]"), "corrupt too, so the checkpoint is lost", id="corrupt too"),
        pytest.param(found(held(3, tick=TICK)), "no tick was the latest", id="not sealed"),
    ],
)
def test_without_done_nothing_is_written_and_what_is_known_is_said(
    before: Answer, said: str
) -> None:
    with pytest.raises(InvalidArgument, match=said):
        play(deposing(None), *corrupt(before))


def test_term_1_too_may_have_completed_its_tick() -> None:
    with pytest.raises(InvalidArgument, match="first term, so no earlier lock says more"):
        play(deposing(None), *corrupt(missing(), term=1))


def test_lock_of_another_term_is_spared_before_done_is_asked_for() -> None:
    assert play(deposing(None, term=3), *corrupt()) is None


def test_done_in_the_future_is_refused() -> None:
    late = at(0) + timedelta(milliseconds=MOST_AHEAD_MS + 1000)
    with pytest.raises(InvalidArgument, match="has not come cannot be completed"):
        play(deposing(late), *corrupt(missing()))


# ------------------------------------------------------------------ what the ledger carries on


@pytest.mark.parametrize(
    ("stated", "kept"),
    [
        pytest.param("none", EARLIER, id="nothing more"),
        pytest.param(TICK, TICK, id="a later tick"),
        pytest.param(EARLIER - timedelta(hours=1), EARLIER, id="an earlier tick"),
    ],
)
def test_done_is_the_later_of_what_is_stated_and_what_the_lock_before_says(
    stated: datetime | Literal["none"], kept: datetime
) -> None:
    write = replacement(done=kept, **FACTS)
    seen = play(deposing(stated), *corrupt(found(BEFORE)), (write, applied()))
    assert seen is not None
    assert decode_lock(write.body, key=key(4), term=4).extra == {"corrupt_body": "?"}


@pytest.mark.parametrize(("stated", "done"), [("none", None), (TICK, TICK)])
def test_lock_before_that_is_deleted_tells_that_all_below_are_swept(
    stated: datetime | Literal["none"], done: datetime | None
) -> None:
    write = replacement(b"\xff", done=done, swept=3)
    assert play(deposing(stated), *corrupt(missing(), body=b"\xff"), (write, applied())) is not None


def test_lock_before_that_is_corrupt_too_is_swept_next() -> None:
    write = replacement(done=TICK, swept=2)
    assert play(deposing(TICK), *corrupt(found(b"[]")), (write, applied())) is not None


@pytest.mark.parametrize(("stated", "done"), [("none", None), (TICK, TICK)])
def test_term_1_is_sealed_with_what_is_stated(
    stated: datetime | Literal["none"], done: datetime | None
) -> None:
    exchanges = corrupt(missing(), term=1)
    assert play(deposing(stated), *exchanges, (replacement(term=1, done=done), applied()))


# ----------------------------------------------- the lock before is not sealed, against R1

OPEN = held(3, tick=TICK, done=EARLIER, started_at=EARLIER, **FACTS)


def seal_before(lock: Lock, nonce: str, etag: str = "E") -> Replace:
    return put(lock.seal(nonce=nonce, outcome="deposed", reason="stuck", ended_at=at(0)), etag)


def test_lock_before_that_is_not_sealed_is_sealed_first() -> None:
    """Its holder could complete a tick that the ledger above it would not know of."""
    writes: tuple[Exchange, ...] = (
        (seal_before(OPEN, "n1"), applied()),
        (replacement(nonce="n2", done=EARLIER, attempts={TICK: 1}, **FACTS), applied()),
    )
    assert play(deposing("none"), *corrupt(found(OPEN)), *writes) is not None


def test_holder_of_the_lock_before_that_completes_meanwhile_is_not_forgotten() -> None:
    completed = OPEN.seal(nonce="r", outcome="completed", ended_at=at(0))
    writes: tuple[Exchange, ...] = (
        (seal_before(OPEN, "n1"), conflict()),
        (read(3), found(completed, etag="E2")),
        (replacement(nonce="n2", done=TICK, **FACTS), applied()),
    )
    assert play(deposing("none"), *corrupt(found(OPEN)), *writes) is not None


# ----------------------------------------------------------------------------------- its size


@pytest.mark.parametrize(
    ("body", "state"),
    [
        pytest.param(b"\xff" * 64 * 1024, {}, id="bytes that JSON escapes"),
        pytest.param(b"\x00" * 300 * 1024, {}, id="more than a body may have"),
        pytest.param(b"?" * 64 * 1024, {"a": "x" * 240 * 1024}, id="a large state beside it"),
    ],
)
def test_lock_sealed_in_place_of_a_corrupt_one_can_be_read(
    body: bytes, state: dict[str, Any]
) -> None:
    steps = deposing("none")
    before = sealed(3, state=state)
    answers: list[Answer] = [listing(3, 4), found(body, etag="bad"), found(before)]
    write = next(steps)
    for answer in answers:
        write = steps.send(Reply(answer, 0, 0))
    assert isinstance(write, Replace)
    assert decode_lock(write.body, key=key(4), term=4).sealed
