"""A program that writes a fenced object, as a leader with a token.

It claims the object and then adds one to its counter. The write is based on the claimed version or
on a fresh read: a stale leader that reads what its successor wrote must be refused by the token.
"""

from __future__ import annotations

from collections.abc import Callable

from s3leader._core import fenced_object
from s3leader._core.fenced_object import FencedConfig
from s3leader.errors import Overwritten, StaleToken, StoreUnavailable

from .machine import Choose, Program, ReportsFencedWrite
from .s3 import FENCED


def fenced_writer(name: str, token: int, number: Callable[[], str]) -> Program:
    """Return a program that claims the object with `token` and then writes to it."""
    drawn: list[str] = []

    def nonce() -> str:
        drawn.append(f"{name}#{number()}")
        return drawn[-1]

    config = FencedConfig(key=FENCED, nonce=nonce, patience_ms=1000)
    try:
        snapshot = yield from fenced_object.claim(config, token)
        yield ReportsFencedWrite("claimed", token, "")
        if (yield Choose(("write on the claimed version", "read afresh"))) == "read afresh":
            current = yield from fenced_object.read(config)
            assert current is not None
            snapshot = current
        value = {"count": snapshot.value.get("count", 0) + 1}
        yield from fenced_object.write(config, value, token=token, after=snapshot)
        yield ReportsFencedWrite("applied", token, drawn[-1])
    except (StaleToken, Overwritten):
        yield ReportsFencedWrite("not applied", token, drawn[-1] if drawn else "")
    except StoreUnavailable:
        return
