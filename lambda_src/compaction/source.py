"""The inputs: listed once round in key order, read several at a time, handed over in that order.

Memory is bounded by the readers, not by the backlog: pages of the listing and objects are fetched
only as they are asked for.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING, Final

from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    IncompleteReadError,
    ReadTimeoutError,
    ResponseStreamingError,
)

from compaction.formats import CHUNK
from compaction.lines import Content, TooLarge, rejected_whole, sort_lines
from compaction.s3_errors import GONE, cannot_serve_key, code_of

if TYPE_CHECKING:
    from botocore.response import StreamingBody
    from mypy_boto3_s3 import S3Client

    from compaction.layout import Layout
    from compaction.limits import Limits

log = logging.getLogger(__name__)

_TRIES: Final = 3
_BROKE_OFF: Final = (
    ConnectionClosedError,
    IncompleteReadError,
    ReadTimeoutError,
    ResponseStreamingError,
)
_MOST_COPIED: Final = 5 * 1024**3  # the most that CopyObject takes, should it have to be kept


@dataclass(frozen=True, slots=True)
class Input:
    """An object to compact, as the listing showed it. `size` is what is stored, perhaps gzip."""

    key: str
    etag: str
    size: int


@dataclass(frozen=True, slots=True)
class Withheld:
    """S3 has the object and does not serve it: archived, denied, damaged, no right to its KMS key.

    `code` is S3's error code, or `IncompleteBody`: reading it broke off, several times.
    """

    code: str


class OutOfTime(Exception):  # noqa: N818 - never leaves the package
    """It is time to stop, and the large object at `key` is not read to its end yet."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


def list_inputs(client: S3Client, layout: Layout, *, after: str = "") -> Iterator[Input]:
    """List the inputs once round, a page at a time: those that follow `after`, then the others.

    No key comes up twice. Keys that end with `/` are folders that somebody made, not inputs.
    """
    yield from _list_after(client, layout, after)
    if after:
        yield from takewhile(lambda item: item.key <= after, _list_after(client, layout, ""))


def _list_after(client: S3Client, layout: Layout, after: str) -> Iterator[Input]:
    pages = client.get_paginator("list_objects_v2")
    for page in pages.paginate(Bucket=layout.bucket, Prefix=layout.events, StartAfter=after):
        for item in page.get("Contents", ()):
            if not item["Key"].endswith("/"):
                yield Input(item["Key"], item["ETag"], item["Size"])


class Source:
    """The sorted content of inputs, one after the other.

    `should_stop` ends the reading of a large object, with `OutOfTime`.
    """

    def __init__(
        self,
        client: S3Client,
        layout: Layout,
        limits: Limits,
        should_stop: Callable[[], bool],
    ) -> None:
        self._client = client
        self._bucket = layout.bucket
        self._limits = limits
        self._should_stop = should_stop

    def contents(
        self, inputs: Iterator[Input]
    ) -> Generator[tuple[Input, Content | Withheld | None], None, None]:
        """Yield each input with its content, in order; None: it is gone or has changed.

        One that S3 does not hand out comes as `Withheld`, so that it holds up none behind it.

        The content is the receiver's to close. Closing the generator stops the readers.
        """
        ahead: deque[tuple[Input, Future[Content | Withheld | None]]] = deque()
        pool = ThreadPoolExecutor(self._limits.readers, thread_name_prefix="compaction-reader")
        try:
            for item in inputs:
                ahead.append((item, pool.submit(self._small, item)))
                if len(ahead) > self._limits.readers:
                    yield self._next(ahead)
            while ahead:
                yield self._next(ahead)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
            for _, left in ahead:
                _close(left)

    def _next(
        self, ahead: deque[tuple[Input, Future[Content | Withheld | None]]]
    ) -> tuple[Input, Content | Withheld | None]:
        item, future = ahead.popleft()
        try:
            return item, future.result()
        except TooLarge:
            log.info("reading %s through a file: it is large", item.key)
            return item, self._large(item)

    def _small(self, item: Input) -> Content | Withheld | None:
        """Read one object in memory; `TooLarge` if it is not small."""
        if item.size > self._limits.object_memory:
            raise TooLarge
        return self._read(item, self._limits.object_memory)

    def _large(self, item: Input) -> Content | Withheld | None:
        """Read one object through a file, in the receiver's own thread, so one at a time."""
        limit = self._limits.object_bytes
        if item.size > _MOST_COPIED:
            return Withheld("EntityTooLarge")
        try:
            return self._read(item, limit, self._should_stop)
        except TooLarge as problem:
            return rejected_whole(str(problem), size=item.size)

    def _read(
        self, item: Input, at_most: int, should_stop: Callable[[], bool] = lambda: False
    ) -> Content | Withheld | None:
        """Read one object from its beginning, again if the connection breaks off.

        A part of an object must never pass for the whole of it. One that breaks off each time is
        withheld, as one that S3 refuses: nothing else need wait for it.
        """
        for _ in range(_TRIES):
            try:
                # If-Match: a key written again since it was listed is left for the next time.
                got = self._client.get_object(Bucket=self._bucket, Key=item.key, IfMatch=item.etag)
            except ClientError as error:
                if (code := code_of(error)) in GONE:
                    return None
                if not cannot_serve_key(error):
                    raise
                return Withheld(code)
            try:
                chunks = self._chunks(item, got["Body"], should_stop)
                return sort_lines(chunks, self._limits, at_most=at_most)
            except _BROKE_OFF as error:
                log.warning("reading %s broke off: %s", item.key, error)
        return Withheld("IncompleteBody")

    def _chunks(
        self, item: Input, body: StreamingBody, should_stop: Callable[[], bool]
    ) -> Iterator[bytes]:
        # `closing`, because a StreamingBody as a context manager gives the raw stream, unchecked.
        with closing(body):
            # Its length is compared with Content-Length when a read comes back empty.
            while chunk := body.read(CHUNK):
                if should_stop():
                    raise OutOfTime(item.key)
                yield chunk


def _close(future: Future[Content | Withheld | None]) -> None:
    if future.cancelled() or future.exception() is not None:
        return
    if isinstance(left := future.result(), Content):
        left.close()
