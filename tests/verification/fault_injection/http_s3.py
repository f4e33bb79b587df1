"""`MemoryStore` behind S3's HTTP interface: requests in, answers out, every write recorded."""

import time
from dataclasses import dataclass
from urllib.parse import quote
from xml.sax.saxutils import escape

from s3leader._core.requests import (
    Applied,
    Conflict,
    Create,
    Found,
    List,
    Listed,
    Missing,
    Read,
    Replace,
    StoreAnswer,
    StoreRequest,
    Tag,
)
from s3leader._io.memory_store import MemoryStore
from tests.verification.fault_injection.http import Answer, Request, error, http_date


@dataclass(frozen=True, slots=True)
class Write:
    """A write that was applied, in the order of `HttpS3.writes`."""

    key: str
    body: bytes


class HttpS3:
    """One bucket. Its front ends' clocks differ; `Last-Modified` is by the one that wrote."""

    def __init__(self) -> None:
        """Begin with an empty bucket."""
        self.writes: list[Write] = []
        self.store = MemoryStore(
            clock_ms=lambda: int((time.time() + self._ahead_s) * 1000), observer=self._record
        )
        self._ahead_s = 0.0

    def perform(self, request: Request, ahead_s: float) -> Answer:
        """Apply a request at a front end whose clock is that much ahead."""
        parsed = _parse(request)
        if parsed is None:
            return error(405, "MethodNotAllowed")
        self._ahead_s = ahead_s
        return _response(parsed, self.store.perform(parsed))

    def _record(self, request: StoreRequest, answer: StoreAnswer) -> None:
        if isinstance(request, Create | Replace) and isinstance(answer, Applied):
            self.writes.append(Write(request.key, request.body))


def _parse(request: Request) -> StoreRequest | None:
    """Return what an HTTP request asks for; None for one that the runtime never sends."""
    query, headers = request.query, request.headers
    match request.method:
        case "GET" if not request.key:
            return List(
                query.get("prefix", ""), query.get("start-after"), query.get("continuation-token")
            )
        case "GET":
            return Read(request.key)
        case "PUT" if "tagging" in query:
            return Tag(request.key)
        case "PUT" if "if-none-match" in headers:
            return Create(request.key, request.body)
        case "PUT" if "if-match" in headers:
            etag = headers["if-match"].strip('"')
            return Replace(request.key, request.body, f'"{etag}"')
    return None


def _response(request: StoreRequest, answer: StoreAnswer) -> Answer:
    match answer:
        case Listed():
            return _page(request, answer)
        case Found():
            modified = http_date(answer.modified_ms / 1000)
            return Answer(200, answer.body, {"ETag": answer.etag, "Last-Modified": modified})
        case Applied():
            return Answer(200, b"", {"ETag": answer.etag} if answer.etag else {})
        case Conflict():
            return error(412, "PreconditionFailed")
        case Missing():
            return error(404, "NoSuchKey")
    raise AssertionError(f"unexpected answer {answer}")


def _page(request: StoreRequest, page: Listed) -> Answer:
    items = "".join(f"<Contents><Key>{_shown(key)}</Key></Contents>" for key in page.keys)
    token = "" if page.next_token is None else escape(page.next_token)
    next_token = f"<NextContinuationToken>{token}</NextContinuationToken>" if token else ""
    prefix = request.prefix if isinstance(request, List) else ""
    text = (
        '<?xml version="1.0" encoding="UTF-8"?><ListBucketResult>'
        f"<Name>bucket</Name><Prefix>{_shown(prefix)}</Prefix>"
        f"<EncodingType>url</EncodingType><KeyCount>{len(page.keys)}</KeyCount>"
        f"<IsTruncated>{str(page.truncated).lower()}</IsTruncated>{next_token}{items}"
        "</ListBucketResult>"
    )
    return Answer(200, text.encode(), {"Content-Type": "application/xml"})


def _shown(key: str) -> str:
    return escape(quote(key))
