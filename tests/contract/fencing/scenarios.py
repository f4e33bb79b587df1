"""What can happen between the writers of a fenced resource. Each scenario checks the log."""

from __future__ import annotations

import threading
from collections import Counter
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

import pytest

from s3leader.errors import StaleToken, StoreUnavailable
from tests.contract.fencing.resources import Busy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tests.contract.fencing.resources import Resource, Writer


def check(resource: Resource, *, applied: Iterable[str], refused: Iterable[str] = ()) -> None:
    """No token comes after a higher one, no entry twice; what was acknowledged is there."""
    log = resource.entries()
    tokens = [int(entry.split(".")[0]) for entry in log]
    assert tokens == sorted(tokens), log
    assert [entry for entry, times in Counter(log).items() if times > 1] == [], log
    assert [entry for entry in applied if entry not in log] == [], log
    assert [entry for entry in refused if entry in log] == [], log


def stale_before_its_write(resource: Resource) -> None:
    """The successor has claimed before the stale writer begins."""
    old, new = resource.writer(3), resource.writer(5)
    old.claim()
    old.append("3.a")
    new.claim()
    with pytest.raises(StaleToken) as refused:
        old.append("3.b")
    assert (refused.value.token, refused.value.written_token) == (3, 5)
    with pytest.raises(StaleToken):
        old.claim()
    new.append("5.a")
    check(resource, applied=["3.a", "5.a"], refused=["3.b"])


def stale_within_its_write(resource: Resource) -> None:
    """The stale writer stops between what it reads and what it writes, and its successor works.

    Either the stale write is refused, or the successor cannot work before it has ended.
    """
    old, new = resource.writer(3), resource.writer(5)
    old.claim()
    applied, refused = [], []

    def succeed() -> None:
        with suppress(Busy):
            new.claim()
            new.append("5.a")
            applied.append("5.a")

    try:
        old.append("3.a", pause=succeed)
        applied.append("3.a")
    except StaleToken:
        refused.append("3.a")
    succeeded = "5.a" in applied
    new.claim()
    new.append("5.b")
    assert succeeded == bool(refused)
    check(resource, applied=[*applied, "5.b"], refused=refused)


def answers_lost(resource: Resource) -> None:
    """Writes are applied, and their answers lost; also twice in a row."""
    faults = resource.faults
    writer = resource.writer(3)
    writer.claim()
    for number, times in enumerate([1, 2, 1]):
        faults.lose_answers(times)
        writer.append(f"3.{number}")
    check(resource, applied=["3.0", "3.1", "3.2"])
    assert len(resource.entries()) == 3


def answer_lost_and_clone_writes(resource: Resource) -> None:
    """A clone with the same token writes before a write whose answer is lost is repeated."""
    faults = resource.faults
    writer, clone = resource.writer(3), resource.writer(3)
    writer.claim()
    faults.lose_answers(1)
    writer.append("3.a")
    clone.append("3.clone")
    faults.lose_answers(1)
    applied = _write_within(writer, clone, "3.b")
    check(resource, applied=["3.a", "3.clone", *applied])


def late_copy_of_a_stale_write(resource: Resource) -> None:
    """A write arrives after the successor's, whose claim came first."""
    faults = resource.faults
    old, new = resource.writer(3), resource.writer(5)
    old.claim()
    faults.delay_copy()
    with suppress(StaleToken, StoreUnavailable):
        old.append("3.a")
    before = resource.entries()
    new.claim()
    new.append("5.a")
    assert faults.deliver_late() == 1
    check(resource, applied=[*before, "5.a"])
    assert resource.entries() == [*before, "5.a"]


def late_copy_of_an_own_write(resource: Resource) -> None:
    """A first copy arrives after a second was applied, and after a further write."""
    faults = resource.faults
    writer = resource.writer(3)
    writer.claim()
    faults.delay_copy()
    writer.append("3.a")
    writer.append("3.b")
    assert faults.deliver_late() == 1
    check(resource, applied=["3.a", "3.b"])
    assert len(resource.entries()) == 2


def equal_tokens(resource: Resource) -> None:
    """A clone of the leader's process: both write, and nothing is lost."""
    writer, clone = resource.writer(3), resource.writer(3)
    writer.claim()
    clone.claim()
    applied = _write_within(writer, clone, "3.a")
    clone.append("3.b")
    check(resource, applied=[*applied, "3.b"])


def _write_within(writer: Writer, clone: Writer, entry: str) -> list[str]:
    """Let the clone write within a write; return the entries that were acknowledged."""
    applied = [entry]

    def write_the_clone_s() -> None:
        with suppress(Busy):
            clone.append("3.within")
            applied.append("3.within")

    writer.append(entry, pause=write_the_clone_s)
    return applied


def terms_in_parallel(resource: Resource) -> None:
    """Four terms write at once, each until it is refused."""
    applied: list[str] = []
    errors: list[BaseException] = []

    def lead(token: int) -> None:
        try:
            writer = resource.writer(token)
            with suppress(StoreUnavailable):  # others came between all its tries; an append will do
                patiently(writer.claim)
            for entry in (f"{token}.{number}" for number in range(4)):
                patiently(partial(writer.append, entry))
                applied.append(entry)
        except StaleToken:
            pass
        except BaseException as error:  # noqa: BLE001 - shown below
            errors.append(error)

    threads = [threading.Thread(target=lead, args=(token,)) for token in (1, 2, 3, 4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    check(resource, applied=applied)
    assert {f"4.{number}" for number in range(4)} <= {*resource.entries()}


def patiently(work: Callable[[], None]) -> None:
    while True:
        with suppress(Busy):
            work()
            return
