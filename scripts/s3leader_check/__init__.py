"""The long checks: real processes against a hostile S3, and leaders killed on a real one.

Run from the project's root: `python -m s3leader_check.hostile`, `python -m s3leader_check.kills`.
Each prints what it claims, and ends with 1 if anything speaks against a claim.
"""
