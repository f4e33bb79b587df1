"""Every command of docs/deploy.md and docs/operating.md, run as written, where needed."""

import json
import os
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from local_cloud import LocalCloud
from s3leader import CorruptLock, Election, Term
from tests.infra.synth import synthesize_stacks
from tests.local_cloud.job import ELECTION, Job
from tests.local_cloud.pages import Block, Place, Printed, blocks, shown, words
from tests.local_cloud.projects import NEVER, ROOT, STACK, copy_project
from tests.local_cloud.shell import Shell
from tests.local_cloud.test_lifetime import eventually

DEPLOY, OPERATING = ((ROOT / "docs" / page).read_text() for page in ("deploy.md", "operating.md"))
LOOK, QUEUES = "See who leads, and why", "Read the dead-letter queues"
SWITCH, FORCE = "Pause a job, and resume it", "A leader is stuck"
BY_HAND, SKIP = "Run a missed tick by hand", "A job fails at every tick"
MOVE, RESTORE = "Move to another bucket", "Locks were deleted, or restored from an old backup"
ADOPT, REGIONS = "Remove the stack, and adopt its buckets", "Deploy to several Regions"
LAST = (ADOPT, REGIONS)  # these end what the other commands operate on
_PAGES = {**blocks(DEPLOY), **blocks(OPERATING)}
COMMANDS = {place: _PAGES[place] for place in sorted(_PAGES, key=lambda place: place[0] in LAST)}
MANY = 12  # more than SQS gives out at a time


@dataclass
class Operation:
    """The shell, the output of each block, and what `before` and `after` have recorded."""

    shell: Shell
    printed: dict[Place, str] = field(default_factory=dict)
    shown: dict[Place, list[Printed]] = field(default_factory=dict)
    seen: dict[str, Any] = field(default_factory=dict)

    @property
    def job(self) -> Job:
        return self.shell.job()

    def lead(self, tick: str) -> Term:
        """Lead a term from elsewhere."""
        job = self.job
        lease = timedelta(minutes=10)
        election = Election(
            ELECTION, bucket=job.locks, client=job.s3, lease=lease, candidate="worker-7"
        )
        term = election.campaign(tick)
        assert isinstance(term, Term)
        return term

    def perform(self, place: Place, block: Block) -> None:
        """Run the commands of a block."""
        if block.shows_output:
            self.shown[place] = [self.shell.print(each.command) for each in block.commands()]
            return
        code, self.printed[place] = self.shell.run(block.text)
        assert code == 0, f"{place}:\n{self.printed[place][-4000:]}"

    def states(self) -> set[str]:
        return {state for _, state in self.job.schedules().values()}


Step = Callable[[Operation], None]
BEFORE: dict[Place, Step] = {}
AFTER: dict[Place, Step] = {}


def before(heading: str, number: int = 1) -> Callable[[Step], Step]:
    """Register a function to call before a block."""
    return lambda step: BEFORE.setdefault((heading, number), step)


def after(heading: str, number: int = 1) -> Callable[[Step], Step]:
    """Register a function to call after a block."""
    return lambda step: AFTER.setdefault((heading, number), step)


@pytest.fixture(scope="module")
def operation(own_cloud: LocalCloud, tmp_path_factory: pytest.TempPathFactory) -> Operation:
    project = copy_project(tmp_path_factory.mktemp("projects") / "project")
    operation = Operation(Shell(own_cloud, project))
    for place, block in COMMANDS.items():
        if step := BEFORE.get(place):
            step(operation)
        operation.perform(place, block)
        if step := AFTER.get(place):
            step(operation)
    if os.environ.get("UPDATE_PAGES"):
        update(operation)
    return operation


def update(operation: Operation) -> None:
    """Write what the commands print now into the page."""
    page = ROOT / "docs" / "operating.md"
    text = page.read_text()
    for place, printed in operation.shown.items():
        text = text.replace(COMMANDS[place].text, shown(printed))
    page.write_text(text)


