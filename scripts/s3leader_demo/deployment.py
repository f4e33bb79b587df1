"""The deployed stack, as both parts of the demo use it, and what they have noted of it."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

from bird_strikes.data_bucket import DataBucket
from bird_strikes.producer import Producer
from local_cloud import LocalCloud
from s3leader import Election
from s3leader_demo.live_page import LivePage
from s3leader_demo.rows import Row, TermNote, rows, timestamp, won
from s3leader_demo.screen import Screen

CONTENDERS = 3
_ALL = 10_000
_DRAINS = 10

FoundT = TypeVar("FoundT")


class DemoError(Exception):
    """The demo cannot continue; the message says why."""


@dataclass(kw_only=True)
class Deployment:
    """The stack, its buckets and producer, the screen, and notes of what no schedule started.

    `notes` describes the terms of candidates that the demo started itself, `ticks` are the ticks
    that these candidates campaigned for, `wins` the terms that they reported to lead, `killed`
    the terms whose leader the demo killed.
    """

    cloud: LocalCloud
    screen: Screen
    data: DataBucket
    election: Election
    lock_bucket: str
    function: str
    producer: Producer
    notes: dict[int, TermNote] = field(default_factory=dict)
    ticks: list[str] = field(default_factory=list)
    wins: list[int] = field(default_factory=list)
    killed: list[int] = field(default_factory=list)
    page: LivePage | None = None

    def show_page(self, election: Election) -> None:
        """Serve an election's terms, and print the address, if a page was asked for."""
        if self.page is not None:
            self.screen.say(f"\n  Its terms, live: [bold]{self.page.show(election)}[/bold]")

    def rows(self) -> list[Row]:
        """Return the table's rows."""
        locks, parts = self.election.history(_ALL), self.data.entries("parts")
        return rows(locks, self.cloud.invocations(), parts, self.notes)

    def function_role(self) -> str:
        """Return the name of the role that the function acts in."""
        found = self.cloud.client("lambda").get_function_configuration(FunctionName=self.function)
        return str(found["Role"].rpartition("/")[2])

    def fired_ticks(self) -> list[str]:
        """Return every tick that a candidate was started for."""
        return sorted({*self.ticks, *(one.tick for one in self.cloud.invocations())})

    def all_wins(self) -> list[int]:
        """Return the term of each reported win; a term that is reported twice is there twice."""
        reported = [won(one) for one in self.cloud.invocations()]
        return [*self.wins, *(term for term in reported if term is not None)]

    def wait(
        self, poll: Callable[[], FoundT | None], *, what: str, seconds: float, every: float = 0.5
    ) -> FoundT:
        """Return what `poll` returns once that is true; after `seconds`, raise an error."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.producer.failure is not None:
                raise DemoError(f"the producer failed: {self.producer.failure}")
            if found := poll():
                return found
            time.sleep(every)
        raise DemoError(f"waited {seconds:.0f} seconds for {what}: see the logs")

    def switch_schedules(self, state: str) -> None:
        """Set every schedule to ENABLED or DISABLED."""
        scheduler = self.cloud.client("scheduler")
        for page in scheduler.get_paginator("list_schedules").paginate():
            for listed in page["Schedules"]:
                name = {"Name": listed["Name"], "GroupName": listed["GroupName"]}
                found = scheduler.get_schedule(**name)
                kept = ("ScheduleExpression", "FlexibleTimeWindow", "Target")
                scheduler.update_schedule(
                    **name, **{part: found[part] for part in kept}, State=state
                )

    def wait_until_idle(self) -> None:
        """Disable the schedules, and wait until the invocations that they started have ended."""
        self.switch_schedules("DISABLED")
        time.sleep(1.5)  # the emulator may still be starting what was due
        self.wait(self._all_ended, what="the end of the invocations", seconds=60)

    def drain(self) -> None:
        """Invoke the function until nothing is left to compact."""
        for _ in range(_DRAINS):
            tick = timestamp(datetime.now(UTC))
            answer = self._invoke({"tick": tick, "contender": "demo"})
            if answer.get("elected"):
                term = int(answer["term"])
                self.ticks.append(tick)
                self.wins.append(term)
                self.notes[term] = TermNote(
                    contended="1 (demo)", won_by="function", remark="merges the rest"
                )
                if not answer["result"]["stopped_early"] and not self.data.inputs():
                    return
            time.sleep(1.1)  # the next tick must be a later second
        raise DemoError(f"inputs are left after {_DRAINS} invocations of the function: see its log")

    def _all_ended(self) -> bool:
        lock = self.election.observe()
        ended = all(one.ended is not None for one in self.cloud.invocations())
        return ended and (lock is None or lock.sealed)

    def _invoke(self, event: dict[str, Any]) -> dict[str, Any]:
        called = self.cloud.client("lambda").invoke(
            FunctionName=self.function, Payload=json.dumps(event)
        )
        answer: dict[str, Any] = json.loads(called["Payload"].read())
        if "FunctionError" in called:
            raise DemoError(f"the function failed: {json.dumps(answer)[:500]}")
        return answer
