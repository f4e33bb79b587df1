"""A stub of S3 with correct conditional writes, and a front that counts and delays requests."""
