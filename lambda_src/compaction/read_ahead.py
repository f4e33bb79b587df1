"""Run readers ahead of the consumer, in order, and bound the memory of what they hold.

Bytes are bounded, not objects: an object counts as many bytes as it may take while it is read, and
as it does take once it is read. So thousands of small objects are read as fast as the readers can,
also while the consumer commits a batch, and large ones do not add up.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Generic, TypeVar

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


@dataclass(slots=True)
class _Slot(Generic[_Item, _Result]):
    """An item that a reader has taken; `held` is how many bytes count for it."""

    item: _Item
    held: int
    read: Future[_Result] = field(default_factory=Future)


class ReadAhead(Generic[_Item, _Result]):
    """Reads items by several threads, from the start; `results` yields them in their order.

    Args:
        items: what is read. A reader that is free takes the next one, so the iterator runs in
            different threads, one at a time.
        read: reads one item, in a reader's thread. It may give up, by raising an exception, once
            the function that it is given returns true.
        expected: how many bytes reading an item is expected to take, at most.
        held: how many bytes a result takes.
        readers: how many threads there are, at most.
        most_bytes: no item is taken that would make all taken ones exceed it, unless there is no
            other. Results that take more than was expected can exceed it, by one for each reader.
    """

    def __init__(
        self,
        items: Iterator[_Item],
        read: Callable[[_Item, Callable[[], bool]], _Result],
        *,
        expected: Callable[[_Item], int],
        held: Callable[[_Result], int],
        readers: int,
        most_bytes: int,
    ) -> None:
        self._items = items
        self._read = read
        self._expected = expected
        self._held_by = held
        self._most_readers = readers
        self._most_bytes = most_bytes
        self._turn = threading.Lock()  # of the reader that takes the next item
        self._changed = threading.Condition()  # guards what follows
        self._ahead: deque[_Slot[_Item, _Result]] = deque()
        self._bytes = 0
        self._readers = 1
        self._running = 1
        self._failure: BaseException | None = None  # of `items`
        self._closed = False
        self._pool = ThreadPoolExecutor(readers, thread_name_prefix="compaction-reader")
        self._pool.submit(self._run)

    def results(self) -> Generator[tuple[_Item, Future[_Result]], None, None]:
        """Yield each item with its result, which the caller owns; raise what `items` raised."""
        while (slot := self._next()) is not None:
            yield slot.item, slot.read

    def close(self) -> list[Future[_Result]]:
        """Stop the readers; return the results that were not yielded."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._pool.shutdown(wait=True)
        left = [slot.read for slot in self._ahead]
        self._ahead.clear()
        return left

    def _next(self) -> _Slot[_Item, _Result] | None:
        with self._changed:
            self._changed.wait_for(lambda: self._ahead or not self._running)
            if not self._ahead:
                if self._failure is not None:
                    raise self._failure
                return None
            slot = self._ahead[0]
        # Without the lock, and before the slot is removed: its bytes count until it is consumed.
        slot.read.exception()
        with self._changed:
            self._ahead.popleft()
            self._bytes -= slot.held
            self._changed.notify_all()
        return slot

    def _run(self) -> None:
        try:
            while (slot := self._take()) is not None:
                self._fill(slot)
        except BaseException as error:  # noqa: BLE001 - the consumer raises it
            self._failure = error
        finally:
            with self._changed:
                self._running -= 1
                self._changed.notify_all()

    def _take(self) -> _Slot[_Item, _Result] | None:
        """Take the next item once there is room for it; None if there is none or all is closed."""
        with self._turn:
            if self._is_closed():
                return None
            try:
                item = next(self._items)
            except StopIteration:
                return None
            slot: _Slot[_Item, _Result] = _Slot(item, self._expected(item))
            with self._changed:
                self._changed.wait_for(lambda: self._closed or self._has_room_for(slot))
                if self._closed:
                    return None
                self._ahead.append(slot)
                self._bytes += slot.held
                self._add_reader()
                self._changed.notify_all()
            return slot

    def _is_closed(self) -> bool:
        return self._closed

    def _has_room_for(self, slot: _Slot[_Item, _Result]) -> bool:
        # All items in `_ahead` are being read, so the consumer can go on until it is empty.
        return not self._ahead or self._bytes + slot.held <= self._most_bytes

    def _add_reader(self) -> None:
        if self._readers < self._most_readers:
            self._readers += 1
            self._running += 1
            self._pool.submit(self._run)

    def _fill(self, slot: _Slot[_Item, _Result]) -> None:
        try:
            result = self._read(slot.item, self._is_closed)
            held = self._held_by(result)
        except BaseException as error:  # noqa: BLE001 - the consumer raises it
            self._settle(slot, 0)
            slot.read.set_exception(error)
        else:
            self._settle(slot, held)
            slot.read.set_result(result)

    def _settle(self, slot: _Slot[_Item, _Result], held: int) -> None:
        with self._changed:
            self._bytes += held - slot.held
            slot.held = held
            self._changed.notify_all()
