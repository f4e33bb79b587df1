"""`s3leader trigger`: events, answers, lost connections, and tasks, without a server."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import click
import pytest
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    IncompleteReadError,
    ReadTimeoutError,
    SSLError,
)

from s3leader import Election, InvalidArgument, Term
from s3leader_cli.aws.failures import RequestFailed
from s3leader_cli.operate.events import event_of, time_of
from s3leader_cli.operate.follow import Follower
from s3leader_cli.operate.outcomes import Outcome
from s3leader_cli.operate.trigger import Run
from tests.s3leader_cli.command_line import TICK, Cli
from tests.s3leader_cli.operate.stubs import JOB, TASK_JOB, Lambda, replace_client


def run(cli: Cli, **event: Any) -> Run:
    election = cli.election()
    head = election.observe()
    follower = Follower(
        election,
        time_of(event.get("tick")),
        0 if head is None else head.term,
        pause=cli.pass_time,
        monotonic=lambda: cli.clock.read_ms() / 1000,
        repeat="repeat" in event,
    )
    return Run(election=election, event=event, follower=follower)


def answered(cli: Cli, monkeypatch: pytest.MonkeyPatch, answer: Any, **more: Any) -> Outcome:
    """Return what becomes of a run whose function answers so."""
    body = answer if isinstance(answer, Exception) or callable(answer) else json.dumps(answer)
    body = body.encode() if isinstance(body, str) else body
    replace_client(monkeypatch, "invoke", **{"lambda": Lambda(body, **more)})
    return run(cli, tick=TICK).perform(JOB)


def server_error(status: int) -> ClientError:
    answer: Any = {"Error": {"Code": "Code"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "Invoke")


LED = {"elected": True, "term": 1, "holder": "h", "tick": TICK, "outcome": "completed"}
LOST = {"elected": False, "term": 1, "holder": "h", "term_tick": TICK, "tick": TICK}


@pytest.mark.parametrize(
    ("answer", "code", "word"),
    [
        (LED, 0, "completed"),
        ({**LED, "outcome": "resigned"}, 1, "resigned"),
        ({**LED, "tick": "2026-11-23T05:00:00Z", "caught_up": []}, 1, "behind"),
        ({**LOST, "reason": "done"}, 0, "done"),
        ({**LOST, "reason": "held"}, 1, "held"),
        ({**LOST, "reason": "beaten"}, 1, "beaten"),
        ({**LOST, "reason": "exhausted"}, 1, "exhausted"),
        (None, 1, "unknown"),
    ],
)
def test_exit_code_says_whether_the_work_is_done(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, answer: Any, code: int, word: str
) -> None:
    outcome = answered(cli, monkeypatch, answer)
    assert (outcome.code, outcome.word) == (code, word)


def test_number_that_json_lacks_does_not_spoil_the_document(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lambda's runtime for Python writes NaN as Python does."""
    work = run(cli, tick=TICK)
    body = json.dumps({**LED, "result": {"mean": float("nan")}}).encode()
    replace_client(monkeypatch, "invoke", **{"lambda": Lambda(body)})
    work.report(work.perform(JOB), as_json=True)
    shown = json.loads(cli.capsys.readouterr().out, parse_constant=pytest.fail)
    assert shown["answer"]["result"] == {"mean": "NaN"}


