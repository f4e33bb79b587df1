"""Sort S3's error codes: transient ones, and refusals, each with what a human can do about it.

No I/O, and no botocore.
"""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Final

from s3leader._core.requests import Create, List, Read, Replace, StoreRequest, Tag
from s3leader.errors import BucketUnusable, without_credentials

from .s3_denials import DENIED, Denial
from .s3_region import RegionChoice, choose_region

_ACTIONS: Final[dict[type[StoreRequest], str]] = {
    List: "s3:ListBucket",
    Read: "s3:GetObject",
    Create: "s3:PutObject",
    Replace: "s3:PutObject",
    Tag: "s3:PutObjectTagging",
}
# S3, or a proxy in front of it, asks the client to try again.
_TRANSIENT_STATUS: Final = frozenset(
    {
        HTTPStatus.TEMPORARY_REDIRECT,
        HTTPStatus.REQUEST_TIMEOUT,
        HTTPStatus.CONFLICT,
        HTTPStatus.MISDIRECTED_REQUEST,
        HTTPStatus.TOO_EARLY,
        HTTPStatus.TOO_MANY_REQUESTS,
    }
)
_TRANSIENT: Final = frozenset(
    {
        "ConditionalRequestConflict",
        "OperationAborted",
        "RequestTimeout",
        "RequestTimeoutException",
        "TemporaryRedirect",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "RequestThrottled",
        "RequestThrottledException",
        "RequestLimitExceeded",
        "TooManyRequests",
        "TooManyRequestsException",
        "BandwidthLimitExceeded",
        "InternalError",
        "ServiceUnavailable",
        # the body was damaged in transit
        "BadDigest",
        "IncompleteBody",
        "XAmzContentChecksumMismatch",
        # from KMS, through S3
        "KMS.ThrottlingException",
        "KMS.InternalException",
        "KMS.KMSInternalException",
        "KMS.DependencyTimeoutException",
        "KMS.KeyUnavailableException",
        # STS could not reach the identity provider
        "IDPCommunicationError",
    }
)
_OTHER: Final = (
    "Trying again will not help: check the bucket, the endpoint {endpoint} and the request."
)
_CREDENTIALS: Final = (
    "The credentials are missing, wrong or no longer valid: renew them, or pass a client with"
    " others."
)
_REMEDIES: Final = {
    frozenset({"NoSuchBucket"}): (
        "There is no bucket {bucket}: create it, or correct the name. (LockBucket"
        " makes one for locks; the bucket of fenced data is your own.)"
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
            # raised by botocore before it sends anything
            "NoAuthTokenError",
            "NoCredentialsError",
            "PartialCredentialsError",
            "LoginRefreshRequired",
            "LoginTokenLoadError",
            "SSOTokenLoadError",
            "UnauthorizedSSOTokenError",
            "TokenRetrievalError",
        }
    ): _CREDENTIALS,
    frozenset(
        {
            "PermanentRedirect",
            "AuthorizationHeaderMalformed",
            "IllegalLocationConstraintException",
            "301",
            "308",
        }
    ): "The bucket {bucket} is in another Region{where}, but {decided_by}: {region}.",
    frozenset({"RequestTimeTooSkewed"}): (
        "The clock of this machine is wrong by more than 15 minutes, so S3 accepts none of its"
        " signatures: correct it (NTP)."
    ),
    frozenset({"NotImplemented", "MethodNotAllowed", "405", "501", "UnorderedList"}): (
        "The server at {endpoint} does not support this request. s3leader needs conditional writes"
        " (If-Match and If-None-Match on PutObject), ListObjectsV2 in order and with StartAfter,"
        " and object tags: use Amazon S3, or a server that has them."
    ),
    frozenset({"IncompleteAnswer"}): (
        "Amazon S3 always sends it, and s3leader does not guess a value that decides who leads. The"
        " server at {endpoint}, or a proxy in front of it, omits it: let the proxy pass all headers"
        " of an answer unchanged, or bypass it. (A test double that sends no Date, such as moto,"
        " needs S3Store(…, clock_ms=…).)"
    ),
    frozenset({"403", "401", "407"}): (
        "S3 always sends an error code, and this answer has none: a proxy or a firewall in front of"
        " {endpoint} refused the request. Check HTTPS_PROXY, NO_PROXY and the endpoint."
    ),
    frozenset({"CertificateNotTrusted"}): (
        "This machine does not trust the certificate of {endpoint}, so nothing was sent: set"
        " AWS_CA_BUNDLE to the certificates of the server, or of the proxy that terminates TLS."
    ),
    frozenset({"InvalidObjectState"}): (
        "The object has been moved to an archive: keep the lifecycle rules that change storage"
        " classes off this prefix, and restore the object."
    ),
    frozenset({"AllAccessDisabled", "AccountProblem", "NotSignedUp", "InvalidPayer"}): (
        "AWS has restricted the account that owns the bucket: contact AWS Support."
    ),
    frozenset({"InvalidEncryptionAlgorithmError", "KMS.InvalidKeyUsageException"}): (
        "S3 cannot encrypt as requested: correct S3LEADER_ENCRYPTION and"
        " S3LEADER_KMS_KEY, or the bucket's default encryption."
    ),
}
_KEY: Final = (
    "The KMS key that encrypts the object cannot be used: enable it, cancel its deletion, or name"
    " another in the bucket's default encryption and S3LEADER_KMS_KEY."
)
_CHECKSUM: Final = (
    "The bucket has a default Object Lock retention, so S3 demands a checksum with each write:"
    " pass BucketOptions(checksum=True)."
)
_SERVICES: Final = {
    "AssumeRole": "sts",
    "AssumeRoleWithSAML": "sts",
    "AssumeRoleWithWebIdentity": "sts",
    "GetSessionToken": "sts",
    "GetRoleCredentials": "sso",
    "CreateToken": "sso-oidc",
    "CreateOAuth2Token": "signin",
}
_ROLE: Final = re.compile(r"arn:[\w-]+:iam::\d{12}:role/[\w+=,.@/-]*[\w+=@/-]")


