"""Every command of the runbook, run as written, in situations that it is written for."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from local_cloud import LocalCloud
from s3leader import CorruptLock, Election, Term
from tests.infra.synth import synthesize_stacks
from tests.local_cloud.job import ELECTION, Job
from tests.local_cloud.projects import NEVER, ROOT, STACK, copy_project
from tests.local_cloud.shell import RUNBOOK, Result, Shell, blocks
from tests.local_cloud.test_lifetime import eventually

TEXT = RUNBOOK.read_text()
COMMANDS = {(block.heading, block.number): block.commands for block in blocks(TEXT)}
LOOK, QUEUES = "See who leads, and why", "Events in a dead-letter queue"
SWITCH, FORCE = "Disable a job, and enable it again", "Force a new leader"
BY_HAND, POISON = "Run a missed tick by hand", "A poisoned tick"
MOVE, RESTORE = "Move to another bucket", "Restore after locks were deleted by hand"
ADOPT, REGIONS = "Destroy, and adopt the buckets again", "Deploy to several Regions, or add one"
DESK = "Before anything else: your desk"
MANY = 12  # more than SQS gives out at a time


@dataclass
class Night:
    """What a night with the runbook is like: what came of its commands, and what was there then."""

    shell: Shell
    done: dict[tuple[str, int], Result] = field(default_factory=dict)
    seen: dict[str, Any] = field(default_factory=dict)

    def __getitem__(self, place: tuple[str, int]) -> str:
        """Return what the commands printed."""
        return self.done[place].output

    @property
    def job(self) -> Job:
        return self.shell.job()

    def lead(self, tick: str, lease: float = 600) -> Term:
        """Lead a term from elsewhere."""
        job = self.job
        election = Election(
            ELECTION, bucket=job.locks, client=job.s3, lease=timedelta(seconds=lease)
        )
        term = election.campaign(tick)
        assert isinstance(term, Term)
        return term

    def states(self) -> set[str]:
        return {state for _, state in self.job.schedules().values()}


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    with LocalCloud(tmp_path_factory.mktemp("cloud")) as running:
        yield running


Scene = Callable[[Night], None]
BEFORE: dict[tuple[str, int], Scene] = {}
AFTER: dict[tuple[str, int], Scene] = {}


def before(heading: str, number: int = 1) -> Callable[[Scene], Scene]:
    """Set the scene for commands."""
    return lambda scene: BEFORE.setdefault((heading, number), scene)


def after(heading: str, number: int = 1) -> Callable[[Scene], Scene]:
    """Look at what commands have done."""
    return lambda scene: AFTER.setdefault((heading, number), scene)


@pytest.fixture(scope="module")
def night(cloud: LocalCloud, tmp_path_factory: pytest.TempPathFactory) -> Night:
    night = Night(Shell(cloud, copy_project(tmp_path_factory.mktemp("projects") / "project")))
    for place, commands in COMMANDS.items():
        for scene in filter(None, [BEFORE.get(place)]):
            scene(night)
        night.done[place] = night.shell.run(commands)
        assert night.done[place].code == 0, f"{place}:\n{night[place][-4000:]}"
        for scene in filter(None, [AFTER.get(place)]):
            scene(night)
    return night


@after(DESK)
def no_schedule_interferes(night: Night) -> None:
    night.shell.variables["SCHEDULE"] = NEVER


@before(LOOK)
def somebody_has_led(night: Night) -> None:
    job = night.job
    job.s3.put_object(
        Bucket=night.shell.variables["DATA_BUCKET"], Key="events/1.ndjson", Body=b"{}\n"
    )
    for tick in ("2026-11-23T04:00:00Z", "2026-11-23T05:00:00Z"):
        job.invoke(tick)


@before("An alarm is on")
def an_alarm_goes_off(night: Night) -> None:
    cloudwatch = night.job.client("cloudwatch")
    names = [each["AlarmName"] for each in cloudwatch.describe_alarms()["MetricAlarms"]]
    night.seen["alarms"] = names
    (failed,) = (name for name in names if "MonitoringFailed" in name)
    cloudwatch.set_alarm_state(AlarmName=failed, StateValue="ALARM", StateReason="a test")


@before(QUEUES)
def an_event_comes_to_nothing(night: Night) -> None:
    night.job.client("lambda").invoke(
        FunctionName=night.job.function, InvocationType="Event", Payload=b'{"tick": "no time"}'
    )
    sqs = night.job.client("sqs")
    urls = sqs.list_queues()["QueueUrls"]
    (url,) = (u for u in urls if "Unprocessed" in u)
    (undelivered,) = (u for u in urls if "Undelivered" in u)
    for number in range(MANY):
        sqs.send_message(
            QueueUrl=undelivered,
            MessageBody=json.dumps({"tick": f"undelivered {number}"}),
            MessageAttributes={"ERROR_CODE": {"DataType": "String", "StringValue": "NoSuchRole"}},
        )

    def waits() -> bool:
        got = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])
        return bool(got["Attributes"]["ApproximateNumberOfMessages"] == "1")

    assert eventually(waits, 60)


@after(SWITCH, 1)
def look_at_disabled_schedules(night: Night) -> None:
    night.seen["disabled"] = night.states()


@after(SWITCH, 2)
def look_at_enabled_schedules(night: Night) -> None:
    night.seen["enabled"] = night.states()


@before(FORCE)
def somebody_is_stuck(night: Night) -> None:
    night.seen["stuck"] = night.lead("2026-11-23T06:00:00Z").number


@after(POISON)
def look_for_the_skipped_tick(night: Night) -> None:
    night.seen["skipped"] = night.job.terms()[-1]
    night.seen["after skipping"] = night.job.invoke("2026-11-23T08:00:00Z")


@before(MOVE, 3)
def somebody_leads_while_it_is_moved(night: Night) -> None:
    old, new = night.job.locks, night.shell.variables["NEW_BUCKET"]
    term = night.lead("2026-11-23T08:30:00Z")
    night.seen["moved while led"] = night.shell.run(COMMANDS[MOVE, 3])
    night.seen["new while led"] = night.job.objects(new)
    term.resign()
    night.seen["old"] = Election(ELECTION, bucket=old, client=night.job.s3)
    night.seen["moved term"] = term.number


@after(MOVE, 3)
def move_it_again(night: Night) -> None:
    new = night.shell.variables["NEW_BUCKET"]
    there = night.job.objects(new)
    again = night.shell.run(COMMANDS[MOVE, 3])
    night.seen["moved again"] = (again.code, night.job.objects(new) == there)
    night.seen["same"] = there.items() <= night.job.objects(night.job.locks).items()


@after(MOVE, 5)
def go_on_there(night: Night) -> None:
    night.seen["policy"] = night.job.settings(night.job.locks)["policy"]
    night.seen["after moving"] = night.job.invoke("2026-11-23T08:45:00Z")


@before(RESTORE)
def somebody_deletes_the_ledger(night: Night) -> None:
    job = night.job
    night.seen["highest"] = job.terms()[-1].term
    job.s3.delete_bucket_policy(Bucket=job.locks)
    job.empty(job.locks)


@after(RESTORE, 1)
def look_at_the_policy(night: Night) -> None:
    night.seen["policy again"] = night.job.settings(night.job.locks)["policy"]


@after(RESTORE, 6)
def go_on_after_restoring(night: Night) -> None:
    ticks = ("2026-11-23T08:00:00Z", "2026-11-23T08:50:00Z")
    night.seen["after restoring"] = [night.job.invoke(tick) for tick in ticks]


@after(ADOPT, 1)
def look_at_what_is_left(night: Night) -> None:
    night.seen["left"] = night.job.inventory()


@after(REGIONS)
def lead_in_both(night: Night) -> None:
    jobs = [night.shell.job(number) for number in (0, 1)]
    night.seen["in both"] = [
        jobs[0].invoke("2026-11-23T10:00:00Z"),
        jobs[1].invoke("2026-11-23T10:00:00Z"),
        jobs[1].invoke("2026-11-23T11:00:00Z"),
    ]
    night.shell.run('python -c "$SWITCH" DISABLED')
    found = {name: state for job in jobs for name, (_, state) in job.schedules().items()}
    regional = tuple(f"{STACK}-{job.region}-" for job in jobs)
    night.seen["disabled in both"] = Counter(
        (state, name.startswith(regional)) for name, state in found.items()
    )


def answer(output: str) -> Any:
    """Return what `$RUN` has printed last."""
    return json.loads(output[output.rindex("\n{\n") if "\n{\n" in output else 0 :])


def test_every_scene_belongs_to_commands() -> None:
    assert (BEFORE.keys() | AFTER.keys()) - COMMANDS.keys() == set()


def test_every_alarm_has_its_entry(night: Night) -> None:
    entries = set(re.findall(r"^### `(\w+)`$", TEXT, flags=re.MULTILINE))
    alarms = {
        re.sub(r".*Monitoring(\w+)[0-9A-F]{8}-.*", r"\1", each) for each in night.seen["alarms"]
    }
    # A schedule that never comes has no interval; and here each kind has a queue of its own.
    assert entries == alarms | {"NotCompleted", "DeadLetters"}


def test_every_log_line_has_its_entry() -> None:
    entries = set(re.findall(r"^\| `([a-z ]+)` \| `[A-Z]", TEXT, flags=re.MULTILINE))
    source = (ROOT / "lambda_src" / "s3leader" / "_lambda" / "report.py").read_text()
    assert entries == set(re.findall(r'self\._log\.\w+\(\s*"([^"]+)"', source))


def test_the_log_shows_who_was_elected(night: Night) -> None:
    lines = [line for line in night[LOOK, 2].splitlines() if " elected {" in line]
    assert [line.count("'term': ") for line in lines] == [1, 1]


def test_the_alarm_that_is_on_is_shown(night: Night) -> None:
    (line,) = night["An alarm is on", 1].splitlines()
    assert "MonitoringFailed" in line


def test_an_event_in_a_dead_letter_queue_is_shown(night: Night) -> None:
    assert "{'tick': 'no time'}" in night[QUEUES, 1]


def test_the_condition_under_which_lambda_gave_up_is_shown(night: Night) -> None:
    (line,) = (each for each in night[QUEUES, 1].splitlines() if "'no time'" in each)
    assert "'condition': 'RetriesExhausted'" in line


def test_the_cause_that_scheduler_gives_is_shown(night: Night) -> None:
    """It stands in the message's attributes, as its documentation says."""
    assert night[QUEUES, 1].count("'ERROR_CODE': 'NoSuchRole'") == MANY


