"""What `s3leader watch` sees, look by look, over the memory store."""

from __future__ import annotations

import json

import pytest

from s3leader import repair
from s3leader._core.requests import List, Read
from s3leader._io.memory_store import Fault
from s3leader_cli.observe.changes import Watcher
from s3leader_cli.observe.watch import looks_of
from tests.s3leader_cli.observe.conftest import TICK, Bucket

LATER = "2026-11-23T07:00:00Z"


class Watched:
    def __init__(self, bucket: Bucket) -> None:
        self.bucket = bucket
        self.watcher = Watcher(bucket.election(candidate="watcher"))

    def look(self) -> list[str]:
        self.bucket.store.requests.clear()
        return [change.kind for change in self.watcher.look()]

    def requests(self) -> list[type]:
        return [type(each) for each in self.bucket.store.requests]


@pytest.fixture
def watched(bucket: Bucket) -> Watched:
    return Watched(bucket)


def test_a_leader_that_dies_is_lapsing_then_lapsed_then_taken_over(watched: Watched) -> None:
    watched.bucket.lead()
    assert watched.look() == ["leads"]
    seen: list[str] = []
    for _ in range(40):
        watched.bucket.pass_time(1)
        seen += watched.look()
    assert seen == ["lapsing", "lapsed"]
    watched.bucket.lead(candidate="c2")
    ended, leads = watched.watcher.look()
    assert (ended.kind, ended.text) == ("ended", "term 1 ended, deposed: lapsed; sealed by c2")
    assert leads.text == f"c2 has taken over and leads term 2 for tick {TICK}, attempt 2"
    assert leads.as_json("nightly")["took_over"] is True


def test_a_leader_that_renews_late_is_seen(watched: Watched) -> None:
    term = watched.bucket.lead()
    watched.look()
    watched.bucket.pass_time(30)
    assert watched.look() == ["lapsing"]
    lock = watched.watcher.lock
    assert lock is not None
    assert term.number == lock.term
    watched.bucket.put(1, json.loads(lock.encode()) | {"renewals": 2})
    assert watched.look() == ["renewed late"]


def test_renewals_are_no_changes_and_checkpoints_are(watched: Watched) -> None:
    term = watched.bucket.lead()
    watched.look()
    term.renew()
    assert watched.look() == []
    term.save({"rows": 3})
    assert watched.look() == ["progress"]
    term.resign()
    assert watched.look() == ["ended"]
    assert watched.look() == []


def test_terms_that_begin_and_end_between_two_looks_are_all_seen(watched: Watched) -> None:
    watched.bucket.lead().resign(outcome="failed")
    watched.look()
    for _ in range(25):
        watched.bucket.lead().resign(outcome="failed")
    assert watched.look() == ["leads", "ended"] * 25


def test_a_look_costs_one_or_two_reads(watched: Watched) -> None:
    term = watched.bucket.lead()
    watched.look()
    assert watched.requests() == [List, Read]
    watched.look()
    assert watched.requests() == [Read, Read]
    term.resign()
    watched.look()
    watched.look()
    assert watched.requests() == [Read]


def test_an_election_without_locks_waits_for_its_first_term(watched: Watched) -> None:
    assert (watched.look(), watched.look()) == ([], [])
    watched.bucket.lead()
    assert watched.look() == ["leads"]


def test_a_corrupt_lock_is_one_change_until_it_is_sealed(watched: Watched) -> None:
    watched.bucket.put(1, "?")
    assert (watched.look(), watched.look()) == (["corrupt"], [])
    watched.bucket.election().depose(reason="corrupt", force=True, done="none")
    assert watched.look() == ["ended"]


def test_errors_are_shown_once_and_watching_goes_on(bucket: Bucket) -> None:
    bucket.lead()
    bucket.store.script(Fault.REFUSED, on=Read, nth=4, times=2)
    looks = looks_of(Watcher(bucket.election()), 0.001, None)
    events = [[change.kind for change in next(looks)] for _ in range(5)]
    assert events == [["leads"], [], ["error"], [], ["recovered"]]


