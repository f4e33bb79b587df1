"""Which of S3's refusals concern one object, so that the others need not wait for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

# The object is not there any more, or has been written again since.
GONE: Final = {"NoSuchKey", "404", "PreconditionFailed", "412"}
# Refusals that do not depend on the key: another try may succeed, or no key would be answered.
_NOT_THE_KEY: Final = {
    "ExpiredToken",
    "InvalidAccessKeyId",
    "InvalidToken",
    "NoSuchBucket",
    "OperationAborted",
    "RequestLimitExceeded",
    "RequestTimeTooSkewed",
    "RequestTimeout",
    "SlowDown",
    "TokenRefreshRequired",
    "TooManyRequests",
    "TooManyRequestsException",
}
_FAILED: Final = {"InternalError", "500"}  # an answer to HEAD has the status only
_PASSING: Final = {408, 429}


def code_of(error: ClientError) -> str:
    """Return S3's error code."""
    return error.response.get("Error", {}).get("Code", "")


def status_of(error: ClientError) -> int:
    """Return the HTTP status, 0 if there is none."""
    return error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)


def refuses_key(error: ClientError) -> bool:
    """Tell whether S3 refuses this very object, and would again at once."""
    code, status = code_of(error), status_of(error)
    passing = status in _PASSING or code in _NOT_THE_KEY or "Throttl" in code
    return 400 <= status < 500 and not passing


def cannot_serve_key(error: ClientError) -> bool:
    """Tell whether S3 refuses this very object, or fails at it although the client tried again.

    A store that has damaged one object answers 500 for it, each time, and works otherwise.
    """
    return refuses_key(error) or code_of(error) in _FAILED


def passes(code: str) -> bool:
    """Tell whether an error that DeleteObjects reports for a key may be over at the next try."""
    may_pass = code in _NOT_THE_KEY or code in _FAILED or "Throttl" in code
    return may_pass or code in {"ServiceUnavailable", "unknown"}