def test_all_events_are_shown_and_not_just_the_first_ten(night: Night) -> None:
    assert {f"undelivered {n}" for n in range(MANY)} == set(
        re.findall(r"undelivered \d+", night[QUEUES, 1])
    )


def test_both_dead_letter_queues_are_shown(night: Night) -> None:
    assert len(re.findall(r"^us-east-1 \S+: http", night[QUEUES, 1], flags=re.MULTILINE)) == 2


def test_a_job_is_disabled_and_enabled(night: Night) -> None:
    assert (night.seen["disabled"], night.seen["enabled"]) == ({"DISABLED"}, {"ENABLED"})


def test_a_forced_term_is_deposed(night: Night) -> None:
    assert f"Term {night.seen['stuck']} is deposed" in night[FORCE, 1]


def test_the_tick_of_a_forced_term_is_led_again(night: Night) -> None:
    found = answer(night[FORCE, 2])
    assert (found["outcome"], found["attempt"]) == ("completed", 2)


def test_a_missed_tick_is_run_by_hand(night: Night) -> None:
    assert answer(night[BY_HAND, 1])["tick"] == "2026-11-23T07:00:00Z"


def test_a_job_is_run_for_no_tick(night: Night) -> None:
    found = answer(night[BY_HAND, 2])
    assert (found["elected"], found["tick"]) == (True, None)


