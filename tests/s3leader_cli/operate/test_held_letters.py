"""Which dead letters other readers see, whatever happens to the command that read them."""

from collections.abc import Callable
from typing import Any

import pytest

from s3leader_cli.aws import queues
from s3leader_cli.aws.failures import RequestFailed
from s3leader_cli.aws.queues import DeadLetterQueue
from s3leader_cli.operate.held_letters import HIDDEN_SECONDS
from tests.s3leader_cli.command_line import TICK, Cli
from tests.s3leader_cli.operate.fake_queue import ARN, FakeQueue, letter
from tests.s3leader_cli.operate.stubs import JOB, replace_client, stubbed

A, B = letter(TICK, "a"), letter(TICK, "b")


@pytest.fixture
def queue(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> FakeQueue:
    made = FakeQueue([A, B], now=lambda: cli.clock.read_ms() / 1000)
    monkeypatch.setattr(queues, "queues_of", lambda _: [made])
    return made


def test_read_that_fails_hides_nothing(queue: FakeQueue) -> None:
    queue.breaks = RequestFailed("throttled")
    with queue.held() as held:
        held.read(JOB)
    assert (queue.visible, held.complete, held.all_read) == (["a", "b"], False, False)
    assert [*held.letters] == ["a", "b"]


def test_interrupted_read_hides_nothing(queue: FakeQueue, cli: Cli) -> None:
    queue.breaks = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt), queue.held() as held:
        held.read(JOB)
    assert queue.visible == ["a", "b"]
    assert "up to ten events may be hidden" in cli.capsys.readouterr().err


def test_queue_with_more_events_than_are_read_is_not_complete(queue: FakeQueue, cli: Cli) -> None:
    queue.limited = True
    with queue.held() as held:
        held.read(JOB)
    assert (held.complete, held.all_read) == (False, False)
    assert "more events than were read" in cli.capsys.readouterr().err


@pytest.mark.parametrize(("seconds", "kept"), [(HIDDEN_SECONDS - 1, [A]), (HIDDEN_SECONDS, [])])
def test_event_that_was_visible_meanwhile_is_not_held(
    queue: FakeQueue, cli: Cli, seconds: float, kept: list[Any]
) -> None:
    with queue.held() as held:
        held.read(JOB)
        cli.pass_time(seconds)
        assert held.hold([A]) == kept


def test_event_that_another_reader_may_have_is_not_released(queue: FakeQueue) -> None:
    queue.denied = {"a"}
    with queue.held() as held:
        held.read(JOB)
        assert held.hold([A, B]) == [B]
        queue.denied = set()
    assert queue.visible == ["b"]


def test_events_that_are_not_needed_are_released_at_once(queue: FakeQueue) -> None:
    with queue.held() as held:
        held.read(JOB)
        held.release_all_but([A])
        assert queue.visible == ["b"]


@pytest.mark.parametrize("failing", [False, True])
def test_failed_entries_of_a_batch_are_heeded(
    monkeypatch: pytest.MonkeyPatch, failing: object
) -> None:
    sqs, stubber = stubbed("sqs")
    replace_client(monkeypatch, "queues", sqs=sqs)
    calls: list[tuple[str, Callable[[DeadLetterQueue], dict[str, str]]]] = [
        ("change_message_visibility_batch", lambda one: one.hide([A, B], 900)),
        ("delete_message_batch", lambda one: one.delete([A, B])),
    ]
    queue = DeadLetterQueue(JOB, ARN, ["unprocessed"])
    queue._url = "https://queue"
    failed = [{"Id": "1", "SenderFault": True, "Code": "ReceiptHandleIsInvalid"}]
    for operation, call in calls:
        done = [{"Id": "0"}] if failing else [{"Id": "0"}, {"Id": "1"}]
        stubber.add_response(operation, {"Successful": done, "Failed": failed if failing else []})
        problems = call(queue)
        assert [*problems] == (["b"] if failing else [])
        assert all("ReceiptHandleIsInvalid" in each for each in problems.values())


def test_request_that_fails_fails_all_events_that_are_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sqs, stubber = stubbed("sqs")
    replace_client(monkeypatch, "queues", sqs=sqs)
    queue = DeadLetterQueue(JOB, ARN, ["unprocessed"])
    queue._url = "https://queue"
    done = [{"Id": str(each)} for each in range(10)]
    stubber.add_response("delete_message_batch", {"Successful": done, "Failed": []})
    stubber.add_client_error("delete_message_batch", "AccessDenied")
    letters = [letter(TICK, str(each)) for each in range(25)]
    assert [*queue.delete(letters)] == [str(each) for each in range(10, 25)]


@pytest.mark.parametrize(("messages", "limited"), [(20, False), (21, True)])
def test_limit_of_a_read_is_known(
    monkeypatch: pytest.MonkeyPatch, messages: int, limited: object
) -> None:
    monkeypatch.setattr(queues, "MOST", 20)
    left = [{"MessageId": str(n), "ReceiptHandle": "r", "Body": "{}"} for n in range(messages)]

    class Sqs:
        def get_queue_url(self, **_: object) -> dict[str, str]:
            return {"QueueUrl": "https://queue"}

        def receive_message(self, **_: object) -> dict[str, Any]:
            taken, left[:] = left[:10], left[10:]
            return {"Messages": taken}

    replace_client(monkeypatch, "queues", sqs=Sqs())
    queue = DeadLetterQueue(JOB, ARN, ["unprocessed"])
    read = [each for batch in queue.read(HIDDEN_SECONDS) for each in batch]
    assert (len(read), queue.limited) == (messages, limited)
