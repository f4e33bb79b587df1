"""A stack's life, by the real CDK CLI: deployed, updated, destroyed, and its buckets adopted."""

from collections.abc import Iterator
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
    """What there is at one point of the stack's life."""

    answers: list[Any]
    locks: str
    data: str
    ledger: dict[str, bytes]
    results: dict[str, bytes]
    settings: dict[str, Any]
    schedules: dict[str, tuple[str, str]]
    inventory: set[str]


@dataclass
class Life:
    """The stack's life so far, state by state."""

    due: datetime  # as the update schedules it
    fired: list[Invocation] = field(default_factory=list)
    states: dict[str, State] = field(default_factory=dict)
    refused: str = ""  # to destroy a stack whose buckets are not empty
    left: set[str] = field(default_factory=set)  # by a throw-away stack

    def tick(self, minutes: int = 0) -> str:
        return f"{self.due + timedelta(minutes=minutes):%Y-%m-%dT%H:%M:%SZ}"

    def __getitem__(self, name: str) -> State:
        return self.states[name]


def state_of(cloud: LocalCloud, outputs: dict[str, str], ticks: list[str]) -> State:
    """Invoke the job for ticks, where there still is one, and look around."""
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
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    with LocalCloud(tmp_path_factory.mktemp("cloud")) as running:
        yield running


@pytest.fixture(scope="module")
def life(cloud: LocalCloud, tmp_path_factory: pytest.TempPathFactory) -> Life:
    folder = tmp_path_factory.mktemp("projects")
    before, after = copy_project(folder / "before"), copy_project(folder / "after")
    handler = after / "lambda_src" / "compaction" / "handler.py"
    assert OLD_CODE in handler.read_text()
    handler.write_text(handler.read_text().replace(OLD_CODE, NEW_CODE))
    # If this has passed when it is deployed, the emulator makes up for it at once.
    life = Life((datetime.now(UTC) + timedelta(seconds=20)).replace(microsecond=0))
    changed = {"schedule": f"at({life.due:%Y-%m-%dT%H:%M:%S})", "history": "7"}
    contexts = {name: {"schedule": NEVER} for name in ("first", "throwaway")}
    contexts["throwaway"]["throwaway"] = "true"
    with ExitStack() as both:
        first = both.enter_context(assemblies(before, contexts))
        second = both.enter_context(assemblies(after, {"second": changed}))
        cloud.bootstrap()
    outputs = cloud.deploy(STACK, assembly=first / "first")
    cloud.client("s3").put_object(
        Bucket=outputs["DataBucketName"], Key="events/1.ndjson", Body=b'{"event": 1}\n'
    )
    life.states["deployed"] = state_of(cloud, outputs, TICKS)
    adopting = {
        "schedule": NEVER,
        "lock_bucket": outputs["LockBucketName"],
        "data_bucket": outputs["DataBucketName"],
    }
    with assemblies(before, {"third": adopting}) as third:
        update(cloud, second / "second", life)
    cloud.destroy(STACK, assembly=second / "second")
    life.states["destroyed"] = state_of(cloud, outputs, [])
    adopt(cloud, third / "third", life)
    throw_away(cloud, first / "throwaway", life)
    return life


def update(cloud: LocalCloud, assembly: Path, life: Life) -> None:
    outputs = cloud.deploy(STACK, assembly=assembly)

    def fired() -> list[Invocation]:
        return [one for one in cloud.invocations() if one.tick == life.tick() and one.ended]

    assert eventually(lambda: len(fired()) == 3, 90)
    life.fired = fired()
    life.states["updated"] = state_of(cloud, outputs, [TICKS[-1], life.tick(1)])


def adopt(cloud: LocalCloud, assembly: Path, life: Life) -> None:
    outputs = cloud.deploy(STACK, assembly=assembly)
    life.states["adopted"] = state_of(cloud, outputs, [life.tick(1), life.tick(2)])
    cloud.destroy(STACK, assembly=assembly)
    life.states["destroyed again"] = state_of(cloud, outputs, [])


def throw_away(cloud: LocalCloud, assembly: Path, life: Life) -> None:
    job = Job(cloud, locks="")
    logs = job.client("logs")  # those of the stacks before bear the same names
    for group in logs.describe_log_groups()["logGroups"]:
        logs.delete_log_group(logGroupName=group["logGroupName"])
    before = job.inventory()
    outputs = cloud.deploy(STACK, assembly=assembly)
    state_of(cloud, outputs, TICKS)
    try:
        cloud.destroy(STACK, assembly=assembly)
    except LocalCloudError as refused:
        life.refused = str(refused)
    for name in ("LockBucketName", "DataBucketName"):
        job.empty(outputs[name])
    cloud.destroy(STACK, assembly=assembly)
    life.left = job.inventory() - before