def test_a_skipped_tick_is_in_the_ledger(night: Night) -> None:
    lock = night.seen["skipped"]
    assert (lock.outcome, lock.reason) == ("completed", "skipped by an operator")


def test_a_skipped_tick_is_not_led_again(night: Night) -> None:
    assert night.seen["after skipping"]["reason"] == "done"


# --------------------------------------------------------------------------------------- moved


def test_a_ledger_is_not_moved_while_somebody_leads(night: Night) -> None:
    done = night.seen["moved while led"]
    refused = (done.code, "is not over" in done.output)
    assert (refused, night.seen["new while led"]) == ((1, True), {})


def test_a_move_can_be_done_again(night: Night) -> None:
    assert night.seen["moved again"] == (0, True)


def test_a_lock_is_brought_over_as_it_is(night: Night) -> None:
    assert night.seen["same"]


def test_nobody_leads_in_the_old_bucket_any_more(night: Night) -> None:
    with pytest.raises(CorruptLock):
        night.seen["old"].campaign()


def test_a_moved_ledger_goes_on(night: Night) -> None:
    found = night.seen["after moving"]
    assert (found["elected"], found["term"]) == (True, night.seen["moved term"] + 1)


# ------------------------------------------------------------------------------------ restored


def test_the_policy_that_is_put_back_is_that_of_a_lock_bucket(night: Night) -> None:
    assert night.seen["policy again"] == night.seen["policy"]


def test_the_highest_number_is_found_without_its_lock(night: Night) -> None:
    assert f"{night.seen['highest']:10} is the highest." in night[RESTORE, 3]


def test_the_latest_completed_tick_is_found_without_its_lock(night: Night) -> None:
    assert "known to be completed: 2026-11-23T08:45:00Z" in night[RESTORE, 3]


def test_a_restored_ledger_knows_what_is_done(night: Night) -> None:
    assert night.seen["after restoring"][0]["reason"] == "done"


def test_a_restored_ledger_goes_on_above_all_numbers(night: Night) -> None:
    assert night.seen["after restoring"][1]["term"] == 1001


# ------------------------------------------------------------------------- adopted, and Regions


def test_a_destroyed_job_leaves_buckets_and_logs_alone(night: Night) -> None:
    left = (each for each in night.seen["left"] if STACK.lower() in each.lower())
    assert {each.partition(" ")[0] for each in left} == {"s3", "logs"}


def test_an_adopted_ledger_goes_on(night: Night) -> None:
    assert answer(night[ADOPT, 2])["term"] == 1002


def test_both_regions_contend_in_one_ledger(night: Night) -> None:
    assert [found["term"] for found in night.seen["in both"]] == [1, 1, 2]


def test_one_job_is_disabled_in_all_regions_and_no_other(night: Night) -> None:
    assert night.seen["disabled in both"] == {("DISABLED", True): 6, ("ENABLED", False): 3}


def test_a_further_region_changes_nothing_at_home() -> None:
    two, three = (
        synthesize_stacks(regions=regions)[f"{STACK}-home"].json
        for regions in ("us-east-1,eu-west-1", "us-east-1,eu-west-1,ap-south-1")
    )
    assert two == three
