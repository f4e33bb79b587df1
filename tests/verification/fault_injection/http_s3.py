"""A small linearizable S3: one request at a time, and every write on record."""

import hashlib
import time
from dataclasses import dataclass, field
from urllib.parse import quote
from xml.sax.saxutils import escape

from tests.verification.fault_injection.http import Answer, Request, error, http_date


@dataclass(frozen=True, slots=True)
class Stored:
    """An object; `modified_s` by the clock of the front end that took the write."""

    body: bytes
    etag: str
    modified_s: float


@dataclass(frozen=True, slots=True)
class Write:
    """A write that was applied, in the order of `TinyS3.writes`."""

    key: str
    body: bytes


@dataclass
class RecordedS3:
    """Conditional PUT, GET, LIST and tagging, as Amazon documents them, in one bucket."""

    objects: dict[str, Stored] = field(default_factory=dict)
    tagged: set[str] = field(default_factory=set)
    writes: list[Write] = field(default_factory=list)

    def perform(self, request: Request, ahead_s: float) -> Answer:
        """Apply a request at a front end whose clock is that much ahead."""
        now_s = time.time() + ahead_s
        match request.method:
            case "GET" if not request.key:
                return self._list(request)
            case "GET":
                return self._get(request.key)
            case "PUT" if "tagging" in request.query:
                return self._tag(request.key)
            case "PUT":
                return self._put(request, now_s)
        return error(405, "MethodNotAllowed")

    def _get(self, key: str) -> Answer:
        found = self.objects.get(key)
        if found is None:
            return error(404, "NoSuchKey")
        return Answer(
            200, found.body, {"ETag": found.etag, "Last-Modified": http_date(found.modified_s)}
        )

    def _put(self, request: Request, now_s: float) -> Answer:
        found = self.objects.get(request.key)
        if "if-none-match" in request.headers and found is not None:
            return error(412, "PreconditionFailed")
        if (wanted := request.headers.get("if-match")) is not None:
            if found is None:
                return error(404, "NoSuchKey")
            if found.etag.strip('"') != wanted.strip('"'):
                return error(412, "PreconditionFailed")
        etag = f'"{hashlib.md5(request.body, usedforsecurity=False).hexdigest()}"'
        self.objects[request.key] = Stored(request.body, etag, now_s)
        self.writes.append(Write(request.key, request.body))
        return Answer(200, b"", {"ETag": etag})

    def _tag(self, key: str) -> Answer:
        if key not in self.objects:
            return error(404, "NoSuchKey")
        self.tagged.add(key)
        return Answer(200)

    def _list(self, request: Request) -> Answer:
        prefix, after = request.query.get("prefix", ""), request.query.get("start-after", "")
        after = request.query.get("continuation-token", after)
        most = int(request.query.get("max-keys", "1000"))
        keys = sorted(key for key in self.objects if key.startswith(prefix) and key > after)
        items = "".join(f"<Contents><Key>{_shown(key)}</Key></Contents>" for key in keys[:most])
        truncated, token = "false", ""
        if len(keys) > most:
            truncated = "true"
            token = f"<NextContinuationToken>{escape(keys[most - 1])}</NextContinuationToken>"
        page = (
            '<?xml version="1.0" encoding="UTF-8"?><ListBucketResult>'
            f"<Name>{escape(request.bucket)}</Name><Prefix>{_shown(prefix)}</Prefix>"
            f"<EncodingType>url</EncodingType><KeyCount>{min(len(keys), most)}</KeyCount>"
            f"<IsTruncated>{truncated}</IsTruncated>{token}{items}</ListBucketResult>"
        )
        return Answer(200, page.encode(), {"Content-Type": "application/xml"})


def _shown(key: str) -> str:
    return escape(quote(key))