def numbers(answers: list[Any]) -> list[int]:
    return [answer["term"] for answer in answers if answer["elected"]]


def days(state: State) -> list[int]:
    rules = state.settings["lifecycle"]["Rules"]
    return [rule["Expiration"]["Days"] for rule in rules if "Expiration" in rule]


def test_a_new_ledger_begins_with_term_one(life: Life) -> None:
    assert numbers(life["deployed"].answers) == [1, 2, 3]


# ------------------------------------------------------------------------------------- updated


def test_an_update_keeps_both_buckets(life: Life) -> None:
    before, after = life["deployed"], life["updated"]
    assert (after.locks, after.data) == (before.locks, before.data)


def test_an_update_changes_no_lock_that_is_there(life: Life) -> None:
    assert life["deployed"].ledger.items() <= life["updated"].ledger.items()


def test_terms_go_on_after_an_update(life: Life) -> None:
    elected = [one.answer for one in life.fired if one.answer["elected"]]
    assert numbers([*elected, *life["updated"].answers]) == [4, 5]


def test_a_tick_that_was_completed_before_an_update_stays_done(life: Life) -> None:
    answer = life["updated"].answers[0]
    assert (answer["elected"], answer["reason"]) == (False, "done")


def test_an_update_brings_the_new_code(life: Life) -> None:
    results = [life[name].answers[-1]["result"] for name in ("deployed", "updated")]
    assert [result.get("code") for result in results] == [None, "new"]


def test_an_update_changes_the_expression_of_every_schedule(life: Life) -> None:
    expected = (f"at({life.due:%Y-%m-%dT%H:%M:%S})", "ENABLED")
    assert [*life["updated"].schedules.values()] == [expected] * 3


def test_an_update_keeps_the_schedules_names(life: Life) -> None:
    assert life["updated"].schedules.keys() == life["deployed"].schedules.keys()


def test_contenders_fire_at_the_new_time(life: Life) -> None:
    assert sorted(one.event["contender"] for one in life.fired) == [1, 2, 3]


def test_a_shorter_history_reaches_the_bucket(life: Life) -> None:
    assert (days(life["deployed"]), days(life["updated"])) == ([30], [7])


# ----------------------------------------------------------------------------------- destroyed


def test_a_destroyed_stack_leaves_its_ledger(life: Life) -> None:
    assert life["destroyed"].ledger == life["updated"].ledger


def test_a_destroyed_stack_leaves_its_results(life: Life) -> None:
    assert life["destroyed"].results == life["updated"].results


def test_a_lock_bucket_keeps_its_guards_without_its_stack(life: Life) -> None:
    settings = life["destroyed"].settings
    sids = {each.get("Sid") for each in settings["policy"]["Statement"]}
    guarded = {"DenyUnconditionalWrites", "DenyDeletesOfLocks"} <= sids
    assert (guarded, settings) == (True, life["updated"].settings)


def test_a_destroyed_stack_leaves_nothing_that_runs(life: Life) -> None:
    kinds = {each.partition(" ")[0] for each in life["destroyed"].inventory if STACK in each}
    assert kinds == {"logs"}


# ------------------------------------------------------------------------------------- adopted


def test_an_adopted_ledger_goes_on(life: Life) -> None:
    assert numbers(life["adopted"].answers) == [6]


def test_an_adopted_ledger_knows_what_is_done(life: Life) -> None:
    assert life["adopted"].answers[0]["reason"] == "done"


def test_adopting_changes_nothing_about_the_bucket(life: Life) -> None:
    assert life["adopted"].settings == life["destroyed"].settings


def test_a_stack_that_adopts_makes_no_bucket(life: Life) -> None:
    made = life["adopted"].inventory - life["destroyed"].inventory
    assert [each for each in made if each.startswith("s3 ")] == []


def test_an_adopted_bucket_outlives_its_second_stack_too(life: Life) -> None:
    before, after = life["adopted"], life["destroyed again"]
    assert (after.ledger, after.settings) == (before.ledger, before.settings)


# --------------------------------------------------------------------------------- thrown away


def test_a_throw_away_stack_is_not_destroyed_with_what_is_in_its_buckets(life: Life) -> None:
    assert "is not empty" in life.refused


def test_a_throw_away_stack_leaves_nothing_once_its_buckets_are_empty(life: Life) -> None:
    assert life.left == set()
