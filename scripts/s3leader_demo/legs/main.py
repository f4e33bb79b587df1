"""A job of several legs, which breaks off at a named step if its event asks for that.

`event["legs"]` invocations complete a tick, by default one, and each works for
`event["work_seconds"]`. The checkpoint lists the terms that worked for the tick. `event["fault"]`
names a leg and a step:

- `before the seal`, `before the start`, `after the start`: the process is killed there (SIGKILL).
  The seal is that of the leg's lock, the start that of the next leg's invocation.
- `lost answers`: the next leg is started, each time that the runtime asks for it, and no answer
  comes back.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from typing import Any

import boto3
from botocore.awsrequest import AWSPreparedRequest
from botocore.exceptions import ConnectionClosedError
from botocore.httpsession import URLLib3Session

from s3leader import Term
from s3leader.aws_lambda import LambdaContext, singleton


@singleton
def handler(event: dict[str, Any], context: LambdaContext, term: Term) -> int:  # noqa: ARG001
    """Work for one leg; return how many legs have worked for the tick."""
    time.sleep(event.get("work_seconds", 0))
    earlier = term.state["terms"] if term.leg > 1 else []
    terms = [*earlier, term.number]
    if len(terms) < event.get("legs", 1):
        _prepare(event.get("fault"), term)
        term.continue_later({"terms": terms})
    else:
        term.save({"terms": terms})
    return len(terms)


def _prepare(fault: dict[str, Any] | None, term: Term) -> None:
    """Arrange for the fault, if it is for this leg; a retry of the leg has none."""
    if fault is None or (fault["leg"], 1) != (term.leg, term.attempt):
        return
    if fault["step"] == "before the seal":
        _die()
    session = boto3.Session()
    event, action = _ACTIONS[fault["step"]]
    session.events.register(f"{event}.lambda.Invoke", action)
    boto3.DEFAULT_SESSION = session  # the runtime makes its client from it


def _die(**_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _send_and_lose_the_answer(request: AWSPreparedRequest, **_: object) -> None:
    URLLib3Session().send(request)
    raise ConnectionClosedError(endpoint_url=request.url)


_ACTIONS: dict[str, tuple[str, Callable[..., None]]] = {
    "before the start": ("before-call", _die),
    "after the start": ("after-call", _die),
    "lost answers": ("before-send", _send_and_lose_the_answer),
}
