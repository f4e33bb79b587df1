"""What stops the demo."""


class DemoError(Exception):
    """The demo could not go on; the message says why."""
