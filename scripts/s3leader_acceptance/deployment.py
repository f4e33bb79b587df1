"""The deployed stack, as the checks use it."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache, cached_property
from typing import Any, TypeVar

from botocore.exceptions import ClientError

from s3leader import Election, Lock
from s3leader_acceptance.account import Account, Client
from s3leader_acceptance.app_names import election_of
from s3leader_acceptance.programs import Program
from s3leader_acceptance.progress import Progress
from s3leader_acceptance.state import State

FoundT = TypeVar("FoundT")
LEGS = 20  # Lambda stops a function that invokes itself after about 16 rounds, if it is not allowed
_CONTENDERS = {"Killed": 2}
_DENIED = {"AccessDenied", "403"}
_FAST_SECONDS = 60
_FAST_METRICS_SECONDS = 3


@dataclass(kw_only=True)
class Deployment:
    """The stack, what it is named, and what the checks share.

    `fast` says that schedules fire to the second and retries follow within seconds.
    """

    account: Account
    state: State
    outputs: Mapping[str, str]
    progress: Progress
    fast: bool
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    programs: list[Program] = field(default_factory=list)
    _begun: dict[str, datetime] = field(default_factory=dict)
    _as_deployed: str | None = field(default=None, init=False)
    began: float = field(default_factory=time.time)

    def __post_init__(self) -> None:
        """Keep each client, since one takes a tenth of a second to make."""
        self.client = cache(self._client)

    def _client(self, service: str, role: str | None = None) -> Client:
        if role is None:
            return self.account.client(service)
        arn = self.outputs[f"{role}Role"]

        def act() -> Client | None:
            try:
                return self.account.client(service, role=arn)
            except ClientError as error:
                if error.response["Error"]["Code"] not in _DENIED:
                    raise
                return None

        what = "a new role that can be assumed"
        found = self.wait(what, act, seconds=120, fast_seconds=0)
        return found or self.account.client(service, role=arn)

    @property
    def s3(self) -> Client:
        """A client for S3 in the caller's name."""
        return self.client("s3")

    @property
    def bucket(self) -> str:
        """The bucket's name."""
        return self.outputs["Bucket"]

    def wait(
        self,
        what: str,
        poll: Callable[[], FoundT | None],
        *,
        seconds: float,
        fast_seconds: float | None = None,
    ) -> FoundT | None:
        """Return what `poll` returns once that is true; None after `seconds`."""
        if fast_seconds is None:
            fast_seconds = _FAST_SECONDS
        limit, every = (fast_seconds, 0.2) if self.fast else (seconds, 2.0)
        return self.progress.wait(what, poll, seconds=limit, every=every)

    # ------------------------------------------------------------------------------------- jobs

    def tick(self) -> datetime:
        """Return a tick that no other has had; ticks rise."""
        start = datetime.fromtimestamp(int(self.began), tz=UTC)
        return start + timedelta(seconds=next(self.numbers))

    def begin(self, job: str) -> datetime:
        """Start what a job's checks watch, once for all of them; return its tick."""
        if job not in self._begun:
            self._begun[job] = self.tick()
            for contender in range(1, _CONTENDERS.get(job, 1) + 1):
                self._start(job, self._begun[job], contender, **self._event(job))
        return self._begun[job]

    @cached_property
    def due(self) -> datetime | None:
        """The time for which the schedules were set; None if they are due each minute, as deployed.

        Where schedules fire to the second, nobody has to wait for a minute.
        """
        if not self.fast:
            return None
        due = (datetime.now(UTC) + timedelta(seconds=3)).replace(microsecond=0)
        self._as_deployed = self._set_schedules(f"at({due:%Y-%m-%dT%H:%M:%S})")
        return due

    def set_schedules_back(self) -> None:
        """Set the schedules to when they were due as deployed, if `due` has changed that."""
        if self._as_deployed is not None:
            self._set_schedules(self._as_deployed)

    def _set_schedules(self, expression: str) -> str:
        """Let all schedules of the ticks be due then; return when they were before."""
        scheduler, group = self.client("scheduler"), self.outputs["TicksGroup"]
        before = expression
        for listed in scheduler.list_schedules(GroupName=group)["Schedules"]:
            found = scheduler.get_schedule(GroupName=group, Name=listed["Name"])
            before = found["ScheduleExpression"]
            scheduler.update_schedule(
                GroupName=group,
                Name=listed["Name"],
                ScheduleExpression=expression,
                FlexibleTimeWindow=found["FlexibleTimeWindow"],
                Target=found["Target"],
                State="ENABLED",
            )
        return before

    def _event(self, job: str) -> dict[str, object]:
        legs = {"do": "legs", "legs": LEGS, "seconds": 3 if self.fast else 60}
        events: dict[str, dict[str, object]] = {
            "Failing": {"do": "fail"},
            "Overrun": {"do": "overrun"},
            "Killed": {"do": "die"},
            "Legs": legs,
        }
        return events[job]

    def _start(self, job: str, tick: datetime, contender: int, **event: object) -> None:
        payload = {**event, "tick": timestamp(tick), "contender": contender}
        self.client("lambda").invoke(
            FunctionName=self.outputs[f"{job}Function"],
            InvocationType="Event",
            Payload=json.dumps(payload),
        )

    def election(self, job: str) -> str:
        """Return the name of a job's election."""
        return election_of(self.state.stack, job)

    def lock_key(self, job: str, term: int) -> str:
        """Return the key of a lock."""
        return f"elections/{self.election(job)}/lock_{term:010d}.json"

    def terms(self, job: str, tick: datetime | None = None) -> list[Lock]:
        """Return the terms of a job, of one tick or all, the oldest first."""
        election = Election(self.election(job), bucket=self.bucket, client=self.s3)
        found = election.history(limit=1000)[::-1]
        return [lock for lock in found if tick is None or lock.tick == tick]

    def completed(self, job: str, tick: datetime, *, seconds: float) -> list[Lock] | None:
        """Wait until a tick is completed, and return its terms; None if it is not."""

        def poll() -> list[Lock] | None:
            found = self.terms(job, tick)
            return found if any(lock.outcome == "completed" for lock in found) else None

        return self.wait(f"a completed tick of job {job}", poll, seconds=seconds)

    def log_lines(self, job: str) -> list[dict[str, Any]]:
        """Return the lines of JSON in a job's log."""
        found = []
        pages = self.client("logs").get_paginator("filter_log_events")
        for page in pages.paginate(logGroupName=self.outputs[f"{job}Log"]):
            for text in (event["message"] for event in page["events"]):
                found += list(_json_lines(text))
        return found

    def starts(self, job: str) -> list[dict[str, Any]]:
        """Return what each invocation of a job has logged when it started."""
        return [line for line in self.log_lines(job) if line.get("acceptance") == "started"]

    def letters(self, queue: str) -> list[dict[str, Any]]:
        """Return messages of a dead-letter queue, which stay there, hidden for a few seconds."""
        answer = self.client("sqs").receive_message(
            QueueUrl=self.outputs[queue],
            MaxNumberOfMessages=10,
            VisibilityTimeout=2,
            MessageAttributeNames=["All"],
        )
        found: list[dict[str, Any]] = answer.get("Messages", [])
        return found

    # ------------------------------------------------------------------- what this cloud can do

    @cached_property
    def checks_permissions(self) -> bool:
        """Whether a role without any permission is refused."""
        self.s3.put_object(Bucket=self.bucket, Key="capability", Body=b"")
        client = self.client("s3", "Nothing")
        return refused(lambda: client.get_object(Bucket=self.bucket, Key="capability"))

    @cached_property
    def makes_log_metrics(self) -> bool:
        """Whether CloudWatch Logs records how many lines a log group gets, as it always does.

        If not, the cloud makes no metrics of logs, and says nothing about those of EMF and filters.
        """

        def poll() -> bool:
            group = self.outputs["FailingLog"]
            return sum(self.points("AWS/Logs", "IncomingLogEvents", LogGroupName=group)) > 0

        self.begin("Failing")
        what = "CloudWatch's own metric of the lines in a log"
        return bool(self.wait(what, poll, seconds=900, fast_seconds=_FAST_METRICS_SECONDS))

    @cached_property
    def sets_lifecycle_rules(self) -> bool:
        """Whether a bucket has the lifecycle rules of its template."""
        try:
            self.s3.get_bucket_lifecycle_configuration(Bucket=self.outputs["Control"])
        except ClientError as error:
            if error.response["Error"]["Code"] != "NoSuchLifecycleConfiguration":
                raise
            return False
        return True

    def points(self, namespace: str, metric: str, **dimensions: str) -> list[float]:
        """Return the sums of a metric, each of a minute, since this run began."""
        answer = self.client("cloudwatch").get_metric_statistics(
            Namespace=namespace,
            MetricName=metric,
            Dimensions=[{"Name": name, "Value": value} for name, value in dimensions.items()],
            StartTime=datetime.fromtimestamp(self.began - 3600, tz=UTC),
            EndTime=datetime.now(UTC) + timedelta(hours=1),
            Period=60,
            Statistics=["Sum"],
        )
        return [point["Sum"] for point in answer["Datapoints"]]


def timestamp(moment: datetime) -> str:
    """Return a time as schedules write it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def refused(request: Callable[[], object]) -> bool:
    """Return whether a request is denied; other errors are raised."""
    try:
        request()
    except ClientError as error:
        if error.response["Error"]["Code"] not in _DENIED:
            raise
        return True
    return False


def _json_lines(text: str) -> Iterator[dict[str, Any]]:
    for line in text.splitlines():
        if line.startswith("{"):
            try:
                found = json.loads(line)
            except ValueError:
                continue
            yield found
