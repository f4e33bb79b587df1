"""The checks, and why some assumptions have none."""
