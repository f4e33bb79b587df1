"""Writes that a stale leader cannot make: an S3 object that carries the token that wrote it.

What is **not** guaranteed, first. A stale leader is refused only after its successor has touched
the object: until then nothing tells the two apart, so a new leader calls `claim` before it relies
on what it reads. One object is protected, not the bucket: what belongs together belongs into one
object, or is named by one. Whoever writes or deletes the object by other means than this class
undoes the protection. A write that ends in an error may have been applied and then written over;
where that matters, let the value itself say what it contains.

Each write is a compare-and-swap on the ETag of the object that it is based on, and refused if that
carries a higher token. S3 derives the ETag from the body alone, so the body carries a fresh nonce:
no two writes have the same ETag, and an object that looks unchanged is unchanged. That is also how
a writer whose answer was lost finds out whether it had written.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from ._core.requests import Applied, Conflict, Create, Found, Missing, Read, Replace, Store
from ._io.driver import performed
from ._io.s3_store import S3Store
from .errors import CorruptObject, InvalidArgument, Overwritten, StaleToken, StoreUnavailable

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_RESERVED: Final = frozenset({"fencing_token", "nonce"})
_FIRST_PAUSE_S: Final = 0.05
_LONGEST_PAUSE_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A fenced object as it was read or written: its value, without the reserved keys `token`
    (which wrote it) and nonce, and the ETag that a write based on it compares with.
    """

    value: dict[str, Any]
    token: int
    etag: str


