"""Objects that refuse the writes of stale leaders: each carries the token that wrote it.

What is **not** guaranteed, first. A stale leader is refused only after its successor has written to
the object, so a new leader calls `claim` before it relies on what it reads. One object is
protected, not the bucket: keep data that belongs together in one object, or let one object name the
others: `create_until_known` creates them. Any write or deletion that does not go through this class
removes the protection. A write that ends in an error may have been applied and then overwritten;
where that matters, record in the value what it contains.

How it works is described in `_core.fenced_object`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from s3leader._core import fenced_object
from s3leader._core.conditional_write import WriteApplied, write_until_known
from s3leader._core.fenced_body import refuse_bytes
from s3leader._core.fenced_object import FencedConfig, Snapshot
from s3leader._core.requests import (
    Applied,
    Conflict,
    Create,
    Found,
    Missing,
    StoreAnswer,
    StoreRequest,
    Unknown,
)
from s3leader._io.s3_options import BucketOptions
from s3leader._io.seams import Seams
from s3leader.errors import InvalidArgument, S3LeaderError, describe_error

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from s3leader.aio import AsyncTerm
    from s3leader.term import Term

__all__ = ["FencedObject", "Snapshot", "create_until_known"]


class FencedObject:
    """The JSON object at `key` of `bucket`. It carries the highest token that ever wrote it.

    `client` is a boto3 S3 client; without one, a client is made with short time-outs.
    `bucket_options` say what the bucket demands of each request. All calls block, for up to about
    30 seconds while S3 does not answer; then they raise `StoreUnavailable`.
    """

    def __init__(
        self,
        key: str,
        *,
        bucket: str,
        client: S3Client | None = None,
        bucket_options: BucketOptions | None = None,
    ) -> None:
        from s3leader._io.s3_store import S3Store  # noqa: PLC0415 - as in Election

        self._set_up(key, Seams(store=S3Store(bucket, client=client, options=bucket_options)))

    @classmethod
    def _with_seams(cls, key: str, seams: Seams, **config: Any) -> FencedObject:  # noqa: ANN401
        """Make one for a test. `config` are further fields of `FencedConfig`."""
        self = cls.__new__(cls)
        self._set_up(key, seams, **config)
        return self

    def _set_up(self, key: str, seams: Seams, **config: Any) -> None:  # noqa: ANN401
        _check_key(key)
        self.key = key
        self._config = FencedConfig(key=key, nonce=seams.nonce, check=refuse_bytes, **config)
        self._seams = seams

    def read(self) -> Snapshot | None:
        """Return the current version of the object, or None if there is none.

        Raises `CorruptObject` for anything but a fenced object, one of `FencedBytes` included.
        """
        return self._seams.driver().run(fenced_object.read(self._config))

    def write(self, value: Mapping[str, Any], *, token: int, after: Snapshot | None) -> Snapshot:
        """Replace the version `after` of the object with `value`; return the new version.

        With `after=None` the object must not exist yet. `value` is anything that JSON can
        represent, without the top-level keys "fencing_token" and "nonce".

        Raises:
            StaleToken: a higher token has written the object; stop, another candidate leads.
            Overwritten: the object is no longer at the version `after`; read it again.
            StoreUnavailable: S3 did not say whether the write was applied.
        """
        steps = fenced_object.write(self._config, value, token=token, after=after)
        return self._seams.driver().run(steps)

    def claim(self, token: int) -> Snapshot:
        """Write `token` to the object, so that all lower tokens are refused from now on.

        The value stays; if there is no object, an empty one is created. Raises as `write` does,
        except `Overwritten`.
        """
        return self._seams.driver().run(fenced_object.claim(self._config, token))

    def restore(self, value: Mapping[str, Any], *, token: int) -> Snapshot:
        """Overwrite the object, even a corrupt one, with `value`: for operators, not for leaders.

        `value` may be the content of an old version; its keys "fencing_token" and "nonce" are
        replaced. `token` is the number of the latest term (`election.observe()`), so that every
        earlier leader is refused. Never put an old version back by other means: its bytes give it
        its old ETag, and a stale leader that knows this ETag could write.

        Raises as `write` does; `StaleToken` if the object carries a higher token.
        """
        return self._seams.driver().run(fenced_object.restore(self._config, value, token=token))


def _check_key(key: object) -> None:
    if not isinstance(key, str) or not key:
        raise InvalidArgument(f"key: expected the key of an object, got {key!r}")


def create_until_known(
    create: Callable[[], bool],
    read_nonce: Callable[[], str | None],
    *,
    key: str,
    nonce: str,
    term: Term | AsyncTerm,
) -> bool:
    """Create the object `key` by the caller's own requests; return False if another is there.

    For what a fenced object names, such as a large file under a new key. `create` sends a PutObject
    with `If-None-Match: *` and with `nonce`, which no other write has, in the object's metadata;
    it returns False if S3 answers 412. `read_nonce` returns the nonce of the object, None if there
    is no object. Both may be called several times. An exception of theirs that is not an
    `S3LeaderError` leaves open whether the object was created. Then it is sent again, as a lock is,
    while `term` is held and until its present lease has run out. It blocks: a task calls it by
    `asyncio.to_thread`.

    Raises:
        LeadershipLost: the term is not held, so nothing was sent (again).
        StoreUnavailable: S3 did not say whether the object was created; it may still be, once.
    """
    # The clock, sleep and randomness are the term's, so that a test passes them only once.
    driver = replace(term._driver, store=_OwnRequests(create, read_nonce, term), requests=0)  # noqa: SLF001
    steps = write_until_known(
        Create(key, b""),
        nonce,
        patience_ms=term.remaining() // timedelta(milliseconds=1),
        nonce_of=lambda found: found.body.decode(),
    )
    return isinstance(driver.run(steps), WriteApplied)


@dataclass(frozen=True, slots=True)
class _OwnRequests:
    """A store of one object, for `create_until_known`, which uses no times and no ETags."""

    create: Callable[[], bool]
    read_nonce: Callable[[], str | None]
    term: Term | AsyncTerm

    def perform(self, request: StoreRequest) -> StoreAnswer:
        try:
            if isinstance(request, Create):
                self.term.ensure_held()
                return Applied("", 0) if self.create() else Conflict(0)
            nonce = self.read_nonce()
        except S3LeaderError:
            raise
        except Exception as error:  # noqa: BLE001 - the request may have been sent
            return Unknown(describe_error(error))
        return Missing(0) if nonce is None else Found(nonce.encode(), "", 0, 0)
