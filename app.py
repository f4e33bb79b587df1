"""The CDK app: reads its context and composes the stacks. Needs no credentials.

Context (`-c name=value`):
    schedule     when to compact, for example "rate(1 minute)" or "cron(0 3 * * ? *)"; default:
                 every 5 minutes
    contenders   how many invocations each tick starts, in each Region; default: 3
    history      for how many days superseded locks are kept; default: 30
    throwaway    "true": nothing is protected or kept when the stack goes; default: "false"
    lock_bucket  the name of a lock bucket that is there already; default: one is made
    data_bucket  the name of a data bucket that is there already; default: one is made
    lock_bucket_key, data_bucket_key
                 the ARN of the key that encrypts such a bucket, if it has one of its own in KMS
    regions      where contenders run, such as "us-east-1,eu-west-1": the first is the home of the
                 buckets, of those above too. Default: one stack, in the Region that the CLI deploys
                 to
"""

from __future__ import annotations

import difflib
import json
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path

import aws_cdk as cdk

_HERE = Path(__file__).resolve().parent
# The constructs of this checkout, wherever this is started from and whatever is installed.
sys.path.insert(0, str(_HERE / "stacks"))

from compaction_parts import Adopted  # noqa: E402 - found by the line above
from compaction_regions import compose_regions  # noqa: E402 - the same
from compaction_stack import CompactionStack  # noqa: E402 - the same

STACK_NAME = "S3LeaderCompaction"
CONTEXT = (
    "schedule",
    "contenders",
    "history",
    "throwaway",
    "lock_bucket",
    "lock_bucket_key",
    "data_bucket",
    "data_bucket_key",
    "regions",
)
_ADOPTED = ("lock_bucket", "lock_bucket_key", "data_bucket", "data_bucket_key")
_REGION = re.compile(r"[a-z]{2,}(-[a-z]+)+-\d+")


def create_app() -> cdk.App:
    """Return an app that synthesizes the same with and without the CDK CLI.

    The CLI hands over cdk.json's feature flags and its output folder; alone, both are taken from
    here. What the CLI says goes.
    """
    settings = json.loads((_HERE / "cdk.json").read_text())
    outdir = os.environ.get("CDK_OUTDIR", str(_HERE / settings["output"]))
    return cdk.App(context=settings["context"], outdir=outdir)


def compose(app: cdk.App) -> list[cdk.Stack]:
    """Add the stacks that the app's context asks for, the one with the buckets first."""
    _check_names(app.node.get_all_context())
    asked = {name: app.node.try_get_context(name) for name in CONTEXT}
    schedule = str(asked["schedule"] or "rate(5 minutes)")
    contenders = _number("contenders", asked["contenders"], default=3)
    throwaway = _switch("throwaway", asked["throwaway"])
    days = _number("history", asked["history"], default=0)
    history = None if asked["history"] is None else cdk.Duration.days(days)
    adopted = Adopted(**{name: asked[name] for name in _ADOPTED})
    if asked["regions"] is None:
        stack = CompactionStack(
            app,
            STACK_NAME,
            schedule=schedule,
            contenders=contenders,
            throwaway=throwaway,
            history=history,
            adopted=adopted,
        )
        return [stack]
    home, stacks = compose_regions(
        app,
        STACK_NAME,
        regions=_regions(str(asked["regions"])),
        schedule=schedule,
        contenders=contenders,
        throwaway=throwaway,
        history=history,
        adopted=adopted,
    )
    return [*home, *stacks]


def _check_names(context: Mapping[str, object]) -> None:
    """Stop at a name that is all but one of ours; the CLI takes any, and others' are not ours."""
    for name in context:
        close = difflib.get_close_matches(name.lower().replace("-", "_"), CONTEXT, cutoff=0.75)
        if close and name not in CONTEXT:
            raise SystemExit(f"context {name!r} is not known here: did you mean -c {close[0]}=…?")


def _regions(text: str) -> list[str]:
    regions = [each.strip() for each in text.split(",")]
    for region in regions:
        if _REGION.fullmatch(region) is None:
            raise SystemExit(
                f"context regions={text!r} names {region!r}, which is no Region: use for example"
                " -c regions=us-east-1,eu-west-1"
            )
    if len(regions) < 2:
        raise SystemExit(
            f"context regions={text!r} names one Region: name two or more, or leave regions out and"
            " set AWS_DEFAULT_REGION for a single stack"
        )
    return regions


def _number(name: str, value: object, *, default: int) -> int:
    if value is None:
        return default
    try:
        return int(str(value))
    except ValueError:
        example = default or 30
        raise SystemExit(
            f"context {name}={value!r} is no number: use for example -c {name}={example}"
        ) from None


def _switch(name: str, value: object) -> bool:
    if value is None or str(value).lower() == "false":
        return False
    if str(value).lower() == "true":
        return True
    raise SystemExit(f"context {name}={value!r} is neither true nor false: use -c {name}=true")


if __name__ == "__main__":
    if sys.argv[1:]:
        raise SystemExit(
            f"app.py takes no arguments, but was given {' '.join(sys.argv[1:])}: context is handed"
            " over by the CDK CLI, as in npx cdk synth -c contenders=2"
        )
    the_app = create_app()
    try:
        compose(the_app)
    except ValueError as refused:  # the constructs' own: it names the value and the remedy
        raise SystemExit(str(refused)) from None
    the_app.synth()
