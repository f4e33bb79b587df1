"""The record of a deployed job, by which the command `s3leader` finds it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from aws_cdk import Annotations, Duration, Stack
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from s3leader_cdk._cdk_facts import (
    Once,
    arn_of_function,
    arn_of_queue,
    is_unresolved,
    made_in,
    path_of,
    place_at_deployment,
    place_of,
    resource_of,
    seconds,
    stack_of,
)
from s3leader_cdk._election.names import checked_election, shortened
from s3leader_cdk._function.underlying import underlying_function
from s3leader_cdk._option_types import checked_options, instance
from s3leader_cdk.contender_targets import FunctionTarget, TaskTarget
from s3leader_cdk.contenders import Contenders
from s3leader_cdk.lock_bucket import LockBucket
from s3leader_cdk.metrics_output import logging_config_of
from s3leader_cdk.monitoring import Monitoring

VERSION = 1
_FOLDER = "/s3leader"
_MOST_LEVELS = 15  # of a parameter's name
_DIGITS = 16  # of the job's own part of the name: with the longest election it still fits


class JobRecord(Construct):
    """An SSM parameter with the names of a job's resources in this Region.

    `s3leader trigger`, `pause`, `resume`, `redrive`, `logs` and `alarms` read it. It holds no
    secret. Its name is `/s3leader/<election>/`, followed by a hash of the stack's name and the
    construct's path. An election of more than 13 segments has no record, since names of parameters
    have at most 15: there is a warning at synth, and the commands then take `--function`.

    Children: `parameter`, None if there is no record.

    Args:
        election: the name of the job's election.
        lock_bucket: where it is held.
        contenders: the schedules, and what they start.
        unprocessed: the queue of events that the function gave up on. Default: none.
        monitoring: the alarms. Default: none.
        log_group: of the contenders. Default: that of the function, if it was
            given one; otherwise the commands ask Lambda.
        lease: how long a lock stays good. Default: the command's own default.
        max_tick_age: how old a tick may be when a term for it begins. Default: not known.
        regions: all Regions with a job that contends in this election. Default: this one alone.
    """

    @checked_options(
        lock_bucket=instance("a LockBucket, such as LockBucket(stack, 'Locks')", LockBucket),
        contenders=instance("Contenders, such as job.contenders", Contenders),
        monitoring=instance("a Monitoring, such as job.monitoring", Monitoring),
    )
    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002 - the name that every construct uses
        *,
        election: str,
        lock_bucket: LockBucket,
        contenders: Contenders,
        unprocessed: sqs.IQueue | None = None,
        monitoring: Monitoring | None = None,
        log_group: logs.ILogGroup | None = None,
        lease: Duration | None = None,
        max_tick_age: Duration | None = None,
        regions: Sequence[str] = (),
    ) -> None:
        super().__init__(scope, id)
        made_in(scope, self)
        self._locks, self._contenders = lock_bucket, contenders
        name = checked_election(election, prefix=lock_bucket.prefix)
        started = self._started_resource()
        durations = {"lease": lease, "max_tick_age": max_tick_age}
        if log_group is not None:
            started["log_group"] = log_group.log_group_name
        record = {
            "version": VERSION,
            "election": name,
            "bucket": lock_bucket.bucket_name,
            "prefix": lock_bucket.prefix,
            "home": self._home(),
            "regions": [*regions],
            **started,
            "group": contenders.group.schedule_group_name,
            "schedules": contenders.named_expressions(),
            "queues": _arns({"undelivered": contenders.undelivered, "unprocessed": unprocessed}),
            "alarms": {} if monitoring is None else _names(monitoring),
            **{each: seconds(given) for each, given in durations.items() if given is not None},
        }
        self.parameter = self._create(name, record)

    def _create(self, election: str, record: Mapping[str, Any]) -> ssm.StringParameter | None:
        name = f"{_FOLDER}/{election}/{self._own_part()}"
        levels = name.count("/")
        if levels > _MOST_LEVELS:
            Annotations.of(self).add_warning_v2(
                "s3leader:no-record",
                f"election {shortened(election)} has {election.count('/') + 1} segments, so its job"
                f" has no record, because the name of a parameter has at most {_MOST_LEVELS}: give"
                " `s3leader trigger`, `pause` and the others --function, or shorten the election",
            )
            return None
        return ssm.StringParameter(
            self,
            "Parameter",
            parameter_name=name,
            description=f"Where the job of election {shortened(election)} is; read by s3leader",
            string_value=stack_of(self).to_json_string(record),
            # The names of many alarms may take more than the 4 KB of a standard parameter. Only
            # then is it an advanced one, which has a price.
            tier=ssm.ParameterTier.INTELLIGENT_TIERING,
        )

    def _own_part(self) -> str:
        # An app may be deployed twice, in stacks of two names. A nested stack's own name is known
        # only at deployment, so the outermost stack's is taken.
        text = f"{_outermost_name_of(stack_of(self))}\n{path_of(self)}"
        return hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]

    def _home(self) -> str:
        """Return the lock bucket's Region."""
        region = place_of(self._locks.bucket).region
        # A Region that is not known at synth is taken to be that of this stack.
        return place_at_deployment().region if is_unresolved(region) else region

    def _started_resource(self) -> dict[str, Any]:
        """Return what the schedules start."""
        target = self._contenders.target
        if isinstance(target, FunctionTarget):
            return _of_function(target.function)
        if isinstance(target, TaskTarget):
            return {
                "task": {
                    "cluster": target.cluster.cluster_arn,
                    "definition": target.task_definition.task_definition_arn,
                    "container": target.container,
                }
            }
        return {}


def _outermost_name(stack: Stack) -> str:
    while stack.nested_stack_parent is not None:
        stack = stack.nested_stack_parent
    return stack.stack_name


_outermost_name_of: Once[Stack, str] = Once(_outermost_name)


def _of_function(function: lambda_.IFunction) -> dict[str, Any]:
    found: dict[str, Any] = {"function": arn_of_function(function)}
    underlying = underlying_function(function)
    if underlying is None:
        return found
    timeout = underlying.timeout
    if timeout is not None:
        found["timeout"] = seconds(timeout)
    resource = resource_of(underlying)
    config = logging_config_of(resource) if isinstance(resource, lambda_.CfnFunction) else None
    # Not `function.log_group`, which makes a custom resource if there is none.
    if isinstance(config, lambda_.CfnFunction.LoggingConfigProperty) and config.log_group:
        found["log_group"] = config.log_group
    return found


def _arns(queues: Mapping[str, sqs.IQueue | None]) -> dict[str, str]:
    return {name: arn_of_queue(queue) for name, queue in queues.items() if queue is not None}


def _names(monitoring: Monitoring) -> dict[str, str]:
    return {name: alarm.alarm_name for name, alarm in monitoring.alarms.items()}
