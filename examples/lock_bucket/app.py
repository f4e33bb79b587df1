"""A lock bucket in a stack of its own, which outlives the jobs that use it."""

from aws_cdk import App, CfnOutput, Stack

from s3leader_cdk import LockBucket

app = App()
stack = Stack(app, "NewLocks")
CfnOutput(stack, "Name", value=LockBucket(stack, "Locks").bucket_name)
app.synth()
