"""`s3leader skip`: what it completes, what it shows before, and what it refuses."""

import json
from typing import Any

import pytest

from s3leader import Election, NotElected, StoreUnavailable, Term
from s3leader._core.requests import Replace
from s3leader._io.memory_store import Fault
from tests.s3leader_cli.command_line import FIRST, TICK, Cli

EARLIER, NEXT = "2026-11-23T05:00:00Z", "2026-11-23T07:00:00Z"


def skip(
    cli: Cli, *more: str, tick: str = TICK, answer: str | None = "yes"
) -> tuple[int, str, str]:
    return cli.run("skip", tick, "--reason", "bad input", *more, answer=answer)


def fail(cli: Cli, tick: str = TICK) -> None:
    term = cli.election("c1").campaign(tick)
    assert isinstance(term, Term)
    term.resign("failed", reason="ValueError: row 7")


def highest(cli: Cli) -> dict[str, Any]:
    lock = cli.election().observe()
    assert lock is not None
    found: dict[str, Any] = json.loads(lock.encode())
    return found


def test_a_tick_is_completed_with_who_and_why_and_is_not_led_again(cli: Cli) -> None:
    fail(cli)
    code, out, _ = skip(cli)
    assert (code, "term 2 completed it" in out) == (0, True)
    lock = highest(cli)
    assert [lock[key] for key in ("outcome", "reason", "done")] == [
        "completed",
        "skipped by an operator: bad input",
        TICK,
    ]
    result = cli.election().campaign(TICK)
    assert isinstance(result, NotElected)
    assert result.reason == "done"


def test_the_attempts_and_the_last_failure_are_shown_before_the_question(cli: Cli) -> None:
    fail(cli, EARLIER)
    fail(cli)
    fail(cli)
    _, _, err = skip(cli)
    assert f"{TICK}: 2 attempts" in err
    assert "last failure, term 3: ValueError: row 7" in err
    assert f"also never led again, though not completed: {EARLIER}" in err


@pytest.mark.parametrize(("answer", "more"), [("no", []), (None, [])], ids=["no", "no terminal"])
def test_nothing_is_skipped_without_a_yes(cli: Cli, answer: str | None, more: list[str]) -> None:
    fail(cli)
    assert (skip(cli, *more, answer=answer)[0], highest(cli)["term"]) == (1, 1)


def test_yes_on_the_command_line_asks_nobody(cli: Cli) -> None:
    fail(cli)
    assert (skip(cli, "--yes", answer=None)[0], cli.asked) == (0, [])


def test_a_tick_that_is_done_is_reported_as_done(cli: Cli) -> None:
    cli.lead().resign()
    code, out, _ = skip(cli)
    assert (code, out, cli.asked) == (
        0,
        f"Nothing to skip: the latest completed tick is {TICK}.\n",
        [],
    )


def test_a_skip_that_is_repeated_writes_nothing(cli: Cli) -> None:
    fail(cli)
    skip(cli)
    assert (skip(cli)[0], highest(cli)["term"]) == (0, 2)


def test_a_tick_is_not_skipped_while_another_leads_and_it_is_said_who_and_until_when(
    cli: Cli,
) -> None:
    cli.lead()
    code, out, _ = skip(cli)
    assert (code, cli.asked) == (1, [])
    assert "c1 leads term 1, at least until 2026-11-23T06:00:34Z" in out


def test_waiting_takes_over_from_a_dead_leader(cli: Cli) -> None:
    cli.lead()
    code, _, err = skip(cli, "--wait", "1m")
    assert (code, highest(cli)["term"]) == (0, 2)
    assert "waiting for term 1, for up to 60 s" in err


def test_a_tick_that_waits_for_its_next_leg_can_be_skipped_and_another_one_not(cli: Cli) -> None:
    cli.lead().continue_later()
    code, out, _ = skip(cli, tick="2026-11-23T06:30:00Z")
    assert (code, f"tick {TICK} is to be continued first" in out) == (1, True)
    assert skip(cli)[0] == 0


@pytest.mark.parametrize("tick", ["2026-11-23T07:00:02Z", "9999-01-01T00:00:00Z"])
def test_a_tick_in_the_future_is_a_usage_error(cli: Cli, tick: str) -> None:
    fail(cli)
    assert (skip(cli, tick=tick)[0], highest(cli)["term"]) == (2, 1)


@pytest.mark.parametrize("tick", ["yesterday", "2026-11-23T06:00:00"])
def test_a_tick_without_a_zone_is_a_usage_error(cli: Cli, tick: str) -> None:
    fail(cli)
    code, _, err = skip(cli, tick=tick)
    assert (code, "expected a time with a zone" in err) == (2, True)


def test_an_empty_reason_is_refused(cli: Cli) -> None:
    fail(cli)
    assert cli.run("skip", TICK, "--reason", " ")[0] == 2


def test_an_election_without_a_lock_is_exit_code_3(cli: Cli) -> None:
    code, out, _ = skip(cli)
    assert (code, "is the name right?" in out, cli.store.keys()) == (3, True, ())


def test_a_corrupt_lock_is_not_skipped_over(cli: Cli) -> None:
    cli.corrupt()
    assert (skip(cli)[0], cli.store.body(FIRST)) == (1, b"[]")


def test_a_skip_whose_answer_is_lost_is_settled(cli: Cli) -> None:
    fail(cli)
    cli.store.script(Fault.ANSWER_LOST, on=Replace)
    assert (skip(cli)[0], highest(cli)["done"]) == (0, TICK)


@pytest.mark.parametrize("method", ["campaign", "resign"])
@pytest.mark.parametrize(
    ("error", "code"), [(KeyboardInterrupt(), 130), (StoreUnavailable("no answer"), 1)]
)
def test_a_skip_that_ends_early_says_that_it_can_be_run_again(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, method: str, error: BaseException, code: int
) -> None:
    def end(*_: object, **__: object) -> None:
        raise error

    fail(cli)
    monkeypatch.setattr(Election if method == "campaign" else Term, method, end)
    found, _, err = skip(cli)
    assert found == code
    assert f"whether {TICK} is skipped is not known: run the same command again" in err
    monkeypatch.undo()
    cli.pass_time(60)
    assert (skip(cli)[0], highest(cli)["done"]) == (0, TICK)


def test_a_skip_that_nobody_has_confirmed_has_nothing_to_run_again(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop() -> None:
        raise KeyboardInterrupt

    fail(cli)
    monkeypatch.setattr(cli, "meanwhile", stop)
    code, _, err = skip(cli)
    assert (code, "run the same command again" in err) == (130, False)


@pytest.mark.parametrize(
    ("led", "code", "result"), [(True, 1, "held"), (False, 0, "skipped")], ids=["held", "skipped"]
)
def test_json_says_what_came_of_it(cli: Cli, *, led: bool, code: int, result: str) -> None:
    if led:
        cli.lead()
    else:
        fail(cli)
    found, out, _ = skip(cli, "--json")
    said = json.loads(out)
    assert (found, said["result"], said["tick"], said["lock"]["tick"]) == (code, result, TICK, TICK)
