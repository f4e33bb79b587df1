"""Reading and writing a fenced object: an S3 object that refuses the writes of stale leaders.

A fenced object is JSON and carries the fencing token (the term number) of the leader that last
wrote it. Two checks protect it. A writer refuses to replace a version that carries a higher token
than its own. And each write is a compare-and-swap on the ETag of the version that was checked (R2),
so it fails if a later leader has written in between.

S3 derives the ETag from the body alone, so each body carries a fresh nonce: no two writes have the
same ETag. `write_until_known` also uses the nonce to find out whether a write whose answer was lost
was applied (R5). Sans-I/O: each function returns a generator of requests.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from s3leader.errors import (
    CorruptObject,
    InvalidArgument,
    Overwritten,
    StaleToken,
    StoreUnavailable,
)

from .candidate import Steps
from .conditional_write import WriteApplied, write_until_known
from .ledger import ask
from .requests import Create, Found, Read, Replace, Wait
from .tokens import check_token, is_token

_RESERVED: Final = frozenset({"fencing_token", "nonce"})
_TRIES: Final = 9  # of a read or a claim; with the pauses between them, 13 to 26 seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class FencedConfig:
    """The object at `key`. `nonce` never returns the same value twice.

    A write whose outcome stays unknown is sent again for `patience_ms` milliseconds. `check` raises
    `CorruptObject` for a version that was read and is of another kind than its reader expects.
    """

    key: str
    nonce: Callable[[], str]
    patience_ms: int = 30_000
    check: Callable[[str, Snapshot], object] | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One version of a fenced object.

    `value` is its content without the reserved keys, `token` the fencing token that it carries, and
    `etag` what a write that is based on it compares with.
    """

    value: dict[str, Any]
    token: int
    etag: str


def read(config: FencedConfig) -> Steps[Snapshot | None]:
    """Return the current version, or None if there is none."""
    found = yield from _find(config)
    if found is None:
        return None
    now = _decode(config.key, found.body, found.etag)
    if config.check is not None:
        config.check(config.key, now)
    return now


def write(
    config: FencedConfig, value: Mapping[str, Any], *, token: int, after: Snapshot | None
) -> Steps[Snapshot]:
    """Replace the version `after` with `value`; with None, create the object.

    Raises `StaleToken` if the object carries a higher token, `Overwritten` if it is no longer at
    the version `after`, and `StoreUnavailable` if S3 leaves open whether the write was applied.
    """
    if after is not None and not isinstance(after, Snapshot):
        raise InvalidArgument(
            f"{config.key}: expected `after` to be a Snapshot, which read, write and claim return,"
            f" or None for an object that does not exist yet, got {after!r}"
        )
    nonce = config.nonce()
    body = _encode(config.key, value, token, nonce)
    if after is None:
        return (yield from _send(config, Create(config.key, body), token, nonce))
    if after.token > token:
        raise StaleToken(key=config.key, token=token, written_token=after.token)
    return (yield from _send(config, Replace(config.key, body, after.etag), token, nonce))


def claim(config: FencedConfig, token: int) -> Steps[Snapshot]:
    """Write `token` to the object and keep its value; create the object, empty, if there is none.

    Raises as `write` does, except `Overwritten`: after that it reads the object and tries again.
    """
    for attempt in range(_TRIES):
        now = yield from read(config)
        if now is not None and now.token == token:
            return now
        try:
            value = {} if now is None else now.value
            return (yield from write(config, value, token=token, after=now))
        except Overwritten:
            if attempt + 1 < _TRIES:
                yield Wait(50 << attempt, 100 << attempt)
    raise StoreUnavailable(
        f"{config.key} was overwritten by others during each of {_TRIES} claims with fencing token"
        f" {token}. Nothing was changed; try again later."
    )


def restore(config: FencedConfig, value: Mapping[str, Any], *, token: int) -> Steps[Snapshot]:
    """Replace the current version, even a corrupt one, with `value`. Raises as `write` does.

    The reserved keys in `value` are ignored, so it may be the content of an old version.
    """
    _check_value(config.key, value)
    nonce = config.nonce()
    kept = {name: item for name, item in value.items() if name not in _RESERVED}
    body = _encode(config.key, kept, token, nonce)
    found = yield from _find(config)
    if found is None:
        return (yield from _send(config, Create(config.key, body), token, nonce))
    try:
        written_token = _decode(config.key, found.body, found.etag).token
    except CorruptObject:
        written_token = 0
    if written_token > token:
        raise StaleToken(key=config.key, token=token, written_token=written_token)
    return (yield from _send(config, Replace(config.key, body, found.etag), token, nonce))


def _find(config: FencedConfig) -> Steps[Found | None]:
    reply = yield from ask(Read(config.key), tries=_TRIES)
    return reply.answer if isinstance(reply.answer, Found) else None


def _send(
    config: FencedConfig, request: Create | Replace, token: int, nonce: str
) -> Steps[Snapshot]:
    """Send `request` until its outcome is known; raise if another write came first."""
    result = yield from write_until_known(request, nonce, patience_ms=config.patience_ms)
    if isinstance(result, WriteApplied):
        return _decode(config.key, request.body, result.etag)
    found = result.reply.answer
    if isinstance(found, Found):
        written_token = _decode(config.key, found.body, found.etag).token
        if written_token > token:
            raise StaleToken(key=config.key, token=token, written_token=written_token)
    raise Overwritten(key=config.key, token=token)


def _encode(key: str, value: Mapping[str, Any], token: int, nonce: str) -> bytes:
    check_token(token)
    _check_value(key, value)
    if reserved := sorted(_RESERVED & value.keys()):
        raise InvalidArgument(f"{key}: the keys {reserved} are reserved; use other names")
    try:
        text = json.dumps(
            {"fencing_token": token, "nonce": nonce, **value},
            allow_nan=False,
            separators=(",", ":"),
        )
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidArgument(
            f"{key}: expected a value that JSON can represent, got an error: {error}"
        ) from error
    return text.encode()


def _check_value(key: str, value: object) -> None:
    if not isinstance(value, Mapping):
        raise InvalidArgument(
            f"{key}: expected a dictionary, which becomes a JSON object, got {value!r}; put other"
            f" values under a key of it, such as {{'items': […]}}"
        )


def _decode(key: str, body: bytes, etag: str) -> Snapshot:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise CorruptObject(key=key, problem=f"expected JSON ({error})") from error
    if not isinstance(value, dict):
        problem = f"expected a JSON object, got a {type(value).__name__}"
        raise CorruptObject(key=key, problem=problem)
    token = value.pop("fencing_token", None)
    value.pop("nonce", None)
    if not is_token(token):
        nested = isinstance(token, dict | list)
        found = f"a {type(token).__name__}" if nested else repr(token)[:40]
        problem = f'expected "fencing_token" to be a whole number from 1, got {found}'
        raise CorruptObject(key=key, problem=problem)
    return Snapshot(value, token, etag)
