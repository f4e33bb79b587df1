"""The CDK app of the throwaway stack. Its context is `stack` (the name), `code` and `fast`."""

from __future__ import annotations

import json
from dataclasses import dataclass

from aws_cdk import App, CfnOutput, Duration, RemovalPolicy, Stack, Tags
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from constructs import Construct

from s3leader_acceptance.app_names import COMMAND, FENCED, PROBED, election_of
from s3leader_cdk import (
    JobFunction,
    LockBucket,
    LogMetrics,
    MonitoringOptions,
    SingletonJob,
    TakeoverOptions,
    TriggerOptions,
    grant_fenced,
)

TAG = "s3leader-acceptance"
_NEVER = "at(2099-01-01T00:00:00)"


@dataclass(frozen=True, kw_only=True)
class _Job:
    """What differs from job to job; times are in seconds."""

    timeout: int
    schedule: str = _NEVER
    trigger: TriggerOptions = TriggerOptions(enabled=False)  # noqa: RUF009 - it is frozen
    takeover: TakeoverOptions = TakeoverOptions()  # noqa: RUF009 - the same
    dashboard: bool = False


def _jobs(*, fast: bool) -> dict[str, _Job]:
    soon = TakeoverOptions(lease=Duration.seconds(5), wait=Duration.seconds(25))
    ticks = TriggerOptions(contenders=2, flexible_window=Duration.minutes(1))
    return {
        # The checks set its schedules themselves where one need not wait for a whole minute.
        "Ticks": _Job(
            timeout=30,
            schedule=_NEVER if fast else "cron(* * * * ? *)",
            trigger=ticks,
            dashboard=True,
        ),
        "Failing": _Job(timeout=30),
        # Long enough for a cold start, also on a busy machine: it has to lead before it is ended.
        "Overrun": _Job(timeout=12),
        "Killed": _Job(timeout=40, takeover=soon),
        "Legs": _Job(
            timeout=120,
            takeover=TakeoverOptions(lease=Duration.seconds(30), max_continuations=30),
        ),
    }


class AcceptanceStack(Stack):
    """One bucket, five jobs with an election each, and roles to try permissions with."""

    def __init__(self, scope: Construct, name: str, *, code: str, fast: bool) -> None:
        """Create everything; nothing is retained when the stack is deleted."""
        super().__init__(scope, name)
        Tags.of(self).add(TAG, name)
        self._code = code
        # Not a bucket that LockBucket makes: such a one is protected only if it is retained.
        self.bucket = s3.Bucket(
            self,
            "Bucket",
            enforce_ssl=True,
            encryption=s3.BucketEncryption.S3_MANAGED,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            removal_policy=RemovalPolicy.DESTROY,
        )
        self.locks = LockBucket(self, "Locks", bucket=self.bucket, history=Duration.days(2))
        self._output("Bucket", self.bucket.bucket_name)
        self._output("Control", self._control_bucket().bucket_name)
        jobs = {each: self._job(each, how) for each, how in _jobs(fast=fast).items()}
        self._roles(jobs["Overrun"])
        self._log_metrics()

    def _control_bucket(self) -> s3.Bucket:
        """Return a bucket with another rule, which shows whether the cloud sets such rules."""
        return s3.Bucket(
            self,
            "Control",
            enforce_ssl=True,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            lifecycle_rules=[s3.LifecycleRule(id="control", expiration=Duration.days(1))],
            removal_policy=RemovalPolicy.DESTROY,
        )

    def _output(self, name: str, value: str) -> None:
        CfnOutput(self, f"{name}Output", value=value).override_logical_id(name)

    def _job(self, name: str, how: _Job) -> SingletonJob:
        function = JobFunction(
            self,
            f"{name}Function",
            code=self._code,
            handler="job.main.handler",
            timeout=Duration.seconds(how.timeout),
            log_removal_policy=RemovalPolicy.DESTROY,
            log_retention=logs.RetentionDays.ONE_DAY,
        )
        self.bucket.grant_put(function, "heartbeats/*")
        job = SingletonJob(
            self,
            name,
            election=election_of(self.stack_name, name),
            schedule=how.schedule,
            lock_bucket=self.locks,
            function=function,
            trigger=how.trigger,
            takeover=how.takeover,
            monitoring=MonitoringOptions(dashboard=how.dashboard),
        )
        assert job.unprocessed is not None  # noqa: S101 - it has no destination of its own
        self._output(f"{name}Function", function.function_name)
        self._output(f"{name}Log", function.log_group.log_group_name)
        self._output(f"{name}Unprocessed", job.unprocessed.queue_url)
        self._output(f"{name}Undelivered", job.contenders.undelivered.queue_url)
        self._output(f"{name}Group", job.contenders.group.schedule_group_name)
        for alarm in ("failed", "unprocessed"):
            self._output(
                f"{name}{alarm.capitalize()}Alarm", job.monitoring.alarms[alarm].alarm_name
            )
        return job

    def _roles(self, job: SingletonJob) -> None:
        caller = iam.AccountRootPrincipal()
        roles = {
            name: iam.Role(self, f"{name}Role", assumed_by=caller)
            for name in ("Candidate", "Writer", "Everything", "Nothing")
        }
        self.locks.grant_candidate(
            roles["Candidate"], election=election_of(self.stack_name, PROBED)
        )
        grant_fenced(self.bucket, roles["Writer"], key=FENCED)
        roles["Everything"].add_to_policy(
            iam.PolicyStatement(
                actions=["s3:*"],
                resources=[self.bucket.bucket_arn, self.bucket.arn_for_objects("*")],
            )
        )
        for name, role in roles.items():
            self._output(f"{name}Role", role.role_arn)
        # It may not invoke the function, so its schedule's event goes to the queue.
        scheduler = iam.Role(
            self, "PowerlessRole", assumed_by=iam.ServicePrincipal("scheduler.amazonaws.com")
        )
        job.contenders.undelivered.grant_send_messages(scheduler)
        self._output("PowerlessRole", scheduler.role_arn)

    def _log_metrics(self) -> None:
        group = logs.LogGroup(
            self,
            "Commands",
            retention=logs.RetentionDays.ONE_DAY,
            removal_policy=RemovalPolicy.DESTROY,
        )
        LogMetrics(
            self,
            "CommandMetrics",
            log_group=group,
            election=election_of(self.stack_name, COMMAND),
            bucket=self.bucket.bucket_name,
        )
        self._output("CommandsLog", group.log_group_name)


def main() -> None:
    """Synthesize the app."""
    app = App()
    context = {name: app.node.try_get_context(name) for name in ("stack", "code", "fast")}
    AcceptanceStack(
        app, context["stack"], code=context["code"], fast=json.loads(str(context["fast"]).lower())
    )
    app.synth()


if __name__ == "__main__":
    main()
