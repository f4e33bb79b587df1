"""What is stored, and the answers to requests. One thread runs it, so each request is atomic."""

from __future__ import annotations

import hashlib
import time
from bisect import bisect_right, insort
from collections.abc import Mapping
from dataclasses import dataclass, field
from heapq import merge
from itertools import dropwhile, takewhile
from typing import NamedTuple
from xml.sax.saxutils import escape, unescape

from s3leader_bench.stub.generated import HINT_EVERY, Generated

PAGE = 1000
_NO_KEY = "NoSuchKey"
_FAILED = "PreconditionFailed"


class Request(NamedTuple):
    """An HTTP request; names of headers are in lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


class Answer(NamedTuple):
    """An HTTP answer. The front adds `Date` and `Content-Length`."""

    status: int
    headers: Mapping[str, str] = {}
    body: bytes = b""


@dataclass(slots=True)
class Stored:
    """An object. `modified` is in seconds since 1970."""

    body: bytes
    etag: str
    modified: float


def http_date(seconds: float) -> str:
    """Return a time as S3 writes it in headers, in whole seconds."""
    return time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(seconds))


def _stored(body: bytes, modified: float) -> Stored:
    return Stored(body, f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"', modified)


def _error(status: int, code: str) -> Answer:
    body = f"<Error><Code>{code}</Code><Message>{code}</Message></Error>".encode()
    return Answer(status, {"Content-Type": "application/xml"}, body)


@dataclass
class Bucket:
    """One bucket: objects that were written, and those that are generated and not deleted."""

    written: dict[str, Stored] = field(default_factory=dict)
    deleted: set[str] = field(default_factory=set)
    generated: list[Generated] = field(default_factory=list)
    _keys: list[str] = field(default_factory=list)
    _made_at: float = field(default_factory=lambda: time.time() - 86_400)

    def generate(self, kind: str, prefix: str, last: int) -> None:
        """Add generated objects; a ledger also gets the hint that its leaders would have left."""
        self.generated.append(Generated(kind, prefix, last))
        if kind == "locks" and last >= HINT_EVERY:
            hint = f'{{"term": {last // HINT_EVERY * HINT_EVERY}}}'
            self._write(prefix + "hint.json", hint.encode())

    def age(self, key: str, seconds: float) -> None:
        """Move the `Last-Modified` of an object back, as if it had been written earlier."""
        self.written[key].modified -= seconds

    def find(self, key: str) -> Stored | None:
        """Return the object at `key`."""
        if (found := self.written.get(key)) is not None or key in self.deleted:
            return found
        for objects in self.generated:
            if (number := objects.number(key)) is not None:
                return _stored(objects.body(number), self._made_at)
        return None

    def answer(self, request: Request) -> Answer:
        """Perform a request."""
        _, _, key = request.path.removeprefix("/").partition("/")
        if not key:
            return self._of_bucket(request)
        if "tagging" in request.query:
            return Answer(200) if self.find(key) else _error(404, _NO_KEY)
        match request.method:
            case "GET" | "HEAD":
                return self._get(key, request)
            case "PUT":
                return self._put(key, request)
            case "DELETE":
                self._delete(key)
                return Answer(204)
        return _error(501, "NotImplemented")

    def _of_bucket(self, request: Request) -> Answer:
        if request.method == "GET":
            return self._list(request.query)
        if "delete" in request.query:
            for part in request.body.decode().split("<Key>")[1:]:
                self._delete(unescape(part.partition("</Key>")[0]))
            return Answer(200, {"Content-Type": "application/xml"}, b"<DeleteResult/>")
        return Answer(200)  # CreateBucket

    def _get(self, key: str, request: Request) -> Answer:
        found = self.find(key)
        if found is None:
            return _error(404, _NO_KEY)
        if request.headers.get("if-match", found.etag) != found.etag:
            return _error(412, _FAILED)
        headers = {"ETag": found.etag, "Last-Modified": http_date(found.modified)}
        return Answer(200, headers, found.body)

    def _put(self, key: str, request: Request) -> Answer:
        found, wanted = self.find(key), request.headers.get("if-match")
        if wanted is not None and found is None:
            return _error(404, _NO_KEY)
        if found is not None and (
            "if-none-match" in request.headers or wanted not in {None, found.etag}
        ):
            return _error(412, _FAILED)
        return Answer(200, {"ETag": self._write(key, request.body).etag})

    def _write(self, key: str, body: bytes) -> Stored:
        if key not in self.written:
            insort(self._keys, key)
        self.written[key] = stored = _stored(body, time.time())
        return stored

    def _delete(self, key: str) -> None:
        self.deleted.add(key)
        if self.written.pop(key, None) is not None:
            self._keys.remove(key)

    def _list(self, query: Mapping[str, str]) -> Answer:
        prefix = query.get("prefix", "")
        after = query.get("continuation-token") or query.get("start-after", "")
        start = max(after, prefix)
        mine = self._keys[max(0, bisect_right(self._keys, start) - 1) :]
        sources = [iter(mine), *(objects.keys_after(start) for objects in self.generated)]
        ordered = dropwhile(lambda key: key <= after or key < prefix, merge(*sources))
        page: list[str] = []
        for key in takewhile(lambda key: key.startswith(prefix), ordered):
            if page[-1:] != [key] and (key in self.written or key not in self.deleted):
                page.append(key)
            if len(page) > PAGE:
                break
        return Answer(200, {"Content-Type": "application/xml"}, self._page(page))

    def _page(self, keys: list[str]) -> bytes:
        """Return the XML of a page; `keys` has one more than fits if it is truncated."""
        shown, truncated = keys[:PAGE], len(keys) > PAGE
        parts = ['<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult>']
        parts += [f"<KeyCount>{len(shown)}</KeyCount><MaxKeys>{PAGE}</MaxKeys>"]
        parts += [f"<IsTruncated>{str(truncated).lower()}</IsTruncated>"]
        if truncated:
            parts += [f"<NextContinuationToken>{escape(shown[-1])}</NextContinuationToken>"]
        for key in shown:
            found = self.find(key)
            if found is not None:
                date = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(found.modified))
                parts += [f"<Contents><Key>{escape(key)}</Key><LastModified>{date}</LastModified>"]
                parts += [f"<ETag>{escape(found.etag)}</ETag><Size>{len(found.body)}</Size>"]
                parts += ["<StorageClass>STANDARD</StorageClass></Contents>"]
        return "".join([*parts, "</ListBucketResult>"]).encode()
