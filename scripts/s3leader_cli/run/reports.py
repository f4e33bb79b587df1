"""The wrapper's own lines on standard error; everything else there is the command's."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime

from s3leader_cli.streams import print_error, printable


class Reports:
    """Prints one line per event: text, or JSON with `event`, `election`, `message` and `where`.

    The construct `LogMetrics` of s3leader_cdk makes metrics of the JSON lines.

    As text, only events that somebody has to know are printed, so that cron sends no mail for a
    command that ran. `quiet` also leaves out that the election was lost.
    """

    def __init__(
        self, election: str, *, where: Mapping[str, str | None], as_json: bool, quiet: bool
    ) -> None:
        self._identity = {"election": election} | {k: v for k, v in where.items() if v}
        self._json = as_json
        self._quiet = quiet

    def event(self, event: str, message: str, **facts: object) -> None:
        """Report an event for programs."""
        if self._json:
            shown = {"event": event, **self._identity, "message": message, **facts}
            print_error(json.dumps(shown))

    def loss(self, event: str, message: str, **facts: object) -> None:
        """Report a normal result that people may want to see."""
        if self._json or not self._quiet:
            self.problem(event, message, **facts)

    def problem(self, event: str, message: str, **facts: object) -> None:
        """Report what a person has to know."""
        if self._json:
            self.event(event, message, **facts)
        else:
            print_error(f"s3leader: {printable(message)}")

    @contextmanager
    def log(self) -> Iterator[None]:
        """Report the library's warnings as events, too."""
        logger, handler = logging.getLogger("s3leader"), _Handler(self)
        logger.addHandler(handler)
        try:
            yield
        finally:
            logger.removeHandler(handler)


class _Handler(logging.Handler):
    def __init__(self, reports: Reports) -> None:
        super().__init__(logging.WARNING)
        self._reports = reports

    def emit(self, record: logging.LogRecord) -> None:
        self._reports.problem("warning", record.getMessage())


def behind(tick: datetime | str | None, done: datetime | None) -> dict[str, float]:
    """Return the seconds from the latest completed tick to `tick` as a fact, if both are known."""
    if tick is None or done is None:
        return {}
    own = datetime.fromisoformat(tick) if isinstance(tick, str) else tick
    return {"behind_s": max(0.0, (own - done).total_seconds())}
