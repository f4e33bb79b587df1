"""Many candidates in threads, in real time, over one store: an unprotected counter shows races."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from s3leader import Election, NotElected, Term
from s3leader._core.requests import Replace, StoreAnswer, StoreRequest
from s3leader._io.memory_store import MemoryStore
from s3leader._io.seams import Seams

CANDIDATES, EACH = 8, 12


class Counter:
    """Loses counts if two add at once: other threads run between its read and its write."""

    def __init__(self) -> None:
        self.value = 0
        self.tokens: list[int] = []

    def add(self, token: int) -> None:
        seen = self.value
        self.tokens.append(token)
        threading.Event().wait(0.0005)
        self.value = seen + 1


@pytest.fixture
def workers() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(CANDIDATES) as pool:
        yield pool


def candidate(store: MemoryStore) -> Election:
    def sleep(seconds: float) -> None:
        threading.Event().wait(seconds / 100)  # the same waits, a hundred times as fast

    return Election._with_seams("e", Seams(store=store, sleep=sleep))


def work(store: MemoryStore, counter: Counter) -> None:
    election = candidate(store)
    for _ in range(EACH):
        term = election.campaign(wait=timedelta(seconds=60))
        assert isinstance(term, Term)
        with term:
            counter.add(term.fencing_token)


def test_unprotected_counter_loses_no_count_under_leadership(workers: ThreadPoolExecutor) -> None:
    store, counter = MemoryStore(), Counter()
    for done in [workers.submit(work, store, counter) for _ in range(CANDIDATES)]:
        done.result()
    assert counter.value == CANDIDATES * EACH
    assert counter.tokens == sorted(set(counter.tokens))


def test_counter_does_lose_counts_without_leadership(workers: ThreadPoolExecutor) -> None:
    """Else the test above would prove nothing."""
    counter = Counter()
    for done in [workers.submit(counter.add, 1) for _ in range(CANDIDATES * EACH)]:
        done.result()
    assert counter.value < CANDIDATES * EACH


def test_of_many_candidates_at_once_exactly_one_wins_each_tick(
    workers: ThreadPoolExecutor,
) -> None:
    store, together = MemoryStore(), threading.Barrier(CANDIDATES)

    def contend(election: Election, tick: str) -> Term | NotElected:
        together.wait()
        return election.campaign(tick)

    elections = [candidate(store) for _ in range(CANDIDATES)]
    for hour in range(20):
        results = workers.map(contend, elections, [f"2026-11-23T{hour:02}:00:00Z"] * CANDIDATES)
        (term,) = (result for result in results if isinstance(result, Term))
        assert term.number == hour + 1
        term.resign()


class NoticedLock:
    """A lock that says when the main thread asks for it."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self._lock = threading.RLock()

    def __enter__(self) -> None:
        if threading.current_thread() is threading.main_thread():
            self.asked.set()
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()


@pytest.mark.parametrize("raised", [None, ZeroDivisionError()], ids=repr)
def test_a_block_that_is_left_while_another_thread_resigns_has_ended(
    raised: Exception | None, caplog: pytest.LogCaptureFixture
) -> None:
    """As a shutdown hook does that resigns on its own."""
    lock, sealing = NoticedLock(), threading.Event()

    class SlowStore(MemoryStore):
        def perform(self, request: StoreRequest) -> StoreAnswer:
            if isinstance(request, Replace) and b'"reason": "shutdown"' in request.body:
                sealing.set()
                assert lock.asked.wait(60)
            return super().perform(request)

    def leave(term: Term) -> None:
        with term:
            hook.start()
            assert sealing.wait(60)
            if raised is not None:
                raise raised

    term = candidate(SlowStore()).campaign()
    assert isinstance(term, Term)
    term._writing = lock  # type: ignore[assignment]
    hook = threading.Thread(target=term.resign, args=("resigned", "shutdown"))
    if raised is None:
        leave(term)
    else:
        with pytest.raises(ZeroDivisionError):
            leave(term)
    hook.join()
    assert (term.outcome, caplog.text) == ("resigned", "")
