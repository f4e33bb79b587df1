"""A Lambda function that is packaged with the s3leader runtime."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Unpack

from aws_cdk import (
    Annotations,
    App,
    Duration,
    RemovalPolicy,
)
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from s3leader_cdk._cdk_facts import (
    Once,
    app_of,
    is_unresolved,
    made_in,
    name_of_runtime,
    principal_of,
    seconds,
)
from s3leader_cdk._election.candidate_environment import RESERVED
from s3leader_cdk._function.role import allow_network_interfaces, create_role
from s3leader_cdk._function_properties import FunctionProperties, check_names
from s3leader_cdk._handler import check
from s3leader_cdk._option_ranges import check_whole
from s3leader_cdk._option_types import checked_options
from s3leader_cdk._packaging.asset import list_job, listed_code, runtime_names
from s3leader_cdk._packaging.errors import unwrapped
from s3leader_cdk._packaging.folder_files import FolderFiles
from s3leader_cdk._packaging.platforms import Platform
from s3leader_cdk._packaging.requirements import Requirements, job_requirements
from s3leader_cdk._packaging.staging import ARCHITECTURE, PYTHON
from s3leader_cdk._packaging.warnings import warnings
from s3leader_cdk.metrics_output import check_environment

_DEFAULTS: Mapping[str, Any] = {
    "runtime": PYTHON,
    "architecture": ARCHITECTURE,
    "timeout": Duration.minutes(5),
    "memory_size": 512,
    "logging_format": lambda_.LoggingFormat.JSON,
    "description": "A singleton job: of its invocations, only the elected leader works",
}
_OWN = ("code", "handler", "requirements", "exclude", "handler_check")
_OF_OWN_LOG_GROUP = ("log_retention", "log_removal_policy")
_OF_CUSTOM_RESOURCE = ("log_retention_role", "log_retention_retry_options")

_output_of: Once[App, str] = Once(lambda app: app.outdir)
_name_of_architecture: Once[lambda_.Architecture, str] = Once(lambda each: each.name)


class JobFunction(lambda_.Function):
    """A `lambda_.Function` that is packaged with the runtime and calls a decorated handler.

    Takes every property of `lambda_.Function`. By default it runs Python 3.14 on arm64 with a
    timeout of 5 minutes, 512 MiB and JSON logs. Its role and log group are made beside it, as
    `<id>Role` and `<id>LogGroup`; the role may write to that log group alone.

    Args:
        code: the job's folder, shipped under its own name with the runtime library and all
            dependencies. Or a `Code` that contains all of that.
        handler: the decorated function, such as `billing.main.handler`. Or the import path of one
            without the decorator, such as `billing.main:work`: only an elected invocation imports
            it.
        requirements: the job's dependencies, which are installed for the function's runtime and
            architecture: a requirements file, as uv and Poetry export it, or a `pyproject.toml`.
            Default: the `requirements.txt` in the job's folder, else the `pyproject.toml` there.
            False: none.
        exclude: patterns as in .gitignore of what else in the folder is not shipped: `docs/`; or
            `!tests/` to ship tests after all. Default: what tools and tests leave is not shipped.
        handler_check: "error", "warn" or "off" for a handler whose source does not show whether it
            is decorated. A handler that is certainly not decorated is an error, and the function
            refuses to start with it. "off" disables both. Default: "warn".
        properties: of `lambda_.Function`. A `role` or `log_group` replaces the one made here;
            `log_retention` (default: one month) and `log_removal_policy` (default: RETAIN) are
            those of the log group made here.

    Raises:
        TypeError: for a property that `lambda_.Function` does not have.
        ValueError: for values that cannot work in a job.
    """

    @checked_options()
    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002 - the name that every construct uses
        *,
        code: str | Path | lambda_.Code,
        handler: str,
        requirements: str | Path | Literal[False] | None = None,
        exclude: Sequence[str] = (),
        handler_check: check.HandlerCheck = "warn",
        **properties: Unpack[FunctionProperties],
    ) -> None:
        check_names(properties, own=_OWN)
        asked = {name: value for name, value in properties.items() if value is not None}
        given: dict[str, Any] = {**_DEFAULTS, **asked}
        job = _list_files(scope, code, exclude)
        _check_properties(given)
        required = _required(requirements, job)
        given["code"] = code if job is None else _packaged(job, required, given)
        given["environment"] = _environment(given, handler, check.checked_mode(handler_check))
        given["log_group"] = log_group = _log_group(scope, id, given)
        given["role"] = role = given.get("role") or create_role(scope, id)
        # Lambda's managed policy allows writing to any log group; this role, only to its own.
        log_group.grant_write(role)
        if "vpc" in given:
            allow_network_interfaces(role)
        with unwrapped():
            super().__init__(
                scope,
                id,
                handler=check.ENTRY if check.uses_entry(handler, handler_check) else handler,
                **given,
            )
        made_in(scope, self)
        principal_of.set(self, role)
        self.own_log_group = log_group
        if job is None:
            check.check_function(self, self, handler, handler_check)
        else:
            self._check_files(job, Path(str(code)), handler, handler_check, given)
        for name, message in [] if required is None else required.warnings():
            Annotations.of(self).add_warning_v2(name, message)

    def _check_files(
        self,
        job: FolderFiles,
        folder: Path,
        handler: str,
        mode: check.HandlerCheck,
        given: Mapping[str, Any],
    ) -> None:
        python, platform = name_of_runtime(given["runtime"]), _platform(given)
        named = check.check_folder(self, folder, handler, mode, python=python)
        for each in (handler, named or handler):
            _check_handler_is_shipped(job, each)
        for name, message in warnings(
            job, python=platform.python, architecture=platform.architecture
        ):
            Annotations.of(self).add_warning_v2(name, message)


def _list_files(
    scope: Construct, code: str | Path | lambda_.Code, exclude: Sequence[str]
) -> FolderFiles | None:
    """Return what is shipped of a job's folder, None for a `Code`."""
    if not isinstance(code, lambda_.Code):
        root = app_of(scope)
        output = _output_of(root) if isinstance(root, App) else None
        return list_job(code, exclude=exclude, output=output)
    if isinstance(code, lambda_.InlineCode):
        raise ValueError(  # noqa: TRY004 - a Code is the right type, this one lacks the runtime
            "inline code cannot contain the runtime library: give the job's folder, or give"
            " SingletonJob a lambda_.Function, to which it adds the runtime as a layer"
        )
    if exclude:
        raise ValueError(
            "exclude was given with a Code, whose contents are fixed: exclude files there, or give"
            " the folder as code"
        )
    return None


