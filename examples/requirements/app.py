"""A job with dependencies: the requirements.txt in its folder is installed for Lambda.

Its handler is an import path, so only an elected invocation imports the dependencies.
"""

from pathlib import Path

from aws_cdk import App, Stack
from aws_cdk import aws_lambda as lambda_

from s3leader_cdk import JobFunction, LockBucket, SingletonJob

app = App()
stack = Stack(app, "Invoices")
SingletonJob(
    stack,
    "Monthly",
    election="monthly-invoices",
    function=JobFunction(
        stack,
        "Function",
        code=Path(__file__).parent / "invoices",
        handler="invoices.main:bill",
        runtime=lambda_.Runtime.PYTHON_3_13,
        architecture=lambda_.Architecture.X86_64,
    ),
    schedule="cron(0 6 1 * ? *)",
    lock_bucket=LockBucket(stack, "Locks"),
)
app.synth()
