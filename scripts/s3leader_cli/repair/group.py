"""`s3leader repair`: what an operator does to a ledger when things went wrong."""

from __future__ import annotations

from typing import Any

import click

from .forget import forget
from .highest import highest
from .move import move
from .policy import policy
from .restart_numbers import restart_numbers


class _Repairs(click.Group):
    """The configuration file's values for `repair` are those of each of its commands."""

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - click's signature
        """Invoke the command that was named."""
        ctx.default_map = {name: ctx.default_map or {} for name in self.commands}
        return super().invoke(ctx)


@click.group(cls=_Repairs, short_help="Move a ledger, or restore one whose locks were deleted.")
def repair() -> None:
    """Move a ledger to another bucket, or restore one whose locks were deleted.

    Each command shows what it would do and asks. Run it again after an interruption: it goes on.
    """


for _command in (move, policy, highest, restart_numbers, forget):
    repair.add_command(_command)
