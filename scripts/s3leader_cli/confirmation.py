"""Asking a person before something is changed."""

from __future__ import annotations

import click

from s3leader import InvalidArgument

from .exit_codes import Unchanged
from .options import Ask
from .streams import print_error

yes_option = click.option("--yes", is_flag=True, help="Do not ask.")


def confirm(ask: Ask, plan: str, question: str, *, yes: bool) -> None:
    """Show the plan on standard error and ask; raise `Unchanged` unless the answer is yes."""
    print_error(plan)
    if yes:
        return
    if ask is None:
        print_error("s3leader: standard input is not a terminal, so nobody can confirm: add --yes")
        raise Unchanged
    if ask(f"{question} Type yes: ").strip() != "yes":
        raise Unchanged


def check_reason(reason: str) -> None:
    """Raise `InvalidArgument` for an empty reason, before anything is asked."""
    if not reason.strip():
        raise InvalidArgument("expected a reason, which the history shows, got an empty string")
