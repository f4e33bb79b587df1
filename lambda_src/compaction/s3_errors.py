"""Which of S3's errors concern one object, and which are likely to pass.

An error that concerns one object must not stop the job: the other objects are compacted.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from botocore.exceptions import ClientError

from s3leader._io.s3_refusals import is_transient_error

# The object has been deleted, or overwritten (an `If-Match` did not hold).
GONE: Final = frozenset({"NoSuchKey", "404", "PreconditionFailed", "412"})
# Errors that S3 returns whatever the key: wrong credentials, a wrong clock, a wrong bucket name.
_EVERY_KEY: Final = frozenset(
    {
        "ExpiredToken",
        "InvalidAccessKeyId",
        "InvalidToken",
        "NoSuchBucket",
        "RequestTimeTooSkewed",
        "TokenRefreshRequired",
    }
)
_FAILED: Final = frozenset({"InternalError", "500"})  # HEAD has a status, but no error code


def code_of(error: ClientError) -> str:
    """Return S3's error code."""
    return error.response.get("Error", {}).get("Code", "")


def status_of(error: ClientError) -> int:
    """Return the HTTP status, 0 if there is none."""
    return error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)


def may_pass(error: ClientError) -> bool:
    """Return whether S3 may answer the same request otherwise later: throttling, a 409, a 5xx."""
    return is_transient_error(code_of(error), status_of(error))


def refuses_key(error: ClientError) -> bool:
    """Return whether S3 refuses this one object, and would refuse an immediate retry."""
    code, status = code_of(error), status_of(error)
    # A 409 of KMS is the state of one key, so its code decides.
    transient = is_transient_error(code, 0 if status == HTTPStatus.CONFLICT else status)
    return 400 <= status < 500 and not transient and code not in _EVERY_KEY


def cannot_serve_key(error: ClientError) -> bool:
    """Return whether S3 refuses this one object, or fails on it despite the client's retries.

    A store with one damaged object answers every request for it with 500, and works otherwise.
    """
    return refuses_key(error) or code_of(error) in _FAILED


def is_transient(code: str) -> bool:
    """Return whether a key that DeleteObjects reports with this code may be deleted by a retry."""
    return is_transient_error(code, 0) or code in _FAILED or code == "unknown"
