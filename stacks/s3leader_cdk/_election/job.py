"""What jobs of all kinds have in common: metrics, monitoring and record of their election."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from s3leader_cdk._cdk_facts import made_in
from s3leader_cdk.contenders import Contenders
from s3leader_cdk.job_options import TakeoverOptions, TriggerOptions
from s3leader_cdk.job_record import JobRecord
from s3leader_cdk.lock_bucket import LockBucket
from s3leader_cdk.metrics import election_metric
from s3leader_cdk.monitoring import Monitoring
from s3leader_cdk.monitoring_options import MonitoringOptions


class ElectionJob(Construct):
    """A job of one election. A subclass sets the attributes, and then makes the children."""

    election: str
    lock_bucket: LockBucket
    regions: list[str]
    unprocessed: sqs.IQueue | None
    contenders: Contenders
    monitoring: Monitoring

    def __init__(self, scope: Construct, id: str) -> None:  # noqa: A002 - what every construct calls it
        super().__init__(scope, id)
        made_in(scope, self)

    def metric(
        self, name: str, *, period: Duration | None = None, statistic: str = "Sum"
    ) -> cloudwatch.Metric:
        """Return a metric of the election, such as `Completed`; see `election_metric`."""
        return election_metric(
            name,
            election=self.election,
            bucket=self.lock_bucket.bucket_name,
            period=period or Duration.minutes(1),
            statistic=statistic,
        )

    def _make_monitoring(
        self,
        trigger: TriggerOptions,
        takeover: TakeoverOptions,
        options: MonitoringOptions,
        interval: Duration | None,
        longest: Duration,
        *,
        function: lambda_.IFunction | None = None,
    ) -> Monitoring:
        """Return the child `Monitoring`. A term ends at most `longest` after it has begun."""
        options = options.with_default_expectation(interval, longest, trigger.flexible_window)
        return Monitoring(
            self,
            "Monitoring",
            election=self.election,
            bucket=self.lock_bucket.bucket_name,
            prefix=self.lock_bucket.prefix,
            function=function,
            contenders=trigger.contenders,
            continuations=takeover.max_continuations > 0,
            undelivered=self.contenders.undelivered,
            unprocessed=self.unprocessed,
            regions=self.regions,
            options=options if trigger.enabled else options.without("not_completed"),
        )

    def _make_record(
        self,
        takeover: TakeoverOptions,
        max_tick_age: Duration,
        log_group: logs.ILogGroup | None = None,
    ) -> JobRecord:
        """Return the child `Record`."""
        return JobRecord(
            self,
            "Record",
            election=self.election,
            lock_bucket=self.lock_bucket,
            contenders=self.contenders,
            unprocessed=self.unprocessed,
            monitoring=self.monitoring,
            log_group=log_group,
            lease=takeover.lease,
            max_tick_age=max_tick_age,
            regions=self.regions,
        )
