"""The `s3leader` command: look at an election, read its ledger, depose a holder.

What it does not do: lead. And a look is only a look: what it shows may have changed before you
have read it. All ages are by S3's clock, never this machine's.
"""