@after("Set the variables")
def keep_schedules_from_firing(operation: Operation) -> None:
    operation.shell.variables["SCHEDULE"] = NEVER


@after("Deploy the stack")
def name_the_resources(operation: Operation) -> None:
    shell = operation.shell
    outputs = json.loads((shell.project / "outputs.json").read_text())
    regions = shell.variables["REGIONS"].split(",")
    stacks = [STACK if len(regions) == 1 else f"{STACK}-{region}" for region in regions]
    shell.variables["JOBS"] = " ".join(
        f"{region}/{outputs[stack]['FunctionName']}"
        for region, stack in zip(regions, stacks, strict=True)
    )
    shell.names["locks-example"] = shell.variables["S3LEADER_BUCKET"]


@after(MOVE, 4)
def name_the_new_bucket(operation: Operation) -> None:
    operation.shell.names["locks-example"] = operation.shell.variables["NEW_BUCKET"]


@before(LOOK)
def lead_two_terms(operation: Operation) -> None:
    job = operation.job
    job.s3.put_object(
        Bucket=operation.shell.variables["DATA_BUCKET"], Key="events/1.ndjson", Body=b"{}\n"
    )
    for tick in ("2026-11-23T04:00:00Z", "2026-11-23T05:00:00Z"):
        job.invoke(tick)


@before("An alarm is on")
def set_an_alarm(operation: Operation) -> None:
    cloudwatch = operation.job.client("cloudwatch")
    names = [each["AlarmName"] for each in cloudwatch.describe_alarms()["MetricAlarms"]]
    operation.seen["alarms"] = names
    (failed,) = (name for name in names if "MonitoringFailed" in name)
    cloudwatch.set_alarm_state(AlarmName=failed, StateValue="ALARM", StateReason="a test")


@before(QUEUES)
def let_an_event_fail(operation: Operation) -> None:
    operation.job.client("lambda").invoke(
        FunctionName=operation.job.function, InvocationType="Event", Payload=b'{"tick": "no time"}'
    )
    sqs = operation.job.client("sqs")
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
@after(SWITCH, 2)
def record_schedules(operation: Operation) -> None:
    operation.seen.setdefault("states", []).append(operation.states())


@before(FORCE)
def hold_a_term(operation: Operation) -> None:
    operation.seen["stuck"] = operation.lead("2026-11-23T06:00:00Z").number


@after(FORCE, 3)
def record_the_tick_that_is_led_again(operation: Operation) -> None:
    operation.seen["led again"] = operation.job.terms()[-1]


@after(SKIP)
def record_the_skipped_tick(operation: Operation) -> None:
    operation.seen["skipped"] = operation.job.terms()[-1]
    operation.seen["after skipping"] = operation.job.invoke("2026-11-23T08:00:00Z")


@before(MOVE, 3)
def lead_while_the_ledger_is_moved(operation: Operation) -> None:
    old, new = operation.job.locks, operation.shell.variables["NEW_BUCKET"]
    term = operation.lead("2026-11-23T08:30:00Z")
    operation.seen["moved while led"] = operation.shell.run(COMMANDS[MOVE, 3].text)
    operation.seen["new while led"] = operation.job.objects(new)
    term.resign()
    operation.seen["old"] = Election(ELECTION, bucket=old, client=operation.job.s3)
    operation.seen["moved term"] = term.number


@after(MOVE, 3)
def move_it_again(operation: Operation) -> None:
    new = operation.shell.variables["NEW_BUCKET"]
    there = operation.job.objects(new)
    code, _ = operation.shell.run(COMMANDS[MOVE, 3].text)
    operation.seen["moved again"] = (code, operation.job.objects(new) == there)
    old = operation.job.objects(operation.job.locks)
    locks = {key: json.loads(body) for key, body in there.items()}
    operation.seen["copied"] = [
        (json.loads(old[key]), lock) for key, lock in locks.items() if isinstance(lock, dict)
    ]