def _required(
    given: str | Path | Literal[False] | None, job: FolderFiles | None
) -> Requirements | None:
    if job is not None:
        return job_requirements(given, job.folder)
    if given:
        raise ValueError(
            f"requirements {str(given)!r} was given with a Code, whose contents are fixed: install"
            " them there, or give the folder as code"
        )
    return None


def _packaged(
    job: FolderFiles, required: Requirements | None, given: Mapping[str, Any]
) -> lambda_.Code:
    if required is None:
        return listed_code(job)
    if is_unresolved(name_of_runtime(given["runtime"])):
        raise ValueError(
            f"{required.file} cannot be installed for a runtime that is known only at deployment:"
            " give one of lambda_.Runtime, or requirements=False"
        )
    return listed_code(job, required.on(_platform(given)))


def _platform(given: Mapping[str, Any]) -> Platform:
    python = name_of_runtime(given["runtime"]).removeprefix("python")
    return Platform(python=python, architecture=_name_of_architecture(given["architecture"]))


def _check_properties(given: Mapping[str, Any]) -> None:
    runtime, names = name_of_runtime(given["runtime"]), runtime_names()
    if runtime not in names and not is_unresolved(runtime):
        raise ValueError(
            f"runtime {runtime} cannot be used: the runtime library needs {', '.join(names)}"
        )
    refused = [name for name in _OF_CUSTOM_RESOURCE if name in given]
    if "log_group" in given:
        refused += [name for name in _OF_OWN_LOG_GROUP if name in given]
    if refused:
        raise ValueError(
            f"{' and '.join(refused)} cannot be used: retention is set on the log group that"
            " JobFunction makes, by log_retention and log_removal_policy; or on your own, given as"
            " log_group"
        )
    check_whole("memory_size", given["memory_size"], least=128, most=10_240)
    if not 1 <= seconds(given["timeout"]) <= 900:
        raise ValueError(
            f"timeout {seconds(given['timeout']):g} s cannot be used: give 1 s to 15 minutes"
        )


def _environment(
    given: Mapping[str, Any], handler: str, mode: check.HandlerCheck
) -> dict[str, str]:
    asked = given.get("environment", {})
    for name in asked:
        if name.startswith(RESERVED):
            raise ValueError(
                f"environment variable {name!r} is set by SingletonJob and LockBucket: leave it out"
                " and use their options, such as election and TakeoverOptions(lease=…)"
            )
    check_environment(asked)
    return {**asked, **({check.ENTRY_VARIABLE: handler} if check.uses_entry(handler, mode) else {})}


def _check_handler_is_shipped(job: FolderFiles, handler: str) -> None:
    module = handler.replace(":", ".").rpartition(".")[0].replace(".", "/")
    if not {f"{module}.py", f"{module}/__init__.py"} & {each.name for each in job.files}:
        # .gitignore needs the folders of a file to be included first.
        *folders, name = module.split("/")[1:]
        shipping = [*(f"!{each}/" for each in folders), f"!{name}.py"]
        raise ValueError(
            f"handler {handler!r} is in a module that is not shipped: exclude=[…] or a default"
            f" pattern, such as test_*.py, leaves it out; rename the module, or ship it by"
            f" exclude={shipping}"
        )


def _log_group(scope: Construct, function_id: str, given: dict[str, Any]) -> logs.ILogGroup:
    """Return the log group, and remove from `given` the properties that it consumes."""
    given_group: logs.ILogGroup | None = given.get("log_group")
    if given_group is not None:
        return given_group
    return logs.LogGroup(
        scope,
        f"{function_id}LogGroup",
        retention=given.pop("log_retention", logs.RetentionDays.ONE_MONTH),
        removal_policy=given.pop("log_removal_policy", RemovalPolicy.RETAIN),
    )