def test_each_change_is_a_line_of_json(bucket: Bucket) -> None:
    bucket.lead().resign()
    code, out, _ = bucket.run("watch", "nightly", "--for", "0", "--json")
    events = [json.loads(line) for line in out.splitlines()]
    assert (code, [each["event"] for each in events]) == (0, ["leads", "ended"])
    assert [each["holder"] for each in events] == ["c1", "c1"]


def test_it_ends_when_the_tick_is_done(bucket: Bucket) -> None:
    bucket.lead().resign()
    assert bucket.run("watch", "nightly", "--until-done", TICK)[0] == 0
    words = ("watch", "nightly", "--until-done", LATER, "--for", "0.1s", "--interval", "0.1")
    code, out, _ = bucket.run(*words)
    assert (code, "ended" in out) == (1, True)


def test_a_mistyped_name_suggests_others(bucket: Bucket) -> None:
    bucket.lead()
    assert "Similar names: nightly." in bucket.run("watch", "nightli", "--for", "0")[2]


class Restarted:
    """An election of two sealed terms, watched, whose locks are then changed by hand."""

    def __init__(self, bucket: Bucket) -> None:
        self.bucket = bucket
        for _ in range(2):
            bucket.lead().resign("failed")
        self.watcher = Watcher(bucket.election(candidate="watcher"), list_every=3)
        assert self.look() == ["leads", "ended"]

    def look(self) -> list[str]:
        return [change.kind for change in self.watcher.look()]

    def looks(self) -> list[str]:
        return [kind for _ in range(3) for kind in self.look()]

    def body(self, term: int) -> bytes:
        return self.bucket.store.body(f"elections/nightly/lock_{term:010d}.json")

    def delete(self) -> None:
        for key in self.bucket.store.keys():  # noqa: SIM118 - no dict
            self.bucket.store.delete(key)


@pytest.fixture
def restarted(bucket: Bucket) -> Restarted:
    return Restarted(bucket)


@pytest.mark.parametrize("terms", [1, 2])
def test_numbers_that_restart_are_noticed(restarted: Restarted, terms: int) -> None:
    restarted.delete()
    for _ in range(terms - 1):
        restarted.bucket.lead(candidate="new").resign("failed")
    term = restarted.bucket.lead(candidate="newer")
    assert restarted.looks() == ["restarted", "leads"]
    term.resign("failed")
    restarted.bucket.lead()
    assert restarted.looks() == ["ended", "leads"]


def test_repair_that_restarts_the_numbers_is_noticed(restarted: Restarted) -> None:
    repair.restart_numbers(restarted.bucket.election(), above=40, done="none", reason="lost")
    assert restarted.looks() == ["corrupt"]  # the note that closes the old numbers
    assert restarted.looks() == ["restarted", "leads", "ended"]
    restarted.bucket.lead()
    assert restarted.looks() == ["leads"]


@pytest.mark.parametrize("number", [4, 40])
def test_numbers_that_go_on_higher_up_are_noticed(restarted: Restarted, number: int) -> None:
    restarted.bucket.put(number, json.loads(restarted.body(2)) | {"term": number})
    assert restarted.looks() == ["restarted", "leads", "ended"]


def test_locks_that_are_all_deleted_are_noticed_at_once_while_somebody_leads(
    restarted: Restarted,
) -> None:
    restarted.bucket.lead()
    restarted.look()
    restarted.delete()
    (change,) = restarted.watcher.look()
    assert (change.kind, "none is left" in change.text) == ("restarted", True)
    assert restarted.looks() == []
    restarted.bucket.lead()
    assert restarted.looks() == ["leads"]


def test_a_ledger_without_new_terms_has_not_restarted(restarted: Restarted) -> None:
    assert restarted.looks() == []
    restarted.bucket.lead()
    assert restarted.looks() == ["leads"]
    assert restarted.looks() == []


def test_a_first_term_may_have_any_number(bucket: Bucket) -> None:
    watcher = Watcher(bucket.election(candidate="watcher"), list_every=1)
    assert list(watcher.look()) == []
    repair.restart_numbers(bucket.election(), above=17, done="none", reason="lost")
    bucket.store.delete("elections/nightly/lock_0000000001.json")
    assert [each.kind for each in watcher.look()] == ["leads", "ended"]
