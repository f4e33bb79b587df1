"""Checks in an AWS account what s3leader assumes of AWS: `scripts/acceptance --help`.

It deploys a throwaway stack, tries each assumption that docs/verification.md states, writes a
report, and destroys what it made. It creates nothing under a name that another program may use, and
deletes nothing but what it created.
"""
