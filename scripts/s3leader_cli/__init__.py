"""The `s3leader` command shows elections and their history, and deposes holders. It never leads.

What it shows is one look: it may have changed before you have read it. All ages are by S3's clock,
never by this machine's.
"""
