"""Checks at synth that a handler exists and that `@singleton` decorates it.

Without the decorator every invocation would do the work, without an election or an error. The check
parses the source if it is on this machine, and never executes it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal, TypeAlias, get_args

from aws_cdk import Annotations, Stage
from aws_cdk import aws_ecr_assets as ecr_assets
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3_assets as s3_assets
from constructs import Construct

from s3leader_cdk._cdk_facts import resource_of
from s3leader_cdk._handler.decoration import Kind, NameResolver, Value
from s3leader_cdk._handler.modules import Folder, Inline, Sources
from s3leader_cdk._packaging.asset import RUNTIME_PACKAGE, checked_job

HandlerCheck: TypeAlias = Literal["error", "warn", "off"]

# The handler that Lambda calls, and the variable with the name of the job's own handler.
ENTRY, ENTRY_VARIABLE = f"{RUNTIME_PACKAGE}.lambda_entry.handler", "S3LEADER_HANDLER"
_NO_SOURCE = Value(Kind.UNKNOWN, "the source is not on this machine")


def checked_mode(handler_check: HandlerCheck) -> HandlerCheck:
    """Return `handler_check`, or raise `ValueError` if it is unknown."""
    if handler_check not in get_args(HandlerCheck):
        raise ValueError(f"handler_check: expected 'error', 'warn' or 'off', got {handler_check!r}")
    return handler_check


def uses_entry(handler: str, mode: HandlerCheck) -> bool:
    """Return whether Lambda has to call `ENTRY`: it checks the handler, or imports it by a path."""
    return mode != "off" or _is_path(handler)


def check_folder(
    scope: Construct, folder: Path, handler: str, mode: HandlerCheck, *, python: str
) -> str | None:
    """Raise `ValueError` if a handler is missing in a job's folder or is not decorated there.

    Return the function in the folder that the handler names by its import path, dotted, or None.
    `mode` applies if the source does not show whether the handler is decorated; with `off`, only
    the handler's module has to exist. `python` is the function's runtime, for messages.
    """
    job = checked_job(folder)
    sources = Folder(job.parent, within=job)
    found = None if mode == "off" else _lookup(sources, handler)
    if sources.read(_module(handler)) is None or (found is not None and found.kind is Kind.MISSING):
        raise ValueError(
            f"handler {handler!r} is not in code folder {str(folder)!r}, which is shipped as"
            f" package {job.name!r}: name the decorated function in it, such as"
            f" '{job.name}.main.handler' for handler() in {job.name}/main.py"
        )
    if found is None:
        return None
    _report(scope, handler, found, python, mode)
    return None if found.doubt else found.path.replace(":", ".") or None


def check_function(
    scope: Construct, function: lambda_.Function, handler: str | None, mode: HandlerCheck
) -> None:
    """Raise `ValueError` if the handler of `function` is not decorated.

    `handler` is the job's own handler if Lambda calls `ENTRY`. `mode` is as for `check_folder`.
    """
    resource = resource_of(function)
    if mode == "off" or not isinstance(resource, lambda_.CfnFunction):
        return
    named = (resource.handler if handler is None else handler) or function.node.path
    if handler is None and _is_path(named):
        raise ValueError(
            f"handler {named!r} of {function.node.path} is an import path, which Lambda cannot"
            f" load: give the path to a JobFunction, or write handler = singleton({named!r}) in a"
            f" module of the code, and name that handler"
        )
    sources = _sources(function, resource)
    found = _NO_SOURCE if sources is None else _lookup(sources, named)
    _report(scope, named, found, function.runtime.name, mode)


def check_image(scope: Construct, function: lambda_.Function, mode: HandlerCheck) -> None:
    """Report a container image that does not call `ENTRY`, which checks the handler as it starts.

    The handler's source is not read. `mode` is as for `check_folder`.
    """
    resource = resource_of(function)
    if (
        mode == "off"
        or not isinstance(resource, lambda_.CfnFunction)
        or _calls_entry(function, resource)
    ):
        return
    problem = (
        f"function {function.node.path} is a container image, and neither its cmd nor its"
        f" Dockerfile shows that it calls {ENTRY}, which refuses to start a handler without"
        f' @singleton: write CMD ["{ENTRY}"] and ENV {ENTRY_VARIABLE}=<your handler> into the'
        " Dockerfile, or check the handler yourself and pass handler_check='off'"
    )
    if mode == "error":
        raise ValueError(f"{scope.node.path}: {problem}")
    Annotations.of(scope).add_warning_v2("s3leader:image-not-checked", problem)


def _calls_entry(function: lambda_.Function, resource: lambda_.CfnFunction) -> bool:
    config = resource.image_config
    command = getattr(config, "command", None)
    if command is not None:
        return ENTRY in command
    stage, asset = Stage.of(function), function.node.try_find_child("AssetImage")
    if not isinstance(asset, ecr_assets.DockerImageAsset) or stage is None:
        return False
    folder = Path(stage.asset_outdir) / f"asset.{asset.asset_hash}"
    files = [each for each in folder.glob("*Dockerfile*") if each.is_file()]
    return any(ENTRY in each.read_text(errors="replace") for each in files)


def _lookup(sources: Sources, handler: str) -> Value:
    resolver = NameResolver(sources)
    if _is_path(handler):
        return resolver.named(handler)
    return resolver.lookup(_module(handler), handler.rpartition(".")[2])


def _is_path(handler: str) -> bool:
    return ":" in handler


def _module(handler: str) -> str:
    if _is_path(handler):
        return handler.partition(":")[0]
    return handler.rpartition(".")[0].replace("/", ".")  # as Lambda does


def _report(scope: Construct, handler: str, found: Value, python: str, mode: HandlerCheck) -> None:
    if found.path == handler and found.rejection:
        raise ValueError(
            f"handler {handler!r} of {scope.node.path} cannot be used: {found.rejection}"
        )
    if found.path and found.rejection:
        raise ValueError(
            f"handler {handler!r} of {scope.node.path} names its job by {found.path!r}, which the"
            f" elected invocation could not use: {found.rejection} ({found.where})"
        )
    if found.decorated and found.rejection:
        raise ValueError(
            f"@singleton would reject handler {handler!r} of {scope.node.path} when Lambda imports"
            f" it: the function ({found.where}) {found.rejection}"
        )
    if found.decorated and not found.doubt:
        return
    if found.decorated is False:
        raise ValueError(
            f"handler {handler!r} of {scope.node.path} is not decorated with @singleton"
            f" ({found.where}), so each of its invocations would do the work. Decorate it with"
            " `singleton` from s3leader.aws_lambda and add a third parameter, the term; if it only"
            " passes its event to a decorated function, name that function as the handler"
        )
    problem = (
        f"the source does not show whether handler {handler!r} is decorated with @singleton"
        f" ({found.where}; the function runs {python}). Without it every invocation does the work:"
        " decorate it with `singleton`, imported by name from s3leader.aws_lambda, or check it"
        " yourself and pass handler_check='off'"
    )
    if found.doubt:
        problem = (
            f"the source does not show whether handler {handler!r} can import its job"
            f" {found.path!r} ({found.doubt}; the function runs {python}): correct that path, or"
            " check it yourself and pass handler_check='off'"
        )
    if mode == "error":
        raise ValueError(f"{scope.node.path}: {problem}")
    Annotations.of(scope).add_warning_v2("s3leader:handler-not-checked", problem)


def _sources(function: lambda_.Function, resource: lambda_.CfnFunction) -> Sources | None:
    """Return the source of a function's code, or None if it is not on this machine."""
    asset = function.node.try_find_child("Code")
    if isinstance(asset, s3_assets.Asset):
        stage = Stage.of(function)
        # In a nested stage the path is relative to that stage's folder.
        folder = Path(stage.outdir if stage is not None else ".") / asset.asset_path
        return Folder(folder) if folder.is_dir() else None
    text = getattr(resource.code, "zip_file", None)
    return Inline(text) if isinstance(text, str) else None
