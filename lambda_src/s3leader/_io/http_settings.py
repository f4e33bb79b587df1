"""How to reach S3 from this process: its endpoint, credentials, proxies and certificates.

botocore finds all of it. To make and read a botocore session takes 20 ms of CPU, a fifth of a cold
process's first win. So it is made only where it could find more than an environment like Lambda's
shows at once: keys in variables, no configuration files, and no setting that is not listed in
`_PLAIN`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from botocore.configprovider import ConfiguredEndpointProvider
from botocore.utils import get_environ_proxies

if TYPE_CHECKING:
    import botocore.session
    from botocore.credentials import ReadOnlyCredentials

_KEYS: Final = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
# Variables that are read here, or that do not change how S3 is reached.
_PLAIN: Final = frozenset(
    {
        *_KEYS,
        "AWS_SESSION_TOKEN",
        "AWS_REGION",
        "AWS_DEFAULT_REGION",
        "AWS_CA_BUNDLE",
        "AWS_EC2_METADATA_DISABLED",
        "AWS_EXECUTION_ENV",
    }
)
_PLAIN_PREFIXES: Final = ("AWS_ENDPOINT_URL", "AWS_LAMBDA_", "AWS_XRAY_")
# Where botocore looks for configuration, and for data that replace its own, without a variable.
_FILES: Final = ("~/.aws/config", "~/.aws/credentials", "~/.aws/models")
# Keys of a profile's `s3` section that S3's ruleset takes, or that change nothing here: each
# payload is signed, and the others are about transfers.
_S3_SECTION: Final = frozenset(
    {
        "addressing_style",
        "max_bandwidth",
        "max_concurrent_requests",
        "max_queue_size",
        "multipart_chunksize",
        "multipart_threshold",
        "payload_signing_enabled",
        "preferred_transfer_client",
        "s3_disable_multiregion_access_points",
        "target_bandwidth",
        "us_east_1_regional_endpoint",
        "use_accelerate_endpoint",
        "use_arn_region",
        "use_dualstack_endpoint",
    }
)


class Credentials(Protocol):
    """botocore's credentials, as far as they are used: they refresh themselves."""

    def get_frozen_credentials(self) -> Keys | ReadOnlyCredentials:
        """Return the keys to sign a request with."""


class Keys(NamedTuple):
    """The keys in the environment, which do not change, in the form that botocore's signer takes.

    botocore's `EnvProvider`, the first of its chain, would return the same; to import it takes 5 ms
    of CPU.
    """

    access_key: str
    secret_key: str
    token: str | None

    def get_frozen_credentials(self) -> Keys:
        """Return them."""
        return self


class HttpSettings(NamedTuple):
    """`credentials` is None if there are none.

    `endpoint_url` is None where S3's ruleset decides. `s3` is the profile's section of that name.
    """

    region: str | None
    endpoint_url: str | None
    credentials: Credentials | None  # whose repr shows no key
    s3: Mapping[str, Any] = MappingProxyType({})
    fips: bool = False
    dual_stack: bool = False
    ca_bundle: str | None = None
    proxies_config: Mapping[str, Any] | None = None

    @property
    def verify(self) -> str | bool:
        """The file of trusted certificates, True for botocore's own."""
        return self.ca_bundle or os.environ.get("REQUESTS_CA_BUNDLE") or True


def find_settings(region: str | None) -> HttpSettings | None:
    """Return the settings of a client for `region`; None if only boto3 understands them.

    Raises what botocore raises for a profile, a file or a variable that it cannot use.
    """
    if region is not None and "fips" in region:  # the names of Regions that are none
        return None
    return _from_variables(region) if is_plain(os.environ) else _from_configuration(region)


def is_plain(environment: Mapping[str, str]) -> bool:
    """Return whether a botocore session would find nothing but what `_from_variables` reads."""
    aws = (name for name in environment if name.startswith(("AWS_", "BOTO")))
    return (
        all(environment.get(name) for name in _KEYS)
        and all(name in _PLAIN or name.startswith(_PLAIN_PREFIXES) for name in aws)
        and not any(map(_exists, _FILES))
    )


def proxies_for(url: str) -> Mapping[str, str]:
    """Return the proxies of the environment, none if NO_PROXY excludes the host of `url`."""
    found: Mapping[str, str] = get_environ_proxies(url)
    return found


def _exists(file: str) -> bool:
    """Return whether there is such a file; a user without a home has none."""
    return Path(os.path.expanduser(file)).exists()  # noqa: PTH111 - Path's raises without a home


def _from_variables(region: str | None) -> HttpSettings:
    return HttpSettings(
        region=region or os.environ.get("AWS_DEFAULT_REGION") or None,
        endpoint_url=ConfiguredEndpointProvider({}, {}, "s3").provide(),
        credentials=Keys(
            access_key=os.environ["AWS_ACCESS_KEY_ID"],
            secret_key=os.environ["AWS_SECRET_ACCESS_KEY"],
            token=os.environ.get("AWS_SESSION_TOKEN") or None,
        ),
        ca_bundle=os.environ.get("AWS_CA_BUNDLE") or None,
    )


def _from_configuration(region: str | None) -> HttpSettings | None:
    import botocore.session  # noqa: PLC0415 - see above

    botocore_session = botocore.session.Session()
    value = botocore_session.get_config_variable
    profile = botocore_session.get_scoped_config()
    region = region or value("region")
    if _needs_boto3(botocore_session, profile, region):
        return None
    s3 = dict(value("s3") or {})
    if value("defaults_mode") not in {None, "legacy"}:
        s3.setdefault("us_east_1_regional_endpoint", "regional")
    dual_stack = s3.get("use_dualstack_endpoint") or value("use_dualstack_endpoint")
    endpoint = ConfiguredEndpointProvider(botocore_session.full_config, profile, "s3")
    return HttpSettings(
        region=region,
        endpoint_url=None if value("ignore_configured_endpoint_urls") else endpoint.provide(),
        credentials=botocore_session.get_credentials(),
        s3=s3,
        fips=bool(value("use_fips_endpoint")),
        dual_stack=bool(dual_stack),
        ca_bundle=value("ca_bundle"),
        proxies_config=value("proxies_config"),
    )


def _needs_boto3(
    botocore_session: botocore.session.Session, profile: Mapping[str, Any], region: str | None
) -> bool:
    """Return whether a setting asks for what the HTTP client does not do."""
    section = profile.get("s3", {})
    value = botocore_session.get_config_variable
    unknown = not isinstance(section, Mapping) or not section.keys() <= _S3_SECTION
    other_data = value("data_path") or _exists(_FILES[-1])
    other_signers = ("auth_scheme_preference", "sigv4a_signing_region_set")
    return bool(
        unknown
        or other_data
        or any(value(name) for name in other_signers)
        or (region is not None and "fips" in region)
    )
