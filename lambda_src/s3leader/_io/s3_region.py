"""Choose the Region of a client, and remember which setting decided it. No I/O."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

_VARIABLES: Final = ("AWS_DEFAULT_REGION", "AWS_REGION")  # in the order in which they are read


@dataclass(frozen=True, slots=True)
class RegionChoice:
    """`name` is the Region; None if botocore takes it from a profile or uses a default.

    `decided_by` names the setting that decided, and `_change` how to change it, for error messages.
    """

    name: str | None
    decided_by: str
    _change: str

    def change(self, region: str | None) -> str:
        """Return how to change the setting to `region`; None if the right Region is not known."""
        return self._change.format(region=region or "<its Region>")


def choose_region(
    given: str | None, environment: Mapping[str, str] = os.environ, *, client_given: bool = False
) -> RegionChoice:
    """Return the Region of a client that is made with `region=given` in this environment.

    Without `given`, AWS_DEFAULT_REGION decides, as for all boto3 clients of the process; then
    AWS_REGION, which other AWS SDKs read and boto3 ignores; then the profile.
    """
    if client_given:
        return RegionChoice(
            None,
            "the client that was passed in decides the Region",
            "pass one made with region_name='{region}'",
        )
    if given:
        decided_by = f"the Region was given as region={given!r}"
        if environment.get("S3LEADER_REGION") == given:
            return RegionChoice(
                given, f"{decided_by} (S3LEADER_REGION sets it)", "set S3LEADER_REGION={region}"
            )
        return RegionChoice(given, decided_by, "pass BucketOptions(region='{region}')")
    alternative = ", or pass BucketOptions(region='{region}') (S3LEADER_REGION sets it)"
    for variable in _VARIABLES:
        if name := environment.get(variable):
            return RegionChoice(
                name,
                f"{variable} sets the Region {name!r}",
                f"set {variable}={{region}}{alternative}",
            )
    return RegionChoice(
        None, "the profile decides the Region", f"set AWS_DEFAULT_REGION={{region}}{alternative}"
    )
