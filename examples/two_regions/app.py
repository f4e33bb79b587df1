"""Contenders in two Regions for one election, whose locks are in the first of them.

While either Region starts its contenders, every tick is worked for; those that wait take over from
a leader that is lost with its Region. S3 in the home Region decides: while it cannot be reached,
nobody is elected anywhere. Lambda tries a contender twice more, after one minute and two; the ticks
of a longer outage wait in the dead-letter queues.
"""

from pathlib import Path

from aws_cdk import App, Duration, Environment, Stack

from s3leader_cdk import LockBucket, SingletonJob

REGIONS = ["us-east-1", "eu-west-1"]
LOCKS = "acme-billing-locks"  # a name that no other bucket in the world has: choose your own

app = App()
home = Stack(app, "BillingHome", env=Environment(region=REGIONS[0]))
locks = LockBucket(home, "Locks", bucket_name=LOCKS)
for region in REGIONS:
    stack = Stack(app, f"Billing-{region}", env=Environment(region=region))
    SingletonJob(
        stack,
        "Nightly",
        election="nightly-billing",
        code=Path(__file__).parent / "billing",
        handler="billing.main.handler",
        schedule="cron(0 3 * * ? *)",
        lock_bucket=locks,
        lease=Duration.seconds(30),
        wait=Duration.minutes(4),  # of a timeout of five
        regions=REGIONS,
    )
app.synth()
