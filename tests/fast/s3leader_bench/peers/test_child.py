from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event

import pytest

from s3leader_bench.peers.child import Child


class Library:
    """A lock library in memory; `faults` make it one that breaks its promise."""

    def __init__(self, *faults: str) -> None:
        self.held: set[str] = set()
        self.calls: list[str] = []
        self.faults = faults
        self.freed = Event()

    def make(self, name: str, lease: float) -> Lock:
        return Lock(self, name)


class Lock:
    def __init__(self, library: Library, name: str) -> None:
        self._library = library
        self._name = name

    def lead(self, body: Callable[[], object]) -> bool:
        library = self._library
        if "raises" in library.faults and library.calls:
            raise OSError("no store")
        if self._name in library.held and "never loses" not in library.faults:
            library.calls.append("lost")
            return False
        library.calls.append("won")
        library.held.add(self._name)
        body()
        if "never releases" not in library.faults:
            library.held.discard(self._name)
        return True


@contextmanager
def released(child: Child) -> Iterator[Child]:
    yield child
    child._release()


def test_a_win_is_prepared_by_a_term_that_is_not_measured() -> None:
    library = Library()
    child = Child(library.make)
    child.prepare_win(["a", "b"], 300)
    before = len(library.calls)
    took = child.perform()
    assert library.calls[before:] == ["won", "won"]
    assert took.keys() == {"wall", "cpu"}


def test_losses_are_those_of_candidates_while_others_hold() -> None:
    library = Library()
    with released(Child(library.make)) as child:
        child.prepare_loss(["a", "b"], 300)
        before = len(library.calls)
        child.perform()
        assert library.calls[before:] == ["lost", "lost"]


def test_holders_release_when_the_next_losses_are_prepared() -> None:
    library = Library()
    with released(Child(library.make)) as child:
        child.prepare_loss(["a"], 300)
        child.prepare_loss(["b"], 300)
        assert library.held == {"b"}


def test_a_library_that_does_not_lose_is_an_error() -> None:
    with released(Child(Library("never loses").make)) as child:
        child.prepare_loss(["a"], 300)
        with pytest.raises(RuntimeError, match="expected to lose"):
            child.perform()


def test_a_library_that_does_not_release_is_an_error() -> None:
    child = Child(Library("never releases").make)
    child.prepare_win(["a"], 300)
    with pytest.raises(RuntimeError, match="expected to win"):
        child.perform()


def test_a_takeover_that_is_refused_is_a_result() -> None:
    library = Library()
    child = Child(library.make)
    child.gain_experience("a", 2)
    library.held.add("a")
    assert child.take_over() == {"failure": "refused"}


def test_a_takeover_that_raises_is_a_result_with_its_name() -> None:
    child = Child(Library("raises").make)
    child.gain_experience("a", 2)
    assert child.take_over() == {"failure": "OSError"}


def test_a_takeover_that_succeeds_has_its_seconds() -> None:
    child = Child(Library().make)
    child.gain_experience("a", 2)
    assert child.take_over().keys() == {"seconds"}
