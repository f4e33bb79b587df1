"""The `s3leader` command shows elections and their history, deposes holders, and runs any command
as a singleton. Only `s3leader run` ever leads.

What it shows is one look: it may have changed before you have read it. All ages are by S3's clock,
never by this machine's.
"""
