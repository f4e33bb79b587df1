"""What is done in Lambda's init phase, which has a whole core, rather than in an invocation.

Elsewhere nothing is done. So importing a decorated handler, as a unit test does, imports neither
boto3 nor Powertools.
"""

from __future__ import annotations

import importlib
import os
from contextlib import suppress
from datetime import timedelta
from typing import Final

from s3leader.errors import S3LeaderError

from .settings import Arguments, Settings

_USUAL: Final = timedelta(minutes=1)  # a lease for which `try_timeout` is what it is for long ones
# What each invocation uses, elected or not; the last one only when the first host name is resolved.
_USED: Final = (
    *("s3leader._lambda.report", "s3leader._io.notifier", "s3leader._io.lock_store"),
    "encodings.idna",
)


def prepared_client(arguments: Arguments) -> object:
    """Return the client that the first store will share, None outside of Lambda.

    With settings that cannot be used nothing is made: the first invocation reports such a setting.
    """
    if "AWS_LAMBDA_FUNCTION_NAME" not in os.environ:
        return None
    for module in _USED:
        importlib.import_module(module)
    from s3leader._io.lock_store import try_timeout  # noqa: PLC0415 - only in Lambda, as above
    from s3leader._io.s3_client import default_client  # noqa: PLC0415 - the same

    with suppress(S3LeaderError):
        settings = Settings.merge(arguments, os.environ)
        if settings.catch_up is not None:  # each invocation looks for missed ticks
            importlib.import_module("s3leader._cron")
        return default_client(try_timeout(settings.lease or _USUAL), settings.bucket_options.region)
    return None
