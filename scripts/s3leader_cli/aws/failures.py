"""Errors of requests to AWS, for people: what was refused, on what, and what to do."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    HTTPClientError,
    IncompleteReadError,
    NoCredentialsError,
    SSLError,
)

DENIED = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "AuthorizationError",
        "Forbidden",
        "UnauthorizedOperation",
        "403",  # the answer to a HEAD, which has no code
    }
)
"""The codes that services answer if a right is missing."""
_PERFORM = re.compile(r"not authorized to perform: (?P<action>[\w-]+:\w+)")
_ON = re.compile(r"on resource: (?P<resource>arn:\S+)")
_SERVER_ERRORS = range(500, 600)


class RequestFailed(click.ClickException):
    """A request that AWS refused or did not answer. `code` is AWS's, empty without an answer."""

    def __init__(self, message: str, *, code: str = "") -> None:
        super().__init__(message)
        self.code = code

    @property
    def kind(self) -> str:
        """The word of `--json` for it."""
        return "denied" if self.code in DENIED else "request_failed"


class OutcomeUnknown(RequestFailed):
    """A request that was sent, and whose answer was lost or is a 5xx: AWS may have carried it out.

    Any other `RequestFailed` has changed nothing.
    """

    @property
    def kind(self) -> str:
        """The word of `--json` for it."""
        return "outcome_unknown"


@contextmanager
def explained(action: str, resource: str) -> Iterator[None]:
    """Raise `RequestFailed` for what goes wrong in a block, which needs `action` on `resource`."""
    try:
        yield
    except ClientError as error:
        found: Any = error.response.get("Error", {})
        code, message = str(found.get("Code", "")), str(found.get("Message", ""))
        if code in DENIED:
            raise RequestFailed(denial(action, resource, message), code=code) from error
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        kind = OutcomeUnknown if status in _SERVER_ERRORS else RequestFailed
        raise kind(f"{action} on {resource} failed: {code}: {message}", code=code) from error
    except NoCredentialsError as error:
        raise RequestFailed(
            f"{action} on {resource} was not sent, because boto3 found no credentials: give"
            " --profile, or sign in"
        ) from error
    except BotoCoreError as error:
        kind = OutcomeUnknown if _was_sent(error) else RequestFailed
        raise kind(f"{action} on {resource} failed: {error}") from error


def _was_sent(error: BotoCoreError) -> bool:
    """Whether a request may have reached AWS: botocore's other errors come before it is sent."""
    if isinstance(error, SSLError):  # a refused certificate ends the handshake
        return "CERTIFICATE_VERIFY_FAILED" not in str(error)
    return isinstance(error, HTTPClientError | IncompleteReadError)


def denial(action: str, resource: str, message: str) -> str:
    """Return what to say of a denied request: AWS's message may name another action it needs."""
    if found := _PERFORM.search(message):
        action = found["action"]
        named = _ON.search(message)
        resource = named["resource"].rstrip(".,") if named else resource
    statement = json.dumps({"Effect": "Allow", "Action": action, "Resource": resource})
    if "explicit deny" in message:
        return (
            f"{action} on {resource} is denied by a policy that says so explicitly, so a grant"
            f" does not help: {message}"
        )
    return (
        f"{action} on {resource} is denied: let the policy of these credentials have the"
        f" statement {statement}"
    )
