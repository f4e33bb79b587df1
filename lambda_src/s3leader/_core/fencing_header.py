"""The header `Fencing-Token`, and the answers to requests that are refused for it. Sans-I/O.

    Fencing-Token: 34;election="nightly-credits"

It is an Item of RFC 9651 (structured fields): an Integer, with the election's name as a String. It
is one header, so that no proxy can pass on one half of it. Anything else is refused: a token that
was misread would let a stale leader pass, or shut the leader out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from s3leader.errors import InvalidArgument, StaleToken

from .config import check_name
from .tokens import check_token

HEADER: Final = "Fencing-Token"
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})  # RFC 9110, 9.2.1

# At most 15 digits, as RFC 9651 has it. The characters of election names need no escapes.
_ITEM: Final = re.compile(r' *([1-9][0-9]{0,14}); *election="([A-Za-z0-9._/-]+)" *')


@dataclass(frozen=True, slots=True)
class FencingToken:
    """What the header says: the number of a term, and the name of its election."""

    election: str
    token: int

    def format(self) -> str:
        """Return the value of the header."""
        check_name(self.election)
        check_token(self.token)
        return f'{self.token};election="{self.election}"'

    @classmethod
    def parse(cls, value: str) -> FencingToken:
        """Parse the value of the header. Raises `InvalidArgument` for anything else."""
        if (found := _ITEM.fullmatch(value)) is None:
            raise InvalidArgument(
                f"expected one header {HEADER}, such as '{HEADER}: 34;election=\"nightly\"', got"
                f" {value[:200]!r}; send what `fencing_headers(term)` returns"
            )
        token = cls(found[2], int(found[1]))
        check_name(token.election)
        return token


@dataclass(frozen=True, slots=True)
class Problem:
    """An answer that refuses a request: problem details of RFC 9457. `members` are extensions.

    It has no `type`, as there is no address to name. `error` says what is wrong to programs.
    """

    status: HTTPStatus
    error: str
    detail: str
    members: dict[str, Any]

    def body(self) -> bytes:
        """Return the JSON."""
        return json.dumps(
            {
                "title": self.status.phrase,
                "status": self.status.value,
                "detail": self.detail,
                "error": self.error,
                **self.members,
            }
        ).encode()

    def headers(self) -> list[tuple[str, str]]:
        """Return the headers of the answer."""
        return [
            ("Content-Type", "application/problem+json"),
            ("Content-Length", str(len(self.body()))),
            ("Cache-Control", "no-store"),
        ]


def parse_headers(values: Sequence[str], election: str) -> int | Problem | None:
    """Return the token of a request with these headers `Fencing-Token`, None if there is none."""
    if not values:
        return None
    try:
        found = FencingToken.parse(", ".join(values))  # as a proxy may join them
    except InvalidArgument as error:
        return Problem(HTTPStatus.BAD_REQUEST, "MalformedToken", str(error), {})
    if found.election != election:
        detail = (
            f"expected a token of election {election!r}, got one of {found.election!r}; their"
            f" numbers cannot be compared"
        )
        return Problem(HTTPStatus.BAD_REQUEST, "WrongElection", detail, {"election": election})
    return found.token


def token_required(election: str) -> Problem:
    """Return the answer to a request without a token."""
    detail = (
        f"this request needs the fencing token of a leader of election {election!r}: a header such"
        f" as '{HEADER}: {FencingToken(election, 34).format()}'"
    )
    return Problem(
        HTTPStatus.PRECONDITION_REQUIRED, "TokenRequired", detail, {"election": election}
    )


def stale(election: str, token: int, written_token: int) -> Problem:
    """Return the answer to a stale leader. See `stale_token`, which reads it."""
    error = StaleToken(
        key=f"the server's memory of election {election!r}",
        token=token,
        written_token=written_token,
    )
    members = {"election": election, "token": token, "written_token": written_token}
    return Problem(HTTPStatus.CONFLICT, "StaleToken", str(error), members)


def not_known(election: str, cause: str) -> Problem:
    """Return the answer while the memory of tokens does not answer."""
    detail = f"whether this token is the latest of election {election!r} cannot be known: {cause}"
    return Problem(HTTPStatus.SERVICE_UNAVAILABLE, "StoreUnavailable", detail, {})


def stale_token(status: int, body: bytes | str) -> StaleToken | None:
    """Return the error that an answer stands for, None if it does not refuse a stale token."""
    if status != HTTPStatus.CONFLICT:
        return None
    try:
        members = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(members, dict) or members.get("error") != "StaleToken":
        return None
    token, written = members.get("token"), members.get("written_token")
    if type(token) is not int or type(written) is not int:
        return None
    key = f"the server's memory of election {members.get('election')!r}"
    return StaleToken(key=key, token=token, written_token=written)
