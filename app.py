"""The CDK app: reads its context and composes the stack. Needs no credentials.

Context (`-c name=value`):
    schedule    when to compact, for example "rate(1 minute)" or "cron(0 3 * * ? *)"; default:
                every 5 minutes
    contenders  how many invocations each tick starts; default: 3
    throwaway   "true": nothing is protected or kept when the stack goes; default: "false"
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import aws_cdk as cdk

_HERE = Path(__file__).resolve().parent
# The constructs of this checkout, wherever this is started from and whatever is installed.
sys.path.insert(0, str(_HERE / "stacks"))

from compaction_stack import CompactionStack  # noqa: E402 - found by the line above

STACK_NAME = "S3LeaderCompaction"


def create_app() -> cdk.App:
    """Return an app that synthesizes the same with and without the CDK CLI.

    The CLI hands over cdk.json's feature flags and its output folder; alone, both are taken from
    here. What the CLI says goes.
    """
    settings = json.loads((_HERE / "cdk.json").read_text())
    outdir = os.environ.get("CDK_OUTDIR", str(_HERE / settings["output"]))
    return cdk.App(context=settings["context"], outdir=outdir)


def compose(app: cdk.App) -> CompactionStack:
    """Add the stack that the app's context asks for."""
    return CompactionStack(
        app,
        STACK_NAME,
        schedule=app.node.try_get_context("schedule") or "rate(5 minutes)",
        contenders=_number("contenders", app.node.try_get_context("contenders"), default=3),
        throwaway=_switch("throwaway", app.node.try_get_context("throwaway")),
    )


def _number(name: str, value: object, *, default: int) -> int:
    if value is None:
        return default
    try:
        return int(str(value))
    except ValueError:
        raise SystemExit(
            f"context {name}={value!r} is no number: use for example -c {name}={default}"
        ) from None


def _switch(name: str, value: object) -> bool:
    if value is None or str(value).lower() == "false":
        return False
    if str(value).lower() == "true":
        return True
    raise SystemExit(f"context {name}={value!r} is neither true nor false: use -c {name}=true")


if __name__ == "__main__":
    the_app = create_app()
    try:
        compose(the_app)
    except ValueError as refused:  # the constructs' own: it names the value and the remedy
        raise SystemExit(str(refused)) from None
    the_app.synth()
