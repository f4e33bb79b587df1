"""Commands that act on a deployed job, whose names they read from its record."""
