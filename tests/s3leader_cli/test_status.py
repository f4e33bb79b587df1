"""The `s3leader` command over the memory store, whose clock the tests set."""

import json
import sys

import pytest

from s3leader import Election, testing
from s3leader._core.requests import Create
from s3leader._io.memory_store import MemoryStore
from s3leader_cli.__main__ import main
from s3leader_cli.options import ElectionPlace
from tests.s3leader_cli.command_line import FIRST, TICK, Cli


def test_status_of_an_election_without_locks_says_that_term_1_is_free(cli: Cli) -> None:
    assert cli.status()["contender_would"] == "create lock 1, and lead term 1"


@pytest.mark.parametrize(
    ("seconds", "standing", "leader", "contender"),
    [
        (12, "held", "c1", "lose (held), or wait up to 21 s for the lock to lapse, unless renewed"),
        (33, "held", "c1", "lose (held), or wait up to 0 s for the lock to lapse, unless renewed"),
        (34, "lapsed", None, "seal this lock, and lead term 2"),
    ],
)
def test_status_allows_for_the_lease_and_the_clock_skew(
    cli: Cli, seconds: int, standing: str, leader: str | None, contender: str
) -> None:
    cli.lead()
    cli.pass_time(seconds)
    shown = cli.status()
    names = ("standing", "leader", "contender_would", "lease_left_seconds")
    assert [shown[name] for name in names] == [standing, leader, contender, 30.0 - seconds]


def test_status_says_which_ticks_are_done(cli: Cli) -> None:
    cli.lead().resign()
    expected = f"lead term 2; a tick up to {TICK} is done and not led again"
    assert cli.status()["contender_would"] == expected


def test_status_says_how_the_term_before_ended(cli: Cli) -> None:
    cli.lead("c1")
    cli.pass_time(34)
    cli.lead("c2")
    assert cli.status()["came_about"] == "term 1 was deposed (lapsed; sealed by c2)"


def test_status_shows_the_lock_as_it_is_on_the_wire(cli: Cli) -> None:
    cli.lead()
    facts = {"term": 1, "tick": TICK, "attempt": 1, "expired": False}
    assert facts.items() <= cli.status()["lock"].items()


def test_a_lock_that_states_no_lease_is_judged_by_the_one_given(cli: Cli) -> None:
    cli.store.perform(Create(FIRST, b'{"expired": false}'))
    cli.pass_time(40)
    _, out, _ = cli.run("status", "--json", "--lease", "60")
    assert json.loads(out)["lease_left_seconds"] == 20.0


def test_a_corrupt_lock_is_explained_and_exits_with_code_1(cli: Cli) -> None:
    cli.corrupt()
    code, out, _ = cli.run("status", "--json")
    assert (code, json.loads(out)["standing"]) == (1, "corrupt")
    _, out, _ = cli.run("status")
    assert FIRST in out
    assert "Nobody leads this election until" in " ".join(out.split())
    assert "expected a JSON object, got []" in cli.run("history")[1]


def test_status_for_people_says_who_leads_and_for_how_long(cli: Cli) -> None:
    cli.lead("host-7")
    _, out, _ = cli.run("status")
    assert "host-7" in out
    assert "30 s left by S3's clock" in out
    assert "is the name right?" not in out


def test_control_characters_in_a_lock_are_escaped(cli: Cli) -> None:
    cli.store.perform(Create(FIRST, json.dumps({"holder": "\x1b[2Jx", "expired": False}).encode()))
    assert "\\x1b[2Jx" in cli.run("status")[1]


def test_markup_in_a_lock_is_printed_as_it_is(cli: Cli) -> None:
    cli.lead("c1").resign(outcome="failed", reason="[bold]no[/nonsense]")
    cli.lead("c2")
    assert "[bold]no[/nonsense]" in cli.run("status")[1]


def test_history_has_the_newest_term_first_and_is_limited(cli: Cli) -> None:
    cli.lead("c1").resign(outcome="failed")
    cli.lead("c2").resign()
    terms = [(2, "completed"), (1, "failed")]
    for limit in (1, 2):
        _, out, _ = cli.run("history", "--json", "--limit", str(limit))
        shown = [(lock["term"], lock["outcome"]) for lock in json.loads(out)["terms"]]
        assert shown == terms[:limit]


def test_history_for_people_is_a_table_of_terms(cli: Cli) -> None:
    cli.lead("c1").resign(outcome="failed", reason="out of disk")
    cli.lead("c2")
    _, out, _ = cli.run("history")
    row = next(line for line in out.splitlines() if "out of disk" in line)
    assert [cell.strip() for cell in row.strip("│ ").split("│")] == [
        "1", "failed", "c1", "2026-11-23 06:00:00Z", "1", "2026-11-23 06:00:01Z", "0 s",
        "out of disk",
    ]  # fmt: skip
    assert " held " in out


@pytest.mark.parametrize(
    "words",
    [["status"], ["history"], ["depose", "--reason", "x"], ["depose", "--reason=x", "--force"]],
)
@pytest.mark.parametrize("json_too", [[], ["--json"]])
def test_an_election_without_locks_has_an_exit_code_of_its_own(
    cli: Cli, words: list[str], json_too: list[str]
) -> None:
    """Its name may be mistyped: that is neither success nor a task for an operator."""
    code, out, _ = cli.run(*words, *json_too)
    doubt = "no lock exists under elections/nightly/; is the name right?"
    assert (code, doubt in " ".join(out.split())) == (3, True)


@pytest.mark.parametrize("limit", ["0", "abc", "1.5"])
def test_a_limit_below_1_or_not_whole_is_a_usage_error(cli: Cli, limit: str) -> None:
    code, _, err = cli.run("history", "--limit", limit)
    assert (code, "Invalid value for '--limit'" in err, limit in err) == (2, True, True)


def test_the_environment_names_bucket_and_prefix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("S3LEADER_BUCKET", "team-locks")
    monkeypatch.setenv("S3LEADER_PREFIX", "jobs/")
    seen: list[ElectionPlace] = []

    def elect(options: ElectionPlace) -> Election:
        seen.append(options)
        return testing.election(options.election, store=MemoryStore(), prefix=options.prefix)

    main(["status", "nightly", "--json"], elect=elect)
    assert (seen[0].bucket, seen[0].prefix) == ("team-locks", "jobs/")


def test_an_invalid_election_name_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "no spaces", "--bucket", "locks", "--json"]) == 2
    assert "no spaces" in capsys.readouterr().err


def test_only_json_needs_no_rich(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rich.console", None)
    monkeypatch.delitem(sys.modules, "s3leader_cli.observe.view", raising=False)
    cli.lead()
    code, _, err = cli.run("status")
    assert (code, "pip install 's3leader[cli]'" in err) == (1, True)
    assert [cli.run(command, "--json")[0] for command in ("status", "history")] == [0, 0]


def test_ctrl_c_ends_it_with_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    def elect(_: ElectionPlace) -> Election:
        raise KeyboardInterrupt

    assert main(["status", "nightly", "--bucket", "locks", "--json"], elect=elect) == 130
    assert capsys.readouterr().err == "\ns3leader: interrupted\n"
