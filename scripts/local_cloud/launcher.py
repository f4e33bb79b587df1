"""Runs the emulator, and adds what ministack 1.5.33 lacks.

EventBridge Scheduler replaces `<aws.scheduler.scheduled-time>` and three similar attributes in a
target's input. ministack passes them on as they are. This module lets it look for due
schedules each second instead of each tenth, and replaces a function of `ministack.services`:

`eventbridge._invoke_target` starts one target. The replacement fills in the attributes, with the
    time for which the invocation was scheduled, invokes a function in a thread, as the original
    does, and logs its result. As in the original, a failure is not retried.

CloudFormation sets a function's `RecursiveLoop`. ministack knows the setting, and drops the 17th
invocation of a function by itself, but it ignores the property of a template. `RecursiveLoops` sets
it when a function is created or updated.

Lambda retries an asynchronous invocation with the same request id. ministack draws a new one for
each attempt. `Retries` keeps the first.
"""

import argparse
import importlib
import json
import os
import sys
import threading
import time
import uuid
from contextvars import ContextVar
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

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
    """Functions of the emulator's Scheduler: see the module's docstring."""

    def __init__(self, notes: Path, enforcement: Enforcement | None) -> None:
        """Look up the emulator's functions; `notes` is the file for the invocations."""
        self._notes = notes
        self._enforcement = enforcement
        self._noting = threading.Lock()
        self._scheduler: Any = importlib.import_module("ministack.services.scheduler")
        self._eventbridge: Any = importlib.import_module("ministack.services.eventbridge")
        self._lambda: Any = importlib.import_module("ministack.services.lambda_svc")
        self._fire_original = self._eventbridge._invoke_target

    def install(self) -> None:
        """Replace the emulator's functions."""
        self._eventbridge._invoke_target = self.fire
        self._scheduler._SCHEDULE_TICK_INTERVAL = _SWEEP_SECONDS

    def fire(self, target: Any, event: Any, rule: Any, view: Any = None) -> None:
        """Start one target of a schedule; pass on those of event rules, which come here too."""
        if event.get("Source") != "aws.scheduler" or "Input" not in target:
            self._fire_original(target, event, rule, view)
            return
        due = scheduled_time(rule, event["Time"], self._eventbridge)
        execution = str(uuid.uuid4())
        text = substitute(target["Input"], rule, due, execution)
        function, config, _ = self._lambda._get_func_record_for_ref(target["Arn"])
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

    def _invoke(self, record: Any, noted: Invocation) -> None:
        answer = self._lambda._execute_function_with_config_scope(record, noted.event)
        failed, result = bool(answer.get("error")), answer.get("body")
        self._note(replace(noted, ended=time.time(), failed=failed, result=result))

    def _note(self, invocation: Invocation) -> None:
        with self._noting, self._notes.open("a") as file:
            file.write(invocation.to_json())


class RecursiveLoops:
    """The property `RecursiveLoop` of functions in templates: see the module's docstring."""

    def __init__(self) -> None:
        """Look up the emulator's functions."""
        self._lambda: Any = importlib.import_module("ministack.services.lambda_svc")
        provisioners: Any = importlib.import_module(
            "ministack.services.cloudformation.provisioners"
        )
        self._handlers = provisioners._RESOURCE_HANDLERS["AWS::Lambda::Function"]
        self._create_original = self._handlers["create"]
        self._update_original = self._handlers["update"]

    def install(self) -> None:
        """Replace the emulator's functions."""
        self._handlers |= {"create": self.create, "update": self.update}

    def create(self, logical_id: str, properties: Any, stack: str) -> Any:
        """Create a function."""
        return self._set(properties, self._create_original(logical_id, properties, stack))

    def update(self, name: str, old: Any, properties: Any, stack: str, logical_id: Any) -> Any:
        """Update a function."""
        made = self._update_original(name, old, properties, stack, logical_id)
        return self._set(properties, made)

    def _set(self, properties: Any, made: Any) -> Any:
        self._lambda._put_function_recursion_config(
            made[0], {"RecursiveLoop": properties.get("RecursiveLoop", "Terminate")}
        )
        return made


class Retries:
    """The request ids of asynchronous invocations: see the module's docstring."""

    def __init__(self) -> None:
        """Look up the emulator's functions."""
        self._lambda: Any = importlib.import_module("ministack.services.lambda_svc")
        self._invoke_original = self._lambda.invoke_async_with_retry
        self._dispatch_original = self._lambda._execute_function_dispatch
        self._request: ContextVar[str | None] = ContextVar("request", default=None)

    def install(self) -> None:
        """Replace the emulator's functions."""
        self._lambda.invoke_async_with_retry = self.invoke
        self._lambda._execute_function_dispatch = self.dispatch

    def invoke(self, function: Any, event: Any) -> None:
        """Start an asynchronous invocation, whose thread has a copy of this context."""
        before = self._request.set(str(uuid.uuid4()))
        try:
            self._invoke_original(function, event)
        finally:
            self._request.reset(before)

    def dispatch(self, function: Any, config: Any, event: Any, request: str, began: float) -> Any:
        """Make one attempt."""
        request = self._request.get() or request
        return self._dispatch_original(function, config, event, request, began)


def main() -> None:
    """Run the emulator until its parent stops it or ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--parent-pipe", type=int, required=True)
    parser.add_argument("--notes", type=Path, required=True)
    parser.add_argument("--decisions", type=Path)
    arguments = parser.parse_args()
    exit_with_parent(arguments.parent_pipe)
    os.environ.pop("PYTHONPATH", None)  # the functions' processes must not inherit it
    enforcement = None
    if arguments.decisions is not None:
        enforcement = Enforcement(arguments.decisions)
        enforcement.install()
    Scheduler(arguments.notes, enforcement).install()
    RecursiveLoops().install()
    Retries().install()
    sys.argv = sys.argv[:1]
    importlib.import_module("ministack.app").main()


if __name__ == "__main__":
    main()