@after(MOVE, 5)
def lead_in_the_new_bucket(operation: Operation) -> None:
    operation.seen["policy"] = operation.job.settings(operation.job.locks)["policy"]
    operation.seen["after moving"] = operation.job.invoke("2026-11-23T08:45:00Z")


@before(RESTORE)
def delete_the_ledger(operation: Operation) -> None:
    job = operation.job
    operation.seen["highest"] = job.terms()[-1].term
    job.s3.delete_bucket_policy(Bucket=job.locks)
    for key in job.objects(job.locks):
        job.s3.delete_object(Bucket=job.locks, Key=key)


@after(RESTORE, 1)
def record_the_policy(operation: Operation) -> None:
    operation.seen["policy again"] = operation.job.settings(operation.job.locks)["policy"]


@after(RESTORE, 6)
def lead_after_restoring(operation: Operation) -> None:
    ticks = ("2026-11-23T08:00:00Z", "2026-11-23T08:50:00Z")
    operation.seen["after restoring"] = [operation.job.invoke(tick) for tick in ticks]


@after(REGIONS)
def lead_in_both(operation: Operation) -> None:
    name_the_resources(operation)
    jobs = [operation.shell.job(number) for number in (0, 1)]
    operation.seen["in both"] = [
        jobs[0].invoke("2026-11-23T10:00:00Z"),
        jobs[1].invoke("2026-11-23T10:00:00Z"),
        jobs[1].invoke("2026-11-23T11:00:00Z"),
    ]
    operation.shell.run('s3leader pause "$ELECTION"')
    found = {name: state for job in jobs for name, (_, state) in job.schedules().items()}
    regional = tuple(f"{STACK}-{job.region}-" for job in jobs)
    operation.seen["disabled in both"] = Counter(
        (state, name.startswith(regional)) for name, state in found.items()
    )


def test_every_step_belongs_to_a_block() -> None:
    assert (BEFORE.keys() | AFTER.keys()) - COMMANDS.keys() == set()


def test_every_alarm_has_its_entry(operation: Operation) -> None:
    entries = set(re.findall(r"^### `(\w+)`$", OPERATING, flags=re.MULTILINE))
    alarms = {
        re.sub(r".*Monitoring(\w+)[0-9A-F]{8}-.*", r"\1", each) for each in operation.seen["alarms"]
    }
    # Here a schedule that never comes has no interval, each kind has a queue of its own, and no
    # term is continued.
    absent = {"NotCompleted", "DeadLetters", "TooManyContinuations", "ContinuationNotStarted"}
    assert entries == alarms | absent


def test_every_log_line_has_its_entry() -> None:
    entries = set(re.findall(r"^\| `([a-z ]+)` \| `[A-Z]", OPERATING, flags=re.MULTILINE))
    source = (ROOT / "lambda_src" / "s3leader" / "_lambda" / "report.py").read_text()
    assert entries == set(re.findall(r'self\._log\.\w+\(\s*"([^"]+)"', source))


def test_the_log_shows_who_was_elected(operation: Operation) -> None:
    lines = [line for line in operation.printed[LOOK, 1].splitlines() if " elected" in line]
    assert len([line for line in lines if "not elected" not in line]) == 2


def test_the_alarm_that_is_on_is_shown(operation: Operation) -> None:
    assert operation.printed["An alarm is on", 1].startswith("us-east-1 failed: ALARM since ")


def test_every_event_in_both_dead_letter_queues_is_shown_with_its_cause(
    operation: Operation,
) -> None:
    printed = operation.printed[QUEUES, 1]
    assert ("no time" in printed, "RetriesExhausted" in printed) == (True, True)
    assert printed.count("NoSuchRole") == MANY


def test_a_job_is_disabled_and_enabled(operation: Operation) -> None:
    assert operation.seen["states"] == [{"DISABLED"}, {"ENABLED"}]


