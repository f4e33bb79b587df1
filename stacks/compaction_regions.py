"""The deployable example in several Regions: buckets at home, contenders everywhere."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import App, CfnOutput, Duration, Environment, RemovalPolicy, Stack
from aws_cdk import aws_s3 as s3
from constructs import Construct

from compaction_parts import (
    ELECTION,
    Adopted,
    compaction_job,
    create_data_bucket,
    import_bucket,
    removal,
    shared_bucket_name,
    shared_bucket_prefix,
)
from s3leader_cdk import LockBucket


class HomeStack(Stack):
    """The buckets, which every Region's contenders come to, as far as they are not there already.

    Children: `data`, `locks` (None where that bucket is adopted).

    Args:
        scope: the app.
        id: the stack's name.
        region: the home Region.
        throwaway: nothing is protected or kept when the stack goes. Default: False.
        history: how long superseded locks are kept. Default: as `LockBucket` has it.
        adopted: buckets that are there already, one at the most. Default: none.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002 - what every construct calls it
        *,
        region: str,
        throwaway: bool = False,
        history: Duration | None = None,
        adopted: Adopted | None = None,
    ) -> None:
        super().__init__(
            scope,
            id,
            env=Environment(region=region),
            description="s3leader: the buckets that contenders of several Regions share",
        )
        there = adopted or Adopted()
        # A first deployment that fails takes its empty buckets with it, so that their names are
        # free for the next one.
        kept = removal(throwaway=throwaway) is RemovalPolicy.RETAIN
        policy = RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE if kept else RemovalPolicy.DESTROY
        self.data: s3.Bucket | None = None
        self.locks: LockBucket | None = None
        if there.data_bucket is None:
            name = shared_bucket_name("data", region)
            self.data = create_data_bucket(self, policy, bucket_name=name)
        if there.lock_bucket is None:
            self.locks = LockBucket(
                self,
                "Locks",
                bucket_name_prefix=shared_bucket_prefix("locks"),
                history=history,
                protect=kept,
                removal_policy=policy,
            )
        names = bucket_names(there, region)
        CfnOutput(self, "LockBucketName", value=names["locks"])
        CfnOutput(self, "DataBucketName", value=names["data"])
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
        adopted: buckets of the home Region that were there already. Default: those of `HomeStack`.
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
        adopted: Adopted | None = None,
    ) -> None:
        super().__init__(
            scope,
            id,
            env=Environment(region=region),
            description=f"s3leader: contenders of {region}, for singleton compaction",
        )
        home, there = regions[0], adopted or Adopted()
        names = bucket_names(there, home)
        data = import_bucket(self, "Data", names["data"], region=home, key=there.data_bucket_key)
        key = there.lock_bucket_key
        locks = import_bucket(self, "SharedLocks", names["locks"], region=home, key=key)
        self.job = compaction_job(
            self,
            data=data,
            locks=LockBucket(self, "Locks", bucket=locks),
            schedule=schedule,
            contenders=contenders,
            removal_policy=removal(throwaway=throwaway),
            regions=regions,
        )
        CfnOutput(self, "FunctionName", value=self.job.function.function_name)
        CfnOutput(self, "LockBucketName", value=names["locks"])
        CfnOutput(self, "DataBucketName", value=names["data"])


def bucket_names(adopted: Adopted, home: str) -> dict[str, str]:
    """Return the names of both buckets of the home Region."""
    return {
        "locks": adopted.lock_bucket or shared_bucket_name("locks", home),
        "data": adopted.data_bucket or shared_bucket_name("data", home),
    }


def compose_regions(
    app: App,
    name: str,
    *,
    regions: Sequence[str],
    schedule: str,
    contenders: int,
    throwaway: bool,
    history: Duration | None,
    adopted: Adopted,
) -> tuple[list[HomeStack], list[RegionStack]]:
    """Add the stack of the home Region's buckets, and one of contenders for each Region.

    Where both buckets are adopted there is no stack of buckets.
    """
    if adopted.lock_bucket is not None and history is not None:
        raise ValueError(
            f"history of {history.to_days():g} days was given with lock_bucket"
            f" {adopted.lock_bucket!r}, whose lifecycle rules stay as they are: leave it out"
        )
    homes = []
    if adopted.lock_bucket is None or adopted.data_bucket is None:
        home = HomeStack(
            app,
            f"{name}-home",
            region=regions[0],
            throwaway=throwaway,
            history=history,
            adopted=adopted,
        )
        homes.append(home)
    stacks = [
        RegionStack(
            app,
            f"{name}-{region}",
            region=region,
            regions=regions,
            schedule=schedule,
            contenders=contenders,
            throwaway=throwaway,
            adopted=adopted,
        )
        for region in regions
    ]
    for stack in stacks:
        for home in homes:
            stack.add_stack_dependency(home, "the buckets must be there first")
    return homes, stacks
