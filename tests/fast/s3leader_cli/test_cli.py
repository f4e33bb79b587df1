"""The `s3leader` command over the memory store, whose clock the tests set."""

import argparse
import json
import sys
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from s3leader import Election, Term
from s3leader._core.requests import Create
from s3leader._io.memory_store import MemoryStore
from s3leader_cli.__main__ import main

TICK = "2026-11-23T06:00:00Z"
START_MS = 1_795_413_601_000  # 2026-11-23T06:00:01Z
FIRST, SECOND = (f"elections/nightly/lock_000000000{n}.json" for n in (1, 2))


class Desk:
    """An operator's desk: one bucket, one clock for S3 and everybody's stopwatch."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self.now_ms = START_MS
        self.store = MemoryStore(clock_ms=lambda: self.now_ms)
        self.capsys = capsys
        self.asked: list[str] = []
        self.meanwhile: Callable[[], object] = lambda: None

    def election(
        self, candidate: str = "operator", lease: timedelta = timedelta(seconds=30)
    ) -> Election:
        return Election(
            "nightly",
            store=self.store,
            clock_ms=lambda: self.now_ms,
            candidate=candidate,
            lease=lease,
        )

    def lead(self, candidate: str = "c1") -> Term:
        term = self.election(candidate=candidate).campaign(tick=TICK)
        assert isinstance(term, Term)
        return term

    def run(self, *argv: str, answer: str | None = None) -> tuple[int, str, str]:
        def elect(options: argparse.Namespace) -> Election:
            return self.election(lease=options.lease)

        def ask(question: str) -> str:
            self.asked.append(question)
            self.meanwhile()
            return answer or ""

        command, *rest = argv
        words = [command, "nightly", "--bucket", "locks", *rest]
        code = main(words, elect=elect, ask=None if answer is None else ask)
        out, err = self.capsys.readouterr()
        return code, out, err

    def look(self) -> dict[str, Any]:
        _, out, _ = self.run("status", "--json")
        report: dict[str, Any] = json.loads(out)
        return report

    def corrupt(self) -> None:
        self.store.perform(Create(FIRST, b"[]"))

    def stand_still(self, seconds: float) -> None:
        self.now_ms += int(seconds * 1000)


@pytest.fixture
def desk(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setenv("COLUMNS", "200")
    return Desk(capsys)


def test_status_of_an_election_without_locks_says_that_term_1_is_free(desk: Desk) -> None:
    assert desk.look()["contender_would"] == "create lock 1, and lead term 1"


def test_status_names_the_leader(desk: Desk) -> None:
    desk.lead("host-7")
    assert desk.look()["leader"] == "host-7"


def test_status_counts_the_lease_down_by_s3s_clock(desk: Desk) -> None:
    desk.lead()
    desk.stand_still(12)
    assert desk.look()["lease_left_seconds"] == 18.0


def test_status_allows_for_clock_skew_before_it_calls_a_lock_lapsed(desk: Desk) -> None:
    desk.lead()
    desk.stand_still(33)
    assert desk.look()["standing"] == "held"


def test_status_says_that_a_lapsed_lock_would_be_taken_over(desk: Desk) -> None:
    desk.lead()
    desk.stand_still(34)
    assert desk.look()["contender_would"] == "seal this lock, and lead term 2"


def test_nobody_leads_by_a_lapsed_lock(desk: Desk) -> None:
    desk.lead()
    desk.stand_still(34)
    assert desk.look()["leader"] is None


def test_status_says_which_ticks_are_done(desk: Desk) -> None:
    desk.lead().resign()
    assert (
        desk.look()["contender_would"]
        == f"lead term 2; a tick up to {TICK} is done and not led again"
    )


def test_status_says_how_the_term_before_ended(desk: Desk) -> None:
    desk.lead("c1")
    desk.stand_still(34)
    desk.lead("c2")
    assert desk.look()["came_about"] == "term 1 was deposed (lapsed; sealed by c2)"


def test_status_shows_the_lock_as_it_is_on_the_wire(desk: Desk) -> None:
    desk.lead()
    lock = desk.look()["lock"]
    assert {key: lock[key] for key in ("term", "tick", "attempt", "expired")} == {
        "term": 1,
        "tick": TICK,
        "attempt": 1,
        "expired": False,
    }


def test_a_lock_that_states_no_lease_is_judged_by_the_one_given(desk: Desk) -> None:
    desk.store.perform(Create(FIRST, b'{"expired": false}'))
    desk.stand_still(40)
    _, out, _ = desk.run("status", "--json", "--lease", "60")
    assert json.loads(out)["lease_left_seconds"] == 20.0


def test_a_corrupt_lock_asks_for_somebody(desk: Desk) -> None:
    desk.corrupt()
    code, out, _ = desk.run("status", "--json")
    assert (code, json.loads(out)["standing"]) == (1, "corrupt")


def test_a_corrupt_lock_is_explained_to_people(desk: Desk) -> None:
    desk.corrupt()
    _, out, _ = desk.run("status")
    assert FIRST in out
    assert "Nobody leads this election until" in " ".join(out.split())


def test_status_for_people_says_who_leads_and_for_how_long(desk: Desk) -> None:
    desk.lead("host-7")
    _, out, _ = desk.run("status")
    assert "host-7" in out
    assert "30 s left by S3's clock" in out


def test_what_strangers_wrote_cannot_steer_the_terminal(desk: Desk) -> None:
    desk.store.perform(Create(FIRST, json.dumps({"holder": "\x1b[2Jx", "expired": False}).encode()))
    _, out, _ = desk.run("status")
    assert "\\x1b[2Jx" in out


def test_what_strangers_wrote_is_not_taken_for_markup(desk: Desk) -> None:
    desk.lead("c1").resign(outcome="failed", reason="[bold]no[/nonsense]")
    desk.lead("c2")
    _, out, _ = desk.run("status")
    assert "[bold]no[/nonsense]" in out


def test_history_has_the_newest_term_first(desk: Desk) -> None:
    desk.lead("c1").resign(outcome="failed")
    desk.lead("c2").resign()
    _, out, _ = desk.run("history", "--json")
    assert [(lock["term"], lock["outcome"]) for lock in json.loads(out)["terms"]] == [
        (2, "completed"),
        (1, "failed"),
    ]


def test_history_is_limited(desk: Desk) -> None:
    desk.lead("c1").resign(outcome="failed")
    desk.lead("c2")
    _, out, _ = desk.run("history", "--json", "--limit", "1")
    assert [lock["term"] for lock in json.loads(out)["terms"]] == [2]


def test_history_for_people_is_a_table_of_terms(desk: Desk) -> None:
    desk.lead("c1").resign(outcome="failed", reason="out of disk")
    _, out, _ = desk.run("history")
    row = next(line for line in out.splitlines() if "out of disk" in line)
    assert [cell.strip() for cell in row.strip("│ ").split("│")] == [
        "1", "failed", "c1", "2026-11-23 06:00:00Z", "1", "06:00:01Z", "0 s", "out of disk",
    ]  # fmt: skip


def test_history_calls_the_lock_of_a_leader_held(desk: Desk) -> None:
    desk.lead("c1")
    assert " held " in desk.run("history")[1]


def test_history_shows_a_corrupt_lock_among_the_others(desk: Desk) -> None:
    desk.corrupt()
    _, out, _ = desk.run("history")
    assert "it is no JSON object but []" in out


def test_history_of_nothing_says_so(desk: Desk) -> None:
    assert desk.run("history")[1] == (
        "nightly has had no term yet: no lock was ever written under elections/nightly/;"
        " is the name right?\n"
    )


def test_status_of_an_election_without_locks_doubts_its_name(desk: Desk) -> None:
    _, out, _ = desk.run("status")
    assert "no lock was ever written under elections/nightly/; is the name right?" in out


@pytest.mark.parametrize(
    "words",
    [["status"], ["history"], ["depose", "--reason", "x"], ["depose", "--reason=x", "--force"]],
)
@pytest.mark.parametrize("json_too", [[], ["--json"]])
def test_an_election_without_locks_has_an_exit_code_of_its_own(
    desk: Desk, words: list[str], json_too: list[str]
) -> None:
    """Its name may be mistyped, so it is neither in order nor in need of an operator."""
    code, out, _ = desk.run(*words, *json_too)
    assert (code, "is the name right?" in " ".join(out.split())) == (3, True)


def test_status_of_an_election_with_locks_has_no_doubt(desk: Desk) -> None:
    desk.lead()
    assert "is the name right?" not in desk.run("status")[1]


@pytest.mark.parametrize("limit", ["0", "-1", "abc", "1.5"])
def test_a_limit_that_is_no_whole_number_from_1_is_a_usage_error(desk: Desk, limit: str) -> None:
    with pytest.raises(SystemExit, match="2"):
        desk.run("history", "--limit", limit)
    assert f"{limit!r} is not a whole number from 1" in desk.capsys.readouterr().err


def test_without_a_bucket_the_command_says_how_to_name_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("S3LEADER_BUCKET", raising=False)
    with pytest.raises(SystemExit, match="2"):
        main(["status", "nightly"])
    assert "required: --bucket (or $S3LEADER_BUCKET)" in capsys.readouterr().err


def test_the_environment_names_bucket_and_prefix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("S3LEADER_BUCKET", "team-locks")
    monkeypatch.setenv("S3LEADER_PREFIX", "jobs/")
    seen: list[argparse.Namespace] = []

    def elect(options: argparse.Namespace) -> Election:
        seen.append(options)
        return Election(options.election, store=MemoryStore(), prefix=options.prefix)

    main(["status", "nightly", "--json"], elect=elect)
    assert (seen[0].bucket, seen[0].prefix) == ("team-locks", "jobs/")


def test_a_name_that_cannot_be_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "no spaces", "--bucket", "locks", "--json"]) == 2
    assert "no spaces" in capsys.readouterr().err


def test_without_rich_the_command_says_what_to_install(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "rich", None)
    code, _, err = desk.run("status")
    assert (code, "pip install 's3leader[cli]'" in err) == (1, True)


@pytest.mark.parametrize("command", ["status", "history"])
def test_json_needs_no_rich(desk: Desk, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    monkeypatch.setitem(sys.modules, "rich", None)
    desk.lead()
    assert desk.run(command, "--json")[0] == 0


def test_ctrl_c_ends_it_with_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    def elect(_: argparse.Namespace) -> Election:
        raise KeyboardInterrupt

    assert main(["status", "nightly", "--bucket", "locks", "--json"], elect=elect) == 130
    assert capsys.readouterr().err == "\ns3leader: interrupted\n"
