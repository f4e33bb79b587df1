"""The long checks: real processes against a hostile S3, and leaders killed on a real one.

Run from the project's root: `python -m tests.verification.fault_injection`,
`python -m tests.verification.kills`.
Each prints what it claims, and ends with 1 if anything speaks against a claim.
"""
