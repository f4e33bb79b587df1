"""A stack is deployed, updated and destroyed by the real CDK CLI, and its buckets are reused."""

from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from local_cloud import Invocation, LocalCloud, LocalCloudError
from tests.local_cloud.job import Job
from tests.local_cloud.projects import NEVER, STACK, assemblies, copy_project
from tests.local_cloud.test_lifetime import eventually

OLD_CODE, NEW_CODE = "return summary.as_dict()", "return {**summary.as_dict(), 'code': 'new'}"
TICKS = [f"2026-11-01T0{hour}:00:00Z" for hour in (1, 2, 3)]


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
    refused: str = ""  # the error of destroying a stack with objects in its buckets
    left: set[str] = field(default_factory=set)  # by a throw-away stack

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
    changed = {"schedule": f"at({steps.due:%Y-%m-%dT%H:%M:%S})", "history": "7"}
    contexts = {name: {"schedule": NEVER} for name in ("first", "throwaway")}
    contexts["throwaway"]["throwaway"] = "true"
    with ExitStack() as both:
        first = both.enter_context(assemblies(before, contexts))
        second = both.enter_context(assemblies(after, {"second": changed}))
        own_cloud.bootstrap()
    outputs = own_cloud.deploy(STACK, assembly=first / "first")
    own_cloud.client("s3").put_object(
        Bucket=outputs["DataBucketName"], Key="events/1.ndjson", Body=b'{"event": 1}\n'
    )
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
    adopt(own_cloud, third / "third", steps)
    throw_away(own_cloud, first / "throwaway", steps)
    return steps


def update(cloud: LocalCloud, assembly: Path, steps: Steps) -> None:
    outputs = cloud.deploy(STACK, assembly=assembly)

    def fired() -> list[Invocation]:
        return [one for one in cloud.invocations() if one.tick == steps.tick() and one.ended]

    assert eventually(lambda: len(fired()) == 3, 90)
    steps.fired = fired()
    steps.states["updated"] = state_of(cloud, outputs, [TICKS[-1], steps.tick(1)])


def adopt(cloud: LocalCloud, assembly: Path, steps: Steps) -> None:
    outputs = cloud.deploy(STACK, assembly=assembly)
    steps.states["adopted"] = state_of(cloud, outputs, [steps.tick(1), steps.tick(2)])
    cloud.destroy(STACK, assembly=assembly)
    steps.states["destroyed again"] = state_of(cloud, outputs, [])


def throw_away(cloud: LocalCloud, assembly: Path, steps: Steps) -> None:
    job = Job(cloud, locks="")
    logs = job.client("logs")  # earlier stacks have logs of the same names
    for group in logs.describe_log_groups()["logGroups"]:
        logs.delete_log_group(logGroupName=group["logGroupName"])
    before = job.inventory()
    outputs = cloud.deploy(STACK, assembly=assembly)
    state_of(cloud, outputs, TICKS)
    try:
        cloud.destroy(STACK, assembly=assembly)
    except LocalCloudError as refused:
        steps.refused = str(refused)
    for name in ("LockBucketName", "DataBucketName"):
        job.empty(outputs[name])
    cloud.destroy(STACK, assembly=assembly)
    steps.left = job.inventory() - before


def numbers(answers: list[Any]) -> list[int]:
    return [answer["term"] for answer in answers if answer["elected"]]


def days(state: State) -> list[int]:
    rules = state.settings["lifecycle"]["Rules"]
    return [rule["Expiration"]["Days"] for rule in rules if "Expiration" in rule]


def test_a_new_ledger_begins_with_term_one(steps: Steps) -> None:
    assert numbers(steps["deployed"].answers) == [1, 2, 3]


# ------------------------------------------------------------------------------------- updated


def test_an_update_keeps_both_buckets(steps: Steps) -> None:
    before, after = steps["deployed"], steps["updated"]
    assert (after.locks, after.data) == (before.locks, before.data)


def test_an_update_changes_no_lock(steps: Steps) -> None:
    assert steps["deployed"].ledger.items() <= steps["updated"].ledger.items()


def test_terms_continue_after_an_update(steps: Steps) -> None:
    elected = [one.answer for one in steps.fired if one.answer["elected"]]
    assert numbers([*elected, *steps["updated"].answers]) == [4, 5]


def test_a_tick_that_was_completed_before_an_update_stays_done(steps: Steps) -> None:
    answer = steps["updated"].answers[0]
    assert (answer["elected"], answer["reason"]) == (False, "done")


def test_an_update_brings_the_new_code(steps: Steps) -> None:
    results = [steps[name].answers[-1]["result"] for name in ("deployed", "updated")]
    assert [result.get("code") for result in results] == [None, "new"]


def test_an_update_changes_the_expression_of_every_schedule(steps: Steps) -> None:
    expected = (f"at({steps.due:%Y-%m-%dT%H:%M:%S})", "ENABLED")
    assert [*steps["updated"].schedules.values()] == [expected] * 3


def test_an_update_keeps_the_schedules_names(steps: Steps) -> None:
    assert steps["updated"].schedules.keys() == steps["deployed"].schedules.keys()


def test_contenders_fire_at_the_new_time(steps: Steps) -> None:
    assert sorted(one.event["contender"] for one in steps.fired) == [1, 2, 3]


def test_a_shorter_history_reaches_the_bucket(steps: Steps) -> None:
    assert (days(steps["deployed"]), days(steps["updated"])) == ([30], [7])


# ----------------------------------------------------------------------------------- destroyed


def test_a_destroyed_stack_keeps_its_ledger(steps: Steps) -> None:
    assert steps["destroyed"].ledger == steps["updated"].ledger


def test_a_destroyed_stack_keeps_its_results(steps: Steps) -> None:
    assert steps["destroyed"].results == steps["updated"].results


def test_a_lock_bucket_keeps_its_policy_without_its_stack(steps: Steps) -> None:
    settings = steps["destroyed"].settings
    sids = {each.get("Sid") for each in settings["policy"]["Statement"]}
    guarded = {"DenyUnconditionalWrites", "DenyDeletesOfLocks"} <= sids
    assert (guarded, settings) == (True, steps["updated"].settings)


def test_a_destroyed_stack_leaves_nothing_that_runs(steps: Steps) -> None:
    kinds = {each.partition(" ")[0] for each in steps["destroyed"].inventory if STACK in each}
    assert kinds == {"logs"}


# ------------------------------------------------------------------------------------- adopted


def test_an_adopted_ledger_continues(steps: Steps) -> None:
    assert numbers(steps["adopted"].answers) == [6]


def test_a_tick_done_before_adoption_stays_done(steps: Steps) -> None:
    assert steps["adopted"].answers[0]["reason"] == "done"


def test_adopting_changes_nothing_about_the_bucket(steps: Steps) -> None:
    assert steps["adopted"].settings == steps["destroyed"].settings


def test_a_stack_that_adopts_makes_no_bucket(steps: Steps) -> None:
    made = steps["adopted"].inventory - steps["destroyed"].inventory
    assert [each for each in made if each.startswith("s3 ")] == []


def test_an_adopted_bucket_outlives_its_second_stack_too(steps: Steps) -> None:
    before, after = steps["adopted"], steps["destroyed again"]
    assert (after.ledger, after.settings) == (before.ledger, before.settings)


# --------------------------------------------------------------------------------- thrown away


def test_a_throw_away_stack_with_objects_is_not_destroyed(steps: Steps) -> None:
    assert "is not empty" in steps.refused


def test_a_throw_away_stack_leaves_nothing_once_its_buckets_are_empty(steps: Steps) -> None:
    assert steps.left == set()
