"""A stack is deployed, updated and destroyed by the real CDK CLI, and its buckets are reused."""

import gzip
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bird_strikes.checks import Rejection
from bird_strikes.data_bucket import DataBucket
from local_cloud import Invocation, LocalCloud
from tests.local_cloud.job import Job
from tests.local_cloud.projects import NEVER, STACK, assemblies, copy_project
from tests.local_cloud.test_lifetime import eventually

OLD_CODE, NEW_CODE = ").as_dict()", ").as_dict() | {'code': 'new'}"
TICKS = [f"2026-11-01T0{hour}:00:00Z" for hour in (1, 2, 3)]
EVENTS = [b'{"event": %d}' % number for number in range(300)]


@dataclass(kw_only=True)
class State:
    """What there is after one step."""

    answers: list[Any]
    locks: str
    data: str
    ledger: dict[str, bytes]
    results: dict[str, bytes]
    settings: dict[str, Any]
    schedules: dict[str, tuple[str, str]]
    inventory: set[str]


@dataclass
class Steps:
    """What there was after each step."""

    due: datetime  # when the updated schedules start
    fired: list[Invocation] = field(default_factory=list)
    states: dict[str, State] = field(default_factory=dict)
    events: Counter[bytes] = field(default_factory=Counter)
    rejections: list[Rejection] = field(default_factory=list)

    def tick(self, minutes: int = 0) -> str:
        return f"{self.due + timedelta(minutes=minutes):%Y-%m-%dT%H:%M:%SZ}"

    def __getitem__(self, name: str) -> State:
        return self.states[name]


def state_of(cloud: LocalCloud, outputs: dict[str, str], ticks: list[str]) -> State:
    """Invoke the job for ticks, and return what there is then."""
    locks, data = outputs["LockBucketName"], outputs["DataBucketName"]
    job = Job(cloud, locks=locks, function=outputs["FunctionName"])
    return State(
        answers=[job.invoke(tick) for tick in ticks],
        locks=locks,
        data=data,
        ledger=job.objects(locks),
        results=job.objects(data),
        settings=job.settings(locks),
        schedules=job.schedules(),
        inventory=job.inventory(),
    )


@pytest.fixture(scope="module")
def steps(own_cloud: LocalCloud, tmp_path_factory: pytest.TempPathFactory) -> Steps:
    folder = tmp_path_factory.mktemp("projects")
    before, after = copy_project(folder / "before"), copy_project(folder / "after")
    handler = after / "lambda_src" / "compaction" / "handler.py"
    assert OLD_CODE in handler.read_text()
    handler.write_text(handler.read_text().replace(OLD_CODE, NEW_CODE))
    # If the time has passed by the deployment, the emulator starts the schedules at once.
    steps = Steps((datetime.now(UTC) + timedelta(seconds=20)).replace(microsecond=0))
    changed = {"schedule": f"at({steps.due:%Y-%m-%dT%H:%M:%S})"}
    with ExitStack() as both:
        first = both.enter_context(assemblies(before, {"first": {"schedule": NEVER}}))
        second = both.enter_context(assemblies(after, {"second": changed}))
        own_cloud.bootstrap()
    outputs = own_cloud.deploy(STACK, assembly=first / "first")
    steps.states["deployed"] = state_of(own_cloud, outputs, TICKS)
    adopting = {
        "schedule": NEVER,
        "lock_bucket": outputs["LockBucketName"],
        "data_bucket": outputs["DataBucketName"],
    }
    with assemblies(before, {"third": adopting}) as third:
        update(own_cloud, second / "second", steps)
    own_cloud.destroy(STACK, assembly=second / "second")
    steps.states["destroyed"] = state_of(own_cloud, outputs, [])
    outputs = own_cloud.deploy(STACK, assembly=third / "third")
    steps.states["adopted"] = state_of(own_cloud, outputs, [steps.tick(1), steps.tick(2)])
    own_cloud.destroy(STACK, assembly=third / "third")
    steps.states["destroyed again"] = state_of(own_cloud, outputs, [])
    return steps


def update(cloud: LocalCloud, assembly: Path, steps: Steps) -> None:
    """Update the stack with inputs waiting for it, which its schedules then compact."""
    data = DataBucket(cloud.client("s3"), steps["deployed"].data)
    for number in range(30):
        lines = EVENTS[number * 10 : number * 10 + 10]
        data.put(f"events/{number}.ndjson", b"\n".join(lines[:5]) + b"\n")
        data.put(f"events/{number}.ndjson.gz", gzip.compress(b"\n".join(lines[5:])))
    data.put("events/spoilt.ndjson", b'{"event": \n')
    outputs = cloud.deploy(STACK, assembly=assembly)

    def fired() -> list[Invocation]:
        return [one for one in cloud.invocations() if one.tick == steps.tick() and one.ended]

    assert eventually(lambda: len(fired()) == 3, 90)
    steps.fired, steps.events, steps.rejections = fired(), data.events(), data.rejections()
    steps.states["updated"] = state_of(cloud, outputs, [TICKS[-1], steps.tick(1)])


