"""A container as a singleton: a task on Fargate, each hour, of which two are started and one works.

If the one that works dies, the other takes over, since it waits for longer than the lease.
"""

from pathlib import Path

from aws_cdk import App, Duration, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs

from s3leader_cdk import LockBucket, SingletonTask, TakeoverOptions

IMAGE = Path(__file__).parent / "image"

app = App()
stack = Stack(app, "Report")
vpc = ec2.Vpc(stack, "Vpc", max_azs=2, nat_gateways=0)
task = ecs.FargateTaskDefinition(stack, "Task", cpu=256, memory_limit_mib=512)
task.add_container(
    "report",
    image=ecs.ContainerImage.from_asset(str(IMAGE)),
    command=["s3leader", "run", "hourly-report", "--json", "--", "./report.sh"],
    logging=ecs.LogDrivers.aws_logs(stream_prefix="report"),
    stop_timeout=Duration.seconds(60),
)
SingletonTask(
    stack,
    "Hourly",
    election="hourly-report",
    schedule="rate(1 hour)",
    lock_bucket=LockBucket(stack, "Locks"),
    task_definition=task,
    cluster=ecs.Cluster(stack, "Cluster", vpc=vpc),
    takeover=TakeoverOptions(lease=Duration.seconds(30), wait=Duration.minutes(10)),
    vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PUBLIC),
)
app.synth()
