"""The client of a store: made for each process, or a boto3 client that the caller passed in."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING, Any, Final, Protocol, cast
from urllib.parse import urlsplit
from weakref import WeakValueDictionary

from botocore.exceptions import InvalidRegionError

from s3leader.errors import InvalidArgument, describe_error, without_credentials

from .http_client import HttpS3Client
from .http_settings import find_settings
from .s3_region import RegionChoice, choose_region

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta

    from botocore.exceptions import EndpointConnectionError
    from mypy_boto3_s3 import S3Client

# The DNS suffixes of AWS's partitions; interface endpoints in a VPC end in them too.
_AWS_HOSTS: Final = (
    ".amazonaws.com",
    ".amazonaws.com.cn",
    ".amazonaws.eu",
    ".c2s.ic.gov",
    ".sc2s.sgov.gov",
    ".cloud.adc-e.uk",
    ".csp.hci.ic.gov",
)


class StoreClient(Protocol):
    """What a store uses of a boto3 client."""

    @property
    def meta(self) -> Any:  # noqa: ANN401 - `endpoint_url`, `partition`, `region_name`
        """What the client was made with."""

    def list_objects_v2(self, **params: Any) -> dict[str, Any]:  # noqa: ANN401
        """ListObjectsV2."""

    def get_object(self, **params: Any) -> dict[str, Any]:  # noqa: ANN401
        """GetObject."""

    def put_object(self, **params: Any) -> dict[str, Any]:  # noqa: ANN401
        """PutObject."""

    def put_object_tagging(self, **params: Any) -> dict[str, Any]:  # noqa: ANN401
        """PutObjectTagging."""


class ProcessClient:
    """A client that forks of the process do not share.

    A fork inherits its parent's connections, so the answer to one process may reach the other.
    Therefore a fork makes a new client. A client that was passed in (`given`) cannot be made again,
    so a fork that uses it gets an error.
    """

    def __init__(
        self, given: S3Client | StoreClient | None, make: Callable[[], StoreClient]
    ) -> None:
        self.given = given is not None
        self._make = make
        self._client = make() if given is None else _checked(given)
        self._pid = os.getpid()

    def of_this_process(self) -> StoreClient:
        """Return the client of this process."""
        if os.getpid() != self._pid:
            self._replace_after_fork()
        return self._client

    def _replace_after_fork(self) -> None:
        if self.given:
            raise InvalidArgument(
                f"the S3 client was passed in by process {self._pid}, and process {os.getpid()} is"
                f" a fork of it: they would share connections, and read each other's answers. Make"
                f" a client in this process and pass it to a new Election, or pass none"
            )
        # Never garbage-collected: a lock of its pool may have been held during the fork.
        self._parents_client = self._client
        self._client = self._make()
        self._pid = os.getpid()  # last: another thread may run this method as well


# The clients of this process that a store still uses, by what they were made from. Two elections
# of a process share a client. It is a pool of connections, and has no part in any election.
_shared: WeakValueDictionary[tuple[object, ...], StoreClient] = WeakValueDictionary()


def default_client(timeout: timedelta, region: str | None) -> StoreClient:
    """Return a client that gives up early and never sends a request twice.

    Without `region`, the environment decides (`choose_region`). Stores that ask for the same in
    the same environment share a client.
    """
    if timeout.total_seconds() <= 0:
        raise InvalidArgument(f"expected a positive timeout, got {timeout}")
    settings = frozenset(item for item in os.environ.items() if _decides(item[0]))
    made_from = (os.getpid(), timeout, region, settings)
    client = _shared.get(made_from)
    if client is None:
        client = _make_client(timeout.total_seconds(), choose_region(region))
        _shared[made_from] = client
    return client


def _decides(variable: str) -> bool:
    """Return whether a client depends on a variable: of botocore, of files, or of proxies."""
    known = variable.startswith(("AWS_", "BOTO")) or variable in {"HOME", "REQUESTS_CA_BUNDLE"}
    return known or variable.lower().endswith("_proxy")


def _make_client(seconds: float, region: RegionChoice) -> StoreClient:
    try:
        settings = find_settings(region.name)
        if settings is not None:
            return HttpS3Client(settings, seconds)
        from .boto3_client import make_boto3_client  # noqa: PLC0415 - boto3 takes 90 ms to import

        return cast("StoreClient", make_boto3_client(seconds, region.name))
    except Exception as error:  # botocore cannot use a profile, a file or a variable
        check = "Check AWS_PROFILE, AWS_DEFAULT_REGION, AWS_ENDPOINT_URL and AWS_ENDPOINT_URL_S3"
        if isinstance(error, InvalidRegionError):
            check = f"A Region is named like eu-west-1, but {region.decided_by}: correct that"
        raise InvalidArgument(
            f"no S3 client can be made from this environment:"
            f" {describe_error(error).rstrip('.')}. {check}"
        ) from error


def describe_unreachable(error: EndpointConnectionError, region: RegionChoice) -> str:
    """Return which host cannot be reached, and which setting chose the Region in its name."""
    url = without_credentials(str(error.kwargs.get("endpoint_url", "")))
    host = urlsplit(url).netloc or url
    if not _is_unresolved(error):
        if urlsplit(url).hostname and not f".{urlsplit(url).hostname}".endswith(_AWS_HOSTS):
            return f"cannot connect to {host}, which AWS_ENDPOINT_URL or the profile names"
        return f"cannot connect to {host}; {region.decided_by}"
    return (
        f"the host name {host} does not resolve; {region.decided_by}; check the Region,"
        f" AWS_ENDPOINT_URL and AWS_ENDPOINT_URL_S3, and the network"
    )


def _is_unresolved(error: BaseException | None) -> bool:
    """Return whether the cause of `error` is a host name that does not resolve."""
    while error is not None:
        if isinstance(error, socket.gaierror):
            return True
        error = error.__cause__ or error.__context__
    return False


def is_amazon(client: S3Client | StoreClient) -> bool:
    """Return whether the client's endpoint is Amazon S3, and not a compatible server."""
    host = urlsplit(client.meta.endpoint_url).hostname or ""
    return host.endswith(_AWS_HOSTS)


def bucket_address(client: S3Client | StoreClient, bucket: str) -> str:
    """Return the bucket's address, which no other bucket has.

    Buckets of one name may exist on servers that are compatible, and in each partition of AWS.
    Events and metrics have it, so it has no credentials and no query.
    """
    url = without_credentials(client.meta.endpoint_url).partition("?")[0]
    region = client.meta.region_name or ""
    host = urlsplit(url).hostname or ""
    if host.endswith(".amazonaws.com") and not region.startswith("us-gov-"):
        return f"s3://{bucket}"
    return f"{url.rstrip('/')}/{bucket}"


def _checked(client: S3Client | StoreClient) -> StoreClient:
    if not isinstance(client, HttpS3Client):
        from .boto3_client import check_boto3_client  # noqa: PLC0415 - boto3 takes 90 ms to import

        check_boto3_client(cast("S3Client", client))
    return cast("StoreClient", client)
