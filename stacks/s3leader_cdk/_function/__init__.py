"""The function of a job: an alias, a version, an image, of this stack or another."""
