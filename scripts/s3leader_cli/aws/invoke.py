"""Starts the function of a job, at once or as an event that Lambda queues."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from .clients import client
from .deployed_job import DeployedJob
from .failures import OutcomeUnknown, RequestFailed, explained

# Longer than a function can run, so that only a broken connection ends the wait.
_READ_TIMEOUT_S = 960
_ACTION = "lambda:InvokeFunction"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came back: the function's `value`, or its error, or that the connection was lost."""

    kind: Literal["answered", "failed", "lost"]
    value: Any = None
    problem: str | None = None


class Invocation:
    """One synchronous invocation, in a thread of its own. It is sent once and never again."""

    def __init__(self, job: DeployedJob, event: Mapping[str, Any]) -> None:
        self._job, self._payload = job, json.dumps(event)
        self._lambda = client(
            "lambda",
            job.region,
            read_timeout=_READ_TIMEOUT_S,
            retries={"total_max_attempts": 1},
            tcp_keepalive=True,
        )
        self._answer: Answer | None = None
        self._failure: RequestFailed | None = None
        # A daemon, so that Ctrl-C ends the command and not the function.
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def wait(self, seconds: float) -> Answer | None:
        """Wait for the answer; None if it has not come. Raises `RequestFailed` if it was refused.

        A request that was refused has started nothing.
        """
        self._thread.join(seconds)
        if self._failure is not None:
            raise self._failure
        return self._answer

    def _run(self) -> None:
        try:
            self._answer = self._invoke()
        except RequestFailed as error:
            self._failure = error
        except Exception as error:  # noqa: BLE001 - without an answer, `wait` would never end
            self._answer = Answer(kind="lost", problem=repr(error))

    def _invoke(self) -> Answer:
        function = str(self._job.function)
        try:
            with explained(_ACTION, function):
                got = self._lambda.invoke(FunctionName=function, Payload=self._payload)
                text = got["Payload"].read()
        except OutcomeUnknown as error:
            return Answer(kind="lost", problem=error.message)
        try:
            value = json.loads(text, parse_constant=str)  # NaN, which JSON lacks, as a text
        except ValueError:
            value = text.decode("utf-8", "backslashreplace")
        if "FunctionError" in got:
            return Answer(kind="failed", value=value, problem=_error_of(value))
        return Answer(kind="answered", value=value)


def queue_event(job: DeployedJob, payload: str) -> str:
    """Give Lambda an event for the function, and return the request's id; Lambda retries it.

    It is sent once: a second event would be a second run, if it has no tick or repeats one. Raises
    `OutcomeUnknown` if Lambda may have taken it. A function of s3leader names the request's id in
    its candidate, also in each of Lambda's retries.
    """
    lambda_ = client("lambda", job.region, retries={"total_max_attempts": 1})
    with explained(_ACTION, str(job.function)):
        made = lambda_.invoke(FunctionName=job.function, InvocationType="Event", Payload=payload)
        return str(made["ResponseMetadata"].get("RequestId", ""))


def _error_of(value: object) -> str:
    if not isinstance(value, Mapping):
        return str(value)
    return f"{value.get('errorType', 'error')}: {value.get('errorMessage', '')}"
