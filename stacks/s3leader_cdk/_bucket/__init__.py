"""What guards the locks in their bucket: encryption, lifecycle rules and the bucket policy."""
