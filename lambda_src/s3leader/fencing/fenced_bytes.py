"""Content of any type and size up to 5 GiB on S3, which a stale leader cannot replace.

What is **not** guaranteed, first. Readers use this class too: the object at `key` is a small
`FencedObject` that names the body, which is at a key of its own. A stale leader is refused only
after its successor has written, so a new leader calls `claim` before it relies on what it reads.
Anything that writes or deletes these objects by other means removes the protection. A write that
ends in an error may have been applied and then replaced.

Why two objects: a condition of S3 is on the ETag, and an ETag does not cover metadata. Were the
token in the metadata of the body, a claim would not change the ETag, and neither would a second
write of the same bytes: a stale leader could go on (decision 0038).

Each write keeps the previous body, for readers in progress, and deletes the one before it.
A write that fails, or whose process dies, leaves a body that nothing names: `sweep` deletes those
of earlier terms.
"""

from __future__ import annotations

import io
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

from s3leader._core import fenced_bytes
from s3leader._core.fenced_body import Body, BytesVersion, body_key
from s3leader._core.fenced_bytes import WrittenBytes
from s3leader._core.fenced_object import FencedConfig
from s3leader._io.s3_options import BucketOptions
from s3leader._io.seams import Seams
from s3leader.errors import (
    CorruptObject,
    InvalidArgument,
    S3LeaderError,
    StoreUnavailable,
)

from .fenced_object import FencedObject, Snapshot

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from s3leader._io.s3_bodies import BodyStream

__all__ = ["Body", "BytesVersion", "FencedBytes"]

_MOST: Final = 5 << 30  # bytes of one PutObject
_CHUNK: Final = 1 << 20
_TRIES: Final = 4  # of opening a body that is replaced meanwhile
_log = logging.getLogger("s3leader")