def test_a_forced_term_is_deposed_and_its_tick_led_again(operation: Operation) -> None:
    lock = operation.seen["led again"]
    assert (lock.tick.isoformat(), lock.attempt) == ("2026-11-23T06:00:00+00:00", 2)
    assert "is completed" in operation.printed[FORCE, 3]


def test_a_job_is_run_by_hand_for_a_missed_tick_and_for_none(operation: Operation) -> None:
    for number, what in (
        (1, "Tick 2026-11-23T07:00:00Z is completed"),
        (2, "The run is completed"),
    ):
        assert what in operation.printed[BY_HAND, number]


def test_what_commands_print_is_what_the_page_shows(operation: Operation) -> None:
    """UPDATE_PAGES=1 rewrites the page."""
    for place, printed in operation.shown.items():
        expected = COMMANDS[place].commands()
        assert [(each.command, each.code) for each in printed] == [
            (each.command, each.code) for each in expected
        ], place
        for found, on_page in zip(printed, expected, strict=True):
            assert words(found.output) == words(on_page.output), place


def test_a_skipped_tick_is_completed_and_not_led_again(operation: Operation) -> None:
    lock = operation.seen["skipped"]
    assert (lock.outcome, lock.reason) == ("completed", "skipped by an operator: its input is gone")
    assert operation.seen["after skipping"]["reason"] == "done"


def test_a_ledger_is_not_moved_while_somebody_leads(operation: Operation) -> None:
    code, printed = operation.seen["moved while led"]
    assert (code, "worker-7" in printed, operation.seen["new while led"]) == (1, True, {})


def test_a_move_copies_the_lock_and_can_be_done_again(operation: Operation) -> None:
    ((old, new),) = operation.seen["copied"]  # beside the note that closes lock 1
    assert {**old, "proved": False} == new  # the new bucket is still to be proved (R0)
    assert operation.seen["moved again"] == (0, True)


def test_nobody_leads_in_the_old_bucket_any_more(operation: Operation) -> None:
    with pytest.raises(CorruptLock):
        operation.seen["old"].campaign()


def test_a_moved_ledger_goes_on(operation: Operation) -> None:
    found = operation.seen["after moving"]
    assert (found["elected"], found["term"]) == (True, operation.seen["moved term"] + 1)


def test_the_policy_that_is_put_back_is_that_of_a_lock_bucket(operation: Operation) -> None:
    assert operation.seen["policy again"] == operation.seen["policy"]


def test_the_highest_number_and_the_latest_tick_are_found_without_their_lock(
    operation: Operation,
) -> None:
    highest = f"{operation.seen['highest']:>10}  is the highest."
    found = f"{highest} Latest completed tick: 2026-11-23T08:45:00Z"
    assert found in operation.printed[RESTORE, 3].splitlines()


def test_a_restored_ledger_knows_what_is_done_and_goes_on_above_all_numbers(
    operation: Operation,
) -> None:
    done, led = operation.seen["after restoring"]
    assert (done["reason"], led["term"]) == ("done", 1002)


def test_an_adopted_ledger_goes_on(operation: Operation) -> None:
    assert "term 1003," in operation.printed[ADOPT, 2]


def test_both_regions_contend_in_one_ledger(operation: Operation) -> None:
    assert [found["term"] for found in operation.seen["in both"]] == [1, 1, 2]


def test_one_job_is_disabled_in_all_regions_and_no_other(operation: Operation) -> None:
    assert operation.seen["disabled in both"] == {("DISABLED", True): 6, ("ENABLED", False): 3}


def test_a_further_region_changes_nothing_at_home() -> None:
    two, three = (
        synthesize_stacks(regions=regions)[f"{STACK}-home"].json
        for regions in ("us-east-1,eu-west-1", "us-east-1,eu-west-1,ap-south-1")
    )
    assert two == three
