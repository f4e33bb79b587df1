"""A tick on the command line."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeAlias

import click

if TYPE_CHECKING:
    _TickType: TypeAlias = click.ParamType[datetime]
else:
    _TickType = click.ParamType  # generic only in newer versions


class Tick(_TickType):
    """A time in ISO 8601 with a zone; a tick is in UTC."""

    name = "tick"

    def convert(
        self,
        value: Any,  # noqa: ANN401 - click's signature
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> datetime:
        """Return the time in UTC."""
        try:
            time = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
        except ValueError:
            time = None
        if time is None or time.utcoffset() is None:
            self.fail(
                f"expected a time with a zone, such as 2026-11-23T06:00:00Z, got {value!r}",
                param,
                ctx,
            )
        try:
            return time.astimezone(UTC)
        except OverflowError:
            self.fail(f"expected a time from year 2 to 9998, got {value!r}", param, ctx)


TICK = Tick()


class DoneTick(Tick):
    """A tick, or `none`, which is returned as it is."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:  # noqa: ANN401 - click's signature
        """Return the time in UTC, or `none`."""
        return value if value == "none" else super().convert(value, param, ctx)


DONE_TICK = DoneTick()
