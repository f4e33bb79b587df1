"""Runs the emulator with the one thing mended that it lacks: the Scheduler's context attributes.

Real EventBridge Scheduler replaces `<aws.scheduler.scheduled-time>` and its three siblings in a
target's input. ministack 1.5.33 hands them over literally. This module, and no other, makes up
for it. It wraps two functions of `ministack.services`:

`scheduler._tick_schedules`, the sweep: it runs each second and not each tenth, and a `rate` counts
    from a whole minute, without drift, so that all contenders of one job fire in the same sweep.
    (On AWS a `rate` counts from each schedule's own creation or start date, which is why
    `SingletonJob` makes a `cron` of it.)
`eventbridge._invoke_target`, which fires one target: the attributes are replaced, with the time
    for which the invocation was scheduled and not the sweep's, and a function is invoked in a
    thread of its own, as the original does, its result noted in a file. A failure is noted and
    not tried again, as in the original.
"""

import argparse
import importlib
import json
import os
import sys
import threading
import time
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from local_cloud.buckets import Buckets
from local_cloud.child_process import exit_with_parent
from local_cloud.enforcement import Enforcement
from local_cloud.invocations import Invocation

_SWEEP_SECONDS = 1
_MINUTE = 60
_LONGEST_DELAY_MINUTES = 10


def scheduled_time(schedule: dict[str, Any], now: float, eventbridge: Any) -> datetime:
    """Return the latest time, not after `now`, for which the schedule was due."""
    minute = datetime.fromtimestamp(now // _MINUTE * _MINUTE, tz=UTC)
    expression = schedule.get("ScheduleExpression", "")
    if expression.startswith("at("):
        at = datetime.fromisoformat(expression[3:-1].strip())
        return at if at.tzinfo else at.replace(tzinfo=UTC)
    fields = eventbridge._parse_cron_fields(expression)
    if fields is None:
        return minute
    for late in range(_LONGEST_DELAY_MINUTES):
        due = minute - timedelta(minutes=late)
        if eventbridge._cron_next_fire(fields, due - timedelta(minutes=1)) == due:
            return due
    return minute


def _timestamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def substitute(text: str, schedule: dict[str, Any], due: datetime, execution: str) -> str:
    """Replace the Scheduler's context attributes in a target's input."""
    attributes = {
        "schedule-arn": schedule.get("Arn", ""),
        "scheduled-time": _timestamp(due),
        "execution-id": execution,
        "attempt-number": "1",
    }
    for name, value in attributes.items():
        text = text.replace(f"<aws.scheduler.{name}>", value)
    return text


class Scheduler:
    """The emulator's Scheduler, mended: see the module's description."""

    def __init__(self, notes: Path, enforcement: Enforcement | None) -> None:
        """Take hold of the emulator's modules; `notes` is the file for the invocations."""
        self._notes = notes
        self._enforcement = enforcement
        self._noting = threading.Lock()
        self._scheduler: Any = importlib.import_module("ministack.services.scheduler")
        self._eventbridge: Any = importlib.import_module("ministack.services.eventbridge")
        self._lambda: Any = importlib.import_module("ministack.services.lambda_svc")
        self._fire_original = self._eventbridge._invoke_target
        self._sweep_original = self._scheduler._tick_schedules

    def install(self) -> None:
        """Put the mended functions in the place of the originals."""
        self._eventbridge._invoke_target = self.fire
        self._scheduler._tick_schedules = self.sweep
        self._scheduler._SCHEDULE_TICK_INTERVAL = _SWEEP_SECONDS

    def sweep(self) -> None:
        """Fire what is due, after setting each `rate` to whole minutes."""
        fired = self._scheduler._schedule_last_fired
        for key, schedule in list(self._scheduler._schedules._data.items()):
            if schedule.get("ScheduleExpression", "").startswith("rate("):
                last = fired.get(key, schedule.get("CreationDate", time.time()))
                fired[key] = last // _MINUTE * _MINUTE
        self._sweep_original()

    def fire(self, target: Any, event: Any, rule: Any, view: Any = None) -> None:
        """Fire one target; those of event rules, which pass here too, are none of our business."""
        if event.get("Source") != "aws.scheduler" or "Input" not in target:
            self._fire_original(target, event, rule, view)
            return
        due = scheduled_time(rule, event["Time"], self._eventbridge)
        execution = str(uuid.uuid4())
        text = substitute(target["Input"], rule, due, execution)
        function, config, _ = self._function(target["Arn"])
        if function is None:
            self._fire_original({**target, "Input": text}, event, rule, view)
            return
        record = self._lambda._execution_record_for_config(function, config)
        noted = Invocation(
            execution=execution,
            schedule=rule.get("Name", ""),
            tick=_timestamp(due),
            event=json.loads(text),
            started=time.time(),
        )
        self._note(noted)
        if self._enforcement and (why := self._enforcement.undelivered(rule, target, text)):
            self._note(replace(noted, ended=time.time(), failed=True, result=why))
            return
        threading.Thread(target=self._invoke, args=(record, noted), daemon=True).start()

    def _function(self, arn: str) -> Any:
        if ":lambda:" not in arn:
            return None, None, None
        return self._lambda._get_func_record_for_ref(arn)

    def _invoke(self, record: Any, noted: Invocation) -> None:
        answer = self._lambda._execute_function_with_config_scope(record, noted.event)
        failed, result = bool(answer.get("error")), answer.get("body")
        self._note(replace(noted, ended=time.time(), failed=failed, result=result))

    def _note(self, invocation: Invocation) -> None:
        with self._noting, self._notes.open("a") as file:
            file.write(invocation.to_json())


def main() -> None:
    """Run the emulator until it is told to stop, or its starter is gone."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--parent-pipe", type=int, required=True)
    parser.add_argument("--notes", type=Path, required=True)
    parser.add_argument("--decisions", type=Path)
    arguments = parser.parse_args()
    exit_with_parent(arguments.parent_pipe)
    os.environ.pop("PYTHONPATH", None)  # the functions' processes inherit what is set here
    enforcement = None
    if arguments.decisions is not None:
        enforcement = Enforcement(arguments.decisions)
        enforcement.install()
    Scheduler(arguments.notes, enforcement).install()
    Buckets().install()
    sys.argv = sys.argv[:1]
    importlib.import_module("ministack.app").main()


if __name__ == "__main__":
    main()
