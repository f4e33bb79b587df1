"""As much HTTP as boto3 speaks to S3: requests in, answers out."""

from asyncio import IncompleteReadError, StreamReader, StreamWriter
from dataclasses import dataclass, field
from email.utils import formatdate
from urllib.parse import parse_qsl, unquote, urlsplit
from xml.sax.saxutils import escape


@dataclass(frozen=True, kw_only=True)
class Request:
    """A request as it came; header names are in lower case."""

    method: str
    bucket: str
    key: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Answer:
    """What is to be answered."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)

    def encode(self, date_s: float, *, date_first: bool) -> bytes:
        """Return the bytes of the answer; `date_s` is the time by S3's clock."""
        date = {"Date": http_date(date_s)}
        others = {"Content-Length": str(len(self.body)), **self.headers}
        lines = date | others if date_first else others | date
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        return f"HTTP/1.1 {self.status} So\r\n{head}\r\n".encode() + self.body


def error(status: int, code: str) -> Answer:
    """Return an error as S3 words it."""
    text = f"<Error><Code>{code}</Code><Message>{escape(code)}, it says</Message></Error>"
    return Answer(status, text.encode(), {"Content-Type": "application/xml"})


def http_date(seconds: float) -> str:
    """Return a time as headers have it, in whole seconds."""
    return formatdate(int(seconds), usegmt=True)


async def read_request(reader: StreamReader, writer: StreamWriter) -> Request | None:
    """Return the next request of a connection, None when there is none any more."""
    try:
        method, _, rest = (await reader.readline()).decode().partition(" ")
        if not method:
            return None
        headers: dict[str, str] = {}
        while line := (await reader.readline()).decode().strip():
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        if headers.get("expect", "").lower() == "100-continue":
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = await reader.readexactly(int(headers.get("content-length", "0")))
    except (IncompleteReadError, OSError):
        return None
    target = urlsplit(rest.split(" ")[0])
    bucket, _, key = target.path.removeprefix("/").partition("/")
    return Request(
        method=method,
        bucket=bucket,
        key=unquote(key),
        query=dict(parse_qsl(target.query, keep_blank_values=True)),
        headers=headers,
        body=body,
    )
