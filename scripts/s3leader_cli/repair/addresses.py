"""Places in S3 on the command line: s3://bucket/key."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeAlias

import click

_ADDRESS = re.compile(r"s3://([A-Za-z0-9._-]{1,255})/(.+)", re.DOTALL)

if TYPE_CHECKING:
    _AddressType: TypeAlias = click.ParamType[tuple[str, str]]
else:
    _AddressType = click.ParamType  # generic only in newer versions


class Address(_AddressType):
    """An object's bucket and key, or a bucket and a prefix."""

    name = "address"

    def convert(
        self,
        value: Any,  # noqa: ANN401 - click's signature
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> tuple[str, str]:
        """Return the bucket and the key."""
        if isinstance(value, tuple):
            return value
        found = _ADDRESS.fullmatch(str(value))
        if found is None:
            self.fail(f"expected s3://bucket/key, got {value!r}", param, ctx)
        return found[1], found[2]


ADDRESS = Address()
