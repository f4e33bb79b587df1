"""The deployable example in several Regions: buckets at home, contenders everywhere."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import App, CfnOutput, Duration, Environment, Stack
from aws_cdk import aws_s3 as s3
from constructs import Construct

from compaction_parts import (
    ELECTION,
    compaction_job,
    create_data_bucket,
    removal,
    shared_bucket_name,
)
from s3leader_cdk import LockBucket


class HomeStack(Stack):
    """The buckets, which every Region's contenders come to.

    Children: `data`, `locks`.

    Args:
        scope: the app.
        id: the stack's name.
        region: the home Region.
        throwaway: nothing is protected or kept when the stack goes. Default: False.
        history: how long superseded locks are kept. Default: as `LockBucket` has it.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002 - what every construct calls it
        *,
        region: str,
        throwaway: bool = False,
        history: Duration | None = None,
    ) -> None:
        super().__init__(
            scope,
            id,
            env=Environment(region=region),
            description="s3leader: the buckets that contenders of several Regions share",
        )
        removal_policy = removal(throwaway=throwaway)
        self.data = create_data_bucket(
            self, removal_policy, bucket_name=shared_bucket_name("data", region)
        )
        self.locks = LockBucket(
            self,
            "Locks",
            bucket_name=shared_bucket_name("locks", region),
            history=history,
            protect=not throwaway,
            removal_policy=removal_policy,
        )
        CfnOutput(self, "LockBucketName", value=self.locks.bucket_name)
        CfnOutput(self, "DataBucketName", value=self.data.bucket_name)
        CfnOutput(self, "ElectionName", value=ELECTION)


class RegionStack(Stack):
    """One Region's contenders, which know the buckets by name and need nothing else of a stack.

    Children: `job`.

    Args:
        scope: the app.
        id: the stack's name.
        region: where it goes.
        regions: where such stacks go, the home Region first.
        schedule: when to compact, the same everywhere.
        contenders: how many invocations each tick starts in this Region.
        throwaway: nothing is kept when the stack goes. Default: False.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002 - what every construct calls it
        *,
        region: str,
        regions: Sequence[str],
        schedule: str,
        contenders: int,
        throwaway: bool = False,
    ) -> None:
        super().__init__(
            scope,
            id,
            env=Environment(region=region),
            description=f"s3leader: contenders of {region}, for singleton compaction",
        )
        home = regions[0]
        self.job = compaction_job(
            self,
            data=self._shared("Data", "data", home),
            locks=LockBucket(self, "Locks", bucket=self._shared("SharedLocks", "locks", home)),
            schedule=schedule,
            contenders=contenders,
            removal_policy=removal(throwaway=throwaway),
            regions=regions,
        )
        CfnOutput(self, "FunctionName", value=self.job.function.function_name)

    def _shared(self, construct_id: str, kind: str, home: str) -> s3.IBucket:
        return s3.Bucket.from_bucket_attributes(
            self, construct_id, bucket_name=shared_bucket_name(kind, home), region=home
        )


def compose_regions(
    app: App,
    name: str,
    *,
    regions: Sequence[str],
    schedule: str,
    contenders: int,
    throwaway: bool,
    history: Duration | None,
) -> tuple[HomeStack, list[RegionStack]]:
    """Add the stack of the home Region's buckets, and one of contenders for each Region."""
    home = HomeStack(app, f"{name}-home", region=regions[0], throwaway=throwaway, history=history)
    stacks = [
        RegionStack(
            app,
            f"{name}-{region}",
            region=region,
            regions=regions,
            schedule=schedule,
            contenders=contenders,
            throwaway=throwaway,
        )
        for region in regions
    ]
    for stack in stacks:
        stack.add_stack_dependency(home, "the buckets must be there first")
    return home, stacks