def numbers(answers: list[Any]) -> list[int]:
    return [answer["term"] for answer in answers if answer["elected"]]


def test_a_new_ledger_begins_with_term_one(steps: Steps) -> None:
    assert numbers(steps["deployed"].answers) == [1, 2, 3]


def test_an_update_keeps_both_buckets_and_every_lock(steps: Steps) -> None:
    before, after = steps["deployed"], steps["updated"]
    assert (after.locks, after.data) == (before.locks, before.data)
    assert before.ledger.items() <= after.ledger.items()


def test_terms_continue_after_an_update(steps: Steps) -> None:
    elected = [one.answer for one in steps.fired if one.answer["elected"]]
    assert numbers([*elected, *steps["updated"].answers]) == [4, 5]


def test_a_tick_that_was_completed_before_an_update_stays_done(steps: Steps) -> None:
    answer = steps["updated"].answers[0]
    assert (answer["elected"], answer["reason"]) == (False, "done")


def test_an_update_brings_the_new_code(steps: Steps) -> None:
    results = [steps[name].answers[-1]["result"] for name in ("deployed", "updated")]
    assert [result.get("code") for result in results] == [None, "new"]


def test_an_update_changes_the_expression_of_every_schedule_and_no_name(steps: Steps) -> None:
    expected = (f"at({steps.due:%Y-%m-%dT%H:%M:%S})", "ENABLED")
    names = steps["deployed"].schedules.keys()
    assert steps["updated"].schedules == dict.fromkeys(names, expected)


def test_every_contender_fires_for_the_scheduled_time(steps: Steps) -> None:
    events = sorted((one.event["contender"], one.event["tick"]) for one in steps.fired)
    assert events == [(number, steps.tick()) for number in (1, 2, 3)]


def test_one_contender_is_elected_and_the_others_get_the_reason(steps: Steps) -> None:
    answers = [one.answer for one in steps.fired]
    assert Counter(answer["elected"] for answer in answers) == {True: 1, False: 2}
    reasons = {answer["reason"] for answer in answers if not answer["elected"]}
    assert reasons <= {"held", "beaten", "done"}


def test_every_line_is_committed_or_rejected_exactly_once(steps: Steps) -> None:
    assert steps.events == Counter(EVENTS)
    assert [(one.key, one.line) for one in steps.rejections] == [("events/spoilt.ndjson", 1)]


def test_no_input_is_left(steps: Steps) -> None:
    assert [key for key in steps["updated"].results if key.startswith("events/")] == []


def test_a_destroyed_stack_keeps_its_ledger_and_its_results(steps: Steps) -> None:
    before, after = steps["updated"], steps["destroyed"]
    assert (after.ledger, after.results) == (before.ledger, before.results)


def test_a_lock_bucket_keeps_its_policy_without_its_stack(steps: Steps) -> None:
    settings = steps["destroyed"].settings
    sids = {each.get("Sid") for each in settings["policy"]["Statement"]}
    guarded = {"DenyUnconditionalWrites", "DenyDeletesOfLocks"} <= sids
    assert (guarded, settings) == (True, steps["updated"].settings)


def test_a_destroyed_stack_leaves_nothing_that_runs(steps: Steps) -> None:
    kinds = {each.partition(" ")[0] for each in steps["destroyed"].inventory if STACK in each}
    assert kinds == {"logs"}


def test_an_adopted_ledger_continues_and_what_was_done_stays_done(steps: Steps) -> None:
    answers = steps["adopted"].answers
    assert (answers[0]["reason"], numbers(answers)) == ("done", [6])


def test_adopting_changes_nothing_about_the_bucket(steps: Steps) -> None:
    assert steps["adopted"].settings == steps["destroyed"].settings


def test_a_stack_that_adopts_makes_no_bucket(steps: Steps) -> None:
    made = steps["adopted"].inventory - steps["destroyed"].inventory
    assert [each for each in made if each.startswith("s3 ")] == []


def test_an_adopted_bucket_outlives_its_second_stack_too(steps: Steps) -> None:
    before, after = steps["adopted"], steps["destroyed again"]
    assert (after.ledger, after.settings) == (before.ledger, before.settings)
