"""The deployable example in several Regions: buckets in the home Region, contenders in each."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import App, Aws, CfnOutput, Environment, RemovalPolicy, Stack
from aws_cdk import aws_s3 as s3
from constructs import Construct

from compaction_parts import (
    ELECTION,
    CompactionOptions,
    ExistingBuckets,
    compaction_job,
    create_data_bucket,
    import_bucket,
)
from s3leader_cdk import LockBucket
from s3leader_cdk._bucket.new_bucket import account_regional_name

_PREFIX = "s3leader-compaction"


class HomeStack(Stack):
    """The buckets that every Region's contenders use, unless they exist already.

    Children: `data`, `locks` (None if that bucket exists already).

    Args:
        scope: the app.
        id: the stack's name.
        region: the home Region.
        options: of the example; at most one bucket exists already.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002 - the name that every construct uses
        *,
        region: str,
        options: CompactionOptions,
    ) -> None:
        super().__init__(
            scope,
            id,
            env=Environment(region=region),
            description="s3leader: the buckets that contenders of several Regions share",
        )
        # A first deployment that fails deletes its empty buckets, so that their names are free for
        # the next one.
        kept = RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE
        policy = options.removal_policy if options.throwaway else kept
        self.data: s3.Bucket | None = None
        self.locks: LockBucket | None = None
        names = bucket_names(options.existing, region)
        if options.existing.data_bucket is None:
            self.data = create_data_bucket(self, policy, bucket_name=names["data"])
        if options.existing.lock_bucket is None:
            self.locks = LockBucket(
                self,
                "Locks",
                bucket_name_prefix=f"{_PREFIX}-locks",
                history=options.history,
                protect=not options.throwaway,
                removal_policy=policy,
            )
        CfnOutput(self, "LockBucketName", value=names["locks"])
        CfnOutput(self, "DataBucketName", value=names["data"])
        CfnOutput(self, "ElectionName", value=ELECTION)


class RegionStack(Stack):
    """One Region's contenders. It knows the buckets by name and needs no other stack's values.

    Children: `job`.

    Args:
        scope: the app.
        id: the stack's name.
        region: the stack's Region.
        regions: all Regions with such a stack, the home Region first.
        options: of the example, the same in every Region.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002 - the name that every construct uses
        *,
        region: str,
        regions: Sequence[str],
        options: CompactionOptions,
    ) -> None:
        super().__init__(
            scope,
            id,
            env=Environment(region=region),
            description=f"s3leader: contenders of {region}, for singleton compaction",
        )
        home, existing = regions[0], options.existing
        names = bucket_names(existing, home)
        data = import_bucket(self, "Data", names["data"], region=home, key=existing.data_bucket_key)
        locks = import_bucket(
            self, "SharedLocks", names["locks"], region=home, key=existing.lock_bucket_key
        )
        self.job = compaction_job(
            self,
            data=data,
            locks=LockBucket(self, "Locks", bucket=locks),
            options=options,
            regions=regions,
        )
        CfnOutput(self, "FunctionName", value=self.job.function.function_name)
        CfnOutput(self, "LockBucketName", value=names["locks"])
        CfnOutput(self, "DataBucketName", value=names["data"])


def bucket_names(existing: ExistingBuckets, home: str) -> dict[str, str]:
    """Return the names of both buckets of the home Region, which all stacks know.

    No other account can take those of new buckets: see docs/decisions/0014.
    """

    def new(kind: str) -> str:
        return account_regional_name(f"{_PREFIX}-{kind}", Aws.ACCOUNT_ID, home)

    return {
        "locks": existing.lock_bucket or new("locks"),
        "data": existing.data_bucket or new("data"),
    }


def compose_regions(
    app: App, name: str, *, regions: Sequence[str], options: CompactionOptions
) -> list[Stack]:
    """Add the stack of the home Region's buckets, and one stack of contenders for each Region.

    If both buckets exist already there is no stack of buckets.
    """
    existing, history = options.existing, options.history
    if existing.lock_bucket is not None and history is not None:
        raise ValueError(
            f"history of {history.to_days():g} days was given with lock_bucket"
            f" {existing.lock_bucket!r}, whose lifecycle rules are not changed: leave it out"
        )
    homes: list[Stack] = []
    if existing.lock_bucket is None or existing.data_bucket is None:
        homes.append(HomeStack(app, f"{name}-home", region=regions[0], options=options))
    stacks: list[Stack] = [
        RegionStack(app, f"{name}-{region}", region=region, regions=regions, options=options)
        for region in regions
    ]
    for stack in stacks:
        for home in homes:
            stack.add_stack_dependency(home, "the buckets must exist first")
    return [*homes, *stacks]
