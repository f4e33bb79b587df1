"""Detect at synth a handler that is missing, or not one that `@singleton` decorates.

Without the decorator every invocation does the work: there is no election, and no error. The source
is parsed if it is on this machine, and never executed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal, TypeAlias, get_args

from aws_cdk import Annotations, Stage
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3_assets as s3_assets
from constructs import Construct

from s3leader_cdk._handler.decoration import Kind, Reader, Value
from s3leader_cdk._handler.modules import Folder, Inline, Source, Sources, names_in
from s3leader_cdk._packaging.asset import RUNTIME_PACKAGE, checked_job

HandlerCheck: TypeAlias = Literal["error", "warn", "off"]

# The handler that Lambda calls, and the variable that names the job's own handler to it.
ENTRY, ENTRY_VARIABLE = f"{RUNTIME_PACKAGE}.lambda_entry.handler", "S3LEADER_HANDLER"
_NO_SOURCE = Value(Kind.UNKNOWN, "the source is not on this machine")


def checked_mode(handler_check: HandlerCheck) -> HandlerCheck:
    """Return the mode, or raise `ValueError`."""
    if handler_check not in get_args(HandlerCheck):
        raise ValueError(f"handler_check {handler_check!r} is unknown: give 'error', 'warn', 'off'")
    return handler_check


def check_handler(folder: Path, handler: str, mode: HandlerCheck = "error") -> None:
    """Raise `ValueError` unless `handler` names a module in `folder`, and a name in that module.

    With `mode` `off` nothing is parsed: only the module is checked. Neither are the names in a
    module that this interpreter cannot parse.
    """
    job = checked_job(folder)
    module, _, name = handler.rpartition(".")
    source = Folder(job.parent, within=job).read(_dotted(module))
    if source is None or (mode != "off" and not _may_define(source, name)):
        raise ValueError(
            f"handler {handler!r} is not in code folder {str(folder)!r}, which is shipped as the"
            f" package {job.name!r}: name the decorated function in it, such as"
            f" '{job.name}.main.handler' for handler() in {job.name}/main.py"
        )


def check_folder(
    scope: Construct, folder: Path, handler: str, mode: HandlerCheck, *, python: str
) -> None:
    """Raise `ValueError` for a handler that is missing in a job's folder, or not decorated there.

    `mode` says what to do if the source does not show whether it is decorated; `python` is the
    function's runtime, for messages.
    """
    check_handler(folder, handler, mode)
    if mode == "off":
        return
    job = checked_job(folder)
    found = _lookup(Folder(job.parent, within=job), handler)
    _report(scope, handler, found, python, mode)


def check_function(
    scope: Construct, function: lambda_.Function, handler: str | None, mode: HandlerCheck
) -> None:
    """Raise `ValueError` for a function whose handler is not decorated.

    `handler` is the job's own, if Lambda calls `ENTRY`. `mode` is that of `check_folder`.
    """
    resource = function.node.default_child
    if mode == "off" or not isinstance(resource, lambda_.CfnFunction):
        return
    named = (resource.handler if handler is None else handler) or function.node.path
    sources = _sources(function, resource)
    found = _NO_SOURCE if sources is None else _lookup(sources, named)
    _report(scope, named, found, function.runtime.name, mode)


def _lookup(sources: Sources, handler: str) -> Value:
    module, _, name = handler.rpartition(".")
    return Reader(sources).lookup(_dotted(module), name)


def _may_define(source: Source, name: str) -> bool:
    try:
        return bool({name, "*", "__getattr__"} & names_in(source.parsed()))
    except ValueError:  # the function may run a newer Python than this interpreter
        return True


def _dotted(module: str) -> str:
    return module.replace("/", ".")  # as Lambda does


def _report(scope: Construct, handler: str, found: Value, python: str, mode: HandlerCheck) -> None:
    if mode == "off":
        return
    if found.decorated and found.refusal:
        raise ValueError(
            f"handler {handler!r} of {scope.node.path} cannot be decorated with @singleton, which"
            f" would refuse it in Lambda before any invocation starts: the function"
            f" ({found.where}) {found.refusal}"
        )
    if found.decorated:
        return
    if found.decorated is False:
        raise ValueError(
            f"handler {handler!r} of {scope.node.path} is not decorated with @singleton"
            f" ({found.where}), so nothing elects a leader among its invocations. Decorate it with"
            " `singleton` from s3leader.aws_lambda, and give it a third parameter, its term; if it"
            " only passes its event on to a decorated function, name that one as the handler"
        )
    problem = (
        f"the source does not show whether handler {handler!r} is decorated with @singleton"
        f" ({found.where}; the function runs {python}); without it every invocation works."
        " Decorate it with `singleton` from s3leader.aws_lambda by name, or check it yourself and"
        " pass handler_check='off'"
    )
    if mode == "error":
        raise ValueError(f"{scope.node.path}: {problem}")
    Annotations.of(scope).add_warning_v2("s3leader:handler-not-checked", problem)


def _sources(function: lambda_.Function, resource: lambda_.CfnFunction) -> Sources | None:
    """Return the source of a function's code, or None if it is not on this machine."""
    asset = function.node.try_find_child("Code")
    if isinstance(asset, s3_assets.Asset):
        stage = Stage.of(function)
        # In a nested stage it is relative to that stage's folder, not to the one of all assets.
        folder = Path(stage.outdir if stage is not None else ".") / asset.asset_path
        return Folder(folder) if folder.is_dir() else None
    text = getattr(resource.code, "zip_file", None)
    return Inline(text) if isinstance(text, str) else None
