"""Places in S3 on the command line: s3://bucket/key."""

from __future__ import annotations

import re

from s3leader_cli.text_type import TextType

_ADDRESS = re.compile(r"s3://([A-Za-z0-9._-]{1,255})/(.+)", re.DOTALL)


class Address(TextType):
    """An object's bucket and key, or a bucket and a prefix."""

    name = "address"

    def parse(self, text: str) -> tuple[str, str]:
        """Return the bucket and the key."""
        found = _ADDRESS.fullmatch(text)
        if found is None:
            raise ValueError(f"expected s3://bucket/key, got {text!r}")
        return found[1], found[2]


ADDRESS = Address()
