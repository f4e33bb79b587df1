"""Groups of workers in virtual time: what ships, apart from threads, under faults and seeds."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from s3leader._partitions import worker as module
from s3leader._partitions.members import Members
from s3leader._partitions.tasks import Wish
from s3leader_bench.virtual_workers import VirtualWorker, VirtualWorkers

LONG = 120.0  # virtual seconds, well above lease, allowance and all pauses


def settled(workers: int, *, partitions: int = 12, **options: Any) -> VirtualWorkers:
    """Return a group whose workers have their shares."""
    group = VirtualWorkers(partitions, **options)
    for _ in range(workers):
        group.start()
    assert group.run_for(LONG, group.is_fair) is not None
    group.run_for(30)
    group.wins = 0
    group.gaps_ms.clear()
    return group


def fair_after(group: VirtualWorkers, seconds: float) -> bool:
    return group.run_for(seconds, group.is_fair) is not None


def wreak(group: VirtualWorkers, number: int) -> None:
    """Let workers come, go, die, pause and lose the connection at random moments."""
    for _ in range(number):
        group.run_for(group.random.uniform(0.1, 25))
        alive = [one for one in group.workers if one.alive and not one.worker.ended]
        what = group.random.choice(["start", "stop", "kill", "pause", "cut off", "connect"])
        if what == "start" or not alive:
            group.start()
            continue
        one = group.random.choice(alive)
        if what == "stop":
            group.stop(one)
        elif what == "kill":
            group.kill(one)
        elif what == "pause":
            group.pause(one, group.random.uniform(1, 40))
        else:
            one.cut_off = what == "cut off"


@pytest.mark.parametrize("seed", range(12))
def test_after_any_trouble_shares_are_fair_and_no_partition_ever_had_two_leaders(
    seed: int,
) -> None:
    group = VirtualWorkers(12, seed=seed, work_takes_ms=(0, 400, 8000)[seed % 3])
    wreak(group, 25)
    for one in group.workers:
        one.cut_off = False
    group.start()
    assert (fair_after(group, LONG), group.overlaps) == (True, [])


@pytest.mark.parametrize("is_queued", [True, False])
def test_an_action_whose_start_was_interrupted_runs_once_at_most_and_is_started_again(
    is_queued: bool,  # noqa: FBT001 - a case
) -> None:
    group = settled(1, partitions=1)
    worker = group.workers[0].worker
    submit, queued = worker.submit, []

    def interrupted(action: Any) -> None:
        if is_queued:
            queued.append(action)
        raise KeyboardInterrupt

    worker.submit = interrupted
    with pytest.raises(KeyboardInterrupt):
        group.run_for(LONG)
    worker.submit = submit
    group.workers[0].sent.clear()
    for action in queued:
        action()
    assert not group.workers[0].sent
    group._step(group.workers[0])
    group.run_for(LONG)
    assert (group.is_fair(), group.wins) == (True, 0)  # all renewed in time
    group.stop(group.workers[0])
    group.run_for(LONG)
    assert worker.ended  # no action counts as running for ever


def test_when_nothing_happens_nothing_moves_and_only_renewals_and_reads_are_sent() -> None:
    group = settled(5)
    for one in group.workers:
        one.sent.clear()
    group.run_for(600)
    assert {kind for one in group.workers for kind in one.sent} == {"PUT", "GET"}
    assert all(550 <= one.sent["GET"] <= 800 for one in group.workers)  # 5 in 4.5 to 5 s
    assert (group.wins, sorted(group.shares())) == (0, [2, 2, 2, 3, 3])


def test_a_worker_that_joins_gets_its_share_within_seconds_and_only_that_moves() -> None:
    group = settled(3)
    group.start()
    assert (fair_after(group, 10), group.wins, group.shares()) == (True, 3, [3, 3, 3, 3])


@pytest.mark.parametrize("seed", [1, 5])
def test_the_partitions_of_a_dead_worker_are_shared_out_as_soon_as_its_lease_is_over(
    seed: int,
) -> None:
    """The workers read its slot when it can have lapsed, so no whole pause comes on top."""
    group = settled(4, seed=seed)
    group.kill(group.workers[0])
    assert (fair_after(group, 17), fair_after(group, 3)) == (False, True)
    assert (group.wins, group.shares()) == (3, [4, 4, 4])


@pytest.mark.parametrize(("threads", "keeps"), [(10, True), (1, False)])
def test_the_renewals_of_64_short_leases_do_not_starve(threads: int, *, keeps: bool) -> None:
    """Each request takes 50 to 250 ms. The second case shows that too few threads are noticed."""
    group = VirtualWorkers(
        64, lease=timedelta(seconds=5), threads=threads, delay_ms=(50, 250), seed=1
    )
    group.start()
    group.run_for(25)
    assert ((group.wins, group.all_led()) == (64, True)) is keeps


def test_renewals_do_not_starve_while_32_partitions_are_taken_over() -> None:
    """Each request takes 200 to 400 ms."""
    group = VirtualWorkers(64, lease=timedelta(seconds=5), delay_ms=(200, 400))
    for _ in range(2):
        group.start()
    assert fair_after(group, LONG)
    group.kill(group.workers[1])
    assert group.run_for(LONG, group.all_led) is not None
    group.run_for(10)
    assert (group.wins, group.all_led()) == (64 + 32, True)


def test_with_a_long_lease_newcomers_are_noticed_as_soon() -> None:
    group = settled(3, lease=timedelta(minutes=5))
    group.start()
    assert fair_after(group, 10)


def test_the_partitions_of_a_worker_that_leaves_are_shared_out_within_seconds() -> None:
    group = settled(4)
    one = group.workers[0]
    group.stop(one)
    assert group.run_for(10, lambda: one.worker.ended and group.is_fair()) is not None
    assert group.wins == 3


def test_work_that_is_slow_to_stop_keeps_its_partition_until_it_has_ended() -> None:
    group = settled(2, work_takes_ms=60_000)
    group.start()
    assert (fair_after(group, 55), fair_after(group, 20), group.overlaps) == (False, True, [])
    assert min(group.gaps_ms) < 3_000


def test_workers_that_lose_the_connection_together_come_back_to_what_they_had() -> None:
    group = settled(4)
    before = [one.worker.leading for one in group.workers]
    for one in group.workers:
        one.cut_off = True
    group.run_for(60)
    assert group.shares() == [0, 0, 0, 0]
    for one in group.workers:
        one.cut_off = False
    group.run_for(LONG)
    assert ([one.worker.leading for one in group.workers], group.wins) == (before, 12)


def test_a_short_outage_moves_nothing() -> None:
    group = settled(4)
    for one in group.workers:
        one.cut_off = True
    group.run_for(8)
    for one in group.workers:
        one.cut_off = False
    group.run_for(LONG)
    assert group.wins == 0


def test_max_share_limits_a_worker_and_the_others_lead_more() -> None:
    group = VirtualWorkers(12)
    group.start(max_share=2)
    group.run_for(60)
    assert group.shares() == [2]
    group.start()
    group.run_for(60)
    assert group.shares() == [2, 10]


def test_a_worker_beyond_the_slots_waits_and_follows_one_that_leaves() -> None:
    group = settled(2, max_workers=2)
    group.start()
    group.run_for(60)
    assert group.shares() == [6, 6, 0]
    group.stop(group.workers[0])
    assert fair_after(group, 20)


def test_a_worker_whose_slot_was_taken_while_it_was_paused_gives_all_up() -> None:
    """With all slots taken, it has no share: it must not keep what it still leads."""
    group = settled(2, max_workers=2)
    group.workers[0].worker.members.leave("as if it was lost")
    group.start()
    assert fair_after(group, LONG) is False
    assert group.shares() == [0, 6, 6]


@pytest.mark.parametrize("worker", [0, 1])
def test_a_corrupt_lock_is_reported_and_the_other_partitions_are_led(worker: int) -> None:
    group = VirtualWorkers(6)
    group.store.put("elections/p01/lock_0000000001.json", b"[]")
    group.start()
    group.start()
    group.run_for(300)
    errors = [name for one in group.workers for name, _ in one.errors]
    assert (sum(group.shares()), {*errors}, 3 <= len(errors) <= 20) == (5, {"p01"}, True)


def failing(group: VirtualWorkers, one: VirtualWorker, name: str) -> None:
    one.works[name].error = ZeroDivisionError("no such thing")
    one.works[name].ask_to_stop()


def test_work_that_raises_fails_its_term_and_is_tried_again_less_and_less_often() -> None:
    group = settled(1, partitions=3)
    one = group.workers[0]
    for _ in range(40):
        failing(group, one, "p01")
        group.run_for(3)
    reported = [error for name, error in one.errors if name == "p01"]
    assert (3 <= len(reported) <= 12, type(reported[0])) == (True, ZeroDivisionError)
    history = one.worker.elections[1].history(1)
    assert (history[0].outcome, group.run_for(LONG, group.all_led) is not None) == ("failed", True)


def test_a_deposed_partition_is_given_up_and_led_again() -> None:
    group = settled(2)
    group.workers[0].worker.elections[3].depose(reason="test", force=True)
    assert (fair_after(group, 30), group.overlaps) == (True, [])
    group.run_for(30)
    assert (group.wins, group.all_led()) == (1, True)


def test_a_worker_that_stops_while_s3_does_not_answer_ends() -> None:
    group = settled(2)
    one = group.workers[0]
    one.cut_off = True
    group.stop(one)
    group.run_for(LONG)
    assert (one.worker.ended, group.is_fair()) == (True, True)


def test_surplus_that_is_never_given_up_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    proper = module.Worker._wish

    def never_give_up(self: module.Worker, name: str) -> Wish:
        wish = proper(self, name)
        return Wish.KEEP if wish is Wish.GIVE_UP else wish

    monkeypatch.setattr(module.Worker, "_wish", never_give_up)
    group = settled(2)
    group.start()
    assert fair_after(group, LONG) is False


def test_newcomers_that_are_not_seen_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    read = Members.read
    monkeypatch.setattr(
        Members, "read", lambda self: {s: n for s, n in read(self).items() if s in {0, self.slot}}
    )
    group = VirtualWorkers(12)
    for _ in range(3):
        group.start()
    assert fair_after(group, LONG) is False
