"""What goes wrong in a worker's own process: no threads, interrupts, limits that leave a rest."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest

from s3leader_bench.virtual_workers import VirtualWorker, VirtualWorkers
from tests.fast.s3leader._partitions.test_worker import LONG, settled


def all_sealed(group: VirtualWorkers) -> bool:
    heads = [one.observe() for one in group.workers[0].worker.elections]
    return all(head is not None and head.sealed for head in heads)


@pytest.mark.parametrize("is_queued", [True, False])
def test_without_threads_all_is_renewed_and_given_up_all_the_same(*, is_queued: bool) -> None:
    """As while the interpreter shuts down, when an executor accepts nothing more."""
    group = settled(1)
    worker, queued = group.workers[0].worker, list[Callable[[], None]]()

    def no_thread(action: Callable[[], None]) -> None:
        if is_queued:
            queued.append(action)
        raise RuntimeError("cannot schedule new futures after interpreter shutdown")

    worker.submit = no_thread
    group.run_for(LONG)
    assert (group.wins, group.all_led()) == (0, True)
    group.stop(group.workers[0])
    group.run_for(LONG)
    requests = len(group.store.requests)
    for action in queued:
        action()
    assert len(group.store.requests) == requests  # no action runs a second time
    assert (worker.ended, all_sealed(group)) == (True, True)


def test_an_interrupt_before_an_action_is_submitted_leaves_nothing_busy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    group = settled(1, partitions=1)

    def interrupted() -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("s3leader._partitions.worker.threading.Lock", interrupted)
        with pytest.raises(KeyboardInterrupt):
            group.run_for(LONG)
    group.stop(group.workers[0])
    group.run_for(LONG)
    assert (group.workers[0].worker.ended, all_sealed(group)) == (True, True)


@pytest.mark.parametrize("error", [SystemExit(3), ZeroDivisionError()], ids=repr)
def test_an_action_that_raises_anything_is_reported_and_does_not_count_as_running(
    error: BaseException,
) -> None:
    group = settled(1, partitions=2)
    one, raised = group.workers[0], list[BaseException]()

    def renew(*_: object) -> float:
        raise error

    one.worker._renew = renew  # type: ignore[method-assign, assignment]
    for task in one.worker._partitions:
        task.due_ms = group.ms
    submit = one.worker.submit

    def in_thread(action: Callable[[], None]) -> None:
        """As an executor: what an action raises ends there."""

        def act() -> None:
            try:
                action()
            except BaseException as caught:  # noqa: BLE001
                raised.append(caught)

        submit(act)

    one.worker.submit = in_thread
    group.run_for(10)
    del one.worker._renew
    assert {type(each) for _, each in one.errors} == {type(error)}
    assert bool(raised) is isinstance(error, SystemExit)
    group.stop(one)
    group.run_for(LONG)
    assert (one.worker.ended, all_sealed(group)) == (True, True)


def test_work_that_goes_on_although_its_term_is_lost_is_reported_once() -> None:
    group = settled(1, partitions=2, work_takes_ms=600_000)
    one = group.workers[0]
    one.worker.elections[0].depose(reason="test", force=True)
    group.run_for(500)
    assert [name for name, _ in one.errors] == ["p00"]
    assert one.works["p00"].is_alive()


def unassigned(one: VirtualWorker) -> list[str]:
    return sorted(one.worker.share.unassigned)


def test_partitions_beyond_all_limits_are_named_and_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, logger="s3leader")
    group = VirtualWorkers(12)
    group.start(max_share=5)
    group.start(max_share=4)
    group.run_for(LONG)
    assert [unassigned(one) for one in group.workers] == [["p09", "p10", "p11"]] * 2
    both = [record.getMessage() for record in caplog.records if "of 2 workers" in record.message]
    assert [text.split(":")[1] for text in both] == [
        " nobody may lead 3 of 12 partitions (p09, p10, p11)"
    ] * 2
    group.start()
    group.run_for(LONG)
    assert [unassigned(one) for one in group.workers] == [[]] * 3
    assert "group group: each partition is in a share again" in caplog.messages


def test_enough_room_is_logged_at_no_time(caplog: pytest.LogCaptureFixture) -> None:
    group = settled(3)
    group.kill(group.workers[0])
    group.run_for(LONG)
    assert "nobody may lead" not in caplog.text
