"""Which of S3's errors concern one object, so that other objects need not wait for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

# The object has been deleted, or overwritten.
GONE: Final = {"NoSuchKey", "404", "PreconditionFailed", "412"}
# Errors that do not depend on the key: a retry may succeed, or every key fails.
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
_FAILED: Final = {"InternalError", "500"}  # a response to HEAD has no code, only the status
# As in s3leader's own requests: an overloaded server, or a proxy, asks for another try.
_TRANSIENT_STATUS: Final = {408, 421, 425, 429}


def code_of(error: ClientError) -> str:
    """Return S3's error code."""
    return error.response.get("Error", {}).get("Code", "")


def status_of(error: ClientError) -> int:
    """Return the HTTP status, 0 if there is none."""
    return error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)


def asks_for_another_try(error: ClientError) -> bool:
    """Return whether the answer's status alone says that the same request may succeed later."""
    return status_of(error) >= 500 or status_of(error) in _TRANSIENT_STATUS


def refuses_key(error: ClientError) -> bool:
    """Return whether S3 refuses this one object, and would refuse an immediate retry, too."""
    code, status = code_of(error), status_of(error)
    transient = status in _TRANSIENT_STATUS or code in _NOT_THE_KEY or "Throttl" in code
    return 400 <= status < 500 and not transient


def cannot_serve_key(error: ClientError) -> bool:
    """Return whether S3 refuses this one object, or fails on it in spite of the client's retries.

    A store with one damaged object answers every request for it with 500, and works otherwise.
    """
    return refuses_key(error) or code_of(error) in _FAILED


def is_transient(code: str) -> bool:
    """Return whether an error that DeleteObjects reports for a key may be gone on a retry."""
    transient = code in _NOT_THE_KEY or code in _FAILED or "Throttl" in code
    return transient or code in {"ServiceUnavailable", "unknown"}
