"""Check that the metrics that a function prints reach CloudWatch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jsii
from aws_cdk import TreeInspector
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import IConstruct, IValidation

from s3leader_cdk._cdk_facts import (
    Once,
    is_unresolved,
    node_of,
    notes_of,
    resource_of,
    resources_in,
    stack_of,
)

_LEVELS_WITH_METRICS = frozenset({"TRACE", "DEBUG", "INFO"})
_TRUE = frozenset({"1", "y", "yes", "t", "true", "on"})  # as Powertools reads it
_SWITCHES = ("POWERTOOLS_METRICS_DISABLED", "POWERTOOLS_DEV")

# A struct, whose values are read one by one.
logging_config_of: Once[lambda_.CfnFunction, object] = Once(lambda each: each.logging_config)


def check_function(function: lambda_.IFunction) -> None:
    """Raise `ValueError` if the metrics that `function` prints would be dropped.

    Metrics are log lines (embedded metric format) without a level, which Lambda treats as INFO.
    `system_log_level` does not matter: it filters Lambda's own lines, which have no metrics. The
    environment is checked at synth, since variables may be added until then.
    """
    resource = resource_of(function)
    if not isinstance(resource, lambda_.CfnFunction) or "metrics_checked" in notes_of(function):
        return
    _check_logging(function, resource)
    node_of(function).add_validation(_EnvironmentCheck(function))
    notes_of(function)["metrics_checked"] = True


def _check_logging(function: lambda_.IFunction, resource: lambda_.CfnFunction) -> None:
    config = logging_config_of(resource)
    if not isinstance(config, lambda_.CfnFunction.LoggingConfigProperty):
        return
    level = config.application_log_level
    if level is not None and not is_unresolved(level) and level not in _LEVELS_WITH_METRICS:
        raise ValueError(
            f"function {function.node.path} has the application log level {level}, at which"
            " Lambda drops the election's metrics, and no alarm sees them: give it INFO, and set"
            " the level of the job's own logger in its code"
        )
    if config.log_group is not None and not _is_standard(function, config.log_group):
        check_log_class(function, config.log_group, kind="function")


def _is_standard(function: lambda_.IFunction, name: str) -> bool:
    """Return whether a function made here logs to a group of its own, of the usual class.

    This answers without a search in the whole stack, which has as many groups as jobs.
    """
    group: logs.ILogGroup | None = getattr(function, "own_log_group", None)
    if group is None or group.log_group_name != name:
        return False
    resource = resource_of(group)
    usual = {None, "STANDARD"}
    return isinstance(resource, logs.CfnLogGroup) and resource.log_group_class in usual


def check_environment(environment: Mapping[str, str] | None) -> None:
    """Raise `ValueError` if `environment` switches the metrics of Powertools off."""
    for name in _SWITCHES:
        value = (environment or {}).get(name, "")
        if value.lower() in _TRUE:
            raise ValueError(
                f"environment variable {name} is {value!r}, with which the election's metrics are"
                " not printed, and no alarm sees them: leave it out"
            )


@jsii.implements(IValidation)
class _EnvironmentCheck:
    def __init__(self, function: lambda_.IFunction) -> None:
        self._function = function

    def validate(self) -> list[str]:
        """Return errors for CDK to report."""
        variables = variables_of(self._function)
        known = {name: each for name, each in variables.items() if isinstance(each, str)}
        try:
            check_environment(known)
        except ValueError as error:
            return [str(error)]
        return []


def variables_of(function: lambda_.IFunction) -> Mapping[str, Any]:
    """Return the environment of a function, if this app makes it, with its tokens resolved."""
    resource = resource_of(function)
    if not isinstance(resource, lambda_.CfnFunction):
        return {}
    # `resource.environment` is lazy, and jsii turns it into an empty struct. An inspector keeps the
    # value on the JavaScript side, where it can be resolved.
    inspector = TreeInspector()
    resource.inspect(inspector)
    attributes = stack_of(function).resolve(inspector)["attributes"]
    environment = attributes["aws:cdk:cloudformation:props"].get("environment") or {}
    variables: Mapping[str, Any] = environment.get("variables") or {}
    return variables


def check_log_class(writer: IConstruct, name: str, *, kind: str) -> None:
    """Raise `ValueError` if the log group `name` is of a class without metrics."""
    stack = stack_of(writer)
    wanted = stack.resolve(name)
    for group in resources_in(stack, "AWS::Logs::LogGroup"):
        if not isinstance(group, logs.CfnLogGroup):
            continue
        kept_as = group.log_group_class
        if kept_as not in {None, "STANDARD"} and stack.resolve(group.ref) == wanted:
            raise ValueError(
                f"{kind} {writer.node.path} logs to {group.node.path} of class"
                f" {kept_as}, from which CloudWatch takes no metrics, and no alarm"
                " sees them: give it a log group of class STANDARD"
            )
