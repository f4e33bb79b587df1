"""What becomes of dead letters: when each is deleted, and when the rest stays."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

import pytest

from s3leader import Election, Term
from s3leader_cli.aws import invoke
from s3leader_cli.aws.failures import RequestFailed
from s3leader_cli.aws.queues import Letter
from s3leader_cli.exit_codes import Unchanged
from s3leader_cli.operate import follow
from s3leader_cli.operate.letters import classify
from s3leader_cli.operate.mail import Mail
from s3leader_cli.operate.redrive import Work
from tests.fast.s3leader_cli.command_line import TICK, Cli
from tests.fast.s3leader_cli.operate.test_letters import LATER, letter

SOONER = "2026-11-23T05:00:00Z"


@dataclass
class FakeQueue:
    """Takes the place of a queue; `fails` is raised by each call."""

    deleted: list[str] = field(default_factory=list)
    released: list[str] = field(default_factory=list)
    fails: RequestFailed | None = None

    def delete(self, one: Letter) -> None:
        if self.fails:
            raise self.fails
        self.deleted.append(one.message_id)

    def release(self, letters: list[Letter]) -> None:
        self.released += [each.message_id for each in letters]


@dataclass
class Scene:
    """Events in a queue, and a function that `lambda_` stands for."""

    cli: Cli
    queue: FakeQueue
    invoked: list[str] = field(default_factory=list)
    lambda_: Callable[[str], None] = lambda _: None

    def redrive(self, *letters: Letter, discard_done: bool = False) -> Work:
        with Mail([*letters]) as mail:
            mail._queues.append(self.queue)  # type: ignore[arg-type]
            mail._queue_of |= {each.message_id: self.queue for each in letters}  # type: ignore[misc]
            work = Work(self.cli.election(), mail)
            work.choose(classify(work.election, letters), discard_done=discard_done)
            work.confirm(None, yes=True)
            work.perform()
        return work

    def lead(self, tick: str, outcome: str = "completed") -> None:
        term = self.cli.election("function").campaign(tick)
        assert isinstance(term, Term)
        term.resign(outcome, reason="a test")  # type: ignore[arg-type]


@pytest.fixture
def scene(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Scene:
    made = Scene(cli, FakeQueue())

    def queue_event(job: object, payload: str) -> str:
        made.invoked.append(payload)
        made.lambda_(payload)
        return "request"

    def of_fake_clock(election: Election, tick: datetime, after: int) -> follow.Follower:
        pause, monotonic = cli.pass_time, lambda: cli.clock.read_ms() / 1000
        return follow.Follower(election, tick, after, pause=pause, monotonic=monotonic)

    monkeypatch.setattr(invoke, "queue_event", queue_event)
    monkeypatch.setattr("s3leader_cli.operate.redrive.Follower", of_fake_clock)
    return made


def event(tick: str, message_id: str) -> Letter:
    made = letter(tick, message_id)
    return Letter(**{**vars(made), "payload": json.dumps({"tick": tick})})


def test_events_are_deleted_once_their_ticks_are_led_in_order(scene: Scene) -> None:
    scene.lambda_ = lambda payload: scene.lead(json.loads(payload)["tick"])
    work = scene.redrive(event(LATER, "b"), event(SOONER, "a"))
    assert (scene.queue.deleted, work.stopped) == (["a", "b"], False)
    assert [each.tick for each in scene.cli.election().history()] == [
        event(LATER, "b").tick,
        event(SOONER, "a").tick,
    ]


def test_event_whose_tick_nobody_leads_stays_and_ends_the_work(scene: Scene) -> None:
    work = scene.redrive(event(SOONER, "a"), event(LATER, "b"))
    assert (len(scene.invoked), scene.queue.deleted, work.stopped) == (1, [], True)
    assert scene.queue.released == ["a", "b"]


def test_tick_that_fails_again_leaves_the_later_ones(scene: Scene) -> None:
    scene.lambda_ = lambda payload: scene.lead(json.loads(payload)["tick"], "failed")
    work = scene.redrive(event(SOONER, "a"), event(LATER, "b"))
    assert (scene.queue.deleted, scene.queue.released, work.stopped) == (["a"], ["b"], True)


def test_refused_invocation_deletes_nothing(scene: Scene) -> None:
    def refuse(_: str) -> None:
        raise RequestFailed("denied")

    scene.lambda_ = refuse
    work = scene.redrive(event(SOONER, "a"))
    assert (scene.queue.deleted, scene.queue.released, work.stopped) == ([], ["a"], True)


def test_event_that_cannot_be_deleted_makes_the_result_incomplete(scene: Scene) -> None:
    scene.queue.fails = RequestFailed("denied")
    scene.lambda_ = lambda payload: scene.lead(json.loads(payload)["tick"])
    work = scene.redrive(event(SOONER, "a"))
    assert (work.mail.complete, work.actions) == (False, {})


def test_tick_that_was_completed_meanwhile_is_not_started(scene: Scene) -> None:
    scene.lambda_ = lambda _: scene.lead(LATER)  # of another contender
    scene.redrive(event(SOONER, "a"), event(TICK, "b"))
    assert (len(scene.invoked), scene.queue.deleted) == (1, ["a"])


@pytest.mark.parametrize(("discard", "deleted"), [(False, []), (True, ["a"])])
def test_event_whose_tick_is_done_is_deleted_only_if_asked_for(
    scene: Scene, discard: object, deleted: list[str]
) -> None:
    scene.lead(SOONER)
    scene.redrive(event(SOONER, "a"), discard_done=bool(discard))
    assert (scene.queue.deleted, scene.invoked) == (deleted, [])


@pytest.mark.parametrize("answer", ["no", ""])
def test_nothing_is_done_without_a_yes(scene: Scene, answer: str) -> None:
    work = Work(scene.cli.election(), Mail())
    work.choose(classify(work.election, [event(SOONER, "a")]), discard_done=False)
    with pytest.raises(Unchanged):
        work.confirm(lambda _: answer, yes=False)
