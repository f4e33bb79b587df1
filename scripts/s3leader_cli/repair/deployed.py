"""The deployed functions of an election, as the options name them or AWS knows them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import click

from s3leader_cli.options import Command, ElectionPlace


def functions_option(function: Command) -> Command:
    """Add --function."""
    return click.option(
        "--function",
        "functions",
        multiple=True,
        metavar="REGION/NAME",
        help="A function that contends. Repeatable (default: those of the deployed jobs).",
    )(function)


def function_names(place: ElectionPlace, named: Sequence[str]) -> list[tuple[str, str]]:
    """Return the Region and the name of each function."""
    pairs = [each.partition("/") for each in named]
    for (region, _, name), given in zip(pairs, named, strict=True):
        if not region or not name:
            raise click.UsageError(f"expected --function REGION/NAME, got {given!r}")
    return [(region, name) for region, _, name in pairs]


def log_groups(place: ElectionPlace, named: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield the Region and the log group of each function."""
    from s3leader_cli.aws.environments import log_group  # noqa: PLC0415 - boto3 takes time

    for region, name in function_names(place, named):
        yield region, log_group(region, name)
