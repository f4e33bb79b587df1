"""What S3 refuses for now, and what for good: the latter told so that a human can mend it.

Pure text: nothing here knows botocore or a network.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Final, assert_never

from .errors import BucketUnusable, InvalidArgument
from .store import Create, List, Read, Replace, StoreRequest, Tag

# S3 asks to be asked again.
_PASSING_STATUS: Final = frozenset(
    {HTTPStatus.TEMPORARY_REDIRECT, HTTPStatus.CONFLICT, HTTPStatus.TOO_MANY_REQUESTS}
)
_PASSING: Final = frozenset(
    {
        "ConditionalRequestConflict",
        "OperationAborted",
        "RequestTimeout",
        "RequestTimeoutException",
        "TemporaryRedirect",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "KMS.ThrottlingException",
        "RequestThrottled",
        "RequestThrottledException",
        "RequestLimitExceeded",
        "TooManyRequests",
        "TooManyRequestsException",
        "BandwidthLimitExceeded",
        "InternalError",
        "ServiceUnavailable",
    }
)
_DENIED: Final = frozenset({"AccessDenied", "Forbidden", "403"})
_ELSE: Final = "Trying again will not mend that: look at the bucket, the endpoint and the request."
_REMEDIES: Final = {
    frozenset({"NoSuchBucket"}): (
        "There is no bucket {bucket}: create it (with LockBucket), or correct the name."
    ),
    frozenset(
        {
            "ExpiredToken",
            "ExpiredTokenException",
            "InvalidAccessKeyId",
            "InvalidClientTokenId",
            "InvalidToken",
            "SignatureDoesNotMatch",
            "TokenRefreshRequired",
            # botocore's own, when nothing could be sent
            "NoCredentialsError",
            "PartialCredentialsError",
            "SSOTokenLoadError",
            "UnauthorizedSSOTokenError",
            "TokenRetrievalError",
        }
    ): "The credentials are missing, wrong or no longer valid: renew them, or pass a client with"
    " others.",
    frozenset(
        {
            "PermanentRedirect",
            "AuthorizationHeaderMalformed",
            "IllegalLocationConstraintException",
            "301",
            "308",
        }
    ): "The bucket {bucket} is in another Region{where} than the client was made for: set"
    " AWS_REGION, or pass a client made for the bucket's Region.",
    frozenset({"RequestTimeTooSkewed"}): (
        "The clock of this machine is wrong by more than 15 minutes, so S3 accepts none of its"
        " signatures: set it right (NTP)."
    ),
    frozenset({"NotImplemented", "MethodNotAllowed", "405", "501"}): (
        "The server does not support this request. s3leader needs conditional writes (If-Match and"
        " If-None-Match on PutObject), ListObjectsV2 and object tags: use Amazon S3, or a server"
        " that has them."
    ),
}


def passes(code: str, status: int) -> bool:
    """Tell whether an error with this code and HTTP status may be gone at the next try."""
    ours_to_mend = status < HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.NOT_IMPLEMENTED
    return code in _PASSING or status in _PASSING_STATUS or not ours_to_mend


def refusal(
    request: StoreRequest,
    *,
    bucket: str,
    partition: str,
    code: str,
    message: str,
    bucket_region: str | None = None,
) -> BucketUnusable:
    """Return the error to raise when S3 answered `request` with `code` and `message`."""
    action = _action(request)
    bucket_arn = bucket if bucket.startswith("arn:") else f"arn:{partition}:s3:::{bucket}"
    between = "/object/" if bucket.startswith("arn:") else "/"
    resource = bucket_arn if isinstance(request, List) else f"{bucket_arn}{between}{request.key}"
    if code in _DENIED:
        remedy = _rights_missing(request, bucket_arn)
    else:
        known = (text for codes, text in _REMEDIES.items() if code in codes)
        where = f" ({bucket_region})" if bucket_region else ""
        remedy = next(known, _ELSE).format(bucket=bucket, where=where)
    said = f"{code}: {message}" if message else code
    return BucketUnusable(
        f"{action} on {resource} failed ({said}). {remedy}",
        action=action,
        resource=resource,
        code=code,
    )


def _action(request: StoreRequest) -> str:
    match request:
        case List():
            return "s3:ListBucket"
        case Read():
            return "s3:GetObject"
        case Create() | Replace():
            return "s3:PutObject"
        case Tag():
            return "s3:PutObjectTagging"
        case _:
            assert_never(request)


def _rights_missing(request: StoreRequest, bucket_arn: str) -> str:
    grant = f"Allow {_action(request)} on it"
    match request:
        case Read():
            grant += (
                f", and s3:ListBucket on {bucket_arn}: without that right S3 answers 403, not"
                f" 404, for an object that does not exist"
            )
        case Replace():
            grant += ", and s3:GetObject, which If-Match needs too"
        case List() | Create() | Tag():
            pass
        case _:
            assert_never(request)
    return (
        f"{grant}. LockBucket.grant_candidate grants exactly what is needed. If the rights are"
        f" there, look for a Deny in the bucket's policy, and for rights on its KMS key."
    )


def check_bucket(bucket: str) -> None:
    """Raise unless a bucket of that name may hold an election."""
    if not bucket:
        raise InvalidArgument("the bucket's name is empty")
    if bucket.endswith(("--x-s3", "--xa-s3")):
        raise BucketUnusable(
            f"{bucket} is a directory bucket (S3 Express One Zone), which cannot hold an election:"
            f" its LIST has no order and no StartAfter, and its objects have no tags. Use a"
            f" general purpose bucket.",
            action="s3express:CreateSession",
            resource=f"arn:aws:s3express:::bucket/{bucket}",
            code="DirectoryBucket",
        )
