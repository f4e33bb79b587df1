"""`s3leader repair move` and `restart-numbers`: what they ask, print and leave."""

import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from s3leader import Election, NotElected, Term, testing
from s3leader._core.requests import Create
from s3leader._io.memory_store import Fault, MemoryStore
from s3leader_cli.__main__ import main
from s3leader_cli.options import ElectionPlace

TICK, NEXT = "2026-11-23T06:00:00Z", "2026-11-23T07:00:00Z"
MOVE = ("move", "nightly", "new")
RESTART = ("restart-numbers", "nightly", "--above", "41", "--done", TICK)


@dataclass
class Buckets:
    """The bucket `locks`, with one completed term, and any others."""

    capsys: pytest.CaptureFixture[str]
    stores: dict[str, MemoryStore]
    clock: testing.FakeClock
    places: list[ElectionPlace]

    def elect(self, place: ElectionPlace) -> Election:
        self.places.append(place)
        return self.election(place.bucket, place.prefix)

    def election(self, bucket: str = "locks", prefix: str = "elections/") -> Election:
        store = self.stores.setdefault(bucket, MemoryStore(clock_ms=self.clock.read_ms))
        return testing.election("nightly", store=store, clock=self.clock, prefix=prefix)

    def lead(self, tick: str, bucket: str = "locks") -> Term:
        term = self.election(bucket).campaign(tick)
        assert isinstance(term, Term)
        return term

    def run(self, words: Sequence[str], *more: str, answer: str | None = "yes") -> Any:
        ask = None if answer is None else lambda _: answer
        argv = ["repair", *words, "--bucket", "locks", *more]
        code = main(argv, elect=self.elect, ask=ask)
        return code, *self.capsys.readouterr()


@pytest.fixture
def buckets(capsys: pytest.CaptureFixture[str]) -> Buckets:
    made = Buckets(capsys, {}, testing.FakeClock(), [])
    made.clock.ms = 1_795_413_601_000  # 2026-11-23T06:00:01Z
    made.lead(TICK).resign()
    return made


def test_a_ledger_is_moved_after_the_plan_was_shown(buckets: Buckets) -> None:
    code, out, err = buckets.run(MOVE)
    assert code == 0
    assert "s3://new/elections/nightly/ goes on after term 1" in out
    assert "lock_0000000002.json: close it with a note" in err
    assert buckets.lead(NEXT, "new").number == 2


@pytest.mark.parametrize("words", [MOVE, RESTART], ids=["move", "restart"])
@pytest.mark.parametrize("answer", ["no", None], ids=["no", "no terminal"])
def test_nothing_is_changed_without_a_yes(
    buckets: Buckets, words: Sequence[str], answer: str | None
) -> None:
    keys = buckets.stores["locks"].keys()
    code, _, err = buckets.run(words, answer=answer)
    assert (code, "nothing was changed" in err) == (1, True)
    assert buckets.stores["locks"].keys() == keys


@pytest.mark.parametrize("words", [MOVE, RESTART], ids=["move", "restart"])
def test_a_repair_that_is_done_asks_nobody(buckets: Buckets, words: Sequence[str]) -> None:
    buckets.run(words)
    code, out, _ = buckets.run(words, answer=None)
    assert (code, out.startswith("Nothing to do: ")) == (0, True)


@pytest.mark.parametrize("words", [MOVE, RESTART], ids=["move", "restart"])
def test_nobody_is_asked_while_somebody_leads(buckets: Buckets, words: Sequence[str]) -> None:
    buckets.lead(NEXT)
    code, _, err = buckets.run(words, answer=None)
    assert (code, "its lease is good" in err, "add --yes" in err) == (1, True, False)


def test_the_new_place_may_have_another_prefix_region_and_key(buckets: Buckets) -> None:
    more = ["--new-prefix", "jobs/", "--new-region", "eu-west-1", "--new-encryption", "AES256"]
    assert buckets.run(MOVE, *more)[0] == 0
    (new,) = {place for place in buckets.places if place.bucket == "new"}
    assert (new.prefix, new.region, new.encryption) == ("jobs/", "eu-west-1", "AES256")


def test_a_ledger_is_not_moved_onto_itself(buckets: Buckets) -> None:
    assert buckets.run(("move", "nightly", "locks"))[0] == 2


@pytest.mark.parametrize("bucket", ["s3://new", "arn:aws:s3:::new"])
def test_an_address_in_the_place_of_the_new_buckets_name_is_refused(
    buckets: Buckets, bucket: str
) -> None:
    assert buckets.run(("move", "nightly", bucket))[0] == 2


def test_an_election_without_a_lock_is_exit_code_3(buckets: Buckets) -> None:
    buckets.stores.clear()
    assert buckets.run(MOVE)[0] == 3


def test_numbers_restart_above_the_highest_and_done_ticks_stay_done(buckets: Buckets) -> None:
    buckets.stores["locks"].delete("elections/nightly/lock_0000000001.json")
    code, out, err = buckets.run(RESTART)
    assert (code, "the next term is 43" in out, "No lock is left" in err) == (0, True, True)
    result = buckets.election().campaign(TICK)
    assert isinstance(result, NotElected)
    assert buckets.lead(NEXT).number == 43


def test_a_tick_that_a_finished_restart_leaves_open_is_a_finding(buckets: Buckets) -> None:
    buckets.run(RESTART)
    buckets.clock.ms += 3_600_000
    words = (*RESTART[:-1], NEXT)
    code, _, err = buckets.run(words)
    assert (code, "use s3leader skip" in err) == (1, True)


@pytest.mark.parametrize("more", [["--above", "0"], ["--done", "soon"], ["--reason", " "]])
def test_what_cannot_be_is_a_usage_error(buckets: Buckets, more: list[str]) -> None:
    assert buckets.run(RESTART, *more)[0] == 2


def test_json_names_the_places_and_the_lock(buckets: Buckets) -> None:
    moved = json.loads(buckets.run(MOVE, "--json")[1])
    assert moved == {
        "moved": True,
        "from": "s3://locks/elections/nightly/",
        "to": "s3://new/elections/nightly/",
        "term": 1,
        "term_there": 1,
    }


def test_json_shows_the_lock_of_a_restart(buckets: Buckets) -> None:
    said = json.loads(buckets.run(RESTART, "--json", "--yes", answer=None)[1])
    assert (said["restarted"], said["lock"]["term"]) == (True, 42)
    assert said["lock"]["reason"] == "restored by an operator: locks were deleted"


def test_the_configuration_file_is_for_the_commands_of_the_group(
    buckets: Buckets, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "config.toml"
    file.write_text('bucket = "locks"\n')
    monkeypatch.setenv("S3LEADER_CONFIG", str(file))
    monkeypatch.delenv("S3LEADER_BUCKET", raising=False)
    assert main(["repair", *MOVE, "--yes"], elect=buckets.elect) == 0


@pytest.mark.parametrize("words", [MOVE, RESTART], ids=["move", "restart"])
def test_an_interruption_says_that_the_repair_may_be_half_done(
    buckets: Buckets, words: Sequence[str]
) -> None:
    """Then nobody can lead, at the old place or at the new one, until it is finished."""
    creates = itertools.count()

    def interrupts(request: object) -> bool:
        if isinstance(request, Create) and next(creates) == 1:
            raise KeyboardInterrupt
        return False

    buckets.election("new")
    for store in buckets.stores.values():
        store.script(Fault.ANSWER_LOST, on=interrupts)
    code, _, err = buckets.run(words)
    assert (code, "run the same command again" in err) == (130, True)
    assert buckets.run(words)[0] == 0
