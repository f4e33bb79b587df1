"""The boto3 client of a store: made for each process, or passed in by the caller.

Only this module and `s3_store` import boto3 or botocore: this one makes the client, that one uses
it.
"""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit
from weakref import WeakValueDictionary

import boto3
from botocore.config import Config
from botocore.exceptions import InvalidRegionError
from botocore.handlers import add_expect_header

from s3leader.errors import InvalidArgument, describe_error

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


class ProcessClient:
    """A client that forks of the process do not share.

    A fork inherits its parent's connections, so the answer to one process may reach the other.
    Therefore a fork makes a new client. A client that was passed in (`given`) cannot be made again,
    so a fork that uses it gets an error.
    """

    def __init__(self, given: S3Client | None, make: Callable[[], S3Client]) -> None:
        self.given = given is not None
        self._make = make
        self._client = make() if given is None else given
        self._pid = os.getpid()
        _check_client(self._client)

    def of_this_process(self) -> S3Client:
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
# of a process share a client: making one takes 70 ms and 12 MB. It is a pool of connections, and
# has no part in any election.
_shared: WeakValueDictionary[tuple[object, ...], S3Client] = WeakValueDictionary()


def default_client(timeout: timedelta, region: str | None) -> S3Client:
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
    """Return whether a client depends on a variable: botocore's own, and those of proxies."""
    return variable.startswith(("AWS_", "BOTO_", "BOTO3_")) or variable.lower().endswith("_proxy")


def _make_client(seconds: float, region: RegionChoice) -> S3Client:
    # boto3 from 1.36 on sends a CRC in a trailer by default, which many S3-compatible servers
    # refuse or store as part of the body. To Amazon S3, `S3Store` sends one in a header.
    checksums = {
        option: "when_required"
        for option in ("request_checksum_calculation", "response_checksum_validation")
        if option in Config.OPTION_DEFAULTS
    }
    config = Config(
        connect_timeout=seconds,
        read_timeout=seconds,
        retries={"total_max_attempts": 1},
        tcp_keepalive=True,
        max_pool_connections=50,  # as many threads may share the client
        **checksums,  # type: ignore[arg-type]  # options that older boto3 does not know
    )
    # Not boto3.client, which shares state between threads and is not thread-safe.
    try:
        client = boto3.session.Session().client("s3", region_name=region.name, config=config)
    except Exception as error:  # botocore cannot use a profile, a file or a variable
        check = "Check AWS_PROFILE, AWS_DEFAULT_REGION, AWS_ENDPOINT_URL and AWS_ENDPOINT_URL_S3"
        if isinstance(error, InvalidRegionError):
            check = f"A Region is named like eu-west-1, but {region.decided_by}: correct that"
        raise InvalidArgument(
            f"no S3 client can be made from this environment:"
            f" {describe_error(error).rstrip('.')}. {check}"
        ) from error
    # botocore sends `Expect: 100-continue` with each PUT and waits for the answer before it sends
    # the body. A lock is far smaller than what that saves, and the wait is a whole round trip.
    client.meta.events.unregister("before-call.s3", add_expect_header)
    return client


def describe_unreachable(error: EndpointConnectionError, region: RegionChoice) -> str:
    """Return which host cannot be reached, and which setting chose the Region in its name."""
    url = str(error.kwargs.get("endpoint_url", ""))
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


def is_amazon(client: S3Client) -> bool:
    """Return whether the client's endpoint is Amazon S3, and not a compatible server."""
    host = urlsplit(client.meta.endpoint_url).hostname or ""
    return host.endswith(_AWS_HOSTS)


def _check_client(client: S3Client) -> None:
    """Raise `InvalidArgument` unless it is an S3 client that supports conditional writes."""
    try:
        put = client.meta.service_model.operation_model("PutObject").input_shape
    except Exception as error:  # an object without `meta`, or the client of another service
        raise InvalidArgument(
            f"expected a boto3 S3 client, got {client!r}; make one with boto3.client('s3')"
        ) from error
    if put is None or not {"IfMatch", "IfNoneMatch"} <= put.members.keys():
        raise InvalidArgument(
            f"boto3 {boto3.__version__} does not support If-Match and If-None-Match on PutObject;"
            f" install boto3 1.35.69 or newer"
        )