def test_error_of_the_function_is_shown(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    error = {"errorType": "KeyError", "errorMessage": "'rates'"}
    outcome = answered(cli, monkeypatch, error, FunctionError="Unhandled")
    assert (outcome.code, outcome.text) == (1, "The function failed: KeyError: 'rates'")


def test_lost_connection_is_made_up_for_by_the_ledger(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_off() -> bytes:
        cli.lead().resign()
        raise ReadTimeoutError(endpoint_url="lambda")

    outcome = answered(cli, monkeypatch, break_off)
    assert (outcome.code, outcome.word) == (0, "completed")


@pytest.mark.parametrize(("begins", "word"), [(True, "completed"), (False, "unknown")])
def test_a_repeat_is_done_only_once_its_own_term_is(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, begins: object, word: str
) -> None:
    """Its tick is completed from the start."""
    cli.lead().resign()

    def break_off() -> bytes:
        if begins:
            term = cli.election().campaign(TICK, repeat="op: bad output")
            assert isinstance(term, Term)
            term.resign()
        raise ReadTimeoutError(endpoint_url="lambda")

    replace_client(monkeypatch, "invoke", **{"lambda": Lambda(break_off)})
    assert run(cli, tick=TICK, repeat="op: bad output").perform(JOB).word == word


def test_run_that_no_ledger_shows_is_unknown(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    outcome = answered(cli, monkeypatch, ReadTimeoutError(endpoint_url="lambda"))
    assert (outcome.code, outcome.word) == (1, "unknown")


def test_leader_that_crashed_is_not_waited_for_without_end(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash() -> bytes:
        cli.lead()
        raise ReadTimeoutError(endpoint_url="lambda")

    assert answered(cli, monkeypatch, crash).word == "crashed"


@pytest.mark.parametrize(
    ("failure", "lost"),
    [
        (IncompleteReadError(actual_bytes=1, expected_bytes=2), True),
        (ValueError("no answer of Lambda's"), True),
        (SSLError(endpoint_url="lambda", error=OSError("EOF occurred")), True),
        (SSLError(endpoint_url="lambda", error=OSError("[SSL: CERTIFICATE_VERIFY_FAILED]")), False),
        (server_error(502), True),
        (server_error(429), False),
    ],
)
def test_lost_answer_is_not_a_refusal(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, failure: Exception, lost: object
) -> None:
    if lost:
        assert answered(cli, monkeypatch, failure).word == "unknown"
        return
    with pytest.raises(RequestFailed):
        answered(cli, monkeypatch, failure)


@pytest.mark.parametrize("failure", [ReadTimeoutError(endpoint_url="lambda"), server_error(500)])
def test_event_whose_answer_is_lost_may_have_started_the_job(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    replace_client(monkeypatch, "invoke", **{"lambda": Lambda(failure)})
    outcome = run(cli, tick=TICK).start(JOB)
    assert (outcome.code, outcome.word) == (1, "unknown")
    assert f"look at `s3leader status nightly` and `s3leader logs nightly --tick {TICK}`" in (
        outcome.text
    )


def test_event_that_lambda_refuses_has_started_nothing(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace_client(monkeypatch, "invoke", **{"lambda": Lambda(server_error(429))})
    with pytest.raises(RequestFailed, match="failed: Code"):
        run(cli, tick=TICK).start(JOB)


def test_request_that_was_not_sent_is_no_run(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RequestFailed, match="lambda:InvokeFunction"):
        answered(cli, monkeypatch, ConnectTimeoutError(endpoint_url="lambda"))


def test_continued_run_that_nobody_goes_on_with_needs_an_operator(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hand_on() -> bytes:
        cli.lead().continue_later({"at": 1})
        return json.dumps({**LED, "outcome": "continued"}).encode()

    assert answered(cli, monkeypatch, hand_on).word == "not continued"


def test_interrupted_command_says_that_the_job_goes_on(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("s3leader_cli.aws.invoke.Invocation.wait", interrupt)
    with pytest.raises(KeyboardInterrupt):
        answered(cli, monkeypatch, LED)
    assert "the job goes on" in cli.capsys.readouterr().err


def test_completed_tick_cannot_be_repeated_by_a_task(cli: Cli) -> None:
    with pytest.raises(click.UsageError, match="are for functions"):
        run(cli, tick=TICK, repeat="me: why").perform(TASK_JOB)


@pytest.mark.parametrize(
    "given",
    [
        {"repeat": True},
        {"reason": "why"},
        {"repeat": True, "reason": "why", "tick": None},
        {"others": "[]"},
        {"others": '{"leg": 2}'},
        {"others": "{"},
    ],
)
def test_options_that_do_not_go_together_are_refused(given: dict[str, Any]) -> None:
    with pytest.raises(click.UsageError):
        event_of(**{"tick": TICK, "repeat": False, "reason": None, **given})


@pytest.mark.parametrize("text", ["yesterday", "2026-11-23T06:00:00"])
def test_tick_that_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(InvalidArgument, match=text):
        time_of(text)


def test_follower_looks_at_all_terms_since_its_last_look(cli: Cli) -> None:
    follower = run(cli, tick=TICK).follower
    for _ in range(3):
        cli.lead().resign("failed")
    assert follower.follow(first_within=timedelta(minutes=1)) is not None
    assert [*follower.terms] == [1, 2, 3]


def test_run_of_another_tick_is_not_this_one(cli: Cli) -> None:
    election: Election = cli.election("other")
    with election.campaign("2026-11-23T05:00:00Z") as term:  # type: ignore[union-attr]
        assert term
    follower = run(cli, tick=TICK).follower
    follower.after = 0
    assert follower.look() is None


@pytest.mark.parametrize("interrupted", ["start", "perform"])
def test_interruption_says_that_the_job_may_have_been_started(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, interrupted: str
) -> None:
    def interrupt() -> bytes:
        raise KeyboardInterrupt

    monkeypatch.setattr(Follower, "look", lambda _: interrupt())
    replace_client(monkeypatch, "invoke", **{"lambda": Lambda(interrupt)})
    if interrupted == "perform":
        replace_client(monkeypatch, "invoke", **{"lambda": Lambda(lambda: b"{}")})
        monkeypatch.setattr("s3leader_cli.aws.invoke.Invocation.wait", lambda *_: None)
    with pytest.raises(KeyboardInterrupt):
        getattr(run(cli, tick=TICK), interrupted)(JOB)
    assert "`s3leader logs`" in cli.capsys.readouterr().err


LATER = "2026-11-23T07:00:00Z"


def complete(cli: Cli, tick: str) -> None:
    with cli.election("another").campaign(tick) as term:  # type: ignore[union-attr]
        assert term


def lost(cli: Cli) -> bytes:
    complete(cli, LATER)
    raise ReadTimeoutError(endpoint_url="lambda")


def refused(cli: Cli) -> bytes:
    complete(cli, LATER)
    return json.dumps({**LOST, "reason": "done", "term_tick": LATER}).encode()


def abandoned(cli: Cli) -> bytes:
    cli.lead().continue_later({"at": 1})
    cli.pass_time(600)
    complete(cli, LATER)
    return json.dumps({**LED, "outcome": "continued"}).encode()


@pytest.mark.parametrize("ends", [lost, refused, abandoned])
def test_tick_that_a_later_one_has_overtaken_is_not_said_to_be_completed(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, ends: Callable[[Cli], bytes]
) -> None:
    outcome = answered(cli, monkeypatch, lambda: ends(cli))
    assert (outcome.code, outcome.word) == (1, "overtaken")
    assert f"`s3leader trigger nightly --tick {TICK} --repeat --reason …`" in outcome.text


def test_tick_that_was_completed_before_a_later_one_is_completed(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_off() -> bytes:
        complete(cli, TICK)
        return lost(cli)

    outcome = answered(cli, monkeypatch, break_off)
    assert (outcome.code, outcome.word) == (0, "completed")
