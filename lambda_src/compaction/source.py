"""List the inputs in key order, read several at a time, and yield their lines in that order.

Memory is bounded by `Limits.ahead_bytes` and the number of readers, not by the backlog: pages and
objects are fetched when there is room for them.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING, Final, TypeAlias

from botocore.exceptions import ClientError, HTTPClientError, IncompleteReadError

from compaction.formats import CHUNK
from compaction.layout import EVENTS
from compaction.lines import Content, TooLarge, rejected_whole, sort_lines
from compaction.read_ahead import ReadAhead
from compaction.s3_errors import GONE, cannot_serve_key, code_of

if TYPE_CHECKING:
    from botocore.response import StreamingBody
    from mypy_boto3_s3 import S3Client

    from compaction.limits import Limits

log = logging.getLogger(__name__)

_TRIES: Final = 3
# Gzip makes JSON about ten times smaller. What expands more counts once it is read.
_EXPANSION: Final = 16
_LEAST_HELD: Final = CHUNK  # also of an empty object: it bounds how many are ahead
_MOST_COPIED: Final = 5 * 1024**3  # the most that CopyObject takes; the object may have to be kept


@dataclass(frozen=True, slots=True)
class Input:
    """An object to compact, as LIST returned it. `size` is its size as stored, perhaps gzipped."""

    key: str
    etag: str
    size: int


@dataclass(frozen=True, slots=True)
class Withheld:
    """S3 has the object and does not serve it: it is archived, denied, damaged, or its key is.

    `code` is S3's error code, or `IncompleteBody` if its body broke off several times.
    """

    code: str


Contents: TypeAlias = Iterator[tuple[Input, Content | Withheld | None]]


class OutOfTime(Exception):  # noqa: N818 - private to the package
    """Time ran out while the large object at `key` was being read."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


def list_inputs(client: S3Client, bucket: str, *, after: str) -> Generator[Input, None, None]:
    """List the inputs, a page at a time: first those whose keys follow `after`, then the others.

    Keys that end with `/` are folders that the console made, not inputs. Closing the generator
    waits for the request that is under way.
    """
    yield from _list_after(client, bucket, after)
    if after:
        with closing(_list_after(client, bucket, "")) as again:
            yield from takewhile(lambda item: item.key <= after, again)


def _list_after(client: S3Client, bucket: str, after: str) -> Generator[Input, None, None]:
    """List the inputs; each page is requested while the one before is read, all in one thread.

    If each reader listed in turn, memory would grow: each thread's heap keeps the size of a page.
    """
    found = client.get_paginator("list_objects_v2")
    pages = iter(found.paginate(Bucket=bucket, Prefix=EVENTS, StartAfter=after))
    with ThreadPoolExecutor(1, thread_name_prefix="compaction-lister") as lister:
        coming = lister.submit(next, pages, None)
        while (page := coming.result()) is not None:
            coming = lister.submit(next, pages, None)
            for item in page.get("Contents", ()):
                if not item["Key"].endswith("/"):
                    yield Input(item["Key"], item["ETag"], item["Size"])


class Source:
    """Reads inputs and sorts their lines, one input after the other.

    `should_stop` ends the reading of a large object, with `OutOfTime`.
    """

    def __init__(
        self, client: S3Client, bucket: str, limits: Limits, should_stop: Callable[[], bool]
    ) -> None:
        self._client = client
        self._bucket = bucket
        self._limits = limits
        self._should_stop = should_stop

    @contextmanager
    def contents(self, inputs: Generator[Input, None, None]) -> Iterator[Contents]:
        """Start the readers, and return an iterator of each input with its content, in order.

        The content is None if the input is gone or has changed since LIST. An input that S3 does
        not serve has a `Withheld`, so that it does not delay others. The caller closes the
        contents. On leaving, the readers give up, what they have read is freed, and `inputs` is
        closed.
        """
        ahead = ReadAhead(
            inputs,
            self._small,
            expected=self._expected_bytes,
            held=self._bytes_held,
            readers=self._limits.readers,
            most_bytes=self._limits.ahead_bytes,
        )
        try:
            yield (self._result(item, read) for item, read in ahead.results())
        finally:
            for left in ahead.close():
                _close(left)
            inputs.close()

    def _expected_bytes(self, item: Input) -> int:
        if item.size > self._limits.object_memory:
            return 0  # no reader reads it
        return min(max(item.size * _EXPANSION, _LEAST_HELD), self._limits.object_memory)

    def _bytes_held(self, content: Content | Withheld | None) -> int:
        if not isinstance(content, Content):
            return _LEAST_HELD
        files = (content.size, content.record_bytes)  # each is on disk beyond this limit
        return max(sum(min(each, self._limits.object_memory) for each in files), _LEAST_HELD)

    def _result(
        self, item: Input, read: Future[Content | Withheld | None]
    ) -> tuple[Input, Content | Withheld | None]:
        try:
            return item, read.result()
        except TooLarge:
            log.info("%s is large; reading it through a file", item.key)
            return item, self._large(item)

    def _small(self, item: Input, is_closed: Callable[[], bool]) -> Content | Withheld | None:
        """Read one object in memory; `TooLarge` if it is not small."""
        if item.size > self._limits.object_memory:
            raise TooLarge
        return self._read(item, self._limits.object_memory, is_closed)

    def _large(self, item: Input) -> Content | Withheld | None:
        """Read one object through a file, in the caller's thread, so one at a time."""
        limit = self._limits.object_bytes
        if item.size > _MOST_COPIED:
            return Withheld("EntityTooLarge")
        try:
            return self._read(item, limit, self._should_stop)
        except TooLarge as problem:
            return rejected_whole(str(problem), size=item.size)

    def _read(
        self, item: Input, at_most: int, should_stop: Callable[[], bool]
    ) -> Content | Withheld | None:
        """Read one object; start again if its body breaks off, as nothing but the whole counts.

        An object that breaks off each time is withheld.
        """
        for _ in range(_TRIES):
            try:
                # If-Match: an object that was overwritten since LIST is left to the next term.
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
            except (HTTPClientError, IncompleteReadError) as error:
                log.warning("reading %s broke off: %s", item.key, error)
        return Withheld("IncompleteBody")

    def _chunks(
        self, item: Input, body: StreamingBody, should_stop: Callable[[], bool]
    ) -> Iterator[bytes]:
        # `closing`, because a StreamingBody as a context manager gives the raw stream, unchecked.
        with closing(body):
            # The last, empty read compares the length with Content-Length.
            while chunk := body.read(CHUNK):
                if should_stop():
                    raise OutOfTime(item.key)
                yield chunk


def _close(future: Future[Content | Withheld | None]) -> None:
    if future.cancelled() or future.exception() is not None:
        return
    if isinstance(left := future.result(), Content):
        left.close()
