"""What `s3leader redrive` prints, and its exit code."""

import json
from collections.abc import Callable
from datetime import timedelta

import pytest

from s3leader_cli.aws import deployed_job, invoke, queues
from s3leader_cli.aws.deployed_job import JobsFound
from s3leader_cli.aws.failures import RequestFailed
from tests.s3leader_cli.command_line import TICK, Cli
from tests.s3leader_cli.operate.fake_queue import FakeQueue, letter
from tests.s3leader_cli.operate.stubs import JOB

LATER = "2026-11-23T07:00:00Z"
NO_TIME = timedelta(0)


@pytest.fixture
def queue(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> FakeQueue:
    made = FakeQueue([letter(LATER, "b"), letter(TICK, "a")])
    jobs = JobsFound(jobs=(JOB,), searched=("us-east-1",))
    monkeypatch.setattr(queues, "queues_of", lambda _: [made])
    monkeypatch.setattr(deployed_job, "find_jobs", lambda *_: jobs)
    monkeypatch.setattr("time.sleep", cli.pass_time)
    works_by(monkeypatch, lambda tick: cli.election("f").campaign(tick).resign())  # type: ignore[union-attr]
    return made


def works_by(monkeypatch: pytest.MonkeyPatch, work: Callable[[str], object]) -> None:
    """Let the function do this with the tick of its event."""

    def queue_event(_: object, payload: str) -> str:
        work(json.loads(payload)["tick"])
        return "request"

    monkeypatch.setattr(invoke, "queue_event", queue_event)


def test_all_that_is_redriven_is_counted(cli: Cli, queue: FakeQueue) -> None:
    code, out, _ = cli.run("redrive", "--yes")
    assert (code, out.splitlines()[-1]) == (0, "2 redriven, 0 deleted, 0 left.")
    assert queue.deleted == ["a", "b"]


def test_dry_run_leaves_all_to_other_readers(cli: Cli, queue: FakeQueue) -> None:
    code, out, _ = cli.run("redrive", "--dry-run")
    assert (code, queue.visible, out.splitlines()[-1]) == (
        0,
        ["b", "a"],
        "0 redriven, 0 deleted, 2 left.",
    )


def test_run_that_nobody_sees_is_not_said_to_be_redriven(
    cli: Cli, queue: FakeQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    works_by(monkeypatch, lambda _: None)
    monkeypatch.setattr("s3leader_cli.operate.redrive_run._TERM_BEGINS_WITHIN", NO_TIME)
    code, out, _ = cli.run("redrive", "--yes")
    said = "0 redriven, 0 deleted, 2 left. 1 given to Lambda, and not seen to run: look before you"
    assert (code, out.splitlines()[-1]) == (1, f"{said} redrive it again.")


@pytest.mark.parametrize("error", [KeyboardInterrupt(), RequestFailed("no credentials")])
def test_what_was_done_is_printed_whatever_ends_the_command(
    cli: Cli, queue: FakeQueue, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    def work(tick: str) -> None:
        if tick == LATER:
            raise error
        cli.election("f").campaign(tick).resign()  # type: ignore[union-attr]

    works_by(monkeypatch, work)
    code, out, _ = cli.run("redrive", "--yes", "--json")
    found = json.loads(out)
    interrupted = isinstance(error, KeyboardInterrupt)
    assert (code, found["stopped"]) == (130 if interrupted else 1, True)
    second = "perhaps sent" if interrupted else "kept"
    assert [each["action"] for each in found["events"]] == ["redriven", second]


@pytest.mark.parametrize("fault", ["limited", "breaks"])
def test_queue_that_is_not_read_to_its_end_is_not_complete(
    cli: Cli, queue: FakeQueue, fault: str
) -> None:
    setattr(queue, fault, RequestFailed("throttled") if fault == "breaks" else True)
    code, out, _ = cli.run("redrive", "--dry-run", "--json")
    assert (code, json.loads(out)["complete"]) == (1, False)


def test_chosen_tick_is_redriven_though_not_all_was_read(cli: Cli, queue: FakeQueue) -> None:
    queue.limited = True
    cli.run("redrive", "--yes", "--tick", TICK)
    assert queue.deleted == ["a"]


def test_choosing_a_later_tick_warns_of_the_earlier_one(cli: Cli, queue: FakeQueue) -> None:
    _, _, err = cli.run("redrive", "--yes", "--tick", LATER)
    assert f"left out, and counted as done once a later tick is: tick {TICK}" in err
    assert queue.deleted == ["b"]


def test_repeat_is_shown_with_who_asked_for_it(cli: Cli, queue: FakeQueue) -> None:
    cli.lead().resign()
    queue.letters = [letter(TICK, "a", repeat="op: bad rates")]
    _, out, _ = cli.run("redrive", "--dry-run")
    assert f"tick {TICK} repeated by op: bad rates" in out
    assert "The repeat is not done" in out
    assert "--discard-done" not in out


def test_events_of_done_ticks_that_stay_are_named(cli: Cli, queue: FakeQueue) -> None:
    cli.lead().resign()
    queue.letters = [letter(TICK, "a"), letter(LATER, "b"), letter(LATER, "c")]
    _, out, _ = cli.run("redrive", "--yes")
    assert out.splitlines()[-1] == (
        "1 redriven, 1 deleted, 1 left. --discard-done deletes the 1 whose tick is done."
    )


def test_many_events_of_one_problem_are_one_line(cli: Cli, queue: FakeQueue) -> None:
    queue.letters = [letter(TICK, str(each)) for each in range(50)]
    queue.denied = {str(each) for each in range(50)}
    _, _, err = cli.run("redrive", "--yes")
    assert err.count("left alone") == 1