def is_transient_error(code: str, status: int) -> bool:
    """Return whether an error with this code and HTTP status may be gone at the next try."""
    by_server = status >= HTTPStatus.INTERNAL_SERVER_ERROR and status != HTTPStatus.NOT_IMPLEMENTED
    return code in _TRANSIENT or status in _TRANSIENT_STATUS or by_server


def refusal(
    request: StoreRequest,
    *,
    bucket: str,
    partition: str,
    code: str,
    message: str,
    bucket_region: str | None = None,
    endpoint: str = "S3",
    region: RegionChoice | None = None,
    bucket_owner: str | None = None,
) -> BucketUnusable:
    """Return the error to raise when S3 answered `request` with `code` and `message`."""
    action, message = _ACTIONS[type(request)], without_credentials(message)
    bucket_arn = bucket if bucket.startswith("arn:") else f"arn:{partition}:s3:::{bucket}"
    between = "/object/" if bucket.startswith("arn:") else "/"
    resource = bucket_arn if isinstance(request, List) else f"{bucket_arn}{between}{request.key}"
    if code in DENIED:
        denial = Denial.parse(message, action=action, resource=resource)
        action, resource = denial.action, denial.resource
        remedy = denial.remedy() or _rights_missing(request, bucket_arn, bucket_owner)
    else:
        chosen = choose_region(None) if region is None else region
        remedy = _remedy(code, message).format(
            bucket=bucket,
            endpoint=without_credentials(endpoint),
            where=f" ({bucket_region})" if bucket_region else "",
            decided_by=chosen.decided_by,
            region=chosen.change(bucket_region),
        )
    return _unusable(action, resource, code, message, remedy)


def refusal_elsewhere(operation: str, *, code: str, message: str) -> BucketUnusable:
    """Return the error to raise when the service that issues credentials refused.

    `operation` is the call that it refused, such as AssumeRole. Nothing was sent to S3.
    """
    service = _SERVICES.get(operation)
    action = operation if service is None else f"{service}:{operation}"
    role = _ROLE.search(message)
    resource = "*" if role is None else role[0]
    what = "the credentials" if role is None else f"the credentials of {resource}"
    return _unusable(
        action,
        resource,
        code,
        message,
        f"The bucket did not refuse: the service that issues {what} did. To let {action} succeed,"
        f" check the role's trust policy, the caller's rights and credentials, and the sign-in; or"
        f" use other credentials.",
    )


def _unusable(action: str, resource: str, code: str, message: str, remedy: str) -> BucketUnusable:
    error = f"{code}: {message}" if message else code
    return BucketUnusable(
        f"{action} on {resource} failed ({error}). {remedy}",
        action=action,
        resource=resource,
        code=code,
    )


def _remedy(code: str, message: str) -> str:
    if code == "InvalidRequest" and "Object Lock" in message:
        return _CHECKSUM
    known = (text for codes, text in _REMEDIES.items() if code in codes)
    return next(known, _KEY if code.startswith("KMS.") else _OTHER)


def _rights_missing(request: StoreRequest, bucket_arn: str, bucket_owner: str | None) -> str:
    grant = f"Allow {_ACTIONS[type(request)]} on it"
    if isinstance(request, Read):
        grant += (
            f", and s3:ListBucket on {bucket_arn}: without that right S3 answers 403, not 404, for"
            f" an object that does not exist"
        )
    elif isinstance(request, Replace):
        grant += ", and s3:GetObject, which If-Match needs too"
    account = "" if bucket_owner is None else f" that account {bucket_owner} owns the bucket,"
    return (
        f"{grant}. LockBucket.grant_candidate grants exactly what is needed. If the right is"
        f" granted, check{account} for a Deny in the bucket's policy, for Requester Pays, and for"
        f" rights on its KMS key."
    )
