"""Contenders in two Regions for one election, whose locks are in the first Region.

As long as either Region starts its contenders, every tick is led; waiting contenders take over from
a leader that is lost with its Region. While S3 in the home Region cannot be reached, nobody is
elected in any Region. Lambda retries a contender twice, after one minute and two; the ticks of a
longer outage wait in the dead-letter queues.
"""

import os
from pathlib import Path

from aws_cdk import App, Duration, Environment, Stack

from s3leader_cdk import JobFunction, LockBucket, SingletonJob, TakeoverOptions

CODE = Path(__file__).parent / "billing"
REGIONS = ["us-east-1", "eu-west-1"]
ACCOUNT = os.environ.get("CDK_DEFAULT_ACCOUNT", "111122223333")  # set by the CLI

app = App()
home = Stack(app, "BillingHome", env=Environment(account=ACCOUNT, region=REGIONS[0]))
# Both Regions know the name, acme-billing-locks-<account>-us-east-1-an. No other account can take
# it.
locks = LockBucket(home, "Locks", bucket_name_prefix="acme-billing-locks")
for region in REGIONS:
    stack = Stack(app, f"Billing-{region}", env=Environment(account=ACCOUNT, region=region))
    SingletonJob(
        stack,
        "Nightly",
        election="nightly-billing",
        function=JobFunction(stack, "Function", code=CODE, handler="billing.main.handler"),
        schedule="cron(0 3 * * ? *)",
        lock_bucket=locks,
        # The function's timeout is five minutes.
        takeover=TakeoverOptions(lease=Duration.seconds(30), wait=Duration.minutes(4)),
        regions=REGIONS,
    )
app.synth()
