"""The CDK app: reads its context and composes the stacks. Needs no credentials.

Context (`-c name=value`):
    schedule     when to compact, for example "rate(1 minute)" or "cron(0 3 * * ? *)"; default:
                 every 5 minutes
    contenders   how many invocations each tick starts, in each Region; default: 3
    history      for how many days superseded locks are kept; default: 30
    throwaway    "true": nothing is protected or kept when the stack is deleted; default: "false"
    lock_bucket  the name of an existing lock bucket; default: a new one
    data_bucket  the name of an existing data bucket; default: a new one
    lock_bucket_key, data_bucket_key
                 the ARN of the KMS key that encrypts such a bucket, if there is one
    regions      where contenders run, such as "us-east-1,eu-west-1": the first is the home of the
                 buckets, also of existing ones. Default: one stack, in the Region that the CLI
                 deploys to
"""

from __future__ import annotations

import difflib
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

import aws_cdk as cdk

_HERE = Path(__file__).resolve().parent
# The constructs of this checkout, from any working directory and even if others are installed.
sys.path.insert(0, str(_HERE / "stacks"))

from compaction_parts import CompactionOptions, ExistingBuckets  # noqa: E402 - see above
from compaction_regions import compose_regions  # noqa: E402 - see above
from compaction_stack import CompactionStack  # noqa: E402 - see above

STACK_NAME = "S3LeaderCompaction"
_EXISTING = ("lock_bucket", "lock_bucket_key", "data_bucket", "data_bucket_key")
CONTEXT = ("schedule", "contenders", "history", "throwaway", "regions", *_EXISTING)


def create_app() -> cdk.App:
    """Return an app that synthesizes the same with and without the CDK CLI.

    The CLI passes cdk.json's feature flags and its output folder, which take precedence. Without
    it, both are read from cdk.json.
    """
    settings = json.loads((_HERE / "cdk.json").read_text())
    outdir = os.environ.get("CDK_OUTDIR", str(_HERE / settings["output"]))
    return cdk.App(context=settings["context"], outdir=outdir)


def compose(app: cdk.App) -> list[cdk.Stack]:
    """Add the stacks that the app's context asks for, the one with the buckets first."""
    _check_names(app.node.get_all_context())
    given = {name: app.node.try_get_context(name) for name in CONTEXT}
    history = given["history"]
    options = CompactionOptions(
        schedule=str(given["schedule"] or CompactionOptions.schedule),
        contenders=_number("contenders", given["contenders"], CompactionOptions.contenders),
        throwaway=_switch("throwaway", given["throwaway"]),
        history=None if history is None else cdk.Duration.days(_number("history", history, 30)),
        existing=ExistingBuckets(**{name: given[name] for name in _EXISTING}),
    )
    if given["regions"] is None:
        return [CompactionStack(app, STACK_NAME, options=options)]
    regions = _regions(str(given["regions"]))
    return compose_regions(app, STACK_NAME, regions=regions, options=options)


def _check_names(context: Mapping[str, object]) -> None:
    """Exit on a name that resembles a valid one; the CLI accepts any name."""
    for name in context:
        close = difflib.get_close_matches(name.lower().replace("-", "_"), CONTEXT, cutoff=0.75)
        if close and name not in CONTEXT:
            raise SystemExit(f"unknown context {name!r}: did you mean -c {close[0]}=…?")


def _regions(text: str) -> list[str]:
    regions = [each.strip() for each in text.split(",")]
    if len(regions) < 2:
        raise SystemExit(
            f"context regions={text!r} names one Region: name two or more, or leave regions out and"
            " set AWS_DEFAULT_REGION for a single stack"
        )
    return regions


def _number(name: str, value: object, default: int) -> int:
    try:
        return default if value is None else int(str(value))
    except ValueError:
        raise SystemExit(
            f"context {name}={value!r} is not a number: use for example -c {name}={default}"
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
            f"app.py takes no arguments, but was given {' '.join(sys.argv[1:])}: give context to"
            " the CDK CLI, as in npx cdk synth -c contenders=2"
        )
    the_app = create_app()
    try:
        compose(the_app)
    except ValueError as error:  # from the constructs: it names the value and what to do
        raise SystemExit(str(error)) from None
    the_app.synth()
