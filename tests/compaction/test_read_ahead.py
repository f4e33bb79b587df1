"""Readers run ahead of the consumer in order, as far as their memory allows, and stop at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import closing

import pytest

from compaction.read_ahead import ReadAhead

LONG = 30  # seconds; only a broken test waits so long

Read = Callable[[int, Callable[[], bool]], int]


def reading(
    items: Iterator[int],
    read: Read = lambda item, _: item,
    *,
    expected: int = 1,
    readers: int = 8,
    most_bytes: int = 1000,
) -> ReadAhead[int, int]:
    """Read numbers; a result takes as many bytes as it says."""
    return ReadAhead(
        items,
        read,
        expected=lambda _: expected,
        held=lambda result: result,
        readers=readers,
        most_bytes=most_bytes,
    )


def results(ahead: ReadAhead[int, int]) -> list[int]:
    with closing(ahead):
        return [read.result() for _, read in ahead.results()]


@pytest.mark.parametrize("readers", [1, 2, 8])
@pytest.mark.parametrize("most_bytes", [1, 100])
def test_results_are_in_the_order_of_the_items(readers: int, most_bytes: int) -> None:
    ahead = reading(iter(range(300)), readers=readers, most_bytes=most_bytes)
    assert results(ahead) == [*range(300)]


def test_all_readers_read_at_once_and_before_anything_is_asked_for() -> None:
    meeting = threading.Barrier(8)

    def meet(item: int, _: object) -> int:
        return meeting.wait(LONG) if item < 8 else item

    ahead = reading(iter(range(9)), meet)
    assert sorted(results(ahead)) == [*range(9)]


def test_no_more_readers_run_than_there_may_be() -> None:
    names: set[str] = set()

    def read(item: int, _: object) -> int:
        names.add(threading.current_thread().name)
        return item

    results(reading(iter(range(100)), read, readers=2))
    assert len(names) <= 2


def most_taken(*, expected: int, result: int, most_bytes: int, until: int) -> int:
    """Return the most items that are taken at once, while the first lasts until another is read."""
    taken, consumed, most, last = 0, 0, 0, threading.Event()

    def items() -> Iterator[int]:
        nonlocal taken, most
        for item in range(200):
            yield item
            taken += 1  # as the next one is asked for, so it has been let in
            most = max(most, taken - consumed)

    def read(item: int, _: object) -> int:
        if item == 0:
            last.wait(LONG)
        if item == until:
            last.set()
        return result

    with closing(reading(items(), read, expected=expected, most_bytes=most_bytes)) as ahead:
        for _ in ahead.results():
            consumed += 1
    return most


def test_items_are_taken_as_long_as_what_is_expected_of_them_has_room() -> None:
    # One more, because the consumer counts an item after its room is free.
    assert most_taken(expected=10, result=10, most_bytes=45, until=3) in {4, 5}


def test_results_that_take_more_than_was_expected_keep_further_items_waiting() -> None:
    # Eight readers may each have one that expands.
    most = most_taken(expected=10, result=100, most_bytes=200, until=2)
    assert most <= 2 + 8 + 1


def test_item_that_alone_takes_more_than_all_may_is_read() -> None:
    assert results(reading(iter([7, 8]), expected=10_000, most_bytes=10)) == [7, 8]


def test_result_that_takes_less_than_was_expected_makes_room_before_it_is_consumed() -> None:
    all_read = threading.Event()

    def read(item: int, _: object) -> int:
        if item == 99:
            all_read.set()
        return 1

    with closing(reading(iter(range(100)), read, expected=100, most_bytes=200)) as ahead:
        assert all_read.wait(LONG)
        assert len([*ahead.results()]) == 100


def fail_at(bad: int) -> Read:
    def read(item: int, _: object) -> int:
        if item == bad:
            raise ValueError(item)
        return item

    return read


def test_error_of_a_read_is_the_result_of_its_item_and_the_others_are_read() -> None:
    with closing(reading(iter(range(20)), fail_at(5))) as ahead:
        errors = [item for item, read in ahead.results() if read.exception()]
    assert errors == [5]


class Ended(BaseException):
    """Nothing catches this by accident."""


def test_error_of_measuring_a_result_is_the_result_of_its_item() -> None:
    """Otherwise the consumer waits for that item forever."""
    errors: list[BaseException | None] = []

    def consume() -> None:
        errors.extend(read.exception() for _, read in ahead.results())

    ahead = ReadAhead(
        iter([4, 0]),
        lambda item, _: item,
        expected=lambda _: 1,
        held=lambda result: 4 // result,
        readers=2,
        most_bytes=100,
    )
    with closing(ahead):
        consumer = threading.Thread(target=consume, daemon=True)
        consumer.start()
        consumer.join(LONG)
    assert [type(error) for error in errors] == [type(None), ZeroDivisionError]


def test_error_of_the_items_is_raised_after_all_that_was_taken_before() -> None:
    def items() -> Iterator[int]:
        yield from range(5)
        raise Ended

    found: list[int] = []
    with closing(reading(items())) as ahead, pytest.raises(Ended):
        found.extend(item for item, _ in ahead.results())
    assert found == [*range(5)]


def test_closing_tells_readers_to_give_up_and_returns_what_was_read() -> None:
    begun = threading.Event()

    def read(item: int, is_closed: Callable[[], bool]) -> int:
        if item < 2:
            return item
        begun.set()
        while not is_closed():
            pass
        raise Ended

    ahead = reading(iter(range(100)), read, readers=3)
    assert begun.wait(LONG)
    left: list[Future[int]] = ahead.close()
    assert [each.result() for each in left[:2]] == [0, 1]
    assert all(isinstance(each.exception(), Ended) for each in left[2:])
    assert len(left) <= 2 + 3


def test_closing_ends_a_reader_that_waits_for_room() -> None:
    asked = threading.Event()

    def items() -> Iterator[int]:
        yield 1
        asked.set()  # nothing is consumed, so there is no room for this one
        yield 2

    ahead = reading(items(), most_bytes=1)
    assert asked.wait(LONG)
    assert len(ahead.close()) == 1


def test_without_items_there_are_no_results() -> None:
    assert results(reading(iter(()))) == []
