"""`scripts/bench`: what elections cost, beside the least that S3 allows.

Everything is measured against one stub of S3, in a process of its own, which counts requests as
they arrive. Other libraries need DynamoDB, too: there the stub's front stands before an emulator,
for them and for s3leader. Variants are measured in alternating rounds, and a ratio compares two
variants of one round, so that other load on the machine meets both. CPU is the process time of the
client alone.

Not measured: TLS, Amazon's own servers, and how their latency varies.
"""