class FencedBytes:
    """The bytes at `key` of `bucket`. They carry the highest token that ever wrote them.

    `client` is a boto3 S3 client; without one, clients are made. `bucket_options` say what the
    bucket demands of each request. All calls block: for up to about 30 seconds while S3 does not
    answer, and a second more for each MB that is written; then they raise `StoreUnavailable`.
    """

    def __init__(
        self,
        key: str,
        *,
        bucket: str,
        client: S3Client | None = None,
        bucket_options: BucketOptions | None = None,
    ) -> None:
        from s3leader._io.s3_bodies import Bodies  # noqa: PLC0415 - as in Election

        options = bucket_options or BucketOptions()
        self.key = key
        self._pointer = FencedObject(key, bucket=bucket, client=client, bucket_options=options)
        self._pointer._config = replace(self._pointer._config, check=BytesVersion.parse)  # noqa: SLF001
        self._bodies = Bodies.made_for(bucket, client, options)

    def read(self) -> BytesVersion | None:
        """Return what is known of the current version, without its content; None if none is."""
        found = self._pointer.read()
        return None if found is None else self._version(found)

    def open(self) -> BodyStream | None:
        """Begin to read the current version; None if there is none, or only a claim.

        The stream has the `version`, for the write that is to be based on it.

        Raises:
            CorruptObject: a body is missing or, at the end of the stream, is not what was written.
            StoreUnavailable: S3 did not answer.
        """
        missing: Body | None = None
        for _ in range(_TRIES):
            version = self.read()
            if version is None or version.body is None:
                return None
            if version.body == missing:
                raise CorruptObject(
                    key=self.key,
                    problem=f"the body {missing.key}, which it names, is not there",
                    remedy="Write it again.",
                )
            if (stream := self._bodies.open(version, version.body)) is not None:
                return stream
            missing = version.body  # replaced, and deleted since
        raise StoreUnavailable(
            f"{self.key} was replaced by others during each of {_TRIES} tries to open it. Try again"
        )

    def write(
        self,
        content: bytes | Path | IO[bytes],
        *,
        token: int,
        after: BytesVersion | None,
        content_type: str = "application/octet-stream",
    ) -> BytesVersion:
        """Replace the version `after` with `content`; return the new version.

        With `after=None` there must be none yet. `content` is read twice or more, so a stream has
        to be seekable, and is read from its start; nobody may change it meanwhile.

        Raises:
            StaleToken: a higher token has written here; stop, another candidate leads.
            Overwritten: `after` is no longer the current version; read it again.
            StoreUnavailable: S3 did not say whether the write was applied.
        """
        fenced_bytes.check_writer(self.key, token, after)
        with _opened(content) as file:
            done = self._write(file, token, after, content_type)
        if done.unused is not None:
            self._delete(done.unused)
        return done.version

    def claim(self, token: int) -> BytesVersion:
        """Write `token`, so that all lower tokens are refused from now on. The content stays.

        Raises as `write` does, except `Overwritten`.
        """
        return self._version(self._pointer.claim(token))

    def sweep(self, token: int) -> list[str]:
        """Claim `token`, and delete the bodies of earlier terms that nothing names.

        They are left by writes that failed or came too late. Returns their keys. Raises as `claim`
        does; `BucketUnusable` if S3 refuses to list or delete.
        """
        left = self._seams.driver().run(fenced_bytes.sweep(self._config, token))
        for body in left:
            self._bodies.delete(body)
        return [*left]

    @property
    def _config(self) -> FencedConfig:
        return self._pointer._config  # noqa: SLF001 - one of both

    @property
    def _seams(self) -> Seams:
        return self._pointer._seams  # noqa: SLF001 - one of both

    def _version(self, snapshot: Snapshot) -> BytesVersion:
        return BytesVersion.parse(self.key, snapshot)

    def _write(
        self, file: IO[bytes], token: int, after: BytesVersion | None, content_type: str
    ) -> WrittenBytes:
        """Create a body under a new key, however often that takes, and name it."""
        from s3leader._io.s3_bodies import WithNewBody  # noqa: PLC0415 - as above

        nonce = self._seams.nonce()
        size, digest = _measure(file)
        body = Body(body_key(self.key, token, nonce), size, digest, content_type)
        metadata = {"nonce": nonce, "fencing-token": str(token), "sha256": digest}
        store = WithNewBody(self._seams.store, self._bodies, body, file, metadata)
        steps = fenced_bytes.write(self._config, body, nonce, token=token, after=after)
        return replace(self._seams.driver(), store=store).run(steps)

    def _delete(self, key: str) -> None:
        """Delete a body that nothing names. If that fails, `sweep` of a later term does it."""
        try:
            self._bodies.delete(key)
        except S3LeaderError as error:
            _log.warning("the old body %s could not be deleted: %s", key, error)


@contextmanager
def _opened(content: bytes | Path | IO[bytes]) -> Iterator[IO[bytes]]:
    if isinstance(content, bytes | bytearray | memoryview):
        yield io.BytesIO(content)
    elif isinstance(content, os.PathLike):
        with Path(content).open("rb") as file:
            yield file
    elif hasattr(content, "read") and getattr(content, "seekable", bool)():
        yield content
    else:
        raise _wrong_content(content)


def _wrong_content(content: object) -> InvalidArgument:
    remedy = "copy a stream that cannot be read twice into a tempfile.TemporaryFile() first"
    if isinstance(content, str):
        remedy = "pass Path(…) for the file of that name, or text.encode() for a text"
    return InvalidArgument(
        f"content: expected bytes, a pathlib.Path or a seekable binary file, got"
        f" {repr(content)[:60]}; {remedy}"
    )


def _measure(file: IO[bytes]) -> tuple[int, str]:
    """Return the size and the SHA-256 of a file."""
    size, digest = 0, sha256()
    file.seek(0)
    while data := file.read(_CHUNK):
        if not isinstance(data, bytes):
            raise InvalidArgument("content: expected a binary file, got one of text; open it 'rb'")
        size += len(data)
        digest.update(data)
        if size > _MOST:
            raise InvalidArgument(
                f"content: expected at most {_MOST:,} bytes, which is S3's limit for one upload;"
                f" write several objects, and name them in one FencedObject"
            )
    return size, digest.hexdigest()