class FencedObject:
    """The JSON object at `key`, which carries the highest token that ever wrote it.

    It lives in `bucket`, reached through the boto3 S3 client `client` if one is given, or in
    `store`: `store=S3Store(bucket, encryption=…, kms_key=…, bucket_owner=…)` is for a bucket that
    asks for these. `patience` is for how long S3 is asked again before a call gives up with
    `StoreUnavailable`. `clock` (seconds, monotonic), `sleep` and `nonce` are there for tests.
    """

    def __init__(
        self,
        key: str,
        *,
        bucket: str | None = None,
        client: S3Client | None = None,
        store: Store | None = None,
        patience: timedelta = timedelta(seconds=30),
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        nonce: Callable[[], str] = lambda: secrets.token_hex(16),
    ) -> None:
        if not key:
            raise InvalidArgument("the key of a fenced object is empty")
        if store is None:
            if bucket is None:
                raise InvalidArgument("a fenced object needs a bucket or a store")
            store = S3Store(bucket, client=client)
        elif bucket is not None or client is not None:
            raise InvalidArgument("a store has its own bucket and client: pass it alone")
        if patience < timedelta(0):
            raise InvalidArgument(f"patience must not be negative, but is {patience}")
        self.key = key
        self._store = store
        self._patience = patience
        self._clock = clock
        self._sleep = sleep
        self._nonce = nonce

    def read(self) -> Snapshot | None:
        """Return the object as it is now, or None if there is none."""
        snapshot, _ = self._look(self._try_again())
        return snapshot

    def write(self, value: Mapping[str, Any], *, token: int, after: Snapshot | None) -> Snapshot:
        """Replace the object as it was in `after` by `value`, under `token`; return the new one.

        With `after=None` the object must not exist yet. `value` is anything that JSON can say,
        save for the top-level keys "fencing_token" and "nonce".

        Raises:
            StaleToken: a higher token has written the object; stop, another leads.
            Overwritten: the object is not as it was in `after`; read it again.
            StoreUnavailable: S3 left open whether it was written.
        """
        nonce = self._nonce()
        body = self._encode(value, token, nonce)
        if after is None:
            return self._settle(Create(self.key, body), token, nonce)
        if after.token > token:
            raise StaleToken(key=self.key, token=token, written_token=after.token)
        return self._settle(Replace(self.key, body, after.etag), token, nonce)

    def claim(self, token: int) -> Snapshot:
        """Stamp `token` on the object, so that lower ones are refused from now on.

        Its value stays; if there is no object, an empty one is created. Raises as `write` does,
        but never `Overwritten`.
        """
        again = self._try_again()
        while True:
            now = self.read()
            if now is not None and now.token == token:
                return now
            try:
                return self.write({} if now is None else now.value, token=token, after=now)
            except Overwritten:
                again("it changes faster than it can be claimed")

    def restore(self, value: Mapping[str, Any], *, token: int) -> Snapshot:
        """Write `value` over whatever is there, corrupt or not: for operators, not for leaders.

        `value` may be what an old version of the object says; its keys "fencing_token" and "nonce"
        are replaced. `token` is the number of the latest term (`election.observe()`), so that every
        earlier leader is refused. Never put an old version back by other means: its bytes give it
        the ETag that it had, and a stale leader that knows this ETag could write.

        Raises as `write` does; `StaleToken` if what is there carries a higher token.
        """
        nonce = self._nonce()
        kept = {name: item for name, item in value.items() if name not in _RESERVED}
        body = self._encode(kept, token, nonce)
        there = self._found(self._try_again())
        if there is None:
            return self._settle(Create(self.key, body), token, nonce)
        try:
            written = self._decode(there.body, there.etag)[0].token
        except CorruptObject:
            written = 0
        if written > token:
            raise StaleToken(key=self.key, token=token, written_token=written)
        return self._settle(Replace(self.key, body, there.etag), token, nonce)

    def _settle(self, write: Create | Replace, token: int, nonce: str) -> Snapshot:
        """Send `write` until its outcome is known. It can be applied only once: it changes the
        very ETag it depends on.
        """
        again = self._try_again()
        while True:
            match performed(self._store, write):
                case Applied(etag=etag):
                    return self._decode(write.body, etag)[0]
                case Conflict():
                    break
                case answer:
                    again(f"whether it was written is not known: {answer}")
        now, written_by = self._look(again)
        if now is not None and written_by == nonce:
            return now  # an earlier try, whose answer was lost
        if now is not None and now.token > token:
            raise StaleToken(key=self.key, token=token, written_token=now.token)
        raise Overwritten(key=self.key, token=token)

    def _look(self, again: Callable[[str], None]) -> tuple[Snapshot | None, object]:
        """Return the object as it is now, and the nonce of its writer."""
        found = self._found(again)
        return (None, None) if found is None else self._decode(found.body, found.etag)

    def _found(self, again: Callable[[str], None]) -> Found | None:
        while True:
            match performed(self._store, Read(self.key)):
                case Found() as found:
                    return found
                case Missing():
                    return None
                case answer:
                    again(f"it could not be read: {answer}")

    def _try_again(self) -> Callable[[str], None]:
        """Return what is called between two tries: it pauses, or gives up when patience is out."""
        until = self._clock() + self._patience.total_seconds()
        pause_s = _FIRST_PAUSE_S

        def again(why: str) -> None:
            nonlocal pause_s
            if self._clock() >= until:
                raise StoreUnavailable(
                    f"S3 did not settle {self.key} within {self._patience}: {why}. Read the object"
                    f" again later; a write that was under way may still be applied, once."
                )
            self._sleep(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

        return again

    def _encode(self, value: Mapping[str, Any], token: int, nonce: str) -> bytes:
        if not _is_token(token):
            raise InvalidArgument(f"a fencing token is a whole number from 1, not {token!r}")
        if reserved := sorted(_RESERVED & value.keys()):
            raise InvalidArgument(
                f"{self.key}: the keys {reserved} are reserved, name yours others"
            )
        try:
            text = json.dumps(
                {"fencing_token": token, "nonce": nonce, **value},
                allow_nan=False,
                separators=(",", ":"),
            )
        except (TypeError, ValueError, RecursionError) as error:
            raise InvalidArgument(f"{self.key}: JSON cannot say this value: {error}") from error
        return text.encode()

    def _decode(self, body: bytes, etag: str) -> tuple[Snapshot, object]:
        try:
            value = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise CorruptObject(key=self.key, problem=f"it is not JSON ({error})") from error
        if not isinstance(value, dict):
            raise CorruptObject(key=self.key, problem="it is JSON, but not an object")
        token, written_by = value.pop("fencing_token", None), value.pop("nonce", None)
        if not _is_token(token):
            problem = f'its "fencing_token" is {token!r}, not a whole number from 1'
            raise CorruptObject(key=self.key, problem=problem)
        return Snapshot(value, token, etag), written_by


def _is_token(token: object) -> bool:
    return isinstance(token, int) and not isinstance(token, bool) and token >= 1
