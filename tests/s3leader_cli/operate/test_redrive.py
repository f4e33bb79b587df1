"""What becomes of dead letters: when each is deleted, and when the rest stays."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from s3leader import Term
from s3leader_cli.aws import invoke, queues
from s3leader_cli.aws.dead_letter import DeadLetter
from s3leader_cli.aws.failures import OutcomeUnknown, RequestFailed
from s3leader_cli.exit_codes import Unchanged
from s3leader_cli.operate.dead_letters import assess
from s3leader_cli.operate.held_letters import HeldLetters
from s3leader_cli.operate.redrive_run import RedriveRun
from tests.s3leader_cli.command_line import TICK, Cli
from tests.s3leader_cli.operate.fake_queue import ARN, FakeQueue, letter
from tests.s3leader_cli.operate.stubs import JOB

LATER = "2026-11-23T07:00:00Z"
SOONER = "2026-11-23T05:00:00Z"
REPEAT = "op: bad rates"
KEEPS = replace(JOB, queues={"unprocessed": ARN})  # its function's failed events come back


@dataclass
class Scene:
    """Events in a queue, and a function that `lambda_` stands for."""

    cli: Cli
    queue: FakeQueue
    invoked: list[Any] = field(default_factory=list)
    lambda_: Callable[[Any], None] = lambda _: None
    run: RedriveRun | None = None

    def redrive(self, *letters: DeadLetter, discard_done: bool = False) -> RedriveRun:
        self.queue.letters = [*letters]
        with self.queue.held() as held:
            held.read(JOB)
            self.run = self.make_run(held)
            self.run.choose(assess(self.run.election, letters), discard_done=discard_done)
            self.run.confirm(None, yes=True)
            self.run.perform()
        return self.run

    def make_run(self, held: HeldLetters) -> RedriveRun:
        return RedriveRun(
            self.cli.election(), held, pause=self.cli.pass_time, monotonic=self.queue.now
        )

    def lead(self, tick: str | None, outcome: str = "completed", **campaign: Any) -> None:
        """Lead a term, as the function of the request that was sent last."""
        term = self.cli.election(f"function/{len(self.invoked)}/x").campaign(tick, **campaign)
        assert isinstance(term, Term)
        term.resign(outcome, reason="a test")  # type: ignore[arg-type]

    def lead_event(self, outcome: str = "completed") -> None:
        """Let the function lead each event that it gets."""

        def work(event: Any) -> None:
            self.lead(event.get("tick"), outcome, repeat=event.get("repeat", False))

        self.lambda_ = work


@pytest.fixture
def scene(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Scene:
    made = Scene(cli, FakeQueue([], now=lambda: cli.clock.read_ms() / 1000))

    def queue_event(job: object, payload: str) -> str:
        made.invoked.append(json.loads(payload))
        made.lambda_(json.loads(payload))
        return str(len(made.invoked))

    monkeypatch.setattr(invoke, "queue_event", queue_event)
    monkeypatch.setattr(queues, "queues_of", lambda _: [made.queue])
    return made


def test_events_are_deleted_once_their_ticks_are_done_in_order(scene: Scene) -> None:
    scene.lead_event()
    run = scene.redrive(letter(LATER, "b"), letter(SOONER, "a"))
    assert (scene.queue.deleted, run.stopped) == (["a", "b"], False)
    assert [each["tick"] for each in scene.invoked] == [SOONER, LATER]


def test_one_event_of_a_tick_is_enough(scene: Scene) -> None:
    scene.lead_event()
    run = scene.redrive(letter(TICK, "a"), letter(TICK, "b"))
    assert (len(scene.invoked), run.actions) == (1, {"a": "redriven", "b": "discarded"})


def test_event_whose_tick_nobody_leads_stays_and_ends_the_work(scene: Scene) -> None:
    run = scene.redrive(letter(SOONER, "a"), letter(LATER, "b"))
    assert (len(scene.invoked), scene.queue.deleted, run.stopped) == (1, [], True)
    assert (scene.queue.visible, run.actions) == (["a", "b"], {"a": "sent"})


@pytest.mark.parametrize(("job", "deleted"), [(KEEPS, ["a"]), (JOB, [])])
def test_event_of_a_failed_run_is_deleted_only_if_lambda_keeps_it(
    scene: Scene, job: Any, deleted: list[str]
) -> None:
    scene.lead_event("failed")
    run = scene.redrive(letter(SOONER, "a", job), letter(LATER, "b", job))
    assert (scene.queue.deleted, run.stopped, run.actions) == (deleted, True, {"a": "started"})
    assert scene.queue.visible == [each for each in ("a", "b") if each not in deleted]


def test_event_of_a_run_that_resigned_stays(scene: Scene) -> None:
    """To Lambda, the function has not failed."""
    scene.lead_event("resigned")
    run = scene.redrive(letter(TICK, "a", KEEPS))
    assert (scene.queue.deleted, run.stopped) == ([], True)


@pytest.mark.parametrize(("tick", "deleted"), [(None, ["a"]), (TICK, [])])
def test_only_an_event_without_a_tick_is_deleted_before_its_run_ends(
    scene: Scene, tick: str | None, deleted: list[str]
) -> None:
    """The ledger keeps the event of a tick from being run twice."""

    def begin(_: object) -> None:
        assert scene.cli.election("function/1/x").campaign(tick)
        scene.run.pause = interrupt  # type: ignore[union-attr]

    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    scene.lambda_ = begin
    with pytest.raises(KeyboardInterrupt):
        scene.redrive(letter(tick, "a", KEEPS))
    assert scene.queue.deleted == deleted


@pytest.mark.parametrize(("outcome", "deleted"), [("failed", []), ("completed", ["a"])])
def test_event_is_not_deleted_because_somebody_else_tries_its_tick(
    scene: Scene, outcome: str, deleted: list[str]
) -> None:
    def trigger(_: object) -> None:
        term = scene.cli.election("an operator's invocation").campaign(TICK)
        assert isinstance(term, Term)
        term.resign(outcome)  # type: ignore[arg-type]

    scene.lambda_ = trigger
    scene.redrive(letter(TICK, "a", KEEPS))
    assert scene.queue.deleted == deleted


@pytest.mark.parametrize(("mine", "deleted"), [(True, ["a"]), (False, [])])
def test_run_without_a_tick_is_known_by_its_request(
    scene: Scene, mine: object, deleted: list[str]
) -> None:
    def work(_: object) -> None:
        candidate = "function/1/x" if mine else "function/other/x"
        term = scene.cli.election(candidate).campaign()
        assert isinstance(term, Term)
        term.resign()

    scene.lambda_ = work
    scene.redrive(letter(None, "a"))
    assert scene.queue.deleted == deleted


def test_refused_invocation_deletes_nothing(scene: Scene) -> None:
    def refuse(_: object) -> None:
        raise RequestFailed("denied")

    scene.lambda_ = refuse
    run = scene.redrive(letter(SOONER, "a"))
    assert (scene.queue.deleted, scene.queue.visible, run.stopped) == ([], ["a"], True)
    assert run.actions == {}


def test_event_whose_answer_is_lost_stays_with_what_to_look_at(scene: Scene) -> None:
    def lose(_: object) -> None:
        raise OutcomeUnknown("no answer")

    scene.lambda_ = lose
    run = scene.redrive(letter(SOONER, "a"), letter(LATER, "b"))
    assert (scene.queue.visible, run.stopped, run.actions) == (
        ["a", "b"],
        True,
        {"a": "perhaps sent"},
    )
    err = scene.cli.capsys.readouterr().err
    assert f"`s3leader status nightly` and `s3leader logs nightly --tick {SOONER}`" in err


def test_event_that_cannot_be_deleted_makes_the_result_incomplete(scene: Scene) -> None:
    scene.queue.kept = {"a"}
    scene.lead_event()
    run = scene.redrive(letter(SOONER, "a"))
    assert (run.held.complete, run.deleted) == (False, set())


def test_tick_that_was_completed_meanwhile_is_not_started(scene: Scene) -> None:
    scene.lambda_ = lambda _: scene.lead(LATER)  # of another contender
    scene.redrive(letter(SOONER, "a"), letter(TICK, "b"))
    assert len(scene.invoked) == 1


@pytest.mark.parametrize("attempted", [False, True])
def test_event_whose_tick_only_counts_as_done_stays_and_is_not_called_redriven(
    scene: Scene, attempted: object
) -> None:
    """A schedule that goes on may complete a later tick before Lambda runs the event (R8)."""

    def overtake(_: object) -> None:
        if attempted:
            scene.lead(SOONER, "failed")  # and Lambda's next try is not led, so nothing returns
        scene.lead(LATER)

    scene.lambda_ = overtake
    run = scene.redrive(letter(SOONER, "a", KEEPS))
    assert (scene.queue.visible, run.stopped) == (["a"], True)
    assert run.actions == {"a": "started" if attempted else "sent"}
    assert "trigger nightly --tick" in scene.cli.capsys.readouterr().err


@pytest.mark.parametrize(("discard", "deleted"), [(False, []), (True, ["a"])])
def test_event_whose_tick_is_done_is_deleted_only_if_asked_for(
    scene: Scene, discard: object, deleted: list[str]
) -> None:
    scene.lead(SOONER)
    scene.redrive(letter(SOONER, "a"), discard_done=bool(discard))
    assert (scene.queue.deleted, scene.invoked) == (deleted, [])


def test_failed_repeat_of_a_done_tick_is_run_again_and_not_discarded(scene: Scene) -> None:
    scene.lead(TICK)
    scene.lead_event()
    run = scene.redrive(letter(TICK, "a"), letter(TICK, "b", repeat=REPEAT), discard_done=True)
    assert (scene.invoked, run.actions) == (
        [{"tick": TICK, "repeat": REPEAT}],
        {"a": "discarded", "b": "redriven"},
    )


def test_repeat_that_fails_again_is_not_done_by_its_tick(scene: Scene) -> None:
    scene.lead(TICK)
    scene.lead_event("failed")
    run = scene.redrive(letter(TICK, "a", repeat=REPEAT))
    assert (run.actions, run.stopped, scene.queue.deleted) == ({"a": "started"}, True, [])


def test_repeat_of_another_reason_is_not_this_one(scene: Scene) -> None:
    scene.lead(TICK)
    scene.lambda_ = lambda _: scene.lead(TICK, repeat="op: other")
    scene.redrive(letter(TICK, "a", repeat=REPEAT))
    assert scene.queue.deleted == []


def test_repeats_of_different_reasons_are_different_runs(scene: Scene) -> None:
    scene.lead(TICK)
    scene.lead_event()
    scene.redrive(*(letter(TICK, each, repeat=each) for each in ("op: x", "op: y")))
    assert [each["repeat"] for each in scene.invoked] == ["op: x", "op: y"]


def test_event_that_another_reader_may_have_is_skipped(scene: Scene) -> None:
    scene.queue.denied = {"a"}
    scene.lead_event()
    run = scene.redrive(letter(TICK, "a"), letter(TICK, "b"))
    assert (len(scene.invoked), run.actions) == (1, {"b": "redriven"})
    assert "event a is left alone" in scene.cli.capsys.readouterr().err


@pytest.mark.parametrize(("tick", "invoked"), [(SOONER, 0), (None, 1)])
def test_skipped_tick_is_not_buried_by_a_later_one(
    scene: Scene, tick: str | None, invoked: int
) -> None:
    """Once a later tick is completed, an earlier one counts as done (R8)."""
    scene.queue.denied = {"a"}
    scene.lead_event()
    other = letter(LATER, "b") if tick else letter(None, "b")
    run = scene.redrive(letter(tick, "a"), other)
    assert (len(scene.invoked), run.stopped) == (invoked, True)


def test_event_stays_hidden_while_its_run_goes_on(scene: Scene) -> None:
    visible: list[str] = []

    def work(event: Any) -> None:
        term = scene.cli.election("function/1/x").campaign(event["tick"])
        assert isinstance(term, Term)
        scene.run.pause = lambda seconds: go_on(term, seconds)  # type: ignore[union-attr]

    def go_on(term: Term, seconds: float) -> None:
        scene.cli.pass_time(seconds)
        visible.extend(scene.queue.visible)
        if scene.queue.now() - began > 2000:
            term.resign()
        else:
            term.renew()

    began = scene.queue.now()
    scene.lambda_ = work
    scene.redrive(letter(TICK, "a"), letter(LATER, "b"))
    assert visible == []


def test_interrupted_run_says_what_lambda_has(scene: Scene) -> None:
    def interrupt(_: object) -> None:
        raise KeyboardInterrupt

    scene.lambda_ = interrupt
    with pytest.raises(KeyboardInterrupt):
        scene.redrive(letter(SOONER, "a"), letter(LATER, "b"))
    assert "Lambda may have the event of tick" in scene.cli.capsys.readouterr().err
    assert scene.queue.visible == ["a", "b"]


def test_older_tick_that_was_perhaps_not_read_is_not_buried(scene: Scene) -> None:
    scene.queue.limited = True
    scene.lead_event()
    run = scene.redrive(letter(TICK, "a"), letter(None, "b"))
    assert (scene.invoked, run.stopped) == ([{}], True)


@pytest.mark.parametrize("answer", ["no", ""])
def test_nothing_is_done_without_a_yes(scene: Scene, answer: str) -> None:
    run = scene.make_run(HeldLetters())
    run.choose(assess(run.election, [letter(SOONER, "a")]), discard_done=False)
    with pytest.raises(Unchanged):
        run.confirm(lambda _: answer, yes=False)
